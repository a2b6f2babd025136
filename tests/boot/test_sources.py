# SPDX-License-Identifier: BSD-2-Clause
"""Upstream servers that die, lie, or come back."""

import re
import time

import pytest

import lab

ADDRESS = "address 10.0.2.15/24; allow; "


def test_dispersion_grows_without_upstream_and_service_recovers(
        boot, link, upstream, tmp_path, things):
    boot(ADDRESS + "server 10.0.2.2 iburst minpoll 2 maxpoll 2",
         net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    time.sleep(5)
    upstream.close()
    first = lab.ask()
    time.sleep(20)
    later = lab.ask()
    assert later.synchronised and later.stratum == 2
    grown = later.root_dispersion - first.root_dispersion
    # PHI is 15 ppm; a frequency that is not known well adds to it, and the
    # last good sample may still have lowered it.
    assert grown > 0
    assert abs(later.offset) < later.bound + later.delay / 2
    things.append(lab.honest(tmp_path))
    back = lab.ask_until(
        lambda r: r.reference_ts > later.reference_ts, 30)
    assert back.synchronised


@pytest.mark.parametrize("round_", range(3))
def test_liar_that_answers_first_is_named_and_not_followed(
        boot, link, tmp_path, things, round_):
    del round_
    for address in ("10.0.2.3/24", "10.0.2.4/24"):
        link.add(address)
    things.append(lab.Upstream("10.0.2.4", offset=10.0))
    things.append(lab.Upstream("10.0.2.2", wait=0.02))
    things.append(lab.Upstream("10.0.2.3", wait=0.02))
    vm = boot(ADDRESS + "server 10.0.2.4 iburst; server 10.0.2.2 iburst; "
              "server 10.0.2.3 iburst", net=link.netdev())
    reply = lab.ask_until(lambda r: r.synchronised, 20)
    assert abs(reply.offset) < 1
    vm.wait_for(r"10\.0\.2\.4.*falseticker|falseticker.*10\.0\.2\.4", 30)
    reply = lab.ask()
    assert reply.synchronised and abs(reply.offset) < 0.1
    assert reply.reference_id != bytes([10, 0, 2, 4])


def test_kiss_of_death_stops_asking_for_good(boot, link, things):
    server = lab.Upstream("10.0.2.2", stratum=0, leap=3, refid=b"DENY")
    things.append(server)
    vm = boot(ADDRESS + "server 10.0.2.2 iburst minpoll 0 maxpoll 0",
              net=link.netdev())
    vm.wait_for(r"told to stop", 10)
    asked = server.asked
    time.sleep(3)
    assert server.asked == asked


def test_without_upstream_it_serves_local_from_the_rtc(boot, link):
    vm = boot("address 10.0.2.15/24", net=link.netdev())
    reply = lab.ask_until(lambda r: True, 10)
    assert reply.leap == 3 and reply.stratum == 0
    reply = lab.ask_until(lambda r: r.synchronised, 20)
    assert reply.stratum == 10
    assert reply.reference_id == bytes([127, 127, 1, 1])
    assert reply.root_dispersion >= 1
    assert abs(reply.offset) < reply.bound
    assert re.search(r"local", vm.output())
