#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Who includes whom, against the table in docs/ARCHITECTURE.md; and each file
# includes its own header first.
set -euo pipefail
cd "$(dirname "$0")/../.."

declare -A may
while IFS='|' read -r _ folder includes _; do
    folder=$(tr -d ' `/' <<<"$folder")
    [ -d "$folder" ] || continue
    may[$folder]=$(tr -d '`' <<<"$includes")
done < <(grep '^| `' docs/ARCHITECTURE.md)
[ ${#may[@]} -ge 6 ] || {
    echo "docs/ARCHITECTURE.md has no table of who may include whom"
    exit 1
}

bad=0
complain() {
    echo "$*"
    bad=1
}

includes() {
    sed -n 's/^ *# *include "\([^"]*\)".*/\1/p' "$1"
}

for folder in "${!may[@]}"; do
    allowed=${may[$folder]}
    # A folder that no row names is nobody's.
    for file in $(git ls-files --cached --others --exclude-standard \
        "$folder/*.[chS]"); do
        for included in $(includes "$file"); do
            of=${included%%/*}/
            [[ $included == */* ]] ||
                complain "$file: \"$included\" is not from the root"
            [[ $allowed == *everything* || " $allowed " == *" $of "* ]] ||
                complain "$file: $folder/ may not include \"$included\""
        done
        own=${file%.*}.h
        if [[ $file == *.c && -e $own ]]; then
            first=$(grep -m 1 '^ *# *include' "$file" || true)
            [[ $first == *"\"$own\""* ]] ||
                complain "$file: does not include \"$own\" first"
        fi
        # The file that is fuzzed and proved is the file that ships.
        if [[ $folder == nt[ps] ]] && grep -nE '^ *# *(if|ifdef|else|elif)\b' \
            "$file" | grep -vE 'ifndef'; then
            complain "$file: $folder/ has no conditions"
        fi
    done
done
exit $bad
