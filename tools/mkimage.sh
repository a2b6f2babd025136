#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A disk and CD image with GRUB, for BIOS and for UEFI, that boots Gnomon.
set -euo pipefail

usage() {
    cat >&2 <<'END'
usage: tools/mkimage.sh [-i IMAGE] [-a ARCHIVE] [-w WORDS] OUT.iso
  -i IMAGE    the image to boot, build/gnomon.elf if not given
  -a ARCHIVE  a boot archive (cpio, newc) with gnomon.conf and what it names
  -w WORDS    the command line, such as 'server 192.0.2.1 iburst; allow'
OUT.iso is for a CD drive, and as it is also for a disk or a USB stick.
END
    exit 2
}

image=$(dirname "$0")/../build/gnomon.elf archive='' words=''
while getopts i:a:w: option; do
    case $option in
    i) image=$OPTARG ;;
    a) archive=$OPTARG ;;
    w) words=$OPTARG ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage

for needed in grub-mkrescue xorriso mformat; do
    command -v $needed >/dev/null || {
        echo "mkimage: no $needed; apt-get install grub-common grub-pc-bin" \
            "grub-efi-amd64-bin xorriso mtools" >&2
        exit 1
    }
done

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/boot/grub"
cp "$image" "$tree/boot/gnomon.elf"

# Escaped rather than quoted: GRUB would hand quotes on.
escaped=$(sed 's/[^A-Za-z0-9 ._:/=,-]/\\&/g' <<<"$words")
{
    echo "set timeout=0"
    echo "menuentry Gnomon {"
    echo "    multiboot2 /boot/gnomon.elf $escaped"
    if [ -n "$archive" ]; then
        cp "$archive" "$tree/boot/archive.cpio"
        echo "    module2 /boot/archive.cpio"
    fi
    echo "}"
} >"$tree/boot/grub/grub.cfg"

if ! said=$(grub-mkrescue --locales= --fonts= --themes= -o "$1" "$tree" 2>&1)
then
    echo "$said" >&2
    exit 1
fi
