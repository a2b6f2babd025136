# SPDX-License-Identifier: BSD-2-Clause
"""Leap seconds: the list, and going through one at a faked date."""

import calendar
import time

import pytest

import lab

ADDRESS = "address 10.0.2.15/24; allow; "
NEAR = 0.1  # s: far less than a leap second, more than a busy host is off
FAST = "server 10.0.2.2 iburst minpoll 0 maxpoll 0"


def unix(*date):
    return calendar.timegm((*date, 0, 0, 0)[:6])


class Faked(lab.Upstream):
    """A server whose clock shows `date` at its start, s since 1970, and that
    goes through a leap second at `midnight`: 1 is inserted, -1 deleted."""

    def __init__(self, address, date, step=0, midnight=0, **more):
        self.step, self.midnight = step, midnight
        super().__init__(address, offset=date - time.time(), **more)

    def unleapt(self):
        return time.time() + self.offset

    def utc_at(self, now):
        """And the leap indicator that goes with it."""
        if not self.step or now < self.midnight - (self.step < 0):
            return now, {1: 1, -1: 2, 0: 0}[self.step]
        return now - self.step, int(now < self.midnight + self.step)

    def now(self):
        utc, self.leap = self.utc_at(self.unleapt())
        return int((utc + lab.NTP_UNIX) * 2**32) % 2**64


def rtc(date):
    return ("-rtc", "base=" + time.strftime(
        "%Y-%m-%dT%H:%M:%S", time.gmtime(date)))


@pytest.fixture
def link(lan):
    """A bridge, so that there is room for a client."""
    return lan


@pytest.fixture
def at(boot, link, things):
    """at(date, configuration) starts an appliance and its server then, in place
    of those before."""
    before = []

    def start(date, append="", **more):
        while before:
            before.pop().close()
        server = Faked("10.0.2.2", date, **more)
        things.append(server)
        vm = boot(ADDRESS + FAST + "; " + append, net=link.netdev(),
                  extra=rtc(date))
        before.extend((vm, server))
        lab.ask_until(lambda r: r.synchronised, 20)
        return vm, server
    return start


def test_list_of_the_image_is_said_and_its_end_is_warned_of(at):
    vm, _ = at(unix(2026, 11, 22))
    found = vm.wait_for(r"leap seconds: list of the image, hash verified, "
                        r"expires (\d{4})-(\d\d)-(\d\d)$")
    expiry = unix(*map(int, found.groups()))
    assert expiry > unix(2026, 6, 1)

    vm, _ = at(expiry - 20 * 86400)
    vm.wait_for(r"WARNING: the list of leap seconds expires in (19|20) days")

    vm, _ = at(expiry + 20 * 86400)
    vm.wait_for(r"WARNING: the list of leap seconds expired (19|20) days ago")


def watch(server, seconds):
    """(s since the midnight of the server's leap second, reply, error)."""
    seen = []
    while server.unleapt() < server.midnight + seconds:
        reply = lab.ask(timeout=0.5)
        if reply:
            middle = (reply.asked + reply.came) / 2
            utc, _ = server.utc_at(middle + server.offset)
            seen.append((middle + server.offset - server.midnight, reply,
                         reply.ahead_of(utc - middle)))
        time.sleep(0.05)
    return seen


def follower(link, tmp_path, things, server):
    """A chronyd that follows the appliance; its clock, and its log."""
    clock = lab.PrivateClock(tmp_path, server.offset + 0.25)
    path = tmp_path / "follower"
    path.mkdir(mode=0o750)
    (path / "chrony.conf").write_text("\n".join([
        "user root", "cmdport 0", "bindcmdaddress /", "pidfile %s/pid" % path,
        "logdir %s" % path, "log tracking", "makestep 0.1 2",
        "server 10.0.2.15 iburst minpoll 0 maxpoll 0", ""]))
    things.append(link.host(7).process(
        [*clock.words, lab.peer("chronyd"), "-d", "-f",
         str(path / "chrony.conf")], path / "log"))
    return clock, path / "tracking.log"


