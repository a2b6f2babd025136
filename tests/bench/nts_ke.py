#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A client of NTS (RFC 8915) that does as it is told, also what is wrong.

usage: tests/bench/nts_ke.py HOST [--port N] [--ca FILE] [--ntp PORT] ...

  nts_ke.py HOST                        one handshake, and one request by NTP
  nts_ke.py HOST --out keys.json        and its keys and cookies, as JSON
  nts_ke.py HOST --seconds S --parallel N   handshakes per second
"""

import argparse
import dataclasses
import json
import os
import select
import socket
import struct
import sys
import time

from OpenSSL import SSL

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nts_aead as aeads  # pylint: disable=wrong-import-position

ALPN = b"ntske/1"
LABEL = b"EXPORTER-network-time-security"
PORT = 4460

# RFC 8915, 4.1; 1024 is chrony's, see docs/CONFORMANCE.md.
(END, NEXT_PROTOCOL, ERROR, WARNING, AEAD, COOKIE, SERVER, NTP_PORT) = range(8)
COMPLIANT_EXPORT = 1024
CRITICAL = 0x8000
UNRECOGNIZED, BAD_REQUEST, INTERNAL = range(3)

# RFC 8915, 5.
UNIQUE_ID, NTS_COOKIE, PLACEHOLDER, AUTHENTICATOR = (0x104, 0x204, 0x304,
                                                     0x404)


def record(kind, body=b"", critical=True):
    return struct.pack("!HH", kind | (CRITICAL if critical else 0),
                       len(body)) + body


def ids(*numbers):
    return struct.pack("!%dH" % len(numbers), *numbers)


def request(wanted=(aeads.SIV,), compliant=False):
    """What a client asks for; `compliant` asks to export as RFC 8915 says."""
    return (record(NEXT_PROTOCOL, ids(0)) + record(AEAD, ids(*wanted)) +
            (record(COMPLIANT_EXPORT, critical=False) if compliant else b"") +
            record(END))


def records(data):
    """[(type, body, critical)], or None if no End of Message is there."""
    found = []
    while len(data) >= 4:
        kind, length = struct.unpack_from("!HH", data)
        if len(data) < 4 + length:
            return None
        found.append((kind & ~CRITICAL, data[4:4 + length],
                      bool(kind & CRITICAL)))
        data = data[4 + length:]
        if found[-1][0] == END:
            return found
    return None


class Failed(Exception):
    """It did not come to keys; the text says why."""


def context(ca=None, alpn=(ALPN,), newest=None, oldest=SSL.TLS1_3_VERSION):
    """How TLS is spoken; without `ca` any certificate will do."""
    c = SSL.Context(SSL.TLS_CLIENT_METHOD)
    c.set_min_proto_version(oldest)
    if newest:
        c.set_max_proto_version(newest)
    if alpn:
        c.set_alpn_protos(list(alpn))
    c.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if ca:
        c.load_verify_locations(str(ca))
        c.set_verify(SSL.VERIFY_PEER, lambda conn, cert, err, depth, ok: ok)
    return c


class Session:
    """One TLS connection; everything has to be over after `limit` s."""

    def __init__(self, address, tls=None, port=PORT, name=None, limit=10.0):
        self.end = time.monotonic() + limit
        self.socket = socket.create_connection((address, port), limit)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.tls = SSL.Connection(tls or context(), self.socket)
        if name:
            self.tls.set_tlsext_host_name(name.encode())
        self.tls.set_connect_state()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def run(self, step, *arguments):
        while True:
            try:
                return step(*arguments)
            except SSL.WantReadError:
                wait = [self.socket], []
            except SSL.WantWriteError:
                wait = [], [self.socket]
            left = self.end - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing more was heard")
            select.select(*wait, [], left)

    def handshake(self):
        self.run(self.tls.do_handshake)
        return self

    def send(self, data):
        self.run(self.tls.sendall, data)

    def read(self):
        """Everything until the other side ends it: (data, how it ended)."""
        data = b""
        while True:
            try:
                data += self.run(self.tls.recv, 16384)
            except SSL.ZeroReturnError:
                return data, "close_notify"
            except SSL.SysCallError as e:
                return data, "eof" if e.args[0] == -1 else "reset"
            except SSL.Error as e:
                return data, "alert: %s" % e
            except TimeoutError:
                return data, "timeout"

    def say_goodbye(self):
        """close_notify; the other direction stays open."""
        try:
            self.tls.shutdown()
        except SSL.Error:
            pass

    def export(self, aead, to_client, in_context):
        return self.tls.export_keying_material(
            LABEL, aeads.KEY[aead],
            struct.pack("!HHB", 0, in_context, to_client))


def fields(data):
    """[(type, body, where it starts)] behind an NTP header."""
    found, at = [], 48
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, at)
        if length < 4 or length % 4 or at + length > len(data):
            raise Failed("an extension field of %d bytes at %d" % (length, at))
        found.append((kind, data[at + 4:at + length], at))
        at += length
    if at != len(data):
        raise Failed("%d bytes behind the fields" % (len(data) - at))
    return found


def field(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", kind, 4 + len(body)) + body


@dataclasses.dataclass
class Keys:
    """What NTS-KE gave, and requests made of it."""

    aead: int
    c2s: bytes
    s2c: bytes
    cookies: list
    server: str = None
    port: int = 123
    compliant: bool = False

    def request(self, cookie=None, placeholders=0, unique_id=None, inside=b"",
                transmit=None, head=None, before=b"", behind=b""):
        """A request; (bytes, its unique identifier)."""
        cookie = self.cookies[0] if cookie is None else cookie
        unique_id = os.urandom(32) if unique_id is None else unique_id
        data = head or bytes([0x23, 0, 6, 0xe8]) + bytes(36) + (
            transmit or os.urandom(8))
        data += (before + field(UNIQUE_ID, unique_id) +
                 field(NTS_COOKIE, cookie) +
                 placeholders * field(PLACEHOLDER, bytes(len(cookie))))
        return data + self.authenticator(data, inside) + behind, unique_id

    def authenticator(self, data, inside=b"", key=None):
        nonce = os.urandom(aeads.NONCE[self.aead])
        sealed = aeads.seal(self.aead, key or self.c2s, nonce, data, inside)
        body = struct.pack("!HH", len(nonce), len(sealed))
        for part in (nonce, sealed):
            body += part + bytes(-len(part) % 4)
        # A nonce that is too short for N_MAX is padded for, 5.6.
        return field(AUTHENTICATOR, body)

    def check(self, asked, answer, unique_id):
        """The new cookies of an answer that is authentic; else Failed."""
        if len(answer) < 48 or answer[24:32] != asked[40:48]:
            raise Failed("it is about another request")
        if answer[1] == 0 and answer[12:16] != bytes(4):
            raise Failed("kiss %s" % answer[12:16].decode())
        seen = None
        for kind, body, at in fields(answer):
            if kind == UNIQUE_ID:
                seen = body
            if kind != AUTHENTICATOR:
                continue
            nonce_len, sealed_len = struct.unpack_from("!HH", body)
            nonce = body[4:4 + nonce_len]
            sealed_at = 4 + nonce_len + -nonce_len % 4
            sealed = body[sealed_at:sealed_at + sealed_len]
            try:
                plain = aeads.unseal(self.aead, self.s2c, nonce, answer[:at],
                                     sealed)
            except aeads.NotAuthentic as e:
                raise Failed("not authentic: %s" % e) from e
            if seen != unique_id:
                raise Failed("another unique identifier")
            return [b for kind, b, _ in fields(bytes(48) + plain)
                    if kind == NTS_COOKIE]
        raise Failed("no authenticator")

    def as_json(self):
        return {"aead": self.aead, "c2s": self.c2s.hex(),
                "s2c": self.s2c.hex(), "server": self.server,
                "port": self.port, "cookies": [c.hex() for c in self.cookies]}


def keys_of(session, answer):
    """The keys that an answer stands for; Failed if it stands for none."""
    found = records(answer)
    if found is None:
        raise Failed("no End of Message in %d bytes" % len(answer))
    keys = Keys(None, b"", b"", [])
    for kind, body, _ in found:
        if kind == ERROR:
            raise Failed("error record %d" % struct.unpack("!H", body))
        if kind == AEAD and body:
            keys.aead = struct.unpack("!H", body)[0]
        elif kind == COOKIE:
            keys.cookies.append(body)
        elif kind == SERVER:
            keys.server = body.decode()
        elif kind == NTP_PORT:
            keys.port = struct.unpack("!H", body)[0]
        elif kind == COMPLIANT_EXPORT:
            keys.compliant = True
    if keys.aead not in aeads.KEY or not keys.cookies:
        raise Failed("no AEAD or no cookies: %s" % found)
    # chrony 4.4 to 4.6.0 has 15 in the context of AEAD 30.
    named = keys.aead if keys.compliant else aeads.SIV
    keys.c2s = session.export(keys.aead, 0, named)
    keys.s2c = session.export(keys.aead, 1, named)
    return keys


def establish(address, wanted=(aeads.SIV,), compliant=False, **more):
    """NTS-KE as it should be; the keys."""
    with Session(address, **more) as s:
        s.handshake()
        if s.tls.get_alpn_proto_negotiated() != ALPN:
            raise Failed("no ALPN")
        s.send(request(wanted, compliant))
        # A server may wait for our close_notify before it ends.
        data = b""
        while records(data) is None:
            try:
                data += s.run(s.tls.recv, 16384)
            except SSL.Error as e:
                raise Failed("ended early: %r" % e) from e
        keys = keys_of(s, data)
        s.say_goodbye()
        return keys


def send(address, data, port=123, limit=3.0, source=None):
    """The answer to a datagram, or None."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if source:
            s.bind((source, 0))
        s.connect((address, port))
        s.settimeout(limit)
        try:
            s.send(data)
            return s.recv(4096)
        except OSError:
            return None


