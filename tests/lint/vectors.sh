#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# No object of interrupt level touches a vector, MMX or x87 register:
# tests/lint/vectors.sh OBJECT...
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=0
for object; do
    found=$(objdump -d --no-show-raw-insn "$object" |
        grep -E '%(xmm|ymm|zmm|mm|st)[0-9(]|%st\b|%k[0-7]\b' || true)
    if [ -n "$found" ]; then
        echo "$object:"
        head -5 <<<"$found"
        bad=1
    fi
done
exit $bad
