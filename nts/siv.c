/* SPDX-License-Identifier: BSD-2-Clause */
/* AES-SIV-CMAC-256: AES-128 in the mode of RFC 5297. */
#include "nts/siv.h"

#include "ntp/bytes.h"

#define AHEAD 4 /* blocks of key stream made at a time */

static void add(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] ^= from[i];
}

/* Times x in GF(2^128), without a branch on the secret.  RFC 5297, 2.3. */
static void dbl(uint8_t block[AES_BLOCK])
{
    uint64_t high = get_u64(block), low = get_u64(block + 8);

    put_u64(block, high << 1 | low >> 63);
    put_u64(block + 8, low << 1 ^ (0x87 & -(high >> 63)));
}

/* An unfinished CMAC. */
struct cmac {
    const struct siv_key *key;
    const struct aes_cipher *cipher;
    uint8_t sum[AES_BLOCK];
};

static struct cmac cmac_begin(const struct siv_key *k,
                              const struct aes_cipher *cipher)
{
    return (struct cmac){.key = k, .cipher = cipher};
}

/* Whole blocks, until no more than `keep` bytes are left; returns how many were
 * taken. */
static size_t cmac_take(struct cmac *c, const uint8_t *data, size_t len,
                        size_t keep)
{
    size_t taken = 0;

    for (; len - taken > keep; taken += AES_BLOCK) {
        add(c->sum, data + taken, AES_BLOCK);
        c->cipher->encrypt(&c->key->mac, c->sum, 1);
    }
    return taken;
}

/* The rest, whose last block is special; the result is c->sum.  RFC 4493, 2.4.
 */
static void cmac_end(struct cmac *c, const uint8_t *data, size_t len)
{
    size_t taken = cmac_take(c, data, len, AES_BLOCK);
    size_t left = len - taken;
    uint8_t subkey[AES_BLOCK];

    memcpy(subkey, c->key->subkey, AES_BLOCK);
    if (left < AES_BLOCK) {
        dbl(subkey);
        c->sum[left] ^= 0x80;
    }
    if (left > 0)
        add(c->sum, data + taken, left);
    add(c->sum, subkey, AES_BLOCK);
    c->cipher->encrypt(&c->key->mac, c->sum, 1);
}

/* CMAC of the plaintext with D added to its end (`xorend`). */
static void cmac_xorend(struct cmac *c, const uint8_t *plain, size_t len,
                        const uint8_t d[AES_BLOCK])
{
    uint8_t tail[2 * AES_BLOCK];
    size_t taken = cmac_take(c, plain, len, sizeof(tail));
    size_t left = len - taken;

    memcpy(tail, plain + taken, left);
    add(tail + left - AES_BLOCK, d, AES_BLOCK);
    cmac_end(c, tail, left);
}

/* RFC 5297, 2.4. */
static void s2v(const struct siv_key *k, const struct aes_cipher *cipher,
                const struct siv_string *strings, unsigned count,
                const uint8_t *plain, size_t len, uint8_t v[AES_BLOCK])
{
    struct cmac c;
    uint8_t d[AES_BLOCK];

    memcpy(d, k->zero_mac, AES_BLOCK);
    for (unsigned i = 0; i < count; i++) {
        c = cmac_begin(k, cipher);
        cmac_end(&c, strings[i].at, strings[i].len);
        dbl(d);
        add(d, c.sum, AES_BLOCK);
    }

    c = cmac_begin(k, cipher);
    if (len >= AES_BLOCK) {
        cmac_xorend(&c, plain, len, d);
    } else {
        dbl(d);
        if (len > 0)
            add(d, plain, len);
        d[len] ^= 0x80;
        cmac_end(&c, d, AES_BLOCK);
    }
    memcpy(v, c.sum, AES_BLOCK);
}

/*
 * Encrypt or decrypt.  The counter starts at V without the bits 31 and 63, so
 * that adding to it never carries out of its last 32 bits.
 * RFC 5297, 2.5.  `out` may be `in`, or begin before it.
 */
static void ctr(const struct siv_key *k, const struct aes_cipher *cipher,
                const uint8_t v[AES_BLOCK], const uint8_t *in, size_t len,
                uint8_t *out)
{
    uint8_t stream[AHEAD][AES_BLOCK];
    uint8_t q[AES_BLOCK];

    memcpy(q, v, AES_BLOCK);
    q[8] &= 0x7f;
    q[12] &= 0x7f;
    uint32_t counter = get_u32(q + 12);

    while (len > 0) {
        size_t some = len < sizeof(stream) ? len : sizeof(stream);
        size_t blocks = (some + AES_BLOCK - 1) / AES_BLOCK;

        for (size_t i = 0; i < blocks; i++) {
            memcpy(stream[i], q, 12);
            put_u32(stream[i] + 12, counter++);
        }
        cipher->encrypt(&k->ctr, stream[0], blocks);
        for (size_t i = 0; i < some; i++)
            out[i] = in[i] ^ stream[i / AES_BLOCK][i % AES_BLOCK];
        in += some;
        out += some;
        len -= some;
    }
}

void siv_init(struct siv_key *k, const struct aes_cipher *cipher,
              const uint8_t key[SIV_KEY_LEN])
{
    cipher->expand(&k->mac, key, 128);
    cipher->expand(&k->ctr, key + 16, 128);

    memset(k->subkey, 0, AES_BLOCK);
    cipher->encrypt(&k->mac, k->subkey, 1);
    dbl(k->subkey);

    memcpy(k->zero_mac, k->subkey, AES_BLOCK);
    cipher->encrypt(&k->mac, k->zero_mac, 1);
}

void siv_seal(const struct siv_key *k, const struct aes_cipher *cipher,
              const struct siv_string *strings, unsigned count,
              const uint8_t *plain, size_t len, uint8_t *out)
{
    uint8_t v[AES_BLOCK];

    s2v(k, cipher, strings, count, plain, len, v);
    ctr(k, cipher, v, plain, len, out + SIV_TAG_LEN);
    memcpy(out, v, SIV_TAG_LEN);
}

bool siv_open(const struct siv_key *k, const struct aes_cipher *cipher,
              const struct siv_string *strings, unsigned count,
              const uint8_t *sealed, size_t sealed_len, uint8_t *plain)
{
    uint8_t v[AES_BLOCK], right[AES_BLOCK];

    if (sealed_len < SIV_TAG_LEN)
        return false;

    size_t len = sealed_len - SIV_TAG_LEN;
    memcpy(v, sealed, SIV_TAG_LEN);
    ctr(k, cipher, v, sealed + SIV_TAG_LEN, len, plain);
    s2v(k, cipher, strings, count, plain, len, right);
    if (!aes_block_equal(v, right)) {
        aes_wipe(plain, len);
        return false;
    }
    return true;
}
