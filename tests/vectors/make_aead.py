#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write aes_siv.txt and aes_128_gcm_siv.txt, which lie beside this.

Both modes are written down here a second time, by the text of their RFCs, over
python3-cryptography's AES; its own AES-SIV agrees.  Besides random cases of
all short lengths there are plaintexts solved for, which give a chosen tag:
counters that wrap, and tags of all zeros or ones.
"""

import functools
import operator
import os
import random

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

HERE = os.path.dirname(os.path.abspath(__file__))
COUNTERS = ["ffffffff", "fffffffe", "fffffffd", "7fffffff", "7ffffffe",
            "80000000", "00000000"]


def aes(key, block, backwards=False):
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    run = cipher.decryptor() if backwards else cipher.encryptor()
    return run.update(block)


def add(*strings):
    return bytes(functools.reduce(operator.xor, column)
                 for column in zip(*strings))


def blocks(data):
    return [data[i:i + 16] for i in range(0, len(data), 16)]


# RFC 5297.

def dbl(block):
    v = int.from_bytes(block, "big") << 1
    return (v & (1 << 128) - 1 ^ (v >> 128) * 0x87).to_bytes(16, "big")


def cmac(key, data):
    subkey = dbl(aes(key, bytes(16)))
    if not data or len(data) % 16:
        data += b"\x80" + bytes(-(len(data) + 1) % 16)
        subkey = dbl(subkey)
    total = bytes(16)
    *others, last = blocks(data)
    for block in others:
        total = aes(key, add(total, block))
    return aes(key, add(total, last, subkey))


def siv_d(key, strings):
    d = cmac(key, bytes(16))
    for string in strings:
        d = add(dbl(d), cmac(key, string))
    return d


def siv_seal(key, nonce, ad, plain):
    mac, ctr = key[:16], key[16:]
    d = siv_d(mac, [ad, nonce])
    if len(plain) >= 16:
        v = cmac(mac, plain[:-16] + add(plain[-16:], d))
    else:
        padded = plain + b"\x80" + bytes(15 - len(plain))
        v = cmac(mac, add(dbl(d), padded))
    mask = (1 << 128) - 1 ^ 1 << 63 ^ 1 << 31
    q = int.from_bytes(v, "big") & mask
    stream = b"".join(aes(ctr, (q + i & (1 << 128) - 1).to_bytes(16, "big"))
                      for i in range(len(plain) // 16 + 1))
    return v + add(plain, stream)


def siv_solve(key, nonce, ad, plain, v):
    """`plain` with a last block that makes `v` the tag."""
    mac = key[:16]
    total = bytes(16)
    for block in blocks(plain)[:-1]:
        total = aes(mac, add(total, block))
    last = add(aes(mac, v, True), total, dbl(aes(mac, bytes(16))),
               siv_d(mac, [ad, nonce]))
    return plain[:-16] + last


# RFC 8452.  Bit i of the number is the coefficient of x^i.

P = 1 << 128 | 1 << 127 | 1 << 126 | 1 << 121 | 1


def times(a, b):
    product = 0
    for i in range(128):
        if b >> i & 1:
            product ^= a << i
    for i in range(255, 127, -1):
        if product >> i & 1:
            product ^= P << i - 128
    return product


def power(a, n):
    result = 1
    while n:
        if n & 1:
            result = times(result, a)
        a, n = times(a, a), n >> 1
    return result


def inverse(a):
    return power(a, 2 ** 128 - 2)


X_128 = inverse(power(2, 128))


def number(block):
    return int.from_bytes(block, "little")


def polyval(h, data):
    total = 0
    for block in blocks(data):
        total = times(times(total ^ number(block), h), X_128)
    return total


def padded(data):
    return data + bytes(-len(data) % 16)


def gcm_siv_keys(key, nonce):
    halves = [aes(key, i.to_bytes(4, "little") + nonce)[:8] for i in range(4)]
    return halves[0] + halves[1], halves[2] + halves[3]


def lengths(ad, plain):
    return ((8 * len(ad)).to_bytes(8, "little")
            + (8 * len(plain)).to_bytes(8, "little"))


def gcm_siv_seal(key, nonce, ad, plain):
    authentication, encryption = gcm_siv_keys(key, nonce)
    s = polyval(number(authentication),
                padded(ad) + padded(plain) + lengths(ad, plain))
    s = (s ^ number(nonce)) & (1 << 127) - 1
    tag = aes(encryption, s.to_bytes(16, "little"))
    start = number(tag[:4])
    stream = b"".join(
        aes(encryption, (start + i & 0xffffffff).to_bytes(4, "little")
            + tag[4:15] + bytes([tag[15] | 0x80]))
        for i in range(len(plain) // 16 + 1))
    return add(plain, stream) + tag


def gcm_siv_solve(key, nonce, ad, plain, tag):
    """Likewise; None if no plaintext has that tag."""
    authentication, encryption = gcm_siv_keys(key, nonce)
    s = number(aes(encryption, tag, True))
    if s >> 127:
        return None
    back = times(inverse(number(authentication)), power(2, 128))
    wanted = times(s ^ number(nonce), back) ^ number(lengths(ad, plain))
    wanted = times(wanted, back)
    so_far = polyval(number(authentication), padded(ad) + plain[:-16])
    return plain[:-16] + (wanted ^ so_far).to_bytes(16, "little")


# The cases.

def line(seal, key, nonce, ad, plain):
    sealed = seal(key, nonce, ad, plain)
    if seal is siv_seal and plain:  # there, a plaintext may not be empty
        assert AESSIV(key).encrypt(plain, [ad, nonce]) == sealed
    return " ".join(s.hex() or "-" for s in (key, nonce, ad, plain, sealed))


def random_cases(r, seal, key_len, nonce_lens):
    for length in [*range(34), 47, 48, 49, 63, 64, 65, 66, 80, 127, 128, 129,
                   200, 255]:
        for ad_len in {0, length, r.randrange(300)}:
            yield line(seal, r.randbytes(key_len),
                       r.randbytes(r.choice(nonce_lens)), r.randbytes(ad_len),
                       r.randbytes(length))


def chosen_tags(r, first):
    for counter in COUNTERS:
        counter = bytes.fromhex(counter)
        rest = r.randbytes(12)
        yield counter[::-1] + rest if first else rest + counter
    yield bytes(16)
    yield b"\xff" * 16


def solved_cases(r, seal, solve, key_len, nonce_len, first):
    for tag in chosen_tags(r, first):
        plain = None
        while plain is None:
            key, nonce = r.randbytes(key_len), r.randbytes(nonce_len)
            ad = r.randbytes(r.randrange(40))
            plain = solve(key, nonce, ad, r.randbytes(96), tag)
        assert tag in seal(key, nonce, ad, plain)
        yield line(seal, key, nonce, ad, plain)


def write(name, what, cases):
    with open(os.path.join(HERE, name), "w", encoding="ascii") as f:
        f.write(f"""\
# SPDX-License-Identifier: BSD-2-Clause
# {what}, written by make_aead.py.
# Key, nonce, associated data, plaintext, and what it is sealed into.
""")
        f.writelines(case + "\n" for case in cases)


def main():
    r = random.Random(8915)
    write("aes_siv.txt", "AES-SIV-CMAC-256", [
        *random_cases(r, siv_seal, 32, [16, 16, 17, 31, 32, 40]),
        *solved_cases(r, siv_seal, siv_solve, 32, 16, False)])
    write("aes_128_gcm_siv.txt", "AES-128-GCM-SIV", [
        *random_cases(r, gcm_siv_seal, 16, [12]),
        *solved_cases(r, gcm_siv_seal, gcm_siv_solve, 16, 12, True)])


if __name__ == "__main__":
    main()
