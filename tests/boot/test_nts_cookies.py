# SPDX-License-Identifier: BSD-2-Clause
"""Cookies that are ours, were ours, are somebody else's, or are nonsense."""

import os
import random
import struct
import time

import pytest

import lab
import nts_lab
import state_lab
# pylint: disable-next=unused-import
from nts_fixtures import authority, link, served, server
from nts_lab import aeads, nts

BOTH = pytest.mark.parametrize("aead", [nts_lab.AES_SIV_CMAC_256,
                                        nts_lab.AES_128_GCM_SIV])


def establish(aead=nts_lab.AES_SIV_CMAC_256, address=lab.GUEST):
    return nts.establish(address, (aead,), True)


def ask(keys, address=lab.GUEST, limit=3.0, **more):
    """(request, answer, unique identifier)"""
    asked, unique_id = keys.request(**more)
    return asked, nts.send(address, asked, limit=limit), unique_id


def is_nak(asked, answer, unique_id):
    """RFC 8915, 5.7: it says NTSN, and echoes who asked; no more."""
    assert answer is not None, "not told"
    assert len(answer) <= len(asked)
    assert answer[24:32] == asked[40:48]
    assert answer[0] & 7 == 4 and answer[1] == 0
    assert answer[12:16] == b"NTSN"
    assert [(k, b) for k, b, _ in nts.fields(answer)] == [
        (nts.UNIQUE_ID, unique_id)]
    return True


def is_good(keys, asked, answer, unique_id, cookies=1):
    assert answer is not None, "no answer"
    assert len(answer) <= len(asked)
    fresh = keys.check(asked, answer, unique_id)
    assert len(fresh) == cookies == len(set(fresh)), "twice the same"
    assert not set(fresh) & set(keys.cookies), "a cookie came again"
    assert {len(c) for c in fresh} <= {len(keys.cookies[0])}
    return fresh


@BOTH
def test_changed_cookies_are_told_so(served, aead):
    """Each byte of one, each end of one, and none of it costs the next."""
    del served
    keys = establish(aead)
    good = keys.cookies[0]
    changed = []
    for at in range(len(good)):
        cookie = bytearray(good)
        cookie[at] ^= 1 << at % 8
        changed.append(bytes(cookie))
    # Fields of under 16 octets are none, RFC 7822.
    for length in (12, 16, 19, 20, 36, len(good) - 4, len(good) - 1):
        changed.append(good[:length])
    changed += [good + bytes(4), bytes(len(good)), os.urandom(len(good)),
                good[:4] + os.urandom(len(good) - 4), os.urandom(500),
                keys.cookies[1][:20] + good[20:]]
    for cookie in changed:
        answers = ask(keys, cookie=cookie)
        assert is_nak(*answers), cookie.hex()
    is_good(keys, *ask(keys))


@BOTH
def test_changed_requests_are_told_so(served, aead):
    """What the authenticator covers, and the authenticator itself."""
    del served
    keys = establish(aead)
    whole, unique_id = keys.request(placeholders=1)
    fields = {kind: (at, 4 + len(body))
              for kind, body, at in nts.fields(whole)}
    start, length = fields[nts.AUTHENTICATOR]
    places = [2, 3, 5, 20, 44, *range(start + 8, start + length)]
    for at in places:
        data = bytearray(whole)
        data[at] ^= 0x10
        answer = nts.send(lab.GUEST, bytes(data))
        assert is_nak(bytes(data), answer, unique_id), at
    other = establish(aead)
    keys.c2s = other.c2s
    assert is_nak(*ask(keys))


def test_cookie_of_one_client_is_no_good_to_another(served):
    del served
    one, other = establish(), establish()
    assert is_nak(*ask(one, cookie=other.cookies[0]))
    is_good(one, *ask(one))


@BOTH
@pytest.mark.parametrize("address", [lab.GUEST, lab.GUEST6])
def test_a_cookie_comes_for_each_placeholder(served, aead, address):
    del served
    lab.ask_until(lambda r: True, 10, address=address)
    keys = establish(aead)
    for count in range(8):
        is_good(keys, *ask(keys, address, placeholders=count), count + 1)
    # Encrypted ones count as well; more than eight are of no use to anyone.
    inside = 3 * nts.field(nts.PLACEHOLDER, bytes(len(keys.cookies[0])))
    is_good(keys, *ask(keys, address, inside=inside), 4)
    asked, answer, unique_id = ask(keys, address, placeholders=8)
    assert len(keys.check(asked, answer, unique_id)) == 8


@BOTH
def test_answer_is_never_longer_and_always_there(served, aead):
    """Whatever else is in the request, in any order of sizes."""
    del served
    keys = establish(aead)
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    r = random.Random(seed)
    for _ in range(200):
        size = len(keys.cookies[0])
        inside = b"".join(nts.field(
            r.choice((nts.PLACEHOLDER, 0x1234)),
            bytes(r.choice((size, size - 4, 24)))) for _ in range(
                r.choice((0, 0, 1, 2))))
        before = b"".join(nts.field(0x1234, r.randbytes(4 * r.randint(
            3, 20))) for _ in range(r.choice((0, 0, 1))))
        asked, answer, unique_id = ask(
            keys, cookie=r.choice(keys.cookies), inside=inside,
            placeholders=r.choice((0, 0, 1, 2, 7)), before=before,
            unique_id=r.randbytes(4 * r.randint(8, 16)))
        assert answer is not None and len(answer) <= len(asked)
        keys.check(asked, answer, unique_id)


