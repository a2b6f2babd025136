/* SPDX-License-Identifier: BSD-2-Clause */
/* The block cipher in constant time: BearSSL's, four blocks side by side. */
#include "nts/aes.h"

#include <inner.h>

#include <string.h>

#define LANES 4

static void expand(struct aes_key *key, const uint8_t *bytes, size_t bits)
{
    uint64_t packed[2 * 15];

    key->rounds = br_aes_ct64_keysched(packed, bytes, bits / 8);
    br_aes_ct64_skey_expand(key->sliced, key->rounds, packed);
    aes_wipe(packed, sizeof(packed));
}

static void encrypt_lanes(const struct aes_key *key, uint8_t *blocks)
{
    uint32_t words[LANES * 4];
    uint64_t slices[2 * LANES];

    br_range_dec32le(words, LANES * 4, blocks);
    for (unsigned i = 0; i < LANES; i++)
        br_aes_ct64_interleave_in(&slices[i], &slices[i + LANES],
                                  words + 4 * i);
    br_aes_ct64_ortho(slices);
    br_aes_ct64_bitslice_encrypt(key->rounds, key->sliced, slices);
    br_aes_ct64_ortho(slices);
    for (unsigned i = 0; i < LANES; i++)
        br_aes_ct64_interleave_out(words + 4 * i, slices[i], slices[i + LANES]);
    br_range_enc32le(blocks, words, LANES * 4);
}

static void encrypt(const struct aes_key *key, uint8_t *blocks, size_t count)
{
    uint8_t few[LANES * AES_BLOCK] = {0};

    for (; count >= LANES; count -= LANES) {
        encrypt_lanes(key, blocks);
        blocks += LANES * AES_BLOCK;
    }
    if (count > 0) {
        memcpy(few, blocks, count * AES_BLOCK);
        encrypt_lanes(key, few);
        memcpy(blocks, few, count * AES_BLOCK);
    }
}

static void reverse(uint8_t to[AES_BLOCK], const uint8_t *from)
{
    for (size_t i = 0; i < AES_BLOCK; i++)
        to[i] = from[AES_BLOCK - 1 - i];
}

/* Times x, in GHASH's order of bits, without a branch.  RFC 8452, A. */
static void times_x(uint8_t block[AES_BLOCK])
{
    uint8_t carry = block[AES_BLOCK - 1] & 1;

    for (size_t i = AES_BLOCK - 1; i > 0; i--)
        block[i] = (uint8_t)(block[i] >> 1 | block[i - 1] << 7);
    block[0] = (uint8_t)(block[0] >> 1 ^ (0xe1 & -carry));
}

/* POLYVAL is GHASH of reversed blocks, with a key times x.  RFC 8452, A. */
static void polyval(uint8_t acc[AES_BLOCK], const uint8_t h[AES_BLOCK],
                    const uint8_t *blocks, size_t count)
{
    uint8_t key[AES_BLOCK], sum[AES_BLOCK], block[AES_BLOCK];

    reverse(key, h);
    times_x(key);
    reverse(sum, acc);
    for (; count > 0; count--) {
        reverse(block, blocks);
        br_ghash_ctmul64(sum, key, block, AES_BLOCK);
        blocks += AES_BLOCK;
    }
    reverse(acc, sum);
    aes_wipe(key, sizeof(key));
}

const struct aes_cipher aes_ct = {
    .name = "constant time",
    .expand = expand,
    .encrypt = encrypt,
    .polyval = polyval,
};
