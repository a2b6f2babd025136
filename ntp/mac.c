/* SPDX-License-Identifier: BSD-2-Clause */
/* Symmetric keys and the message authentication codes made with them. */
#include "ntp/mac.h"

#include <mbedtls/aes.h>
#include <mbedtls/md5.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>

#include <string.h>

#define BLOCK    16 /* of AES */
#define WIRE_MAX 20 /* digest of NTPv4, RFC 7822, 3 */

const struct ntp_key *ntp_key_find(const struct ntp_keys *keys, uint32_t id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->key[i].id == id)
            return &keys->key[i];
    }
    return NULL;
}

/* Bytes of an untruncated digest. */
static size_t digest_length(enum ntp_mac_type type)
{
    switch (type) {
    case MAC_SHA1:
        return 20;
    case MAC_SHA256:
        return 32;
    default:
        return 16;
    }
}

size_t ntp_mac_length(enum ntp_mac_type type)
{
    size_t len = digest_length(type);

    return len < WIRE_MAX ? len : WIRE_MAX;
}

/* The hashes: of the key, then of the packet.  RFC 5905, 7.3. */

static void make_md5(const struct ntp_key *key, const void *data, size_t len,
                     uint8_t *digest)
{
    mbedtls_md5_context md5;

    mbedtls_md5_init(&md5);
    mbedtls_md5_starts(&md5);
    mbedtls_md5_update(&md5, key->secret, key->secret_len);
    mbedtls_md5_update(&md5, data, len);
    mbedtls_md5_finish(&md5, digest);
    mbedtls_md5_free(&md5);
}

static void make_sha1(const struct ntp_key *key, const void *data, size_t len,
                      uint8_t *digest)
{
    mbedtls_sha1_context sha1;

    mbedtls_sha1_init(&sha1);
    mbedtls_sha1_starts(&sha1);
    mbedtls_sha1_update(&sha1, key->secret, key->secret_len);
    mbedtls_sha1_update(&sha1, data, len);
    mbedtls_sha1_finish(&sha1, digest);
    mbedtls_sha1_free(&sha1);
}

static void make_sha256(const struct ntp_key *key, const void *data, size_t len,
                        uint8_t *digest)
{
    mbedtls_sha256_context sha256;

    mbedtls_sha256_init(&sha256);
    mbedtls_sha256_starts(&sha256, 0);
    mbedtls_sha256_update(&sha256, key->secret, key->secret_len);
    mbedtls_sha256_update(&sha256, data, len);
    mbedtls_sha256_finish(&sha256, digest);
    mbedtls_sha256_free(&sha256);
}

static void encrypt(mbedtls_aes_context *aes, uint8_t *block)
{
    mbedtls_aes_crypt_ecb(aes, MBEDTLS_AES_ENCRYPT, block, block);
}

static void exclusive_or(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] ^= from[i];
}

/* Times x in GF(2^128), without a branch on the secret; RFC 4493, 2.3. */
static void double_block(uint8_t *block)
{
    uint8_t carry = block[0] >> 7;

    for (size_t i = 0; i + 1 < BLOCK; i++)
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    block[BLOCK - 1] = (uint8_t)(block[BLOCK - 1] << 1 ^ (0x87 & -carry));
}

/* RFC 4493, 2.4; RFC 8573, 3. */
static void make_cmac(const struct ntp_key *key, const uint8_t *data,
                      size_t len, uint8_t *digest)
{
    mbedtls_aes_context aes;
    uint8_t subkey[BLOCK] = {0};

    mbedtls_aes_init(&aes);
    mbedtls_aes_setkey_enc(&aes, key->secret, 128);
    memset(digest, 0, BLOCK);

    for (; len > BLOCK; len -= BLOCK) {
        exclusive_or(digest, data, BLOCK);
        encrypt(&aes, digest);
        data += BLOCK;
    }

    encrypt(&aes, subkey);
    double_block(subkey);
    if (len < BLOCK) {
        double_block(subkey);
        digest[len] ^= 0x80;
    }
    exclusive_or(digest, data, len);
    exclusive_or(digest, subkey, BLOCK);
    encrypt(&aes, digest);
    mbedtls_aes_free(&aes);
}

size_t ntp_mac_make(const struct ntp_key *key, const void *data, size_t len,
                    uint8_t *digest)
{
    switch (key->type) {
    case MAC_MD5:
        make_md5(key, data, len, digest);
        break;
    case MAC_SHA1:
        make_sha1(key, data, len, digest);
        break;
    case MAC_SHA256:
        make_sha256(key, data, len, digest);
        break;
    case MAC_AES128_CMAC:
        make_cmac(key, data, len, digest);
        break;
    }
    return ntp_mac_length(key->type);
}

bool ntp_mac_verify(const struct ntp_key *key, const void *data, size_t len,
                    const uint8_t *digest, size_t digest_len)
{
    uint8_t right[NTP_DIGEST_MAX];
    uint8_t wrong = 0;

    if (digest_len != digest_length(key->type) &&
        digest_len != ntp_mac_length(key->type))
        return false;

    ntp_mac_make(key, data, len, right);
    for (size_t i = 0; i < digest_len; i++)
        wrong |= right[i] ^ digest[i];
    return wrong == 0;
}
