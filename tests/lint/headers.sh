#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every header compiles alone: tests/lint/headers.sh COMPILER FLAG...
set -eu
cd "$(dirname "$0")/../.."

bad=0
for header in $(git ls-files --cached --others --exclude-standard \
    'arch/*.h' 'boot/*.h' 'drivers/*.h' 'net/*.h' 'ntp/*.h' 'nts/*.h'); do
    case $header in
    nts/mbedtls_config.h | net/lwipopts.h | net/lwip_arch/*) continue ;;
    esac
    printf '#include "%s"\n' "$header" |
        "$@" -fsyntax-only -x c - || {
        echo "$header does not compile alone"
        bad=1
    }
done
exit $bad
