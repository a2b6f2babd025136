# SPDX-License-Identifier: BSD-2-Clause
"""NTP as RFC 5905, 7822 and 8573 have it, asked of the image with raw frames.

One appliance answers all of it.  What is said here of a reply is what the
RFCs and docs/CONFORMANCE.md say, not what the code does.
"""

import hashlib
import hmac
import itertools
import os
import random
import socket
import struct
import time

import pytest

import frames
import lab

KEYS = {1: ("AES128", bytes.fromhex("000102030405060708090a0b0c0d0e0f")),
        2: ("SHA1", b"a secret for SHA1"), 3: ("SHA256", b"x" * 64),
        4: ("MD5", b"MD5 because it was named"),
        0xfffffffe: ("AES128", bytes(range(16, 32)))}
REPLIES = int(os.environ.get("GNOMON_REPLIES", "10000"))
SEED = int(os.environ.get("GNOMON_SEED", "0")) or int.from_bytes(
    os.urandom(4), "big")


def aes_cmac(key, data):
    """RFC 4493, by the cipher that is on this machine."""
    aes = AES(key)

    def double(block):
        number = int.from_bytes(block, "big") << 1
        if number >> 128:
            number = number & (1 << 128) - 1 ^ 0x87
        return number.to_bytes(16, "big")

    one = double(aes.encrypt(bytes(16)))
    blocks = max(1, (len(data) + 15) // 16)
    last = data[16 * (blocks - 1):]
    if len(last) == 16:
        last = bytes(a ^ b for a, b in zip(last, one))
    else:
        last = bytes(a ^ b for a, b in zip(
            last + b"\x80" + bytes(15 - len(last)), double(one)))
    state = bytes(16)
    for i in range(blocks - 1):
        state = aes.encrypt(bytes(
            a ^ b for a, b in zip(state, data[16 * i:16 * i + 16])))
    return aes.encrypt(bytes(a ^ b for a, b in zip(state, last)))


class AES:
    """AES-128, encryption of one block, written down from FIPS 197."""

    def __init__(self, key):
        self.box = self.make_box()
        words = [list(key[i:i + 4]) for i in range(0, 16, 4)]
        rcon = 1
        for i in range(4, 44):
            word = list(words[i - 1])
            if i % 4 == 0:
                word = [self.box[b] for b in word[1:] + word[:1]]
                word[0] ^= rcon
                rcon = self.times2(rcon)
            words.append([a ^ b for a, b in zip(words[i - 4], word)])
        self.keys = [sum(words[i:i + 4], []) for i in range(0, 44, 4)]

    @staticmethod
    def times2(a):
        return (a << 1 ^ (0x11b if a & 0x80 else 0)) & 0xff

    @classmethod
    def make_box(cls):
        # 3 generates the field; powers of it give the inverses.
        power, value = [], 1
        for _ in range(255):
            power.append(value)
            value ^= cls.times2(value)
        box = []
        for i in range(256):
            inverse = power[-power.index(i) % 255] if i else 0
            b = 0
            for shift in range(5):
                b ^= (inverse << shift | inverse >> 8 - shift) & 0xff
            box.append(b ^ 0x63)
        return box

    def encrypt(self, block):
        state = [a ^ b for a, b in zip(block, self.keys[0])]
        for number in range(1, 11):
            state = [self.box[b] for b in state]
            state = [state[(i + 4 * (i % 4)) % 16] for i in range(16)]
            if number < 10:
                mixed = []
                for c in range(0, 16, 4):
                    column = state[c:c + 4]
                    every = column[0] ^ column[1] ^ column[2] ^ column[3]
                    mixed += [column[i] ^ every ^ self.times2(
                        column[i] ^ column[(i + 1) % 4]) for i in range(4)]
                state = mixed
            state = [a ^ b for a, b in zip(state, self.keys[number])]
        return bytes(state)


def digest(number, data):
    kind, secret = KEYS[number]
    if kind == "AES128":
        return aes_cmac(secret, data)
    return hashlib.new(kind.lower(), secret + data).digest()


def signed(data, number, length=20, key=None):
    return data + struct.pack("!I", number) + digest(key or number,
                                                     data)[:length]


def field(kind, length, body=None):
    """An extension field that says `length`, with `body` bytes following."""
    body = max(0, length - 4) if body is None else body
    return struct.pack("!HH", kind, length) + bytes(body)


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory):
    """An appliance that follows an honest server."""
    folder = tmp_path_factory.mktemp("conformance")
    keys = "".join("%d %s HEX:%s\n" % (number, kind, secret.hex())
                   for number, (kind, secret) in KEYS.items())
    archive = lab.archive(folder / "boot.cpio", {
        "gnomon.conf": b"keyfile /etc/keys\nallow\nallow ::/0\n",
        "keys": keys.encode()})
    wire = frames.Wire(folder)
    frames.TimeServer(wire)
    vm = lab.Gnomon(
        folder, "address 10.0.2.15/24; address fd00:2::15/64; gateway "
        "10.0.2.2; server 10.0.2.2 iburst minpoll 0 maxpoll 2; logstats 1",
        net=wire.netdev(), initrd=archive)
    wire.vm = vm
    try:
        vm.wait_for(r"clock set from", 20)
        vm.wait_for(r"address fd00:2::15", 20)  # nobody else has it
        wire.settle()
        yield wire
        assert not wire.faults
        assert "panic" not in vm.output() and vm.running()
    finally:
        vm.close()
        wire.close()


