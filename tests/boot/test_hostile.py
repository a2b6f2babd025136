# SPDX-License-Identifier: BSD-2-Clause
"""What a hostile network cannot do to the appliance."""

import pytest

import hostile
import lab
import scenario
import wire

APPEND = ("address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; "
          "server 10.0.2.2 iburst minpoll 2 maxpoll 3; allow")


def test_mutated_packets_are_all_accounted_for(boot, link, upstream):
    del upstream
    scenario.mutated(boot, link, 10000)


FRAMES = {
    "broadcast frame": lambda p: b"\xff" * 6 + hostile.udp4(p)[6:],
    "multicast frame": lambda p: bytes.fromhex(
        "01005e000101") + hostile.udp4(p)[6:],
    "broadcast address": lambda p: hostile.udp4(p, target="10.0.2.255"),
    "other address": lambda p: hostile.udp4(p, target="10.0.2.99"),
    "source broadcast": lambda p: hostile.udp4(p, source="255.255.255.255"),
    "source multicast": lambda p: hostile.udp4(p, source="224.0.1.1"),
    "source unspecified": lambda p: hostile.udp4(p, source="0.0.0.0"),
    "source loopback": lambda p: hostile.udp4(p, source="127.0.0.1"),
    "source ours": lambda p: hostile.udp4(p, source=lab.GUEST),
    "source subnet broadcast": lambda p: hostile.udp4(p, source="10.0.2.255"),
    "source port 0": lambda p: hostile.udp4(p, sport=0),
    "wrong checksum": lambda p: hostile.udp4(p, bad_sum=True),
    "IPv6 without checksum": lambda p: (
        lambda f: f[:60] + b"\0\0" + f[62:])(hostile.udp6(p)),
    "IPv6 source multicast": lambda p: hostile.udp6(p, source="ff02::1"),
    "IPv6 source loopback": lambda p: hostile.udp6(p, source="::1"),
}


def answered(tap, frame, origin, limit=0.25):
    return wire.answer(tap, frame, lambda data: origin in data, limit)


def test_frames_that_are_never_answered(boot, link, upstream):
    del upstream
    boot(APPEND, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    lab.ask_until(lambda r: r.synchronised, 10, address=lab.GUEST6)
    for name, make in FRAMES.items():
        packet = lab.request()
        assert answered(link, make(packet), packet[40:48]) is None, name
    # The same way of looking does see an answer where one is due.
    packet = lab.request()
    assert answered(link, hostile.udp4(packet), packet[40:48], 3)


def test_options_fragments_and_vlan_tags_are_answered(boot, link, upstream):
    del upstream
    boot(APPEND, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    packet = lab.request()
    assert answered(link, hostile.udp4(packet, options=b"\x01" * 8),
                    packet[40:48], 3), "IP options"

    packet = lab.request()
    whole = hostile.udp4(packet)
    tagged = whole[:12] + b"\x81\x00\x00\x05" + whole[12:]
    assert answered(link, tagged, packet[40:48], 3), "VLAN"

    packet = lab.request()
    body = hostile.udp4(packet)[34:]

    def piece(data, offset, more):
        frame = hostile.udp4(b"", flags=(0x2000 if more else 0) | offset // 8)
        head = bytearray(frame[14:34])
        head[2:4] = (20 + len(data)).to_bytes(2, "big")
        head[10:12] = b"\0\0"
        head[10:12] = hostile.checksum(bytes(head)).to_bytes(2, "big")
        return frame[:14] + bytes(head) + data

    with hostile.wire(link) as s:
        s.send(piece(body[:24], 0, True))
    assert answered(link, piece(body[24:], 24, False), packet[40:48],
                    3), "fragments"


@pytest.mark.alone
def test_flood_far_above_saturation(boot, lan, tmp_path, things):
    things.append(lab.honest(tmp_path))
    scenario.flood(boot, lan, tmp_path, things, 10)


def test_stop_and_cont_do_not_reboot(boot, link, upstream):
    del upstream
    scenario.pause(boot, link, 5)
