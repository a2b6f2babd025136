# SPDX-License-Identifier: BSD-2-Clause
"""Authenticated time for real clients, and for those that get NTS-KE wrong."""

import hashlib
import os
import re
import socket
import struct
import time

import pytest

import lab
import nts_lab
import tls_hello
# pylint: disable-next=unused-import
from nts_fixtures import authority, link, served, server
from nts_lab import aeads, nts
from nts_lab import AES_128_GCM_SIV, AES_SIV_CMAC_256
from OpenSSL import SSL

WRONG = 5.25  # s, of a client's clock at the start
RIGHT = 0.25
DEADLINE = 15  # s, within which a connection that says nothing is closed


def establish(ca=None, **more):
    return nts.establish(lab.GUEST, tls=nts.context(ca and ca.path), **more)


def check_good_client(ca=None):
    """Whatever happened before: somebody who behaves is served."""
    assert len(nts.exchange(establish(ca), lab.GUEST)) == 1


# Real clients.

@pytest.mark.parametrize("address", [lab.GUEST, lab.GUEST6])
@pytest.mark.parametrize("program, aead, bits, length", [
    ("chronyd", AES_128_GCM_SIV, 128, 68),
    ("chronyd-4.3", AES_SIV_CMAC_256, 256, 100),
])
def test_chronyd_synchronises(serve, link, tmp_path, things, ca, program, aead,
                              bits, length, address):
    """With nothing but NTS, the certificate validated."""
    serve("ntsrequire 10.0.2.7\nntsrequire fd00:2::7")
    clock = lab.PrivateClock(tmp_path, WRONG)
    client = nts_lab.Chronyd(tmp_path, ca.path, address, program)
    daemon = link.host(7).process(clock.words + client.words, tmp_path / "log")
    things.append(daemon)
    nts_lab.wait(daemon, "the client's clock is right", 30,
                 lambda: abs(clock.offset()) < RIGHT)
    # Of the moment between a request and its reply there are 7.
    said = nts_lab.wait(daemon, "8 cookies", 10, lambda: (
        lambda a: a if a.get("cookies") == 8 else None)(client.authdata()))
    assert said["mode"] == "NTS"
    assert (said["type"], said["bits"], said["length"]) == (aead, bits, length)
    assert said["naks"] == 0 and said["attempts"] == 0


@pytest.mark.parametrize("program", ["ntpsec", "ntpd-rs"])
def test_other_clients_synchronise(serve, link, tmp_path, things, ca,
                                   program):
    serve("ntsrequire 10.0.2.7\nntsrequire fd00:2::7")
    clock = lab.PrivateClock(tmp_path, WRONG)
    words = {"ntpsec": nts_lab.ntpsec, "ntpd-rs": nts_lab.ntpd_rs}[program](
        tmp_path, ca.path)
    daemon = link.host(7).process(clock.words + words, tmp_path / "log")
    things.append(daemon)
    nts_lab.wait(daemon, "the client's clock is right", 60,
                 lambda: abs(clock.offset()) < RIGHT)
    assert daemon.running()


@pytest.mark.parametrize("why", ["authority", "name"])
def test_client_that_does_not_trust_us_goes_without(serve, link, tmp_path,
                                                    things, ca, why):
    """So the tests above would fail if nobody checked."""
    serve(pairs=[ca.issue(("other.test",) if why == "name" else
                          nts_lab.NAMES)])
    if why == "authority":
        ca = nts_lab.Authority(tmp_path, "another")
    clock = lab.PrivateClock(tmp_path, WRONG)
    client = nts_lab.Chronyd(tmp_path, ca.path)
    daemon = link.host(7).process(clock.words + client.words, tmp_path / "log")
    things.append(daemon)
    nts_lab.wait(daemon, "an attempt", 20,
                 lambda: client.authdata().get("attempts", 0) > 0)
    assert client.authdata()["cookies"] == 0
    assert abs(clock.offset()) > RIGHT


# What is negotiated.

