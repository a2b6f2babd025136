# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of pauses, copies and restores share."""

import os
import re
import socket
import threading
import time

import lab

RATE = 100  # requests a second

sleep = time.sleep


class Client(threading.Thread):
    """Asks a hundred times a second, whether it is answered or not."""

    def __init__(self, address=lab.GUEST):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((address, 123))
        self.socket.settimeout(0.05)
        self.asked, self.replies = {}, []
        self.resumed = None
        self.going = True
        self.listener = threading.Thread(target=self.listen, daemon=True)

    def __enter__(self):
        self.start()
        self.listener.start()
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.going:
            time.sleep(0.3)
            self.going = False
            self.join(2)
            self.listener.join(2)
            self.socket.close()

    def run(self):
        due = time.monotonic()
        while self.going:
            due += 1 / RATE
            time.sleep(max(0, due - time.monotonic()))
            mark = os.urandom(8)
            self.asked[mark] = time.time()
            try:
                self.socket.send(lab.request(transmit=mark))
            except OSError:
                pass

    def listen(self):
        while self.going:
            try:
                data = self.socket.recv(2048)
            except OSError:
                continue
            came = time.time()
            asked = self.asked.get(data[24:32])
            if asked:
                self.replies.append(lab.Reply(data, asked, came))

    def until_served(self, limit, since=None):
        """Synchronised replies to what was asked from now on."""
        since = since or time.time()
        lab.until("service again", limit, lambda: any(
            r.asked > since and r.synchronised for r in list(self.replies)),
            0.02)
        return time.time() - since

    def served(self):
        return sum(r.synchronised for r in self.replies)

    def no_lies(self):
        """No reply, whenever it was asked for, is off by more than it says."""
        self.stop()
        lies = ["%+.6f s, bound %.6f, delay %.6f" % (
            r.offset, r.bound, r.delay) for r in self.replies
            if r.synchronised and abs(r.offset) > r.bound + r.delay / 2]
        assert len(self.replies) > 10
        assert not lies, lies[:10]
        # A late reply's delay excuses nothing: it was right when it was made.
        wrong = [r for r in self.replies if r.synchronised and not (
            r.asked - r.bound - 0.001 <= r.receive and
            r.transmit <= r.came + r.bound + 0.001)]
        assert not wrong, [(r.asked, r.receive, r.transmit, r.came)
                           for r in wrong[:10]]


def served(boot, link, options, **more):
    """An appliance that serves time."""
    more.setdefault("extra", ["-rtc", "base=utc,clock=host"])
    vm = boot(options, net=link.netdev(), **more)
    lab.ask_until(lambda r: r.synchronised, 20)
    time.sleep(2.5)  # the RTC's second has turned
    return vm


def pause(vm, seconds):
    vm.qmp("stop")
    time.sleep(seconds)
    vm.qmp("cont")


def audited(vm, sign, behind, tolerance=0.3):
    """The audit line: the sign, how far the clock was out."""
    lines = vm.wait_for(r"audit: disruption.*", 5) and re.findall(
        r"audit: disruption noticed by (.*): the clock was ([\d.]+) s (\w+), "
        r"service was withheld for ([\d.]+) s", vm.output())
    signs, away, way, withheld = lines[-1]
    assert sign in signs, lines
    assert way == ("behind" if behind >= 0 else "ahead"), lines
    assert abs(float(away) - abs(behind)) < tolerance, lines
    assert float(withheld) < 3, lines
    return signs, float(away), float(withheld)


def monitor(vm, line):
    answer = vm.qmp("human-monitor-command", **{"command-line": line})
    assert not answer.strip(), answer


MARKER = ["-device", "vmclock"]


def generation(number):
    return ["-device",
            "vmgenid,guid=00000000-0000-4000-8000-%012d" % number]


class Copies:
    """An appliance that is written to a file, and started from it."""

    def __init__(self, boot, link, options, extra=(), **more):
        self.boot, self.link, self.options = boot, link, options
        self.more = more
        self.rtc = ["-rtc", "base=utc,clock=host"]
        self.vm = served(boot, link, options, extra=[*self.rtc, *extra],
                         **more)
        self.file = self.vm.console + ".migration"

    def save(self):
        """It is over with it then."""
        self.vm.qmp("migrate", uri="file:" + self.file)
        lab.until("saved", 20, lambda: self.vm.qmp(
            "query-migrate").get("status") == "completed")
        self.vm.qmp("quit")
        self.vm.process.wait(10)

    def start(self, extra=()):
        self.vm = self.boot(self.options, net=self.link.netdev(), extra=[
            *self.rtc, *extra, "-incoming", "file:" + self.file], **self.more)
        lab.until("running", 10, lambda: self.vm.qmp(
            "query-status")["status"] == "running", 0.01)
        return self.vm


class Wire(threading.Thread):
    """Every IPv4 packet that the appliance sends: [(protocol, payload)]."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(3))
        self.socket.bind((name, 0))
        self.socket.settimeout(0.05)
        self.packets = []
        self.going = True
        self.start()

    def run(self):
        mac = bytes.fromhex(lab.GUEST_MAC.replace(":", ""))
        while self.going:
            try:
                frame = self.socket.recv(4096)
            except OSError:
                continue
            if frame[6:12] == mac and frame[12:14] == b"\x08\0":
                ip = frame[14:]
                self.packets.append((ip[9], ip[ip[0] % 16 * 4:
                                               int.from_bytes(ip[2:4], "big")]))

    def close(self):
        self.going = False
        self.join(2)
        self.socket.close()

    def questions(self):
        """The transmit timestamps of its own requests."""
        return [p[48:56] for protocol, p in list(self.packets)
                if protocol == 17 and p[2:4] == b"\0\x7b" and len(p) >= 56
                and p[8] & 7 == 3]

    def segments(self, port):
        """TCP from that port of its own."""
        return [p for protocol, p in list(self.packets) if protocol == 6 and
                int.from_bytes(p[0:2], "big") == port]
