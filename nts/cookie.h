/* SPDX-License-Identifier: BSD-2-Clause */
/* Cookies: all that the server knows of a client, kept by the client. */
#ifndef NTS_COOKIE_H
#define NTS_COOKIE_H

#include "nts/keys.h"

/*
 * The id of a key of ours (4 bytes), a nonce (16), and, sealed with that key,
 * the client's two keys: 16 + 64 bytes or 16 + 32.  The length tells which
 * algorithm they are of, and the seal covers that.
 * RFC 8915, 6 has the idea.
 */
#define NTS_COOKIE_NONCE_LEN 16
#define NTS_COOKIE_MAX       (4 + NTS_COOKIE_NONCE_LEN + 16 + 2 * AEAD_KEY_MAX)

/* What NTS-KE agreed on. */
struct nts_cookie {
    enum aead_id aead;
    uint8_t c2s[AEAD_KEY_MAX]; /* aead_key_len() bytes of each */
    uint8_t s2c[AEAD_KEY_MAX];
};

/* 100 or 68 bytes, both multiples of 4; 0 for an algorithm that is not known.
 * Level: any. */
size_t nts_cookie_len(enum aead_id aead);

/*
 * Make a cookie: nts_cookie_len() bytes at `out`, no two of them alike, given
 * that `nonce` is random.
 * Returns its length, or 0 while there is no key to seal it with.
 * Level: any; see struct aes_cipher.
 */
size_t nts_cookie_seal(const struct nts_keys *k, const struct nts_cookie *c,
                       const uint8_t nonce[NTS_COOKIE_NONCE_LEN], uint8_t *out);

/*
 * Open a cookie: any `len` bytes.
 * Returns false, and `c` wiped, when it was not sealed with a key that is kept.
 * Level: as nts_cookie_seal().
 */
bool nts_cookie_open(const struct nts_keys *k, const uint8_t *bytes, size_t len,
                     struct nts_cookie *c);

#endif