def test_each_fresh_cookie_is_good(served):
    """A client lives for ever on what it is given."""
    del served
    keys = establish()
    first = set(keys.cookies)
    keys.cookies = keys.cookies[:1]
    for _ in range(40):
        fresh = is_good(keys, *ask(keys))
        keys.cookies = fresh
    assert not first & set(keys.cookies)


def answers_unprotected(keys, data):
    """Is it answered under NTS though it should not be?"""
    answer = nts.send(lab.GUEST, data, limit=0.2)
    if answer is None:
        return False
    assert len(answer) <= len(data)
    return nts.AUTHENTICATOR in [k for k, _, _ in nts.fields(answer)]


def test_incomplete_requests_are_not_answered_under_nts(served):
    del served
    keys = establish()
    head = lab.request()
    unique = nts.field(nts.UNIQUE_ID, os.urandom(32))
    cookie = nts.field(nts.NTS_COOKIE, keys.cookies[0])
    for parts in ((cookie,), (unique,), (unique, unique, cookie),
                  (unique, cookie, cookie),
                  (nts.field(nts.UNIQUE_ID, os.urandom(28)), cookie), ()):
        data = head + b"".join(parts)
        assert not answers_unprotected(keys, data + keys.authenticator(data))
    data = head + unique + cookie
    assert not answers_unprotected(keys, data)
    # What nobody vouches for, behind the authenticator, is not looked at.
    sealed = data + keys.authenticator(data)
    behind = sealed + 3 * nts.field(nts.PLACEHOLDER,
                                    bytes(len(keys.cookies[0])))
    answer = nts.send(lab.GUEST, behind, limit=0.5)
    assert answer is None or len(keys.check(behind, answer, unique[4:])) == 1
    is_good(keys, *ask(keys))


def test_versions_and_modes_without_nts_stay_without(served):
    """NTS is for version 4, from clients."""
    del served
    keys = establish()
    for first in (0x1b, 0x13, 0x0b, 0x24, 0x25, 0x21):
        head = bytes([first]) + lab.request()[1:]
        asked, _ = keys.request(head=head)
        assert not answers_unprotected(keys, asked)


def test_rates_are_limited_with_proof(serve):
    """A kiss that could be anybody's would be believed by nobody, 5.7."""
    serve("ratelimit interval 4 burst 4 leak 4 kod 1")
    keys = establish()
    kissed = 0
    for _ in range(60):
        _, answer, _ = ask(keys, limit=0.1)
        if answer is None or answer[1] != 0:
            continue
        assert answer[12:16] == b"RATE"
        kissed += 1
        for kind, body, at in nts.fields(answer):
            if kind == nts.AUTHENTICATOR:
                nonce_len, sealed_len = struct.unpack_from("!HH", body)
                nonce = body[4:4 + nonce_len]
                aeads.unseal(keys.aead, keys.s2c, nonce, answer[:at],
                             body[4 + nonce_len:4 + nonce_len + sealed_len])
                break
        else:
            raise AssertionError("anybody's")
    assert kissed


# Keys of cookies.

def key_lines(*numbers):
    return "".join("%d %s\n" % (n, "%02x" % n * 32) for n in numbers).encode()


def test_appliances_with_the_same_keys_share_cookies(boot, link, upstream,
                                                     tmp_path):
    """`ntskeys`: also while the key is being changed, and two changes on."""
    del upstream
    conf = (b"gateway 10.0.2.2\nallow\nserver 10.0.2.2 iburst minpoll 2\n"
            b"ntskeys cookies\n")

    def start(numbers):
        cpio = lab.archive(tmp_path / ("boot%d.cpio" % numbers[0]), {
            "gnomon.conf": b"address 10.0.2.15/24\n" + conf,
            "cookies": key_lines(*numbers)})
        vm = boot("", net=link.netdev(), initrd=cpio)
        lab.ask_until(lambda r: r.synchronised, 20)
        lab.until("NTS-KE", 10, lambda: nts_lab.accepts(lab.GUEST))
        return vm

    old = start((1,))
    keys = establish()
    old.close()
    for numbers, honoured in (((2, 1), True), ((3, 2, 1), True),
                              ((4, 3, 2), False)):
        vm = start(numbers)
        if honoured:
            fresh = is_good(keys, *ask(keys))
            assert fresh[0][:4] != keys.cookies[0][:4], "of the old key"
        else:
            assert is_nak(*ask(keys))
        assert "%02x" % numbers[0] * 8 not in vm.output()
        vm.close()


