# SPDX-License-Identifier: BSD-2-Clause
"""Ethernet, ARP, IP, ICMP, TCP and neighbour discovery, frame by frame.

RFC 826, 5227, 791, 768, 792, 1122, 5722, 6946, 8200, 4443, 4861, 4862.
"""

import itertools
import os
import random
import re
import struct
import time

import pytest

import frames
import grammar
import lab
from frames import (ECHO, GUEST, GUEST6, GUEST_LINK6, HOST, HOST6, HOST_LINK6,
                    ICMP, ICMP6, IPV4, IPV6, TCP, UDP, plain)

SECOND6 = "fd00:3::15"
OTHER_MAC = "02:00:00:00:00:99"
# Followed, so that the way to them shows: neighbours, and two beyond routers.
SERVERS = [HOST, HOST6, "198.51.100.7", "2001:db8::7"]
MANY = int(os.environ.get("GNOMON_MANY", "1000"))
NTS_KE = 4460
SEED = int(os.environ.get("GNOMON_SEED", "0")) or int.from_bytes(
    os.urandom(4), "big")


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    wire = frames.Wire(folder)
    wire.servers = {a: frames.TimeServer(wire, a) for a in SERVERS}
    vm = lab.Gnomon(
        folder, "address 10.0.2.15/24; address fd00:2::15/64; address "
        "fd00:3::15/64; gateway 10.0.2.2; gateway fd00:2::2; allow; "
        "allow ::/0; logstats 1; " + "; ".join(
            "server %s minpoll 0 maxpoll 0" % a for a in SERVERS),
        net=wire.netdev())
    wire.vm = vm
    try:
        vm.wait_for(r"clock set from|a majority confirms", 20)
        for address in (GUEST6, SECOND6, GUEST_LINK6):
            vm.wait_for(r"address %s/64" % address, 20)
        wire.settle()
        yield wire
        assert not wire.faults
        assert "panic" not in vm.output() and vm.running()
    finally:
        vm.close()
        wire.close()


def answers(gnomon, requests):
    """The names of those that were answered."""
    return {n for n, p in gnomon.replies(requests).items() if p}


def raw4(payload, **more):
    """A request in an IPv4 packet made by frames.ipv4()."""
    return plain(payload, frames.ethernet(frames.ipv4(
        frames.udp(payload), **more), IPV4))


def raw6(payload, before=b"", protocol=UDP, **more):
    return plain(payload, frames.ethernet(frames.ipv6(
        before + frames.udp(payload, HOST6, GUEST6), protocol, **more), IPV6))


def q():
    return lab.request()


# Ethernet.

def test_frames_to_others_and_to_groups_are_not_answered(gnomon):
    nobody = {}
    for to in (OTHER_MAC, frames.BROADCAST_MAC, "01:00:5e:00:01:01",
               "01:00:5e:00:00:01", "33:33:00:00:00:01", "33:33:ff:00:00:15",
               "01:80:c2:00:00:00", "03:00:00:00:00:01",
               "53:54:00:00:00:0f"):
        nobody["v4", to] = plain(p := q(), frames.datagram(p, to=to))
        nobody["v6", to] = plain(p := q(), frames.datagram(
            p, HOST6, GUEST6, to=to))
        nobody["options", to] = plain(p := q(), frames.datagram(
            p, to=to, options=b"\x01\x01\x01\0"))
        nobody["tag", to] = plain(p := q(), frames.datagram(
            p, to=to, tags=[5]))
    assert answers(gnomon, nobody) == set()


def test_frames_from_groups_and_from_us_are_not_answered(gnomon):
    nobody = {}
    for sender in (frames.BROADCAST_MAC, "01:00:5e:00:00:01",
                   "33:33:00:00:00:01", "03:00:00:00:00:01"):
        for tags in ([], [5]):
            nobody[sender, len(tags)] = plain(p := q(), frames.datagram(
                p, sender=sender, tags=tags))
    assert answers(gnomon, nobody) == set()


def test_padding_and_trailers_are_not_the_datagrams(gnomon):
    some = {}
    for n in (1, 2, 4, 20, 100, 1400):
        for sources in ((HOST, GUEST), (HOST6, GUEST6)):
            frame = frames.datagram(p := q(), *sources)
            some[n, sources] = plain(p, frame + b"\xa5" * n)
    found = gnomon.replies(some)
    for name, packet in found.items():
        assert packet and len(packet.payload) == 48, name


def test_vlan_tags_are_answered_with_the_same(gnomon):
    some = {}
    for tag in (0, 5, 4094, 0xe005):
        for sources in ((HOST, GUEST), (HOST6, GUEST6)):
            some[tag, sources] = plain(p := q(), frames.datagram(
                p, *sources, tags=[tag]))
    for (tag, sources), packet in gnomon.replies(some).items():
        assert packet, (tag, sources)
        assert packet.tags == [tag]


def test_what_is_not_ip_in_ethernet_is_not_answered(gnomon):
    nobody = {}
    inner = frames.ipv4(frames.udp(p := q()))
    for kind in (0, 60, 1500, 0x0805, 0x0806, 0x86dc, 0x88a8, 0x8847, 0x8864,
                 0x9100, 0xffff):
        nobody[kind] = plain(p, frames.ethernet(inner, kind))
        inner = frames.ipv4(frames.udp(p := q()))
    # 802.3 with SNAP, which RFC 1042 knows and RFC 1122 only allows.
    nobody["snap"] = plain(p, frames.ethernet(
        b"\xaa\xaa\x03\0\0\0\x08\0" + inner, 8 + len(inner)))
    for tags in ([5, 6], [0, 0], [1, 2, 3]):
        nobody["tags", len(tags), tags[0]] = plain(
            p := q(), frames.datagram(p, tags=tags))
    # The one under the other's type.
    nobody["6 as 4"] = plain(p := q(), frames.ethernet(frames.ipv6(
        frames.udp(p, HOST6, GUEST6)), IPV4))
    nobody["4 as 6"] = plain(p := q(), frames.ethernet(frames.ipv4(
        frames.udp(p)), IPV6))
    assert answers(gnomon, nobody) == set()


