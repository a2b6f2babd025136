# SPDX-License-Identifier: BSD-2-Clause
"""The rate of the counter over a power-off: the second boot knows it."""

import hashlib
import struct

import lab
from test_state import SLOT, STATIC, disk, make_disk, newest, read, write

FAST = STATIC.replace("iburst", "iburst minpoll 0 maxpoll 0")
SERVED = r"counter: by the sources: (\d+) Hz \+- ([0-9.]+) ppm"


def items(path):
    """{tag: (place in the slot, bytes)} of the newest save, and its slot."""
    number = newest(path)[0]
    content = read(path, SLOT * (1 + number), SLOT)
    at, end, found = 56, 56 + int.from_bytes(content[12:16], "big"), {}
    while at < end:
        tag, size = struct.unpack(">HH", content[at:at + 4])
        found[tag] = (at + 4, content[at + 4:at + 4 + size])
        at += 4 + size
    return number, content[:end], found


def kept(path):
    """The rate in the newest save, Hz, and the bound of its error; or None."""
    if newest(path)[1] == 0:
        return None
    for _, body in items(path)[2].values():
        if len(body) == 16:
            hz, skew = struct.unpack(">dd", body)
            if 1e6 < hz < 1e12:
                return hz, skew
    return None


def forge(path, factor):
    """Another host's rate in the newest save."""
    number, content, found = items(path)
    at = next(at for at, body in found.values() if len(body) == 16
              and 1e6 < struct.unpack(">dd", body)[0] < 1e12)
    hz = struct.unpack(">d", content[at:at + 8])[0] * factor
    content = content[:at] + struct.pack(">d", hz) + content[at + 8:]
    digest = hashlib.sha256(content[:24] + content[56:]).digest()
    write(path, SLOT * (1 + number),
          content[:24] + digest + content[56:])


def run(boot, link, path):
    vm = boot(FAST, net=link.netdev(), extra=disk(path))
    vm.wait_for("clock set from", 20)
    first = float(vm.wait_for(SERVED, 5).group(1))
    return vm, first


def test_second_boot_has_the_rate_from_the_first_second(
        boot, link, upstream, tmp_path):
    del upstream
    path = make_disk(tmp_path / "disk")
    vm, _ = run(boot, link, path)
    found, _ = lab.until("a rate is kept", 120, lambda: kept(path))
    vm.close()
    assert "rate of the last run" not in vm.output()

    # Off by what two boots may differ: that it is this one that counts shows
    # in the rate that the clock is set with, before the sources tell another.
    forge(path, 1 + 2e-6)
    vm, first = run(boot, link, path)
    vm.wait_for("counter: the rate of the last run is used", 1)
    assert abs(first / found - (1 + 2e-6)) < 0.5e-6, (first, found)
    vm.close()

    forge(path, 1.001)
    vm, first = run(boot, link, path)
    vm.wait_for("counter: WARNING: not the rate of the last run, this is "
                "another host", 1)
    assert abs(first / found - 1) < 500e-6, (first, found)
    vm.close()
    assert "rate of the last run is used" not in vm.output()
