# SPDX-License-Identifier: BSD-2-Clause
"""Frames made by hand, and a link with nobody on it but us.

The appliance's card is joined to a socket of ours, so that no other stack
answers, pads, checks or drops anything.
"""

import collections
import ipaddress
import os
import socket
import struct
import threading
import time

import lab

GUEST, GUEST6 = lab.GUEST, lab.GUEST6
HOST, HOST6 = lab.GATEWAY, lab.GATEWAY6
HOST_LINK6 = "fe80::2"
GUEST_LINK6 = "fe80::5054:ff:fe00:f"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"

ARP, IPV4, IPV6, VLAN = 0x0806, 0x0800, 0x86dd, 0x8100
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
ECHO, ECHO6 = 8, 128
FIN, SYN, RST, ACK = 1, 2, 4, 16


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    """An address as it is on the wire."""
    return ipaddress.ip_address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo(source, target, protocol, length):
    if len(ip(source)) == 4:
        return ip(source) + ip(target) + struct.pack("!BBH", 0, protocol,
                                                     length)
    return ip(source) + ip(target) + struct.pack("!II", length, protocol)


def ethernet(payload, kind, to=lab.GUEST_MAC, sender=lab.HOST_MAC, tags=()):
    head = mac(to) + mac(sender)
    for tag in tags:
        head += struct.pack("!HH", VLAN, tag)
    return head + struct.pack("!H", kind) + payload


def udp(payload, source=HOST, target=GUEST, sport=40000, dport=123,
        length=None, total=None):
    """A UDP datagram; `total` is the checksum if it is not to be right."""
    length = 8 + len(payload) if length is None else length
    head = struct.pack("!HHHH", sport, dport, length, 0)
    if total is None:
        body = (head + payload)[:max(8, length)]
        total = checksum(pseudo(source, target, UDP, length) + body) or 0xffff
    return head[:6] + struct.pack("!H", total) + payload


def tcp(source=HOST, target=GUEST, sport=40000, dport=9, seq=1, ack=0,
        flags=SYN, payload=b""):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags,
                       4096, 0, 0)
    total = checksum(pseudo(source, target, TCP, 20 + len(payload)) + head +
                     payload)
    return head[:16] + struct.pack("!H", total) + head[18:] + payload


def ipv4(payload, protocol=UDP, source=HOST, target=GUEST, options=b"",
         fragment=0x4000, ident=1, ttl=64, tos=0, version=4, ihl=None,
         length=None, total=None):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack("!BBHHHBBH", version << 4 | ihl, tos, length, ident,
                       fragment, ttl, protocol, 0)
    head += ip(source) + ip(target) + options
    if total is None:
        total = checksum(head)
    return head[:10] + struct.pack("!H", total) + head[12:] + payload


def ipv6(payload, protocol=UDP, source=HOST6, target=GUEST6, hops=64,
         length=None, version=6):
    return struct.pack("!IHBB", version << 28,
                       len(payload) if length is None else length,
                       protocol, hops) + ip(source) + ip(target) + payload


def tagged(frame, tags):
    """The same frame with VLAN tags."""
    return frame[:12] + b"".join(
        struct.pack("!HH", VLAN, tag) for tag in tags) + frame[12:]


def is6(address):
    return ":" in address


def datagram(payload, source=HOST, target=GUEST, sport=40000, dport=123,
             to=lab.GUEST_MAC, sender=lab.HOST_MAC, tags=(), **more):
    """A whole frame: UDP over whichever IP the addresses are of."""
    inner = udp(payload, source, target, sport, dport)
    if is6(source):
        return ethernet(ipv6(inner, source=source, target=target, **more),
                        IPV6, to, sender, tags)
    return ethernet(ipv4(inner, source=source, target=target, **more),
                    IPV4, to, sender, tags)


def icmp(kind, code=0, rest=bytes(4), payload=b"", total=None):
    body = struct.pack("!BBH", kind, code, 0) + rest + payload
    total = checksum(body) if total is None else total
    return body[:2] + struct.pack("!H", total) + body[4:]


def icmp6(kind, code=0, body=b"", source=HOST6, target=GUEST6, total=None):
    message = struct.pack("!BBH", kind, code, 0) + body
    if total is None:
        total = checksum(pseudo(source, target, ICMP6, len(message)) + message)
    return message[:2] + struct.pack("!H", total) + message[4:]


