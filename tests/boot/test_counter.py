# SPDX-License-Identifier: BSD-2-Clause
"""How fast the counter runs, against what the host knows, and the date.

Under TCG the guest's counter is the host's, and HPET, PM timer and PIT follow
QEMU's virtual clock, which is the host's monotonic clock: so the true rate is
what the host's counter does by that clock.
"""

import os
import re
import subprocess
import time

import pytest

import lab

MICROVM = "microvm,pcie=on"
RATE = r"counter: measured by (\w+): (\d+) Hz \+- ([0-9.]+) ppm"
HOST_RATE = os.path.join(lab.BUILD, "host", "host_rate")


@pytest.fixture(scope="module", name="truth")
def fixture_truth():
    """The true rate and its own bound, Hz."""
    with open("/proc/cpuinfo", encoding="ascii") as f:
        if "constant_tsc" not in f.read():
            pytest.skip("the host's own counter is not of constant rate")
    if not os.access(HOST_RATE, os.X_OK):
        pytest.skip("no build/host/host_rate")
    words = subprocess.run([HOST_RATE, "2"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    return float(words[0]), float(words[1])


def measured(text):
    """[(name, Hz, bound in Hz)] of all references, by the console."""
    return [(name, int(hz), int(hz) * float(ppm) * 1e-6)
            for name, hz, ppm in re.findall(RATE, text)]


def check(rates, truth):
    hz, bound = truth
    for name, rate, within in rates:
        assert abs(rate - hz) <= within + bound, (name, rate, within, truth)


@pytest.mark.parametrize("machine, boots, names", [
    ("q35", 20, {"hpet", "pmtimer", "pit"}),
    ("pc", 5, {"hpet", "pmtimer", "pit"}),
    ("q35,hpet=off", 5, {"pmtimer", "pit"}),
    (MICROVM, 5, {"pit"}),
])
def test_true_rate_is_within_every_bound(boot, truth, machine, boots, names):
    for _ in range(boots):
        vm = boot(machine=machine)
        vm.wait_for(r"counter: using .*\n", 20)
        rates = measured(vm.output())
        assert {name for name, _, _ in rates} == names
        check(rates, truth)
        assert "disagree" not in vm.output()
        vm.close()


def test_refining_ends_under_1_ppm_of_the_truth(boot, truth):
    vm = boot()
    vm.wait_for(r"counter: using hpet: \d+ Hz \+- 0\.\d+ ppm", 60)
    last = {name: (name, hz, bound)
            for name, hz, bound in measured(vm.output())}
    check(last.values(), truth)
    for _, hz, bound in last.values():
        assert bound < hz * 1e-6
    assert "disagree" not in vm.output()


def test_pause_does_not_mislead(boot, truth):
    vm = boot()
    vm.wait_for(r"counter: using .*\n", 20)
    for _ in range(3):
        vm.qmp("stop")
        time.sleep(0.5)
        vm.qmp("cont")
        time.sleep(0.3)
    vm.wait_for(r"counter: using hpet: \d+ Hz \+- 0\.\d+ ppm", 60)
    check({name: (name, hz, bound) for name, hz, bound
           in measured(vm.output())}.values(), truth)


def test_no_clock_of_known_rate_is_refused_and_said(boot):
    vm = boot(machine=MICROVM + ",pit=off")
    vm.wait_for(r"counter: .*not serving", 20)


@pytest.mark.parametrize("base, seconds", [
    ("2000-02-29T12:00:00", 951825600),
    ("2026-12-31T23:59:50", 1798761590),
    ("2036-02-07T06:28:10", 2085978490),
    ("2038-01-19T03:14:02", 2147483642),
    ("2099-12-31T23:59:50", 4102444790),
])
@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_first_guess_is_the_clock_of_the_machine(boot, machine, base, seconds):
    vm = boot(machine=machine,
              extra=["-rtc", "clock=vm,base=" + base])
    found = vm.wait_for(r"date: (\d+) s since 1970 by rtc", 20)
    assert 0 <= int(found.group(1)) - seconds <= 3
