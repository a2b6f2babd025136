# SPDX-License-Identifier: BSD-2-Clause
"""Whole frames on the link, and small servers that are made of them."""

import socket
import struct
import time

import hostile
import lab

GUEST_MAC, HOST_MAC = hostile.mac(lab.GUEST_MAC), hostile.mac(lab.HOST_MAC)
ECHO4, ECHO6 = 8, 128


def ipv4(source, target, protocol, payload, mac=GUEST_MAC):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 64,
                       protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    head = head[:10] + struct.pack("!H", hostile.checksum(head)) + head[12:]
    return mac + HOST_MAC + b"\x08\x00" + head + payload


def ipv6(source, target, protocol, payload, hops=64, mac=GUEST_MAC):
    addresses = (socket.inet_pton(socket.AF_INET6, source) +
                 socket.inet_pton(socket.AF_INET6, target))
    return (mac + HOST_MAC + b"\x86\xdd" + struct.pack(
        "!IHBB", 0x60000000, len(payload), protocol, hops) + addresses +
            payload)


def icmp6(source, target, message, hops=255, mac=GUEST_MAC):
    pseudo = (socket.inet_pton(socket.AF_INET6, source) +
              socket.inet_pton(socket.AF_INET6, target) +
              struct.pack("!II", len(message), 58))
    total = hostile.checksum(pseudo + message)
    return ipv6(source, target, 58, message[:2] + struct.pack("!H", total) +
                message[4:], hops, mac)


def echo4(target=lab.GUEST, token=b"gnomon!!", mac=GUEST_MAC):
    message = struct.pack("!BBHHH", ECHO4, 0, 0, 1, 1) + token
    message = (message[:2] + struct.pack("!H", hostile.checksum(message)) +
               message[4:])
    return ipv4(lab.GATEWAY, target, 1, message, mac)


def echo6(target=lab.GUEST6, token=b"gnomon!!", mac=GUEST_MAC):
    return icmp6(lab.GATEWAY6, target, struct.pack(
        "!BBHHH", ECHO6, 0, 0, 1, 1) + token, mac=mac)


def arp(operation, sender_mac, sender, target, to=b"\xff" * 6):
    return (to + sender_mac + b"\x08\x06" + struct.pack(
        "!HHBBH", 1, 0x800, 6, 4, operation) + sender_mac +
            socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target))


def answer(tap, frame, wanted, limit=3.0):
    """Send a frame; the first one from the guest that is `wanted`."""
    with hostile.wire(tap) as s:
        s.settimeout(0.05)
        s.send(frame)
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                data = s.recv(2048)
            except TimeoutError:
                continue
            if data[6:12] == GUEST_MAC and wanted(data):
                return data
    return None


class Watcher(lab.Server):
    """Keeps what the guest sends; a subclass may answer it."""

    def __init__(self, tap):
        self.frames = []
        super().__init__(hostile.wire(tap))

    def serve(self, what, who):
        if what[6:12] == GUEST_MAC:
            self.frames.append(what)
            self.frame(what)

    def frame(self, data):
        pass

    def udp4(self, port):
        """(source port, IP identification, payload) of those to a port."""
        found = []
        for data in list(self.frames):
            if (data[12:15] == b"\x08\x00\x45" and data[23] == 17 and
                    data[36:38] == struct.pack("!H", port)):
                found.append((int.from_bytes(data[34:36], "big"),
                              int.from_bytes(data[18:20], "big"), data[42:]))
        return found


