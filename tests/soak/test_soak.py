# SPDX-License-Identifier: BSD-2-Clause
"""What tests/boot tries for seconds, for minutes; all of it in half an hour.
`make soak PYTEST_FLAGS="-k flood"` runs a part."""

import re
import time

import pytest

import lab
import scenario
import wire

MICROVM = "microvm,pcie=on"


def test_200000_mutated_packets_are_all_accounted_for(boot, link, upstream):
    del upstream
    scenario.mutated(boot, link, 200000)


def test_flood_of_a_minute(boot, lan, tmp_path, things):
    things.append(lab.honest(tmp_path))
    scenario.flood(boot, lan, tmp_path, things, 60)


def test_pause_of_a_minute(boot, link, upstream):
    del upstream
    scenario.pause(boot, link, 60)


def test_liar_is_never_followed_in_20_boots(boot, link, things):
    for _ in range(20):
        scenario.liar(boot, link, things)


def test_five_minutes_without_upstream(boot, link, upstream, tmp_path, things):
    scenario.holdover(boot, link, upstream, tmp_path, things, 300)


def test_offset_is_small_after_two_minutes(boot, link, upstream):
    del upstream
    scenario.accuracy(boot, link, 120)


def test_half_a_minute_idle(boot, link, upstream):
    del upstream
    scenario.idle(boot, link, 30)


@pytest.mark.parametrize("cpu", ["qemu64", "max"])
@pytest.mark.parametrize("machine", ["q35", "pc", MICROVM])
def test_50_boots_all_serve(boot, link, upstream, machine, cpu):
    del upstream
    scenario.boots(boot, link, machine, cpu, 50)


def test_long_lease_outlives_a_server_that_is_away(boot, link, upstream,
                                                   tmp_path, things):
    """Two minutes are the shortest that dnsmasq gives."""
    del upstream
    options = ("--port=0", "--dhcp-range=10.0.2.15,10.0.2.15,2m",
               "--dhcp-option=42,10.0.2.2")
    server = lab.dnsmasq(tmp_path, *options)
    if not server:
        pytest.skip("no dnsmasq on this machine")
    things.append(server)
    vm = boot("", net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    server.wait_for(r"(DHCPACK(.|\n)*){2}", 90)
    server.close()
    time.sleep(75)  # past the half of the lease
    assert lab.ask().synchronised, "the lease holds"
    server = lab.dnsmasq(tmp_path, *options, log="later.log")
    things.append(server)
    server.wait_for("DHCPACK", 45)
    assert not re.search("is gone", vm.output())
    assert lab.ask().synchronised


def test_one_server_of_a_pool_is_replaced_at_a_time(boot, link, things):
    """Two go wrong; the other one has to wait for half an hour."""
    addresses = ["10.0.2.%d" % n for n in range(101, 108)]
    servers = {}
    for address in addresses:
        link.add(address + "/24")
        servers[address] = lab.Upstream(address)
        things.append(servers[address])
    dns = wire.Dns(addresses)
    things.append(dns)
    vm = boot("address 10.0.2.15/24; nameserver 10.0.2.2; allow; pool ntp.test "
              "iburst minpoll 0 maxpoll 0 maxsources 5", net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)

    def used():
        return re.findall(r"source ntp\.test is (\S+)", vm.output())
    lab.until("five sources", 5, lambda: len(used()) == 5)
    wrong = used()[:2]
    dns.silent = True  # until both wait for another address
    for address in wrong:
        servers[address].offset = 30
    for address in wrong:
        vm.wait_for(r"falseticker ntp\.test \(%s\)" % re.escape(address))
    dns.silent = False
    lab.until("a new one", 30, lambda: len(used()) == 6)
    time.sleep(10)
    assert len(used()) == 6
