/* SPDX-License-Identifier: BSD-2-Clause */
/* A random generator: ChaCha20 with fast key erasure; health tests. */
#ifndef ARCH_RNG_H
#define ARCH_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 8439, 2.3: one block.  Level: any. */
void chacha20_block(uint32_t out[16], const uint32_t key[8], uint32_t counter,
                    const uint32_t nonce[3]);

/*
 * One level's, or one CPU's, own generator: nothing but a key, so that its
 * state says nothing of what it gave out.  Zero is "not seeded".
 */
struct rng {
    uint32_t key[8];
    bool seeded;
};

/* Words of what a copy of the generator does not have. */
#define RNG_FRESH 3

/* Mix in any bytes; they are never the worse for it.  Level: the owner's. */
void rng_mix(struct rng *r, const void *data, size_t len);

/* Mark it seeded: entropy enough was mixed in.  Level: the owner's. */
void rng_ready(struct rng *r);

/*
 * `len` random bytes, and a new key, from the key and from `fresh`: where two
 * generators had one key, they have two from there on if that differs.
 * From a generator that was never seeded they are not random; the owner asks
 * `seeded` first where that matters.
 * Level: the owner's.
 */
void rng_fill(struct rng *r, const uint64_t fresh[RNG_FRESH], void *buf,
              size_t len);

/*
 * SP 800-90B, 4.4: repetition count and adaptive proportion, over samples of
 * eight bits, for a source claimed to give half a bit each; false alarm
 * 2^-30.
 */
#define HEALTH_REPEAT_CUTOFF     61
#define HEALTH_WINDOW            512
#define HEALTH_PROPORTION_CUTOFF 422

struct health {
    uint8_t last;     /* repetition count: this sample */
    uint16_t repeats; /* this often in a row */
    uint8_t first;    /* adaptive proportion: the window's first sample */
    uint16_t seen;    /* samples in this window */
    uint16_t same;    /* of them equal to the first */
    uint32_t samples; /* in all, saturating */
    bool failed;      /* once failed, for ever */
};

/* Take a sample; returns false once the source has failed.  Level: any. */
bool health_sample(struct health *h, uint8_t sample);

#endif
