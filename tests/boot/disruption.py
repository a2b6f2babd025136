# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of pauses, copies and restores share."""

import os
import re
import socket
import threading
import time

import lab

RATE = 100  # requests a second
BATCH = 32  # so many requests at most are dropped over a disruption
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33

RTC = ["-rtc", "base=utc,clock=host"]

sleep = time.sleep


class Client(threading.Thread):
    """Asks a hundred times a second, whether it is answered or not."""

    def __init__(self, address=lab.GUEST):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # What waits for the appliance while it is stopped is not lost.
        self.socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 24)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        self.unsent = 0
        self.bounds = []  # [(came, bound)]
        self.socket.connect((address, 123))
        self.socket.settimeout(0.05)
        self.asked, self.replies = {}, []
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
                self.unsent += 1

    def listen(self):
        while self.going:
            try:
                data = self.socket.recv(2048)
            except OSError:
                continue
            came = time.time()
            asked = self.asked.get(data[24:32])
            if asked:
                reply = lab.Reply(data, asked, came)
                self.replies.append(reply)
                if reply.synchronised:
                    self.bounds.append((came, reply.bound))

    def until_served(self, since=None):
        """A synchronised reply to what was asked from now on; s until then."""
        since = since or time.time()
        return lab.until("service again", 10, lambda: next((
            r.came - since for r in list(self.replies)
            if r.asked > since and r.synchronised), None), 0.02)

    def bound(self, moment):
        """How far off the appliance said that it might be, then."""
        return max((b for came, b in self.bounds
                    if abs(came - moment) < 0.1), default=0.02)

    def take(self):
        """The replies so far, which are forgotten here."""
        taken, self.replies = self.replies, []
        return taken

    def served(self):
        return sum(r.synchronised for r in self.replies)

    def no_lies(self):
        """No reply, whenever it was asked for, is off by more than it says."""
        self.stop()
        assert len(self.replies) > 10
        judge(self.replies)


def judge(replies):
    """None of them is off by more than it says, whenever it was asked for."""
    served = [r for r in replies if r.synchronised]
    lies = ["%+.6f s, bound %.6f, delay %.6f" % (r.offset, r.bound, r.delay)
            for r in served if abs(r.offset) > r.bound + r.delay / 2]
    assert not lies, lies[:10]
    # A late reply's delay excuses nothing: it was right when it was made.
    wrong = [(r.asked, r.receive, r.transmit, r.came, r.bound)
             for r in served if not (
                 r.asked - r.bound <= r.receive <= r.transmit and
                 r.transmit <= r.came + r.bound)]
    assert not wrong, wrong[:10]


def patient(link):
    """What is sent to the appliance waits for it, in order."""
    lab.run("ip", "link", "set", link.name, "txqueuelen", "5000")
    lab.run("ip", "neigh", "replace", lab.GUEST, "lladdr", lab.GUEST_MAC,
            "nud", "permanent", "dev", link.name)


def served(boot, link, options, **more):
    """An appliance that serves time."""
    patient(link)
    more.setdefault("extra", RTC)
    vm = boot(options, net=link.netdev(), **more)
    lab.ask_until(lambda r: r.synchronised, 20)
    time.sleep(2.5)  # the RTC's second has turned
    return vm


class Gap:
    """A time in which the appliance's clock did not run: how long at least and
    at most, and since when it runs again, by the host's clock.  Questions of
    the last `queues` s wait for it."""

    def __init__(self, stopped, going, queues=0):
        self.least = going[0] - stopped[1]
        self.most = going[1] - stopped[0]
        self.stopped = stopped
        self.since = going[0]
        self.queues = queues


def pause(vm, seconds):
    began = time.time()
    vm.qmp("stop")
    ended = time.time()
    time.sleep(seconds)
    on = time.time()
    vm.qmp("cont")
    return Gap((began, ended), (on, time.time()), seconds)


def audit(vm):
    """Its audit lines: [(signs, s that the clock was behind, s withheld)]."""
    return [(signs, float(away) * (1 if way == "behind" else -1), float(held))
            for signs, away, way, held in re.findall(
                r"audit: disruption noticed by (.*): the clock was ([\d.]+) s "
                r"(\w+), service was withheld for ([\d.]+) s\n", vm.output())]


def audited(vm, sign, gap, slack, told=0):
    """The audit line after `told` others: the sign, how far the clock was out,
    and how long service was withheld, which it returns."""
    lines = lab.until("an audit line", 10, lambda: audit(vm)[told:])
    assert len(lines) == 1, lines
    signs, away, held = lines[0]
    assert sign in signs, lines
    # It was measured while service was withheld: half a delay may be missing.
    assert gap.least - slack - held / 2 <= away <= (
        gap.most + slack + held / 2), (lines, gap.least, gap.most)
    assert held < 3, lines
    return held


