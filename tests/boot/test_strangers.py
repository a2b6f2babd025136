# SPDX-License-Identifier: BSD-2-Clause
"""DHCP and DNS among strangers who answer first: RFC 2131, RFC 5452.

Lies come before the truth, each wrong in one way; the truth is what counts.
"""

import struct

import frames
import lab

LIAR = "10.0.2.66"
CLAIMED = "10.0.2.200"


def dhcp(packet, kind, address=lab.GUEST, server=frames.HOST, xid=None,
         mac=lab.GUEST_MAC, op=2, extra=b"",
         cut=None, sport=67, dport=68, ends=True):
    """A server's answer, broadcast."""
    asked = packet.payload
    data = struct.pack("!BBBB", op, 1, 6, 0)
    data += asked[4:8] if xid is None else xid
    data += bytes(8) + frames.ip(address) + frames.ip(server) + bytes(4)
    data += frames.mac(mac) + bytes(10 + 192) + b"\x63\x82Sc"
    data += bytes([53, 1, kind, 54, 4]) + frames.ip(server)
    data += bytes([51, 4]) + struct.pack("!I", 3600)
    data += bytes([1, 4, 255, 255, 255, 0, 3, 4]) + frames.ip(server)
    data += bytes([6, 4]) + frames.ip(server) + extra
    data += b"\xff" if ends else b""
    return frames.datagram(data[:cut], server, "255.255.255.255", sport,
                           dport, to=frames.BROADCAST_MAC)


def lies(packet, kind):
    asked = packet.payload
    wrong = bytes(b ^ 0xff for b in asked[4:8])
    more = {"address": CLAIMED, "server": LIAR}
    yield dhcp(packet, kind, xid=wrong, **more)
    yield dhcp(packet, kind, xid=bytes(4), **more)
    yield dhcp(packet, kind, mac="02:00:00:00:00:77", **more)
    yield dhcp(packet, kind, op=1, **more)
    yield dhcp(packet, kind, sport=1067, **more)
    yield dhcp(packet, kind, dport=67, **more)
    for cut in (0, 1, 4, 100, 235, 236, 239, 240):
        yield dhcp(packet, kind, cut=cut, **more)
    yield dhcp(packet, 6, xid=wrong, **more)  # a refusal
    yield dhcp(packet, 0, **more)
    yield dhcp(packet, 255, **more)
    yield dhcp(packet, kind, xid=wrong, extra=b"\x2a\xff" + bytes(8),
               ends=False, **more)


class Network:
    """Honest DHCP and DNS at HOST, after everybody who lies."""

    def __init__(self, wire):
        self.wire = wire
        self.ids, self.ports = [], []
        self.asked, self.last = [], None
        wire.services["255.255.255.255", 67] = self.on_dhcp
        wire.services[frames.HOST, 67] = self.on_dhcp
        wire.services[frames.HOST, 53] = self.on_dns

    def on_dhcp(self, packet):
        self.last = packet
        kind = packet.payload[packet.payload.index(b"\x35\x01") + 2]
        self.asked.append(kind)
        if kind not in (1, 3):
            return []
        answer = 2 if kind == 1 else 5
        return [*lies(packet, answer), dhcp(packet, answer)]

    def on_dns(self, packet):
        asked = packet.payload
        self.ids.append(struct.unpack("!H", asked[:2])[0])
        self.ports.append(packet.sport)
        kind = struct.unpack("!H", asked[-4:-2])[0]
        wrong = struct.unpack("!H", asked[:2])[0] ^ 0x5555

        def answer(address=LIAR, ident=None, flags=0x8180, question=None,
                   name=b"\xc0\x0c", source=frames.HOST, sport=53, dport=None,
                   kind=1, length=None, counts=(1, 1), cut=None, ttl=60):
            data = asked[:2] if ident is None else struct.pack("!H", ident)
            data += struct.pack("!HHHHH", flags, *counts, 0, 0)
            data += asked[12:] if question is None else question
            value = frames.ip(address)
            data += name + struct.pack("!HHIH", kind, 1, ttl, len(value)
                                       if length is None else length) + value
            return frames.datagram(data[:cut], source, lab.GUEST, sport,
                                   dport or packet.sport)

        question = bytearray(asked[12:])
        question[1] ^= 1
        yield answer(ident=wrong)
        yield answer(ident=0)
        yield answer(flags=0x0100)             # a question
        yield answer(question=bytes(question))  # another name
        yield answer(question=b"", counts=(0, 1))
        yield answer(source=LIAR)
        yield answer(sport=5353)
        yield answer(dport=packet.sport ^ 1)
        for cut in (0, 1, 11, 12, 20, 30):
            yield answer(cut=cut)
        yield answer(ident=wrong, name=b"\xc0\x0c" * 8)
        if kind == 1:
            yield answer(address=frames.HOST)
        else:
            yield answer(flags=0x8180, counts=(1, 0))


def test_lies_of_dhcp_and_dns_are_not_believed(tmp_path):
    wire = frames.Wire(tmp_path)
    network = Network(wire)
    truth = frames.TimeServer(wire)
    liar = frames.TimeServer(wire, LIAR)
    vm = lab.Gnomon(tmp_path, "server time.example.net iburst; allow",
                    net=wire.netdev())
    try:
        vm.wait_for(r"address %s/24 by DHCP" % lab.GUEST, 10)
        vm.wait_for(r"clock set from time\.example\.net", 15)
        output = vm.output()
        assert CLAIMED not in output and LIAR not in output, output
        assert truth.asked and not liar.asked
        assert network.ids and len(set(network.ids)) == len(network.ids)
        assert len(set(network.ports)) == len(network.ports)
        assert wire.replies({0: frames.plain(lab.request())})[0]
        assert not wire.faults
        # Unasked, nothing changes what is there.
        before = list(network.asked)
        for kind in (2, 5, 6):
            wire.send(*lies(network.last, kind),
                      dhcp(network.last, kind, address=CLAIMED, server=LIAR))
            wire.settle()
        for port in (53, 123, 67):
            wire.send(frames.datagram(b"\x12\x34\x81\x80" + bytes(60),
                                      sport=port, dport=network.ports[-1]))
        wire.settle()
        assert network.asked == before
        assert wire.replies({0: frames.plain(lab.request())})[0]
        assert CLAIMED not in vm.output()
        assert vm.running() and "panic" not in vm.output()
    finally:
        vm.close()
        wire.close()
