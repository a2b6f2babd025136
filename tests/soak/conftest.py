# SPDX-License-Identifier: BSD-2-Clause
"""The same tools as in tests/boot."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "boot"))
# pylint: disable=wrong-import-position,wildcard-import,unused-wildcard-import
from fixtures import *
