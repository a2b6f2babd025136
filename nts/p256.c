/* SPDX-License-Identifier: BSD-2-Clause */
/* The curve P-256 for mbedTLS: the entry points of its PSA driver for it. */
#include "nts/p256.h"

#include "nts/p256_curve.h"

#include <bearssl_rand.h>
#include <mbedtls/platform_util.h>

#include <string.h>

#define SIGNATURE_LEN (2 * NUM_LEN)

/* The private key in those bytes: above zero, below the order. */
static bool read_scalar(struct num *k, const uint8_t *bytes)
{
    return num_read(k, bytes, &num_n) && !num_is_zero(k);
}

static void wipe(struct num *secret)
{
    mbedtls_platform_zeroize(secret, sizeof(*secret));
}

psa_status_t p256_transparent_import_key(const psa_key_attributes_t *attributes,
                                         const uint8_t *data, size_t data_len,
                                         uint8_t *key, size_t key_room,
                                         size_t *key_len, size_t *bits)
{
    struct num k;

    if (psa_get_key_type(attributes) !=
            PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) ||
        (*bits != 0 && *bits != 256) || data_len != NUM_LEN)
        return PSA_ERROR_NOT_SUPPORTED;
    if (key_room < NUM_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    bool ok = read_scalar(&k, data);
    wipe(&k);
    if (!ok)
        return PSA_ERROR_INVALID_ARGUMENT;
    memcpy(key, data, NUM_LEN);
    *key_len = NUM_LEN;
    *bits = 256;
    return PSA_SUCCESS;
}

psa_status_t p256_transparent_export_public_key(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    uint8_t *data, size_t data_room, size_t *data_len)
{
    struct point point;
    struct num k;

    if (psa_get_key_type(attributes) !=
            PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) ||
        psa_get_key_bits(attributes) != 256)
        return PSA_ERROR_NOT_SUPPORTED;
    if (key_len != NUM_LEN || !read_scalar(&k, key))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (data_room < POINT_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    point_multiply_base(&point, &k);
    point_write(data, &point);
    *data_len = POINT_LEN;
    wipe(&k);
    return PSA_SUCCESS;
}

