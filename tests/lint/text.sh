#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# How a source file looks: its first two lines, its width, its words.
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=0
complain() {
    echo "$*"
    bad=1
}

files() {
    git ls-files --cached --others --exclude-standard "$@" | while read -r f; do
        if [ -f "$f" ]; then echo "$f"; fi
    done
}

sources=$(files '*.c' '*.h' '*.S' '*.ld' '*.py' '*.sh' Makefile .ci/run \
    'tools/*' ':!tools/*.lock')

for file in $sources; do
    head -2 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' ||
        complain "$file: no SPDX line at its top"
    awk 'length($0) > 80 { exit 1 }' "$file" ||
        complain "$file: longer than 80 columns: line$(awk \
            'length($0) > 80 { printf " %d", NR }' "$file")"
    ! grep -nE '[[:space:]]+$' "$file" ||
        complain "$file: space at a line's end"
done
for file in $(files '*.c' '*.h'); do
    head -1 "$file" | grep -q '^/\* SPDX' ||
        complain "$file: the SPDX line is not its first"
    sed -n 2p "$file" | grep -qE '^/\*' ||
        complain "$file: its second line does not say what lives in it"
    ! grep -nP '\t' "$file" || complain "$file: a tab"
done

# What is still to do is an issue; what is not code is not kept as code.
words='\b(TODO|FIXME|XXX|HACK|stub)\b'
# shellcheck disable=SC2086
found=$(grep -nE "$words" $(grep -vE '^tests/lint/text.sh$' <<<"$sources") \
    /dev/null || true)
[ -z "$found" ] || complain "$found"
exit $bad
