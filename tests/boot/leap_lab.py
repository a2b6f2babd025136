# SPDX-License-Identifier: BSD-2-Clause
"""A server at a faked date, and what an appliance that follows it serves."""

import calendar
import select
import socket
import time

import lab

ADDRESS = "address 10.0.2.15/24; allow; "
FAST = "server 10.0.2.2 iburst minpoll 0 maxpoll 0; "
SMEAR = "leapsecmode slew; smoothtime 400 0.001024 leaponly; "
SMEAR_SECONDS = 62500
LIST = "leapseclist leaps.list; "
NEAR = 0.1  # s: far less than a leap second, more than a busy host is off
GAP = 0.01  # s from request to request
TINY = 2e-6  # s, that a float tells apart in our days


def unix(*date):
    return calendar.timegm((*date, 0, 0, 0)[:6])


def rtc(date):
    return ("-rtc", "base=" + time.strftime(
        "%Y-%m-%dT%H:%M:%S", time.gmtime(date)))


def leap_list(tmp_path, midnight, step):
    """An archive with a list that ends with that leap second."""
    def line(date, tai):
        return "%d %d\n" % (date + lab.NTP_UNIX, tai)
    text = "".join([
        "#$ %d\n" % (unix(2026, 7, 1) + lab.NTP_UNIX),
        "#@ %d\n" % (midnight + 400 * 86400 + lab.NTP_UNIX),
        line(unix(2017, 1, 1), 37), line(midnight, 37 + step)])
    return lab.archive(tmp_path / "leaps.cpio", {"leaps.list": text.encode()})


class Faked(lab.Upstream):
    """A server whose clock shows `date` at its start, s since 1970, in time
    without leap seconds; UTC leaves that at `midnight`, where 1 is inserted, -1
    deleted.  It need not tell."""

    def __init__(self, address, date, step=0, midnight=0, tells=True, **more):
        self.step, self.midnight, self.tells = step, midnight, tells
        super().__init__(address, offset=date - time.time(), **more)

    def unleapt(self):
        return time.time() + self.offset

    def utc_at(self, now):
        """And the leap indicator that goes with it."""
        if not self.step or now < self.midnight - (self.step < 0):
            return now, {1: 1, -1: 2, 0: 0}[self.step]
        return now - self.step, int(now < self.midnight + self.step)

    def smeared_at(self, now):
        age = now - self.midnight + (self.step < 0)
        utc, _ = self.utc_at(now)
        return utc + (self.step * smeared(age) if age >= 0 else 0), 0

    def now(self):
        utc, leap = self.utc_at(self.unleapt())
        self.leap = leap if self.tells else 0
        return int((utc + lab.NTP_UNIX) * 2**32) % 2**64


def smeared(age):
    """What is left of a second, along chrony's curve for SMEAR."""
    left = SMEAR_SECONDS - age
    if left <= SMEAR_SECONDS / 2:
        return 1.024e-9 * max(left, 0) ** 2 / 2
    return 1 - 1.024e-9 * max(age, 0) ** 2 / 2


def starter(boot, link, things):
    """start(date, configuration) starts an appliance and its server then, in
    place of those before."""
    before = []

    def start(date, append="", initrd=None, **more):
        while before:
            before.pop().close()
        server = Faked("10.0.2.2", date, **more)
        things.append(server)
        vm = boot(ADDRESS + FAST + append, net=link.netdev(),
                  extra=rtc(date), initrd=initrd)
        before.extend((vm, server))
        lab.ask_until(lambda r: r.synchronised, 20)
        return vm, server
    return start


def watch(server, until):
    """All replies to a request each GAP, until `until` s after the midnight of
    the server's leap second."""
    replies, asked = [], {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((lab.GUEST, 123))
        due = time.time()
        while server.unleapt() < server.midnight + until:
            if time.time() >= due:
                packet = lab.request()
                asked[packet[40:48]] = time.time()
                s.send(packet)
                due += GAP
            while select.select(
                    [s], [], [], max(0, min(due - time.time(), GAP)))[0]:
                data = s.recv(2048)
                came = time.time()
                if data[24:32] in asked:
                    replies.append(
                        lab.Reply(data, asked.pop(data[24:32]), came))
    return replies


def difference(served, true):
    return (served - true + 2**31) % 2**32 - 2**31


def off_by(served, begin, end, truth, server):
    """How far it is from all that is true from `begin` to `end`, s."""
    def at(host):
        return truth(host + server.offset)[0]
    edges = [server.midnight - server.offset + e for e in (-1, 0, 1)]
    times = [begin, *[e for e in edges if begin < e < end], end]
    best = 1e9
    for low, high in zip(times, times[1:]):
        early = difference(served, at(low + TINY))
        late = difference(served, at(high - TINY))
        best = min(best, max(-early, late, 0))
    return best


def check(replies, server, truth):
    """At a moment that is off by no more than its bound from when it was under
    way, each is right, and so is its leap indicator."""
    for r in replies:
        since = r.asked + server.offset - server.midnight
        begin, end = r.asked - r.bound, r.came + r.bound
        assert r.synchronised, since
        for served in (r.receive, r.transmit):
            wrong = off_by(served, begin, end, truth, server)
            assert wrong < 1e-5, "%+.3f s: off by %.6f s past its %.6f s" % (
                since, wrong, r.bound)
        assert r.leap in {truth(at + server.offset)[1]
                          for at in (begin, end)}, since


def follower(link, tmp_path, things, server):
    """A chronyd that follows the appliance; its clock, and its log."""
    clock = lab.PrivateClock(tmp_path, server.offset + 0.25)
    path = tmp_path / "follower"
    path.mkdir(mode=0o750)
    (path / "chrony.conf").write_text("\n".join([
        "user root", "cmdport 0", "bindcmdaddress /", "pidfile %s/pid" % path,
        "logdir %s" % path, "log tracking", "makestep 0.1 2",
        "leapsecmode step",
        "server 10.0.2.15 iburst minpoll 0 maxpoll 0", ""]))
    things.append(link.host(7).process(
        [*clock.words, lab.peer("chronyd"), "-d", "-f",
         str(path / "chrony.conf")], path / "log"))
    return clock, path / "tracking.log"


def announced(log):
    """The leap status after each update, as chronyd logs it."""
    return [line.split()[7] for line in log.read_text().splitlines()
            if line[:2] == "20"]


def asked_once(host, tmp_path, things, server):
    """What `chronyd -Q` finds: served time minus that without leap seconds."""
    clock = lab.PrivateClock(tmp_path, server.offset, name="once")
    once = host.process(
        [*clock.words, lab.peer("chronyd"), "-Q", "-f", "/dev/null",
         "user root", "server 10.0.2.15 iburst maxsamples 1"],
        tmp_path / "once.log")
    things.append(once)
    found = once.wait_for(r"System clock wrong by (-?[\d.]+) seconds", 20)
    return float(found[1])