def echo(ident, source=HOST, target=GUEST, to=lab.GUEST_MAC,
         sender=lab.HOST_MAC, payload=b"echo"):
    rest = struct.pack("!HH", ident, 1)
    if is6(source):
        return ethernet(ipv6(icmp6(
            ECHO6, body=rest + payload, source=source, target=target),
            ICMP6, source, target), IPV6, to, sender)
    return ethernet(ipv4(icmp(ECHO, rest=rest, payload=payload), ICMP, source,
                         target), IPV4, to, sender)


def arp(operation, sender_mac, sender, target, target_mac="00:00:00:00:00:00",
        to=BROADCAST_MAC, source=None, shape=b"\0\1\x08\0\6\4"):
    body = (shape + struct.pack("!H", operation) + mac(sender_mac) +
            ip(sender) + mac(target_mac) + ip(target))
    return ethernet(body, ARP, to, source or sender_mac)


def multicast_mac(address):
    data = ip(address)
    if len(data) == 16:
        return "33:33:" + ":".join("%02x" % b for b in data[12:])
    return "01:00:5e:%02x:%02x:%02x" % (data[1] & 127, data[2], data[3])


def solicited_node(address):
    return str(ipaddress.ip_address(
        ip("ff02::1:ff00:0")[:13] + ip(address)[13:]))


def link_option(kind, address):
    return bytes([kind, 1]) + mac(address)


def solicit(target, source=HOST6, to_ip=None, to=None, hops=255,
            options=None, sender=lab.HOST_MAC, code=0, total=None):
    """A neighbour solicitation for `target`."""
    to_ip = to_ip or solicited_node(target)
    to = to or multicast_mac(to_ip)
    if options is None:
        options = b"" if source == "::" else link_option(1, sender)
    return ethernet(ipv6(icmp6(
        135, code, bytes(4) + ip(target) + options, source, to_ip, total),
        ICMP6, source, to_ip, hops), IPV6, to, sender)


def advertise(target, link, source=None, to_ip=GUEST6, to=lab.GUEST_MAC,
              flags=0x60, hops=255, sender=None, options=None):
    """A neighbour advertisement: `target` is at `link`."""
    source = source or target
    options = link_option(2, link) if options is None else options
    return ethernet(ipv6(icmp6(
        136, 0, bytes([flags, 0, 0, 0]) + ip(target) + options,
        source, to_ip), ICMP6, source, to_ip, hops), IPV6, to, sender or link)


def prefix_option(prefix, bits=64, flags=0xc0, valid=3600, preferred=1800):
    return (struct.pack("!BBBBIII", 3, 4, bits, flags, valid, preferred, 0) +
            ip(prefix))


def router(options=b"", source=HOST_LINK6, lifetime=1800, hops=255, code=0,
           to_ip="ff02::1", sender=lab.HOST_MAC, hop_limit=64, flags=0,
           reachable=0, retrans=0, total=None):
    """A router advertisement."""
    body = struct.pack("!BBHII", hop_limit, flags, lifetime, reachable,
                       retrans)
    return ethernet(ipv6(icmp6(
        134, code, body + options, source, to_ip, total), ICMP6, source,
        to_ip, hops), IPV6, multicast_mac(to_ip), sender)


