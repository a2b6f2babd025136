# SPDX-License-Identifier: BSD-2-Clause
"""ClientHellos made byte by byte (RFC 8446, 4.1.2), and OpenSSL's client."""

import os
import struct
import subprocess

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import (Encoding,
                                                          PublicFormat)

SECP256R1, X25519, X25519MLKEM768 = 0x0017, 0x001d, 0x11ec
(CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA) = range(20, 24)
(SUPPORTED_GROUPS, SIGNATURES, ALPN, PADDING, VERSIONS, COOKIE, KEY_SHARE) = (
    10, 13, 16, 21, 43, 44, 51)
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891"
                      "c2a211167abb8c5e079e09e2c8a8339c")  # 4.1.3


def vector(data, size=2):
    return len(data).to_bytes(size, "big") + data


def numbers(*values):
    return struct.pack("!%dH" % len(values), *values)


def share(group):
    """Somebody's public key; only of groups that we know a real one."""
    if group == X25519:
        key = x25519.X25519PrivateKey.generate().public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)
    elif group == SECP256R1:
        key = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        key = os.urandom(1216 if group == X25519MLKEM768 else 1)
    return numbers(group) + vector(key)


class Hello:
    """A client's first message, of at least `size` bytes."""

    def __init__(self, shares, groups=None, size=0):
        self.random, self.session = os.urandom(32), os.urandom(32)
        self.groups = groups or [*shares, *(
            g for g in (X25519, SECP256R1) if g not in shares)]
        self.shares, self.size, self.cookie = shares, size, b""

    def extensions(self):
        yield VERSIONS, vector(numbers(0x0304), 1)
        yield SUPPORTED_GROUPS, vector(numbers(*self.groups))
        yield SIGNATURES, vector(numbers(0x0403, 0x0503, 0x0804, 0x0401))
        yield ALPN, vector(vector(b"ntske/1", 1))
        yield KEY_SHARE, vector(b"".join(map(share, self.shares)))
        if self.cookie:
            yield COOKIE, self.cookie

    def message(self):
        extensions = b"".join(numbers(kind) + vector(body)
                              for kind, body in self.extensions())
        head = (numbers(0x0303) + self.random + vector(self.session, 1) +
                vector(numbers(0x1301, 0x1302, 0x1303)) + vector(b"\0", 1))
        missing = self.size - len(head) - len(extensions) - 6
        if missing > 4:
            extensions += numbers(PADDING) + vector(bytes(missing - 4))
        return b"\x01" + vector(head + vector(extensions), 3)

    def records(self, size=16384):
        data = self.message()
        return b"".join(
            bytes([HANDSHAKE]) + numbers(0x0301) + vector(data[i:i + size])
            for i in range(0, len(data), size))

    def again(self, answer):
        """The second one, that a HelloRetryRequest asked for."""
        self.shares, self.cookie = (answer.group,), answer.cookie
        return self


def read_bytes(s, count):
    data = b""
    while len(data) < count:
        more = s.recv(count - len(data))
        if not more:
            raise EOFError("closed after %d bytes of %d" % (len(data), count))
        data += more
    return data


def read_record(s):
    """(type, body); an alert is an error."""
    kind, _, length = struct.unpack("!BHH", read_bytes(s, 5))
    body = read_bytes(s, length)
    if kind == ALERT:
        raise AssertionError("alert %d" % body[1])
    return kind, body


class ServerHello:
    def __init__(self, body):
        assert body[0] == 2, "no ServerHello"
        self.is_retry = body[6:38] == RETRY
        at = 39 + body[38] + 3
        end = at + 2 + struct.unpack_from("!H", body, at)[0]
        at += 2
        self.group, self.cookie = None, b""
        self.random, self.share = body[6:38], b""
        while at < end:
            kind, length = struct.unpack_from("!HH", body, at)
            if kind == KEY_SHARE:
                self.group = struct.unpack_from("!H", body, at + 4)[0]
                self.share = body[at + 8:at + 4 + length]
            if kind == COOKIE:
                self.cookie = body[at + 4:at + 4 + length]
            at += 4 + length


def read_server_hello(s):
    kind, body = read_record(s)
    while kind == CHANGE_CIPHER_SPEC:
        kind, body = read_record(s)
    assert kind == HANDSHAKE
    return ServerHello(body)


MARK = b"---\nread R BLOCK\n"


def s_client(address, port, ca, groups, request, suite=None):
    """What `openssl s_client` prints, the answer to `request` included."""
    with subprocess.Popen(
            ["openssl", "s_client", "-connect", "%s:%d" % (address, port),
             "-tls1_3", "-alpn", "ntske/1", "-CAfile", str(ca),
             "-groups", groups, "-ign_eof", "-nocommands",
             *(["-ciphersuites", suite] if suite else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as client:
        return client.communicate(request, 20)[0]


def after_end(said):
    """The answer in that output: what is behind the report."""
    at = said.index(b"\x80\x01\x00\x02\x00\x00")
    return said[at:]