def recovered(client, vm, gap, sign, told=0):
    """Service is back, nothing wrong was said, and the audit line says what
    happened, after `told` others."""
    slack = 0.02 + client.bound(gap.stopped[0])
    back = client.until_served(gap.since)
    time.sleep(0.2)
    replies = client.take()
    judge(replies)
    if gap.queues:  # what was asked meanwhile is answered, late
        times = gap.since - gap.queues, gap.since
        asked = sum(times[0] < t < times[1] for t in client.asked.values())
        answered = sum(times[0] < r.asked < times[1] for r in replies)
        assert answered >= asked - BATCH - 5, (
            answered, asked, client.unsent, times)
    # What had been answered before it stopped may still have been on its way.
    after = [r for r in replies if r.came > gap.since and
             r.asked > gap.stopped[1]]
    held = audited(vm, sign, gap, slack, told)
    first = min(r.came for r in after if r.synchronised)
    assert held <= first - gap.since + slack, (held, first - gap.since)
    withheld = [r for r in after if not r.synchronised]
    if withheld:  # from the first such answer to the last such question
        assert held >= max(r.asked for r in withheld) - min(
            r.came for r in withheld) - slack, held
    return back


class Snapshots:
    """An appliance that is taken back to an earlier moment."""

    def __init__(self, boot, link, options, folder, extra=(), **more):
        disk = os.path.join(str(folder), "snapshots.qcow2")
        lab.run(lab.peer("qemu-img"), "create", "-f", "qcow2", disk, "64M")
        self.boot, self.link, self.options, self.more = (
            boot, link, options, more)
        self.extra = [*RTC, *extra, "-drive",
                      "if=none,id=d0,format=qcow2,file=" + disk]
        self.vm = served(boot, link, options, extra=self.extra, **more)
        self.saved = self.gap = None

    def save(self):
        """It takes a pause of its own, too short to be noticed, and by which
        the appliance would be wrong: it stays stopped until it is taken
        back."""
        began = time.time()
        self.vm.qmp("stop")
        self.saved = began, time.time()
        monitor(self.vm, "savevm one")
        self.gap = Gap(self.saved, (time.time(), time.time()))

    def back(self, wait=0):
        """QEMU does not let a counter go back: what is missing is the sum of
        all pauses since."""
        began = time.time()
        self.vm.qmp("stop")
        ended = time.time()
        time.sleep(wait)
        monitor(self.vm, "loadvm one")
        on = time.time()
        self.vm.qmp("cont")
        gap = Gap((began, ended), (on, time.time()), on - began)
        gap.least += self.gap.least
        gap.most += self.gap.most + 0.05
        self.gap = gap
        return gap

    def restart(self, wait=0):
        """In another QEMU it does."""
        self.vm.qmp("quit")
        self.vm.process.wait(10)
        self.vm = self.boot(self.options, net=self.link.netdev(), extra=[
            *self.extra, "-loadvm", "one", "-S"], **self.more)
        self.vm.qmp("query-status")
        time.sleep(wait)
        on = time.time()
        self.vm.qmp("cont")
        return Gap(self.saved, (on, time.time()), wait)


def monitor(vm, line):
    answer = vm.qmp("human-monitor-command", **{"command-line": line})
    assert not answer.strip(), answer


MARKER = ["-device", "vmclock"]


def generation(number):
    return ["-device",
            "vmgenid,guid=00000000-0000-4000-8000-%012d" % number]


class Copies:
    """An appliance that is written to a file, and started from it."""

    def __init__(self, boot, link, options, extra=(), rtc=RTC, **more):
        self.boot, self.link, self.options = boot, link, options
        self.more, self.rtc = more, rtc
        self.vm = served(boot, link, options, extra=[*rtc, *extra], **more)
        self.file = self.vm.console + ".migration"
        self.saved = self.gap = None

    def save(self):
        """It is over with it then."""
        began = time.time()
        self.vm.qmp("migrate", uri="file:" + self.file)
        lab.until("saved", 20, lambda: self.vm.qmp(
            "query-migrate").get("status") == "completed", 0.01)
        self.saved = began, time.time()
        self.vm.qmp("quit")
        self.vm.process.wait(10)

    def start(self, extra=(), wait=0):
        """Start it again; `wait`: with its link up, before it runs."""
        self.vm = self.boot(self.options, net=self.link.netdev(), extra=[
            *self.rtc, *extra, "-incoming", "defer"], **self.more)
        self.vm.qmp("query-status")
        time.sleep(wait)
        began = time.time()
        self.vm.qmp("migrate-incoming", uri="file:" + self.file)
        lab.until("running", 10, lambda: self.vm.qmp(
            "query-status")["status"] == "running", 0.01)
        self.gap = Gap(self.saved, (began, time.time()), wait)
        return self.vm


class Wire(threading.Thread):
    """Every IPv4 packet that the appliance sends: [(protocol, payload)]."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
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

    def requests(self):
        """Its own, to servers."""
        return [p[8:] for protocol, p in list(self.packets)
                if protocol == 17 and p[2:4] == b"\0\x7b" and len(p) >= 56
                and p[8] & 7 == 3]

    def questions(self):
        """The transmit timestamps of its own requests."""
        return [request[40:48] for request in self.requests()]

    def segments(self, own=None, to=()):
        """TCP from that port of its own, or to others' ports."""
        return [p for protocol, p in list(self.packets) if protocol == 6 and (
            int.from_bytes(p[0:2], "big") == own or
            int.from_bytes(p[2:4], "big") in to)]
