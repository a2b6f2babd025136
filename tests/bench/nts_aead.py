# SPDX-License-Identifier: BSD-2-Clause
"""The two AEADs of NTS, written for reading: a second opinion, not a fast one.

Their names, key and nonce lengths are those of IANA's registry: 15 is
AES-SIV-CMAC-256 (RFC 5297), 30 is AES-128-GCM-SIV (RFC 8452).
"""

import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

SIV, GCM_SIV = 15, 30
KEY = {SIV: 32, GCM_SIV: 16}
NONCE = {SIV: 16, GCM_SIV: 12}
TAG = 16


class NotAuthentic(Exception):
    """It was not sealed with that key, or not like that."""


def encrypt_block(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


# RFC 5297.

def cmac(key, data):
    c = CMAC(algorithms.AES(key))
    c.update(data)
    return int.from_bytes(c.finalize(), "big")


def doubled(x):
    return (x << 1 & (1 << 128) - 1) ^ (0x87 if x >> 127 else 0)


def s2v(key, strings):
    *first, last = strings
    d = cmac(key, bytes(16))
    for s in first:
        d = doubled(d) ^ cmac(key, s)
    if len(last) >= 16:
        end = int.from_bytes(last[-16:], "big") ^ d
        return cmac(key, last[:-16] + end.to_bytes(16, "big"))
    padded = (last + b"\x80").ljust(16, b"\0")
    return cmac(key, (doubled(d) ^ int.from_bytes(padded, "big"))
                .to_bytes(16, "big"))


def siv_ctr(key, tag, data):
    counter = int.from_bytes(tag, "big") & ~(1 << 63 | 1 << 31)
    e = Cipher(algorithms.AES(key),
               modes.CTR(counter.to_bytes(16, "big"))).encryptor()
    return e.update(data) + e.finalize()


def siv_seal(key, strings, plain):
    tag = s2v(key[:16], [*strings, plain]).to_bytes(16, "big")
    return tag + siv_ctr(key[16:], tag, plain)


def siv_open(key, strings, sealed):
    tag = sealed[:16]
    if len(tag) < 16:
        raise NotAuthentic("shorter than a tag")
    plain = siv_ctr(key[16:], tag, sealed[16:])
    if s2v(key[:16], [*strings, plain]).to_bytes(16, "big") != tag:
        raise NotAuthentic("AES-SIV")
    return plain


# RFC 8452.

POLYNOMIAL = 1 << 128 | 1 << 127 | 1 << 126 | 1 << 121 | 1


def dot(a, b):
    """a b x^-128 in its field."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1, b >> 1
    for _ in range(128):
        if product & 1:
            product ^= POLYNOMIAL
        product >>= 1
    return product


def padded_to_16(data):
    return data + bytes(-len(data) % 16)


def polyval(key, data):
    h, s = int.from_bytes(key, "little"), 0
    for i in range(0, len(data), 16):
        s = dot(s ^ int.from_bytes(data[i:i + 16], "little"), h)
    return s.to_bytes(16, "little")


def gcm_siv_keys(key, nonce):
    parts = [encrypt_block(key, struct.pack("<I", i) + nonce)[:8]
             for i in range(2 + len(key) // 8)]
    return b"".join(parts[:2]), b"".join(parts[2:])


def gcm_siv_tag(keys, nonce, ad, plain):
    lengths = struct.pack("<QQ", 8 * len(ad), 8 * len(plain))
    s = bytearray(polyval(keys[0], padded_to_16(ad) + padded_to_16(plain) +
                          lengths))
    for i, n in enumerate(nonce):
        s[i] ^= n
    s[15] &= 0x7f
    return encrypt_block(keys[1], bytes(s))


def gcm_siv_ctr(key, tag, data):
    counter, rest = struct.unpack("<I12s", tag[:15] + bytes([tag[15] | 0x80]))
    stream = b"".join(
        encrypt_block(key, struct.pack("<I12s", (counter + i) % 2**32, rest))
        for i in range((len(data) + 15) // 16))
    return bytes(a ^ b for a, b in zip(data, stream))


def gcm_siv_seal(key, nonce, ad, plain):
    keys = gcm_siv_keys(key, nonce)
    tag = gcm_siv_tag(keys, nonce, ad, plain)
    return gcm_siv_ctr(keys[1], tag, plain) + tag


def gcm_siv_open(key, nonce, ad, sealed):
    if len(sealed) < TAG:
        raise NotAuthentic("shorter than a tag")
    keys = gcm_siv_keys(key, nonce)
    plain = gcm_siv_ctr(keys[1], sealed[-TAG:], sealed[:-TAG])
    if gcm_siv_tag(keys, nonce, ad, plain) != sealed[-TAG:]:
        raise NotAuthentic("AES-GCM-SIV")
    return plain


def seal(aead, key, nonce, ad, plain):
    if aead == SIV:
        return siv_seal(key, [ad, nonce], plain)
    return gcm_siv_seal(key, nonce, ad, plain)


def unseal(aead, key, nonce, ad, sealed):
    if aead == SIV:
        return siv_open(key, [ad, nonce], sealed)
    return gcm_siv_open(key, nonce, ad, sealed)
