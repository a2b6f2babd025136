# SPDX-License-Identifier: BSD-2-Clause
"""What the loader hands over: long, wrong, empty, or too much."""

import random
import re

import pytest

import lab

SERVES = "address 10.0.2.15/24; server 10.0.2.2 iburst; allow"
CONF = SERVES.replace("; ", "\n").encode() + b"\n"


def synchronised(reply):
    return reply.synchronised and reply.stratum == 2


def pack(tmp_path, files, name="boot.cpio"):
    return lab.archive(tmp_path / name, files)


def command_line(length):
    """Of that length, with what is needed at both ends."""
    text = "address 10.0.2.15/24; server 10.0.2.2 iburst"
    end = "; deny 10.0.2.9; allow 10.0.0.0/8"
    for i in range(250):
        more = "; deny 192.0.%d.%d" % (i // 250, i % 250)
        if len(text) + len(more) + len(end) <= length:
            text += more
    text += " " * (length - len(text) - len(end)) + end
    assert len(text) == length
    return text


HINT = "put it where it is lost.* -fw_cfg name=opt/gnomon/archive,file=FILE"


@pytest.mark.parametrize("machine, lost", [
    ("q35", False), ("microvm,pcie=on", True)])
def test_archive_that_the_firmware_loses_is_missed(boot, tmp_path, machine,
                                                   lost):
    vm = boot("", machine=machine,
              initrd=pack(tmp_path, {"gnomon.conf": CONF}))
    vm.wait_for("boot: done", 20)
    assert bool(re.search(HINT, vm.output())) == lost


@pytest.mark.parametrize("length", [4000, 4095])
def test_long_command_line_is_read_to_its_end(boot, link, upstream, length):
    del upstream
    link.add("10.0.2.9/24")
    boot(command_line(length), net=link.netdev())
    lab.ask_until(synchronised, 20)
    assert lab.ask(source="10.0.2.9", timeout=0.4) is None


def test_command_line_that_does_not_fit_is_refused_not_cut(boot, link,
                                                           upstream):
    del upstream
    vm = boot(command_line(4100), net=link.netdev())
    vm.wait_for("error: .*command line", 20)
    vm.wait_for("configuration refused", 5)
    assert lab.ask_until(lambda reply: True, 20).leap == 3


def test_archive_of_garbage_is_an_error_and_no_more(boot, link, upstream,
                                                    tmp_path):
    del upstream
    path = tmp_path / "garbage"
    path.write_bytes(random.Random(1).randbytes(1 << 20))
    vm = boot(SERVES, net=link.netdev(), initrd=path)
    vm.wait_for("error: boot archive", 20)
    assert lab.ask_until(lambda reply: True, 20).leap == 3


def test_archive_cut_off_in_the_middle_is_an_error(boot, link, upstream,
                                                   tmp_path):
    del upstream
    path = pack(tmp_path, {"gnomon.conf": CONF, "big": bytes(5000)})
    path.write_bytes(path.read_bytes()[:-3000])
    vm = boot(SERVES, net=link.netdev(), initrd=path)
    vm.wait_for("error: boot archive", 20)
    assert lab.ask_until(lambda reply: True, 20).leap == 3


def test_archives_one_behind_the_other_are_read_as_one(boot, link, upstream,
                                                       tmp_path):
    """As Linux takes an initramfs that cat made of several."""
    del upstream
    parts = [pack(tmp_path, files, "part").read_bytes() for files in (
        {"first": b"nothing\n"},
        {"etc/gnomon.conf": b"include /etc/more\n"}, {"etc/more": CONF})]
    path = tmp_path / "all.cpio"
    path.write_bytes(b"".join(p + bytes(-len(p) % 512) for p in parts))
    boot("", net=link.netdev(), initrd=path)
    lab.ask_until(synchronised, 20)


@pytest.mark.parametrize("files", [None, {}, {"readme": b"hello\n"}])
def test_archive_without_a_configuration_leaves_the_command_line(
        boot, link, upstream, tmp_path, files):
    del upstream
    path = tmp_path / "boot.cpio"
    if files is None:
        path.write_bytes(b"")
    else:
        lab.archive(path, files)
    vm = boot(SERVES, net=link.netdev(), initrd=path)
    lab.ask_until(synchronised, 20)
    assert not re.search("error:", vm.output())


def test_archive_by_fw_cfg_adds_to_that_of_the_loader(boot, link, upstream,
                                                      tmp_path):
    del upstream
    first = pack(tmp_path, {"gnomon.conf": b"address 10.0.2.15/24\n"
                                           b"keyfile ntp.keys\n"})
    second = pack(tmp_path, {
        "gnomon.conf": b"server 10.0.2.2 iburst\nallow\n",
        "ntp.keys": b"7 SHA256 HEX:" + b"5a" * 32 + b"\n"}, "fw.cpio")
    vm = boot("", net=link.netdev(), initrd=first, extra=[
        "-fw_cfg", "name=opt/gnomon/archive,file=%s" % second])
    lab.ask_until(synchronised, 20)
    assert not re.search("error:", vm.output())


def test_errors_in_every_layer_are_all_told(boot, link, tmp_path):
    conf = tmp_path / "conf"
    conf.write_text("minsources 0\n")
    vm = boot("address 10.0.2.15/24; port 99999", net=link.netdev(),
              initrd=pack(tmp_path, {"chrony.conf": b"\nalow all\n"}),
              extra=["-fw_cfg", "name=opt/gnomon/conf,file=%s" % conf])
    for words in (r"chrony\.conf:2:1: found \"alow\"",
                  r"opt/gnomon/conf:1:12: found \"0\"",
                  r"command line:\d+:\d+: found \"99999\"",
                  r"configuration refused: 3 errors"):
        vm.wait_for(words, 20)
