#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The same commit gives the same bytes, here and in another folder; the stripped
# image is small; and a one-line change is rebuilt in seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
# The builds in here have jobs of their own.
unset MAKEFLAGS MFLAGS

LARGEST=$((1024 * 1024))
REBUILD_S=20
base=build/same
elsewhere=$base/another/deeper
passed=0 failed=0

result() {
    if [ "$1" = 0 ]; then
        passed=$((passed + 1)) && echo "same-bytes: $2"
    else
        failed=$((failed + 1)) && echo "same-bytes: FAILED: $2"
    fi
}

# build FOLDER: the image, from what is there
build() {
    make --no-print-directory -C "$1" -j"$(nproc)" all >build/same.log 2>&1 || {
        tail -20 build/same.log
        echo "same-bytes: 0 passed, 1 failed"
        exit 1
    }
}

rm -rf $base
mkdir -p $elsewhere/build
git ls-files -z --cached --others --exclude-standard |
    xargs -0 -I{} sh -c '[ ! -f "$1" ] || echo "$1"' - {} |
    cpio --quiet -pdm $elsewhere
# The sources of the libraries are the same; unpacking is not the question.
ln -s "$PWD/build/third_party" $elsewhere/build/third_party
cp -p build/manifest $elsewhere/build/
build .
build $elsewhere

cmp build/gnomon.elf $elsewhere/build/gnomon.elf && same=0 || same=1
result $same "$(sha256sum <build/gnomon.elf | cut -c1-16)..., elsewhere too"

size=$(stat -c %s build/gnomon.elf)
[ "$size" -le $LARGEST ] && small=0 || small=1
result $small "$size bytes, of at most $LARGEST"

began=$(date +%s)
printf '\n/* One line more. */\n' >>$elsewhere/ntp/packet.c
make --no-print-directory -C $elsewhere all >build/same.log 2>&1 && quick=0 ||
    quick=1
took=$(($(date +%s) - began))
[ "$took" -le $REBUILD_S ] || quick=1
[ "$(grep -cE '^  cc [^ ]*\.o$' build/same.log)" -le 2 ] || quick=1
result $quick "rebuilt after a one-line change in $took s"

rm -rf $base
echo "same-bytes: $passed passed, $failed failed"
[ $failed -eq 0 ]
