/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the message authentication codes. */
#include "ntp/mac.h"
#include "tests/check.h"

#define TYPES 4

static const enum ntp_mac_type types[TYPES] = {MAC_MD5, MAC_SHA1, MAC_SHA256,
                                               MAC_AES128_CMAC};

static struct ntp_key key_of(enum ntp_mac_type type, const char *secret)
{
    struct ntp_key key = {.id = 1, .type = type};

    key.secret_len = (uint8_t)strlen(secret);
    memcpy(key.secret, secret, key.secret_len);
    return key;
}

/* RFC 4493, 4: examples 1 to 4. */
static void test_cmac_gives_the_published_vectors(void **state)
{
    static const struct {
        size_t len;
        const char *digest;
    } row[] = {
        {0, "bb1d6929e95937287fa37d129b756746"},
        {16, "070a16b46b4d4144f79bdd9dd04a287c"},
        {40, "dfa66747de9ae63030ca32611497c827"},
        {64, "51f0bebf7e3b9d92fc49741779363cfe"},
    };
    struct ntp_key key = {.type = MAC_AES128_CMAC, .secret_len = 16};
    uint8_t message[64];

    (void)state;
    check_hex("2b7e151628aed2a6abf7158809cf4f3c", key.secret, 16);
    check_hex("6bc1bee22e409f96e93d7e117393172a"
              "ae2d8a571e03ac9c9eb76fac45af8e51"
              "30c81c46a35ce411e5fbc1191a0a52ef"
              "f69f2445df4f9b17ad2b417be66c3710",
              message, sizeof(message));

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        uint8_t digest[NTP_DIGEST_MAX], want[16];

        check_hex(row[i].digest, want, sizeof(want));
        CHECK_EQ(ntp_mac_make(&key, message, row[i].len, digest), 16);
        CHECK_BYTES(digest, want, 16);
    }
}

/* Of the bytes 0 to 47, key "sundial"; computed with Python's hashlib. */
static void test_hashes_are_of_the_key_and_then_the_packet(void **state)
{
    static const struct {
        enum ntp_mac_type type;
        const char *digest;
    } row[] = {
        {MAC_MD5, "cf1f804d58465ff8f284e4fc4950b66f"},
        {MAC_SHA1, "f9bc5ef3958b8441d6906330a3e06852bfaea5fd"},
        {MAC_SHA256, "cf1c1b489058b6f1668a16f4ac5c9a95"
                     "d82aed6e0d0a8df202d2fd298490d295"},
    };
    uint8_t packet[48];

    (void)state;
    for (size_t i = 0; i < sizeof(packet); i++)
        packet[i] = (uint8_t)i;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct ntp_key key = key_of(row[i].type, "sundial");
        uint8_t digest[NTP_DIGEST_MAX], want[NTP_DIGEST_MAX];
        size_t len = check_hex(row[i].digest, want, sizeof(want));

        ntp_mac_make(&key, packet, sizeof(packet), digest);
        CHECK_BYTES(digest, want, len);
    }
}

static void test_no_digest_of_ntpv4_looks_like_a_field(void **state)
{
    static const size_t length[TYPES] = {16, 20, 20, 16};

    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        struct ntp_key key = key_of(types[i], "0123456789abcdef");
        uint8_t digest[NTP_DIGEST_MAX];

        CHECK_EQ(ntp_mac_length(types[i]), length[i]);
        CHECK_EQ(ntp_mac_make(&key, "", 0, digest), length[i]);
    }
}

/* SHA-256 is also taken whole, as NTPv3 has it. */
static void test_only_two_lengths_of_digest_are_accepted(void **state)
{
    static const size_t whole[TYPES] = {16, 20, 32, 16};

    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        struct ntp_key key = key_of(types[i], "0123456789abcdef");
        uint8_t digest[NTP_DIGEST_MAX + 1] = {0};

        ntp_mac_make(&key, "gnomon", 6, digest);
        for (size_t len = 0; len <= sizeof(digest); len++) {
            CHECK_EQ(ntp_mac_verify(&key, "gnomon", 6, digest, len),
                     len == whole[i] || len == ntp_mac_length(types[i]));
        }
    }
}

static void test_any_flipped_bit_is_noticed(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        struct ntp_key key = key_of(types[i], "0123456789abcdef");
        uint8_t digest[NTP_DIGEST_MAX];
        uint8_t packet[68];

        check_random_bytes(&random, packet, sizeof(packet));
        size_t len = ntp_mac_make(&key, packet, sizeof(packet), digest);
        CHECK(ntp_mac_verify(&key, packet, sizeof(packet), digest, len));

        for (size_t bit = 0; bit < 8 * sizeof(packet); bit++) {
            packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(!ntp_mac_verify(&key, packet, sizeof(packet), digest, len));
            packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * len; bit++) {
            digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(!ntp_mac_verify(&key, packet, sizeof(packet), digest, len));
            digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * 16; bit++) {
            key.secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(!ntp_mac_verify(&key, packet, sizeof(packet), digest, len));
            key.secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void test_a_key_is_found_by_its_id(void **state)
{
    static struct ntp_keys keys;

    (void)state;
    CHECK(ntp_key_find(&keys, 0) == NULL);
    for (uint32_t i = 0; i < NTP_KEYS_MAX; i++)
        keys.key[keys.count++].id = 7 * i + 1;
    for (uint32_t i = 0; i < NTP_KEYS_MAX; i++)
        CHECK(ntp_key_find(&keys, 7 * i + 1) == &keys.key[i]);
    CHECK(ntp_key_find(&keys, 0) == NULL);
    CHECK(ntp_key_find(&keys, 2) == NULL);
    CHECK(ntp_key_find(&keys, UINT32_MAX) == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmac_gives_the_published_vectors),
        cmocka_unit_test(test_hashes_are_of_the_key_and_then_the_packet),
        cmocka_unit_test(test_no_digest_of_ntpv4_looks_like_a_field),
        cmocka_unit_test(test_only_two_lengths_of_digest_are_accepted),
        cmocka_unit_test(test_any_flipped_bit_is_noticed),
        cmocka_unit_test(test_a_key_is_found_by_its_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
