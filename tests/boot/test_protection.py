# SPDX-License-Identifier: BSD-2-Clause
"""Each protection of the machine, violated on purpose: `selftest=NAME`."""

import os
import re

import pytest

import lab

DEBUG_PANIC = 39  # QEMU's exit status when 0x13 is written to port 0xf4
PAGE_FAULT = r"panic: page fault \(vector 14, error %x\)"
WRITE, EXECUTE, READ, ABSENT_EXECUTE = 3, 0x11, 0, 0x10


def passes(vm, limit=20):
    """It ended with the code for success, and said so in its last line."""
    assert vm.exit_status(limit) == lab.DEBUG_SUCCESS, vm.output()
    with open(vm.console, encoding="utf-8", errors="replace") as f:
        last = f.read().rstrip().splitlines()[-1]
    assert re.search(r"selftest: (\S+: )?passed$", last), vm.output()


@pytest.mark.parametrize("name, error", [
    ("text-write", WRITE),
    ("rodata-write", WRITE),
    ("rodata-exec", EXECUTE),
    ("data-exec", EXECUTE),
    ("stack-exec", EXECUTE),
    ("null", READ),
    ("null-call", ABSENT_EXECUTE),
    ("guard-main", READ),
    ("guard-double_fault", READ),
    ("guard-nmi", READ),
    ("guard-machine_check", READ),
    ("guard-interrupt", READ),
])
@pytest.mark.parametrize("cpu", ["qemu64", "max"])
def test_forbidden_access_is_a_page_fault(boot, name, error, cpu):
    vm = boot("selftest=" + name, cpu=cpu)
    passes(vm)
    assert re.search(PAGE_FAULT % error, vm.output()), vm.output()


@pytest.mark.parametrize("name, stack", [
    ("stack-overflow", "main"),
    ("guard-ist", "interrupt"),
])
def test_stack_that_overflows_meets_its_guard_page(boot, name, stack):
    vm = boot("selftest=" + name)
    passes(vm)
    text = vm.output()
    assert "panic: double fault" in text, text
    assert "below the %s stack" % stack in text, text
    assert re.search(r"from [0-9a-f]{16} descend\+0x", text), text
    assert re.search(r"\d+ times more", text), text


def test_overwritten_stack_frame_is_noticed(boot):
    vm = boot("selftest=stack-smash")
    passes(vm)
    assert "panic: a stack frame was overwritten" in vm.output()


@pytest.mark.parametrize("name", ["red-zone", "vectors"])
def test_interrupt_storm_spoils_nothing(boot, name):
    passes(boot("selftest=" + name), 30)


def test_panic_shows_trace_and_last_log_lines(boot):
    vm = boot("selftest=panic")
    passes(vm)
    text = vm.output()
    trace = re.search(r"panic: .*?last log lines:", text, re.S).group()
    for name in ("do_panic", "selftest_run", "boot_main"):
        assert name + "+0x" in trace, text
    assert "selftest: panic" in text.split("last log lines:")[1], text


def test_panic_ends_though_nobody_reads_the_console(boot, tmp_path):
    pipe = str(tmp_path / "serial")
    os.mkfifo(pipe + ".in")
    os.mkfifo(pipe + ".out")
    full = os.open(pipe + ".out", os.O_RDWR | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(full, bytes(4096))
    vm = boot("selftest=panic", serial="pipe:" + pipe)
    assert vm.exit_status() == lab.DEBUG_SUCCESS
    os.close(full)


def test_panic_within_a_panic_still_ends(boot):
    vm = boot("selftest=double-panic")
    assert vm.exit_status(20) == DEBUG_PANIC, vm.output()
    assert "panic: again, within a panic" in vm.output()


def test_unknown_selftest_is_no_success(boot):
    vm = boot("selftest=nonsense")
    assert vm.exit_status(20) == DEBUG_PANIC, vm.output()


def test_reboot_reboots(boot):
    vm = boot("selftest=reboot")
    assert vm.exit_status(20) == 0, vm.output()


def test_non_maskable_interrupt_is_reported(boot):
    vm = boot("address 10.0.2.15/24")
    vm.wait_for(r"boot: done", 20)
    vm.qmp("inject-nmi")
    assert vm.exit_status(20) == DEBUG_PANIC, vm.output()
    assert "panic: non-maskable interrupt" in vm.output()


@pytest.mark.parametrize("cpu, words", [
    ("qemu64,-lm", "this processor has no 64-bit mode"),
    ("qemu64,-apic", "panic: this processor lacks a local APIC"),
])
def test_missing_feature_is_named(boot, cpu, words):
    vm = boot("", cpu=cpu)
    vm.wait_for(words, 20)


def test_halted_machine_wakes_each_second(boot):
    passes(boot("selftest=idle"), 30)


def test_loop_that_hangs_is_a_panic(boot):
    vm = boot("selftest=watchdog")
    passes(vm, 60)
    assert "panic: watchdog: " in vm.output()
