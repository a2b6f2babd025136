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

void rng_mix(struct rng *r, const void *data, size_t len)
{
    const uint8_t *at = data;
    uint32_t counter = 0;

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

void rng_fill(struct rng *r, const uint64_t fresh[RNG_FRESH], void *buf,
              size_t len)
{
    /* The last word keeps the two uses of a key apart. */
    const uint32_t nonce_output[3] = {(uint32_t)fresh[0],
                                      (uint32_t)(fresh[0] >> 32), 1};
    uint8_t *out = buf;
    uint32_t block[16];
    uint32_t key[8];
    uint32_t counter = 0;
    size_t at = sizeof r->key;

    for (unsigned i = 1; i < RNG_FRESH; i++) {
        r->key[2 * i - 2] ^= (uint32_t)fresh[i];
        r->key[2 * i - 1] ^= (uint32_t)(fresh[i] >> 32);
    }
    memcpy(key, r->key, sizeof key);
    chacha20_block(block, key, counter++, nonce_output);
    memcpy(r->key, block, sizeof r->key);
    while (len > 0) {
        if (at == sizeof block) {
            chacha20_block(block, key, counter++, nonce_output);
            at = 0;
        }

        size_t n = len < sizeof block - at ? len : sizeof block - at;

        memcpy(out, (const uint8_t *)block + at, n);
        at += n;
        out += n;
        len -= n;
    }
    wipe(key, sizeof key);
    wipe(block, sizeof block);
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
