#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# clang-format 14 has nothing to change; other versions differ, and are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

format=$(command -v clang-format-14 || command -v clang-format) || exit 77
"$format" --version | grep -q 'version 14\.' || exit 77
bad=0
for file in $(git ls-files --cached --others --exclude-standard '*.c' '*.h')
do
    [ -f "$file" ] || continue
    "$format" --dry-run -Werror "$file" 2>/dev/null || {
        echo "$file: run clang-format -i"
        bad=1
    }
done
exit $bad