class Dhcp(Watcher):
    """Gives 10.0.2.50 for `lease` s, with whatever options are added."""

    def __init__(self, tap, lease, options=b"", address="10.0.2.50"):
        self.lease, self.options, self.address = lease, options, address
        self.silent = False
        self.granted = []
        self.transactions = []
        super().__init__(tap)

    def frame(self, data):
        if data[12:14] != b"\x08\x00" or data[34:38] != b"\x00\x44\x00\x43":
            return
        message = data[42:]
        kind = message[message.index(b"\x35\x01", 240) + 2]
        if self.silent or kind not in (1, 3):
            return
        self.transactions.append(message[4:8])
        if kind == 3:
            self.granted.append(time.monotonic())
        reply = (b"\x02\x01\x06\x00" + message[4:8] + bytes(8) +
                 socket.inet_aton(self.address) + bytes(8) + message[28:44] +
                 bytes(192) + b"\x63\x82\x53\x63" +
                 bytes([53, 1, 2 if kind == 1 else 5, 54, 4]) +
                 socket.inet_aton(lab.GATEWAY) + b"\x33\x04" +
                 struct.pack("!I", self.lease) + b"\x01\x04\xff\xff\xff\x00" +
                 self.options + b"\xff")
        udp = struct.pack("!HHHH", 67, 68, 8 + len(reply), 0) + reply
        self.socket.send(ipv4(lab.GATEWAY, self.address, 17, udp))


class Dns(lab.Server):
    """Answers A questions for one name with these addresses."""

    def __init__(self, addresses, name=b"\x03ntp\x04test\x00"):
        self.label, self.addresses = name, addresses
        self.asked = []
        self.silent = False
        super().__init__(lab.bound(lab.GATEWAY, 53))

    def serve(self, what, who):
        self.asked.append((who[1], what))
        if self.silent:
            return
        question = what[12:]
        ours = question.startswith(self.label)
        records = self.addresses if (
            ours and question[len(self.label):][:2] == b"\0\1") else []
        self.socket.sendto(
            what[:2] + (b"\x81\x80" if ours else b"\x81\x83") +
            struct.pack("!HHHH", 1, len(records), 0, 0) + question +
            b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" +
                     socket.inet_aton(a) for a in records), who)


def router_advertisement(flags=0x40):
    options = (b"\x03\x04\x40\xc0" + struct.pack("!III", 600, 300, 0) +
               socket.inet_pton(socket.AF_INET6, "fd00:3::") +
               b"\x01\x01" + HOST_MAC +
               b"\x05\x01\0\0" + struct.pack("!I", 1500) +
               b"\x19\x03\0\0" + struct.pack("!I", 60) +
               socket.inet_pton(socket.AF_INET6, "fd00:2::2"))
    return icmp6("fe80::2", "ff02::1", struct.pack(
        "!BBHBBHII", 134, 0, 0, 64, flags, 1800, 0, 0) + options,
                 mac=b"\x33\x33\0\0\0\1")


def tcp(port=80, flags=2):
    head = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x80, flags, 1000, 0,
                       0) + b"\x02\x04\x05\xb4\x04\x02\x01\x01"
    pseudo = (socket.inet_aton(lab.GATEWAY) + socket.inet_aton(lab.GUEST) +
              struct.pack("!BBH", 0, 6, len(head)))
    total = hostile.checksum(pseudo + head)
    return ipv4(lab.GATEWAY, lab.GUEST, 6,
                head[:16] + struct.pack("!H", total) + head[18:])


