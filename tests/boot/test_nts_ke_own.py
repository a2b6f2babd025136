# SPDX-License-Identifier: BSD-2-Clause
"""NTS key establishment by appliances that are configured each in its way."""

import contextlib
import time

import pytest
from OpenSSL import SSL

import ke_lab
import lab
import nts_lab
from nts_lab import nts


@pytest.fixture
def serve(tmp_path, link, upstream, boot):
    """serve(conf, pairs): an appliance, once it listens."""
    del upstream

    def start(conf="", pairs=(), **more):
        vm = boot(net=link.netdev(), initrd=nts_lab.archive(
            tmp_path / "boot.cpio", pairs,
            "server 10.0.2.2 iburst\nlogstats 1\n" + conf), **more)
        vm.wait_for("nts: key establishment on port", 20)
        return vm
    return start


def test_certificates_are_chosen_by_name(tmp_path, serve):
    ca = nts_lab.Authority(tmp_path)
    pairs = [ca.issue(["one.test"]), ca.issue(["two.test"], "p384"),
             ca.issue(["three.test"], "rsa")]
    serve(pairs=pairs)
    for name in ("one.test", "two.test", "three.test", "TWO.TEST", "other"):
        with nts.Session(lab.GUEST, nts.context(ca.path), name=name) as s:
            s.handshake()
            shown = s.tls.get_peer_certificate().get_subject().CN
            assert shown == (name.lower() if "test" in name.lower()
                             else "one.test")


def test_without_a_name_the_certificate_has_the_address(tmp_path, serve):
    """Clients that ask by address name nobody, and some prefer RSA."""
    ca = nts_lab.Authority(tmp_path)
    serve(pairs=[ca.issue(["one.test"]), ca.issue(["two.test"], "rsa"),
                 ca.issue(["three.test", lab.GUEST], "rsa")])
    with nts.Session(lab.GUEST, nts.context(ca.path)) as s:
        s.handshake()
        assert s.tls.get_peer_certificate().get_subject().CN == "three.test"


def test_without_aes_instructions_chacha_is_preferred(serve):
    serve(cpu="qemu64")
    with nts.Session(lab.GUEST) as s:
        s.handshake()
        assert "CHACHA20" in s.tls.get_cipher_name()
    assert ke_lab.works() < 3


def test_who_is_denied_is_reset(serve):
    vm = serve("deny 10.0.2.2\n")
    with pytest.raises((OSError, SSL.Error)):
        with nts.Session(lab.GUEST, limit=3) as s:
            s.handshake()
    lab.until("it is counted", 5, lambda: ke_lab.ke_stats(vm)["denied"] == 1)


def test_who_asks_too_often_is_reset(serve):
    vm = serve("ntsratelimit interval 6 burst 3 leak 4\n")
    done = 0
    for _ in range(10):
        with contextlib.suppress(OSError, SSL.Error, nts.Failed):
            nts.establish(lab.GUEST, limit=3)
            done += 1
    assert 3 <= done <= 6
    lab.until("they are counted", 5,
              lambda: ke_lab.ke_stats(vm)["limited"] == 10 - done)


def test_more_than_maxntsconnections_wait_for_one_who_is_slow(serve):
    vm = serve("maxntsconnections 2\n")
    with nts.Session(lab.GUEST) as one, nts.Session(lab.GUEST) as other:
        one.handshake()
        other.handshake()
        assert ke_lab.works() < 2
    numbers = ke_lab.settled(vm)
    assert numbers["refused"] == 0 and numbers["evicted"] == 1
    assert numbers["open_max"] == 2


def test_more_than_can_wait_are_refused_at_once(serve):
    vm = serve("maxntsconnections 2\n")
    with contextlib.ExitStack() as held:
        many = [held.enter_context(s) for s in ke_lab.at_once(90)]
        lab.until("who has no place to wait in is reset", 3, lambda: sum(
            ke_lab.is_over(s) for s in many) >= 20)
    lab.until("they are counted", 5,
              lambda: ke_lab.ke_stats(vm)["refused"] >= 20)
