/* SPDX-License-Identifier: BSD-2-Clause */
/* Authenticated encryption for NTS: the two algorithms behind one shape. */
#include "nts/aead.h"

_Static_assert(AEAD_TAG_LEN == SIV_TAG_LEN && AEAD_TAG_LEN == GCM_SIV_TAG_LEN,
               "both algorithms have tags of the same length");
_Static_assert(AEAD_KEY_MAX >= SIV_KEY_LEN && AEAD_KEY_MAX >= GCM_SIV_KEY_LEN,
               "the keys of both algorithms fit");

#define SIV_NONCE_LEN 16 /* any length will do; RFC 8915, 5.6 has 16 */

size_t aead_key_len(enum aead_id id)
{
    switch (id) {
    case AEAD_AES_SIV_CMAC_256:
        return SIV_KEY_LEN;
    case AEAD_AES_128_GCM_SIV:
        return GCM_SIV_KEY_LEN;
    }
    return 0;
}

size_t aead_nonce_max(enum aead_id id)
{
    switch (id) {
    case AEAD_AES_SIV_CMAC_256:
        return SIV_NONCE_LEN;
    case AEAD_AES_128_GCM_SIV:
        return GCM_SIV_NONCE_LEN;
    }
    return 0;
}

bool aead_nonce_ok(enum aead_id id, size_t len)
{
    switch (id) {
    case AEAD_AES_SIV_CMAC_256:
        return len > 0; /* RFC 5297, 6.1: N_MIN */
    case AEAD_AES_128_GCM_SIV:
        return len == GCM_SIV_NONCE_LEN;
    }
    return false;
}

void aead_init(struct aead *a, const struct aes_cipher *cipher, enum aead_id id,
               const uint8_t *key)
{
    a->id = id;
    a->cipher = cipher;
    switch (id) {
    case AEAD_AES_SIV_CMAC_256:
        siv_init(&a->siv, cipher, key);
        break;
    case AEAD_AES_128_GCM_SIV:
        gcm_siv_init(&a->gcm_siv, cipher, key);
        break;
    }
}

void aead_seal(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *plain,
               size_t len, uint8_t *out)
{
    const struct siv_string strings[] = {{ad, ad_len}, {nonce, nonce_len}};

    switch (a->id) {
    case AEAD_AES_SIV_CMAC_256:
        siv_seal(&a->siv, a->cipher, strings, 2, plain, len, out);
        break;
    case AEAD_AES_128_GCM_SIV:
        gcm_siv_seal(&a->gcm_siv, a->cipher, nonce, ad, ad_len, plain, len,
                     out);
        break;
    }
}

bool aead_open(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
               size_t sealed_len, uint8_t *plain)
{
    const struct siv_string strings[] = {{ad, ad_len}, {nonce, nonce_len}};

    if (sealed_len < AEAD_TAG_LEN)
        return false;
    if (!aead_nonce_ok(a->id, nonce_len)) {
        aes_wipe(plain, sealed_len - AEAD_TAG_LEN);
        return false;
    }

    if (a->id == AEAD_AES_SIV_CMAC_256)
        return siv_open(&a->siv, a->cipher, strings, 2, sealed, sealed_len,
                        plain);
    return gcm_siv_open(&a->gcm_siv, a->cipher, nonce, ad, ad_len, sealed,
                        sealed_len, plain);
}

void aead_wipe(struct aead *a)
{
    aes_wipe(a, sizeof(*a));
}
