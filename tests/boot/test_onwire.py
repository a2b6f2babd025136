# SPDX-License-Identifier: BSD-2-Clause
"""The client on the wire: RFC 5905, 8, 9.2 and 7.4; RFC 9109; RFC 8573.

Each source is one way to answer wrongly, or rightly but oddly; all of them are
followed by one appliance at once.
"""

import hashlib
import os
import re
import struct
import time

import pytest

import frames
import lab

SECRET = b"known to both"
WATCH = 5.5


def digest(data, secret=SECRET):
    return hashlib.sha1(secret + data).digest()


def change(**values):
    """Answer with other values in the header."""
    def bend(reply):
        for name, value in values.items():
            setattr(reply, name, value)
    return bend


def relative(name, seconds):
    """Move one timestamp."""
    def bend(reply):
        setattr(reply, name, (reply.receive + int(seconds * 2**32)) % 2**64)
    return bend


class Late:
    """Answers each request only after the next one has come."""

    def __init__(self):
        self.held = None

    def __call__(self, reply):
        held, self.held = self.held, reply
        return [held.frame()] if held else []


class Again:
    """Answers the first request, and that alone, again and again, in a way
    that would set the clock if it were believed."""

    def __init__(self):
        self.first = None

    def __call__(self, reply):
        self.first = self.first or reply.origin
        if reply.origin == self.first:
            reply.leap = 3
        reply.origin = self.first


def swapped(reply):
    reply.origin = reply.origin[::-1]


def next_origin(reply):
    reply.origin = struct.pack("!Q", (struct.unpack(
        "!Q", reply.origin)[0] + 1) % 2**64)


def other_port(reply):
    reply.dport = (reply.dport + 1) % 65536 or 1


def bad_sum(reply):
    frame = bytearray(reply.frame())
    frame[40] ^= 1
    return [bytes(frame)]


def with_mac(make):
    """Append key id 7 and what `make` says for a digest."""
    def bend(reply):
        reply.receive = reply.receive or 1
        reply.transmit = frames.stamp(time.time())
        reply.tail = struct.pack("!I", 7) + make(reply.payload())
    return bend


def no_more_than_header(reply):
    del reply


def kiss(code, **more):
    return change(leap=3, stratum=0, refid=code, **more)


# Never to be believed, from a source without a key.
BAD = {
    "origin zero": change(origin=bytes(8)),
    "origin random": lambda r: setattr(r, "origin", os.urandom(8)),
    "origin swapped": swapped,
    "origin one more": next_origin,
    "answer to the one before": Late(),
    "the same answer again": Again(),
    "transmit zero": change(transmit=0),
    "receive zero": change(receive=0),
    "all zero": change(transmit=0, receive=0, reference=0),
    "sent before received": relative("transmit", -1),
    "set after sent": relative("reference", 10),
    "took longer than we waited": relative("transmit", 30),
    "mode 0": change(mode=0), "mode 1": change(mode=1),
    "mode 2": change(mode=2), "mode 3": change(mode=3),
    "mode 5": change(mode=5), "mode 6": change(mode=6),
    "mode 7": change(mode=7),
    "version 0": change(version=0), "version 5": change(version=5),
    "version 7": change(version=7),
    "leap 3": change(leap=3), "stratum 0": change(stratum=0, refid=bytes(4)),
    "stratum 16": change(stratum=16), "stratum 255": change(stratum=255),
    "unknown kiss": kiss(b"XXXX"), "kiss without leap 3": change(
        stratum=0, refid=b"STEP"),
    "root delay": change(root_delay=32 << 16),
    "root delay, negative": change(root_delay=0x80000000),
    "root dispersion": change(root_dispersion=16 << 16),
    "distance over 3 s": change(root_delay=4 << 16, root_dispersion=1 << 16),
}
BAD2 = {
    "47 bytes": change(cut=47),
    "nothing": change(cut=0), "1 byte": change(cut=1),
    "1 byte too many": change(tail=b"\0"),
    "8 bytes too many": change(tail=bytes(8)),
    "crypto-NAK": change(tail=bytes(4)),
    "a MAC that was not asked for": with_mac(digest),
    "a MAC of zeros": change(tail=bytes(20)),
    "field without length": change(tail=bytes(32)),
    "field past the end": change(tail=b"\x7f\1\0\x40" + bytes(28)),
    "from another port": change(sport=124),
    "from another address": change(source="10.0.2.2"),
    "to another port": other_port,
    "UDP checksum": bad_sum,
    "it follows us": change(stratum=2, refid=frames.ip(lab.GUEST)),
    "forged DENY": kiss(b"DENY", origin=bytes(8)),
    "forged RSTR": kiss(b"RSTR", origin=b"12345678"),
    "forged RATE": kiss(b"RATE", origin=bytes(8)),
    "DENY from another port": kiss(b"DENY", sport=124),
    "DENY": kiss(b"DENY"), "RSTR": kiss(b"RSTR"), "RATE": kiss(b"RATE"),
    # These have a key.
    "key: no MAC": no_more_than_header,
    "key: crypto-NAK": change(tail=bytes(4)),
    "key: wrong secret": with_mac(lambda d: digest(d, b"another")),
    "key: other key id": lambda r: setattr(
        r, "tail", struct.pack("!I", 8) + digest(r.payload())),
    "key: cut": with_mac(lambda d: digest(d)[:16]),
    "key: DENY without MAC": kiss(b"DENY"),
}

