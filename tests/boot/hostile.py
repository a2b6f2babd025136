# SPDX-License-Identifier: BSD-2-Clause
"""Frames that a hostile neighbour would send, from a seed."""

import random
import socket
import struct

import lab
from frames import checksum, mac


def udp4(payload, source=lab.GATEWAY, target=lab.GUEST, sport=40000,
         dport=123, options=b"", flags=0x4000, ethertype=b"\x08\x00",
         bad_sum=False):
    """An Ethernet frame with IPv4 and UDP, checksums right."""
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    length = 8 + len(payload)
    pseudo = addresses + struct.pack("!BBH", 0, 17, length)
    udp = struct.pack("!HHHH", sport, dport, length, 0)
    total = checksum(pseudo + udp + payload) or 0xffff
    if bad_sum:
        total ^= 0x5555
    udp = struct.pack("!HHHH", sport, dport, length, total) + payload
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0,
                       20 + len(options) + len(udp), 1, flags, 64, 17, 0)
    ip = head + addresses + options
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return mac(lab.GUEST_MAC) + mac(lab.HOST_MAC) + ethertype + ip + udp


def udp6(payload, source=lab.GATEWAY6, target=lab.GUEST6, sport=40000,
         dport=123):
    addresses = (socket.inet_pton(socket.AF_INET6, source) +
                 socket.inet_pton(socket.AF_INET6, target))
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", sport, dport, length, 0) + payload
    total = checksum(addresses + struct.pack("!II", length, 17) +
                     udp) or 0xffff
    udp = udp[:6] + struct.pack("!H", total) + udp[8:]
    return (mac(lab.GUEST_MAC) + mac(lab.HOST_MAC) + b"\x86\xdd" +
            struct.pack("!IHBB", 0x60000000, length, 17, 64) +
            addresses + udp)


class Mutator:
    """Frames that were good before a few bytes changed, without end."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.good = [
            udp4(lab.request()), udp6(lab.request()),
            udp4(lab.request(version=3, mode=1)),
            udp4(lab.request() + b"\x01\x04\x00\x10" + bytes(12) + bytes(28)),
            udp4(lab.request() + bytes(20)),
            udp4(lab.request(), options=b"\x01" * 8),
            udp4(lab.request(), flags=0x2000),
            udp4(b"x" * 40, dport=53), udp4(bytes(240), sport=67, dport=68),
            mac("ff:ff:ff:ff:ff:ff") + mac(lab.HOST_MAC) + bytes.fromhex(
                "0806000108000604000102000000000202") + bytes(30),
        ]

    def frame(self):
        r = self.random
        data = bytearray(r.choice(self.good))
        for _ in range(r.randint(1, 4)):
            kind = r.random()
            if kind < 0.6:
                data[r.randrange(len(data))] = r.randrange(256)
            elif kind < 0.75:
                data = data[:r.randint(1, len(data))]
            elif kind < 0.9:
                data += r.randbytes(r.randint(1, 64))
            else:
                at = r.randrange(len(data))
                data[at:at + 4] = r.choice(
                    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
        # Bent only inside UDP, with sums put right, it reaches the parser
        # for NTP; that is where half of them should go.
        if r.random() < 0.5:
            payload = bytearray(lab.request() + r.randbytes(
                r.choice([0, 0, 4, 16, 20, 24, 28, 68, r.randint(0, 400)])))
            for _ in range(r.randint(1, 4)):
                payload[r.randrange(len(payload))] = r.randrange(256)
            payload = bytes(payload[:r.choice([len(payload), r.randint(
                0, len(payload))])])
            return (udp6 if r.random() < 0.3 else udp4)(payload)
        return bytes(data[:1514]) or b"\0"


def wire(tap):
    """A socket for whole frames on the host's end of the link."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                      socket.htons(0x0003))  # ETH_P_ALL
    s.bind((tap.name, 0))
    return s
