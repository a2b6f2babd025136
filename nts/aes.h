/* SPDX-License-Identifier: BSD-2-Clause */
/* One block cipher, two ways: by instruction, and in constant time. */
#ifndef NTS_AES_H
#define NTS_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define AES_BLOCK 16

/*
 * An expanded key of AES-128 or AES-256, for encryption alone: no mode here
 * runs the cipher backwards.  Only the cipher that filled it can read it.
 */
struct aes_key {
    union {
        uint8_t round[15][AES_BLOCK]; /* as the instructions take them */
        uint64_t sliced[15 * 8];      /* for four blocks side by side */
    } __attribute__((aligned(16)));
    unsigned rounds;
};

/* A way to do it.  All of it: level any, but aes_ni between simd_begin() and
 * simd_end() at interrupt level. */
struct aes_cipher {
    const char *name; /* for the console */

    /* `bits` is 128 or 256. */
    void (*expand)(struct aes_key *key, const uint8_t *bytes, size_t bits);

    /* Each of `count` blocks by itself, in place.  Four cost less than four
     * times one. */
    void (*encrypt)(const struct aes_key *key, uint8_t *blocks, size_t count);

    /* POLYVAL of RFC 8452, 3: for each of `count` blocks, add it to `acc` and
     * multiply that by `h`. */
    void (*polyval)(uint8_t acc[AES_BLOCK], const uint8_t h[AES_BLOCK],
                    const uint8_t *blocks, size_t count);
};

/* By AES-NI and PCLMULQDQ, which the processor must have. */
extern const struct aes_cipher aes_ni;

/* By plain integer instructions, no address of which depends on a secret. */
extern const struct aes_cipher aes_ct;

/* The one to use, given whether the processor has both kinds of instruction. */
static inline const struct aes_cipher *aes_choose(bool has_aes_and_pclmul)
{
    return has_aes_and_pclmul ? &aes_ni : &aes_ct;
}

/* Overwrite a secret that is done with, and do not optimise that away. */
static inline void aes_wipe(void *secret, size_t len)
{
    memset(secret, 0, len);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

/* Are two blocks equal?  In constant time. */
static inline bool aes_block_equal(const uint8_t *a, const uint8_t *b)
{
    uint8_t differ = 0;

    for (size_t i = 0; i < AES_BLOCK; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
}

#endif
