#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Boot Gnomon under QEMU/KVM on a bridge.
#
#   deploy/qemu.sh BRIDGE 'server ntp.example.net iburst; allow 10.0.0.0/8'
#
# The bridge has to be allowed in /etc/qemu/bridge.conf.  The console is on
# standard output; Ctrl-A X ends it.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 BRIDGE CONFIGURATION" >&2
    exit 2
fi
image=${GNOMON_IMAGE:-build/gnomon.elf}
if [ ! -r "$image" ]; then
    echo "$0: no image at $image: run make, or set GNOMON_IMAGE" >&2
    exit 1
fi
exec qemu-system-x86_64 -M q35 -accel kvm -cpu host -m 16 -smp 1 \
    -nodefaults -no-user-config -nographic -serial mon:stdio \
    -kernel "$image" -append "$2" \
    -netdev "bridge,id=n0,br=$1" -device virtio-net-pci,netdev=n0,romfile=
