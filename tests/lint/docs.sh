#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Files, functions and make's targets that a page names are in the tree, and so
# is what it links to; README.md has every word of the statistics.  What the
# changelog names may be gone.
set -euo pipefail
cd "$(dirname "$0")/../.."

names=0 bad=0
complain() {
    echo "$*"
    bad=1
}

# What is defined, or called of a library.
functions=" $(cat {arch,boot,drivers,net,ntp,nts}/*.[chS] |
    grep -oE '\b[a-z_][a-z0-9_]*\(' | tr -d '(' | sort -u | tr '\n' ' ') "

folders="arch|boot|drivers|net|ntp|nts|linker|tests|docs|deploy|tools"
shopt -s extglob
for page in README.md deploy/README.md docs/!(CHANGELOG).md; do
    while read -r name; do
        names=$((names + 1))
        case $name in
        @($folders)/+([A-Za-z0-9_./*-]))
            compgen -G "${name}*" > /dev/null ||
                complain "$page: no file $name"
            ;;
        +([a-z0-9_])'()')
            [[ $functions == *" ${name%??} "* ]] ||
                complain "$page: no function $name"
            ;;
        make\ +([a-z-])*)
            target=${name#make }
            grep -q "^${target%% *}:" Makefile ||
                complain "$page: no target $name"
            ;;
        *) names=$((names - 1)) ;;
        esac
    done < <(grep -o '`[^`]*`' "$page" | tr -d '`')

    while read -r link; do
        names=$((names + 1))
        [ -e "$(dirname "$page")/$link" ] || complain "$page: no $link"
    done < <(grep -oE '\]\([^):#]+' "$page" | sed 's/^](//')
done

# What the lines of `logstats` count is explained to who reads them.
for word in $(sed -nE 's/^ *X\(NT[PS]_\w+, "(\w+)".*/\1/p' ntp/verdict.h
    sed -nE 's/^ *X\(KE_\w+, "(\w+)"\).*/\1/p' net/ke_listener.h); do
    names=$((names + 1))
    grep -qE "^\|.*\`$word\`.*\|.*\|" README.md ||
        complain "README.md: nothing about the counter $word"
done

[ "$names" -ge 100 ] || complain "only $names names found"
exit $bad