psa_status_t
p256_transparent_generate_key(const psa_key_attributes_t *attributes,
                              uint8_t *key, size_t key_room, size_t *key_len)
{
    struct num k;

    (void)attributes;
    if (key_room < NUM_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    /* One in 2^32 is not below the order. */
    do {
        psa_status_t status = psa_generate_random(key, NUM_LEN);

        if (status != PSA_SUCCESS)
            return status;
    } while (!read_scalar(&k, key));
    *key_len = NUM_LEN;
    wipe(&k);
    return PSA_SUCCESS;
}

psa_status_t p256_transparent_key_agreement(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *peer, size_t peer_len, uint8_t *secret,
    size_t secret_room, size_t *secret_len)
{
    struct point point;
    struct num k;

    (void)attributes;
    (void)alg;
    if (key_len != NUM_LEN || !read_scalar(&k, key) || peer_len != POINT_LEN ||
        !point_read(&point, peer))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (secret_room < NUM_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    point_multiply(&point, &k, &point);
    num_leave_p(&k, &point.x);
    num_write(secret, &k);
    *secret_len = NUM_LEN;
    wipe(&k);
    wipe(&point.x);
    wipe(&point.y);
    return PSA_SUCCESS;
}

/* A hash as a number: its first 256 bits, below the order.  RFC 6979, 2.3.2. */
static void read_hash(struct num *h, const uint8_t *hash, size_t hash_len)
{
    uint8_t bytes[NUM_LEN] = {0};
    size_t len = hash_len < NUM_LEN ? hash_len : NUM_LEN;

    memcpy(bytes + NUM_LEN - len, hash, len);
    num_read(h, bytes, &num_n);
    num_reduce_once(h, &num_n);
}

/* What of a point makes the first half of a signature. */
static void read_x(struct num *r, const struct point *point)
{
    num_leave_p(r, &point->x);
    num_reduce_once(r, &num_n);
}

/* r and s for that k, neither of them zero.  FIPS 186-5, 6.4.1. */
static bool sign(struct num *r, struct num *s, const struct num *k,
                 const struct num *private, const struct num *h)
{
    struct num inverse, x, sum;
    struct point point;

    point_multiply_base(&point, k);
    read_x(r, &point);

    num_enter_n(&x, r);
    num_mul_n(&sum, &x, private);
    num_add(&sum, &sum, h, &num_n);

    num_enter_n(&inverse, k);
    num_invert_n(&inverse, &inverse);
    num_mul_n(s, &inverse, &sum);
    wipe(&inverse);
    wipe(&sum);
    return !num_is_zero(r) && !num_is_zero(s);
}

psa_status_t p256_transparent_sign_hash(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *hash, size_t hash_len,
    uint8_t *signature, size_t signature_room, size_t *signature_len)
{
    uint8_t bytes[2 * NUM_LEN];
    struct num private, h, k, r, s;
    br_hmac_drbg_context nonces;

    (void)attributes;
    if (PSA_ALG_SIGN_GET_HASH(alg) != PSA_ALG_SHA_256 ||
        hash_len != br_sha256_SIZE)
        return PSA_ERROR_NOT_SUPPORTED;
    if (key_len != NUM_LEN || !read_scalar(&private, key))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (signature_room < SIGNATURE_LEN)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    read_hash(&h, hash, hash_len);
    memcpy(bytes, key, NUM_LEN);
    num_write(bytes + NUM_LEN, &h);
    br_hmac_drbg_init(&nonces, &br_sha256_vtable, bytes, sizeof(bytes));
    do {
        br_hmac_drbg_generate(&nonces, bytes, NUM_LEN);
    } while (!read_scalar(&k, bytes) || !sign(&r, &s, &k, &private, &h));

    num_write(signature, &r);
    num_write(signature + NUM_LEN, &s);
    *signature_len = SIGNATURE_LEN;
    mbedtls_platform_zeroize(&nonces, sizeof(nonces));
    mbedtls_platform_zeroize(bytes, sizeof(bytes));
    wipe(&private);
    wipe(&k);
    return PSA_SUCCESS;
}

/* FIPS 186-5, 6.4.2. */
static bool is_signed(const struct point *public, const struct num *h,
                      const uint8_t *signature)
{
    struct num r, s, inverse, u, v, x;
    struct point sum, of_base;

    if (!read_scalar(&r, signature) || !read_scalar(&s, signature + NUM_LEN))
        return false;

    num_enter_n(&inverse, &s);
    num_invert_n(&inverse, &inverse);
    num_mul_n(&u, &inverse, h);
    num_mul_n(&v, &inverse, &r);

    point_multiply(&sum, &v, public);
    if (!num_is_zero(&u)) {
        point_multiply_base(&of_base, &u);
        if (!point_add_public(&sum, &sum, &of_base))
            return false;
    }
    read_x(&x, &sum);
    return memcmp(&x, &r, sizeof(r)) == 0;
}

psa_status_t p256_transparent_verify_hash(
    const psa_key_attributes_t *attributes, const uint8_t *key, size_t key_len,
    psa_algorithm_t alg, const uint8_t *hash, size_t hash_len,
    const uint8_t *signature, size_t signature_len)
{
    uint8_t public[POINT_LEN];
    struct point point;
    struct num h;

    (void)alg;
    if (key_len == POINT_LEN) {
        memcpy(public, key, sizeof(public));
    } else {
        psa_status_t status = p256_transparent_export_public_key(
            attributes, key, key_len, public, sizeof(public), &key_len);

        if (status != PSA_SUCCESS)
            return status;
    }
    if (!point_read(&point, public))
        return PSA_ERROR_INVALID_ARGUMENT;

    read_hash(&h, hash, hash_len);
    if (signature_len != SIGNATURE_LEN || !is_signed(&point, &h, signature))
        return PSA_ERROR_INVALID_SIGNATURE;
    return PSA_SUCCESS;
}