@pytest.mark.parametrize("conf, wanted, compliant, aead", [
    ("", (15,), False, 15),
    ("", (15, 30), False, 30),
    ("", (30, 15), True, 30),
    ("", (30,), False, 30),  # chrony 4.4 to 4.6.0
    ("", (15,), True, 15),
    ("ntsaeads 15 30", (30, 15), True, 15),
    ("ntsaeads 15", (30, 15), True, 15),
])
def test_aead_is_negotiated(serve, conf, wanted, compliant, aead):
    """The keys are those of the exporter's context that both mean."""
    serve(conf)
    keys = establish(wanted=wanted, compliant=compliant)
    assert keys.aead == aead
    assert keys.compliant == (compliant and aead == 30)
    assert len(keys.cookies) == 8 and len(set(keys.cookies)) == 8
    for cookie in keys.cookies:
        assert len(cookie) % 4 == 0
        assert len(cookie) <= {15: 100, 30: 68}[aead]
    for cookie in keys.cookies:
        assert len(nts.exchange(keys, lab.GUEST, cookie=cookie)) == 1
    # Its address is new, and no other host may have it: RFC 4862, 5.4.
    lab.ask_until(lambda r: True, 10, address=lab.GUEST6)
    assert len(nts.exchange(keys, lab.GUEST6, placeholders=7)) == 8


def test_certificate_of_the_name_is_shown(serve, ca):
    """Several, of every kind of key."""
    kinds = {"a.test": "p256", "b.test": "p384", "c.test": "rsa"}
    serve(pairs=[ca.issue((n,), k) for n, k in kinds.items()])
    for name in (*kinds, None):
        with nts.Session(lab.GUEST, nts.context(ca.path), name=name) as s:
            s.handshake()
            shown = s.tls.get_peer_certificate().get_subject().CN
            assert shown == (name or "a.test")
        keys = establish(ca, name=name)
        nts.exchange(keys, lab.GUEST)


def test_answer_names_server_and_port(serve):
    serve("ntsntpserver ntp.gnomon.test\nport 1123", port=1123)
    keys = establish()
    assert (keys.server, keys.port) == ("ntp.gnomon.test", 1123)
    nts.exchange(keys, lab.GUEST, 1123)


def test_ke_may_have_another_port(serve):
    serve("ntsport 14460", ke_port=14460)
    nts.exchange(establish(port=14460), lab.GUEST)
    with pytest.raises(ConnectionRefusedError):
        establish()


def test_both_sides_say_that_they_are_done(served):
    with nts.Session(lab.GUEST) as s:
        s.handshake()
        s.send(nts.request())
        s.say_goodbye()
        data, ended = s.read()
    assert ended == "close_notify" and nts.records(data)


def test_own_certificate_is_shown_on_the_console(boot, link, upstream):
    """Without one in the archive it makes its own."""
    del upstream
    vm = boot("address 10.0.2.15/24; allow; server 10.0.2.2 iburst",
              net=link.netdev())
    lab.until("NTS-KE", 20, lambda: nts_lab.accepts(lab.GUEST))
    with nts.Session(lab.GUEST) as s:
        s.handshake()
        digest = s.tls.get_peer_certificate().digest("sha256").decode()
    wanted = digest.replace(":", "").lower()
    lab.until("its fingerprint", 5, lambda: wanted in
              vm.output().replace(":", "").lower())
    nts.exchange(establish(), lab.GUEST)


def test_certificate_without_its_key_is_named(boot, link, upstream, tmp_path,
                                              ca):
    """Time is served all the same."""
    del upstream
    cpio = nts_lab.archive(
        tmp_path / "boot.cpio", [(ca.issue()[0], ca.issue()[1])],
        "server 10.0.2.2 iburst\n")
    vm = boot("", net=link.netdev(), initrd=cpio)
    lab.ask_until(lambda r: r.synchronised, 20)
    vm.wait_for(r"nts: server0\.crt with server0\.key is not used: \w+", 10)
    assert not nts_lab.accepts(lab.GUEST)


# Requests that are wrong, RFC 8915, 4.1.

PROTOCOL = nts.record(nts.NEXT_PROTOCOL, nts.ids(0))
SIV = nts.record(nts.AEAD, nts.ids(15))
END = nts.record(nts.END)
UNKNOWN = 0x3fff

