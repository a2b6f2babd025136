# SPDX-License-Identifier: BSD-2-Clause
"""Machines that lack something, and dates that are far away."""

import calendar
import re
import time

import pytest

import lab

STATIC = "address 10.0.2.15/24; server 10.0.2.2 iburst; allow"
LOCAL = "address 10.0.2.15/24; local; allow"


def synchronised(reply):
    return reply.synchronised and reply.stratum == 2


@pytest.mark.parametrize("machine", [
    "q35,hpet=off", "pc,hpet=off", "pc,acpi=off", "q35,acpi=off",
    "q35,acpi=off,hpet=off", "microvm,pcie=on,rtc=off",
])
def test_machine_that_lacks_something_serves(boot, link, upstream, machine):
    del upstream
    vm = boot(STATIC, net=link.netdev(), machine=machine)
    lab.ask_until(synchronised, 20)
    assert vm.running()


def test_no_card_is_said_and_no_reason_to_stop(boot):
    vm = boot(STATIC)
    vm.wait_for(r"network: .*no (network )?card", 20)
    vm.wait_for(r"boot: done", 5)
    time.sleep(1)
    assert vm.running()


def seconds(date):
    return calendar.timegm(time.strptime(date, "%Y-%m-%dT%H:%M:%S"))


@pytest.mark.parametrize("rtc", ["1970-01-01T00:00:00", "2036-02-07T06:28:10",
                                 "2099-06-01T00:00:00"])
def test_wrong_date_of_the_machine_is_no_obstacle(boot, link, upstream, rtc):
    del upstream
    boot(STATIC, net=link.netdev(), extra=["-rtc", "clock=vm,base=" + rtc])
    reply = lab.ask_until(synchronised, 20)
    assert abs(reply.ahead_of(0)) < reply.bound + reply.delay / 2


@pytest.mark.parametrize("date, rtc, length", [
    # The era ends while it serves, at 06:28:16.
    ("2036-02-07T06:28:12", "2036-02-07T06:28:12", 7),
    ("2036-02-07T06:28:12", "2026-01-01T00:00:00", 7),
    ("2038-01-19T03:14:05", "2038-01-19T03:14:05", 4),
    ("2100-03-01T00:00:00", "2099-12-31T23:00:00", 2),
])
def test_far_date_is_served_across_the_end_of_an_era(boot, link, things, date,
                                                     rtc, length):
    vm = boot(STATIC.replace("iburst", "iburst minpoll 1 maxpoll 1"),
              net=link.netdev(), extra=["-rtc", "clock=vm,base=" + rtc])
    offset = seconds(date) - time.time()
    things.append(lab.Upstream("10.0.2.2", offset=offset))
    lab.ask_until(synchronised, 20)
    end = time.monotonic() + length
    while time.monotonic() < end:
        reply = lab.ask()
        assert reply.synchronised and reply.leap == 0
        assert abs(reply.ahead_of(offset)) < min(
            0.25, reply.bound + reply.delay / 2)
        time.sleep(0.2)
    assert not re.search("stepped|falseticker|not usable", vm.output())


def test_isolated_machine_serves_its_date_across_the_end_of_an_era(boot, link):
    date = "2036-02-07T06:28:13"
    before = time.time()
    boot(LOCAL, net=link.netdev(), extra=["-rtc", "clock=vm,base=" + date])
    offset = seconds(date) - before
    end = time.monotonic() + 6
    while time.monotonic() < end:
        reply = lab.ask_until(lambda r: r.synchronised, 20)
        assert abs(reply.ahead_of(offset)) < 5
        time.sleep(0.3)
