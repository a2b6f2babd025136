# SPDX-License-Identifier: BSD-2-Clause
"""A million replies, of which no timestamp goes backwards, and as many
requests that are wrong in chance places."""

import os

import pytest

os.environ.setdefault("GNOMON_REPLIES", "1000000")
pytest.register_assert_rewrite("test_conformance")

# pylint: disable=wrong-import-position,unused-import
from test_conformance import (  # noqa: E402,F401
    gnomon,
    test_random_requests_get_at_most_one_reply_that_is_no_longer,
    test_timestamps_never_go_backwards)
