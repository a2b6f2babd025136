# SPDX-License-Identifier: BSD-2-Clause
"""What NTS is put through for seconds in tests/boot and for minutes in
tests/soak; good clients are served meanwhile, and nothing is used up."""

import os
import re
import select
import socket
import struct
import threading
import time

import frames
import lab
import tls_hello
from nts_lab import nts

SLOW = 100
HALF_OPEN = 500


def stats(vm):
    """The newest lines of statistics, as {line: {word: number}}."""
    def whole():
        return re.findall(r"\] (pools|nts-ke|tls) (.*)\n(?=.*\n)", vm.output())
    count = len(whole())
    lab.until("new lines of statistics", 10,
              lambda: len(whole()) >= count + 6)
    return {name: {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", text)}
            for name, text in whole()}


# It is chance what was to be sent at the same time.
COARSE = {"heap_max": 4096, "TCP_SEG_max": 16}


def marks(numbers):
    """How full anything has ever been."""
    return {(name, k): -(-v // COARSE.get(k, 1))
            for name, line in numbers.items()
            for k, v in line.items() if k.endswith("_max")}


def nothing_left(vm):
    """Every session is free again."""
    lab.until("all sessions to be free", 40, lambda: (
        lambda n: n["tls"]["sessions"] == 0 and n["nts-ke"]["open"] == 0)(
            stats(vm)), 0)


def establish_slowly(pause):
    """As somebody does who is far away."""
    with nts.Session(lab.GUEST, limit=10) as s:
        s.handshake()
        time.sleep(pause)
        s.send(nts.request())
        return nts.keys_of(s, s.read()[0])


class Good(threading.Thread):
    """A client that does everything right, again and again."""

    def __init__(self, host, gap=0.2, pause=0.0):
        super().__init__(daemon=True)
        self.host, self.gap, self.pause = host, gap, pause
        self.going, self.times, self.failures = True, [], []
        self.start()

    def run(self):
        with self.host.inside():
            while self.going:
                began = time.monotonic()
                try:
                    keys = establish_slowly(self.pause)
                    nts.exchange(keys, lab.GUEST)
                    self.times.append(time.monotonic() - began)
                except (OSError, nts.SSL.Error, nts.Failed) as e:
                    self.failures.append((time.monotonic() - began, repr(e)))
                time.sleep(self.gap)

    def stop(self):
        self.going = False
        self.join(15)
        print("good clients: %d served, %d not, the slowest %.3f s" % (
            len(self.times), len(self.failures),
            max(self.times, default=float("inf"))), self.failures[:3])
        return self


def was_served(good, least):
    """On a machine that is busy with other things, a good client too may have
    been slow, and in the way: once, or one in twenty."""
    assert len(good.times) >= least, good.failures
    assert len(good.failures) <= max(1, len(good.times) // 20), good.failures


# Those who keep us waiting.

class Slow:
    """So many connections, that each send a byte of a hello now and then."""

    def __init__(self, addresses, count=SLOW, life=None):
        self.addresses, self.life = addresses, life
        self.hello = tls_hello.Hello((tls_hello.X25519,)).records()
        self.count, self.open, self.come, self.ended = count, [], 0, 0

    def fill(self):
        while len(self.open) < self.count:
            s = socket.socket()
            s.setblocking(False)
            s.bind((self.addresses[self.come % len(self.addresses)], 0))
            self.come += 1
            s.connect_ex((lab.GUEST, nts.PORT))
            self.open.append([s, 0])

    def feed(self):
        """A byte for each; those that were closed, or have sent `life` bytes,
        come again."""
        kept = []
        for s, at in self.open:
            try:
                if at == self.life:
                    raise ConnectionAbortedError
                if select.select([s], [], [], 0)[0] and not s.recv(4096):
                    raise ConnectionResetError
                s.send(self.hello[at:at + 1])
                at = min(at + 1, len(self.hello) - 2)
            except BlockingIOError:
                pass
            except OSError:
                self.ended += 1
                s.close()
                continue
            kept.append([s, at])
        self.open = kept
        self.fill()

    def close(self):
        for s, _ in self.open:
            s.close()


def slow_clients(vm, link, seconds, addresses=1, pause=0.0, gap=0.2, **more):
    host = link.host(9, ["10.0.2.%d/24" % (100 + i) for i in range(addresses)])
    good, slow = Good(link.host(8), pause=pause), Slow(
        ["10.0.2.%d" % (100 + i) for i in range(addresses)], **more)
    end = time.monotonic() + seconds
    with host.inside():
        while time.monotonic() < end:
            slow.feed()
            time.sleep(gap)
        slow.close()
    print("slow clients: %d connections ended" % slow.ended)
    was_served(good.stop(), seconds / (2 + 2 * pause))
    assert slow.ended > 0
    nothing_left(vm)


def syn(host, sender, number):
    """The first segment of a connection that nobody will finish."""
    body = frames.ipv4(frames.tcp(
        host.address, lab.GUEST, 1024 + number % 60000, nts.PORT,
        seq=number * 7919 % 2**32), frames.TCP, host.address)
    return frames.ethernet(body, 0x0800, sender=sender)


def deaf(link, count):
    """They finish TCP's handshake, say what is no hello, and acknowledge
    nothing any more."""
    host = link.host(9)
    host.ip("route", "add", "blackhole", lab.GUEST + "/32")
    sender = re.search(r"ether (\S+)", host.ip("link", "show", "eth0").stdout)

    def segment(port, **more):
        body = frames.ipv4(frames.tcp(host.address, lab.GUEST, port, nts.PORT,
                                      **more), frames.TCP, host.address)
        return frames.ethernet(body, frames.IPV4, sender=sender.group(1))

    def invited(wire, port):
        """The sequence number that they begin with."""
        while True:
            data = wire.recv(2048)[14 + 20:]
            ports = struct.unpack("!HH", data[:4])
            if ports == (nts.PORT, port) and data[13] & frames.SYN:
                return struct.unpack("!I", data[4:8])[0]

    with host.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                      socket.htons(frames.IPV4)) as wire:
        wire.bind(("eth0", frames.IPV4))
        wire.settimeout(5)
        for port in range(20000, 20000 + count):
            wire.send(segment(port, seq=1))
            wire.send(segment(port, seq=2, ack=invited(wire, port) + 1,
                              flags=frames.ACK, payload=b"GET / HTTP/1.1"))


def half_open(vm, link, seconds, count=HALF_OPEN):
    """Answered by nobody: that host has no way back to us."""
    good, host = Good(link.host(8)), link.host(9)
    host.ip("route", "add", "blackhole", lab.GUEST + "/32")
    sender = re.search(r"ether (\S+)", host.ip("link", "show", "eth0").stdout)
    end, sent = time.monotonic() + seconds, 0
    with host.inside(), socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        while time.monotonic() < end:
            # All at once, and as many again all the time.
            for _ in range(count):
                s.send(syn(host, sender[1], sent))
                sent += 1
                if sent > count:
                    time.sleep(seconds / count)
                if time.monotonic() > end:
                    break
    print("half open: %d" % sent)
    was_served(good.stop(), seconds / 2)
    assert sent >= count
    nothing_left(vm)
    numbers = stats(vm)
    assert numbers["nts-ke"]["half_open"] > 0
    # Of 736 there is always one for somebody else.
    assert numbers["pools"]["TCP_PCB_max"] < 736


def garbage(vm, link, seconds, kinds):
    good, ended = Good(link.host(8)), 0
    end = time.monotonic() + seconds
    with link.host(9).inside():
        while time.monotonic() < end:
            for data in kinds:
                with socket.socket() as s:
                    s.settimeout(0.5)
                    try:
                        s.connect((lab.GUEST, nts.PORT))
                        s.sendall(data or os.urandom(3000))
                        s.recv(100)
                    except OSError:
                        pass
                    ended += 1
    print("garbage: %d connections" % ended)
    was_served(good.stop(), seconds / 2)
    nothing_left(vm)


def sequential(count):
    """Handshakes in a row; how many in a second."""
    tls, began = nts.context(), time.monotonic()
    for i in range(count):
        try:
            keys = nts.establish(lab.GUEST, tls=tls)
        except (OSError, nts.SSL.Error, nts.Failed) as e:
            raise AssertionError("handshake %d: %r" % (i, e)) from e
        assert len(keys.cookies) == 8
    return count / (time.monotonic() - began)


def replayed(keys, count, window=16):
    """The same request, again and again; each is answered as the first."""
    asked, unique_id = keys.request()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((lab.GUEST, 123))
        s.settimeout(0.5)
        sent = answered = in_flight = 0
        while sent < count:
            while in_flight < window and sent < count:
                s.send(asked)
                sent += 1
                in_flight += 1
            try:
                answer = s.recv(2048)
            except TimeoutError:
                in_flight = 0
                continue
            in_flight -= 1
            answered += 1
            assert len(answer) == len(asked)
        # One of all of them is looked at.
    assert len(keys.check(asked, answer, unique_id)) == 1
    return answered
