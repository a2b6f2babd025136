# SPDX-License-Identifier: BSD-2-Clause
"""Leap seconds: the list, and going through one at a faked date."""

import calendar
import time

import pytest

import lab

ADDRESS = "address 10.0.2.15/24; allow; "
FAST = "server 10.0.2.2 iburst minpoll 0 maxpoll 0"


def unix(*date):
    return calendar.timegm((*date, 0, 0, 0)[:6])


class Faked(lab.Upstream):
    """A server whose clock shows `date` at its start, s since 1970."""

    def __init__(self, address, date, **more):
        super().__init__(address, offset=date - time.time(), **more)


def rtc(date):
    return ("-rtc", "base=" + time.strftime(
        "%Y-%m-%dT%H:%M:%S", time.gmtime(date)))


@pytest.fixture
def at(boot, link, things):
    """at(date, configuration) starts an appliance and its server then, in place
    of those before."""
    before = []

    def start(date, append="", **more):
        while before:
            before.pop().close()
        server = Faked("10.0.2.2", date, **more)
        things.append(server)
        vm = boot(ADDRESS + FAST + "; " + append, net=link.netdev(),
                  extra=rtc(date))
        before.extend((vm, server))
        lab.ask_until(lambda r: r.synchronised, 20)
        return vm, server
    return start


def test_list_of_the_image_is_said_and_its_end_is_warned_of(at):
    vm, _ = at(unix(2026, 11, 22))
    found = vm.wait_for(r"leap seconds: list of the image, hash verified, "
                        r"expires (\d{4})-(\d\d)-(\d\d)$")
    expiry = unix(*map(int, found.groups()))
    assert expiry > unix(2026, 6, 1)

    vm, _ = at(expiry - 20 * 86400)
    vm.wait_for(r"WARNING: the list of leap seconds expires in (19|20) days")

    vm, _ = at(expiry + 20 * 86400)
    vm.wait_for(r"WARNING: the list of leap seconds expired (19|20) days ago")
