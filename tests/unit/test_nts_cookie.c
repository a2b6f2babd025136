/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of cookies: what opens, and what does not. */
#include "nts/cookie.h"

#include "ntp/bytes.h"
#include "tests/check.h"

static struct check_random dice;
static struct nts_keys keys;
static struct nts_cookie client;
static uint8_t nonce[NTS_COOKIE_NONCE_LEN];
static uint8_t cookie[NTS_COOKIE_MAX + 16];
static size_t len;

static const enum aead_id both[] = {AEAD_AES_SIV_CMAC_256,
                                    AEAD_AES_128_GCM_SIV};

static void rotate(uint32_t id)
{
    struct nts_key_bytes key = {.id = id};

    check_random_bytes(&dice, key.key, sizeof(key.key));
    nts_keys_rotate(&keys, &key);
}

static void seal(enum aead_id aead)
{
    memset(&client, 0, sizeof(client));
    client.aead = aead;
    check_random_bytes(&dice, client.c2s, aead_key_len(aead));
    check_random_bytes(&dice, client.s2c, aead_key_len(aead));
    check_random_bytes(&dice, nonce, sizeof(nonce));
    memset(cookie, 0xee, sizeof(cookie));
    len = nts_cookie_seal(&keys, &client, nonce, cookie);
}

static int throw_dice(void **state)
{
    (void)state;
    dice = check_random_start();
    return 0;
}

static int start(void **state)
{
    (void)state;
    nts_keys_init(&keys, &aes_ct);
    rotate(0x01020304);
    return 0;
}

static void test_lengths_are_those_of_the_algorithms(void **state)
{
    (void)state;
    CHECK_EQ(nts_cookie_len(AEAD_AES_SIV_CMAC_256), 100);
    CHECK_EQ(nts_cookie_len(AEAD_AES_128_GCM_SIV), 68);
    CHECK_EQ(nts_cookie_len((enum aead_id)16), 0);
    for (size_t i = 0; i < 2; i++) {
        seal(both[i]);
        CHECK_EQ(len, nts_cookie_len(both[i]));
        CHECK_EQ(cookie[len], 0xee);
    }
    seal((enum aead_id)17);
    CHECK_EQ(len, 0);
}

static void test_what_was_sealed_opens(void **state)
{
    struct nts_cookie c;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        seal(both[i]);
        CHECK_EQ(get_u32(cookie), 0x01020304);
        CHECK_BYTES(cookie + 4, nonce, sizeof(nonce));
        CHECK(nts_cookie_open(&keys, cookie, len, &c));
        CHECK_EQ(memcmp(&c, &client, sizeof(c)), 0);
    }
}

static void test_the_keys_do_not_show(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        seal(both[i]);
        for (size_t at = 0; at + 8 <= len; at++) {
            CHECK(memcmp(cookie + at, client.c2s, 8) != 0);
            CHECK(memcmp(cookie + at, client.s2c, 8) != 0);
        }
    }
}

/* Refused, and nothing of a key given out. */
static void refused(const uint8_t *bytes, size_t n)
{
    static const uint8_t zero[AEAD_KEY_MAX];
    struct nts_cookie c;

    memset(&c, 0xaa, sizeof(c));
    CHECK(!nts_cookie_open(&keys, bytes, n, &c));
    CHECK_BYTES(c.c2s, zero, sizeof(zero));
    CHECK_BYTES(c.s2c, zero, sizeof(zero));
}

static void test_any_flipped_bit_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        seal(both[i]);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(cookie, len);
            cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void test_any_other_length_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        seal(both[i]);
        for (size_t n = 0; n <= sizeof(cookie); n++)
            if (n != len)
                refused(cookie, n);
    }
}

/* The length alone would tell: a longer cookie cut to the shorter length is
 * not one of the other algorithm, nor would its seal be. */
static void test_the_algorithm_is_sealed_in(void **state)
{
    const struct nts_key *key = nts_keys_newest(&keys);
    const uint8_t other[] = {0, 16};
    uint8_t plain[32] = {0};

    (void)state;
    seal(AEAD_AES_128_GCM_SIV);
    aead_seal(&key->aead, cookie + 4, 16, other, sizeof(other), plain,
              sizeof(plain), cookie + 20);
    refused(cookie, len);
    aead_seal(&key->aead, cookie + 4, 16, (const uint8_t[]){0, 30}, 2, plain,
              sizeof(plain), cookie + 20);
    CHECK(nts_cookie_open(&keys, cookie, len, &client));
}

static void test_a_cookie_outlives_two_rotations(void **state)
{
    struct nts_cookie c;

    (void)state;
    seal(AEAD_AES_SIV_CMAC_256);
    for (uint32_t i = 0; i < 2; i++) {
        rotate(100 + i);
        CHECK(nts_cookie_open(&keys, cookie, len, &c));
    }
    rotate(102);
    refused(cookie, len);
}

static void test_another_key_of_the_same_id_opens_nothing(void **state)
{
    (void)state;
    seal(AEAD_AES_SIV_CMAC_256);
    nts_keys_init(&keys, &aes_ct);
    rotate(0x01020304);
    refused(cookie, len);
}

/* Replicas that were given the same keys accept each other's cookies. */
static void test_shared_keys_open_each_others_cookies(void **state)
{
    struct nts_key_bytes bytes[NTS_KEYS_KEPT];
    unsigned count = nts_keys_save(&keys, bytes);
    struct nts_keys other;
    struct nts_cookie c;

    (void)state;
    seal(AEAD_AES_128_GCM_SIV);
    nts_keys_init(&other, &aes_ct);
    nts_keys_load(&other, bytes, count);
    CHECK(nts_cookie_open(&other, cookie, len, &c));
}

static void test_without_a_key_there_is_no_cookie(void **state)
{
    (void)state;
    nts_keys_init(&keys, &aes_ct);
    seal(AEAD_AES_SIV_CMAC_256);
    CHECK_EQ(len, 0);
    CHECK_EQ(cookie[0], 0xee);
}

/* The same cookie again and again changes nothing. */
static void test_opening_is_without_memory(void **state)
{
    struct nts_keys before;
    struct nts_cookie c;

    (void)state;
    seal(AEAD_AES_SIV_CMAC_256);
    memcpy(&before, &keys, sizeof(before));
    for (int i = 0; i < 1000; i++)
        CHECK(nts_cookie_open(&keys, cookie, len, &c));
    CHECK_EQ(memcmp(&before, &keys, sizeof(before)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
        TEST(lengths_are_those_of_the_algorithms),
        TEST(what_was_sealed_opens),
        TEST(the_keys_do_not_show),
        TEST(any_flipped_bit_is_noticed),
        TEST(any_other_length_is_refused),
        TEST(the_algorithm_is_sealed_in),
        TEST(a_cookie_outlives_two_rotations),
        TEST(another_key_of_the_same_id_opens_nothing),
        TEST(shared_keys_open_each_others_cookies),
        TEST(without_a_key_there_is_no_cookie),
        TEST(opening_is_without_memory),
#undef TEST
    };

    return cmocka_run_group_tests(tests, throw_dice, NULL);
}
