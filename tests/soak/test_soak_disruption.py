# SPDX-License-Identifier: BSD-2-Clause
"""Pauses, copies and restores, each fifty times, and a client that asks a
hundred times a second meanwhile.  GNOMON_ROUNDS: how often instead."""

import os
import random

import pytest

import disruption as d
import lab

ROUNDS = int(os.environ.get("GNOMON_ROUNDS", "50"))
PLAIN = "address 10.0.2.15/24; allow; server 10.0.2.2 iburst maxpoll 6; "

BY_RTC = "the RTC"
BY_MARKER = "vmclock's disruption marker"
BY_ID = "a new VM generation ID"

pytestmark = pytest.mark.usefixtures("upstream")


def tell(back):
    print("service was back after %.3f s at most, %.3f s as a median, of %d" % (
        max(back), sorted(back)[len(back) // 2], len(back)))
    assert max(back) < 3


def test_pauses_of_six_seconds(boot, link):
    vm = d.served(boot, link, PLAIN)
    back = []
    with d.Client() as client:
        for told in range(ROUNDS):
            gap = d.pause(vm, 6)
            back.append(d.recovered(client, vm, gap, BY_RTC, told))
            d.sleep(random.uniform(0, 1))
    tell(back)


def copies(boot, link, marks, away, sign):
    """`marks`: options of the copy of a number."""
    vm = d.Copies(boot, link, PLAIN, marks(0))
    back = []
    with d.Client() as client:
        for n in range(ROUNDS):
            d.sleep(random.uniform(0, 0.5))
            vm.save()
            vm.start(marks(n + 1), random.uniform(*away))
            back.append(d.recovered(client, vm.vm, vm.gap, sign))
    tell(back)


def test_migrations_to_a_file_without_any_sign(boot, link):
    copies(boot, link, lambda n: [], (2, 3), BY_RTC)


def test_new_generation_ids(boot, link):
    copies(boot, link, d.generation, (0, 1), BY_ID)


def test_copies_with_the_marker(boot, link):
    copies(boot, link, lambda n: d.MARKER, (0, 1), BY_MARKER)


def test_snapshots_taken_back_by_the_same_qemu(boot, link, tmp_path):
    """Each of five snapshots again and again."""
    s = d.Snapshots(boot, link, PLAIN, tmp_path, d.MARKER)
    told, back = 0, []
    while len(back) < ROUNDS:
        s.save()
        s.back()
        told = len(lab.until("service", 5, lambda t=told: d.audit(
            s.vm)[t:] and d.audit(s.vm)))
        with d.Client() as client:
            for _ in range((ROUNDS + 4) // 5):
                d.sleep(random.uniform(0, 1))
                gap = s.back(random.uniform(0, 1))
                back.append(d.recovered(client, s.vm, gap, BY_MARKER, told))
                told += 1
    tell(back)


def test_snapshots_taken_back_without_any_sign(boot, link, tmp_path):
    s = d.Snapshots(boot, link, PLAIN, tmp_path)
    back = []
    s.save()
    with d.Client() as client:
        for _ in range(ROUNDS):
            gap = s.restart(2.5)
            client.take()  # of the time between the snapshot and its end
            back.append(d.recovered(client, s.vm, gap, BY_RTC))
    tell(back)