class Packet:
    """A frame that was heard, read strictly: what is wrong is in `faults`."""

    def __init__(self, data, came):
        self.data, self.came = data, came
        self.faults = []
        self.tags = []
        self.protocol = None
        self.source = self.target = None
        self.sport = self.dport = None
        self.payload = b""
        self.to = data[:6].hex(":")
        self.sender = data[6:12].hex(":")
        at = 12
        while data[at:at + 2] == b"\x81\x00":
            self.tags.append(struct.unpack("!H", data[at + 2:at + 4])[0])
            at += 4
        self.kind = struct.unpack("!H", data[at:at + 2])[0]
        self.body = data[at + 2:]
        if self.kind == IPV4:
            self.read_ipv4(self.body)
        elif self.kind == IPV6:
            self.read_ipv6(self.body)
        elif self.kind == ARP:
            self.read_arp(self.body)

    def fault(self, wrong, text):
        if wrong:
            self.faults.append(text)

    def read_arp(self, body):
        self.operation = struct.unpack("!H", body[6:8])[0]
        self.source = str(ipaddress.ip_address(body[14:18]))
        self.target = str(ipaddress.ip_address(body[24:28]))
        self.source_mac = body[8:14].hex(":")
        self.target_mac = body[18:24].hex(":")

    def read_ipv4(self, body):
        (first, self.tos, length, self.ident, self.fragment, self.hops,
         self.protocol, _) = struct.unpack("!BBHHHBBH", body[:12])
        head = 4 * (first & 15)
        self.fault(first >> 4 != 4 or head < 20, "IPv4 version or length")
        self.fault(checksum(body[:head]), "IPv4 checksum")
        self.fault(length > len(body), "IPv4 length")
        self.source = str(ipaddress.ip_address(body[12:16]))
        self.target = str(ipaddress.ip_address(body[16:20]))
        if self.fragment & 0x3fff:
            self.payload = body[head:length]
            self.protocol = "fragment"
            return
        self.options = body[20:head]
        self.read_upper(body[head:length])

    def read_ipv6(self, body):
        first, length, self.protocol, self.hops = struct.unpack(
            "!IHBB", body[:8])
        self.tos = first >> 20 & 255
        self.flow = first & 0xfffff
        self.fault(first >> 28 != 6, "IPv6 version")
        self.fault(length > len(body) - 40, "IPv6 length")
        self.source = str(ipaddress.ip_address(body[8:24]))
        self.target = str(ipaddress.ip_address(body[24:40]))
        upper = body[40:40 + length]
        if self.protocol == 0:  # hop-by-hop, of MLD
            self.protocol, upper = upper[0], upper[8 + 8 * upper[1]:]
        self.read_upper(upper)

    def read_upper(self, upper):
        self.upper = upper
        if self.protocol == UDP:
            self.sport, self.dport, length, total = struct.unpack(
                "!HHHH", upper[:8])
            self.fault(length != len(upper), "UDP length")
            self.fault(total == 0, "no UDP checksum")
            self.fault(checksum(pseudo(self.source, self.target, UDP,
                                       len(upper)) + upper), "UDP checksum")
            self.payload = upper[8:]
        elif self.protocol == TCP:
            (self.sport, self.dport, self.seq, self.ack, _,
             self.flags) = struct.unpack("!HHIIBB", upper[:14])
            self.fault(checksum(pseudo(self.source, self.target, TCP,
                                       len(upper)) + upper), "TCP checksum")
        elif self.protocol == ICMP:
            self.type, self.code = upper[0], upper[1]
            self.fault(checksum(upper), "ICMP checksum")
            self.payload = upper[4:]
        elif self.protocol == ICMP6:
            self.type, self.code = upper[0], upper[1]
            self.fault(checksum(pseudo(self.source, self.target, ICMP6,
                                       len(upper)) + upper),
                       "ICMPv6 checksum")
            self.payload = upper[4:]

    def is_reply(self):
        return (self.protocol == UDP and self.sport == 123 and
                len(self.payload) >= 48)

    def __repr__(self):
        return "<%s %s>%s %s %s>" % (
            self.protocol, self.source, self.target,
            self.upper[:4].hex() if self.protocol else hex(self.kind),
            self.payload[:64].hex())


