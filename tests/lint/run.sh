#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Run the checks of this folder and count them.  The Makefile gives
#   COMPILE      the compiler and its flags, for headers
#   IRQ_OBJECTS  what runs at interrupt level
#   LOW_OBJECTS  that, and what else must not touch vector registers
set -uo pipefail
cd "$(dirname "$0")/../.."

passed=0 failed=0 skipped=0
check() {
    local name=$1 status
    "${@:2}"
    status=$?
    case $status in
    0) passed=$((passed + 1)) && echo "lint: $name holds" ;;
    77) skipped=$((skipped + 1)) && echo "lint: SKIP $name" ;;
    *) failed=$((failed + 1)) && echo "lint: FAILED $name" ;;
    esac
}

# shellcheck disable=SC2086 # lists of words
{
    check "layering" tests/lint/layering.sh
    check "headers compile alone" tests/lint/headers.sh $COMPILE
    check "no vector registers" tests/lint/vectors.sh $LOW_OBJECTS
    check "symbols of interrupt level" tests/lint/symbols.sh $IRQ_OBJECTS
    check "conformance names what exists" tests/lint/conformance.sh
    check "pages name what exists" tests/lint/docs.sh
    check "text" tests/lint/text.sh
    check "clang-format" tests/lint/format.sh
}
echo "lint: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
