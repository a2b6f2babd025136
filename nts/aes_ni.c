/* SPDX-License-Identifier: BSD-2-Clause */
/* The block cipher by AES-NI and PCLMULQDQ: the only vector code of ours. */
#include "nts/aes.h"

#include <wmmintrin.h>

#define BY_INSTRUCTION __attribute__((target("aes,pclmul")))

#define LANES 4 /* as many as hide the latency of a round */

BY_INSTRUCTION
static __m128i load(const uint8_t *block)
{
    return _mm_loadu_si128((const __m128i *)(const void *)block);
}

BY_INSTRUCTION
static void store(uint8_t *block, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)block, v);
}

/* Each word becomes the sum of itself and those before it. */
BY_INSTRUCTION
static __m128i running_sum(__m128i v)
{
    v = _mm_xor_si128(v, _mm_slli_si128(v, 4));
    return _mm_xor_si128(v, _mm_slli_si128(v, 8));
}

/* FIPS 197, 5.2.  `span` is the length of the key in blocks, 1 or 2. */
BY_INSTRUCTION
static void expand(struct aes_key *key, const uint8_t *bytes, size_t bits)
{
    unsigned span = (unsigned)bits / 128;
    unsigned rcon = 1;

    key->rounds = 6 + (unsigned)bits / 32;
    for (unsigned i = 0; i < span; i++)
        store(key->round[i], load(bytes + AES_BLOCK * i));

    for (unsigned i = span; i <= key->rounds; i++) {
        /* SubWord of the last word, and RotWord of that above it. */
        __m128i assist = _mm_aeskeygenassist_si128(load(key->round[i - 1]), 0);
        __m128i mixed;

        if (i % span == 0) {
            mixed = _mm_xor_si128(_mm_shuffle_epi32(assist, 0xff),
                                  _mm_set1_epi32((int)rcon));
            rcon = rcon << 1 ^ (rcon >> 7) * 0x11b;
        } else {
            mixed = _mm_shuffle_epi32(assist, 0xaa);
        }
        store(key->round[i],
              _mm_xor_si128(running_sum(load(key->round[i - span])), mixed));
    }
}

BY_INSTRUCTION
static void encrypt_lanes(const struct aes_key *key, uint8_t *blocks)
{
    __m128i round = load(key->round[0]);
    __m128i a = _mm_xor_si128(load(blocks), round);
    __m128i b = _mm_xor_si128(load(blocks + AES_BLOCK), round);
    __m128i c = _mm_xor_si128(load(blocks + 2 * AES_BLOCK), round);
    __m128i d = _mm_xor_si128(load(blocks + 3 * AES_BLOCK), round);

    for (unsigned i = 1; i < key->rounds; i++) {
        round = load(key->round[i]);
        a = _mm_aesenc_si128(a, round);
        b = _mm_aesenc_si128(b, round);
        c = _mm_aesenc_si128(c, round);
        d = _mm_aesenc_si128(d, round);
    }
    round = load(key->round[key->rounds]);
    store(blocks, _mm_aesenclast_si128(a, round));
    store(blocks + AES_BLOCK, _mm_aesenclast_si128(b, round));
    store(blocks + 2 * AES_BLOCK, _mm_aesenclast_si128(c, round));
    store(blocks + 3 * AES_BLOCK, _mm_aesenclast_si128(d, round));
}

BY_INSTRUCTION
static void encrypt_one(const struct aes_key *key, uint8_t *block)
{
    __m128i a = _mm_xor_si128(load(block), load(key->round[0]));

    for (unsigned i = 1; i < key->rounds; i++)
        a = _mm_aesenc_si128(a, load(key->round[i]));
    store(block, _mm_aesenclast_si128(a, load(key->round[key->rounds])));
}

BY_INSTRUCTION
static void encrypt(const struct aes_key *key, uint8_t *blocks, size_t count)
{
    for (; count >= LANES; count -= LANES) {
        encrypt_lanes(key, blocks);
        blocks += LANES * AES_BLOCK;
    }
    for (; count > 0; count--) {
        encrypt_one(key, blocks);
        blocks += AES_BLOCK;
    }
}

/*
 * One half of dividing by x^128: clear the low 64 bits by adding a multiple of
 * the polynomial x^128 + x^127 + x^126 + x^121 + 1, and move the rest down.
 */
BY_INSTRUCTION
static __m128i halve(__m128i v)
{
    const __m128i middle = _mm_set_epi64x((long long)0xc200000000000000, 0);
    __m128i multiple = _mm_clmulepi64_si128(v, middle, 0x10);

    return _mm_xor_si128(_mm_shuffle_epi32(v, 0x4e), multiple);
}

/* The product of two field elements, times x^-128.  RFC 8452, 3. */
BY_INSTRUCTION
static __m128i dot(__m128i a, __m128i b)
{
    __m128i low = _mm_clmulepi64_si128(a, b, 0x00);
    __m128i high = _mm_clmulepi64_si128(a, b, 0x11);
    __m128i middle = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01),
                                   _mm_clmulepi64_si128(a, b, 0x10));

    low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));
    return _mm_xor_si128(high, halve(halve(low)));
}

BY_INSTRUCTION
static void polyval(uint8_t acc[AES_BLOCK], const uint8_t h[AES_BLOCK],
                    const uint8_t *blocks, size_t count)
{
    __m128i sum = load(acc), key = load(h);

    for (; count > 0; count--) {
        sum = dot(_mm_xor_si128(sum, load(blocks)), key);
        blocks += AES_BLOCK;
    }
    store(acc, sum);
}

const struct aes_cipher aes_ni = {
    .name = "AES-NI",
    .expand = expand,
    .encrypt = encrypt,
    .polyval = polyval,
};
