# SPDX-License-Identifier: BSD-2-Clause
"""Addresses, neighbours, names and links, as the network sees them."""

import os
import random
import re
import socket
import struct
import time

import hostile
import lab
import wire

STATIC = ("address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; "
          "server 10.0.2.2 iburst minpoll 2 maxpoll 2; allow")


def synchronised(**more):
    return lab.ask_until(lambda r: r.synchronised, 20, **more)


def is_echo(data):
    return b"gnomon!!" in data


def test_echo_is_answered_but_not_to_groups(boot, link, upstream):
    del upstream
    boot(STATIC, net=link.netdev())
    synchronised()
    synchronised(address=lab.GUEST6)
    assert wire.answer(link, wire.echo4(), is_echo)
    assert wire.answer(link, wire.echo6(), is_echo)
    everyone = b"\xff" * 6
    for target in ("10.0.2.255", "255.255.255.255", lab.GUEST):
        assert not wire.answer(link, wire.echo4(target, mac=everyone), (
            lambda data: is_echo(data) and target != lab.GUEST), 0.3)
    assert not wire.answer(link, wire.echo6(
        "ff02::1", mac=b"\x33\x33\0\0\0\1"), is_echo, 0.3)


def test_large_echo_in_fragments_has_random_identifications(boot, link,
                                                            upstream):
    del upstream
    boot(STATIC, net=link.netdev())
    synchronised()
    seen = []
    for _ in range(3):
        message = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + bytes(2000)
        message = (message[:2] + struct.pack("!H", hostile.checksum(
            message)) + message[4:])
        watcher = wire.Watcher(link)
        for at, more in ((0, 0x2000), (1400, 0)):
            piece = message[at:at + 1400]
            frame = bytearray(wire.ipv4(lab.GATEWAY, lab.GUEST, 1, piece))
            frame[20:22] = struct.pack("!H", more | at // 8)
            frame[24:26] = b"\0\0"
            frame[24:26] = struct.pack("!H", hostile.checksum(
                bytes(frame[14:34])))
            watcher.socket.send(bytes(frame))

        def pieces(watcher=watcher):
            found = [f for f in watcher.frames if f[12:14] == b"\x08\x00" and
                     f[23] == 1]
            return found if len(found) >= 2 else None
        found = lab.until("both fragments", 5, pieces)
        watcher.close()
        assert all(hostile.checksum(f[14:34]) == 0 for f in found)
        numbers = {f[18:20] for f in found}
        assert len(numbers) == 1
        seen.append(int.from_bytes(numbers.pop(), "big"))
    assert len({b - a for a, b in zip(seen, seen[1:])} - {1}) > 0, seen


def test_questions_about_neighbours_are_answered(boot, link, upstream):
    del upstream
    boot(STATIC, net=link.netdev())
    synchronised()
    reply = wire.answer(link, wire.arp(1, wire.HOST_MAC, lab.GATEWAY,
                                       lab.GUEST),
                        lambda d: d[12:14] == b"\x08\x06" and d[21] == 2)
    assert reply and reply[:6] == wire.HOST_MAC
    assert reply[22:32] == wire.GUEST_MAC + socket.inet_aton(lab.GUEST)
    assert not wire.answer(link, wire.arp(1, wire.HOST_MAC, lab.GATEWAY,
                                          "10.0.2.16"),
                           lambda d: d[12:14] == b"\x08\x06", 0.3)


def test_what_nobody_asked_is_not_believed(boot, link, upstream):
    del upstream
    boot(STATIC, net=link.netdev())
    synchronised()
    synchronised(address=lab.GUEST6)
    liar = b"\x02\xbb\xbb\xbb\xbb\xbb"
    watcher = wire.Watcher(link)
    end = time.monotonic() + 9
    asked = 0
    ours = socket.inet_pton(socket.AF_INET6, lab.GUEST6)
    theirs = socket.inet_pton(socket.AF_INET6, lab.GATEWAY6)
    while time.monotonic() < end:
        with hostile.wire(link) as s:
            # He has the upstream's address, he says; and then ours.
            for op in (1, 2):
                s.send(wire.arp(op, liar, lab.GATEWAY, lab.GUEST,
                                wire.GUEST_MAC))
            for target in (theirs, ours):
                s.send(wire.icmp6(lab.GATEWAY6, "ff02::1", b"\x88\0\0\0" +
                                  b"\x20\0\0\0" + target + b"\x02\x01" +
                                  liar, mac=b"\x33\x33\0\0\0\1"))
        time.sleep(0.2)
    asked = len(watcher.udp4(123))
    believed = [f for f in watcher.frames if f[:6] == liar and
                f[12:14] != b"\x08\x06"]
    watcher.close()
    assert asked >= 2
    assert not believed
    assert lab.ask(lab.GUEST6).synchronised


def test_requests_go_out_from_random_ports_and_identifications(boot, link,
                                                               upstream):
    del upstream
    watcher = wire.Watcher(link)
    boot(STATIC, net=link.netdev())
    lab.until("four requests", 20, lambda: len(watcher.udp4(123)) >= 4)
    watcher.close()
    sent = watcher.udp4(123)
    ports = [port for port, _, _ in sent]
    numbers = [number for _, number, _ in sent]
    assert len(set(ports)) == len(ports)
    assert {b - a for a, b in zip(ports, ports[1:])} != {1}
    assert {b - a for a, b in zip(numbers, numbers[1:])} != {1}
    transmit = [payload[40:48] for _, _, payload in sent]
    assert len(set(transmit)) == len(transmit)


def tag_of_answer(tap, frame, wanted, limit=3.0):
    """The VLAN tag of the answer, which the kernel tells beside the frame."""
    sol_packet, packet_auxdata = 263, 8
    with hostile.wire(tap) as s:
        s.setsockopt(sol_packet, packet_auxdata, 1)
        s.settimeout(0.05)
        s.send(frame)
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                data, beside, _, _ = s.recvmsg(2048, 64)
            except TimeoutError:
                continue
            if data[6:12] != wire.GUEST_MAC or not wanted(data):
                continue
            for level, kind, value in beside:
                if (level, kind) == (sol_packet, packet_auxdata):
                    status, tag = struct.unpack_from("=I", value)[0], (
                        struct.unpack_from("=H", value, 16)[0])
                    return tag if status & 0x10 else None
    return None


def test_a_tagged_request_is_answered_with_its_tag(boot, link, upstream):
    del upstream
    boot(STATIC, net=link.netdev())
    synchronised()
    for tag in (b"\x60\x05", b"\0\x07"):
        packet = lab.request()
        frame = hostile.udp4(packet)
        assert tag_of_answer(
            link, frame[:12] + b"\x81\0" + tag + frame[12:],
            lambda d, packet=packet: packet[40:48] in d) == int.from_bytes(
                tag, "big")
    packet = lab.request()
    assert tag_of_answer(link, hostile.udp4(packet),
                         lambda d: packet[40:48] in d) is None


def test_ipv6_extension_headers_are_answered(boot, link, upstream):
    del upstream
    boot(STATIC, net=link.netdev())
    synchronised()
    synchronised(address=lab.GUEST6)

    def with_options(packet, summed=True):
        whole = hostile.udp6(packet)
        udp = whole[54:] if summed else whole[54:60] + b"\0\0" + whole[62:]
        return wire.ipv6(lab.GATEWAY6, lab.GUEST6, 60,
                         b"\x11\0\x01\x04\0\0\0\0" + udp)

    packet = lab.request()
    assert wire.answer(link, with_options(packet),
                       lambda d: packet[40:48] in d)
    packet = lab.request()
    assert not wire.answer(link, with_options(packet, False),
                           lambda d: packet[40:48] in d, 0.4)


def test_dhcp_is_told_the_longest_hostname(boot):
    vm = boot("hostname " + 63 * "a", net="user,id=n0")
    vm.wait_for(r"address 10\.0\.2\.15/24 by DHCP", 20)
    assert vm.running(), vm.output()


def test_dhcp_gives_an_address_and_renews_it(boot, link, upstream, things):
    del upstream
    server = wire.Dhcp(link, 10, b"\x03\x04" + socket.inet_aton(lab.GATEWAY) +
                       b"\x2a\x04" + socket.inet_aton(lab.GATEWAY))
    things.append(server)
    vm = boot("allow", net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20, address="10.0.2.50")
    vm.wait_for(r"address 10\.0\.2\.50/24 by DHCP, gateway 10\.0\.2\.2", 5)
    vm.wait_for(r"source 10\.0\.2\.2, by DHCP", 5)
    lab.until("two renewals", 30, lambda: len(server.granted) >= 3)
    assert not re.search(r"is gone", vm.output())

    # Nobody renews it: it is given up, and asked for again.
    server.silent = True
    vm.wait_for(r"address 10\.0\.2\.50 is gone", 40)
    server.silent = False
    lab.ask_until(lambda r: True, 70, address="10.0.2.50")
    assert len(set(server.transactions)) > 1


def test_a_lost_link_comes_back(boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev())
    synchronised()
    vm.qmp("set_link", name="n0", up=False)
    vm.wait_for("link down", 5)
    assert not lab.ask(timeout=0.3)
    vm.qmp("set_link", name="n0", up=True)
    vm.wait_for("link down(.|\n)*link up", 5)
    assert lab.ask_until(lambda r: r.synchronised, 10)


def test_names_are_resolved_from_random_ports(boot, link, upstream, things):
    del upstream
    dns = wire.Dns([lab.GATEWAY])
    things.append(dns)
    vm = boot("address 10.0.2.15/24; nameserver 10.0.2.2; allow; "
              "server ntp.test iburst; server nowhere.test iburst",
              net=link.netdev())
    synchronised()
    vm.wait_for(r"source ntp\.test is 10\.0\.2\.2", 5)
    vm.wait_for(r"source nowhere\.test: there is no such name", 5)
    lab.until("more questions", 20, lambda: len(dns.asked) >= 6)
    ports = [port for port, _ in dns.asked]
    numbers = [int.from_bytes(data[:2], "big") for _, data in dns.asked]
    assert len(set(ports)) >= len(ports) - 1
    assert len(set(numbers)) >= len(numbers) - 1


def test_a_name_server_that_is_late_is_asked_again(boot, link, upstream,
                                                   things):
    del upstream
    dns = wire.Dns([lab.GATEWAY])
    dns.silent = True
    things.append(dns)
    boot("address 10.0.2.15/24; nameserver 10.0.2.2; allow; "
         "server ntp.test iburst", net=link.netdev())
    lab.until("a second try", 20, lambda: len(dns.asked) >= 4)
    dns.silent = False
    synchronised()


def test_a_pool_uses_several_addresses(boot, link, things):
    addresses = ["10.0.2.%d" % n for n in (101, 102, 103, 104, 105)]
    for address in addresses:
        link.add(address + "/24")
        things.append(lab.Upstream(address))
    things.append(wire.Dns(addresses))
    vm = boot("address 10.0.2.15/24; nameserver 10.0.2.2; allow; "
              "pool ntp.test iburst maxsources 3", net=link.netdev())
    synchronised()

    def used():
        return set(re.findall(r"source ntp\.test is (\S+)", vm.output()))
    lab.until("three addresses", 10, lambda: len(used()) >= 3)
    time.sleep(1)
    assert len(used()) == 3 and used() <= set(addresses)


def test_sources_that_are_ourselves_are_refused(boot, link, upstream, things):
    del upstream
    things.append(wire.Dns(["127.0.0.1"]))
    vm = boot("address 10.0.2.15/24; allow; nameserver 10.0.2.2; "
              "server 10.0.2.15 iburst; server ntp.test iburst; "
              "server 10.0.2.2 iburst", net=link.netdev())
    synchronised()
    vm.wait_for(r"source ntp\.test is not asked: 127\.0\.0\.1 is loopback", 5)
    vm.wait_for(r"source 10\.0\.2\.15 is not asked: 10\.0\.2\.15 is our own",
                5)


def test_no_frame_brings_lwip_down(boot, link, upstream):
    """What the fast path leaves to lwIP may be anything."""
    del upstream
    vm = boot(STATIC + "; logstats 1", net=link.netdev())
    synchronised()
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    rng = random.Random(seed)
    good = wire.for_lwip()
    with hostile.wire(link) as s:
        for i in range(int(os.environ.get("GNOMON_MUTATED", "20000"))):
            try:
                s.send(wire.mutated(rng, good))
            except OSError:
                pass
            if i % 32 == 0:
                time.sleep(0.003)
    assert vm.running() and not re.search("panic", vm.output())
    assert wire.answer(link, wire.echo4(), is_echo, 5)
    assert lab.ask_until(lambda r: r.synchronised, 10)
