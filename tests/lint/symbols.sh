#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What interrupt level calls outside of itself: the undefined symbols of its
# objects are those of irq_symbols.txt, no more and no fewer.
# tests/lint/symbols.sh OBJECT...
set -euo pipefail
cd "$(dirname "$0")/../.."

allowed=$(sed -e 's/#.*//' -e 's/ *$//' -e '/^$/d' tests/lint/irq_symbols.txt |
    sort -u)
defined=$(nm --defined-only --format=posix "$@" 2>/dev/null |
    awk '$2 ~ /^[A-Z]$/ { print $1 }' | sort -u)
wanted=$(nm --undefined-only --format=posix "$@" |
    awk '$2 == "U" { print $1 }' | sort -u)
outside=$(comm -23 <(echo "$wanted") <(echo "$defined"))

bad=0
for symbol in $(comm -13 <(echo "$allowed") <(echo "$outside")); do
    echo "not in tests/lint/irq_symbols.txt: $symbol, wanted by" \
        "$(nm -A --undefined-only "$@" | grep -w "$symbol" | cut -d: -f1 |
            sort -u | tr '\n' ' ')"
    bad=1
done
for symbol in $(comm -23 <(echo "$allowed") <(echo "$outside")); do
    echo "in tests/lint/irq_symbols.txt, but nothing wants it: $symbol"
    bad=1
done
exit $bad