def test_short_and_long_frames_do_no_harm(gnomon):
    whole = frames.datagram(q()), frames.datagram(q(), HOST6, GUEST6)
    gnomon.settle()
    for frame in whole:
        for n in range(1, len(frame)):
            gnomon.send(frame[:n])
            if n % 24 == 0:
                gnomon.settle()
    assert not [p for p in gnomon.settle() if p.is_reply()]
    for frame in whole:
        for n in (1514, 1515, 1519, 2000, 4000, 9000, 16000, 65000):
            gnomon.send(frame + bytes(n - len(frame)))
    for packet in gnomon.settle():
        assert not packet.is_reply() or len(packet.payload) == 48
    assert answers(gnomon, {1: plain(q())}) == {1}


# Addresses.

BAD_SOURCES = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255",
               "224.0.0.1", "224.0.1.1", "239.255.255.255", "240.0.0.1",
               "255.255.255.255", "10.0.2.255", "10.0.2.0", GUEST]
BAD_SOURCES6 = ["::", "::1", "ff02::1", "ff02::101", "ff05::101", "ff0e::1",
                "::ffff:10.0.2.2", "::ffff:127.0.0.1", GUEST6, SECOND6,
                GUEST_LINK6]


def test_bad_sources_are_not_answered(gnomon):
    nobody = {}
    for source in BAD_SOURCES + BAD_SOURCES6:
        target = GUEST6 if frames.is6(source) else GUEST
        nobody[source] = plain(q(), source=source, target=target)
        # By way of the stack as well.
        nobody[source, "slow"] = plain(q(), source=source, target=target,
                                       tags=[0])
    nobody["port 0"] = plain(q(), sport=0)
    nobody["port 0", "slow"] = plain(q(), sport=0, tags=[0])
    nobody["port 0", 6] = plain(q(), source=HOST6, target=GUEST6, sport=0)
    nobody["port 0", 6, "slow"] = plain(q(), source=HOST6, target=GUEST6,
                                        sport=0, tags=[0])
    assert answers(gnomon, nobody) == set()


def test_nothing_at_all_is_sent_to_a_bad_source(gnomon):
    # RFC 1122, 3.2.1.3 and 3.2.2: neither echo replies nor errors.
    for source in BAD_SOURCES + BAD_SOURCES6:
        if source == "10.0.2.0":
            continue  # the stack knows only the newer form of a broadcast
        target = GUEST6 if frames.is6(source) else GUEST
        kind, wrap = (IPV6, frames.ipv6) if frames.is6(source) else (
            IPV4, frames.ipv4)
        heard = gnomon.after(
            frames.echo(9, source, target),
            frames.datagram(b"closed", source, target, dport=9),
            frames.ethernet(wrap(frames.tcp(source, target), TCP,
                                 source=source, target=target), kind),
            frames.ethernet(wrap(b"12345678", 253, source=source,
                                 target=target), kind))
        heard = [p for p in heard if p.target == source]
        assert not heard, (source, heard)


def test_good_sources_of_all_kinds_are_answered(gnomon):
    some = {s: plain(q(), source=s) for s in (
        "1.0.0.1", "10.0.2.1", "10.0.2.254", "10.0.3.255", "100.64.0.1",
        "126.255.255.254", "169.254.1.1", "172.16.0.1", "192.168.0.255",
        "198.51.100.7", "223.255.255.254")}
    some.update({s: plain(q(), source=s, target=GUEST6) for s in (
        "fd00:2::99", "fe80::99", "2001:db8::1", "fc00::", "::2",
        "fec0::1", "64:ff9b::a00:202")})
    assert answers(gnomon, some) == set(some)


def test_only_our_addresses_are_answered_for(gnomon):
    nobody = {}
    for target in ("10.0.2.255", "10.0.2.0", "255.255.255.255", "0.0.0.0",
                   "10.0.2.16", "10.0.3.15", "127.0.0.1", "224.0.0.1",
                   "224.0.1.1"):
        for tags in ([], [0]):
            nobody[target, len(tags)] = plain(q(), target=target, tags=tags)
            nobody[target, len(tags), "group"] = plain(
                q(), target=target, tags=tags, to=frames.BROADCAST_MAC)
    for target in ("ff02::1", "ff02::101", "ff05::101", "ff01::1",
                   frames.solicited_node(GUEST6), "fd00:2::16", "fd00:2::",
                   "fe80::1", "::", "::1", "::ffff:10.0.2.15",
                   "ff02::2", "ff12::123"):
        for tags in ([], [0]):
            nobody[target, len(tags)] = plain(
                q(), source=HOST6, target=target, tags=tags)
            nobody[target, len(tags), "group"] = plain(
                q(), source=HOST6, target=target, tags=tags,
                to=frames.multicast_mac(target))
    assert answers(gnomon, nobody) == set()


@pytest.mark.parametrize("tags", [[], [0]])
def test_the_address_that_was_asked_answers(gnomon, tags):
    for source, target in ((HOST, GUEST), (HOST6, GUEST6), (HOST6, SECOND6),
                           (HOST_LINK6, GUEST_LINK6), (HOST_LINK6, GUEST6),
                           (HOST6, GUEST_LINK6), (HOST_LINK6, SECOND6)):
        packet = gnomon.replies({0: plain(
            q(), source=source, target=target, tags=tags)})[0]
        assert packet, (source, target)
        assert (packet.source, packet.target) == (target, source)


# IPv4.

def option(kind, *rest):
    data = bytes([kind, *rest])
    return data + bytes(-len(data) % 4)


def test_harmless_ip_options_are_answered(gnomon):
    some = {}
    for name, options in {
            "no operation": b"\x01" * 4, "end of list": bytes(4),
            "end, then noise": b"\0\xff\xff\xff",
            "router alert": option(148, 4, 0, 0),
            "timestamp": option(68, 8, 5, 0, 0, 0, 0, 0),
            "stream": option(136, 4, 0, 1), "unknown": option(30, 4, 9, 9),
            "record route": option(7, 11, 4, *bytes(8)),
            "security": option(130, 11, *bytes(9)),
            "all 40 bytes": b"\x01" * 40}.items():
        some[name] = raw4(q(), options=options)
    found = gnomon.replies(some)
    assert {n for n, p in found.items() if p} == set(some)
    for packet in found.values():
        assert packet.dport == 40000 and not packet.options


