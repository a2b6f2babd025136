/* SPDX-License-Identifier: BSD-2-Clause */
/* X25519 against RFC 7748 and against mbedTLS. */
#include "nts/x25519.h"
#include "tests/check.h"

#include <psa/crypto.h>

static void read_hex(const char *text, uint8_t out[X25519_LEN])
{
    CHECK_EQ(check_hex(text, out, X25519_LEN), X25519_LEN);
}

/* RFC 7748, 5.2. */
static void test_published_products_are_right(void **state)
{
    static const struct {
        const char *scalar, *u, *product;
    } row[] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t scalar[32], u[32], product[32], wanted[32];

        read_hex(row[i].scalar, scalar);
        read_hex(row[i].u, u);
        read_hex(row[i].product, wanted);
        CHECK(x25519(product, scalar, u));
        CHECK_BYTES(product, wanted, 32);
    }
}

/* RFC 7748, 5.2: k = X25519(k, u), u = the k before, a thousand times. */
static void test_thousand_products_in_a_row_are_right(void **state)
{
    uint8_t k[32] = {9}, u[32] = {9}, wanted[32];

    (void)state;
    for (int i = 1; i <= 1000; i++) {
        uint8_t next[32];

        CHECK(x25519(next, k, u));
        memcpy(u, k, 32);
        memcpy(k, next, 32);
        if (i == 1) {
            read_hex("422c8e7a6227d7bca1350b3e2bb7279f"
                     "7897b87bb6854b783c60e80311ae3079",
                     wanted);
            CHECK_BYTES(k, wanted, 32);
        }
    }
    read_hex("684cf59ba83309552800ef566f2f4d3c"
             "1c3887c49360e3875f2eb94d99532c51",
             wanted);
    CHECK_BYTES(k, wanted, 32);
}

/* RFC 7748, 6.1. */
static void test_both_sides_agree(void **state)
{
    uint8_t a[32], b[32], pa[32], pb[32], wanted[32], secret[32];

    (void)state;
    read_hex("77076d0a7318a57d3c16c17251b26645"
             "df4c81e1d6ecd7d1c4c1f0d6f7e1a3c9",
             a);
    read_hex("5dab087e624a8a4b79e17f8b83800ee6"
             "6f3bb1292618b6fd1c2f8b27ff88e0eb",
             b);
    x25519_base(pa, a);
    x25519_base(pb, b);
    CHECK(x25519(secret, a, pb) && x25519(wanted, b, pa));
    CHECK_BYTES(secret, wanted, 32);
}

/* Points of small order, and p and p + 1, which stand for 0 and 1. */
static void test_nothing_secret_is_refused(void **state)
{
    static const char *const point[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    };
    uint8_t scalar[32] = {1, 2, 3};

    (void)state;
    for (size_t i = 0; i < sizeof(point) / sizeof(point[0]); i++) {
        uint8_t u[32], out[32], zero[32] = {0};

        read_hex(point[i], u);
        CHECK(!x25519(out, scalar, u));
        CHECK_BYTES(out, zero, 32);
    }
}

/* mbedTLS's own, from the same bytes. */
static void mbedtls_multiply(uint8_t out[32], const uint8_t scalar[32],
                             const uint8_t u[32])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    size_t len;

    psa_set_key_type(&attributes,
                     PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
    CHECK_EQ(psa_import_key(&attributes, scalar, 32, &key), PSA_SUCCESS);
    CHECK_EQ(psa_raw_key_agreement(PSA_ALG_ECDH, key, u, 32, out, 32, &len),
             PSA_SUCCESS);
    CHECK_EQ(len, 32);
    psa_destroy_key(key);
}

static void test_random_products_are_those_of_mbedtls(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    CHECK_EQ(psa_crypto_init(), PSA_SUCCESS);
    for (int i = 0; i < 50; i++) {
        uint8_t scalar[32], u[32], ours[32], theirs[32];

        check_random_bytes(&random, scalar, 32);
        check_random_bytes(&random, u, 32);
        /* Many ones, where carries go far. */
        if (i % 3 == 0)
            memset(u + 1, 0xff, 25 + (size_t)i % 6);
        u[31] &= 127;
        CHECK(x25519(ours, scalar, u));
        scalar[0] &= 248;
        scalar[31] = (uint8_t)((scalar[31] & 127) | 64);
        mbedtls_multiply(theirs, scalar, u);
        CHECK_BYTES(ours, theirs, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_products_are_right),
        cmocka_unit_test(test_thousand_products_in_a_row_are_right),
        cmocka_unit_test(test_both_sides_agree),
        cmocka_unit_test(test_nothing_secret_is_refused),
        cmocka_unit_test(test_random_products_are_those_of_mbedtls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
