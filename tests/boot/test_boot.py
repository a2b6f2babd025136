# SPDX-License-Identifier: BSD-2-Clause
"""Every machine it must boot on, how fast, and what it says of itself."""

import os
import re
import statistics
import time

import pytest

import lab
import scenario

STATIC = ("address 10.0.2.15/24; gateway 10.0.2.2; server 10.0.2.2 iburst; "
          "allow")
MICROVM = "microvm,pcie=on"


def synchronised(reply):
    return reply.synchronised and reply.stratum == 2


@pytest.mark.parametrize("cpu", ["qemu64", "max"])
@pytest.mark.parametrize("machine", ["q35", "pc", MICROVM])
def test_every_machine_serves_in_16_mib(boot, link, upstream, machine, cpu):
    del upstream
    vm = boot(STATIC, net=link.netdev(), machine=machine, cpu=cpu)
    reply = lab.ask_until(synchronised, 20)
    assert abs(reply.offset) < reply.bound + reply.delay / 2
    assert vm.running()


@pytest.mark.parametrize("cpu", [
    "core2duo", "Opteron_G1", "Nehalem", "Haswell", "EPYC", "Skylake-Server",
    "max,-x2apic", "max,-smep,-smap,-umip", "max,-pdpe1gb", "max,-rdrand",
    "max,-tsc-deadline", "max,-nx", "qemu64,+hypervisor"])
def test_every_processor_serves(boot, link, upstream, cpu):
    del upstream
    vm = boot(STATIC, net=link.netdev(), cpu=cpu)
    lab.ask_until(synchronised, 20)
    assert vm.running()


@pytest.mark.parametrize("more", [
    {"memory": 2048}, {"memory": 5120}, {"memory": 5120, "machine": "pc"},
    {"extra": ["-smp", "2"]}, {"extra": ["-smp", "4"], "machine": MICROVM},
])
def test_memory_and_processors_to_spare_do_no_harm(boot, link, upstream, more):
    del upstream
    vm = boot(STATIC, net=link.netdev(), **more)
    lab.ask_until(synchronised, 20)
    assert vm.running()


def test_reset_machine_serves_again(boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev(), reboot=True)
    lab.ask_until(synchronised, 20)
    for _ in range(3):
        before = vm.output().count("clock set from")
        vm.qmp("system_reset")
        lab.until("set again", 20, lambda: vm.output().count(
            "clock set from") > before)
        assert lab.ask().synchronised


def test_panic_reboots_and_serves_again(boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev(), reboot=True)
    lab.ask_until(synchronised, 20)
    before = vm.output().count("clock set from")
    vm.qmp("inject-nmi")
    vm.wait_for("panic: non-maskable interrupt", 20)
    lab.until("set again", 20, lambda: vm.output().count(
        "clock set from") > before)
    lab.ask_until(synchronised, 20)


def test_image_is_at_most_one_mebibyte():
    assert os.path.getsize(lab.IMAGE) <= 1 << 20


def boot_and_ask(boot, link):
    """ms from the start of QEMU to the first reply at stratum 2, and from
    entry to the first set."""
    vm = boot(STATIC, net=link.netdev())
    reply = None
    while not (reply and synchronised(reply)):
        assert time.monotonic_ns() - vm.started < 20e9, vm.output()
        reply = lab.ask(timeout=0.02)
    whole = (time.monotonic_ns() - vm.started) / 1e6
    assert reply.reference_id == bytes([10, 0, 2, 2])
    assert abs(reply.offset) < reply.bound + reply.delay / 2
    inside = int(vm.wait_for(r"\[ *(\d+) us\] clock set from").group(1)) / 1e3
    vm.close()
    return whole, inside


@pytest.mark.alone
def test_first_reply_comes_fast(boot, link, upstream):
    """The median of 5 counts, 400 ms and 120 ms.  Where the machine that tests
    is busy with other things, it has more tries, and more time."""
    del upstream
    for _ in range(4):
        scale = 1 if lab.busy() < 0.2 else 2
        whole, inside = zip(*(boot_and_ask(boot, link) for _ in range(5)))
        print("first reply after", [round(t) for t in whole], "ms, set",
              [round(t) for t in inside], "ms after entry, limits times", scale)
        if (statistics.median(whole) < 400 * scale and
                statistics.median(inside) < 120 * scale):
            return
    raise AssertionError("never fast enough")


def test_console_shows_manifest_calibration_addresses_and_first_set(
        boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev())
    lab.ask_until(synchronised, 20)
    for pattern in (r"newlib", r"lwip", r"mbedtls", r"hpet.*Hz", r"pmtimer.*Hz",
                    r"pit.*Hz", r"10\.0\.2\.15", r"clock set from"):
        vm.wait_for(pattern, 10)


def test_rates_agree_within_their_bounds(boot):
    vm = boot()
    vm.wait_for(r"pit.*Hz", 10)
    time.sleep(1)
    assert not re.search(r"disagree(?!ment)", vm.output()), vm.output()


def iso(tmp_path, *flags):
    image = tmp_path / "gnomon.iso"
    made = lab.run(os.path.join(lab.ROOT, "tools", "mkimage.sh"), "-i",
                   lab.IMAGE, *flags, str(image), check=False)
    if made.returncode and "apt-get install" in made.stdout:
        pytest.skip(made.stdout)
    assert made.returncode == 0, made.stdout
    return image


@pytest.mark.parametrize("firmware", ["SeaBIOS", "OVMF"])
def test_grub_boots_the_same_image(boot, link, upstream, tmp_path, firmware):
    del upstream
    archive = lab.archive(tmp_path / "boot.cpio", {
        "gnomon.conf": b"address 10.0.2.15/24\n"})
    image = iso(tmp_path, "-w", "server 10.0.2.2 iburst; allow",
                "-a", str(archive))
    drive = ["-cdrom", str(image), "-boot", "d"]
    memory = 64
    if firmware == "OVMF":
        code = "/usr/share/OVMF/OVMF_CODE_4M.fd"
        if not os.path.exists(code):
            pytest.skip("no OVMF on this machine")
        drive += ["-drive", "if=pflash,format=raw,readonly=on,file=" + code]
        memory = 256
    boot("", net=link.netdev(), drive=drive, memory=memory)
    lab.ask_until(synchronised, 90)


@pytest.mark.alone
def test_idle_costs_at_most_one_percent_of_a_core(boot, link, upstream):
    del upstream
    scenario.idle(boot, link, 10)
