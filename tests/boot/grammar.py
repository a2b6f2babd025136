# SPDX-License-Identifier: BSD-2-Clause
"""Frames that are right in all but a few places, made from the rules.

Where a mutation of bytes is stopped by the first checksum, these have theirs
put right, and are wrong in lengths, offsets, chains of headers and options.
"""

import random
import struct

import frames
import lab
from frames import GUEST, GUEST6, GUEST_LINK6, HOST, HOST6, HOST_LINK6

ODD = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 20, 24, 39, 40, 41, 48, 60, 63, 64,
       127, 128, 255]


class Grammar:
    """frames() without end, from a seed."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.ident = 0

    def odd(self, most=255):
        r = self.r
        if r.random() < 0.6:
            return min(r.choice(ODD), most)
        return r.randrange(most + 1)

    def noise(self, most=64):
        return self.r.randbytes(self.odd(most))

    def maybe(self, right, wrong, chance=0.15):
        return wrong() if self.r.random() < chance else right

    def address4(self):
        return self.r.choice([
            GUEST, GUEST, GUEST, "10.0.2.255", "255.255.255.255", "224.0.0.1",
            "10.0.2.99"])

    def address6(self):
        return self.r.choice([
            GUEST6, GUEST6, GUEST_LINK6, "ff02::1", "ff02::2",
            frames.solicited_node(GUEST6), "ff02::1:3", "fd00:2::99"])

    def source4(self):
        return self.r.choice([HOST, HOST, "10.0.2.77", "198.51.100.9",
                              "10.0.2.%d" % self.r.randrange(256)])

    def source6(self):
        return self.r.choice([
            HOST6, HOST6, HOST_LINK6, HOST_LINK6, "2001:db8::9", "::",
            "fe80::%x" % self.r.randrange(1, 65536)])

    def options4(self):
        r = self.r
        data = b""
        while r.random() < 0.7 and len(data) < 40:
            kind = r.choice([0, 1, 7, 68, 130, 136, 148, r.randrange(256)])
            if kind < 2:
                data += bytes([kind])
            else:
                body = r.randbytes(r.choice([0, 2, 2, 6, 9]))
                data += bytes([kind, self.maybe(len(body) + 2, self.odd)])
                data += body
        data = data[:40]
        return data + bytes(-len(data) % 4)

    # What IP carries.

    def upper(self, source, target):
        r = self.r
        six = frames.is6(source)
        kind = r.choice(["udp", "udp", "icmp", "icmp", "tcp", "noise", "nd"])
        if kind == "udp":
            payload = r.choice([lab.request(), self.noise(600), self.dhcp(),
                                lab.request() + self.noise(100)])
            return frames.UDP, frames.udp(
                payload, source, target, r.choice([123, 53, 67, 547, 40000]),
                r.choice([123, 123, 68, 546, 53, 9, r.randrange(65536)]),
                length=self.maybe(None, lambda: self.odd(2000), 0.1))
        if kind == "tcp":
            segment = bytearray(frames.tcp(
                source, target, flags=r.randrange(256),
                payload=self.noise(80)))
            segment[12] = self.maybe(segment[12], lambda: r.randrange(256))
            segment[16:18] = b"\0\0"
            segment[16:18] = struct.pack("!H", frames.checksum(
                frames.pseudo(source, target, frames.TCP, len(segment)) +
                bytes(segment)))
            return frames.TCP, bytes(segment)
        if kind == "noise":
            return r.choice([2, 6, 17, 58, 1, 41, 50, 89, 253, 255]), (
                self.noise(200))
        if not six:
            return frames.ICMP, frames.icmp(
                r.choice([0, 3, 5, 8, 8, 8, 9, 11, 12, 13, 17]), self.odd(16),
                r.randbytes(4), r.choice([self.noise(200), frames.ipv4(
                    self.noise(30), source=GUEST, target=HOST)]))
        if kind == "nd":
            return frames.ICMP6, self.discovery(source, target)
        return frames.ICMP6, frames.icmp6(
            r.choice([1, 2, 3, 4, 128, 128, 128, 129, 130, 131, 132, 143]),
            self.odd(8), r.choice([self.noise(200), bytes(4) + frames.ipv6(
                self.noise(30), source=GUEST6, target=HOST6),
                bytes(20), bytes(4) + frames.ip("ff02::1")]), source, target)

    def dhcp(self):
        r = self.r
        data = bytearray(struct.pack("!BBBB", 2, 1, 6, 0) + r.randbytes(4))
        data += bytes(8) + frames.ip("10.0.2.200") * 2 + bytes(4)
        data += frames.mac(lab.GUEST_MAC) + bytes(202) + b"\x63\x82Sc"
        while r.random() < 0.8 and len(data) < 500:
            body = r.randbytes(self.odd(40))
            data += bytes([r.choice([1, 3, 6, 42, 51, 52, 53, 54, 58, 59, 255,
                                     0, r.randrange(256)]),
                           self.maybe(len(body), self.odd)]) + body
        return bytes(data)

    def nd_option(self):
        r = self.r
        kind = r.choice([1, 2, 3, 4, 5, 24, 25, 31, r.randrange(256)])
        if kind == 3:
            body = frames.prefix_option(
                r.choice(["2001:db8:1::", "2001:db8:2::", "fe80::", "ff02::",
                          "fd00:2::", "::"]),
                r.choice([64, 64, 64, 0, 48, 128, 255]), r.randrange(256),
                r.choice([0, 1, 7200, 2**32 - 1]),
                r.choice([0, 1, 7200, 2**32 - 1]))[2:]
        elif kind == 25:
            body = r.randbytes(6) + frames.ip("2001:db8::53") * r.choice(
                [0, 1, 2, 3])
        elif kind == 5:
            body = bytes(2) + struct.pack("!I", r.choice(
                [0, 68, 1279, 1280, 1400, 1500, 9000, 2**32 - 1]))
        else:
            body = r.randbytes(r.choice([6, 6, 14, 22, 30]))
        return bytes([kind, self.maybe((len(body) + 2) // 8, self.odd, 0.05)]
                     ) + body

    def discovery(self, source, target):
        r = self.r
        kind = r.choice([133, 134, 134, 135, 136, 136, 137])
        body = r.randbytes(12) if kind == 134 else r.randbytes(
            4) + frames.ip(self.address6())
        if kind == 137:
            body += frames.ip(self.address6())
        while r.random() < 0.6:
            body += self.nd_option()
        body = self.maybe(body, lambda: body[:self.odd(len(body))], 0.05)
        return frames.icmp6(kind, self.maybe(0, self.odd, 0.03), body, source,
                            target)

    # Chains of headers, and fragments.

    def headers6(self, following, upper):
        """Extension headers before `upper`; the first one's number."""
        r = self.r
        for _ in range(r.choice([0, 0, 0, 1, 1, 2, 3, 8])):
            kind = r.choice([0, 60, 60, 43, 44, 51])
            if kind == 44:
                head = struct.pack("!BBHI", following, 0, r.choice(
                    [0, 0, 1, 8, 9, 0xfff8, r.randrange(65536)]),
                    r.randrange(4))
            else:
                body = b""
                while r.random() < 0.6:
                    data = r.randbytes(r.choice([0, 1, 2, 4, 6]))
                    body += bytes([r.choice([0, 1, 5, 0x1e, 0x5e, 0x9e, 0xde,
                                             194, 201]),
                                   self.maybe(len(data), self.odd)]) + data
                body = (bytes([0, r.choice([0, 0, 1])]) + body
                        if kind == 43 else body)
                body += bytes(-(len(body) + 2) % 8)
                head = bytes([following, self.maybe(
                    (len(body) + 2) // 8 - 1, self.odd, 0.1)]) + body
            upper, following = head + upper, kind
        return following, upper

    def cut(self, data):
        """(offset, more, piece) of fragments, in any order, some bent."""
        r = self.r
        size = 8 * r.choice([1, 2, 3, 8, 60])
        pieces = [(at, at + size < len(data), data[at:at + size])
                  for at in range(0, len(data), size)][:20]
        if r.random() < 0.4:
            r.shuffle(pieces)
        if r.random() < 0.3 and pieces:
            pieces.pop(r.randrange(len(pieces)))
        if r.random() < 0.3 and pieces:
            pieces.insert(r.randrange(len(pieces)), r.choice(pieces))
        bent = []
        for at, more, piece in pieces:
            if r.random() < 0.1:
                at = max(0, at + 8 * r.randrange(-3, 4))
            if r.random() < 0.02:
                at = r.choice([0, 8, 65528, 65520, 32768])
            if r.random() < 0.05:
                more = not more
            if r.random() < 0.05:
                piece = piece[:self.odd(len(piece))]
            bent.append((at, more, piece))
        return bent

    def packets4(self):
        r = self.r
        source, target = self.source4(), self.address4()
        protocol, upper = self.upper(source, target)
        more = {"source": source, "target": target,
                "options": self.options4() if r.random() < 0.2 else b"",
                "ttl": r.choice([1, 64, 255])}
        if r.random() < 0.25:
            upper += self.noise(200)
            self.ident = r.randrange(8)
            for at, go_on, piece in self.cut(upper):
                yield frames.ipv4(piece, protocol, ident=self.ident, fragment=(
                    at // 8 & 0x1fff) | (0x2000 if go_on else 0), **more)
            return
        yield frames.ipv4(upper, protocol, length=self.maybe(
            None, lambda: self.odd(2000), 0.05), ihl=self.maybe(
                None, lambda: r.randrange(16), 0.02), **more)

    def packets6(self):
        r = self.r
        source, target = self.source6(), self.address6()
        protocol, upper = self.upper(source, target)
        hops = r.choice([255, 255, 255, 64, 1])
        protocol, upper = self.headers6(protocol, upper)
        if r.random() < 0.25:
            upper += self.noise(200)
            ident = r.randrange(8)
            for at, go_on, piece in self.cut(upper):
                after, whole = self.headers6(44, struct.pack(
                    "!BBHI", protocol, 0, (at & 0xfff8) | go_on, ident
                ) + piece) if r.random() < 0.1 else (44, struct.pack(
                    "!BBHI", protocol, 0, (at & 0xfff8) | go_on, ident
                ) + piece)
                yield frames.ipv6(whole, after, source, target, hops)
            return
        yield frames.ipv6(upper, protocol, source, target, hops,
                          length=self.maybe(None, lambda: self.odd(2000),
                                            0.05))

    def frames(self):
        """The frames of one thought."""
        r = self.r
        six = r.random() < 0.55
        tags = r.choice([[], [], [], [0], [5], [5, 6]])
        for packet in self.packets6() if six else self.packets4():
            kind = frames.IPV6 if six else frames.IPV4
            target = packet[24:28] if six else packet[16:17]
            group = target[0] == 0xff if six else target[0] >= 224
            to = self.maybe("33:33:00:00:00:01" if group and six else
                            frames.BROADCAST_MAC if group else lab.GUEST_MAC,
                            lambda: frames.BROADCAST_MAC, 0.02)
            frame = frames.ethernet(packet, kind, to, tags=tags)
            yield self.maybe(frame, lambda: frame[:r.randrange(
                14, len(frame) + 1)], 0.02)[:1518]
        if r.random() < 0.05:
            yield frames.arp(r.choice([1, 1, 2, 3]), lab.HOST_MAC,
                             self.source4(), self.address4(),
                             to=r.choice([lab.GUEST_MAC,
                                          frames.BROADCAST_MAC]))
