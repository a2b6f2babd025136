# SPDX-License-Identifier: BSD-2-Clause
"""Restores of one snapshot, again and again: none says what another said."""

import pytest

import copies
import disruption as d


@pytest.mark.parametrize("cpu", ["max", "qemu64"])
@pytest.mark.parametrize("new", [1, 2], ids=["same-id", "other-id"])
def test_restores_of_one_file_have_nothing_in_common(
        boot, link, tmp_path, things, new, cpu):
    """With the same ID and an RTC that stands still none notices."""
    original = copies.Original(boot, link, tmp_path, things, d.generation(1),
                               rtc=copies.VM_CLOCK, cpu=cpu)
    original.save()
    original.say_different_things(10, d.generation(new), new == 2)


@pytest.mark.parametrize("wait", range(20))
def test_restores_of_any_moment_have_nothing_in_common(
        boot, link, tmp_path, things, wait):
    """Taken while requests are being answered."""
    original = copies.Original(boot, link, tmp_path, things, d.generation(1),
                               rtc=copies.VM_CLOCK, cpu="qemu64")
    replay = copies.Replay(original.keys)
    replay.start()
    d.sleep(0.2 + wait / 997)
    original.save()
    replay.stop()
    original.say_different_things(2, d.generation(1), False)
