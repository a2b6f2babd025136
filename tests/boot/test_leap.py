# SPDX-License-Identifier: BSD-2-Clause
"""Leap seconds: the list, and going through one at a faked date."""

import pytest

import lab
import leap_lab
from leap_lab import LIST, NEAR, SMEAR, unix

SMEARS = bytes([127, 127, 1, 255])  # the reference identifier meanwhile


@pytest.fixture
def link(lan):
    """A bridge, so that there is room for a client."""
    return lan


@pytest.fixture
def at(boot, link, things):
    """at(date, configuration): see leap_lab.starter."""
    return leap_lab.starter(boot, link, things)


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


def needs_chronyd():
    if not lab.peer("chronyd"):
        pytest.skip("no chronyd on this machine")


@pytest.mark.parametrize("step, midnight, listed", [
    (1, unix(2027, 1, 1), False), (-1, unix(2027, 1, 1), True),
    (1, unix(2040, 7, 1), True),
])
def test_leap_second_is_gone_through(at, link, tmp_path, things, step,
                                     midnight, listed):
    """Announced by the list alone, or by the source alone."""
    needs_chronyd()
    vm, server = at(
        midnight - 12, LIST if listed else "", step=step, midnight=midnight,
        tells=not listed,
        initrd=leap_lab.leap_list(tmp_path, midnight, step) if listed else None)
    clock, log = leap_lab.follower(link, tmp_path, things, server)
    replies = leap_lab.watch(server, 3)
    leap_lab.check(replies, server, server.utc_at)
    jump = midnight - server.offset - (step < 0)
    assert sum(jump < r.asked < jump + 1 for r in replies) > 50
    assert vm.running()
    # A client that believed it took the second out of its own clock.
    lab.until("the client leapt", 30, lambda: abs(
        clock.offset() - server.offset + step) < NEAR)
    said = leap_lab.announced(log)
    assert {1: "+", -1: "-"}[step] in said
    vm.wait_for("leap second passed", 5)
    assert not lab.ask().leap


@pytest.mark.parametrize("step", [1, -1])
def test_leap_second_is_smeared(at, link, tmp_path, things, step):
    """At its beginning, in its middle and at its end, by appliances that know
    of nothing but UTC and the list."""
    needs_chronyd()
    midnight = unix(2027, 1, 1)
    begin = -(step < 0)  # s after that midnight, without the leap second
    config = LIST + SMEAR
    more = {"step": step, "midnight": midnight, "tells": step > 0,
            "initrd": leap_lab.leap_list(tmp_path, midnight, step)}

    _, server = at(midnight - 8, config, **more)
    clock, log = leap_lab.follower(link, tmp_path, things, server)
    replies = leap_lab.watch(server, 4)
    leap_lab.check(replies, server, server.smeared_at)
    for r in replies:
        since = r.asked + server.offset - midnight - begin
        if abs(since) > 2 * NEAR:
            assert (r.reference_id == SMEARS) == (since > 0), since
    # A client went along, and never leapt by itself.
    assert abs(clock.offset() - server.offset) < NEAR
    assert set(leap_lab.announced(log)) <= {"N", "?"}

    age = 31250
    vm, server = at(midnight + age, config, **more)
    vm.wait_for(r"a leap second is being smeared, served time minus UTC "
                r"%s0\.(49|50)\d+ s" % ("\\+" if step > 0 else "-"))
    replies = leap_lab.watch(server, age + 4)
    leap_lab.check(replies, server, server.smeared_at)
    assert all(r.reference_id == SMEARS for r in replies)
    found = leap_lab.asked_once(link.host(8), tmp_path, things, server)
    assert abs(found + step / 2) < NEAR

    age = leap_lab.SMEAR_SECONDS - 4
    vm, server = at(midnight + age, config, **more)
    vm.wait_for("smear of the leap second is over", 10)
    replies = leap_lab.watch(server, age + 7)
    leap_lab.check(replies, server, server.smeared_at)
    assert lab.ask().reference_id == bytes([10, 0, 2, 2])


def test_server_that_smears_among_others_is_named(at, link, things):
    date = unix(2027, 1, 1) + 3600
    for number in (3, 4):
        link.add("10.0.2.%d/24" % number)
    vm, server = at(date, "; ".join(
        "server 10.0.2.%d iburst minpoll 0 maxpoll 0" % n for n in (3, 4)))
    things.append(lab.Upstream("10.0.2.3", offset=server.offset))
    things.append(lab.Upstream("10.0.2.4", offset=server.offset + 0.3,
                               refid=bytes([127, 127, 1, 255])))
    vm.wait_for(r"WARNING: leap seconds are smeared, unlike others, by "
                r"10\.0\.2\.4$", 30)
    assert "unlike others, by 10.0.2.2" not in vm.output()
