# SPDX-License-Identifier: BSD-2-Clause
"""Real daemons set a wrong clock of their own by the appliance, and serve it
as upstream.  The clock that they set is never the machine's."""

import statistics
import time

import pytest

import lab

STATIC = "address 10.0.2.15/24; address fd00:2::15/64; allow; "
FOLLOW = "iburst minpoll 2 maxpoll 3"
WRONG = 5.25  # s, at the start
# ntpd-rs sets its clock by one exchange, which may take tens of milliseconds
# where three tests share two processors.
RIGHT = 0.25


@pytest.fixture
def link(lan):
    return lan


@pytest.fixture
def served(boot, link, upstream):
    """An appliance at stratum 2."""
    del upstream
    vm = boot(STATIC + "server 10.0.2.2 " + FOLLOW, net=link.netdev())
    lab.ask_until(synchronised, 20)
    lab.ask_until(synchronised, 20, address=lab.GUEST6)
    return vm


def synchronised(reply):
    return reply.synchronised


def need(name):
    path = lab.peer(name)
    if not path:
        pytest.skip("no %s on this machine" % name)
    return path


def chronyd(folder, lines, program="chronyd"):
    conf = folder / "chrony.conf"
    conf.write_text("\n".join([
        "user root", "cmdport 0", "bindcmdaddress /", "pidfile %s/pid" %
        folder, *lines, ""]))
    return [need(program), "-d", "-f", str(conf)]


def ntpsec(folder, lines):
    conf = folder / "ntp.conf"
    conf.write_text("\n".join(["restrict default", "tinker panic 0", *lines,
                               ""]))
    return [need("ntpsec-ntpd"), "-n", "-g", "-c", str(conf)]


def ntpd_rs(folder, server, extra=""):
    # It takes no address of IPv6 for one; a name it does.
    hosts = folder / "hosts"
    hosts.write_text(server + " gnomon\n")
    conf = folder / "ntp.toml"
    conf.write_text(
        '[[source]]\nmode = "server"\naddress = "%s"\n'
        "[source-defaults]\npoll-interval-limits = {min = 4, max = 4}\n"
        "initial-poll-interval = 4\n"
        "[synchronization]\nminimum-agreeing-sources = 1\n"
        '[observability]\nlog-level = "debug"\n'
        'observation-path = "%s/observe"\n%s' % ("gnomon", folder, extra))
    return ["unshare", "--mount", "sh", "-c",
            'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts),
            need("ntp-daemon"), "-c", str(conf)]


def follower(program, folder, server):
    """The command line of a client that follows one server."""
    if program.startswith("chronyd"):
        return chronyd(folder, ["server %s iburst minpoll 2 maxpoll 2" %
                                server, "makestep 1 3"], program)
    if program == "ntpsec":
        return ntpsec(folder, ["server %s iburst minpoll 3 maxpoll 3" %
                               server])
    if program == "ntpd-rs":
        return ntpd_rs(folder, server)
    busybox = need("busybox")
    if "ntpd" not in lab.run(busybox, "--list").stdout.split():
        pytest.skip("busybox is built without ntpd here")
    return [busybox, "ntpd", "-d", "-n", "-p", server]


@pytest.mark.parametrize("program, address", [
    ("chronyd", lab.GUEST), ("chronyd", lab.GUEST6),
    ("chronyd-4.3", lab.GUEST), ("chronyd-4.3", lab.GUEST6),
    ("ntpsec", lab.GUEST), ("ntpsec", lab.GUEST6),
    ("ntpd-rs", lab.GUEST), ("ntpd-rs", lab.GUEST6),
    ("busybox", lab.GUEST),
])
def test_client_sets_its_clock_by_the_appliance(served, link, tmp_path, things,
                                                program, address):
    del served
    clock = lab.PrivateClock(tmp_path, WRONG)
    daemon = link.host(7).process(
        clock.words + follower(program, tmp_path, address), tmp_path / "log")
    things.append(daemon)
    try:
        lab.until("the client's clock is right", 60,
                  lambda: abs(clock.offset()) < RIGHT)
    except AssertionError as e:
        raise AssertionError("%s: %+.6f s\n%s" % (
            e, clock.offset(), daemon.output()[-3000:])) from e
    assert daemon.running()


@pytest.mark.parametrize("program, address", [
    ("chronyd", "fd00:2::2"), ("chronyd-4.3", "10.0.2.2"),
    ("ntpsec", "10.0.2.2"), ("ntpd-rs", "10.0.2.2"),
])
def test_server_of_every_make_is_followed(boot, link, upstream, tmp_path,
                                          things, program, address):
    """It follows chronyd itself, so that the appliance is at stratum 3."""
    del upstream
    server = link.host(7)
    if ":" in address:
        things.append(lab.honest(tmp_path, address))
    clock = lab.PrivateClock(tmp_path)
    words = {
        "chronyd": lambda: chronyd(tmp_path, [
            "server %s %s" % (address, FOLLOW), "allow"]),
        "chronyd-4.3": lambda: chronyd(tmp_path, [
            "server %s %s" % (address, FOLLOW), "allow"], program),
        "ntpsec": lambda: ntpsec(tmp_path, [
            "server %s iburst minpoll 3 maxpoll 3" % address]),
        "ntpd-rs": lambda: ntpd_rs(
            tmp_path, address, '[[server]]\nlisten = "10.0.2.7:123"\n'),
    }[program]()
    daemon = server.process(clock.words + words, tmp_path / "log")
    things.append(daemon)
    at = server.address6 if ":" in address else server.address
    # Not too often: ntpd does not answer those who insist.
    lab.until("synchronised upstream", 60, lambda: (
        lambda reply: reply and reply.synchronised)(lab.ask(at, timeout=1)), 2)
    vm = boot(STATIC + "server %s %s" % (at, FOLLOW), net=link.netdev())
    reply = lab.ask_until(synchronised, 30)
    assert reply.stratum == 3
    reply = lab.best_offset()
    assert abs(reply.offset) < reply.bound + reply.delay / 2
    assert vm.running() and daemon.running()


@pytest.mark.parametrize("ppm", [200, -200])
def test_rate_of_the_upstream_is_taken_over(boot, link, tmp_path, things, ppm):
    """Its clock gains or loses, and so has ours to."""
    server = link.host(7)
    clock = lab.PrivateClock(tmp_path, rate=ppm * 1e-6)
    things.append(server.process([*clock.words, *chronyd(tmp_path, [
        "local stratum 1", "allow"])], tmp_path / "log"))
    boot(STATIC + "server 10.0.2.7 iburst minpoll 1 maxpoll 1",
         net=link.netdev())
    lab.ask_until(synchronised, 20)
    time.sleep(15)
    errors = []
    for _ in range(10):
        reply = lab.best_offset(count=4)
        errors.append(abs(reply.ahead_of(clock.offset())))
        assert errors[-1] < reply.bound + reply.delay / 2
        time.sleep(0.5)
    gone = abs(clock.offset())
    assert gone > 0.003, "the clock did go its own way"
    assert statistics.median(errors) < gone / 4, (errors, gone)
