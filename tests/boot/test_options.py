# SPDX-License-Identifier: BSD-2-Clause
"""What the options of sources and the directives for the clock do."""

import re
import time

import pytest

import lab

ADDRESS = "address 10.0.2.15/24; allow; "
FAST = "iburst minpoll 0 maxpoll 0"


def synchronised(reply):
    return reply.synchronised


@pytest.fixture
def servers(link, things):
    """servers(N, ...) opens 10.0.2.N, and so on."""
    def start(*numbers, **more):
        opened = []
        for number in numbers:
            if number != 2:
                link.add("10.0.2.%d/24" % number)
            opened.append(lab.Upstream("10.0.2.%d" % number, **more))
        things.extend(opened)
        return opened if len(opened) > 1 else opened[0]
    return start


def test_port_and_offset_of_a_source(boot, link, servers):
    servers(2, port=1123)
    boot(ADDRESS + "server 10.0.2.2 port 1123 offset 0.25 iburst",
         net=link.netdev())
    reply = lab.ask_until(synchronised, 20)
    assert abs(abs(reply.offset) - 0.25) < 0.1


def test_sign_of_offset_is_that_of_chronyd(boot, link, servers, tmp_path):
    servers(2)
    boot(ADDRESS + "server 10.0.2.2 offset 0.25 iburst", net=link.netdev())
    ours = lab.ask_until(synchronised, 20).offset
    if not lab.peer("chronyd"):
        pytest.skip("no chronyd on this machine")
    said = lab.run(lab.peer("chronyd"), "-Q", "-t", "10", "-f", "/dev/null",
                   "user root", "cmdport 0", "pidfile %s/pid" % tmp_path,
                   "server 10.0.2.2 offset 0.25 iburst", timeout=30)
    wrong = float(re.search(r"wrong by (-?[0-9.]+)", said.stdout).group(1))
    assert wrong * ours > 0, (wrong, ours)


def test_noselect_is_asked_and_never_followed(boot, link, servers):
    server = servers(2)
    boot(ADDRESS + "server 10.0.2.2 noselect " + FAST, net=link.netdev())
    lab.until("asked four times", 20, lambda: server.asked >= 4)
    assert lab.ask().leap == 3


def test_preferred_source_is_the_one_that_is_followed(boot, link, servers):
    servers(2, 3, 4)
    boot(ADDRESS + "server 10.0.2.2 iburst; server 10.0.2.3 iburst prefer; "
         "server 10.0.2.4 iburst", net=link.netdev())
    lab.ask_until(lambda r: r.synchronised and
                  r.reference_id == bytes([10, 0, 2, 3]), 20)


def test_minsources_waits_for_so_many(boot, link, servers, things):
    servers(2)
    vm = boot(ADDRESS + "minsources 2; server 10.0.2.2 %s; "
              "server 10.0.2.3 %s" % (FAST, FAST), net=link.netdev())
    vm.wait_for("reachable 10.0.2.2", 20)
    time.sleep(3)
    assert lab.ask().leap == 3
    things.append(servers(3))
    lab.ask_until(synchronised, 30)


def test_required_source_is_waited_for(boot, link, servers, things):
    servers(2)
    boot(ADDRESS + "server 10.0.2.2 %s; server 10.0.2.3 require %s" % (
        FAST, FAST), net=link.netdev())
    lab.ask_until(lambda r: True, 20)
    time.sleep(3)
    assert lab.ask().leap == 3
    things.append(servers(3))
    lab.ask_until(synchronised, 30)


def test_maxdistance_keeps_a_source_out(boot, link, servers):
    server = servers(2, dispersion=0.5)
    vm = boot(ADDRESS + "maxdistance 0.4; server 10.0.2.2 " + FAST,
              net=link.netdev())
    vm.wait_for(r"not usable 10\.0\.2\.2.*distance", 20)
    assert lab.ask().leap == 3
    server.dispersion = 0
    lab.ask_until(synchronised, 30)


def test_step_is_made_where_makestep_allows_it(boot, link, servers):
    server = servers(2)
    vm = boot(ADDRESS + "makestep 1 -1; server 10.0.2.2 " + FAST,
              net=link.netdev())
    lab.ask_until(synchronised, 20)
    server.offset = 5.0
    reply = lab.ask_until(lambda r: r.synchronised and
                          abs(r.offset - 5) < 0.1, 40)
    assert reply.leap == 0
    vm.wait_for("clock stepped", 5)


def test_without_makestep_the_clock_is_slewed_and_never_steps(boot, link,
                                                              servers):
    server = servers(2)
    vm = boot(ADDRESS + "server 10.0.2.2 " + FAST, net=link.netdev())
    lab.ask_until(synchronised, 20)
    time.sleep(3)
    server.offset = 0.4
    last = lab.ask()
    end = time.monotonic() + 40
    while last.offset < 0.2:
        assert time.monotonic() < end, last.offset
        time.sleep(0.1)
        reply = lab.ask()
        # maxslewrate is 83333 ppm, and the rate itself may be a little off;
        # what is seen of it, by half the delay.
        delays = reply.delay + last.delay
        passed = reply.asked - last.asked + delays
        assert abs(reply.offset - last.offset) < (
            0.09 * passed + delays / 2 + 0.001)
        last = reply
    assert not re.search("stepped", vm.output())


def test_maxchange_stops_a_clock_that_would_be_led_astray(boot, link, servers):
    server = servers(2)
    vm = boot(ADDRESS + "makestep 1 -1; maxchange 2 1 1000; "
              "server 10.0.2.2 " + FAST, net=link.netdev())
    lab.ask_until(synchronised, 20)
    time.sleep(3)
    server.offset = 100.0
    vm.wait_for("offset over the threshold of maxchange", 40)
    assert abs(lab.ask().offset) < 0.1


def test_local_alone_serves_at_its_stratum(boot, link):
    boot(ADDRESS + "local stratum 7", net=link.netdev())
    reply = lab.ask_until(synchronised, 20)
    assert reply.stratum == 7
    assert reply.reference_id == bytes([127, 127, 1, 1])
    assert abs(reply.offset) < reply.bound


def test_local_gives_way_to_a_source_and_takes_over_again(boot, link, servers):
    server = servers(2)
    server.silent = True
    vm = boot(ADDRESS + "local stratum 7 distance 0.5; maxclockerror 100000; "
              "server 10.0.2.2 " + FAST, net=link.netdev())
    lab.ask_until(lambda r: r.stratum == 7, 30)
    server.silent = False
    lab.ask_until(lambda r: r.synchronised and r.stratum == 2, 30)
    server.silent = True
    reply = lab.ask_until(lambda r: r.synchronised and r.stratum == 7, 60)
    assert abs(reply.offset) < 0.1, "what was learnt is not forgotten"
    assert vm.running()
