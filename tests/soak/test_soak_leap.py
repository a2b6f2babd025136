# SPDX-License-Identifier: BSD-2-Clause
"""Leap seconds for longer than in tests/boot: the hours after them, a smear at
many dates, and starts at each moment around one.  About half an hour."""

import time

import pytest

import lab
import leap_lab
from leap_lab import LIST, SMEAR, SMEAR_SECONDS, unix

MIDNIGHT = unix(2027, 1, 1)


@pytest.fixture
def link(lan):
    return lan


@pytest.fixture
def at(boot, link, things):
    return leap_lab.starter(boot, link, things)


def ways(tmp_path, step):
    """Announced by both, the source alone, the list alone."""
    archive = leap_lab.leap_list(tmp_path, MIDNIGHT, step)
    return {"both": (LIST, {"initrd": archive}), "source": ("", {}),
            "list": (LIST, {"initrd": archive, "tells": False})}


@pytest.mark.parametrize("way", ["both", "source", "list"])
@pytest.mark.parametrize("step", [1, -1])
def test_minutes_around_a_leap_second(at, tmp_path, step, way):
    words, more = ways(tmp_path, step)[way]
    _, server = at(MIDNIGHT - 40, words, step=step, midnight=MIDNIGHT, **more)
    replies = leap_lab.watch(server, 60)
    assert len(replies) > 7000
    leap_lab.check(replies, server, server.utc_at)
    assert {r.leap for r in replies if r.asked + server.offset <
            MIDNIGHT - 10} == {1 if step > 0 else 2}


@pytest.mark.parametrize("hours", [1, 5, 23.9, 24.1, 31 * 24 - 0.01])
@pytest.mark.parametrize("step", [1, -1])
def test_hours_after_a_leap_second(at, tmp_path, step, hours):
    """Nothing is announced any more, nor done again at the next midnights."""
    _, server = at(MIDNIGHT + hours * 3600 - 15, LIST, step=step,
                   midnight=MIDNIGHT,
                   initrd=leap_lab.leap_list(tmp_path, MIDNIGHT, step))
    replies = leap_lab.watch(server, hours * 3600 + 30)
    leap_lab.check(replies, server, server.utc_at)
    assert not any(r.leap for r in replies)


def smear_ages():
    """From its start to after its end, closest where the curve bends."""
    return [2, 60, 3600, 10000, 20000, 31240, 31260, 40000, 50000, 60000,
            SMEAR_SECONDS - 60, SMEAR_SECONDS - 5, SMEAR_SECONDS + 5]


@pytest.mark.parametrize("step", [1, -1])
def test_a_smear_at_many_dates(at, tmp_path, step):
    archive = leap_lab.leap_list(tmp_path, MIDNIGHT, step)
    for age in smear_ages():
        _, server = at(MIDNIGHT + age, LIST + SMEAR, step=step,
                       midnight=MIDNIGHT, initrd=archive)
        replies = leap_lab.watch(server, age + 8)
        leap_lab.check(replies, server, server.smeared_at)


def test_two_that_started_apart_serve_the_same_smear(at, boot, link, tmp_path,
                                                     things):
    """One went through the leap second, the other one booted later."""
    port = lab.Tap("tap1", addresses=())
    things.append(port)
    lab.run("ip", "link", "set", port.name, "master", link.name)
    _, server = at(MIDNIGHT - 8, LIST + SMEAR, step=1, midnight=MIDNIGHT,
                   initrd=leap_lab.leap_list(tmp_path, MIDNIGHT, 1))
    time.sleep(60)
    boot("address 10.0.2.16/24; allow; " + leap_lab.FAST + LIST + SMEAR,
         net=port.netdev(), mac="52:54:00:00:00:10",
         extra=leap_lab.rtc(server.utc_at(server.unleapt())[0]),
         initrd=leap_lab.leap_list(tmp_path, MIDNIGHT, 1))
    lab.ask_until(lambda r: r.synchronised, 20, address="10.0.2.16")
    for _ in range(100):
        one, other = (lab.best_offset(address=a)
                      for a in ("10.0.2.15", "10.0.2.16"))
        assert abs(one.offset - other.offset) <= (
            one.bound + other.bound + one.delay + other.delay)
        assert one.reference_id == other.reference_id == bytes(
            [127, 127, 1, 255])
        time.sleep(0.5)


@pytest.mark.parametrize("way", ["both", "source", "list"])
def test_starts_at_each_moment_around_a_leap_second(at, tmp_path, way):
    """Also in the second itself, whose name says nothing of which it is."""
    words, more = ways(tmp_path, 1)[way]
    for tenth in range(-12, 22, 2):
        date = MIDNIGHT + tenth / 10 - 0.4
        vm, server = at(date, words, step=1, midnight=MIDNIGHT, **more)
        replies = leap_lab.watch(server, tenth / 10 + 6)
        known = [r for r in replies if r.synchronised]
        leap_lab.check(known, server, server.utc_at)
        assert vm.running() and known, tenth