class Wire:
    """The other end of the appliance's only link.

    `neighbours` are answered when the appliance looks for them; `services`,
    by (address, port), get each Packet sent there and say what is answered.
    """

    def __init__(self, folder):
        self.path = os.path.join(str(folder), "wire")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.heard = collections.deque()
        self.lock = threading.Lock()
        self.neighbours = {HOST: lab.HOST_MAC, HOST6: lab.HOST_MAC,
                           HOST_LINK6: lab.HOST_MAC}
        self.services = {}
        self.faults = []
        self.socket = None
        self.ident = 0
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def netdev(self):
        return "stream,id=n0,server=off,addr.type=unix,addr.path=" + self.path

    def close(self):
        for s in (self.socket, self.listener):
            if s:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()
        self.thread.join(5)

    def send(self, *frames):
        data = b"".join(struct.pack("!I", len(f)) + f for f in frames)
        with self.lock:
            self.socket.sendall(data)

    def listen(self):
        try:
            self.socket = self.listener.accept()[0]
            stream = self.socket.makefile("rb")
            while True:
                head = stream.read(4)
                if len(head) < 4:
                    return
                data = stream.read(struct.unpack("!I", head)[0])
                self.meet(Packet(data, time.time()))
        except OSError:
            return

    def meet(self, packet):
        if packet.faults:
            self.faults.append((packet.faults, packet))
        self.heard.append(packet)
        if packet.kind == ARP and packet.operation == 1:
            link = self.neighbours.get(packet.target)
            if link and packet.source != packet.target:
                self.send(tagged(arp(2, link, packet.target, packet.source,
                                     lab.GUEST_MAC, to=lab.GUEST_MAC),
                                 packet.tags))
        elif packet.protocol == ICMP6 and packet.type == 135:
            target = str(ipaddress.ip_address(packet.payload[4:20]))
            link = self.neighbours.get(target)
            if link and packet.source != "::":
                self.send(tagged(advertise(target, link, to_ip=packet.source),
                                 packet.tags))
        elif packet.protocol == UDP:
            service = self.services.get((packet.target, packet.dport))
            for frame in service(packet) if service else ():
                self.send(frame)

    def take(self):
        """All that was heard since the last time."""
        packets = []
        while self.heard:
            packets.append(self.heard.popleft())
        return packets

    def settle(self, limit=10):
        """What is heard until all that was sent before must have been met,
        at interrupt level and in the background."""
        packets = []
        end = time.monotonic() + limit
        for _ in range(2):
            self.ident = (self.ident + 1) % 0x10000
            again = 0
            while True:
                if time.monotonic() > again:
                    assert time.monotonic() < end, "no echo any more"
                    self.send(echo(self.ident, payload=b"settle"))
                    again = time.monotonic() + 1
                time.sleep(0.0005)
                packets += self.take()
                if any(p.protocol == ICMP and p.type == 0 and
                       p.payload[2:] == b"\0\1settle" and
                       p.payload[:2] == struct.pack("!H", self.ident)
                       for p in packets):
                    break
        return [p for p in packets if not (
            p.protocol == ICMP and p.payload.endswith(b"\0\1settle"))]

    def after(self, *frames):
        """What is heard of the appliance after these frames."""
        self.settle()
        self.send(*frames)
        return self.settle()

    def replies(self, requests, chunk=24):
        """{name: Packet or None} for {name: frame with a request in it}.

        Requests are told apart by their transmit timestamps; see plain().
        """
        found = {}
        names = {}
        queue = list(requests.items())
        while queue:
            part, queue = queue[:chunk], queue[chunk:]
            for name, (origin, frames) in part:
                assert origin not in names
                names[origin] = name
                found[name] = None
            for packet in self.after(*[f for _, (_, frames) in part
                                       for f in frames]):
                if not packet.is_reply():
                    continue
                name = names.get(packet.payload[24:32])
                if name is not None:
                    assert found[name] is None, "two replies to one: %r" % (
                        name,)
                    found[name] = packet
        return found


def plain(payload, frame=None, **more):
    """What Wire.replies() takes: a request, as one frame."""
    return payload[40:48], [frame if frame else datagram(payload, **more)]


class TimeServer:
    """An NTP server of the host's clock, whose replies may be bent."""

    def __init__(self, wire, address=HOST, bend=None, refid=b"TEST"):
        self.wire, self.address, self.bend = wire, address, bend
        self.refid = refid
        self.link = lab.HOST_MAC
        self.asked = []
        wire.neighbours.setdefault(address, self.link)
        wire.services[address, 123] = self.serve

    def serve(self, packet):
        """The frames of the answer to a request."""
        self.asked.append(packet)
        reply = Answer(packet, self.address, self.refid)
        if self.bend:
            frames = self.bend(reply)
            return [reply.frame()] if frames is None else frames
        return [reply.frame()]


def stamp(seconds):
    return int((seconds + lab.NTP_UNIX) * 2**32) % 2**64


class Answer:
    """A server's reply before it is written."""

    def __init__(self, packet, address, refid):
        self.packet = packet
        self.leap, self.version, self.mode = 0, 4, 4
        self.stratum, self.poll, self.precision = 1, 6, -20
        self.root_delay, self.root_dispersion = 0, 6
        self.refid = refid
        self.origin = packet.payload[40:48]
        self.receive = stamp(packet.came)
        self.reference = self.receive - 2**32
        self.transmit = None
        self.tail = b""
        self.cut = None
        self.source, self.sport = address, 123
        self.target, self.dport = packet.source, packet.sport

    def payload(self):
        transmit = stamp(time.time()) if self.transmit is None else (
            self.transmit)
        data = struct.pack(
            "!BBbbII4sQ8sQQ", self.leap << 6 | self.version << 3 | self.mode,
            self.stratum, self.poll, self.precision, self.root_delay,
            self.root_dispersion, self.refid, self.reference, self.origin,
            self.receive, transmit) + self.tail
        return data[:self.cut]

    def frame(self):
        return datagram(self.payload(), self.source, self.target, self.sport,
                        self.dport)
