# SPDX-License-Identifier: BSD-2-Clause
"""A state disk from outside: see boot/state_image.c."""

import struct

import lab

SLOT = 65536
# Items of a save.
TIME, CERTIFICATE, UPSTREAM, GENERATION, RATE = 1, 4, 6, 7, 8


def disk(path, name="d0", device="", node=""):
    """QEMU's words for a disk."""
    return ["-blockdev", "driver=raw,node-name=%s,file.driver=file,"
            "file.filename=%s%s" % (name, path, node),
            "-device", "virtio-blk-pci,drive=%s%s" % (name, device)]


def make_disk(path, size=1 << 20, content=b""):
    with open(path, "wb") as f:
        f.write(content)
        f.truncate(size)
    return str(path)


def read(path, offset=0, count=-1):
    with open(path, "rb") as f:
        f.seek(offset)
        return f.read(count)


def write(path, offset, content):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(content)


def generation(slot):
    """Of the save whose bytes these are; 0: none."""
    return int.from_bytes(slot[16:24], "big") if slot[:6] == b"GNOMON" else 0


def newest(path, region=0):
    """The number of the slot with the newest save, and its generation."""
    found = [generation(read(path, region + SLOT * (1 + i), 24))
             for i in range(2)]
    return found.index(max(found)), max(found)


def newest_save(path, region=0):
    """Its bytes; none where nothing was saved yet."""
    slot, number = newest(path, region)
    content = read(path, region + SLOT * (1 + slot), SLOT) if number else b""
    return content[:56 + int.from_bytes(content[12:16], "big")]


def places(save):
    """{kind: where the bytes of that item begin and end}; of several the
    last."""
    at, found = 56, {}
    while at < len(save):
        kind, size = struct.unpack(">HH", save[at:at + 4])
        found[kind] = at + 4, at + 4 + size
        at += 4 + size
    return found


def items(path, region=0):
    """{kind: bytes} of the newest save."""
    save = newest_save(path, region)
    return {kind: save[begin:end]
            for kind, (begin, end) in places(save).items()}


def known(path, region=0):
    """The last known time in the newest save; 0: none."""
    return int.from_bytes(items(path, region).get(TIME, b""), "big")


def time_saved(path, before, region=0):
    """Wait until there is a save, after number `before`, that knows the time;
    a run that made no keys does not save before it does."""
    lab.until("the time is saved", 20, lambda: (
        newest(path, region)[1] > before and known(path, region)))
