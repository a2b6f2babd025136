# SPDX-License-Identifier: BSD-2-Clause
"""The tests' own NTS client is right: by published vectors, and by chronyd."""

import pytest

import lab
import nts_lab
from nts_lab import aeads, nts

h = bytes.fromhex


def test_siv_has_the_vector_of_rfc_5297():
    key = h("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f")
    strings = [h("00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa"
                 "99887766554433221100"), h("102030405060708090a0"),
               h("09f911029d74e35bd84156c5635688c0")]
    plain = h("7468697320697320736f6d6520706c61696e7465787420746f20656e637279"
              "7074207573696e67205349562d414553")
    sealed = h("7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf"
               "17dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c"
               "0d")
    assert aeads.siv_seal(key, strings, plain) == sealed
    assert aeads.siv_open(key, strings, sealed) == plain
    with pytest.raises(aeads.NotAuthentic):
        aeads.siv_open(key, strings, sealed[:-1] + b"x")


@pytest.mark.parametrize("plain, ad, sealed", [
    ("", "", "dc20e2d83f25705bb49e439eca56de25"),
    ("0100000000000000", "",
     "b5d839330ac7b786578782fff6013b815b287c22493a364c"),
    ("0200000000000000", "01",
     "1e6daba35669f4273b0a1a2560969cdf790d99759abd1508"),
])
def test_gcm_siv_has_vectors_of_rfc_8452(plain, ad, sealed):
    key, nonce = h("01" + "00" * 15), h("03" + "00" * 11)
    assert aeads.gcm_siv_seal(key, nonce, h(ad), h(plain)) == h(sealed)
    assert aeads.gcm_siv_open(key, nonce, h(ad), h(sealed)) == h(plain)
    with pytest.raises(aeads.NotAuthentic):
        aeads.gcm_siv_open(key, nonce, h(ad) + b"x", h(sealed))


@pytest.mark.parametrize("program, wanted, compliant, aead", [
    ("chronyd-4.3", (15,), False, 15),
    ("chronyd", (15,), False, 15),
    ("chronyd", (30, 15), False, 30),
    ("chronyd", (30, 15), True, 30),
])
def test_client_agrees_with_chronyd(tmp_path, things, program, wanted,
                                    compliant, aead):
    if not lab.peer(program):
        pytest.skip("no %s on this machine" % program)
    ca = nts_lab.Authority(tmp_path)
    for name, data in zip(("crt", "key"), ca.issue(("127.0.0.1",))):
        (tmp_path / name).write_bytes(data)
    things.append(lab.chronyd(tmp_path, [
        "port 11123", "ntsport 14460", "allow all", "local stratum 1",
        "ntsservercert %s/crt" % tmp_path, "ntsserverkey %s/key" % tmp_path],
        program=program))
    lab.until("an answer", 10, lambda: lab.ask("127.0.0.1", 11123, 0.2))
    keys = nts.establish("127.0.0.1", wanted, compliant, port=14460,
                         tls=nts.context(ca.path))
    assert keys.aead == aead and keys.compliant == compliant
    assert len(keys.cookies) == 8
    assert len(nts.exchange(keys, "127.0.0.1", 11123, placeholders=3)) == 4
    broken = bytearray(keys.cookies[1])
    broken[50] ^= 1
    with pytest.raises(nts.Failed, match="kiss NTSN"):
        nts.exchange(keys, "127.0.0.1", 11123, cookie=bytes(broken))
