# SPDX-License-Identifier: BSD-2-Clause
"""Configurations from everywhere one can come from."""

import os
import re

import pytest

import lab

NETWORK = "address 10.0.2.15/24; gateway 10.0.2.2"

# The directives of /etc/chrony.conf as Amazon documents it for its Linux.
AMAZON = """
# Use the Amazon Time Sync Service.
server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4
pool 2.amazon.pool.ntp.org iburst
sourcedir /run/chrony.d
driftfile /var/lib/chrony/drift
makestep 1.0 3
rtcsync
#allow 192.168.0.0/16
keyfile /etc/chrony.keys
ntsdumpdir /var/lib/chrony
leapsectz right/UTC
logdir /var/log/chrony
#log measurements statistics tracking
confdir /etc/chrony.d
"""


def debian():
    """The file that Debian's own package of chrony brings."""
    for path in (os.path.join(lab.BUILD, "peers", "chrony-4.3", "usr",
                              "share", "chrony", "chrony.conf"),
                 "/usr/share/chrony/chrony.conf"):
        if os.path.exists(path):
            with open(path, "rb") as f:
                return f.read()
    pytest.skip("Debian's chrony package is not on this machine")
    return b""


@pytest.mark.parametrize("whose", ["debian", "amazon"])
def test_shipped_chrony_conf_boots_unchanged(boot, link, tmp_path, whose):
    text = debian() if whose == "debian" else AMAZON.encode()
    cpio = lab.archive(tmp_path / "boot.cpio", {"chrony.conf": text})
    vm = boot(NETWORK, net=link.netdev(), initrd=cpio)
    assert lab.ask_until(lambda r: True, 15).leap == 3
    vm.wait_for(r"config.*note|chrony\.conf:\d+", 10)
    output = vm.output()
    assert not re.search(r"config.*refused", output), output
    noted = re.findall(r"chrony\.conf:(\d+)", output)
    assert len(noted) == len(set(noted)), "one note a line: %s" % output


def test_three_errors_are_three_errors_and_service_is_withheld(
        boot, link, upstream, tmp_path):
    del upstream
    cpio = lab.archive(tmp_path / "boot.cpio", {"gnomon.conf": (
        b"address 10.0.2.15/24\n"
        b"server 10.0.2.2 iburst minpol 4\n"
        b"alow 10.0.0.0/8\n"
        b"makestep 1.0\n")})
    vm = boot("", net=link.netdev(), initrd=cpio)
    reply = lab.ask_until(lambda r: True, 15)
    assert reply.leap == 3 and reply.stratum == 0
    for line, word in ((2, "minpol"), (3, "alow"), (4, "end of the line")):
        vm.wait_for(r"gnomon\.conf:%d:\d+:.*%s" % (line, word), 10)
    vm.wait_for(r"config.*refused", 10)
    reply = lab.ask()
    assert reply.leap == 3


# A loader of QEMU's writes the longer ones over its own information.
@pytest.mark.parametrize("length,machine", [
    (4096, "q35"), (4128, "q35"), (20000, "q35"), (5000, "microvm,pcie=on")])
def test_command_line_that_is_too_long_is_refused(boot, link, upstream, length,
                                                  machine):
    del upstream
    words = "address 10.0.2.15/24; server 10.0.2.2 iburst; "
    words += "allow;" * (length // 6)
    vm = boot(words[:length - 9] + "; deny all", net=link.netdev(),
              machine=machine)
    vm.wait_for(r"error: command line: found more bytes", 20)
    reply = lab.ask_until(lambda r: True, 10)
    assert reply.leap == 3 and reply.stratum == 0
    assert "clock set" not in vm.output()


def test_archive_names_its_key_file(boot, link, upstream, tmp_path):
    del upstream
    cpio = lab.archive(tmp_path / "boot.cpio", {
        "etc/gnomon.conf": b"keyfile /etc/ntp.keys\nallow\n"
                           b"address 10.0.2.15/24\n"
                           b"server 10.0.2.2 iburst\n",
        "etc/ntp.keys": b"7 SHA256 HEX:" + b"5a" * 32 + b"\n"})
    boot("", net=link.netdev(), initrd=cpio)
    lab.ask_until(lambda r: r.synchronised, 20)
    keys = tmp_path / "keys"
    keys.write_text("7 SHA256 HEX:" + "5a" * 32 + "\n")
    program = lab.peer("chronyd")
    for number, good in ((7, True), (8, False)):
        if number == 8:
            keys.write_text("8 SHA256 HEX:" + "5a" * 32 + "\n")
        out = lab.run(program, "-Q", "-t", "6", "-f", "/dev/null",
                      "user root", "cmdport 0", "pidfile %s/pid" % tmp_path,
                      "keyfile %s" % keys,
                      "server %s iburst key %d" % (lab.GUEST, number),
                      timeout=20, check=False)
        assert bool(re.search("System clock wrong", out.stdout)) == good, \
            out.stdout


def test_fw_cfg_gives_the_configuration(boot, link, upstream, tmp_path):
    del upstream
    conf = tmp_path / "conf"
    conf.write_text("address 10.0.2.15/24\nserver 10.0.2.2 iburst\nallow\n")
    boot("", net=link.netdev(), extra=[
        "-fw_cfg", "name=opt/gnomon/conf,file=%s" % conf])
    lab.ask_until(lambda r: r.synchronised and r.stratum == 2, 20)


def test_words_of_loaders_are_noted(boot, link, upstream):
    del upstream
    boot("root=/dev/vda pci=off console=ttyS0 " + NETWORK +
         "; server 10.0.2.2 iburst; allow", net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)


def test_denied_hosts_are_not_answered(boot, link, upstream):
    del upstream
    link.add("10.0.2.9/24")
    boot(NETWORK + "; server 10.0.2.2 iburst; allow; deny 10.0.2.9",
         net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    assert lab.ask(source="10.0.2.9", timeout=0.5) is None
    assert lab.ask(source="10.0.2.2")


def test_ntp_conf_is_translated(boot, link, upstream, tmp_path):
    del upstream
    cpio = lab.archive(tmp_path / "boot.cpio", {"ntp.conf": (
        b"driftfile /var/lib/ntp/ntp.drift\n"
        b"server 10.0.2.2 iburst\n"
        b"restrict default kod nomodify nopeer noquery limited\n"
        b"restrict 127.0.0.1\n"
        b"server 127.127.1.0\nfudge 127.127.1.0 stratum 8\n")})
    boot("address 10.0.2.15/24", net=link.netdev(), initrd=cpio)
    lab.ask_until(lambda r: r.synchronised and r.stratum == 2, 20)


def test_dhcp_gives_address_and_servers(boot, link, upstream, tmp_path,
                                        things):
    del upstream
    server = lab.peer("dnsmasq")
    if not server:
        pytest.skip("no dnsmasq on this machine")
    things.append(lab.Process([
        server, "-d", "-C", "/dev/null", "--port=0", "--interface=tap0",
        "--bind-interfaces", "--user=root",
        "--dhcp-leasefile=%s/leases" % tmp_path,
        "--dhcp-range=10.0.2.15,10.0.2.15,2m",
        "--dhcp-option=42,10.0.2.2"], str(tmp_path / "dnsmasq.log")))
    vm = boot("allow", net=link.netdev())
    lab.ask_until(lambda r: r.synchronised and r.stratum == 2, 20)
    vm.wait_for(r"10\.0\.2\.15", 5)