def test_source_routes_are_not_answered(gnomon):
    # RFC 7126, 4.3 and 4.4: dropped, whether they end here or not.
    nobody = {}
    for kind in (131, 137):
        hops = frames.ip("10.0.2.77")
        nobody[kind, "ends"] = raw4(q(), options=option(kind, 7, 8, *hops))
        nobody[kind, "goes on"] = raw4(q(), options=option(kind, 7, 4, *hops))
        nobody[kind, "after another"] = raw4(
            q(), options=b"\x01" + bytes([kind, 7, 4]) + hops)
    assert answers(gnomon, nobody) == set()


def test_malformed_options_are_not_answered(gnomon):
    nobody = {
        "length 0": raw4(q(), options=bytes([30, 0, 0, 0])),
        "length 1": raw4(q(), options=bytes([30, 1, 0, 0])),
        "too long": raw4(q(), options=bytes([30, 5, 0, 0])),
        "255": raw4(q(), options=bytes([30, 255, 0, 0])),
        "no length": raw4(q(), options=b"\x01\x01\x01\x1e"),
    }
    assert answers(gnomon, nobody) == set()


def test_malformed_ipv4_is_not_answered(gnomon):
    nobody = {}
    for ihl in (0, 1, 4, 6, 15):
        nobody["ihl", ihl] = raw4(q(), ihl=ihl)
    for version in (0, 3, 5, 6, 15):
        nobody["version", version] = raw4(q(), version=version)
    for length in (0, 19, 20, 27, 28, 75, 77, 1500, 65535):
        nobody["length", length] = raw4(q(), length=length)
    for total in (0, 0xffff, 0x1234):
        nobody["checksum", total] = raw4(q(), total=total)
        nobody["checksum, options", total] = raw4(
            q(), total=total, options=b"\x01" * 4)
    for protocol in (0, 1, 2, 6, 4, 41, 50, 136, 255):
        nobody["protocol", protocol] = raw4(q(), protocol=protocol)
    nobody["length, options"] = raw4(q(), options=b"\x01" * 4, length=81)
    assert answers(gnomon, nobody) == set()


def test_time_to_live_and_flags_change_nothing(gnomon):
    some = {}
    for ttl, bits, tos in itertools.product((1, 2, 255), (0, 0x4000, 0x8000),
                                            (0, 0xff)):
        some[ttl, bits, tos] = raw4(q(), ttl=ttl, fragment=bits, tos=tos)
    assert answers(gnomon, some) == set(some)


def cut4(payload, sizes, ident, **more):
    """The fragments of a request, `sizes` bytes each, and the rest."""
    whole = frames.udp(payload)
    pieces, at = [], 0
    for size in [*sizes, len(whole)]:
        piece = whole[at:at + size]
        if not piece:
            break
        bits = at // 8 | (0x2000 if at + size < len(whole) else 0)
        pieces.append(frames.ethernet(frames.ipv4(
            piece, fragment=bits, ident=ident, **more), IPV4))
        at += size
    return pieces


def fragment6(piece, offset, more, ident, following=UDP, **rest):
    return frames.ethernet(frames.ipv6(
        struct.pack("!BBHI", following, 0, offset | more, ident) + piece, 44,
        **rest), IPV6)


def cut6(payload, sizes, ident):
    whole = frames.udp(payload, HOST6, GUEST6)
    pieces, at = [], 0
    for size in [*sizes, len(whole)]:
        piece = whole[at:at + size]
        if not piece:
            break
        pieces.append(fragment6(piece, at, at + size < len(whole), ident))
        at += size
    return pieces


def test_fragments_in_any_order_are_answered_once(gnomon):
    chance = random.Random(SEED)
    for cut in (cut4, cut6):
        some = {}
        for n, sizes in enumerate([(8,), (16, 16), (8,) * 6, (48,), (24,)]):
            for order in ("right", "reverse", "random", "twice"):
                pieces = cut(p := q(), sizes, chance.randrange(65536))
                if order == "reverse":
                    pieces.reverse()
                elif order == "random":
                    chance.shuffle(pieces)
                elif order == "twice":
                    pieces = pieces[:1] * 2 + pieces[1:]
                some[n, order] = p[40:48], pieces
        found = gnomon.replies(some, chunk=2)
        missing = {n for n, p in found.items() if not p}
        # A fragment that comes twice overlaps itself: RFC 5722 lets go of it.
        assert not {n for n in missing if n[1] != "twice"}, cut


