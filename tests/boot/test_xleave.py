# SPDX-License-Identifier: BSD-2-Clause
"""Interleaved mode, RFC 9769: both ways with chronyd, and on the wire."""

import os
import re
import socket
import time

import pytest

import lab
import nts_lab

STATIC = ("address 10.0.2.15/24; allow; "
          "server 10.0.2.2 iburst minpoll 2 maxpoll 2 ")
PROGRAMS = ["chronyd", "chronyd-4.3"]


class Chronyd:
    """A chronyd that chronyc may ask."""

    def __init__(self, folder, things, program, lines, name):
        if not lab.peer(program):
            pytest.skip("no %s on this machine" % program)
        self.socket = os.path.join(str(folder), name + ".sock")
        self.chronyc_path = lab.peer(program.replace("chronyd", "chronyc"))
        self.daemon = lab.chronyd(
            folder, ["bindcmdaddress " + self.socket, *lines], name=name,
            program=program)
        things.append(self.daemon)

    def chronyc(self, command):
        return lab.run(self.chronyc_path, "-n", "-h", self.socket, command,
                       check=False).stdout

    def number(self, command, name):
        found = re.search(r"^%s *: *([-+0-9.]+)" % name,
                          self.chronyc(command), re.M)
        return float(found.group(1)) if found else 0.0


def ask(packet):
    """As lab.ask(), but whatever the origin timestamp is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.sendto(packet, (lab.GUEST, 123))
        return s.recv(2048)


def raw(origin=bytes(8), receive=bytes(8)):
    """A request with these timestamps; (request, its reply)."""
    plain = lab.request()
    packet = plain[:24] + origin + receive + plain[40:]
    return packet, ask(packet)


def number(data, at):
    return int.from_bytes(data[at:at + 8], "big")


def synchronised(reply):
    return reply.synchronised and reply.stratum == 2


def test_request_that_refers_to_the_last_reply_is_told_when_it_left(
        boot, link, upstream):
    del upstream
    boot(STATIC, net=link.netdev())
    lab.ask_until(synchronised, 20)
    packet, first = raw()
    assert first[24:32] == packet[40:48], "the first one is a plain one"
    for _ in range(5):
        mark = os.urandom(8)
        packet, second = raw(origin=first[32:40], receive=mark)
        assert second[24:32] == mark
        assert number(second, 32) > number(first, 32)
        left = number(second, 40)
        # Later than what that reply itself could say.
        assert number(first, 32) < left < number(second, 32)
        first = second
    # Referred to once more, it is not known any more.
    packet, third = raw(origin=packet[24:32], receive=os.urandom(8))
    assert third[24:32] == packet[40:48]
    # Receive and transmit timestamp alike: a client that does not know of it.
    packet = packet[:24] + third[32:40] + packet[40:48] + packet[40:48]
    assert ask(packet)[24:32] == packet[40:48]


def test_without_a_table_of_clients_replies_are_plain(boot, link, upstream):
    del upstream
    boot(STATIC + "; noclientlog", net=link.netdev())
    lab.ask_until(synchronised, 20)
    _, first = raw()
    packet, second = raw(origin=first[32:40], receive=os.urandom(8))
    assert second[24:32] == packet[40:48]


@pytest.mark.parametrize("program", PROGRAMS)
def test_chronyd_follows_us_interleaved(boot, link, upstream, tmp_path, things,
                                        program):
    del upstream
    boot(STATIC, net=link.netdev())
    lab.ask_until(synchronised, 20)
    client = Chronyd(tmp_path, things, program, [
        "port 0", "server %s iburst xleave minpoll 0 maxpoll 0" % lab.GUEST],
        "client")

    def good():
        """How many it has had, if the last one was interleaved."""
        return client.number("ntpdata", "Total good RX") * bool(re.search(
            r"Interleaved +: Yes", client.chronyc("ntpdata")))
    before = lab.until("an interleaved reply", 20, good, 0.2)
    lab.until("four more", 20, lambda: good() >= before + 4, 0.2)
    assert re.search(r"^\^\* ", client.chronyc("sources"), re.M)
    assert abs(client.number("ntpdata", "Offset")) < 0.05


@pytest.mark.parametrize("program", PROGRAMS)
def test_we_follow_chronyd_interleaved(boot, link, tmp_path, things, program):
    server = Chronyd(tmp_path, things, program, [
        "port 123", "bindaddress 10.0.2.2", "allow all", "local stratum 1"],
        "server")
    lab.until("an answer from chronyd", 10, lambda: (
        lambda r: r and r.synchronised)(lab.ask("10.0.2.2", timeout=0.2)))
    boot("address 10.0.2.15/24; allow; server 10.0.2.2 iburst xleave "
         "minpoll 0 maxpoll 0", net=link.netdev())
    lab.ask_until(synchronised, 20)
    lab.until("interleaved requests", 20, lambda: server.number(
        "serverstats", "Interleaved NTP packets") >= 8, 0.2)
    reply = lab.best_offset()
    assert abs(reply.offset) < reply.bound + reply.delay / 2

    def received():
        return server.number("serverstats", "NTP packets received")
    before = received()
    lab.until("four more requests", 20, lambda: received() >= before + 4, 0.2)


def test_chronyd_follows_us_interleaved_under_nts(boot, link, upstream,
                                                  tmp_path, things):
    del upstream
    if not lab.peer("chronyd"):
        pytest.skip("no chronyd on this machine")
    ca = nts_lab.Authority(tmp_path)
    boot(initrd=nts_lab.archive(
        tmp_path / "boot.cpio", [ca.issue()],
        "server 10.0.2.2 iburst minpoll 2 maxpoll 2"), net=link.netdev())
    lab.ask_until(synchronised, 20)
    client = nts_lab.Chronyd(tmp_path, ca.path, options="xleave")
    words = [client.words[0], "-x", *client.words[1:]]
    daemon = lab.Process(words, tmp_path / "client.log")
    things.append(daemon)

    def interleaved():
        said = lab.run(lab.peer("chronyc"), "-n", "-h", client.socket,
                       "ntpdata", check=False).stdout
        return re.search(r"Interleaved +: Yes", said) and re.search(
            r"Authenticated +: Yes", said)
    nts_lab.wait(daemon, "interleaved replies", 30, interleaved)
