/* SPDX-License-Identifier: BSD-2-Clause */
/* A random generator: ChaCha20 with fast key erasure; health tests. */
#include "arch/rng.h"

#include <string.h>

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

void chacha20_block(uint32_t out[16], const uint32_t key[8], uint32_t counter,
                    const uint32_t nonce[3])
{
    const uint32_t start[16] = {
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, /* RFC 8439, 2.3 */
        key[0],     key[1],     key[2],     key[3],     key[4],   key[5],
        key[6],     key[7],     counter,    nonce[0],   nonce[1], nonce[2],
    };
    uint32_t s[16];

    memcpy(s, start, sizeof s);
    for (unsigned round = 0; round < 20; round += 2) {
        for (unsigned i = 0; i < 4; i++)
            quarter(&s[i], &s[4 + i], &s[8 + i], &s[12 + i]);
        for (unsigned i = 0; i < 4; i++)
            quarter(&s[i], &s[4 + (i + 1) % 4], &s[8 + (i + 2) % 4],
                    &s[12 + (i + 3) % 4]);
    }
    for (unsigned i = 0; i < 16; i++)
        out[i] = s[i] + start[i];
}

/* A memset() that stays, though nobody reads the bytes again. */
static void wipe(void *data, size_t len)
{
    memset(data, 0, len);
    __asm__ volatile("" : : "r"(data) : "memory");
}

/* Nonces keep the generator's two uses of its key apart. */
static const uint32_t nonce_output[3] = {0, 0, 1};

/* A new key and a full pool, both from the old key, which is gone then. */
static void refill(struct rng *r)
{
    uint32_t block[RNG_BLOCKS][16];

    for (uint32_t i = 0; i < RNG_BLOCKS; i++)
        chacha20_block(block[i], r->key, i, nonce_output);
    memcpy(r->key, block, sizeof r->key);
    memcpy(r->pool, (const uint8_t *)block + sizeof r->key, sizeof r->pool);
    r->left = sizeof r->pool;
    wipe(block, sizeof block);
}

void rng_mix(struct rng *r, const void *data, size_t len)
{
    const uint8_t *at = data;
    uint32_t counter = 0;

    wipe(r->pool, sizeof r->pool);
    r->left = 0;

    do {
        uint32_t chunk[8] = {0};
        uint32_t block[16];
        size_t n = len < sizeof chunk ? len : sizeof chunk;
        /* The length tells a short chunk from one that ends in zeros. */
        const uint32_t nonce_mix[3] = {(uint32_t)n, 0, 2};

        memcpy(chunk, at, n);
        for (unsigned i = 0; i < 8; i++)
            r->key[i] ^= chunk[i];
        chacha20_block(block, r->key, counter++, nonce_mix);
        memcpy(r->key, block, sizeof r->key);
        wipe(block, sizeof block);
        wipe(chunk, sizeof chunk);
        at += n;
        len -= n;
    } while (len > 0);
}

void rng_ready(struct rng *r)
{
    r->seeded = true;
}

void rng_fill(struct rng *r, void *buf, size_t len)
{
    uint8_t *out = buf;

    while (len > 0) {
        if (r->left == 0)
            refill(r);

        size_t n = len < r->left ? len : r->left;
        uint8_t *from = r->pool + sizeof r->pool - r->left;

        memcpy(out, from, n);
        wipe(from, n);
        r->left -= (uint16_t)n;
        out += n;
        len -= n;
    }
}

static bool repeats_too_often(struct health *h, uint8_t sample)
{
    if (h->samples == 0 || sample != h->last) {
        h->last = sample;
        h->repeats = 1;
        return false;
    }
    h->repeats++;
    return h->repeats >= HEALTH_REPEAT_CUTOFF;
}

static bool is_out_of_proportion(struct health *h, uint8_t sample)
{
    if (h->seen == 0) {
        h->first = sample;
        h->same = 0;
    }
    if (sample == h->first)
        h->same++;
    h->seen++;
    if (h->seen == HEALTH_WINDOW)
        h->seen = 0;
    return h->same >= HEALTH_PROPORTION_CUTOFF;
}

bool health_sample(struct health *h, uint8_t sample)
{
    bool repeats = repeats_too_often(h, sample);
    bool proportion = is_out_of_proportion(h, sample);

    if (repeats || proportion)
        h->failed = true;
    if (h->samples < UINT32_MAX)
        h->samples++;
    return !h->failed;
}
