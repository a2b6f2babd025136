/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the curve P-256, through PSA and against mbedTLS's own. */
#include "nts/p256.h"
#include "tests/check.h"

#include <mbedtls/ecp.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/sha256.h>

#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define LESS  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define ZERO  "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE   "0000000000000000000000000000000000000000000000000000000000000001"
#define FIELD "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

/* The generator, SEC 2, 2.4.2. */
#define BASE                                                                   \
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"         \
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

static psa_key_attributes_t of_pair(psa_algorithm_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE | PSA_KEY_USAGE_SIGN_HASH |
                                    PSA_KEY_USAGE_VERIFY_HASH);
    return a;
}

/* PSA_SUCCESS, or why that private key is not taken. */
static psa_status_t import(const char *hex, psa_algorithm_t alg,
                           psa_key_id_t *id)
{
    psa_key_attributes_t a = of_pair(alg);
    uint8_t key[32];

    return psa_import_key(&a, key, check_hex(hex, key, sizeof(key)), id);
}

static psa_key_id_t imported(const char *hex, psa_algorithm_t alg)
{
    psa_key_id_t id = 0;

    CHECK_EQ(import(hex, alg, &id), PSA_SUCCESS);
    return id;
}

static void test_a_private_key_is_above_zero_and_below_the_order(void **state)
{
    psa_key_id_t id;

    (void)state;
    CHECK_EQ(import(ZERO, PSA_ALG_ECDH, &id), PSA_ERROR_INVALID_ARGUMENT);
    CHECK_EQ(import(ORDER, PSA_ALG_ECDH, &id), PSA_ERROR_INVALID_ARGUMENT);
    CHECK_EQ(import(FIELD, PSA_ALG_ECDH, &id), PSA_ERROR_INVALID_ARGUMENT);
    CHECK_EQ(import(ONE, PSA_ALG_ECDH, &id), PSA_SUCCESS);
    psa_destroy_key(id);
    CHECK_EQ(import(LESS, PSA_ALG_ECDH, &id), PSA_SUCCESS);
    psa_destroy_key(id);
}

static void check_public(const char *private, const char *want_hex)
{
    psa_key_id_t id = imported(private, PSA_ALG_ECDH);
    uint8_t public[65], want[64];
    size_t len;

    check_hex(want_hex, want, sizeof(want));
    CHECK_EQ(psa_export_public_key(id, public, sizeof(public), &len), 0);
    CHECK_EQ(len, 65);
    CHECK_EQ(public[0], 4);
    CHECK_BYTES(public + 1, want, 64);
    psa_destroy_key(id);
}

