#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Boot Gnomon under QEMU/KVM on a bridge.
#
#   deploy/qemu.sh BRIDGE 'server ntp.example.net iburst; allow 10.0.0.0/8'
#
# Keys, cookies and the last known time are kept in gnomon.state, or where
# GNOMON_STATE says; it is made if it is not there.  The bridge has to be
# allowed in /etc/qemu/bridge.conf.  The console is on standard output; Ctrl-A X
# ends it.
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
state=${GNOMON_STATE:-gnomon.state}
[ -e "$state" ] || (umask 077 && truncate -s 1M "$state")
exec qemu-system-x86_64 -M q35 -accel kvm -cpu host -m 16 -smp 1 \
    -nodefaults -no-user-config -nographic -serial mon:stdio \
    -kernel "$image" -append "$2" \
    -blockdev "driver=file,node-name=state,filename=$state" \
    -device virtio-blk-pci,drive=state -device virtio-rng-pci \
    -netdev "bridge,id=n0,br=$1" -device virtio-net-pci,netdev=n0,romfile=
