/* SPDX-License-Identifier: BSD-2-Clause */
/* Cookies: all that the server knows of a client, kept by the client. */
#include "nts/cookie.h"

#include "ntp/bytes.h"

#include <string.h>

/* Where things are in a cookie. */
#define NONCE_AT  4
#define SEALED_AT (NONCE_AT + NTS_COOKIE_NONCE_LEN)
#define OVERHEAD  (SEALED_AT + AEAD_TAG_LEN)

/* The algorithm, as its number: associated data of the seal. */
#define AD_LEN 2

size_t nts_cookie_len(enum aead_id aead)
{
    size_t key_len = aead_key_len(aead);

    return key_len > 0 ? OVERHEAD + 2 * key_len : 0;
}

size_t nts_cookie_seal(const struct nts_keys *k, const struct nts_cookie *c,
                       const uint8_t nonce[NTS_COOKIE_NONCE_LEN], uint8_t *out)
{
    const struct nts_key *key = nts_keys_newest(k);
    size_t key_len = aead_key_len(c->aead);
    uint8_t ad[AD_LEN];
    uint8_t *sealed = out + SEALED_AT;
    uint8_t *plain = sealed + AEAD_TAG_LEN;

    if (key == NULL || key_len == 0)
        return 0;

    put_u16(ad, (uint16_t)c->aead);
    put_u32(out, key->bytes.id);
    memcpy(out + NONCE_AT, nonce, NTS_COOKIE_NONCE_LEN);
    memcpy(plain, c->c2s, key_len);
    memcpy(plain + key_len, c->s2c, key_len);
    aead_seal(&key->aead, out + NONCE_AT, NTS_COOKIE_NONCE_LEN, ad, sizeof(ad),
              plain, 2 * key_len, sealed);
    return OVERHEAD + 2 * key_len;
}

/* The algorithm whose cookies are that long; false if there is none. */
static bool algorithm_of(size_t len, enum aead_id *aead)
{
    static const enum aead_id known[] = {AEAD_AES_SIV_CMAC_256,
                                         AEAD_AES_128_GCM_SIV};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (nts_cookie_len(known[i]) == len) {
            *aead = known[i];
            return true;
        }
    return false;
}

bool nts_cookie_open(const struct nts_keys *k, const uint8_t *bytes, size_t len,
                     struct nts_cookie *c)
{
    uint8_t ad[AD_LEN];
    uint8_t plain[2 * AEAD_KEY_MAX];

    memset(c, 0, sizeof(*c));
    if (!algorithm_of(len, &c->aead))
        return false;

    const struct nts_key *key = nts_keys_find(k, get_u32(bytes));
    size_t key_len = aead_key_len(c->aead);

    if (key == NULL)
        return false;

    put_u16(ad, (uint16_t)c->aead);
    if (!aead_open(&key->aead, bytes + NONCE_AT, NTS_COOKIE_NONCE_LEN, ad,
                   sizeof(ad), bytes + SEALED_AT, len - SEALED_AT, plain))
        return false;

    memcpy(c->c2s, plain, key_len);
    memcpy(c->s2c, plain + key_len, key_len);
    aes_wipe(plain, sizeof(plain));
    return true;
}
