# SPDX-License-Identifier: BSD-2-Clause
"""Addresses and servers that the network gives, by real servers for that."""

import re
import socket

import pytest

import lab

SLAAC = "fd00:2::5054:ff:fe00:f"  # by EUI-64, from the card's address
RANGE4 = ("--dhcp-range=10.0.2.15,10.0.2.15,2m", "--dhcp-option=42,10.0.2.2")
RANGE6 = ("--enable-ra", "--ra-param=tap0,10",
          "--dhcp-range=fd00:2::,ra-stateless,64")
NO_DNS = ("--port=0",)


@pytest.fixture
def dnsmasq(tmp_path, link, things):
    """dnsmasq(option, ...) starts one on the link."""
    del link

    def start(*options):
        server = lab.dnsmasq(tmp_path, *options,
                             log="dnsmasq%d.log" % len(things))
        if not server:
            pytest.skip("no dnsmasq on this machine")
        things.append(server)
        return server
    return start


def synchronised(reply):
    return reply.synchronised and reply.stratum == 2


def test_dhcp_gives_address_router_and_time_server(boot, link, upstream,
                                                   dnsmasq):
    del upstream
    dnsmasq(*RANGE4, *NO_DNS)
    vm = boot("hostname clock7", net=link.netdev())
    lab.ask_until(synchronised, 20)
    vm.wait_for(r"address 10\.0\.2\.15/24 by DHCP, gateway 10\.0\.2\.2", 5)
    vm.wait_for(r"source 10\.0\.2\.2, by DHCP", 5)


def test_lease_is_renewed_and_asked_for_anew(boot, link, upstream, tmp_path,
                                             things):
    del upstream
    server = lab.udhcpd(tmp_path, 6)
    if not server:
        pytest.skip("no busybox on this machine")
    things.append(server)
    vm = boot("", net=link.netdev())
    server.wait_for(r"(?i)(sending ack(.|\n)*){3}", 30)
    assert lab.ask().synchronised
    assert not re.search("is gone", vm.output())
    server.close()
    vm.wait_for(r"address 10\.0\.2\.15 is gone", 30)
    things.append(lab.udhcpd(tmp_path, 6))
    vm.wait_for(r"is gone(.|\n)*address 10\.0\.2\.15/24 by DHCP", 60)
    lab.ask_until(synchronised, 20)


def test_router_advertisement_is_enough_for_ipv6_alone(boot, link, tmp_path,
                                                       things, dnsmasq):
    """Address by SLAAC, name server by DHCPv6, time server by its name."""
    things.append(lab.honest(tmp_path, lab.GATEWAY6))
    dnsmasq(*RANGE6, "--dhcp-option=option6:dns-server,[fd00:2::2]",
            "--host-record=ntp.test,fd00:2::2")
    vm = boot("server ntp.test iburst; allow", net=link.netdev())
    reply = lab.ask_until(synchronised, 20, address=SLAAC)
    assert abs(reply.offset) < reply.bound + reply.delay / 2
    vm.wait_for(r"address %s/64" % SLAAC, 5)
    assert not re.search(r"address 10\.", vm.output())


def test_dhcpv6_gives_time_servers(boot, link, tmp_path, things, dnsmasq):
    things.append(lab.honest(tmp_path, lab.GATEWAY6))
    dnsmasq(*RANGE6, *NO_DNS, "--dhcp-option=option6:31,[fd00:2::2]")
    vm = boot("", net=link.netdev())
    lab.ask_until(synchronised, 20, address=SLAAC)
    vm.wait_for(r"source fd00:2::2, by DHCP", 5)


