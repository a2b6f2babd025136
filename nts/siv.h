/* SPDX-License-Identifier: BSD-2-Clause */
/* AES-SIV-CMAC-256: AES-128 in the mode of RFC 5297. */
#ifndef NTS_SIV_H
#define NTS_SIV_H

#include "nts/aes.h"

#define SIV_KEY_LEN 32
#define SIV_TAG_LEN 16 /* the synthetic initialisation vector */

struct siv_key {
    struct aes_key mac, ctr;
    uint8_t subkey[AES_BLOCK];   /* K1 of CMAC, RFC 4493, 2.3 */
    uint8_t zero_mac[AES_BLOCK]; /* CMAC of a zero block: where S2V begins */
};

/* One of the strings that are authenticated besides the plaintext. */
struct siv_string {
    const uint8_t *at;
    size_t len;
};

/* Expand a key: the first half authenticates, the second encrypts.  Level: as
 * the cipher. */
void siv_init(struct siv_key *k, const struct aes_cipher *cipher,
              const uint8_t key[SIV_KEY_LEN]);

/*
 * Seal `len` bytes: `out` gets the tag and then the ciphertext.  `plain` may be
 * out + SIV_TAG_LEN, or apart from `out`.  A nonce is the last of the strings
 * (RFC 5297, 3).
 * RFC 5297, 2.6.  Level: as the cipher.
 */
void siv_seal(const struct siv_key *k, const struct aes_cipher *cipher,
              const struct siv_string *strings, unsigned count,
              const uint8_t *plain, size_t len, uint8_t *out);

/*
 * Open what siv_seal() made: true, and sealed_len - SIV_TAG_LEN bytes at
 * `plain`; or false, and none of them.  `plain` may be `sealed`, or apart
 * from it.
 * RFC 5297, 2.7.  Level: as the cipher.
 */
bool siv_open(const struct siv_key *k, const struct aes_cipher *cipher,
              const struct siv_string *strings, unsigned count,
              const uint8_t *sealed, size_t sealed_len, uint8_t *plain);

#endif
