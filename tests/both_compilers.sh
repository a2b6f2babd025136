#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The image compiles and links without a warning, with each compiler.
set -uo pipefail
cd "$(dirname "$0")/.."
# The builds in here have jobs of their own.
unset MAKEFLAGS MFLAGS

passed=0 failed=0
for compiler in gcc clang; do
    if warnings=$(make --no-print-directory -j"$(nproc)" COMPILER=$compiler \
        all 2>&1 >/dev/null) && [ -z "$warnings" ]; then
        passed=$((passed + 1))
        echo "both-compilers: $compiler builds the image"
    else
        failed=$((failed + 1))
        echo "$warnings"
        echo "both-compilers: FAILED with $compiler"
    fi
done
echo "both-compilers: $passed passed, $failed failed"
[ $failed -eq 0 ]
