# SPDX-License-Identifier: BSD-2-Clause
"""What is tried for seconds in tests/boot and for minutes in tests/soak."""

import os
import re
import statistics
import struct
import time

import pytest

import frames
import hostile
import lab

STATIC = "address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; allow"
PHI = 15e-6  # RFC 5905: how much the error may grow each second
TICK = 2**-16  # s, what root dispersion is told in


def synchronised(reply):
    return reply.synchronised


def not_rebooted(vm):
    text = vm.output()
    assert vm.running(), text
    assert "panic" not in text, text
    assert len(re.findall(r"\] gnomon [0-9a-f]", text)) == 1, text


def right(reply):
    """What it says is true within what it says of its error."""
    assert reply.synchronised
    assert abs(reply.offset) < reply.bound + reply.delay / 2, (
        reply.offset, reply.bound, reply.delay)


# The `logstats` lines.

def stats(vm):
    """The newest ones, as {word: number}."""
    def whole():
        return re.findall(r"\] stats (.*)\n(?:.*\] slow .*\n)?"
                          r".*\] pools (.*)\n", vm.output())
    count = len(whole())
    lab.until("a new line of statistics", 10, lambda: len(whole()) > count)
    return {k: int(v) for k, v in re.findall(
        r"([A-Za-z0-9_]+)=(\d+)", " ".join(whole()[-1]))}


def answered_each_second(vm):
    """How many requests, from one line to the next."""
    lines = [(int(at), int(count)) for at, count in re.findall(
        r"\[ *(\d+) us\] stats received=\d+ answered=(\d+)", vm.output())]
    return [(later - count) / (at_later - at) * 1e6
            for (at, count), (at_later, later) in zip(lines, lines[1:])]


def balanced(numbers):
    """received = answered + the sum of all other verdicts"""
    with open(os.path.join(lab.ROOT, "ntp", "verdict.h"),
              encoding="ascii") as f:
        words = re.findall(r'X\(NTP_\w+,\s*"(\w+)"', f.read())
    assert len(words) > 10
    return numbers["received"] == sum(numbers[w] for w in words)


def marks(numbers):
    """How full the pools have ever been."""
    return {k: v for k, v in numbers.items() if k.endswith("_max")}


# Packets.

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


def fill(tap):
    """What may wait, waits: datagrams for their other fragments, and errors
    about those that had to give way for where their senders are.  Pools are
    then as full as they get."""
    data = frames.udp(bytes(1000))
    with hostile.wire(tap) as s:
        for i in range(1000):
            sender = 100 + i % 100
            s.send(frames.ethernet(frames.ipv4(
                data, source="10.0.2.%d" % sender, fragment=0x2000, ident=i),
                                   frames.IPV4))
            s.send(frames.ethernet(frames.ipv6(
                struct.pack("!BBHI", frames.UDP, 0, 1, i) + data, 44,
                source="fd00:2::%x" % (0x1000 + sender)), frames.IPV6))
            if i % 8 == 0:
                time.sleep(0.002)


def mutated(boot, link, count):
    """Packets of which a few bytes are wrong: each is answered or has a
    reason, and the second time needs no more memory than the first."""
    vm = boot(STATIC + "; server 10.0.2.2 iburst minpoll 2 maxpoll 3; "
              "logstats 1", net=link.netdev())
    lab.ask_until(synchronised, 20)
    # The first runs meet all that can happen; the marks must not rise after
    # that.
    lab.ask_until(synchronised, 10, address=lab.GUEST6)
    fill(link)
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    storm(link, seed + 1, count)
    storm(link, seed, count)
    time.sleep(1)
    first = stats(vm)
    assert balanced(first), first
    storm(link, seed, count)
    time.sleep(1)
    second = stats(vm)
    assert balanced(second), second
    assert second["received"] > first["received"] + count / 2
    assert marks(first)
    assert marks(first) == marks(second), (marks(first), marks(second))
    assert lab.ask().synchronised
    not_rebooted(vm)


def flood(boot, lan, tmp_path, things, seconds, rate=250000):
    """Far more requests than can be answered.  Meanwhile a lease is due to be
    renewed, sources are to be asked, and another machine looks for us."""
    generator = os.path.join(lab.BUILD, "host", "loadgen")
    lease = int(seconds * 1.7)
    server = lab.udhcpd(tmp_path, lease, interface="br0")
    if not server or not os.access(generator, os.X_OK):
        pytest.skip("no busybox or no load generator on this machine")
    things.append(server)
    # Upstream has a link of its own to the bridge, as it would.
    other = lan.host(7)
    vm = boot("server 10.0.2.2 iburst minpoll 2 maxpoll 2; allow; logstats 1",
              net=lan.netdev())
    lab.ask_until(synchronised, 20)
    before = stats(vm)
    load = lab.Process(
        [generator, "load", "--udp", "10.0.2.15:123", "--nsock", "64",
         "--rate", str(rate), "--warmup", "0", "--duration", str(seconds)],
        str(tmp_path / "loadgen.log"))
    things.append(load)
    with other.inside():
        # One in so many gets through, by chance.
        lab.ask_until(synchronised, seconds + 20)
        found = load.running()
    until = time.monotonic() + seconds + 60
    while load.running() and time.monotonic() < until:
        assert vm.running(), vm.output()
        time.sleep(0.2)
    ended = time.time()
    assert found, "found only when the flood was over"

    after = stats(vm)
    rates = answered_each_second(vm)
    busy = sorted(rates)[-max(3, int(seconds) - 2):]
    print(load.output(), "answered each second:", [round(r) for r in rates])
    assert balanced(after)
    assert after["answered"] - before["answered"] > 2000 * seconds
    offered = int(re.search(r"sent=(\d+)", load.output()).group(1))
    assert offered > 2 * (after["answered"] - before["answered"]), \
        "the load was no flood"
    # Whatever else the host is busy with, it never collapses.
    assert busy[0] > statistics.median(busy) / 4, rates

    right(lab.ask_until(lambda r: (
        r.synchronised and r.reference > ended), 30))
    acks = len(re.findall("(?i)sending ack", server.output()))
    lab.until("another lease", lease, lambda: len(re.findall(
        "(?i)sending ack", server.output())) >= max(2, acks))
    assert "is gone" not in vm.output()
    not_rebooted(vm)


