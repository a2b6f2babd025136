#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Prove: run CBMC over tests/proof/prove_*.c, or over those named.
#
#   CBMC=path OUT=folder tests/proof/run.sh [NAME ...]
#
# A proof is a C program whose main() begins at any state it allows and asserts
# what must hold.  Lines of its own say how it is run:
#
#   /* proves: FUNCTION ... */      what it is about, for the reader
#   /* bounds: TEXT */              what it covers, printed with the result
#   /* sources: FILE.c ... */       compiled beside it; may be missing, since
#                                   it can include "ntp/packet.c" for statics
#   /* cbmc: OPTION ... */          more options, such as --unwind 4, or
#                                   --no-sat-preprocessor, often faster
#   /* begin: first */             begun before the others, as it takes longest
#   /* planted: FILE s/OLD/NEW/ */  a mutation that the proof must notice; one
#                                   line for each
#
# Each proof must hold, must reach every goal that it marks with COVER(), and
# must fail for each planted mutation; for the first PLANTED of them, if that is
# set, as in the short form for every commit.  Ends with a line of totals.
set -eu

cd "$(dirname "$0")/../.."
CBMC=${CBMC:-build/peers/bin/cbmc}
OUT=${OUT:-build/proof}
LIMIT_S=${LIMIT_S:-600}
PLANTED=${PLANTED:-all}
INCLUDES="-I . -I build/third_party/mbedtls/include"

if ! "$CBMC" --version > /dev/null 2>&1; then
    echo "prove: $CBMC does not run; tools/third_party cbmc fetches it" >&2
    exit 2
fi

# The values of one kind of line in a proof.
values() {
    sed -n "s,^/\* $1: \(.*\) \*/\$,\1,p" "$2"
}

# check LOG PROOF [TREE [OPTION ...]]: one run of CBMC; files below TREE hide
# those of the same name in the project.
check() {
    log=$1 proof=$2 tree=${3:-}
    shift 2
    [ $# -eq 0 ] || shift
    files=$proof
    for source in $(values sources "$proof"); do
        if [ -n "$tree" ] && [ -f "$tree/$source" ]; then
            source=$tree/$source
        fi
        files="$files $source"
    done
    status=0
    # shellcheck disable=SC2046,SC2086
    nice timeout --foreground "$LIMIT_S" "$CBMC" ${tree:+-I "$tree"} $INCLUDES \
        $(values cbmc "$proof") "$@" $files > "$log" 2>&1 || status=$?
    return $status
}

say_failed() {
    printf 'FAILED  %s: %s (%s)\n' "$1" "$2" "$3"
    grep -E 'FAILURE$|FAILED$|rror' "$3" | head -5 || true
}

# holds NAME PROOF
holds() {
    check "$OUT/$1.log" "$2" || true
    grep -q '^VERIFICATION SUCCESSFUL' "$OUT/$1.log" ||
        { say_failed "$1" "does not hold" "$OUT/$1.log"; return 1; }
}

# reaches NAME PROOF: each goal of COVER(), and at least one.  That nothing out
# of bounds is done on the way is not asked again.
reaches() {
    check "$OUT/$1.cover" "$2" "" -DPROOF_COVER --cover cover \
        --no-standard-checks --no-unwinding-assertions || true
    goals=$(sed -n 's/^\*\* \([0-9]*\) of \([0-9]*\) covered.*/\1 \2/p' \
        "$OUT/$1.cover")
    reached=${goals% *} goals=${goals#* }
    [ "${goals:-0}" -gt 0 ] && [ "$reached" = "$goals" ] ||
        { say_failed "$1" "goals not reached" "$OUT/$1.cover"; return 1; }
}

# notices NAME PROOF: each planted mutation, and at least one.
notices() {
    values planted "$2" > "$OUT/$1.planted"
    planted=0
    while read -r file mutation; do
        [ "$planted" != "$PLANTED" ] || break
        planted=$((planted + 1))
        tree=$OUT/$1.tree$planted
        log=$OUT/$1.planted$planted
        mkdir -p "$tree/$(dirname "$file")"
        sed "$mutation" "$file" > "$tree/$file"
        if cmp -s "$file" "$tree/$file"; then
            printf 'FAILED  %s: changes nothing: %s\n' "$1" "$mutation"
            return 1
        fi
        check "$log" "$2" "$tree" --stop-on-fail || true
        grep -q '^VERIFICATION FAILED' "$log" ||
            { say_failed "$1" "not noticed: $mutation" "$log"; return 1; }
    done < "$OUT/$1.planted"
    [ "$planted" -gt 0 ] ||
        { printf 'FAILED  %s: plants nothing\n' "$1"; return 1; }
}

# prove NAME: one line that says what became of it.
prove() {
    name=$(basename "$1" .c)
    proof=tests/proof/$name.c
    began=$(date +%s)
    holds "$name" "$proof" && reaches "$name" "$proof" &&
        notices "$name" "$proof" || return 1
    printf '%s: holds for %s; %s goals reached, %s planted found, %s s\n' \
        "$name" "$(values bounds "$proof")" "$goals" "$planted" \
        $(($(date +%s) - began))
}

mkdir -p "$OUT"
if [ $# -eq 1 ]; then
    prove "$1"
    exit
fi

# Each by itself, as many at a time as there are processors, and no long one
# alone at the end.
if [ $# -eq 0 ]; then
    first='^/\* begin: first \*/$'
    # shellcheck disable=SC2046
    set -- $(grep -l "$first" tests/proof/prove_*.c) \
        $(grep -L "$first" tests/proof/prove_*.c)
fi
export CBMC OUT LIMIT_S PLANTED
printf '%s\n' "$@" |
    xargs -P "$(nproc)" -n 1 tests/proof/run.sh > "$OUT/said" || true
cat "$OUT/said"
passed=$(grep -c '^prove_[a-z0-9_]*: holds for' "$OUT/said" || true)
printf 'prove: %s passed, %s failed\n' "$passed" $(($# - passed))
[ "$passed" -eq $# ]
