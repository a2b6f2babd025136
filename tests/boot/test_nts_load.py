# SPDX-License-Identifier: BSD-2-Clause
"""Nobody keeps good clients from NTS, and nothing of it is used up."""

import time

import pytest

import lab
import nts_scenario as scenario
# pylint: disable-next=unused-import
from nts_fixtures import authority, link, served, server
from nts_lab import nts

CHATTY = "logstats 1"
GARBAGE = (b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", b"\0" * 4096, None,
           b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"x",
           b"\x16\x03\x01\xff\xff", b"\x17\x03\x03\0\x20" + b"x" * 32)


def test_slow_clients_do_not_keep_others_out(serve, link):
    """They all come from one host."""
    scenario.slow_clients(serve(CHATTY), link, 6)


def test_slow_clients_do_not_displace_one_who_is_far_away(serve, link):
    """Nobody loses a place to a host that has more of them."""
    scenario.slow_clients(serve(CHATTY), link, 8, pause=1.5, count=150,
                          life=5)


def test_slow_clients_everywhere_do_not_either(serve, link):
    """Each of them has an address of its own."""
    scenario.slow_clients(serve(CHATTY), link, 6, addresses=scenario.SLOW)


def test_half_open_connections_do_not_either(serve, link):
    scenario.half_open(serve(CHATTY), link, 6)


def test_nor_does_garbage(serve, link):
    scenario.garbage(serve(CHATTY), link, 4, GARBAGE)


def test_handshakes_use_nothing_up(serve):
    vm = serve(CHATTY)
    scenario.sequential(60)
    first = scenario.stats(vm)
    scenario.sequential(60)
    scenario.nothing_left(vm)
    second = scenario.stats(vm)
    assert second["tls"]["handshakes"] >= first["tls"]["handshakes"] + 60
    assert second["nts-ke"]["answered"] == 120
    assert second["tls"]["no_session"] == 0
    assert scenario.marks(first) == scenario.marks(second)
    assert second["tls"]["common_bytes"] == first["tls"]["common_bytes"]
    # Of those that were closed, 64 are kept.
    assert second["pools"]["TCP_PCB_max"] < 100


def test_replayed_request_is_answered_and_costs_nothing(serve):
    vm = serve(CHATTY)
    keys = nts.establish(lab.GUEST)
    scenario.replayed(keys, 500)
    first = scenario.stats(vm)
    assert scenario.replayed(keys, 3000) > 2900
    assert scenario.marks(scenario.stats(vm)) == scenario.marks(first)


@pytest.mark.alone
def test_sixteen_megabytes_hold_64_sessions(serve):
    """64 at the same time; the first is waited for no longer than 3 s."""
    vm = serve(CHATTY, memory=16)
    found = vm.wait_for(r"tls: (\d+) sessions in (\d+) KiB", 5)
    assert int(found[1]) >= 64, found[0]
    sessions = [nts.Session(lab.GUEST, limit=30) for _ in range(64)]
    for s in sessions:
        s.handshake()
    for s in sessions:
        s.send(nts.request((30, 15), True))
    for s in sessions:
        data, ended = s.read()
        assert ended == "close_notify"
        assert len(nts.keys_of(s, data).cookies) == 8
        s.socket.close()
    numbers = scenario.stats(vm)["tls"]
    assert numbers["sessions_max"] >= 64, numbers
    scenario.nothing_left(vm)


def test_full_pool_refuses_quickly(serve):
    """Who has no place is told so at once, and who has one is served."""
    vm = serve(CHATTY + "\nmaxntsconnections 4")
    held = [nts.Session(lab.GUEST, limit=30).handshake() for _ in range(4)]
    began = time.monotonic()
    refused = 0
    try:
        nts.establish(lab.GUEST, limit=5)
    except (OSError, nts.SSL.Error):
        refused = 1
    assert time.monotonic() - began < 4
    served_too = 0
    for s in held:
        try:
            s.send(nts.request())
            served_too += bool(nts.records(s.read()[0]))
        except (OSError, nts.SSL.Error):
            pass
        s.socket.close()
    # Either the newcomer went, or the one that had been idle for longest.
    assert served_too + (not refused) == 4, (served_too, refused)
    scenario.nothing_left(vm)
    assert nts.establish(lab.GUEST)


def test_sessions_that_nobody_hears_the_end_of_make_room(serve, link):
    """All sessions are at their end, and those who had them say nothing."""
    serve(CHATTY + "\nmaxntsconnections 4")
    scenario.deaf(link, 24)
    time.sleep(0.3)
    assert nts.establish(lab.GUEST, limit=5)


@pytest.mark.parametrize("appliance", [lab.GUEST, lab.GUEST6])
def test_no_host_has_all_places_to_itself(serve, link, appliance):
    """Nobody has kept us waiting yet, but one host has more than its share."""
    serve(CHATTY + "\nmaxntsconnections 4")
    many, one = link.host(9), link.host(8)
    with many.inside():
        held = [nts.Session(appliance, limit=30).handshake()
                for _ in range(4)]
    with one.inside():
        for _ in range(3):
            assert nts.establish(appliance, limit=5)
    ended = 0
    for s in held:
        try:
            s.send(nts.request())
            ended += not nts.records(s.read()[0])
        except (OSError, nts.SSL.Error):
            ended += 1
        s.socket.close()
    assert ended == 1


def test_who_waits_for_a_place_is_answered_at_his_own_address(serve, link):
    """Nobody else is there whose way back could be taken for his."""
    vm = serve(CHATTY + "\nmaxntsconnections 2")
    held = []
    for number in (6, 7):
        with link.host(number).inside():
            held.append(nts.Session(lab.GUEST, limit=30).handshake())
    with link.host(8).inside():
        began = time.monotonic()
        assert nts.establish(lab.GUEST, limit=5)
        assert time.monotonic() - began < 4
    for s in held:
        s.socket.close()
    scenario.nothing_left(vm)
