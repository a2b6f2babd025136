# SPDX-License-Identifier: BSD-2-Clause
"""What survives a power-off: the state disk, whole, torn, rotten, foreign."""

import os
import re

import pytest

import lab

STATIC = ("address 10.0.2.15/24; gateway 10.0.2.2; server 10.0.2.2 iburst; "
          "allow")
SLOT = 65536
REGION = 3 * SLOT
NOTHING = r"state: no disk for it: keys, cookies and .* forgotten at power-off"


def make_disk(path, size=1 << 20, content=b""):
    with open(path, "wb") as f:
        f.write(content)
        f.truncate(size)
    return str(path)


def disk(path, *more, name="d0"):
    """QEMU's words for a disk."""
    return ["-blockdev", "driver=raw,node-name=%s,file.driver=file,"
            "file.filename=%s%s" % (name, path, "".join("," + m for m in more)),
            "-device", "virtio-blk-pci,drive=" + name]


def read(path, offset=0, count=-1):
    with open(path, "rb") as f:
        f.seek(offset)
        return f.read(count)


def write(path, offset, content):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(content)


def generation(path, slot):
    """Of what is in that slot; 0: nothing."""
    return int.from_bytes(read(path, SLOT * (1 + slot) + 16, 8), "big")


def saved(path, least=1):
    lab.until("save %d" % least, 20, lambda: max(
        generation(path, 0), generation(path, 1)) >= least)


def first_save(boot, link, path, **more):
    """One run, up to its first save."""
    vm = boot(STATIC, net=link.netdev(), extra=disk(path), **more)
    vm.wait_for("clock set from", 20)
    saved(path)
    vm.close()
    return vm.output()


def known(text):
    """The last known time that a run found, s since 1970."""
    return int(re.search(r"save \d+: last known time (\d+) s", text).group(1))


def test_second_boot_finds_what_the_first_saved(boot, link, upstream, tmp_path):
    del upstream
    path = make_disk(tmp_path / "disk")
    before = lab.time.time()
    text = first_save(boot, link, path)
    assert re.search(r"blank disk at .* is made the state disk", text), text
    vm = boot(STATIC, net=link.netdev(), extra=disk(path))
    vm.wait_for(r"state: virtio-blk at .*, save 1: ")
    assert abs(known(vm.output()) - before) < 15
    saved(path, 2)
    assert "damaged" not in vm.output()


def test_without_a_disk_it_says_what_is_forgotten(boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    vm.wait_for(NOTHING)