REFUSED = {
    "nothing but the end": (END, nts.BAD_REQUEST),
    "no AEAD": (PROTOCOL + END, nts.BAD_REQUEST),
    "no protocol": (SIV + END, nts.BAD_REQUEST),
    "two protocol records": (PROTOCOL * 2 + SIV + END, nts.BAD_REQUEST),
    "two AEAD records": (PROTOCOL + SIV * 2 + END, nts.BAD_REQUEST),
    "half a protocol": (nts.record(1, b"\0") + SIV + END, nts.BAD_REQUEST),
    "half an AEAD": (PROTOCOL + nts.record(4, b"\0\x0f\0") + END,
                     nts.BAD_REQUEST),
    "a cookie": (PROTOCOL + SIV + nts.record(nts.COOKIE, bytes(100)) + END,
                 nts.BAD_REQUEST),
    "unknown and critical": (PROTOCOL + SIV + nts.record(UNKNOWN, b"x") + END,
                             nts.UNRECOGNIZED),
    "more than is read": (PROTOCOL + nts.record(UNKNOWN, bytes(16384), False) +
                          SIV + END, nts.BAD_REQUEST),
}

ANSWERED = {
    "an unknown record": PROTOCOL + SIV + nts.record(UNKNOWN, b"x", False) +
    END,
    "any order": SIV + PROTOCOL + END,
    "other protocols": nts.record(1, nts.ids(0x8000, 0, 7)) + SIV + END,
    "many AEADs": PROTOCOL + nts.record(4, nts.ids(
        *range(100, 7800), 15)) + END,
    "a wish for a server": PROTOCOL + SIV + nts.record(
        nts.SERVER, b"ntp.example", False) + nts.record(
            nts.NTP_PORT, nts.ids(123), False) + END,
    "16 KiB": PROTOCOL + SIV + nts.record(
        UNKNOWN, bytes(16384 - len(PROTOCOL + SIV + END) - 4), False) + END,
}


def ask_ke(data, pieces=1, goodbye=False):
    """(records, how it ended) of the answer to any bytes."""
    with nts.Session(lab.GUEST, limit=DEADLINE + 5) as s:
        s.handshake()
        for i in range(pieces):
            s.send(data[len(data) * i // pieces:
                        len(data) * (i + 1) // pieces])
        if goodbye:
            s.say_goodbye()
        answer, ended = s.read()
        return nts.records(answer), ended


def errors(found):
    return [struct.unpack("!H", body)[0] for kind, body, _ in found or []
            if kind == nts.ERROR]


def test_wrong_requests_get_their_error(served):
    for what, (data, code) in REFUSED.items():
        found, ended = ask_ke(data)
        assert errors(found) == [code], what
        assert ended == "close_notify", what
        assert {kind for kind, _, _ in found} == {nts.ERROR, nts.END}, what
    check_good_client()


def test_unusual_requests_are_answered(served):
    for what, data in ANSWERED.items():
        for pieces in (1, 7):
            found, ended = ask_ke(data, pieces)
            kinds = [kind for kind, _, _ in found or []]
            assert kinds.count(nts.COOKIE) == 8, (what, found)
            assert ended == "close_notify", what


def test_request_may_come_byte_by_byte(served):
    data = nts.request((30, 15), True)
    found, ended = ask_ke(data, len(data))
    assert len([k for k, _, _ in found if k == nts.COOKIE]) == 8
    assert ended == "close_notify"


def test_nothing_in_common_is_said(served):
    """No error: lists that are empty, and no cookies; 4.1.2 and 4.1.5."""
    found, _ = ask_ke(nts.record(nts.NEXT_PROTOCOL, nts.ids(0x8000)) + SIV +
                      END)
    assert [body for kind, body, _ in found
            if kind == nts.NEXT_PROTOCOL] == [b""]
    assert not [k for k, _, _ in found if k == nts.COOKIE]
    found, _ = ask_ke(PROTOCOL + nts.record(nts.AEAD, nts.ids(17)) + END)
    assert [body for kind, body, _ in found if kind == nts.AEAD] == [b""]
    assert not [k for k, _, _ in found if k == nts.COOKIE]


def test_request_that_ends_early_is_bad(served):
    whole = nts.request()
    for data in (b"", whole[:1], whole[:-4], whole[:-1]):
        found, ended = ask_ke(data, goodbye=True)
        assert errors(found) == [nts.BAD_REQUEST], data
        assert ended == "close_notify"


def test_request_that_does_not_come_is_answered_in_time(served):
    began = time.monotonic()
    found, ended = ask_ke(nts.request()[:-4])
    assert time.monotonic() - began < DEADLINE
    assert errors(found) == [nts.BAD_REQUEST] and ended == "close_notify"


# TLS that is wrong, or unusual.

def handshake_fails(match, **more):
    with nts.Session(lab.GUEST, nts.context(**more)) as s:
        with pytest.raises(SSL.Error) as failed:
            s.handshake()
            # In TLS 1.3 the server may say so after our Finished.
            s.run(s.tls.recv, 1)
    assert re.search(match, str(failed.value)), failed.value


def test_tls_1_2_is_not_spoken(served):
    handshake_fails("protocol version", newest=SSL.TLS1_2_VERSION,
                    oldest=SSL.TLS1_2_VERSION)
    check_good_client()


def test_alpn_is_demanded(served):
    """RFC 8915, 3: in the handshake, not after it."""
    for alpn in ((), (b"http/1.1",), (b"ntske/1x", b"ntske", b"ntske/2")):
        handshake_fails("no application protocol|no_application_protocol|"
                        "missing extension|handshake failure", alpn=alpn)
    with nts.Session(lab.GUEST, nts.context(alpn=(b"h2", b"ntske/1"))) as s:
        s.handshake()
        assert s.tls.get_alpn_proto_negotiated() == b"ntske/1"
    check_good_client()


@pytest.mark.parametrize("groups", ["P-521:X25519", "P-521:P-256", "P-384",
                                    "P-256", "X25519"])
def test_other_groups_are_asked_for(served, ca, groups):
    """P-521 is none of ours: HelloRetryRequest; the handshake goes on."""
    said = tls_hello.s_client(lab.GUEST, nts.PORT, ca.path, groups,
                              nts.request())
    assert b"Verify return code: 0 (ok)" in said, said
    cookies = [k for k, _, _ in nts.records(tls_hello.after_end(said))
               if k == nts.COOKIE]
    assert len(cookies) == 8


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256",
                                   "TLS_AES_256_GCM_SHA384",
                                   "TLS_CHACHA20_POLY1305_SHA256"])
