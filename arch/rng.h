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

#define RNG_BLOCKS 4

/*
 * One level's, or one CPU's, own generator; wiped of what it gave out, so that
 * its state says nothing of the past.  Zero is "not seeded".
 */
struct rng {
    uint32_t key[8];
    uint8_t pool[RNG_BLOCKS * 64 - 32];
    uint16_t left; /* unused bytes, at the end of the pool */
    bool seeded;
};

/* Mix in any bytes; they are never the worse for it.  Level: the owner's. */
void rng_mix(struct rng *r, const void *data, size_t len);

/* Mark it seeded: entropy enough was mixed in.  Level: the owner's. */
void rng_ready(struct rng *r);

/*
 * `len` random bytes.  From a generator that was never seeded they are not
 * random; the owner asks `seeded` first where that matters.
 * Level: the owner's.
 */
void rng_fill(struct rng *r, void *buf, size_t len);

static inline uint64_t rng_u64(struct rng *r)
{
    uint64_t value;

    rng_fill(r, &value, sizeof value);
    return value;
}

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
