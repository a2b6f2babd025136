# SPDX-License-Identifier: BSD-2-Clause
"""Upstream servers that die, lie, or come back."""

import time

import pytest

import lab
import scenario

ADDRESS = "address 10.0.2.15/24; allow; "


def test_dispersion_grows_without_upstream_and_service_recovers(
        boot, link, upstream, tmp_path, things):
    scenario.holdover(boot, link, upstream, tmp_path, things, 12)


@pytest.mark.parametrize("round_", range(3))
def test_liar_that_answers_first_is_named_and_not_followed(
        boot, link, things, round_):
    del round_
    scenario.liar(boot, link, things)


@pytest.mark.parametrize("code", [b"DENY", b"RSTR"])
def test_kiss_of_death_stops_asking_for_good(boot, link, things, code):
    server = lab.Upstream("10.0.2.2")
    server.kiss = code
    things.append(server)
    vm = boot(ADDRESS + "server 10.0.2.2 iburst minpoll 0 maxpoll 0",
              net=link.netdev())
    vm.wait_for(r"told to stop", 10)
    asked = server.asked
    time.sleep(3)
    assert server.asked == asked
    assert lab.ask().leap == 3


def test_kiss_of_death_stops_asking_also_later(boot, link, things):
    server = lab.Upstream("10.0.2.2")
    things.append(server)
    vm = boot(ADDRESS + "server 10.0.2.2 iburst minpoll 0 maxpoll 0",
              net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    server.kiss = b"DENY"
    vm.wait_for(r"told to stop", 10)
    asked = server.asked
    server.kiss = None
    time.sleep(3)
    assert server.asked == asked
    assert lab.ask().stratum == 2, "what is known is still known"


def test_kiss_rate_makes_it_ask_less_often(boot, link, things):
    server = lab.Upstream("10.0.2.2")
    things.append(server)
    vm = boot(ADDRESS + "server 10.0.2.2 iburst minpoll 0 maxpoll 4",
              net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    server.kiss = b"RATE"
    vm.wait_for(r"told to ask less often", 30)
    asked = server.asked
    time.sleep(5)
    assert server.asked - asked <= 3, "at minpoll it would have been 5"


def test_upstream_that_follows_us_is_not_followed(boot, link, things):
    server = lab.Upstream("10.0.2.2", stratum=3, refid=bytes([10, 0, 2, 15]))
    things.append(server)
    vm = boot(ADDRESS + "server 10.0.2.2 iburst", net=link.netdev())
    vm.wait_for(r"not usable 10\.0\.2\.2.*it follows us", 20)
    lab.until("asked four times", 20, lambda: server.asked >= 4)
    assert lab.ask().leap == 3
    server.refid = b"TEST"
    lab.ask_until(lambda r: r.synchronised and r.stratum == 4, 40)


def test_two_appliances_that_follow_each_other_have_one_leader(
        boot, lan, tmp_path, things):
    """Each is a server of the other; only one of them knows the time."""
    things.append(lab.honest(tmp_path))
    boot("address 10.0.2.15/24; allow; server 10.0.2.2 iburst; "
         "server 10.0.2.16 iburst minpoll 1 maxpoll 1", net=lan.netdev())
    second = lab.Tap("tap1", ())
    things.append(second)
    lab.run("ip", "link", "set", "tap1", "address", "02:00:00:00:00:03")
    lab.run("ip", "link", "set", "tap1", "master", "br0")
    boot("address 10.0.2.16/24; allow; server 10.0.2.15 iburst",
         net=second.netdev(), mac="52:54:00:00:00:10")
    follower = lab.ask_until(lambda r: r.synchronised, 30, address="10.0.2.16")
    assert follower.stratum == 3
    assert follower.reference_id == bytes([10, 0, 2, 15])
    time.sleep(5)
    leader = lab.ask()
    assert leader.stratum == 2
    assert leader.reference_id == bytes([10, 0, 2, 2])


def test_orphans_agree_on_the_least_address(boot, lan, things):
    """Alone together, with the same `local` line, until one knows the time."""
    local = "local stratum 7 orphan waitunsynced 1; allow; "
    polls = " iburst minpoll 0 maxpoll 0; "
    second = lab.Tap("tap1", ())
    things.append(second)
    lab.run("ip", "link", "set", "tap1", "address", "02:00:00:00:00:03")
    lab.run("ip", "link", "set", "tap1", "master", "br0")
    boot("address 10.0.2.16/24; server 10.0.2.15" + polls + local,
         net=second.netdev(), mac="52:54:00:00:00:10")
    boot("address 10.0.2.15/24; server 10.0.2.16" + polls +
         "server 10.0.2.2" + polls + local, net=lan.netdev())
    leader = lab.ask_until(lambda r: r.synchronised and r.stratum == 7, 60)
    assert leader.reference_id == bytes([127, 127, 1, 1])
    follower = lab.ask_until(lambda r: r.stratum == 8, 30, address="10.0.2.16")
    assert follower.reference_id == bytes([10, 0, 2, 15])
    time.sleep(5)
    assert lab.ask().stratum == 7, "it does not follow who follows it"
    apart = lab.best_offset().offset - lab.best_offset(
        address="10.0.2.16").offset
    assert abs(apart) < 0.05

    server = lab.Upstream("10.0.2.2")
    things.append(server)
    lab.ask_until(lambda r: r.stratum == 2, 30)
    lab.ask_until(lambda r: r.stratum == 3, 30, address="10.0.2.16")


@pytest.mark.parametrize("fault", ["unsynchronised", "stratum", "distance"])
def test_upstream_that_is_no_good_is_named_and_not_followed(boot, link, things,
                                                            fault):
    server = {
        "unsynchronised": lambda: lab.Upstream("10.0.2.2", leap=3),
        "stratum": lambda: lab.Upstream("10.0.2.2", stratum=15),
        "distance": lambda: lab.Upstream("10.0.2.2", dispersion=5.0),
    }[fault]()
    things.append(server)
    vm = boot(ADDRESS + "server 10.0.2.2 iburst", net=link.netdev())
    vm.wait_for(r"not usable 10\.0\.2\.2", 30)
    assert lab.ask().leap == 3


def test_without_upstream_it_serves_local_from_the_rtc(boot, link):
    vm = boot("address 10.0.2.15/24", net=link.netdev())
    reply = lab.ask_until(lambda r: True, 10)
    assert reply.leap == 3 and reply.stratum == 0
    reply = lab.ask_until(lambda r: r.synchronised, 20)
    assert reply.stratum == 10
    assert reply.reference_id == bytes([127, 127, 1, 1])
    assert reply.root_dispersion >= 1
    assert abs(reply.offset) < reply.bound
    vm.wait_for("serving our own time, local", 5)