@pytest.mark.parametrize("cpu", ["max", "qemu64"])
def test_every_suite_is_spoken(serve, ca, suite, cpu):
    serve(cpu=cpu)
    said = tls_hello.s_client(lab.GUEST, nts.PORT, ca.path, "X25519",
                              nts.request(), suite)
    assert suite.encode() in said
    assert nts.records(tls_hello.after_end(said))
    check_good_client(ca)


@pytest.mark.parametrize("shares, retried", [
    ((tls_hello.X25519MLKEM768,), True),
    ((0x1a1a, tls_hello.X25519MLKEM768), True),
    ((tls_hello.X25519MLKEM768, tls_hello.X25519), False),
])
def test_hello_with_a_share_of_tomorrow(served, shares, retried):
    """2 KiB of it; we ask for a group that both know."""
    with socket.create_connection((lab.GUEST, nts.PORT), 5) as s:
        hello = tls_hello.Hello(shares, size=2048)
        assert len(hello.message()) >= 2048
        s.sendall(hello.records())
        answer = tls_hello.read_server_hello(s)
        assert answer.is_retry == retried
        if retried:
            assert answer.group in (tls_hello.X25519, tls_hello.SECP256R1)
            s.sendall(hello.again(answer).records())
            answer = tls_hello.read_server_hello(s)
            assert not answer.is_retry
        assert answer.group in (tls_hello.X25519, tls_hello.SECP256R1)
        # What is encrypted follows: its certificate, and that it has the key.
        assert tls_hello.read_record(s)[0] in (tls_hello.CHANGE_CIPHER_SPEC,
                                               tls_hello.APPLICATION_DATA)
    check_good_client()