def announced(log):
    """The leap status after each update, as chronyd logs it."""
    return [line.split()[7] for line in log.read_text().splitlines()
            if line[:2] == "20"]


@pytest.mark.parametrize("step, midnight", [
    (1, unix(2027, 1, 1)), (-1, unix(2027, 1, 1)), (1, unix(2040, 7, 1)),
])
def test_leap_second_is_gone_through(at, link, tmp_path, things, step,
                                     midnight):
    if not lab.peer("chronyd"):
        pytest.skip("no chronyd on this machine")
    vm, server = at(midnight - 20, step=step, midnight=midnight)
    clock, log = follower(link, tmp_path, things, server)
    kind = 1 if step > 0 else 2
    seen = watch(server, 12)
    # On the very edge the reply may be of either side.
    jump = 0 if step > 0 else -1
    for since, reply, wrong in seen:
        assert reply.synchronised
        if min(abs(since - jump), abs(since - max(step, 0))) > 0.02:
            assert reply.leap == (kind if since < max(step, jump) else 0), since
            assert abs(wrong) < NEAR + reply.delay / 2, since
    assert sum(jump < since < jump + 1 for since, *_ in seen) > 5
    assert vm.running()
    # A client that believed it took the second out of its own clock.
    lab.until("the client leapt", 10, lambda: abs(
        clock.offset() - server.offset + step) < NEAR)
    said = announced(log)
    assert {1: "+", 2: "-"}[kind] in said
    assert said[-1] == "N"
    vm.wait_for("leap second passed", 5)


def smeared(age):
    """chrony's curve for `smoothtime 100000 1000`, of 1 s."""
    half = (1 / 1e-3) ** 0.5
    if age <= half:
        return 1 - 1e-3 * max(age, 0) ** 2 / 2
    return 1e-3 * max(2 * half - age, 0) ** 2 / 2


@pytest.mark.parametrize("step", [1, -1])
def test_leap_second_is_smeared(at, link, tmp_path, things, step):
    if not lab.peer("chronyd"):
        pytest.skip("no chronyd on this machine")
    midnight = unix(2027, 1, 1)
    vm, server = at(midnight - 12,
                    "leapsecmode slew; smoothtime 100000 1000 leaponly",
                    step=step, midnight=midnight)
    clock, log = follower(link, tmp_path, things, server)
    begin = 0 if step > 0 else -1
    seen = watch(server, 75)
    for since, reply, wrong in seen:
        assert reply.synchronised and reply.leap == 0
        if abs(since - begin) > 0.02:
            expected = step * smeared(since - begin) if since > begin else 0
            assert abs(wrong - expected) < NEAR + reply.delay / 2, since
        if begin + 1 < since < begin + 55:
            assert reply.reference_id == bytes([127, 127, 1, 255])
        if not begin - 1 < since < begin + 70:
            assert reply.reference_id == bytes([10, 0, 2, 2])
    vm.wait_for("smear of the leap second is over", 5)
    # A client went along, and never leapt by itself.
    lab.until("the client is right", 20, lambda: abs(
        clock.offset() - server.offset + step) < NEAR)
    assert set(announced(log)) <= {"N", "?"}


def test_server_that_smears_among_others_is_named(at, link, things):
    date = unix(2027, 1, 1) + 3600
    for number in (3, 4):
        link.add("10.0.2.%d/24" % number)
    vm, server = at(date, "; ".join(
        "server 10.0.2.%d iburst minpoll 0 maxpoll 0" % n for n in (3, 4)))
    things.append(lab.Upstream("10.0.2.3", offset=server.offset))
    things.append(lab.Upstream("10.0.2.4", offset=server.offset + 0.3,
                               refid=bytes([127, 127, 1, 255])))
    vm.wait_for(r"WARNING: leap seconds are smeared, unlike others, by "
                r"10\.0\.2\.4$", 30)
    assert "unlike others, by 10.0.2.2" not in vm.output()
