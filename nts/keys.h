/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys that cookies are sealed with: the current one, and two before. */
#ifndef NTS_KEYS_H
#define NTS_KEYS_H

#include "nts/aead.h"

#include <stdatomic.h>

#define NTS_KEYS_KEPT 3 /* the current one, and two before it */
#define NTS_KEY_LEN   32

/* A key as it is stored, or given in a file. */
struct nts_key_bytes {
    uint32_t id; /* stands in front of its cookies, in the clear */
    uint8_t key[NTS_KEY_LEN];
};

/* A key ready for use. */
struct nts_key {
    struct nts_key_bytes bytes;
    struct aead aead; /* AES-SIV-CMAC-256, which forgives a repeated nonce */
};

/*
 * One slot more than are kept: the next key is made ready in the spare one
 * while interrupt level goes on with the others.
 */
#define NTS_KEYS_SLOTS (NTS_KEYS_KEPT + 1)

/* Written by the background, read at any level.  Zeroed: no keys. */
struct nts_keys {
    const struct aes_cipher *cipher;
    struct nts_key slot[NTS_KEYS_SLOTS];
    _Atomic uint32_t live; /* newest slot * 8 + how many, backwards from it */
};

/* No keys yet: no cookie is made or accepted.  Level: boot. */
void nts_keys_init(struct nts_keys *k, const struct aes_cipher *cipher);

/*
 * Have these keys and no others: 1 to NTS_KEYS_KEPT of them, newest first.
 * Level: boot; later, background with interrupts off.
 */
void nts_keys_load(struct nts_keys *k, const struct nts_key_bytes *bytes,
                   unsigned count);

/*
 * Seal with `fresh` from now on; its id is that of no other key.  The oldest of
 * NTS_KEYS_KEPT is retired: its cookies are refused.
 * RFC 8915, 6.  Level: background.
 */
void nts_keys_rotate(struct nts_keys *k, const struct nts_key_bytes *fresh);

/*
 * Wipe the key that was retired, once every CPU has passed an interrupt since
 * nts_keys_rotate(): no reader has it in hand any more.  Before the next
 * rotation at the latest.
 * Level: background.
 */
void nts_keys_sweep(struct nts_keys *k);

/* The bytes of all keys, newest first; returns how many.  Level: background. */
unsigned nts_keys_save(const struct nts_keys *k,
                       struct nts_key_bytes bytes[NTS_KEYS_KEPT]);

/*
 * The key to seal with, or that with an id; NULL if there is none.  Good until
 * the second rotation after.
 * Level: any.
 */
const struct nts_key *nts_keys_newest(const struct nts_keys *k);
const struct nts_key *nts_keys_find(const struct nts_keys *k, uint32_t id);

#endif