# Time.

def pause(boot, link, seconds):
    """The whole machine is stopped, and goes on."""
    vm = boot(STATIC + "; server 10.0.2.2 iburst minpoll 2 maxpoll 3; "
              "makestep 1 -1", net=link.netdev())
    lab.ask_until(synchronised, 20)
    vm.qmp("stop")
    time.sleep(seconds)
    vm.qmp("cont")
    lab.ask_until(lambda r: r.synchronised and abs(r.offset) < 0.1, 60)
    right(lab.best_offset())
    not_rebooted(vm)


def liar(boot, link, things):
    """One of three is 10 s off, and answers before the others do."""
    for address in ("10.0.2.3/24", "10.0.2.4/24"):
        link.add(address)
    opened = [lab.Upstream("10.0.2.4", offset=10.0),
              lab.Upstream("10.0.2.2", wait=0.02),
              lab.Upstream("10.0.2.3", wait=0.02)]
    things.extend(opened)
    vm = boot(STATIC + "; server 10.0.2.4 iburst; server 10.0.2.2 iburst; "
              "server 10.0.2.3 iburst", net=link.netdev())
    reply = lab.ask_until(synchronised, 20)
    assert abs(reply.offset) < 1
    vm.wait_for(r"falseticker 10\.0\.2\.4", 30)
    assert not re.search(r"falseticker 10\.0\.2\.[23]", vm.output())
    reply = lab.ask()
    assert reply.synchronised and abs(reply.offset) < 0.1
    assert reply.reference_id != bytes([10, 0, 2, 4])
    vm.close()
    for server in opened:
        server.close()


def holdover(boot, link, upstream, tmp_path, things, seconds):
    """Without its server it goes on, and says how much less it knows."""
    vm = boot(STATIC + "; server 10.0.2.2 iburst minpoll 2 maxpoll 2",
              net=link.netdev())
    lab.ask_until(synchronised, 20)
    lab.ask_until(lambda r: r.root_dispersion < 0.01, 30)
    time.sleep(8)
    upstream.close()
    time.sleep(0.2)
    first = last = lab.ask()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        reply = lab.ask()
        right(reply)
        assert reply.stratum == 2
        assert reply.root_dispersion >= last.root_dispersion
        last = reply
    passed = last.transmit - first.transmit
    grown = last.root_dispersion - first.root_dispersion
    print("root dispersion grows by %.1f ppm" % (grown / passed * 1e6))
    assert grown >= PHI * passed - TICK
    # The error of the frequency, and of a counter like QEMU's, comes to it.
    assert grown <= 10 * PHI * passed + TICK
    things.append(lab.honest(tmp_path))
    # The first answers of a busy host may tell less than was known before.
    back = lab.ask_until(lambda r: r.reference_ts > last.reference_ts and
                         r.root_dispersion < 0.01, 30)
    right(back)
    assert not re.search("stepped", vm.output())


def accuracy(boot, link, seconds):
    """So long after its start it is within 300 us of its upstream, or twice
    that where the machine that tests is busy with other things."""
    vm = boot(STATIC + "; server 10.0.2.2 iburst minpoll 2 maxpoll 4",
              net=link.netdev())
    lab.ask_until(synchronised, 20)
    time.sleep(max(0, seconds - (time.monotonic_ns() - vm.started) / 1e9))
    offsets = [lab.best_offset(count=8).offset for _ in range(10)]
    limit = 300e-6 if lab.busy() < 0.2 else 600e-6
    print("offsets", ["%.0f us" % (o * 1e6) for o in offsets], limit)
    assert abs(statistics.median(offsets)) < limit, offsets


def idle(boot, link, seconds):
    """One percent of a core while nobody asks."""
    vm = boot(STATIC + "; server 10.0.2.2 iburst", net=link.netdev())
    lab.ask_until(synchronised, 20)
    # What is done only once: the counter is measured ever better.
    vm.wait_for(r"counter: using \w+: \d+ Hz \+- 0\.\d+ ppm", 60)
    time.sleep(7)
    # Where the machine that tests is busy with other things, once of three.
    for _ in range(3):
        before = vm.cpu_seconds()
        time.sleep(seconds)
        used = (vm.cpu_seconds() - before) / seconds
        print("idle: %.2f %% of a core" % (100 * used))
        if used <= 0.01:
            return
    raise AssertionError("never idle enough")


def boots(boot, link, machine, cpu, count):
    """Each of so many boots ends with time served, and none is slow."""
    worst = 0
    for number in range(count):
        vm = boot(STATIC + "; server 10.0.2.2 iburst", net=link.netdev(),
                  machine=machine, cpu=cpu)
        try:
            right(lab.ask_until(lambda r: r.synchronised and r.stratum == 2,
                                20))
        except AssertionError as e:
            raise AssertionError("boot %d: %s\n%s" % (
                number, e, vm.output())) from e
        worst = max(worst, (time.monotonic_ns() - vm.started) / 1e9)
        not_rebooted(vm)
        vm.close()
    print("%d boots of %s with %s, the slowest %.1f s" % (
        count, machine, cpu, worst))
