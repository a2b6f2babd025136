# SPDX-License-Identifier: BSD-2-Clause
"""Pauses, copies and restores: no wrong time is served, and service returns."""

import pytest

import copies
import disruption as d
import lab

PLAIN = "address 10.0.2.15/24; allow; server 10.0.2.2 iburst maxpoll 6; "


def test_a_pause_is_noticed_by_the_rtc_before_anything_is_answered(
        boot, link, upstream):
    del upstream
    vm = d.served(boot, link, PLAIN)
    with d.Client() as client:
        for told in range(2):
            gap = d.pause(vm, 6)
            d.recovered(client, vm, gap, "the RTC", told)


def test_nothing_is_noticed_where_nothing_happened(boot, link, upstream):
    del upstream
    vm = d.served(boot, link, PLAIN)
    with d.Client() as client:
        d.sleep(8)
        client.no_lies()
        assert client.served() == len(client.replies)
    assert "disruption: noticed" not in vm.output()


@pytest.mark.parametrize("sign", ["marker", "generation", "both"])
def test_a_copy_from_a_file_does_not_serve_the_time_of_the_original(
        boot, link, upstream, tmp_path, sign):
    """And its state disk has the copy's generation ID alone."""
    del upstream
    marker = d.MARKER if sign != "generation" else []
    old, new = ([], []) if sign == "marker" else (
        d.generation(1), d.generation(2))
    state = tmp_path / "state"
    state.write_bytes(bytes(1 << 20))
    marker = [*marker, "-drive", "if=none,id=s0,format=raw,file=%s" % state,
              "-device", "virtio-blk-pci,drive=s0"]
    vm = d.Copies(boot, link, PLAIN, [*marker, *old])
    with d.Client() as client:
        vm.save()
        d.sleep(1)
        now = vm.start([*marker, *new])
        client.until_served()
        client.no_lies()
    if sign != "generation":
        d.audited(now, "vmclock's disruption marker", vm.gap, 0.3)
    if sign != "marker":
        d.audited(now, "a new VM generation ID", vm.gap, 0.3)
        lab.until("its ID is kept", 10, lambda: [
            state.read_bytes().count(bytes.fromhex("8000%012d" % number))
            for number in (1, 2)] == [0, 2])


def test_a_copy_without_any_sign_is_noticed_by_the_rtc(boot, link, upstream):
    del upstream
    vm = d.Copies(boot, link, PLAIN)
    with d.Client() as client:
        vm.save()
        d.sleep(4)
        now = vm.start()
        client.until_served()
        client.no_lies()
    d.audited(now, "the RTC", vm.gap, 0.3)


def test_a_snapshot_taken_back_does_not_serve_its_time(boot, link, upstream,
                                                       tmp_path):
    del upstream
    s = d.Snapshots(boot, link, PLAIN, tmp_path, d.MARKER)
    s.save()
    s.back()
    told = len(lab.until("service", 5, lambda: d.audit(s.vm)))
    with d.Client() as client:
        d.sleep(0.5)
        d.recovered(client, s.vm, s.back(), "vmclock's disruption marker",
                    told)


@pytest.mark.parametrize("new, cpu", [(1, "qemu64"), (2, "max")],
                         ids=["same-id", "other-id"])
def test_two_restores_of_one_file_have_nothing_in_common(
        boot, link, tmp_path, things, new, cpu):
    original = copies.Original(boot, link, tmp_path, things, d.generation(1),
                               rtc=copies.VM_CLOCK, cpu=cpu)
    original.save()
    original.say_different_things(2, d.generation(new), new == 2)


def test_with_nothing_but_local_the_rtc_is_asked_again(boot, link):
    vm = d.served(boot, link, "address 10.0.2.15/24; allow; local stratum 7 "
                  "waitunsynced 1; ")
    with d.Client() as client:
        gap = d.pause(vm, 6)
        client.until_served()
        client.no_lies()
    assert client.replies[-1].stratum == 7
    d.audited(vm, "the RTC", gap, 2)


def test_with_nothing_but_local_a_pause_the_rtc_ran_through_is_over(
        boot, link):
    """Too short for the RTC to notice, long enough to see that it ran."""
    vm = d.Copies(boot, link, "address 10.0.2.15/24; allow; local stratum 7 "
                  "waitunsynced 1; ", d.MARKER)
    with d.Client() as client:
        vm.save()
        d.sleep(0.4)
        now = vm.start(d.MARKER)
        client.until_served()
        client.no_lies()
    assert client.replies[-1].stratum == 7
    d.audited(now, "vmclock's disruption marker", vm.gap, 1.5)