# To be believed all the same.
def twice(reply):
    frame = reply.frame()
    return [frame, frame]


def bogus_first(reply):
    good = reply.frame()
    reply.origin = bytes(8)
    return [reply.frame(), good]


def deny_first(reply):
    good = reply.frame()
    kiss(b"DENY", origin=b"11111111")(reply)
    return [reply.frame(), good]


def in_fragments(reply):
    whole = frames.udp(reply.payload(), reply.source, reply.target, 123,
                       reply.dport)
    return [frames.ethernet(frames.ipv4(
        whole[at:at + 24], source=reply.source, target=reply.target,
        ident=99, fragment=at // 8 | (0x2000 if at + 24 < len(whole) else 0)),
        frames.IPV4) for at in range(0, len(whole), 24)]


def without_sum(reply):
    return [frames.ethernet(frames.ipv4(frames.udp(
        reply.payload(), reply.source, reply.target, 123, reply.dport,
        total=0), source=reply.source, target=reply.target), frames.IPV4)]


def slowly(reply):
    time.sleep(0.02)
    del reply


GOOD = {
    "plain": no_more_than_header,
    "version 3": change(version=3), "version 1": change(version=1),
    "stratum 15": change(stratum=15),
    "leap 1": change(leap=1), "leap 2": change(leap=2),
    "reference timestamp zero": change(reference=0),
    "reference ID zero": change(refid=bytes(4)),
    "poll -128": change(poll=-128), "poll 127": change(poll=127),
    "precision 0": change(precision=0), "precision -32": change(precision=-32),
    "precision 127": change(precision=127),
    "precision -128": change(precision=-128),
    "unknown field": change(tail=b"\x7f\1\0\x1c" + bytes(24)),
    "two fields": change(tail=b"\x7f\1\0\x10" + bytes(12) +
                         b"\x7f\2\0\x40" + bytes(60)),
    "distance under 3 s": change(root_delay=2 << 16, root_dispersion=1 << 16),
    "twice": twice, "bogus first": bogus_first, "forged DENY first":
    deny_first, "in fragments": in_fragments, "no checksum": without_sum,
    "slowly": slowly,
    "key: right": with_mac(digest),
    "key: right, with a field": lambda r: (
        setattr(r, "transmit", frames.stamp(time.time())),
        setattr(r, "tail", b"\x7f\1\0\x10" + bytes(12)),
        setattr(r, "tail", r.tail + struct.pack("!I", 7) + digest(
            r.payload())))[0],
}


class Group:
    """One appliance and the sources that it follows."""

    def __init__(self, folder, bends, more=""):
        self.wire = frames.Wire(folder)
        self.server, self.address = {}, {}
        lines = [more]
        for number, (name, bend) in enumerate(bends.items()):
            address = "10.0.2.%d" % (30 + number)
            self.address[name] = address
            self.server[name] = frames.TimeServer(self.wire, address, bend)
            lines.append("server %s minpoll 0 maxpoll 0%s" % (
                address, " key 7" if name.startswith("key:") else ""))
        archive = lab.archive(folder / "boot.cpio", {
            "gnomon.conf": ("\n".join(lines) + "\nkeyfile keys\nallow\n"
                            "makestep 1 -1\n").encode(),
            "keys": b"7 SHA1 HEX:%s\n" % SECRET.hex().encode()})
        self.vm = lab.Gnomon(folder, "address 10.0.2.15/24; gateway 10.0.2.2",
                             net=self.wire.netdev(), initrd=archive)

    def close(self):
        self.vm.close()
        self.wire.close()

    def said(self, pattern):
        return re.findall(pattern, self.vm.output())

    def reply(self):
        packet = self.wire.replies({0: frames.plain(lab.request())})[0]
        return lab.Reply(packet.payload, 0, packet.came)


@pytest.fixture(scope="module", params=[0, 1])
def bad(request, tmp_path_factory):
    bends = [BAD, BAD2][request.param]
    assert len(bends) <= 32  # as many as can be followed
    group = Group(tmp_path_factory.mktemp("bad"), bends)
    try:
        group.vm.wait_for("boot: done", 10)
        group.began = time.monotonic()
        end = group.began + WATCH
        group.leaps = set()
        while time.monotonic() < end:
            group.leaps.add((group.reply().leap, group.reply().stratum))
            time.sleep(0.05)
        group.after = {n: len(s.asked) for n, s in group.server.items()}
        group.watched = time.monotonic() - group.began
        yield group
        assert group.vm.running() and "panic" not in group.vm.output()
    finally:
        group.close()


def test_nothing_wrong_is_believed(bad):
    assert bad.leaps == {(3, 0)}, bad.said(r"clock set from.*")
    # One that is too far away has been heard, but is not followed.
    far = bad.address.get("distance over 3 s")
    heard = set(bad.said(r"\] reachable ([0-9.]+)"))
    assert heard == ({far} if far else set()), bad.vm.output()
    assert not bad.said(r"clock set.*")


def test_kisses_that_answer_us_are_obeyed_and_no_others(bad):
    for name, count in bad.after.items():
        if name in ("DENY", "RSTR"):
            assert count == 1, name
        elif name == "RATE":
            assert 2 <= count <= 1 + bad.watched / 2
        else:
            assert 4 <= count <= bad.watched + 2, (name, count)


def test_requests_say_nothing_and_repeat_nothing(bad):
    # RFC 9109, 3; RFC 5905, 8: the transmit timestamp is a nonce.
    ports, stamps, idents = [], [], []
    for name, server in bad.server.items():
        for packet in server.asked:
            data = packet.payload
            assert data[0] == 4 << 3 | 3
            assert data[1:40] == b"\0\0\x20" + bytes(36)
            assert len(data) == (72 if name.startswith("key:") else 48)
            assert packet.tos == 0 and packet.source == lab.GUEST
            assert packet.sport >= 1024
            ports.append(packet.sport)
            stamps.append(data[40:48])
            idents.append(packet.ident)
        mine = [p.sport for p in server.asked]
        assert len(set(mine)) == len(mine), "ports of one source repeat"
    assert len(ports) > 100
    assert len(set(ports)) > len(ports) * 0.98
    assert len(set(idents)) > len(idents) * 0.98
    assert len(set(stamps)) == len(stamps)
    # Random bits: each is set about half of the time.
    for values, width in ((stamps, 64), (ports, 14), (idents, 16)):
        numbers = [int.from_bytes(v, "big") if isinstance(v, bytes) else v
                   for v in values]
        for bit in range(width):
            share = sum(n >> bit & 1 for n in numbers) / len(numbers)
            assert 0.2 < share < 0.8, (width, bit)
    # Nor do they come one after the other.
    assert sum(abs(a - b) < 64 for a, b in zip(ports, ports[1:])) < 8


def test_a_source_that_becomes_honest_is_believed(bad):
    stopped = {bad.address[n] for n in ("DENY", "RSTR") if n in bad.address}
    for name, server in bad.server.items():
        server.bend = with_mac(digest) if name.startswith("key:") else None
    rest = set(bad.address.values()) - stopped

    def reachable():
        return set(bad.said(r"\] reachable ([0-9.]+)"))
    lab.until("all of them are reachable", 30, lambda: reachable() >= rest)
    assert not reachable() & stopped
    assert bad.reply().synchronised


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    group = Group(tmp_path_factory.mktemp("good"), GOOD)
    try:
        group.vm.wait_for("boot: done", 10)
        yield group
        assert group.vm.running() and "panic" not in group.vm.output()
    finally:
        group.close()


def test_whatever_is_right_is_believed(good):
    names = {a: n for n, a in good.address.items()}

    def missing():
        heard = good.said(r"\] reachable ([0-9.]+)")
        return {n for a, n in names.items() if a not in heard}
    try:
        lab.until("all are reachable", 20, lambda: not missing())
    except AssertionError as e:
        raise AssertionError("%s\n%s" % (missing(), good.vm.output())) from e
    assert good.reply().synchronised
    assert not good.said("unusable|told to stop|falseticker")


def test_the_kiss_of_a_client_over_its_rate(tmp_path):
    # RFC 5905, 7.4: stratum 0, RATE, and the origin of the request.
    wire = frames.Wire(tmp_path)
    frames.TimeServer(wire)
    vm = lab.Gnomon(tmp_path, "address 10.0.2.15/24; server 10.0.2.2 iburst; "
                    "allow; ratelimit interval 6 burst 4 leak 4 kod 1",
                    net=wire.netdev())
    try:
        vm.wait_for("clock set from", 10)
        kisses, plain = 0, 0
        for i in range(200):
            payload = lab.request()
            packet = wire.replies({0: frames.plain(
                payload, source="10.0.2.77")})[0]
            if packet is None:
                continue
            reply = lab.Reply(packet.payload, 0, packet.came)
            assert len(packet.payload) == 48
            assert reply.origin_ts == struct.unpack("!Q", payload[40:48])[0]
            assert reply.version == 4 and reply.mode == 4
            if reply.stratum:
                plain += 1
                assert reply.poll >= 6
                continue
            kisses += 1
            assert i >= 4
            assert reply.leap == 3 and reply.reference_id == b"RATE"
        assert 40 < kisses < 160
        assert 4 <= plain < 40
        # Others are not held to it.
        assert wire.replies({0: frames.plain(lab.request())})[0]
    finally:
        vm.close()
        wire.close()


def test_unsynchronised_is_said_and_denied_is_silent(tmp_path):
    wire = frames.Wire(tmp_path)
    vm = lab.Gnomon(tmp_path, "address 10.0.2.15/24; server 10.0.2.2 iburst; "
                    "allow; deny 10.0.2.128/25; deny 203.0.113.0/24",
                    net=wire.netdev())
    try:
        vm.wait_for("boot: done", 10)
        found = wire.replies({
            "mode 3": frames.plain(lab.request(), source="10.0.2.127"),
            "mode 1": frames.plain(lab.request(mode=1)),
            "denied": frames.plain(lab.request(), source="10.0.2.128"),
            "denied, slow": frames.plain(lab.request(), source="10.0.2.129",
                                         tags=[0]),
            "denied, far": frames.plain(lab.request(),
                                        source="203.0.113.9")})
        assert {n for n, p in found.items() if p} == {"mode 3", "mode 1"}
        for packet in (found["mode 3"], found["mode 1"]):
            reply = lab.Reply(packet.payload, 0, packet.came)
            assert reply.leap == 3 and reply.stratum == 0
            assert not reply.reference_id.strip(b"\0")
            assert reply.reference_ts == 0
            assert reply.receive_ts <= reply.transmit_ts
    finally:
        vm.close()
        wire.close()
