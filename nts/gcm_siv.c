/* SPDX-License-Identifier: BSD-2-Clause */
/* AES-128-GCM-SIV, RFC 8452. */
#include "nts/gcm_siv.h"

#define AHEAD 4 /* blocks of key stream made at a time */

/* The two keys of one nonce. */
struct message_keys {
    struct aes_key encryption;
    uint8_t authentication[AES_BLOCK];
};

static void put_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 |
           p[0];
}

static void put_le64(uint8_t *p, uint64_t v)
{
    put_le32(p, (uint32_t)v);
    put_le32(p + 4, (uint32_t)(v >> 32));
}

/* The first halves of four blocks are the two keys.  RFC 8452, 4. */
static void derive_keys(struct message_keys *m, const struct gcm_siv_key *k,
                        const struct aes_cipher *cipher,
                        const uint8_t nonce[GCM_SIV_NONCE_LEN])
{
    uint8_t blocks[4][AES_BLOCK];
    uint8_t encryption[AES_BLOCK];

    for (unsigned i = 0; i < 4; i++) {
        put_le32(blocks[i], i);
        memcpy(blocks[i] + 4, nonce, GCM_SIV_NONCE_LEN);
    }
    cipher->encrypt(&k->generating, blocks[0], 4);

    memcpy(m->authentication, blocks[0], 8);
    memcpy(m->authentication + 8, blocks[1], 8);
    memcpy(encryption, blocks[2], 8);
    memcpy(encryption + 8, blocks[3], 8);
    cipher->expand(&m->encryption, encryption, 128);
    aes_wipe(blocks, sizeof(blocks));
    aes_wipe(encryption, sizeof(encryption));
}

/* A string, filled up with zeros to whole blocks. */
static void polyval_padded(const struct message_keys *m,
                           const struct aes_cipher *cipher,
                           uint8_t acc[AES_BLOCK], const uint8_t *data,
                           size_t len)
{
    uint8_t last[AES_BLOCK] = {0};
    size_t partial = len % AES_BLOCK;

    cipher->polyval(acc, m->authentication, data, len / AES_BLOCK);
    if (partial > 0) {
        memcpy(last, data + len - partial, partial);
        cipher->polyval(acc, m->authentication, last, 1);
    }
}

/* RFC 8452, 4. */
static void make_tag(const struct message_keys *m,
                     const struct aes_cipher *cipher,
                     const uint8_t nonce[GCM_SIV_NONCE_LEN], const uint8_t *ad,
                     size_t ad_len, const uint8_t *plain, size_t len,
                     uint8_t tag[AES_BLOCK])
{
    uint8_t lengths[AES_BLOCK];

    memset(tag, 0, AES_BLOCK);
    polyval_padded(m, cipher, tag, ad, ad_len);
    polyval_padded(m, cipher, tag, plain, len);
    put_le64(lengths, (uint64_t)ad_len * 8);
    put_le64(lengths + 8, (uint64_t)len * 8);
    cipher->polyval(tag, m->authentication, lengths, 1);

    for (size_t i = 0; i < GCM_SIV_NONCE_LEN; i++)
        tag[i] ^= nonce[i];
    tag[AES_BLOCK - 1] &= 0x7f;
    cipher->encrypt(&m->encryption, tag, 1);
}

/*
 * Encrypt or decrypt.  The counter is the first 32 bits and wraps by itself.
 * RFC 8452, 4.  `out` may be `in`, or begin before it.
 */
static void ctr(const struct message_keys *m, const struct aes_cipher *cipher,
                const uint8_t tag[AES_BLOCK], const uint8_t *in, size_t len,
                uint8_t *out)
{
    uint8_t stream[AHEAD][AES_BLOCK];
    uint32_t counter = get_le32(tag);

    while (len > 0) {
        size_t some = len < sizeof(stream) ? len : sizeof(stream);
        size_t blocks = (some + AES_BLOCK - 1) / AES_BLOCK;

        for (size_t i = 0; i < blocks; i++) {
            put_le32(stream[i], counter++);
            memcpy(stream[i] + 4, tag + 4, 12);
            stream[i][AES_BLOCK - 1] |= 0x80;
        }
        cipher->encrypt(&m->encryption, stream[0], blocks);
        for (size_t i = 0; i < some; i++)
            out[i] = in[i] ^ stream[i / AES_BLOCK][i % AES_BLOCK];
        in += some;
        out += some;
        len -= some;
    }
}

void gcm_siv_init(struct gcm_siv_key *k, const struct aes_cipher *cipher,
                  const uint8_t key[GCM_SIV_KEY_LEN])
{
    cipher->expand(&k->generating, key, 128);
}

void gcm_siv_seal(const struct gcm_siv_key *k, const struct aes_cipher *cipher,
                  const uint8_t nonce[GCM_SIV_NONCE_LEN], const uint8_t *ad,
                  size_t ad_len, const uint8_t *plain, size_t len, uint8_t *out)
{
    struct message_keys m;
    uint8_t tag[AES_BLOCK];

    derive_keys(&m, k, cipher, nonce);
    make_tag(&m, cipher, nonce, ad, ad_len, plain, len, tag);
    ctr(&m, cipher, tag, plain, len, out);
    memcpy(out + len, tag, GCM_SIV_TAG_LEN);
    aes_wipe(&m, sizeof(m));
}

bool gcm_siv_open(const struct gcm_siv_key *k, const struct aes_cipher *cipher,
                  const uint8_t nonce[GCM_SIV_NONCE_LEN], const uint8_t *ad,
                  size_t ad_len, const uint8_t *sealed, size_t sealed_len,
                  uint8_t *plain)
{
    struct message_keys m;
    uint8_t tag[AES_BLOCK], right[AES_BLOCK];

    if (sealed_len < GCM_SIV_TAG_LEN)
        return false;

    size_t len = sealed_len - GCM_SIV_TAG_LEN;
    memcpy(tag, sealed + len, GCM_SIV_TAG_LEN);
    derive_keys(&m, k, cipher, nonce);
    ctr(&m, cipher, tag, sealed, len, plain);
    make_tag(&m, cipher, nonce, ad, ad_len, plain, len, right);
    aes_wipe(&m, sizeof(m));
    if (!aes_block_equal(tag, right)) {
        aes_wipe(plain, len);
        return false;
    }
    return true;
}
