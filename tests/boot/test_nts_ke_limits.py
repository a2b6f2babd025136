# SPDX-License-Identifier: BSD-2-Clause
"""NTS key establishment among clients that are slow, many, or not clients:
who behaves is served all the same, and nothing stays behind."""

import contextlib
import os
import random
import socket
import ssl
import struct
import time

import pytest
from cryptography import x509
from OpenSSL import SSL

import frames
import ke_lab
import lab
import nts_lab
import scenario
from nts_lab import nts

CONF = nts_lab.STATIC + "server 10.0.2.2 iburst\nlogstats 1\n"
PATIENCE = 2.9  # s, with a request after its handshake


def appliance(folder, opened, conf=""):
    """An appliance with a certificate of its own making, ready."""
    if not os.path.exists("/dev/net/tun") or not lab.peer("chronyd"):
        pytest.skip("no /dev/net/tun or no chronyd on this machine")

    def closed(thing):
        return opened.enter_context(contextlib.closing(thing))
    link = closed(lab.Tap())
    closed(lab.honest(folder))
    vm = closed(lab.Gnomon(
        folder, net=link.netdev(), initrd=lab.archive(
            folder / "boot.cpio", {"gnomon.conf": (CONF + conf).encode()})))
    vm.wait_for("nts: key establishment on port", 20)
    return vm


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One appliance that meets most of them."""
    with contextlib.ExitStack() as opened:
        yield appliance(tmp_path_factory.mktemp("ke"), opened)


def told(address=lab.GUEST, request=None, goodbye=False, limit=8.0):
    """What is answered to those bytes: (records, how it ended)."""
    with nts.Session(address, limit=limit) as s:
        s.handshake()
        if request:
            s.send(request)
        if goodbye:
            s.say_goodbye()
        answer, ended = s.read()
        return nts.records(answer), ended


ERROR_BAD = [(nts.ERROR, struct.pack("!H", nts.BAD_REQUEST), True),
             (nts.END, b"", True)]


def test_certificate_it_made_names_all_its_addresses(served):
    text = served.output()
    for address in (lab.GUEST, lab.GUEST6):
        assert "does not name " + address not in text
    with nts.Session(lab.GUEST) as s:
        s.handshake()
        cert = s.tls.get_peer_certificate().to_cryptography()
        names = cert.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value.get_values_for_type(
                x509.IPAddress)
        assert {lab.GUEST, lab.GUEST6} <= {str(n) for n in names}


def test_console_shows_the_fingerprint_of_the_certificate_it_made(served):
    shown = served.wait_for(
        r"a new certificate of our own, SHA-256 ([0-9A-F:]{95})$").group(1)
    with nts.Session(lab.GUEST) as s:
        s.handshake()
        cert = s.tls.get_peer_certificate()
        assert cert.digest("sha256").decode() == shown


@pytest.mark.parametrize("address", [lab.GUEST, lab.GUEST6])
def test_handshake_gives_cookies_that_work(served, address):
    del served
    keys = nts.establish(address)
    assert len(keys.cookies) == 8
    assert len(set(keys.cookies)) == 8
    nts.exchange(keys, address)


def test_request_is_awaited_for_seconds_and_then_told_bad(served):
    began = time.monotonic()
    assert told() == (ERROR_BAD, "close_notify")
    assert time.monotonic() - began > PATIENCE
    ke_lab.settled(served)


def test_half_a_request_that_ends_is_told_bad_at_once(served):
    del served
    began = time.monotonic()
    assert told(request=nts.request()[:-3], goodbye=True) == (
        ERROR_BAD, "close_notify")
    assert time.monotonic() - began < PATIENCE


def padded(length):
    """A request of that many bytes, most of them a record nobody knows."""
    request = nts.request()
    filler = length - len(request) - 4
    return nts.record(0x4001, bytes(filler), critical=False) + request


def test_request_of_16_kib_is_read_whole(served):
    del served
    answer, ended = told(request=padded(16384))
    assert sum(kind == nts.COOKIE for kind, _, _ in answer) == 8
    assert ended == "close_notify"


def test_request_over_16_kib_is_told_bad(served):
    del served
    assert told(request=padded(16385)) == (ERROR_BAD, "close_notify")


@pytest.mark.parametrize("alpn", [(), (b"http/1.1",)])
def test_who_does_not_say_ntske_gets_no_further(served, alpn):
    del served
    with nts.Session(lab.GUEST, nts.context(alpn=alpn)) as s:
        with pytest.raises(SSL.Error) as caught:
            s.handshake()
        assert "no application protocol" in str(caught.value)


def test_older_tls_gets_no_further(served):
    del served
    with nts.Session(lab.GUEST, nts.context(
            oldest=SSL.TLS1_2_VERSION, newest=SSL.TLS1_2_VERSION)) as s:
        with pytest.raises(SSL.Error) as caught:
            s.handshake()
        assert "protocol version" in str(caught.value)


def test_no_group_in_common_is_told(served):
    del served
    with pytest.raises(ssl.SSLError) as caught, socket.create_connection(
            (lab.GUEST, nts.PORT), 5) as s:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        tls.set_alpn_protocols(["ntske/1"])
        tls.set_ecdh_curve("secp521r1")
        tls.wrap_socket(s)
    assert "HANDSHAKE_FAILURE" in str(caught.value)


@pytest.mark.alone
def test_hundred_slow_clients_do_not_keep_others_out(served):
    before = ke_lab.ke_stats(served)
    first = ke_lab.hello()
    slow = []
    try:
        for _ in range(100):
            slow.append(ke_lab.connect())
            slow[-1].send(first[:50])
        time.sleep(1)
        for _ in range(10):
            assert ke_lab.works() < 3
            for s in slow:
                with contextlib.suppress(OSError):
                    s.send(b"")
        assert any(ke_lab.is_over(s) for s in slow)
        lab.until("patience with slow ones ends", 10,
                  lambda: all(ke_lab.is_over(s) for s in slow))
    finally:
        for s in slow:
            s.close()
    after = ke_lab.settled(served)
    assert after["sessions_max"] <= after["of"]
    assert after["evicted"] + after["timeout"] - (
        before["evicted"] + before["timeout"]) == 100
    assert ke_lab.works() < 3


@pytest.mark.alone
def test_who_comes_among_many_at_one_moment_is_served(served):
    """None of them is known to be slow yet.  TCP asks again after a second
    where its first segment is lost."""
    for _ in range(3):
        many = ke_lab.at_once(130)
        took = ke_lab.works()
        for s in many:
            s.close()
        ke_lab.settled(served)
        assert took < 0.9


def looked_up(sniffer):
    """Whom the appliance asked for by ARP."""
    asked = set()
    with contextlib.suppress(BlockingIOError):
        while True:
            frame = sniffer.recv(2048)
            if frame[6:12] == frames.mac(lab.GUEST_MAC) and frame[21] == 1:
                asked.add(socket.inet_ntoa(frame[38:42]))
    return asked


@pytest.mark.alone
def test_nobody_who_begins_a_connection_is_looked_up(served):
    """They would push our sources out of the tables of neighbours."""
    del served
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                       socket.htons(frames.ARP)) as sniffer:
        sniffer.bind(("tap0", frames.ARP))
        sniffer.setblocking(False)
        for i in range(60):
            source = "10.0.2.%d" % (100 + i)
            sniffer.send(frames.ethernet(frames.ipv4(frames.tcp(
                source, dport=nts.PORT), frames.TCP, source), frames.IPV4))
        # What was not acknowledged is sent again after 3 s.
        time.sleep(4)
        assert ke_lab.works() < 3
        assert not {a for a in looked_up(sniffer) if a != lab.GATEWAY}


@pytest.mark.alone
def test_garbage_is_ended_and_leaves_nothing(served):
    chance = random.Random(2)
    first = ke_lab.hello()
    for i in range(60):
        data = bytearray(first)
        if i % 3 == 0:
            data = chance.randbytes(chance.randrange(1, 4000))
        elif i % 3 == 1:
            for _ in range(chance.randrange(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        else:
            data = data[:chance.randrange(1, len(data))]
        with ke_lab.connect() as s:
            s.send(data)
            if i % 2:
                s.shutdown(socket.SHUT_WR)
                lab.until("it is over", 7, lambda s=s: ke_lab.is_over(s))
    assert ke_lab.works() < 3
    after = ke_lab.settled(served)
    assert after["common_bytes"] < 8192
    scenario.not_rebooted(served)