def exchange(keys, address, port=123, limit=3.0, **more):
    """One request, answered and authentic; its new cookies."""
    asked, unique_id = keys.request(**more)
    answer = send(address, asked, port, limit)
    if answer is None:
        raise Failed("no answer")
    if len(answer) > len(asked):
        raise Failed("%d bytes for %d" % (len(answer), len(asked)))
    return keys.check(asked, answer, unique_id)


# Handshakes per second.

def busy_client(options, start):
    """Handshakes in a row: (how many, failures, milliseconds of each)."""
    tls = context(options.ca)
    end = start + options.seconds
    times, failures = [], []
    time.sleep(max(0, start - time.monotonic()))
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            establish(options.host, tls=tls, port=options.port)
            times.append(1000 * (time.monotonic() - began))
        except (Failed, OSError, SSL.Error) as e:
            failures.append(repr(e))
            time.sleep(0.01)
    return {"times": times, "failures": failures,
            "seconds": time.monotonic() - start}


def in_child(work, *arguments):
    """Do it in another process; a function that gives its result."""
    inward, outward = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inward)
        with os.fdopen(outward, "w") as f:
            json.dump(work(*arguments), f)
            f.flush()
        os._exit(0)
    os.close(outward)

    def result():
        with os.fdopen(inward) as f:
            text = f.read()
        os.waitpid(child, 0)
        return json.loads(text)
    return result


