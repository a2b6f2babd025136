# SPDX-License-Identifier: BSD-2-Clause
"""The floods of tests/boot/test_frames.py, and its grammar, for minutes."""

import os

import pytest

os.environ.setdefault("GNOMON_MANY", "50000")
pytest.register_assert_rewrite("test_frames")

# pylint: disable=wrong-import-position,unused-import
from test_frames import (  # noqa: E402,F401
    gnomon,
    test_a_flood_of_askers_evicts_no_neighbour,
    test_a_flood_of_routers_and_prefixes_uses_nothing_up,
    test_fragments_that_never_become_whole_use_nothing_up,
    test_frames_made_by_the_rules_bring_nothing_down,
    test_syn_flood_costs_nothing)
