# SPDX-License-Identifier: BSD-2-Clause
"""Clients that nobody here wrote synchronise to the appliance."""

import re
import socket

import pytest

import lab
import scenario

STATIC = ("address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; "
          "server 10.0.2.2 iburst minpoll 4 maxpoll 4; allow")


@pytest.fixture
def served(boot, link, upstream):
    """An appliance at stratum 2 that has had a few samples."""
    del upstream
    vm = boot(STATIC, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised and r.stratum == 2, 20)
    return vm


def need(name):
    path = lab.peer(name)
    if not path:
        pytest.skip("no %s on this machine" % name)
    return path


def test_reply_is_stratum_2_of_that_upstream_within_its_bound(served):
    del served
    reply = lab.best_offset()
    assert reply.stratum == 2 and reply.leap == 0 and reply.mode == 4
    assert reply.reference_id == socket.inet_aton(lab.GATEWAY)
    assert abs(reply.offset) < reply.bound + reply.delay / 2
    assert reply.receive <= reply.transmit


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_each_version_is_answered_in_that_version(served, version):
    del served
    reply = lab.ask(packet=lab.request(version=version))
    assert reply and reply.version == version and reply.mode == 4


def test_symmetric_active_is_answered_in_symmetric_passive(served):
    del served
    reply = lab.ask(packet=lab.request(mode=1))
    assert reply and reply.mode == 2


@pytest.mark.parametrize("mode", [0, 2, 4, 5, 6, 7])
def test_no_other_mode_is_answered(served, mode):
    del served
    assert lab.ask(packet=lab.request(mode=mode), timeout=0.3) is None
    assert lab.ask(), "and it still answers"


@pytest.mark.parametrize("address", [lab.GUEST, lab.GUEST6])
@pytest.mark.parametrize("program", ["chronyd", "chronyd-4.3"])
def test_chronyd_synchronises(served, tmp_path, program, address):
    del served
    out = lab.run(need(program), "-Q", "-t", "20", "-f", "/dev/null",
                  "user root", "cmdport 0", "pidfile %s/pid" % tmp_path,
                  "server %s iburst" % address, timeout=40)
    found = re.search(r"System clock wrong by (-?[0-9.]+) seconds",
                      out.stdout)
    assert found, out.stdout
    assert abs(float(found.group(1))) < 0.05


def test_ntpdig_synchronises(served):
    del served
    out = lab.run(need("ntpdig"), "-t", "5", lab.GUEST, timeout=30)
    found = re.search(r"([+-][0-9.]+) \+/- ([0-9.]+) .* s2 ", out.stdout)
    assert found, out.stdout
    assert abs(float(found.group(1))) < 0.05


@pytest.mark.alone
def test_offset_is_small_after_half_a_minute(boot, link, upstream):
    del upstream
    scenario.accuracy(boot, link, 30)


def test_short_requests_are_not_answered(served):
    del served
    for length in (1, 40, 47):
        assert lab.ask(packet=lab.request()[:length], timeout=0.2) is None
    assert lab.ask()


def test_answer_is_never_longer_than_the_question(served):
    del served
    # Zeros behind the header are no field; an unknown field is passed over.
    for extra in (4, 8, 12, 16, 28, 64, 400):
        packet = lab.request() + bytes(extra)
        reply = lab.ask(packet=packet, timeout=0.3)
        assert reply is None or len(reply.data) <= len(packet)
    for extra in (b"", *(b"\x7f\1" + n.to_bytes(2, "big") + bytes(n - 4)
                         for n in (28, 64, 400))):
        packet = lab.request() + extra
        assert len(lab.ask(packet=packet).data) <= len(packet)