def for_lwip():
    """Frames that the fast path leaves to lwIP, all of them good."""
    udp6 = hostile.udp6(lab.request())[54:]
    solicited = b"\x33\x33\xff\0\0\x15"
    target = socket.inet_pton(socket.AF_INET6, lab.GUEST6)
    frames = [
        echo4(), echo6(), echo4(token=bytes(1400)), tcp(), tcp(flags=16),
        tcp(port=4460, flags=1), router_advertisement(),
        router_advertisement(0xc0),
        arp(1, HOST_MAC, lab.GATEWAY, lab.GUEST),
        arp(2, HOST_MAC, lab.GATEWAY, lab.GUEST, GUEST_MAC),
        icmp6(lab.GATEWAY6, "ff02::1:ff00:15", b"\x87\0\0\0\0\0\0\0" +
              target + b"\x01\x01" + HOST_MAC, mac=solicited),
        icmp6("::", "ff02::1:ff00:15", b"\x87\0\0\0\0\0\0\0" + target,
              mac=solicited),
        icmp6(lab.GATEWAY6, "ff02::1", b"\x88\0\0\0\x60\0\0\0" + target +
              b"\x02\x01" + HOST_MAC, mac=b"\x33\x33\0\0\0\1"),
        icmp6("fe80::2", "ff02::1", b"\x82\0\0\0\x03\xe8\0\0" + bytes(16),
              hops=1, mac=b"\x33\x33\0\0\0\1"),
        icmp6(lab.GATEWAY6, lab.GUEST6, b"\x02\0\0\0\0\0\5\0" + bytes(48)),
        icmp6(lab.GATEWAY6, lab.GUEST6, b"\x01\4\0\0\0\0\0\0" + bytes(48)),
        ipv4(lab.GATEWAY, lab.GUEST, 1, b"\x03\x03\xfc\xfc\0\0\0\0" +
             bytes(28)),
        # Hop-by-hop options, a routing header, destination options.
        ipv6(lab.GATEWAY6, lab.GUEST6, 0, b"\x11\0\x01\x04\0\0\0\0" + udp6),
        ipv6(lab.GATEWAY6, lab.GUEST6, 43, b"\x11\0\0\0\0\0\0\0" + udp6),
        ipv6(lab.GATEWAY6, lab.GUEST6, 60, b"\x11\0\x01\x04\0\0\0\0" + udp6),
        # Fragments: first, middle, last, one that is whole.
        ipv6(lab.GATEWAY6, lab.GUEST6, 44, b"\x11\0\0\1\0\0\0\7" +
             udp6[:24]),
        ipv6(lab.GATEWAY6, lab.GUEST6, 44, b"\x11\0\0\x19\0\0\0\7" +
             udp6[24:32]),
        ipv6(lab.GATEWAY6, lab.GUEST6, 44, b"\x11\0\0\x18\0\0\0\7" +
             udp6[24:]),
        ipv6(lab.GATEWAY6, lab.GUEST6, 44, b"\x11\0\0\0\0\0\0\7" + udp6),
        hostile.udp4(bytes(300), sport=67, dport=68),
        hostile.udp4(bytes(100), sport=53, dport=40000),
    ]
    piece = hostile.udp4(lab.request())[34:]
    for part, at, more in ((piece[:24], 0, 0x2000), (piece[24:40], 24, 0x2000),
                           (piece[40:], 40, 0)):
        frame = bytearray(ipv4(lab.GATEWAY, lab.GUEST, 17, part))
        frame[20:22] = struct.pack("!H", more | at // 8)
        frame[24:26] = b"\0\0"
        frame[24:26] = struct.pack("!H", hostile.checksum(bytes(
            frame[14:34])))
        frames.append(bytes(frame))
    return frames


def mend(frame):
    """Put the checksums right that lie where they usually do."""
    data = bytearray(frame)
    if data[12:14] == b"\x08\x00" and len(data) >= 34:
        data[24:26] = b"\0\0"
        data[24:26] = struct.pack("!H", hostile.checksum(bytes(data[14:34])))
        if data[23] == 1 and len(data) >= 38:
            data[36:38] = b"\0\0"
            data[36:38] = struct.pack("!H", hostile.checksum(bytes(
                data[34:])))
    elif data[12:14] == b"\x86\xdd" and len(data) >= 58 and data[20] == 58:
        data[56:58] = b"\0\0"
        pseudo = bytes(data[22:54]) + struct.pack("!II", len(data) - 54, 58)
        data[56:58] = struct.pack("!H", hostile.checksum(
            pseudo + bytes(data[54:])))
    return bytes(data)


def mutated(random, good):
    """One of the good frames, a few bytes changed, often mended."""
    data = bytearray(random.choice(good))
    for _ in range(random.randint(0, 4)):
        kind = random.random()
        if kind < 0.7:
            at = random.randrange(12, len(data))
            data[at] = random.choice([0, 1, 2, 8, 255, random.randrange(256)])
        elif kind < 0.85:
            data = data[:random.randint(14, len(data))]
        else:
            data = (data + random.randbytes(random.randint(1, 64)))[:1514]
    if random.random() < 0.1:
        data[12:12] = b"\x81\0\0\x05"
    elif random.random() < 0.8:
        return mend(data)
    return bytes(data)