def test_names_wait_for_a_name_server_that_comes_late(boot, link, tmp_path,
                                                      things, dnsmasq):
    addresses = ["10.0.2.%d" % n for n in (101, 102, 103)]
    for address in addresses:
        link.add(address + "/24")
        things.append(lab.honest(tmp_path, address))
    vm = boot("address 10.0.2.15/24; nameserver 10.0.2.2; allow; "
              "pool ntp.test iburst maxsources 2; server one.test iburst",
              net=link.netdev())
    vm.wait_for(r"source (ntp|one)\.test: ", 30)
    assert lab.ask_until(lambda r: True, 10).leap == 3
    dnsmasq("--host-record=one.test,10.0.2.103", *(
        "--host-record=ntp.test,%s" % a for a in addresses[:2]))
    lab.ask_until(synchronised, 60)
    vm.wait_for(r"source one\.test is 10\.0\.2\.103", 30)
    vm.wait_for(r"source ntp\.test is 10\.0\.2\.10[12]", 30)


def test_name_that_moves_is_followed_to_its_new_address(boot, link, tmp_path,
                                                        things, dnsmasq):
    for number in (101, 102):
        link.add("10.0.2.%d/24" % number)
    first = lab.honest(tmp_path, "10.0.2.101")
    names = dnsmasq("--host-record=ntp.test,10.0.2.101")
    things.append(first)
    vm = boot("address 10.0.2.15/24; nameserver 10.0.2.2; allow; "
              "server ntp.test iburst minpoll 0 maxpoll 0", net=link.netdev())
    lab.ask_until(synchronised, 20)
    first.close()
    names.close()
    dnsmasq("--host-record=ntp.test,10.0.2.102")
    things.append(lab.honest(tmp_path, "10.0.2.102"))
    vm.wait_for(r"source ntp\.test is 10\.0\.2\.102", 60)
    lab.ask_until(lambda r: r.synchronised and
                  r.reference_id == bytes([10, 0, 2, 102]), 30)


def test_answers_come_from_the_address_that_was_asked(boot, link, upstream,
                                                      dnsmasq):
    """One of IPv4, one that is given, one by SLAAC, and the link's own."""
    del upstream
    dnsmasq(*RANGE6, *NO_DNS)
    vm = boot("address 10.0.2.15/24; address fd00:2::15/64; allow; "
              "server 10.0.2.2 iburst", net=link.netdev())
    vm.wait_for("address %s/64" % SLAAC, 20)
    for address in (lab.GUEST, lab.GUEST6, SLAAC,
                    "fe80::5054:ff:fe00:f%tap0"):
        with socket.socket(socket.AF_INET6 if ":" in address else
                           socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            where = socket.getaddrinfo(address, 123, s.family,
                                       socket.SOCK_DGRAM)[0][4]
            s.sendto(lab.request(), where)
            assert s.recvfrom(100)[1] == where


def test_address_that_another_machine_has_is_told(boot, lan, tmp_path, things):
    things.append(lab.honest(tmp_path))
    other = lan.host(15)
    vm = boot("address 10.0.2.15/24; server 10.0.2.2 iburst; allow",
              net=lan.netdev())
    vm.wait_for("clock set from", 20)
    with other.inside():
        lab.ask("10.0.2.99", timeout=0.1)  # it looks for a neighbour
    vm.wait_for(r"address conflict: .* also uses 10\.0\.2\.15", 20)
    assert vm.running()


def test_clients_beyond_a_router_are_answered(boot, lan, tmp_path, things):
    things.append(lab.honest(tmp_path))
    far = lan.beyond(3)
    boot("address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; "
         "gateway fd00:2::2; server 10.0.2.2 iburst; allow", net=lan.netdev())
    with far.inside():
        for address in (lab.GUEST, lab.GUEST6):
            reply = lab.ask_until(synchronised, 20, address=address)
            assert abs(reply.offset) < reply.bound + reply.delay / 2


def test_servers_beyond_a_router_are_followed(boot, lan, tmp_path, things):
    far = lan.beyond(3)
    things.append(far.process(
        [lab.peer("chronyd"), "-x", "-d", "-f", "/dev/null", "user root",
         "cmdport 0", "pidfile %s/pid" % tmp_path, "allow", "local stratum 1"],
        tmp_path / "far.log"))
    boot("address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; "
         "gateway fd00:2::2; server 10.9.3.7 iburst; "
         "server fd00:9:3::7 iburst; minsources 2; allow", net=lan.netdev())
    assert lab.ask_until(synchronised, 30)
