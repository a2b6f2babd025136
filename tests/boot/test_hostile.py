# SPDX-License-Identifier: BSD-2-Clause
"""What a hostile network cannot do to the appliance."""

import os
import re
import time

import pytest

import hostile
import lab

APPEND = ("address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; "
          "server 10.0.2.2 iburst minpoll 2 maxpoll 3; allow; logstats 1")
MUTATED = int(os.environ.get("GNOMON_MUTATED", "20000"))


def stats(vm):
    """The newest `logstats` lines, as {word: number}."""
    def whole():
        return re.findall(r"\] stats (.*)\n(?:.*\] slow .*\n)?"
                          r".*\] pools (.*)\n", vm.output())
    count = len(whole())
    lab.until("a new line of statistics", 5, lambda: len(whole()) > count)
    return {k: int(v) for k, v in re.findall(
        r"([A-Za-z0-9_]+)=(\d+)", " ".join(whole()[-1]))}


def balanced(numbers):
    """received = answered + the sum of all other verdicts"""
    with open(os.path.join(lab.ROOT, "ntp", "verdict.h"),
              encoding="ascii") as f:
        words = re.findall(r'X\(NTP_\w+,\s*"(\w+)"', f.read())
    assert len(words) > 10
    return numbers["received"] == sum(numbers[w] for w in words)


def storm(tap, seed, count):
    mutator = hostile.Mutator(seed)
    with hostile.wire(tap) as s:
        for i in range(count):
            try:
                s.send(mutator.frame())
            except OSError:
                time.sleep(0.001)
            if i % 64 == 0:
                time.sleep(0.005)


def marks(numbers):
    return {k: v for k, v in numbers.items() if k.endswith("_max")}


@pytest.mark.slow
def test_mutated_packets_are_all_accounted_for(boot, link, upstream):
    del upstream
    vm = boot(APPEND, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    # The first run meets all that can happen, a neighbour that has to be
    # looked for included; the marks must not rise after that.
    lab.ask_until(lambda r: True, 10, address=lab.GUEST6)
    storm(link, seed + 1, MUTATED)
    storm(link, seed, MUTATED)
    time.sleep(1)
    first = stats(vm)
    assert balanced(first), first
    storm(link, seed, MUTATED)
    time.sleep(1)
    second = stats(vm)
    assert balanced(second), second
    assert second["received"] > first["received"]
    assert marks(first) and marks(first) == marks(second)
    assert lab.ask().synchronised
    assert not re.search(r"panic", vm.output())
    assert vm.running()


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
    with hostile.wire(tap) as s:
        s.settimeout(0.05)
        s.send(frame)
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                data = s.recv(2048)
            except TimeoutError:
                continue
            if origin in data and data[6:12] == hostile.mac(lab.GUEST_MAC):
                return data
    return None


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
    assert answered(link, hostile.udp4(packet), packet[40:48])


def test_options_fragments_and_vlan_tags_are_answered(boot, link, upstream):
    del upstream
    boot(APPEND, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    packet = lab.request()
    assert answered(link, hostile.udp4(packet, options=b"\x01" * 8),
                    packet[40:48], 1), "IP options"

    packet = lab.request()
    whole = hostile.udp4(packet)
    tagged = whole[:12] + b"\x81\x00\x00\x05" + whole[12:]
    reply = answered(link, tagged, packet[40:48], 1)
    assert reply, "VLAN"

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
                    1), "fragments"


@pytest.mark.slow
def test_flood_far_above_saturation(boot, link, upstream):
    del upstream
    vm = boot(APPEND, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    seconds = float(os.environ.get("GNOMON_FLOOD_S", "10"))
    before = stats(vm)
    with hostile.wire(link) as s:
        frames = [hostile.udp4(lab.request(), sport=1024 + i)
                  for i in range(512)]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for frame in frames:
                try:
                    s.send(frame)
                except OSError:
                    pass
    after = stats(vm)
    rate = (after["answered"] - before["answered"]) / seconds
    print("answered %.0f/s" % rate)
    assert rate > 1000
    assert balanced(after)
    assert vm.running() and not re.search(r"panic", vm.output())
    assert lab.ask().synchronised
    lab.ask_until(lambda r: r.synchronised and r.root_dispersion < 0.1, 20)


def test_stop_and_cont_do_not_reboot(boot, link, upstream):
    del upstream
    vm = boot(APPEND + "; makestep 1 -1", net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    vm.qmp("stop")
    time.sleep(float(os.environ.get("GNOMON_STOP_S", "5")))
    vm.qmp("cont")
    assert lab.ask_until(lambda r: True, 10)
    lab.ask_until(lambda r: r.synchronised and abs(r.offset) < 0.1, 60)
    assert len(re.findall(r"gnomon \S+ entered", vm.output())) <= 1
    assert vm.running()
