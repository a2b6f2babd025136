/* SPDX-License-Identifier: BSD-2-Clause */
/* The curve P-256 for mbedTLS: the entry points of its PSA driver for it. */
#include "nts/p256.h"

#include <bearssl_ec.h>
#include <mbedtls/platform_util.h>

#include <stdbool.h>
#include <string.h>

#define PRIVATE_LEN   32
#define PUBLIC_LEN    65
#define SECRET_LEN    32
#define SIGNATURE_LEN 64
#define HASH_LEN      32 /* SHA-256 */

static const br_ec_impl *const curve = &br_ec_p256_m31;

/* The order of the group, SEC 2, 2.4.2. */
static const uint8_t order[PRIVATE_LEN] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* 0 < scalar < order, in constant time. */
static bool is_in_range(const uint8_t *scalar)
{
    int borrow = 0;
    uint8_t any = 0;

    for (int i = PRIVATE_LEN - 1; i >= 0; i--) {
        borrow = (scalar[i] - order[i] + borrow) >> 8;
        any |= scalar[i];
    }
    return (borrow != 0) & (any != 0);
}

psa_status_t p256_transparent_import_key(const psa_key_attributes_t *attributes,
                                         const uint8_t *data, size_t data_len,
                                         uint8_t *key, size_t key_room,
                                         size_t *key_len, size_t *bits)
{
    if (psa_get_key_type(attributes) !=
            PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) ||
        (*bits != 0 && *bits != 256) || data_len != PRIVATE_LEN)
        return PSA_ERROR_NOT_SUPPORTED;
    if (!is_in_range(data))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (key_room < PRIVATE_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    memcpy(key, data, PRIVATE_LEN);
    *key_len = PRIVATE_LEN;
    *bits = 256;
    return PSA_SUCCESS;
}

psa_status_t p256_transparent_export_public_key(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    uint8_t *data, size_t data_room, size_t *data_len)
{
    if (psa_get_key_type(attributes) !=
            PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) ||
        psa_get_key_bits(attributes) != 256)
        return PSA_ERROR_NOT_SUPPORTED;
    if (key_len != PRIVATE_LEN)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (data_room < PUBLIC_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    *data_len = curve->mulgen(data, key, PRIVATE_LEN, BR_EC_secp256r1);
    return PSA_SUCCESS;
}

psa_status_t
p256_transparent_generate_key(const psa_key_attributes_t *attributes,
                              uint8_t *key, size_t key_room, size_t *key_len)
{
    (void)attributes;
    if (key_room < PRIVATE_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    /* One in 2^32 is not below the order. */
    do {
        psa_status_t status = psa_generate_random(key, PRIVATE_LEN);

        if (status != PSA_SUCCESS)
            return status;
    } while (!is_in_range(key));
    *key_len = PRIVATE_LEN;
    return PSA_SUCCESS;
}

psa_status_t p256_transparent_key_agreement(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *peer, size_t peer_len, uint8_t *secret,
    size_t secret_room, size_t *secret_len)
{
    uint8_t point[PUBLIC_LEN];

    (void)attributes;
    (void)alg;
    if (key_len != PRIVATE_LEN || peer_len != PUBLIC_LEN)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (secret_room < SECRET_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    /* Refuses what is not a point of the curve. */
    memcpy(point, peer, PUBLIC_LEN);
    if (!curve->mul(point, PUBLIC_LEN, key, PRIVATE_LEN, BR_EC_secp256r1))
        return PSA_ERROR_INVALID_ARGUMENT;
    memcpy(secret, point + 1, SECRET_LEN);
    *secret_len = SECRET_LEN;
    mbedtls_platform_zeroize(point, sizeof(point));
    return PSA_SUCCESS;
}

psa_status_t p256_transparent_sign_hash(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *hash, size_t hash_len,
    uint8_t *signature, size_t signature_room, size_t *signature_len)
{
    uint8_t copy[PRIVATE_LEN];
    br_ec_private_key private = {BR_EC_secp256r1, copy, sizeof(copy)};

    (void)attributes;
    if (PSA_ALG_SIGN_GET_HASH(alg) != PSA_ALG_SHA_256 || hash_len != HASH_LEN)
        return PSA_ERROR_NOT_SUPPORTED;
    if (key_len != PRIVATE_LEN)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (signature_room < SIGNATURE_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    memcpy(copy, key, sizeof(copy));
    *signature_len = br_ecdsa_i31_sign_raw(curve, &br_sha256_vtable, hash,
                                           &private, signature);
    mbedtls_platform_zeroize(copy, sizeof(copy));
    return *signature_len ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT;
}

psa_status_t p256_transparent_verify_hash(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *hash, size_t hash_len,
    const uint8_t *signature, size_t signature_len)
{
    uint8_t point[PUBLIC_LEN];
    br_ec_public_key public = {BR_EC_secp256r1, point, sizeof(point)};

    (void)alg;
    if (key_len == PUBLIC_LEN) {
        memcpy(point, key, sizeof(point));
    } else {
        psa_status_t status = p256_transparent_export_public_key(
            attributes, key, key_len, point, sizeof(point), &key_len);

        if (status != PSA_SUCCESS)
            return status;
    }
    /* FIPS 186-5, 6.4.2: neither half is 0; BearSSL takes r = 0. */
    if (signature_len != SIGNATURE_LEN || !is_in_range(signature) ||
        !is_in_range(signature + PRIVATE_LEN) ||
        !br_ecdsa_i31_vrfy_raw(curve, hash, hash_len, &public, signature,
                               signature_len))
        return PSA_ERROR_INVALID_SIGNATURE;
    return PSA_SUCCESS;
}