/* RFC 6979, A.2.5; RFC 5903, 8.1; the generator, and its opposite. */
static void test_public_keys_are_as_published(void **state)
{
    (void)state;
    check_public(ONE, BASE);
    check_public(
        LESS,
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a");
    check_public(
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    check_public(
        "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
        "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
        "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
}

static psa_status_t agree(const char *private, const char *peer_hex,
                          uint8_t secret[32])
{
    psa_key_id_t id = imported(private, PSA_ALG_ECDH);
    uint8_t peer[65] = {4};
    size_t len;

    check_hex(peer_hex, peer + 1, 64);
    psa_status_t status = psa_raw_key_agreement(PSA_ALG_ECDH, id, peer,
                                                sizeof(peer), secret, 32, &len);
    psa_destroy_key(id);
    return status;
}

/* RFC 5903, 8.1. */
static void test_two_agree_as_published(void **state)
{
    uint8_t secret[32], want[32];

    (void)state;
    check_hex(
        "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
        want, 32);
    CHECK_EQ(
        agree(
            "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
            "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
            "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
            secret),
        PSA_SUCCESS);
    CHECK_BYTES(secret, want, 32);
}

static void test_a_point_beside_the_curve_is_refused(void **state)
{
    static const char *const points[] = {
        ZERO ZERO,
        ONE ONE,
        FIELD FIELD,
        /* The generator with a bit of y changed, and both swapped. */
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f4",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        /* On the curve but for x = 5 + p. */
        "ffffffff00000001000000000000000000000001000000000000000000000004"
        "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc",
    };
    uint8_t secret[32];

    (void)state;
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        CHECK(agree(LESS, points[i], secret) != PSA_SUCCESS);
    CHECK_EQ(agree(LESS,
                   "0000000000000000000000000000000000000000000000000000000000"
                   "000005"
                   "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c0832"
                   "48fbcc",
                   secret),
             PSA_SUCCESS);
}

static void check_signed(const char *text, const char *want_hex)
{
    const psa_algorithm_t alg = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    psa_key_id_t id = imported(
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        alg);
    uint8_t hash[32], signature[64], want[64];
    size_t len;

    mbedtls_sha256((const uint8_t *)text, strlen(text), hash, 0);
    check_hex(want_hex, want, sizeof(want));
    CHECK_EQ(psa_sign_hash(id, alg, hash, 32, signature, 64, &len), 0);
    CHECK_EQ(len, 64);
    CHECK_BYTES(signature, want, 64);
    CHECK_EQ(psa_verify_hash(id, alg, hash, 32, signature, 64), 0);

    for (unsigned bit = 0; bit < 8 * 64; bit += 17) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK_EQ(psa_verify_hash(id, alg, hash, 32, signature, 64),
                 PSA_ERROR_INVALID_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    hash[0] ^= 1;
    CHECK_EQ(psa_verify_hash(id, alg, hash, 32, signature, 64),
             PSA_ERROR_INVALID_SIGNATURE);
    CHECK_EQ(psa_verify_hash(id, alg, hash, 32, signature, 63),
             PSA_ERROR_INVALID_SIGNATURE);
    psa_destroy_key(id);
}

/* RFC 6979, A.2.5. */
static void test_signatures_are_as_published(void **state)
{
    (void)state;
    check_signed(
        "sample",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    check_signed(
        "test",
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
}

static void test_a_signature_of_zeros_or_of_the_order_is_none(void **state)
{
    static const char *const wrong[] = {ZERO ZERO, ZERO ONE,  ONE ZERO,
                                        ORDER ONE, ONE ORDER, FIELD FIELD};
    const psa_algorithm_t alg = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    static const uint8_t hash[32];
    psa_key_id_t id = imported(ONE, alg);
    uint8_t signature[64];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        check_hex(wrong[i], signature, sizeof(signature));
        CHECK_EQ(psa_verify_hash(id, alg, hash, 32, signature, 64),
                 PSA_ERROR_INVALID_SIGNATURE);
    }
    psa_destroy_key(id);
}

/* What goes through SHA-384 is signed too, by mbedTLS, and verified by us. */
static void test_other_hashes_are_left_to_others(void **state)
{
    const psa_algorithm_t alg = PSA_ALG_ECDSA(PSA_ALG_SHA_384);
    static const uint8_t hash[48] = {1, 2, 3};
    psa_key_id_t id = imported(LESS, alg);
    uint8_t signature[64];
    size_t len;

    (void)state;
    CHECK_EQ(psa_sign_hash(id, alg, hash, 48, signature, 64, &len), 0);
    CHECK_EQ(psa_verify_hash(id, alg, hash, 48, signature, 64), 0);
    psa_destroy_key(id);
}

/* k times the point, by mbedTLS. */
static void multiply(const uint8_t k[32], const uint8_t point[65],
                     uint8_t out[65])
{
    mbedtls_ecp_group group;
    mbedtls_ecp_point p;
    mbedtls_mpi n;
    size_t len;

    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&p);
    mbedtls_mpi_init(&n);
    CHECK_EQ(mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1), 0);
    CHECK_EQ(mbedtls_mpi_read_binary(&n, k, 32), 0);
    CHECK_EQ(mbedtls_ecp_point_read_binary(&group, &p, point, 65), 0);
    CHECK_EQ(mbedtls_ecp_mul(&group, &p, &n, &p, mbedtls_psa_get_random, NULL),
             0);
    CHECK_EQ(mbedtls_ecp_point_write_binary(
                 &group, &p, MBEDTLS_ECP_PF_UNCOMPRESSED, &len, out, 65),
             0);
    mbedtls_ecp_group_free(&group);
    mbedtls_ecp_point_free(&p);
    mbedtls_mpi_free(&n);
}

/* Keys that have long runs of zeros and ones, too. */
static void random_key(struct check_random *r, uint8_t key[32])
{
    uint8_t fill = check_random(r) % 2 ? 0xff : 0x00;

    unsigned from = (unsigned)check_random_below(r, 33);
    unsigned to = (unsigned)check_random_below(r, 33);

    check_random_bytes(r, key, 32);
    for (unsigned i = from; i < to; i++)
        key[i] = fill;
    key[0] &= 0x7f;
    key[31] |= 1;
}

static void test_any_multiple_is_that_of_mbedtls(void **state)
{
    struct check_random r = check_random_start();
    uint8_t point[65] = {4}, base[65] = {4};

    (void)state;
    check_hex(BASE, base + 1, 64);
    memcpy(point, base, sizeof(point));
    psa_key_attributes_t a = of_pair(PSA_ALG_ECDH);
    for (unsigned i = 0; i < 60; i++) {
        uint8_t key[32], ours[65], theirs[65];
        size_t len;

        random_key(&r, key);
        multiply(key, base, theirs);
        CHECK_EQ(
            p256_transparent_export_public_key(&a, key, 32, ours, 65, &len), 0);
        CHECK_BYTES(ours, theirs, 65);

        multiply(key, point, theirs);
        CHECK_EQ(p256_transparent_key_agreement(&a, key, 32, PSA_ALG_ECDH,
                                                point, 65, ours, 32, &len),
                 0);
        CHECK_BYTES(ours, theirs + 1, 32);
        memcpy(point, theirs, sizeof(point));
    }
}

static void test_generated_keys_sign_and_differ(void **state)
{
    const psa_algorithm_t alg = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    static const uint8_t hash[32] = {7};
    psa_key_attributes_t a = of_pair(alg);
    uint8_t public[2][65], signature[64];
    size_t len;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        psa_key_id_t id;

        CHECK_EQ(psa_generate_key(&a, &id), 0);
        CHECK_EQ(psa_export_public_key(id, public[i], 65, &len), 0);
        CHECK_EQ(psa_sign_hash(id, alg, hash, 32, signature, 64, &len), 0);
        CHECK_EQ(psa_verify_hash(id, alg, hash, 32, signature, 64), 0);
        psa_destroy_key(id);
    }
    CHECK(memcmp(public[0], public[1], 65) != 0);
}

static int start(void **state)
{
    (void)state;
    return psa_crypto_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_private_key_is_above_zero_and_below_the_order),
        cmocka_unit_test(test_public_keys_are_as_published),
        cmocka_unit_test(test_two_agree_as_published),
        cmocka_unit_test(test_a_point_beside_the_curve_is_refused),
        cmocka_unit_test(test_signatures_are_as_published),
        cmocka_unit_test(test_a_signature_of_zeros_or_of_the_order_is_none),
        cmocka_unit_test(test_other_hashes_are_left_to_others),
        cmocka_unit_test(test_any_multiple_is_that_of_mbedtls),
        cmocka_unit_test(test_generated_keys_sign_and_differ),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