def test_overlapping_fragments_are_not_answered(gnomon):
    nobody = {}
    for n, (first, second) in enumerate([
            ((0, 40), (24, 32)), ((0, 48), (40, 16)), ((0, 24), (16, 40)),
            ((0, 32), (8, 48))]):
        whole = frames.udp(p := q())
        nobody[4, n] = p[40:48], [frames.ethernet(frames.ipv4(
            whole[at:at + size], ident=700 + n,
            fragment=at // 8 | (0x2000 if at == 0 else 0)), IPV4)
            for at, size in (first, second)]
        whole = frames.udp(p := q(), HOST6, GUEST6)
        nobody[6, n] = p[40:48], [fragment6(
            whole[at:at + size], at, at == 0, 800 + n)
            for at, size in (first, second)]
    assert answers(gnomon, nobody) == set()


def test_malformed_fragments_are_not_answered(gnomon):
    whole, whole6 = frames.udp(p := q()), frames.udp(q6 := q(), HOST6, GUEST6)

    def piece(data, bits):
        return frames.ethernet(frames.ipv4(data, fragment=bits, ident=901),
                               IPV4)
    nobody = {
        "not whole words": (p[40:48], [
            piece(whole[:20], 0x2000), piece(whole[20:], 20 // 8)]),
        "past the end": (p[40:48], [piece(whole, 0x1fff)]),
        "6, not whole words": (q6[40:48], [
            fragment6(whole6[:20], 0, 1, 902),
            fragment6(whole6[20:], 16, 0, 902)]),
        "6, past the end": (q6[40:48], [fragment6(whole6, 0xfff8, 0, 903)]),
    }
    for name, request in nobody.items():
        assert not answers(gnomon, {name: request}), name


def test_atomic_fragment_is_answered(gnomon):
    # RFC 6946: by itself, whatever else has the same identification.
    whole = frames.udp(p := q(), HOST6, GUEST6)
    some = {1: (p[40:48], [fragment6(whole[:8], 0, 1, 77),
                           fragment6(whole, 0, 0, 77)])}
    assert answers(gnomon, some) == {1}


def test_fragments_that_never_become_whole_use_nothing_up(gnomon):
    for i in range(MANY):
        pieces = (cut4(q(), (24,), i) if i % 2 else cut6(q(), (24,), i))
        gnomon.send(pieces[i // 2 % 2])
        if i % 24 == 0:
            gnomon.settle()
    some = {"v4": (( p := q())[40:48], cut4(p, (24,), 65001)),
            "v6": ((p := q())[40:48], cut6(p, (24,), 65001)),
            "plain": plain(q()), "tag": plain(q(), tags=[0])}
    assert answers(gnomon, some) == set(some)


# UDP.

def with_udp(length=None, total=None, tail=b"", six=False, slow=False):
    source, target = (HOST6, GUEST6) if six else (HOST, GUEST)
    inner = frames.udp(p := q(), source, target, length=length,
                       total=total) + tail
    wrap, kind = (frames.ipv6, IPV6) if six else (frames.ipv4, IPV4)
    return plain(p, frames.ethernet(wrap(inner, source=source, target=target),
                                    kind, tags=[0] if slow else []))


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("six", [False, True])
def test_malformed_udp_is_not_answered(gnomon, six, slow):
    nobody = {}
    for length in (0, 1, 7, 8, 40, 55, 57, 60, 1000, 65535):
        nobody["length", length] = with_udp(length, six=six, slow=slow)
        # Without a checksum nothing but the length can tell.
        nobody["length, no sum", length] = with_udp(length, 0, six=six,
                                                    slow=slow)
    for total in (1, 0xffff, 0x1234):
        nobody["sum", total] = with_udp(total=total, six=six, slow=slow)
    if six:
        nobody["no sum"] = with_udp(total=0, six=True, slow=slow)
    assert answers(gnomon, nobody) == set()


@pytest.mark.parametrize("slow", [False, True])
def test_udp_without_a_checksum_is_answered_over_ipv4_with_one(gnomon, slow):
    found = gnomon.replies({1: with_udp(total=0, slow=slow)})
    assert found[1]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("six", [False, True])
def test_what_ip_carries_beyond_udp_is_not_the_datagrams(gnomon, six, slow):
    found = gnomon.replies({1: with_udp(tail=b"\xa5" * 20, six=six,
                                        slow=slow)})
    assert found[1] is None or len(found[1].payload) == 48
    assert found[1] or slow


# IPv6.

def test_extension_headers_are_walked(gnomon):
    pad = bytes([UDP, 0, 1, 4, 0, 0, 0, 0])
    some = {
        "hop-by-hop": raw6(q(), pad, 0),
        "destination options": raw6(q(), pad, 60),
        "both": raw6(q(), bytes([60, 0, 1, 4, 0, 0, 0, 0]) + pad, 0),
        "option to skip": raw6(q(), bytes([UDP, 0, 0x1e, 4, 0, 0, 0, 0]), 60),
        "pad1": raw6(q(), bytes([UDP, 0]) + bytes(6), 60),
        "routing, none left": raw6(q(), bytes([UDP, 0, 99, 0, 0, 0, 0, 0]),
                                   43),
    }
    assert answers(gnomon, some) == set(some)


def test_extension_headers_that_must_not_be_passed(gnomon):
    hop = frames.ip("fd00:2::77")
    nobody = {
        "routing type 0": raw6(q(), bytes([UDP, 2, 0, 1, 0, 0, 0, 0]) + hop,
                               43),
        "routing, some left": raw6(q(), bytes([UDP, 0, 99, 1, 0, 0, 0, 0]),
                                   43),
        "unknown option, discard": raw6(
            q(), bytes([UDP, 0, 0x5e, 4, 0, 0, 0, 0]), 60),
        "unknown option, error": raw6(
            q(), bytes([UDP, 0, 0x9e, 4, 0, 0, 0, 0]), 60),
        "unknown hop-by-hop, discard": raw6(
            q(), bytes([UDP, 0, 0x5e, 4, 0, 0, 0, 0]), 0),
        "hop-by-hop not first": raw6(
            q(), bytes([0, 0, 1, 4, 0, 0, 0, 0, UDP, 0, 1, 4, 0, 0, 0, 0]),
            60),
        "unknown header": raw6(q(), b"", 253),
        "no next header": raw6(q(), b"", 59),
        "header past the end": raw6(q(), bytes([UDP, 255, 1, 4, 0, 0, 0, 0]),
                                    60),
        "jumbo": raw6(q(), bytes([UDP, 0, 194, 4, 0, 0, 0, 64]), 0, length=0),
        "version 4": raw6(q(), version=4), "version 0": raw6(q(), version=0),
        "length 0": raw6(q(), length=0), "length 1": raw6(q(), length=55),
        "length too long": raw6(q(), length=57),
        "longest": raw6(q(), length=65535),
    }
    assert answers(gnomon, nobody) == set()


def test_hop_limit_and_traffic_class_change_nothing(gnomon):
    some = {hops: raw6(q(), hops=hops) for hops in (1, 2, 255)}
    assert answers(gnomon, some) == set(some)


# ICMP and closed ports.

def errors(heard):
    return [p for p in heard if
            (p.protocol == ICMP and p.type not in (0, 8)) or
            (p.protocol == ICMP6 and p.type < 128)]


def test_echo_is_answered_from_the_address_that_was_asked(gnomon):
    for source, target in ((HOST, GUEST), (HOST6, GUEST6), (HOST6, SECOND6),
                           (HOST_LINK6, GUEST_LINK6)):
        for size in (0, 4, 56, 1400):
            heard = [p for p in gnomon.after(frames.echo(
                77, source, target, payload=b"e" * size))
                if p.protocol in (ICMP, ICMP6) and p.type in (0, 129)]
            assert len(heard) == 1, (target, size)
            assert (heard[0].source, heard[0].target) == (target, source)
            assert heard[0].payload[4:] == b"e" * size


def test_echo_to_groups_and_others_is_not_answered(gnomon):
    # RFC 1122, 3.2.2.6 lets us; smurfs must not.
    heard = []
    for target, to in (("255.255.255.255", frames.BROADCAST_MAC),
                       ("10.0.2.255", frames.BROADCAST_MAC),
                       ("10.0.2.0", frames.BROADCAST_MAC),
                       ("224.0.0.1", "01:00:5e:00:00:01"),
                       (GUEST, frames.BROADCAST_MAC),
                       (GUEST, "01:00:5e:00:00:01"),
                       ("10.0.2.99", lab.GUEST_MAC),
                       ("127.0.0.1", lab.GUEST_MAC)):
        heard += gnomon.after(frames.echo(78, HOST, target, to))
    for target, to in (("ff02::1", "33:33:00:00:00:01"),
                       (frames.solicited_node(GUEST6), "33:33:ff:00:00:15"),
                       ("fd00:2::99", lab.GUEST_MAC),
                       (GUEST6, "33:33:00:00:00:01"),
                       ("::1", lab.GUEST_MAC)):
        heard += gnomon.after(frames.echo(78, HOST6, target, to))
    heard = [p for p in heard if p.protocol in (ICMP, ICMP6) and
             p.type in (0, 129)]
    assert not heard


def test_malformed_echo_is_not_answered(gnomon):
    heard = gnomon.after(
        frames.ethernet(frames.ipv4(frames.icmp(
            ECHO, total=0x1234, payload=b"bad"), ICMP), IPV4),
        frames.ethernet(frames.ipv4(b"\x08\0\xf7", ICMP), IPV4),
        frames.ethernet(frames.ipv6(frames.icmp6(
            128, body=bytes(8), total=0x1234), ICMP6), IPV6),
        frames.ethernet(frames.ipv6(b"\x80\0\0", ICMP6), IPV6))
    assert not [p for p in heard if p.protocol in (ICMP, ICMP6)]


def closed(count, source=HOST, target=GUEST, **more):
    return [frames.datagram(b"closed", source, target, dport=20000 + i,
                            **more) for i in range(count)]


@pytest.mark.parametrize("pair", [(HOST, GUEST), (HOST6, GUEST6)])
def test_errors_are_few(gnomon, pair):
    # RFC 4443, 2.4 (f): errors MUST be limited in their rate.
    source, target = pair
    heard = []
    for _ in range(20):
        heard += gnomon.after(*closed(24, source, target))
    assert len(errors(heard)) <= 64
    for p in errors(heard):
        assert (p.type, p.code) in ((3, 3), (1, 4))
        assert (p.source, p.target) == (target, source)


def test_no_error_answers_a_group_an_error_or_a_fragment(gnomon):
    # RFC 1122, 3.2.2; RFC 4443, 2.4 (e).
    time.sleep(1)  # let a limit of the rate be over
    inner = frames.ipv4(frames.udp(b"x" * 8, GUEST, HOST, 123, 9), UDP, GUEST,
                        HOST)
    inner6 = frames.ipv6(frames.udp(b"x" * 8, GUEST6, HOST6, 123, 9), UDP,
                         GUEST6, HOST6)
    heard = []
    for group in (
            closed(1, target="10.0.2.255", to=frames.BROADCAST_MAC),
            closed(1, target="255.255.255.255", to=frames.BROADCAST_MAC),
            closed(1, target="224.0.0.1", to="01:00:5e:00:00:01"),
            closed(1, to=frames.BROADCAST_MAC),
            closed(1, to="01:00:5e:00:00:01"),
            closed(1, HOST6, "ff02::1", to="33:33:00:00:00:01"),
            closed(1, HOST6, GUEST6, to="33:33:00:00:00:01"),
            closed(1, source="10.0.2.255"), closed(1, source="224.0.0.1"),
            [frames.ethernet(frames.ipv4(b"x" * 16, fragment=2, ident=5),
                             IPV4)],
            [frames.ethernet(frames.ipv4(frames.icmp(t, c, payload=inner),
                                         ICMP), IPV4)
             for t, c in ((3, 0), (3, 3), (4, 0), (5, 0), (5, 1), (11, 0),
                          (12, 0), (13, 0), (15, 0), (17, 0), (99, 0))],
            [frames.ethernet(frames.ipv6(frames.icmp6(
                t, 0, bytes(4) + inner6), ICMP6), IPV6)
             for t in (1, 2, 3, 4, 99, 127, 200)]):
        heard += gnomon.after(*group)
    assert not errors(heard), heard


def test_redirects_are_ignored(gnomon):
    inner = frames.ipv4(frames.udp(b"x" * 8, GUEST, "198.51.100.7", 123, 9),
                        UDP, GUEST, "198.51.100.7")
    gnomon.after(frames.ethernet(frames.ipv4(frames.icmp(
        5, 1, frames.ip("10.0.2.99"), inner), ICMP), IPV4))
    gnomon.after(frames.ethernet(frames.ipv6(frames.icmp6(
        137, 0, bytes(4) + frames.ip("fd00:2::99") + frames.ip("2001:db8::7"),
        HOST_LINK6, GUEST_LINK6), ICMP6, HOST_LINK6, GUEST_LINK6, 255), IPV6))
    assert ways(gnomon) == {lab.HOST_MAC}


def test_tcp_to_a_closed_port_is_reset(gnomon):
    for source, target in ((HOST, GUEST), (HOST6, GUEST6)):
        wrap, kind = (frames.ipv6, IPV6) if frames.is6(source) else (
            frames.ipv4, IPV4)

        def segment(**more):
            return frames.ethernet(wrap(frames.tcp(
                source, target, **more), TCP, source=source, target=target),
                kind)
        heard = [p for p in gnomon.after(segment(seq=1000))
                 if p.protocol == TCP]
        assert len(heard) == 1
        assert heard[0].flags == frames.RST | frames.ACK
        assert heard[0].ack == 1001 and heard[0].seq == 0
        heard = [p for p in gnomon.after(segment(
            seq=5, ack=777, flags=frames.ACK)) if p.protocol == TCP]
        assert len(heard) == 1 and heard[0].seq == 777
        assert heard[0].flags & frames.RST
        # A reset is never answered: RFC 9293, 3.10.7.1.
        assert not [p for p in gnomon.after(segment(flags=frames.RST))
                    if p.protocol == TCP]
        bad = bytearray(segment())
        bad[-3] ^= 1
        assert not [p for p in gnomon.after(bytes(bad)) if p.protocol == TCP]
    assert not [p for p in gnomon.after(
        frames.ethernet(frames.ipv4(frames.tcp(target="10.0.2.255"), TCP,
                                    target="10.0.2.255"), IPV4,
                        frames.BROADCAST_MAC),
        frames.ethernet(frames.ipv4(frames.tcp(), TCP), IPV4,
                        frames.BROADCAST_MAC)) if p.protocol == TCP]


def pools(gnomon):
    """The newest line of pools' high-water marks."""
    def lines():
        return re.findall(r"\] pools (.*)\n", gnomon.vm.output())
    count = len(lines())
    lab.until("a line of pools", 5, lambda: len(lines()) > count)
    return lines()[-1]


def test_syn_flood_costs_nothing(gnomon):
    """On ports that are closed; NTS-KE's has tests of its own."""
    chance = random.Random(SEED)

    def flood(count):
        for i in range(count):
            source = "198.51.%d.%d" % (chance.randrange(256),
                                       chance.randrange(1, 255))
            gnomon.send(frames.ethernet(frames.ipv4(frames.tcp(
                source, sport=chance.randrange(1, 65536),
                dport=chance.randrange(1, NTS_KE), seq=chance.getrandbits(32)),
                TCP, source=source), IPV4))
            if i % 24 == 0:
                gnomon.settle()
    flood(MANY)
    before = pools(gnomon)
    flood(MANY)
    assert pools(gnomon) == before
    assert answers(gnomon, {1: plain(q())}) == {1}


# ARP.

def arps(heard):
    return [p for p in heard if p.kind == frames.ARP]


def test_arp_is_answered_for_our_address_alone(gnomon):
    for to in (frames.BROADCAST_MAC, lab.GUEST_MAC):
        for sender in (HOST, "0.0.0.0", "10.0.2.50", "192.0.2.1"):
            heard = arps(gnomon.after(frames.arp(
                1, OTHER_MAC, sender, GUEST, to=to)))
            assert len(heard) == 1, sender
            answer = heard[0]
            assert answer.operation == 2 and answer.to == OTHER_MAC
            assert (answer.source_mac, answer.source) == (lab.GUEST_MAC,
                                                          GUEST)
            assert (answer.target_mac, answer.target) == (OTHER_MAC, sender)
        for target in (HOST, "10.0.2.16", "10.0.2.255", "0.0.0.0",
                       "127.0.0.1", "255.255.255.255", "224.0.0.1"):
            assert not arps(gnomon.after(frames.arp(
                1, OTHER_MAC, HOST, target, to=to))), target


def test_malformed_arp_is_not_answered(gnomon):
    whole = frames.arp(1, OTHER_MAC, HOST, GUEST)
    bad = [frames.arp(1, OTHER_MAC, HOST, GUEST, shape=shape) for shape in (
        b"\0\6\x08\0\6\4", b"\0\1\x86\xdd\6\4", b"\0\1\x08\0\7\4",
        b"\0\1\x08\0\6\x10", b"\0\1\x08\0\0\0")]
    bad += [whole[:n] for n in (15, 22, 32, 41)]
    bad += [frames.arp(op, OTHER_MAC, HOST, GUEST) for op in
            (0, 3, 4, 8, 9, 256, 65535)]
    bad += [frames.arp(1, "01:00:5e:00:00:01", HOST, GUEST,
                       source=OTHER_MAC),
            frames.arp(1, frames.BROADCAST_MAC, HOST, GUEST,
                       source=OTHER_MAC),
            frames.arp(1, OTHER_MAC, HOST, GUEST, source="01:00:00:00:00:01"),
            frames.arp(1, OTHER_MAC, HOST, GUEST, to="02:00:00:00:00:77")]
    for frame in bad:
        assert not arps(gnomon.after(frame)), frame.hex()


def ways(gnomon):
    """The MACs that the next requests to all servers go to."""
    count = {a: len(s.asked) for a, s in gnomon.servers.items()}
    lab.until("a request to each server", 10, lambda: all(
        len(s.asked) > count[a] for a, s in gnomon.servers.items()))
    return {s.asked[count[a]].to for a, s in gnomon.servers.items()}


def test_nothing_is_learnt_from_arp_that_was_not_asked_for(gnomon):
    assert ways(gnomon) == {lab.HOST_MAC}
    time.sleep(3.1)  # until what was asked is not waited for any more
    gnomon.after(
        frames.arp(2, OTHER_MAC, HOST, GUEST, lab.GUEST_MAC,
                   to=lab.GUEST_MAC),
        frames.arp(2, OTHER_MAC, HOST, HOST),
        frames.arp(1, OTHER_MAC, HOST, HOST),
        frames.arp(1, OTHER_MAC, HOST, GUEST),
        frames.arp(1, OTHER_MAC, HOST, "10.0.2.99"),
        frames.datagram(q(), sender=OTHER_MAC),
        frames.datagram(q(), sender=OTHER_MAC, tags=[0]),
        frames.echo(7, sender=OTHER_MAC))
    assert ways(gnomon) == {lab.HOST_MAC}


def test_an_answer_goes_back_to_the_card_that_asked(gnomon):
    # Nobody is looked up for it, so nobody fills the tables.
    for source, target in (("10.0.2.88", GUEST), ("203.0.113.8", GUEST),
                           ("fd00:2::88", GUEST6), ("fe80::88", GUEST_LINK6),
                           ("2001:db8::88", SECOND6)):
        wrap, kind = (frames.ipv6, IPV6) if frames.is6(source) else (
            frames.ipv4, IPV4)
        for tags in ([], [9]):
            for frame in (
                    frames.echo(5, source, target, sender=OTHER_MAC),
                    frames.datagram(q(), source, target, sender=OTHER_MAC),
                    frames.datagram(b"closed", source, target, dport=9,
                                    sender=OTHER_MAC),
                    frames.ethernet(wrap(
                        frames.tcp(source, target), TCP, source=source,
                        target=target), kind, sender=OTHER_MAC)):
                time.sleep(0.01)
                heard = gnomon.after(frames.tagged(frame, tags))
                heard = [p for p in heard if p.target == source or
                         (p.kind == frames.ARP and p.target == source)]
                assert len(heard) == 1, (source, heard)
                assert heard[0].to == OTHER_MAC and heard[0].tags == tags


def test_a_flood_of_strangers_evicts_no_neighbour(gnomon):
    for i in range(MANY):
        gnomon.send(
            frames.echo(6, "fd00:2::6:%x" % i, GUEST6, sender=OTHER_MAC),
            frames.echo(6, "10.0.2.%d" % (20 + i % 230), sender=OTHER_MAC))
        if i % 12 == 0:
            gnomon.settle()
    looked = [p for p in gnomon.settle() if p.kind == frames.ARP or
              (p.protocol == ICMP6 and p.type == 135)]
    assert len(looked) < 4
    assert ways(gnomon) == {lab.HOST_MAC}


def test_a_claim_to_our_address_is_told_and_not_believed(gnomon):
    gnomon.after(frames.arp(1, OTHER_MAC, GUEST, GUEST),
                 frames.arp(2, OTHER_MAC, GUEST, GUEST))
    gnomon.vm.wait_for(r"address conflict: %s also uses %s" % (
        OTHER_MAC, re.escape(GUEST)), 5)
    assert answers(gnomon, {1: plain(q())}) == {1}


def test_a_flood_of_askers_evicts_no_neighbour(gnomon):
    for i in range(MANY):
        gnomon.send(frames.arp(1, OTHER_MAC, "10.0.2.%d" % (i % 200 + 20),
                               GUEST))
        if i % 24 == 0:
            gnomon.settle()
    gnomon.take()
    assert ways(gnomon) == {lab.HOST_MAC}


# Neighbour discovery.

def advertisements(heard):
    return [p for p in heard if p.protocol == ICMP6 and p.type == 136]


def test_solicitations_are_answered_for_our_addresses_alone(gnomon):
    for target in (GUEST6, SECOND6, GUEST_LINK6):
        for source in (HOST6, HOST_LINK6):
            for to_ip in (frames.solicited_node(target), target):
                heard = advertisements(gnomon.after(frames.solicit(
                    target, source, to_ip, to=lab.GUEST_MAC
                    if to_ip == target else None)))
                assert len(heard) == 1, (target, source, to_ip)
                answer = heard[0]
                assert (answer.source, answer.target) == (target, source)
                assert answer.hops == 255 and answer.code == 0
                assert answer.payload[0] & 0xe0 == 0x60
                assert answer.payload[4:20] == frames.ip(target)
                assert answer.payload[20:28] == frames.link_option(
                    2, lab.GUEST_MAC)
    for target in (HOST6, "fd00:2::16", "fe80::1", "::", "::1", "ff02::1"):
        assert not advertisements(gnomon.after(frames.solicit(
            target, to_ip=frames.solicited_node(target)))), target


def test_duplicate_address_detection_meets_a_defence(gnomon):
    # RFC 4862, 5.4; RFC 4861, 7.2.4: to all nodes, not solicited.
    for target in (GUEST6, GUEST_LINK6):
        heard = advertisements(gnomon.after(frames.solicit(target, "::")))
        assert len(heard) == 1, target
        assert heard[0].target == "ff02::1" and heard[0].source == target
        assert heard[0].hops == 255
        assert heard[0].payload[0] & 0x60 == 0x20


def test_malformed_solicitations_are_not_answered(gnomon):
    # RFC 4861, 7.1.1.
    bad = {
        "hop limit": frames.solicit(GUEST6, hops=254),
        "hop limit 64": frames.solicit(GUEST6, hops=64),
        "checksum": frames.solicit(GUEST6, total=0x1234),
        "code": frames.solicit(GUEST6, code=1),
        "option of length 0": frames.solicit(GUEST6, options=bytes(8)),
        "second option of length 0": frames.solicit(
            GUEST6, options=frames.link_option(1, OTHER_MAC) + bytes(8)),
        "option past the end": frames.solicit(GUEST6, options=b"\1\2" +
                                              bytes(6)),
        "half an option": frames.solicit(GUEST6, options=b"\1\1\0\0"),
        "source multicast": frames.solicit(GUEST6, "ff02::1"),
        "source ours": frames.solicit(GUEST6, GUEST6),
        "source loopback": frames.solicit(GUEST6, "::1"),
        "probe to us": frames.solicit(GUEST6, "::", GUEST6, lab.GUEST_MAC),
        "probe with an option": frames.solicit(
            GUEST6, "::", options=frames.link_option(1, OTHER_MAC)),
        "to another address": frames.solicit(GUEST6, to_ip="fd00:2::77",
                                             to=lab.GUEST_MAC),
        "to another MAC": frames.solicit(GUEST6, to=OTHER_MAC),
        "short": frames.ethernet(frames.ipv6(frames.icmp6(
            135, body=bytes(4) + frames.ip(GUEST6)[:12]), ICMP6, hops=255),
            IPV6),
    }
    for name, frame in bad.items():
        assert not advertisements(gnomon.after(frame)), name


def test_nothing_is_learnt_from_advertisements_not_asked_for(gnomon):
    time.sleep(3.1)
    for flags in (0, 0x20, 0x40, 0x60, 0xe0):
        for target in (HOST6, HOST_LINK6):
            gnomon.after(frames.advertise(target, OTHER_MAC, flags=flags),
                         frames.advertise(target, OTHER_MAC, to_ip="ff02::1",
                                          to="33:33:00:00:00:01",
                                          flags=flags & 0xbf))
        gnomon.after(frames.solicit(GUEST6, HOST6, sender=OTHER_MAC))
    assert ways(gnomon) == {lab.HOST_MAC}


def hidden(message, source, target):
    """Neighbour discovery behind other headers, in all the ways there are."""
    to = (frames.multicast_mac(target) if target.startswith("ff") else
          lab.GUEST_MAC)

    def frame(following, data):
        return frames.ethernet(frames.ipv6(data, following, source, target,
                                           255), IPV6, to)
    pad = bytes([ICMP6, 0, 1, 4, 0, 0, 0, 0])
    for following in (0, 60, 43):
        head = pad if following != 43 else bytes([ICMP6, 0, 99, 0, 0, 0, 0, 0])
        yield [frame(following, head + message)]

    def piece(data, at, more, ident, inner=ICMP6):
        return frame(44, struct.pack("!BBHI", inner, 0, at | more, ident) +
                     data)
    yield [piece(message, 0, 0, 1)]
    yield [piece(message[:16], 0, 1, 2), piece(message[16:], 16, 0, 2)]
    # Which header follows is taken from the piece that came first.
    yield [piece(message[16:], 16, 0, 3), piece(message[:16], 0, 1, 3, UDP)]
    yield [piece((pad + message)[:8], 0, 1, 4, 60),
           piece((pad + message)[8:], 8, 0, 4, 60)]


def test_discovery_behind_other_headers_is_ignored(gnomon):
    # RFC 6980; a neighbour's advertisement would cost us our address.
    before = our_addresses(gnomon)
    claim = bytes([0x20, 0, 0, 0]) + frames.ip(GUEST6) + frames.link_option(
        2, OTHER_MAC)
    for heard in hidden(frames.icmp6(136, 0, claim, GUEST6, "ff02::1"),
                        GUEST6, "ff02::1"):
        gnomon.after(*heard)
    for heard in hidden(frames.icmp6(136, 0, claim, HOST6, "ff02::1"),
                        HOST6, "ff02::1"):
        gnomon.after(*heard)
    lie = bytes([0x60, 0, 0, 0]) + frames.ip(HOST6) + frames.link_option(
        2, OTHER_MAC)
    for heard in hidden(frames.icmp6(136, 0, lie, HOST6, GUEST6),
                        HOST6, GUEST6):
        gnomon.after(*heard)
    assert ways(gnomon) == {lab.HOST_MAC}
    announce = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    announce += frames.prefix_option("2001:db8:bad:aa::")
    for heard in hidden(frames.icmp6(134, 0, announce, HOST_LINK6, "ff02::1"),
                        HOST_LINK6, "ff02::1"):
        gnomon.after(*heard)
    ask = bytes(4) + frames.ip(GUEST6) + frames.link_option(1, OTHER_MAC)
    for heard in hidden(frames.icmp6(135, 0, ask, HOST6, GUEST6), HOST6,
                        GUEST6):
        assert not advertisements(gnomon.after(*heard))
    time.sleep(1.5)
    assert our_addresses(gnomon) == before
    assert ways(gnomon) == {lab.HOST_MAC}
    assert answers(gnomon, {1: plain(q(), source=HOST6, target=GUEST6)})


def our_addresses(gnomon):
    output = gnomon.vm.output()
    return (set(re.findall(r"\] address ([0-9a-f:.]+)", output)) -
            set(re.findall(r"\] address ([0-9a-f:.]+) is gone", output)))


def test_bogus_router_advertisements_are_ignored(gnomon):
    # RFC 4861, 6.1.2; RFC 4862, 5.5.3.
    before = our_addresses(gnomon)
    prefix = "2001:db8:bad:%d::"
    good = frames.prefix_option
    bogus = [
        frames.router(good(prefix % 1), hops=254),
        frames.router(good(prefix % 2), code=1),
        frames.router(good(prefix % 3), total=0x1234),
        frames.router(good(prefix % 4), source=HOST6),
        frames.router(good(prefix % 5), source="::"),
        frames.router(good(prefix % 6) + bytes(8)),
        frames.router(good(prefix % 7)[:24]),
        frames.router(good(prefix % 8, bits=48)),
        frames.router(good(prefix % 9, bits=65)),
        frames.router(good(prefix % 10, bits=0)),
        frames.router(good(prefix % 11, bits=255)),
        frames.router(good(prefix % 12, valid=10, preferred=20)),
        frames.router(good(prefix % 13, valid=0, preferred=0)),
        frames.router(good(prefix % 14, flags=0x80)),
        frames.router(good("fe80::")), frames.router(good("ff02::")),
    ]
    for frame in bogus:
        gnomon.after(frame)
    time.sleep(1.5)  # an address would have been probed for by now
    assert our_addresses(gnomon) == before


def test_our_own_addresses_outlive_what_routers_say(gnomon):
    # Lifetimes of zero for a prefix that was configured by hand.
    gnomon.after(
        frames.router(frames.prefix_option("fd00:2::", valid=0, preferred=0),
                      lifetime=0),
        frames.router(frames.prefix_option("fd00:2::", valid=1, preferred=1)),
        frames.router(frames.prefix_option("fe80::", valid=0, preferred=0)))
    time.sleep(2)
    some = {t: plain(q(), source=HOST6, target=t)
            for t in (GUEST6, SECOND6, GUEST_LINK6)}
    assert answers(gnomon, some) == set(some)


def test_a_flood_of_routers_and_prefixes_uses_nothing_up(gnomon):
    chance = random.Random(SEED)

    def flood(count):
        for i in range(count):
            number = chance.getrandbits(16)
            options = b"".join(frames.prefix_option(
                "2001:db8:%x:%x::" % (number, k)) for k in range(4))
            options += struct.pack("!BBHI", 25, 3, 0, 3600) + frames.ip(
                "2001:db8:%x::53" % number)
            options += struct.pack("!BBHI", 5, 1, 0, 1280 + number % 300)
            gnomon.send(frames.router(
                options, source="fe80::%x:%x" % (number, i + 1),
                sender="02:00:00:01:%02x:%02x" % (i >> 8 & 255, i & 255)))
            if i % 24 == 0:
                gnomon.settle()
    flood(MANY)
    time.sleep(2)
    before = pools(gnomon)
    flood(MANY)
    assert pools(gnomon) == before
    some = {t: plain(q(), source=HOST6, target=t)
            for t in (GUEST6, SECOND6, GUEST_LINK6)}
    some["v4"] = plain(q())
    some["tag"] = plain(q(), source=HOST6, target=GUEST6, tags=[0])
    assert answers(gnomon, some) == set(some)
    assert ways(gnomon) == {lab.HOST_MAC}


# All of it at once.

def test_frames_made_by_the_rules_bring_nothing_down(gnomon):
    print("seed", SEED)
    rules = grammar.Grammar(SEED)
    for i in range(3 * MANY):
        gnomon.send(*rules.frames())
        if i % 8 == 0:
            gnomon.settle()
        assert gnomon.vm.running(), gnomon.vm.output()[-3000:]
    time.sleep(1)
    some = {t: plain(q(), source=HOST6, target=t)
            for t in (GUEST6, SECOND6, GUEST_LINK6)}
    some["v4"] = plain(q())
    some["fragments"] = ((p := q())[40:48], cut4(p, (24,), 65003))
    assert answers(gnomon, some) == set(some)
    # To a datagram with two ends, lwIP answers what it likes.
    gnomon.faults.clear()