def answered(gnomon, payload, **more):
    """The reply to one request, or None."""
    found = gnomon.replies({0: frames.plain(payload, **more)})[0]
    return found and lab.Reply(found.payload, 0, found.came)


def test_aes_cmac_of_the_tests_is_that_of_rfc_4493():
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert aes_cmac(key, b"").hex() == "bb1d6929e95937287fa37d129b756746"
    assert aes_cmac(key, bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411")).hex() == "dfa66747de9ae63030ca32611497c827"


# RFC 5905, 7.3 and 9.2; issue: versions 1 to 4, mode 3, mode 1, mode 0 of
# NTPv1 from a port other than 123, nothing else; never source port 0.

@pytest.mark.parametrize("pair", [(frames.HOST, frames.GUEST),
                                  (frames.HOST6, frames.GUEST6)])
def test_each_version_mode_and_source_port(gnomon, pair):
    source, target = pair
    requests, right = {}, {}
    for version, mode, port in itertools.product(
            range(8), range(8), (0, 1, 122, 123, 124, 1024, 65535)):
        name = version, mode, port
        requests[name] = frames.plain(
            lab.request(version=version, mode=mode), source=source,
            target=target, sport=port)
        right[name] = None
        if 1 <= version <= 4 and port != 0:
            right[name] = {3: 4, 1: 2}.get(mode)
            if version == 1 and mode == 0 and port != 123:
                right[name] = 4
    for name, packet in gnomon.replies(requests).items():
        mode = packet and packet.payload[0] & 7
        assert mode == right[name], name
        if packet:
            assert packet.payload[0] >> 3 & 7 == name[0]
            assert packet.dport == name[2] and packet.sport == 123
            assert packet.source == target and packet.target == source
            assert packet.to == lab.HOST_MAC
            assert packet.sender == lab.GUEST_MAC


def test_leap_indicator_of_the_request_changes_nothing(gnomon):
    for leap in range(4):
        assert answered(gnomon, lab.request(leap=leap)).leap == 0


def check_length(gnomon, version, lengths, tail):
    requests = {}
    for length in lengths:
        payload = lab.request(version=version) + tail(max(0, length - 48))
        origin = payload[40:48]
        if length < 48:
            # Told apart by what the reply would have to bring back.
            payload = payload[:length]
        requests[length] = origin, [frames.datagram(payload)]
    return gnomon.replies(requests)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_length_of_a_request_with_zeros_after_the_header(gnomon, version):
    # A field of length 0 is malformed, and a MAC of zeros is nobody's.
    found = check_length(gnomon, version, range(601), bytes)
    assert [n for n, p in found.items() if p] == [48]
    assert len(found[48].payload) == 48


def test_length_of_a_request_with_one_unknown_field(gnomon):
    # RFC 7822, 7.5.1.4: alone and without a MAC it has at least 28 bytes; and
    # fields come in whole words.
    def tail(n):
        return struct.pack("!HH", 0x7f01, n)[:n] + bytes(max(0, n - 4))
    found = check_length(gnomon, 4, range(601), tail)
    right = [48] + [n for n in range(48 + 28, 601) if n % 4 == 0]
    assert [n for n, p in found.items() if p] == right
    for length, packet in found.items():
        assert packet is None or 48 <= len(packet.payload) <= length


def test_longest_request_that_a_frame_holds(gnomon):
    for source, target, most in ((frames.HOST, frames.GUEST, 1472),
                                 (frames.HOST6, frames.GUEST6, 1452)):
        payload = lab.request() + field(0x7f01, most - 48)
        assert len(payload) == most
        assert answered(gnomon, payload, source=source, target=target)


# Extension fields: RFC 7822.

FIELD_TYPES = [0, 1, 0x0104, 0x0204, 0x0304, 0x0404, 0x2005, 0x4002, 0x7fff,
               0x8000, 0xc002, 0xf323, 0xffff]


def test_malformed_fields_are_never_answered(gnomon):
    requests = {}
    for kind, says, has in itertools.product(
            FIELD_TYPES, (0, 1, 2, 3, 4, 8, 12, 15, 17, 18, 19, 26, 27, 30,
                          33, 65532, 65535), (28, 32, 64)):
        requests[kind, says, has] = frames.plain(
            lab.request() + field(kind, says, has - 4))
        # As the second of two, and before a good one.
        good = field(kind, 32)
        requests[kind, says, has, "second"] = frames.plain(
            lab.request() + good + field(kind, says, has - 4))
    for has in (28, 32, 64):
        for over in (4, 8, 12, 16, 20, 24, 28, 400):
            requests["over", has, over] = frames.plain(
                lab.request() + field(0x7f01, has + over, has - 4))
    for name, packet in gnomon.replies(requests).items():
        assert packet is None, name


def test_unknown_fields_are_skipped_and_not_echoed(gnomon):
    requests = {}
    # An authenticator (0x0404) makes it a request under NTS, and a wrong one.
    for kind in sorted(set(FIELD_TYPES) - {0x0404}):
        for lengths in ((28,), (32,), (400,), (16, 28), (16, 16, 16, 28),
                        (64, 32, 16, 128), (16,) * 20 + (28,)):
            requests[kind, lengths] = frames.plain(
                lab.request() + b"".join(field(kind, n) for n in lengths))
    for (kind, lengths), packet in gnomon.replies(requests).items():
        # A unique identifier of 32 bytes and more comes back, also without
        # NTS: RFC 8915, 5.3.
        echoed = [n for n in lengths if kind == 0x0104 and n >= 4 + 32][:1]
        echo = b"".join(field(kind, n) for n in echoed)
        assert packet and packet.payload[48:] == echo, (kind, lengths)


def test_last_field_without_a_mac_has_28_bytes(gnomon):
    # RFC 7822, 7.5.1.4.  A last field of 20 or 24 looks like a MAC with a key
    # that nobody has, one of 16 like nothing at all.
    for last in (16, 20, 24):
        assert not answered(gnomon, lab.request() + field(0x7f01, last))
        assert not answered(gnomon, lab.request() + field(0x7f01, 64) +
                            field(0x7f01, last))


# Symmetric keys: RFC 5905, 7.3; RFC 7822, 7.5; RFC 8573.

@pytest.mark.parametrize("length", [4, 8, 12, 16, 20, 24, 28, 36, 52, 68])
@pytest.mark.parametrize("fill", [0, 1, 255])
def test_trailer_that_authenticates_nothing(gnomon, length, fill):
    for version in (1, 2, 3, 4):
        assert not answered(gnomon, lab.request(version=version) +
                            bytes([fill]) * length)


def keyed_requests():
    for version, number, fields in itertools.product(
            (1, 2, 3, 4), KEYS, ((), (16,), (28,), (16, 64, 16))):
        if version < 4 and fields:
            continue
        whole = len(digest(number, b""))
        lengths = {min(whole, 20)} if version == 4 else {min(whole, 20), whole}
        for length in lengths:
            yield (version, number, fields, length), lab.request(
                version=version) + b"".join(field(0x7f01, n) for n in fields)


def test_right_key_is_answered_with_it(gnomon):
    requests = {}
    for name, payload in keyed_requests():
        requests[name] = frames.plain(signed(payload, name[1], name[3]))
    found = gnomon.replies(requests)
    assert len(found) > 30
    for (version, number, fields, length), packet in found.items():
        name = version, number, fields, length
        assert packet, name
        header, trailer = packet.payload[:48], packet.payload[48:]
        assert header[0] & 0x3f == version << 3 | 4
        assert len(trailer) == 4 + length, name
        assert trailer[:4] == struct.pack("!I", number)
        assert hmac.compare_digest(
            trailer[4:], digest(number, header)[:length]), name


def test_wrong_mac_is_never_answered(gnomon):
    chance = random.Random(SEED)
    print("seed", SEED)
    requests = {}
    for name, payload in keyed_requests():
        _, number, _, length = name
        good = signed(payload, number, length)
        other = 1 if number != 1 else 2
        requests[name, "other key's"] = frames.plain(
            signed(lab.request(version=name[0]) + payload[48:], number, length,
                   other))
        for where in ("transmit", "mac", "key id"):
            bent = bytearray(signed(
                lab.request(version=name[0]) + payload[48:], number, length))
            at = {"transmit": 40 + chance.randrange(8),
                  "mac": len(good) - 1 - chance.randrange(length),
                  "key id": len(good) - length - 1 - chance.randrange(4)}
            bent[at[where]] ^= 1 << chance.randrange(8)
            requests[name, where] = frames.plain(bytes(bent))
        short = lab.request(version=name[0]) + payload[48:]
        requests[name, "4 short"] = frames.plain(
            signed(short, number, length - 4))
        requests[name, "no digest"] = frames.plain(
            lab.request(version=name[0]) + struct.pack("!I", number))
    for name, packet in gnomon.replies(requests).items():
        assert packet is None, name


def test_symmetric_active_with_a_key_is_answered_with_it(gnomon):
    payload = signed(lab.request(mode=1), 1)
    packet = gnomon.replies({0: frames.plain(payload)})[0]
    assert packet.payload[0] & 7 == 2
    assert packet.payload[52:] == digest(1, packet.payload[:48])


def test_long_digest_in_ntpv4_is_no_mac(gnomon):
    # RFC 7822, 7.5.1.3: a MAC has at most 24 bytes; SHA-256 is cut to 20.
    assert not answered(gnomon, signed(lab.request(), 3, 32))


# The fields of a reply: RFC 5905, 7.3, 9.2 and figure 31.

def test_fields_of_a_reply(gnomon):
    payload = lab.request(poll=9)
    gnomon.settle()
    before = time.time()
    gnomon.send(frames.datagram(payload))
    packet = [p for p in gnomon.settle() if p.is_reply()][0]
    reply = lab.Reply(packet.payload, before, packet.came)
    assert (reply.leap, reply.version, reply.mode) == (0, 4, 4)
    assert reply.stratum == 2
    assert reply.poll == 9
    # A TSC of 100 MHz to 10 GHz, which takes up to 20 us to be read.
    assert -34 < reply.precision < -15
    assert 0 <= reply.root_delay < 0.1
    assert 0 < reply.root_dispersion < 0.5
    assert reply.reference_id == socket.inet_aton(frames.HOST)
    assert reply.origin_ts == struct.unpack("!Q", payload[40:48])[0]
    assert 0 < reply.reference_ts <= reply.receive_ts <= reply.transmit_ts
    bound = reply.bound + 0.0005
    assert reply.receive >= before - bound
    assert reply.transmit <= packet.came + bound
    assert reply.transmit - reply.receive < 0.25
    assert reply.receive - reply.reference_ts / 2**32 + lab.NTP_UNIX < 10


def test_low_bits_of_timestamps_are_no_pattern(gnomon):
    # RFC 5905, 6: those beyond the precision vary.
    found = gnomon.replies({i: frames.plain(lab.request())
                            for i in range(128)}, chunk=1)
    assert len({p.payload[47] for p in found.values()}) > 64
    assert len({p.payload[39] for p in found.values()}) > 64


def test_origin_is_the_transmit_timestamp_whatever_it_is(gnomon):
    for number in (0, 1, 2**32, 2**63, 2**64 - 1, 0x8000000000000000):
        payload = lab.request(transmit=struct.pack("!Q", number))
        assert answered(gnomon, payload).origin_ts == number


def test_everything_else_in_the_request_is_ignored(gnomon):
    chance = random.Random(SEED)
    requests = {}
    for i in range(256):
        payload = lab.request()
        requests[i] = frames.plain(
            payload[:1] + chance.randbytes(39) + payload[40:])
    right = None
    for packet in gnomon.replies(requests).values():
        reply = lab.Reply(packet.payload, 0, 0)
        fixed = (reply.leap, reply.version, reply.mode, reply.stratum,
                 reply.precision, reply.reference_id)
        right = right or fixed
        assert fixed == right and reply.poll <= 17


@pytest.mark.parametrize("asked", [-128, -1, 0, 3, 6, 10, 17, 18, 127])
def test_poll_of_the_reply(gnomon, asked):
    payload = bytearray(lab.request())
    payload[2] = asked & 0xff
    assert 0 <= answered(gnomon, bytes(payload)).poll <= 17


def test_timestamps_never_go_backwards(gnomon):
    last_receive = last_transmit = last_reference = 0
    last_sent = 0.0
    gap = 0.0
    for _ in range(REPLIES // 100):
        requests = [lab.request() for _ in range(100)]
        gnomon.send(*[frames.datagram(r) for r in requests])
        sent = time.time()
        heard, end = [], time.monotonic() + 5
        while len(heard) < 100 and time.monotonic() < end:
            heard += [p for p in gnomon.take() if p.is_reply()]
            time.sleep(0.0002)
        assert len(heard) == 100
        for packet, request in zip(heard, requests):
            reply = lab.Reply(packet.payload, 0, packet.came)
            assert packet.payload[24:32] == request[40:48], "in order"
            assert last_receive <= reply.receive_ts <= reply.transmit_ts
            assert last_transmit <= reply.transmit_ts
            assert last_reference <= reply.reference_ts <= reply.receive_ts
            assert reply.transmit <= packet.came + reply.bound + 0.0005
            last_receive = reply.receive_ts
            last_transmit = reply.transmit_ts
            last_reference = reply.reference_ts
            gap = max(gap, reply.transmit - reply.receive)
        first = lab.Reply(heard[0].payload, 0, 0)
        assert first.receive >= last_sent - first.bound - 0.0005
        last_sent = sent
    print("longest between receipt and transmission: %.6f s" % gap)


def test_random_requests_get_at_most_one_reply_that_is_no_longer(gnomon):
    chance = random.Random(SEED)
    print("seed", SEED)
    requests, length = {}, {}
    for i in range(REPLIES // 4):
        data = bytearray(lab.request(version=chance.choice([1, 2, 3, 4]),
                                     mode=chance.choice([1, 3, 3, 3])))
        while chance.random() < 0.5:
            data += field(chance.choice(FIELD_TYPES),
                          chance.choice([16, 20, 28, 32, 64]))
        if chance.random() < 0.5:
            data = bytearray(signed(bytes(data), chance.choice(list(KEYS)),
                                    chance.choice([16, 20, 32])))
        if chance.random() < 0.3:
            data += chance.randbytes(chance.randrange(40))
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(data))
            if not 40 <= at < 48:
                data[at] = chance.randrange(256)
        requests[i] = frames.plain(bytes(data))
        length[i] = len(data)
    some = 0
    for i, packet in gnomon.replies(requests).items():
        if packet:
            some += 1
            assert len(packet.payload) <= length[i]
            assert packet.payload[0] & 7 in (2, 4)
    assert some > REPLIES // 40


# IP of a reply.

def test_ip_header_of_a_reply(gnomon):
    for tos in (0, 0x28, 0xb8, 3):
        packet = gnomon.replies({0: frames.plain(lab.request(), tos=tos)})[0]
        assert packet.hops == 64
        assert packet.tos == 0
        # Atomic, by RFC 6864: then the identification means nothing.
        assert packet.fragment == 0x4000
        assert packet.ident == 0
    packet = gnomon.replies({0: frames.plain(
        lab.request(), source=frames.HOST6, target=frames.GUEST6)})[0]
    assert packet.hops == 64 and packet.tos == 0


def test_udp_checksum_that_comes_to_zero_is_sent_as_ones(gnomon):
    # Its every value comes up in so many replies; Packet finds a zero.
    requests = {}
    for i in range(2000):
        requests[i] = frames.plain(lab.request(), sport=1024 + i,
                                   source=frames.HOST6, target=frames.GUEST6)
    for i, packet in gnomon.replies(requests).items():
        assert packet and packet.dport == 1024 + i
    assert not gnomon.faults
