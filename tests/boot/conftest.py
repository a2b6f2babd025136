# SPDX-License-Identifier: BSD-2-Clause
"""What every test here may use."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position,wildcard-import,unused-wildcard-import
from fixtures import *
