# SPDX-License-Identifier: BSD-2-Clause
"""The rate of the counter over a power-off: the second boot knows it."""

import hashlib
import struct

import lab
from state_lab import (RATE, SLOT, disk, items, make_disk, newest, newest_save,
                       places, write)

FAST = ("address 10.0.2.15/24; gateway 10.0.2.2; "
        "server 10.0.2.2 iburst minpoll 0 maxpoll 0; allow")
SERVED = r"counter: by the sources: (\d+) Hz \+- ([0-9.]+) ppm"


def kept(path):
    """The rate in the newest save, Hz; None: there is none."""
    rate = items(path).get(RATE)
    return rate and struct.unpack(">dd", rate)[0]


def forge(path, factor):
    """Another host's rate in the newest save."""
    save = newest_save(path)
    begin, end = places(save)[RATE]
    hz, skew = struct.unpack(">dd", save[begin:end])
    save = save[:begin] + struct.pack(">dd", hz * factor, skew) + save[end:]
    digest = hashlib.sha256(save[:24] + save[56:]).digest()
    write(path, SLOT * (1 + newest(path)[0]), save[:24] + digest + save[56:])


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
    lab.until("a rate is kept", 120, lambda: kept(path))
    vm.close()
    found = kept(path)
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
