/* SPDX-License-Identifier: BSD-2-Clause */
/* AES-128-GCM-SIV, RFC 8452. */
#ifndef NTS_GCM_SIV_H
#define NTS_GCM_SIV_H

#include "nts/aes.h"

#define GCM_SIV_KEY_LEN   16
#define GCM_SIV_NONCE_LEN 12
#define GCM_SIV_TAG_LEN   16

/* The key-generating key; each nonce has keys of its own. */
struct gcm_siv_key {
    struct aes_key generating;
};

/* Expand a key.  Level: as the cipher. */
void gcm_siv_init(struct gcm_siv_key *k, const struct aes_cipher *cipher,
                  const uint8_t key[GCM_SIV_KEY_LEN]);

/*
 * Seal `len` bytes, which authenticates `ad` too: `out` gets the ciphertext and
 * then the tag.  `plain` may be out, out + GCM_SIV_TAG_LEN, or apart from
 * `out`.
 * RFC 8452, 4.  Level: as the cipher.
 */
void gcm_siv_seal(const struct gcm_siv_key *k, const struct aes_cipher *cipher,
                  const uint8_t nonce[GCM_SIV_NONCE_LEN], const uint8_t *ad,
                  size_t ad_len, const uint8_t *plain, size_t len,
                  uint8_t *out);

/*
 * Open what gcm_siv_seal() made: true, and sealed_len - GCM_SIV_TAG_LEN bytes
 * at `plain`; or false, and none of them.  `plain` may be `sealed`, or apart
 * from it.
 * RFC 8452, 5.  Level: as the cipher.
 */
bool gcm_siv_open(const struct gcm_siv_key *k, const struct aes_cipher *cipher,
                  const uint8_t nonce[GCM_SIV_NONCE_LEN], const uint8_t *ad,
                  size_t ad_len, const uint8_t *sealed, size_t sealed_len,
                  uint8_t *plain);

#endif