def test_hello_may_come_in_pieces(served):
    """Over many TCP segments, and over several records."""
    for size, gap in ((700, 0.001), (100, 0.001), (1, 0.0)):
        with socket.create_connection((lab.GUEST, nts.PORT), 5) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = tls_hello.Hello((tls_hello.X25519,), size=1500).records(600)
            for i in range(0, len(data), size):
                s.sendall(data[i:i + size])
                time.sleep(gap)
            assert not tls_hello.read_server_hello(s).is_retry


def closed(s, limit):
    """Until it is closed or reset, whatever is said before: seconds."""
    began = time.monotonic()
    s.settimeout(limit)
    try:
        while s.recv(4096):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: gnomon\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "ntp": lab.request(),
    "zeros": bytes(4096),
    "ones": b"\xff" * 4096,
    "noise": os.urandom(20000),
    "empty records": b"\x16\x03\x01\0\0" * 1000,
    "a long record": b"\x16\x03\x01\xff\xff" + bytes(65535),
    "an alert": b"\x15\x03\x03\0\x02\x02\x28",
    "application data": b"\x17\x03\x03\0\x20" + bytes(32),
    "a hello that is too long": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" +
    bytes(0x4000 - 4),
    "sslv2": b"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10" + bytes(36),
}


def test_garbage_ends_the_connection(served):
    hello = tls_hello.Hello((tls_hello.X25519,)).records()
    for what, data in (*GARBAGE.items(), ("behind a hello", hello + bytes(99)),
                       ("half a hello, changed", hello[:60] + b"x" * 400)):
        with socket.create_connection((lab.GUEST, nts.PORT), 5) as s:
            try:
                s.sendall(data)
            except ConnectionError:
                continue
            closed(s, DEADLINE + 5), what
    check_good_client()
    assert served.running()


def test_mutated_hellos_do_no_harm(served):
    """Each byte of a hello, changed."""
    hello = tls_hello.Hello((tls_hello.X25519,)).records()
    for at in range(len(hello)):
        data = bytearray(hello)
        data[at] ^= 1 << at % 8
        with socket.create_connection((lab.GUEST, nts.PORT), 5) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                continue
            closed(s, 5)
    check_good_client()
    assert served.running()


# Who may, and how often.

def test_ke_is_for_those_who_may_ask(serve, link):
    serve("deny 10.0.2.9")
    link.add("10.0.2.9/24")
    with socket.socket() as s:
        s.bind(("10.0.2.9", 0))
        s.settimeout(2)
        try:
            s.connect((lab.GUEST, nts.PORT))
            s.sendall(tls_hello.Hello((tls_hello.X25519,)).records())
            assert s.recv(100) == b""
        except (ConnectionError, TimeoutError):
            pass
    check_good_client()


def test_connections_are_limited_by_address(serve, link):
    serve("ntsratelimit interval 4 burst 4 leak 4")
    others = link.host(8)
    done = 0
    for _ in range(24):
        try:
            establish(limit=3)
            done += 1
        except (OSError, SSL.Error, nts.Failed):
            pass
    # One of the four was taken when it was asked whether it is there.
    assert 3 <= done < 16, done
    with others.inside():
        check_good_client()


def test_requests_without_nts_are_dropped_where_it_is_required(serve, link):
    secret = bytes(range(20))
    vm = serve("ntsrequire 10.0.2.9\nlogstats 1\nkeyfile ntp.keys", files={
        "ntp.keys": b"5 SHA1 HEX:" + secret.hex().encode() + b"\n"})
    link.add("10.0.2.9/24")
    assert lab.ask(source="10.0.2.2")
    assert lab.ask(source="10.0.2.9", timeout=0.5) is None
    asked = lab.request()
    digest = hashlib.sha1(secret + asked).digest()
    assert lab.ask(source="10.0.2.9", packet=asked + bytes((0, 0, 0, 5)) +
                   digest)
    keys = establish()
    asked, unique_id = keys.request()
    answer = nts.send(lab.GUEST, asked, source="10.0.2.9")
    assert len(keys.check(asked, answer, unique_id)) == 1
    # What cannot be verified is told so, which says nothing of the time.
    asked, unique_id = keys.request(cookie=bytes(100))
    answer = nts.send(lab.GUEST, asked, source="10.0.2.9")
    assert answer[12:16] == b"NTSN"
    vm.wait_for(r"unauthenticated[= ]+[1-9]", 5)
