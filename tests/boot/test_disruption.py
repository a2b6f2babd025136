# SPDX-License-Identifier: BSD-2-Clause
"""Pauses, copies and restores: no wrong time is served, and service returns."""

import disruption as d

PLAIN = "address 10.0.2.15/24; allow; server 10.0.2.2 iburst maxpoll 6; "


def test_a_pause_is_noticed_by_the_rtc_before_anything_is_answered(
        boot, link, upstream):
    del upstream
    vm = d.served(boot, link, PLAIN)
    for _ in range(2):
        with d.Client() as client:
            d.pause(vm, 6)
            client.until_served(3)
            client.no_lies()
        d.audited(vm, "the RTC", 6)


def test_nothing_is_noticed_where_nothing_happened(boot, link, upstream):
    del upstream
    vm = d.served(boot, link, PLAIN)
    with d.Client() as client:
        d.sleep(8)
        client.no_lies()
        assert client.served() == len(client.replies)
    assert "disruption: noticed" not in vm.output()
