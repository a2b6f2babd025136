/* SPDX-License-Identifier: BSD-2-Clause */
/* Authenticated encryption for NTS: the two algorithms behind one shape. */
#ifndef NTS_AEAD_H
#define NTS_AEAD_H

#include "nts/aes.h"
#include "nts/gcm_siv.h"
#include "nts/siv.h"

/* Numbers of IANA's AEAD registry, RFC 5116. */
enum aead_id {
    AEAD_AES_SIV_CMAC_256 = 15, /* RFC 5297; every NTS implementation has it */
    AEAD_AES_128_GCM_SIV = 30,  /* RFC 8452 */
};

#define AEAD_KEY_MAX 32
#define AEAD_TAG_LEN 16 /* of either: what sealing adds */

/* One direction's key, ready for use.  2 KiB: mind the stack. */
struct aead {
    enum aead_id id;
    const struct aes_cipher *cipher;
    union {
        struct siv_key siv;
        struct gcm_siv_key gcm_siv;
    };
};

/* Bytes of a key: 32 or 16, or 0 for an algorithm that is not known.  Level:
 * any. */
size_t aead_key_len(enum aead_id id);

/*
 * N_MAX, the most bytes of nonce that the algorithm takes, as far as a server's
 * padding is concerned: 16 or 12, or 0 for an algorithm that is not known.
 * This is how long a nonce of ours is.
 * RFC 8915, 5.6.  Level: any.
 */
size_t aead_nonce_max(enum aead_id id);

/* May a nonce be that long?  SIV: 1 or more; GCM-SIV: 12 exactly.  Level:
 * any. */
bool aead_nonce_ok(enum aead_id id, size_t len);

/*
 * Expand a key of aead_key_len() bytes.  `id` is known.
 * Level: as the cipher; no allocation.
 */
void aead_init(struct aead *a, const struct aes_cipher *cipher, enum aead_id id,
               const uint8_t *key);

/*
 * Encrypt `len` bytes and authenticate them together with the associated data.
 *
 * `out` gets len + AEAD_TAG_LEN bytes, in the algorithm's own order (SIV: tag
 * first).  `plain` may be out + AEAD_TAG_LEN, or apart from `out`.  The nonce
 * satisfies aead_nonce_ok().
 * RFC 5116, 2.1.  Level: as the cipher.
 */
void aead_seal(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *plain,
               size_t len, uint8_t *out);

/*
 * Undo aead_seal().
 *
 * Returns true, with sealed_len - AEAD_TAG_LEN bytes at `plain`; or false, and
 * that room is wiped: not authentic, shorter than a tag, or a nonce that is not
 * aead_nonce_ok().  `plain` may be `sealed`, or apart from it.
 * RFC 5116, 2.2.  Level: as the cipher.
 */
bool aead_open(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
               size_t sealed_len, uint8_t *plain);

/* Forget the key, its bytes overwritten.  Level: any. */
void aead_wipe(struct aead *a);

#endif