def test_two_appliances_take_each_others_cookies(boot, lan, tmp_path, things):
    """Both at the same time, side by side."""
    if not lab.peer("chronyd"):
        pytest.skip("no chronyd on this machine")
    things.append(lab.honest(tmp_path))
    second = lab.Tap("tap1", ())
    things.append(second)
    lab.run("ip", "link", "set", "tap1", "address", "02:00:00:00:00:03")
    lab.run("ip", "link", "set", "tap1", "master", "br0")
    addresses = (lab.GUEST, "10.0.2.16")
    for n, net in enumerate((lan, second)):
        cpio = lab.archive(tmp_path / ("boot%d.cpio" % n), {
            "gnomon.conf": ("address %s/24\nallow\nserver 10.0.2.2 iburst\n"
                            "ntskeys cookies\n" % addresses[n]).encode(),
            "cookies": key_lines(7)})
        boot("", net=net.netdev(), initrd=cpio, mac="52:54:00:00:00:%02x" % (
            0x0f + n))
    for address in addresses:
        lab.ask_until(lambda r: r.synchronised, 20, address=address)
        lab.until("NTS-KE", 10, lambda a=address: nts_lab.accepts(a))
    for one, other in (addresses, addresses[::-1]):
        keys = establish(address=one)
        is_good(keys, *ask(keys, other))


def test_rotated_keys_are_honoured_twice(serve):
    """`ntsrotate`: the current one and two before it."""
    vm = serve("ntsrotate 3")
    began = time.monotonic()
    keys = establish()
    seen = {keys.cookies[0][:4]}
    while time.monotonic() < began + 5:
        for cookie in is_good(keys, *ask(keys)):
            seen.add(cookie[:4])
        time.sleep(0.25)
    assert len(seen) >= 2, "the key has changed"
    lab.until("the first key is gone", 8, lambda: (
        lambda answer: answer and answer[1] == 0)(ask(keys)[1]))
    assert time.monotonic() - began > 6
    assert is_nak(*ask(keys))
    fresh = establish()
    is_good(fresh, *ask(fresh))
    assert vm.running()


@pytest.mark.parametrize("kept", [True, False])
def test_cookies_outlive_a_reboot_with_state(boot, link, upstream, tmp_path,
                                             kept):
    """And so does the certificate of its own making."""
    del upstream
    path = state_lab.make_disk(tmp_path / "disk")
    conf = ("address 10.0.2.15/24; allow; server 10.0.2.2 iburst minpoll 2 "
            "maxpoll 2; logstats 1")

    def start():
        vm = boot(conf, net=link.netdev(),
                  extra=state_lab.disk(path) if kept else ())
        lab.ask_until(lambda r: r.synchronised, 20)
        lab.until("NTS-KE", 10, lambda: nts_lab.accepts(lab.GUEST))
        with nts.Session(lab.GUEST) as s:
            s.handshake()
            return vm, s.tls.get_peer_certificate().digest("sha256")

    vm, shown = start()
    keys = establish()
    is_good(keys, *ask(keys))
    if kept:
        state_lab.time_saved(path, 0)
    vm.close()
    vm, again = start()
    assert (shown == again) == kept
    if kept:
        is_good(keys, *ask(keys))
    else:
        assert is_nak(*ask(keys))
        fresh = establish()
        is_good(fresh, *ask(fresh))


@pytest.mark.parametrize("kept", [True, False])
def test_chronyd_goes_on_after_a_reboot(boot, link, upstream, tmp_path, things,
                                        ca, kept):
    """With its cookies, or with new ones after it was told that they are of
    no use any more."""
    del upstream
    cpio = nts_lab.archive(tmp_path / "boot.cpio", [ca.issue()],
                           "server 10.0.2.2 iburst minpoll 2 maxpoll 2\n")
    path = state_lab.make_disk(tmp_path / "disk")

    def start():
        vm = boot("", net=link.netdev(), initrd=cpio,
                  extra=state_lab.disk(path) if kept else ())
        lab.ask_until(lambda r: r.synchronised, 20)
        lab.until("NTS-KE", 10, lambda: nts_lab.accepts(lab.GUEST))
        return vm

    vm = start()
    clock = lab.PrivateClock(tmp_path, 1.5)
    client = nts_lab.Chronyd(tmp_path, ca.path)
    daemon = link.host(7).process(clock.words + client.words, tmp_path / "log")
    things.append(daemon)

    def has(cookies, **more):
        said = client.authdata()
        return said.get("cookies") == cookies and all(
            said[k] == v for k, v in more.items())
    nts_lab.wait(daemon, "8 cookies", 30, lambda: has(8, key=1))
    time.sleep(2)
    vm.close()
    start()
    if kept:
        # It asks every 2 s or so; what it has is as good as before.
        time.sleep(8)
        nts_lab.wait(daemon, "8 cookies of the same keys", 20,
                     lambda: has(8, key=1, naks=0))
    else:
        nts_lab.wait(daemon, "8 cookies of other keys", 90,
                     lambda: has(8, key=2))