def measure(options):
    """What so many clients at once got done."""
    start = time.monotonic() + 0.2
    done = [r() for r in [in_child(busy_client, options, start)
                          for _ in range(options.parallel)]]
    times = sorted(t for d in done for t in d["times"])
    failures = [f for d in done for f in d["failures"]]
    seconds = max(d["seconds"] for d in done)
    return {"parallel": options.parallel, "handshakes": len(times),
            "failed": len(failures), "why": failures[:1],
            "per_s": len(times) / seconds,
            **{"p%d_ms" % p: times[min(len(times) - 1,
                                       len(times) * p // 100)]
               for p in (50, 99) if times}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--ntp", type=int)
    parser.add_argument("--ca")
    parser.add_argument("--aead", type=int, nargs="+", default=[aeads.SIV])
    parser.add_argument("--compliant", action="store_true")
    parser.add_argument("--out")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--parallel", type=int, default=1)
    options = parser.parse_args()
    if options.seconds:
        print(json.dumps(measure(options)))
        return 0
    keys = establish(options.host, options.aead, options.compliant,
                     tls=context(options.ca), port=options.port)
    if options.out:
        with open(options.out, "w", encoding="ascii") as f:
            json.dump(keys.as_json(), f)
    cookies = exchange(keys, options.host, options.ntp or keys.port)
    print("AEAD %d, %d cookies of %d bytes, an authentic answer with %d" % (
        keys.aead, len(keys.cookies), len(keys.cookies[0]), len(cookies)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
