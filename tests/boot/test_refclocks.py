# SPDX-License-Identifier: BSD-2-Clause
"""Clocks of the platform as sources: vmclock's page made up here, the RTC."""

import os
import struct
import subprocess
import time

import pytest

import lab

ADDRESS = "address 10.0.2.15/24; allow; "
PAGE = 0xfeffb000
HOST_RATE = os.path.join(lab.BUILD, "host", "host_rate")
ERROR = 0.05  # s, what the page vouches for


@pytest.fixture(scope="module", name="hz")
def fixture_hz():
    """The rate of the host's counter, which is the guest's under TCG."""
    if not os.access(HOST_RATE, os.X_OK):
        pytest.skip("no build/host/host_rate")
    words = subprocess.run([HOST_RATE, "1"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    return float(words[0])


def page(hz, when, status=2, error=ERROR, flags=0x50, tai=0):
    """A page by which it is `when` at counter value 0, in UTC or, that much
    ahead, in TAI."""
    p = bytearray(112)
    when += tai
    flags |= tai > 0
    period = int(2**65 / hz)
    struct.pack_into("<IIHBBIQQ", p, 0, 0x4b4c4356, 4096, 1, 1, tai > 0, 2,
                     1, flags)
    struct.pack_into("<h", p, 36, tai)
    p[34] = status
    p[39] = 1
    struct.pack_into("<QQQQ", p, 40, 0, period, 0, period // 10000)
    struct.pack_into("<QQQQ", p, 72, int(when), int(when % 1 * 2**32) << 32,
                     0, int(error * 1e9))
    return bytes(p)


def start(boot, link, tmp_path, hz, words, ahead=0.0, **more):
    """A machine that runs from when its page says; it, and how much later it
    may have begun than that, at least and at most."""
    when = time.time() + 2.0
    path = tmp_path / "page"
    path.write_bytes(page(hz, when + ahead, **more))
    vm = boot(ADDRESS + words, net=link.netdev(), extra=[
        "-S", "-device", "vmclock", "-device",
        "loader,file=%s,addr=%#x,force-raw=on" % (path, PAGE)])
    vm.qmp("query-status")
    time.sleep(max(0.0, when - time.time()))
    least = time.time() - when
    vm.qmp("cont")
    return vm, least, time.time() - when


def servers(things, count=3):
    for n in range(count):
        things.append(lab.Upstream("10.0.2.%d" % (2 + n), dispersion=0.005))
    return " ".join("server 10.0.2.%d iburst minpoll 0 maxpoll 1;" % (2 + n)
                    for n in range(count))


@pytest.fixture(name="addresses")
def fixture_addresses(link):
    for n in (3, 4):
        link.add("10.0.2.%d/24" % n)


@pytest.mark.parametrize("ahead, tai", [(0.0, 37), (1000.25, 0)])
def test_page_is_followed_within_its_own_error(boot, link, tmp_path, hz,
                                               ahead, tai):
    vm, least, most = start(
        boot, link, tmp_path, hz,
        "refclock PHC /dev/vmclock0 poll 0 refid VMCK", ahead, tai=tai)
    vm.wait_for(r"clock set from PHC /dev/vmclock0", 20)
    time.sleep(3)
    reply = lab.ask_until(lambda r: r.synchronised, 10)
    assert reply.stratum == 1
    assert reply.reference_id == b"VMCK"
    off = lab.best_offset().offset - ahead
    assert -most - ERROR <= off <= -least + ERROR, (off, least, most)
    assert ERROR <= reply.bound <= 2 * ERROR


@pytest.mark.parametrize("ahead, lie, said", [
    (10.0, {}, r"falseticker PHC /dev/vmclock0, offset \+\d"),
    (10.0, {"status": 4}, r"the host says that it is unreliable"),
    (0.3, {"error": 5000.0}, r"PHC /dev/vmclock0: root distance"),
])
@pytest.mark.usefixtures("addresses")
def test_page_that_lies_is_not(boot, link, tmp_path, things, hz, ahead, lie,
                               said):
    vm, _, _ = start(boot, link, tmp_path, hz, servers(things) +
                     "refclock PHC /dev/vmclock0 poll 0", ahead, **lie)
    vm.wait_for(said, 20)
    time.sleep(3)
    reply = lab.ask_until(lambda r: r.synchronised, 10)
    assert reply.stratum == 2
    reply = lab.best_offset()
    off = abs(reply.offset)
    assert off < min(reply.bound + reply.delay / 2, 0.15), (off, reply.bound)


def test_page_that_tells_of_disruptions_only_is_no_clock(boot, link):
    vm = boot(ADDRESS + "refclock PHC /dev/vmclock0", net=link.netdev(),
              extra=["-device", "vmclock"])
    vm.wait_for(r"vmclock0: it tells of disruptions only, not of time", 20)
    assert not lab.ask_until(lambda r: True, 10).synchronised


def test_clocks_that_the_machine_has_not_are_never_followed(boot, link,
                                                            things):
    vm = boot(ADDRESS + servers(things, 1) + "refclock PHC /dev/vmclock0; "
              "refclock PHC /dev/ptp_kvm; refclock VMWARE", net=link.netdev())
    for name in ("PHC /dev/vmclock0", "PHC /dev/ptp_kvm", "VMWARE"):
        vm.wait_for(r"refclock %s: this machine has none" % name, 20)
    assert lab.ask_until(lambda r: r.synchronised, 20).stratum == 2


def test_the_cmos_clock_is_followed_to_the_second(boot, link):
    vm = boot(ADDRESS + "refclock RTC poll 0 stratum 9", net=link.netdev(),
              extra=["-rtc", "base=utc,clock=host"])
    vm.wait_for(r"clock set from RTC", 20)
    time.sleep(5)
    reply = lab.ask_until(lambda r: r.synchronised, 10)
    assert reply.stratum == 10
    assert reply.reference_id == b"RTC0"
    off = lab.best_offset().offset
    assert abs(off) <= reply.bound, (off, reply.bound)
    assert reply.bound < 0.7
    # Its seconds began when QEMU was started; but they are seconds.
    time.sleep(3)
    assert abs(lab.best_offset().offset - off) < 0.1
