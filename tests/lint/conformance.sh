#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Each function and each test that docs/CONFORMANCE.md names is in the tree.
set -euo pipefail
cd "$(dirname "$0")/../.."

rows=0 bad=0
complain() {
    echo "docs/CONFORMANCE.md: $*"
    bad=1
}

# A definition: the name and a parenthesis on a line that is not indented.
functions=" $(cat {arch,boot,drivers,net,ntp,nts}/*.[chS] |
    sed -n 's/^[a-z][^(]*[ *]\([a-z_][a-z0-9_]*\)(.*/\1/p' | tr '\n' ' ')"

has_test() {
    case $1 in
    boot/*) grep -qs "^def test_$2(" "tests/boot/test_${1#boot/}.py" ;;
    *) grep -qs "^\(static void \)*test_$2(" "tests/unit/test_$1.c" ;;
    esac
}

# "server: one_test, another; prove_this; fuzz_that; sim"
check_tests() {
    local entry file name

    sed 's/([^)]*)//g' <<<"$1" | tr ';' '\n' | sed 's/^ *//; s/ *$//' |
        while read -r entry; do
            case $entry in
            '') continue ;;
            prove_*) [ -e "tests/proof/$entry.c" ] || echo "no $entry" ;;
            fuzz_*) [ -e "tests/fuzz/$entry.c" ] || echo "no $entry" ;;
            sim) [ -e tests/sim/sim.c ] || echo "no $entry" ;;
            *': '*)
                file=${entry%%: *}
                for name in $(tr -d , <<<"${entry#*: }"); do
                    has_test "$file" "$name" || echo "no test $file: $name"
                done
                ;;
            *) echo "not the name of a test: $entry" ;;
            esac
        done
}

while IFS='|' read -r _ clause _ what function tests _; do
    [[ $clause != ' clause '* && $clause != *---* ]] || continue
    rows=$((rows + 1))
    for name in $(grep -o '`[a-z0-9_]*`' <<<"$function" | tr -d '`'); do
        [[ $functions == *" $name "* ]] || complain "no function $name"
    done
    [[ $function == *'`'* ]] || complain "no function for:$what"
    missing=$(check_tests "$tests")
    [ -z "$missing" ] || complain "$missing"
    [[ $tests == *[a-z]* || $what == *'Not done'* ]] ||
        complain "no test for:$what"
done < <(grep '^|' docs/CONFORMANCE.md)

[ "$rows" -ge 40 ] || complain "only $rows rows found"
exit $bad
