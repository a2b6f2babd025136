/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the block cipher, both ways. */
#include "nts/aes.h"
#include "tests/check.h"
#include "tests/sealed.h"

#define MANY 13 /* blocks: three times four, and one */

static void check_block(const struct aes_cipher *cipher, const char *key_text,
                        const char *sealed)
{
    uint8_t bytes[32], blocks[MANY * AES_BLOCK], want[AES_BLOCK];
    struct aes_key key;

    cipher->expand(&key, bytes, 8 * check_hex(key_text, bytes, sizeof(bytes)));
    check_hex(sealed, want, sizeof(want));

    for (size_t count = 1; count <= MANY; count++) {
        for (size_t i = 0; i < MANY; i++)
            check_hex("00112233445566778899aabbccddeeff",
                      blocks + AES_BLOCK * i, AES_BLOCK);
        cipher->encrypt(&key, blocks, count);
        for (size_t i = 0; i < count; i++)
            CHECK_BYTES(blocks + AES_BLOCK * i, want, AES_BLOCK);
        if (count < MANY)
            CHECK_EQ(blocks[AES_BLOCK * count + 1], 0x11);
    }
}

/* FIPS 197, C.1 and C.3. */
static void test_any_number_of_blocks_is_encrypted_as_published(void **state)
{
    const struct aes_cipher *cipher = sealed_by(*state);

    check_block(cipher, "000102030405060708090a0b0c0d0e0f",
                "69c4e0d86a7b0430d8cdb78070b4c55a");
    check_block(cipher,
                "000102030405060708090a0b0c0d0e0f"
                "101112131415161718191a1b1c1d1e1f",
                "8ea2b7ca516745bfeafc49904b496089");
}

/* RFC 8452, A. */
static void test_polyval_is_as_published(void **state)
{
    const struct aes_cipher *cipher = sealed_by(*state);
    uint8_t h[16], x[32], want[16], acc[16] = {0};

    check_hex("25629347589242761d31f826ba4b757b", h, sizeof(h));
    check_hex("4f4f95668c83dfb6401762bb2d01a262"
              "d1a24ddd2721d006bbe45f20d3c9f362",
              x, sizeof(x));
    check_hex("f7a3b47b846119fae5b7866cf5e5b77e", want, sizeof(want));

    cipher->polyval(acc, h, x, 2);
    CHECK_BYTES(acc, want, 16);
    cipher->polyval(acc, h, x, 0);
    CHECK_BYTES(acc, want, 16);
}

static void test_polyval_goes_on_where_it_was(void **state)
{
    const struct aes_cipher *cipher = sealed_by(*state);
    struct check_random r = check_random_start();
    uint8_t h[16], x[5 * 16], whole[16] = {0}, parts[16] = {0};

    check_random_bytes(&r, h, sizeof(h));
    check_random_bytes(&r, x, sizeof(x));
    cipher->polyval(whole, h, x, 5);
    cipher->polyval(parts, h, x, 2);
    cipher->polyval(parts, h, x + 32, 3);
    CHECK_BYTES(whole, parts, 16);
}

static void test_both_ways_agree_on_anything(void **state)
{
    struct check_random r = check_random_start();

    (void)state;
    sealed_by(&aes_ni);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t bytes[32], by_ni[MANY * 16], by_ct[MANY * 16];
        size_t bits = i % 2 ? 256 : 128;
        size_t count = check_random_below(&r, MANY + 1);
        struct aes_key ni, ct;

        check_random_bytes(&r, bytes, sizeof(bytes));
        check_random_bytes(&r, by_ni, sizeof(by_ni));
        memcpy(by_ct, by_ni, sizeof(by_ct));
        aes_ni.expand(&ni, bytes, bits);
        aes_ct.expand(&ct, bytes, bits);
        aes_ni.encrypt(&ni, by_ni, count);
        aes_ct.encrypt(&ct, by_ct, count);
        CHECK_BYTES(by_ni, by_ct, sizeof(by_ni));

        aes_ni.polyval(by_ni, bytes, by_ni + 16, count ? count - 1 : 0);
        aes_ct.polyval(by_ct, bytes, by_ct + 16, count ? count - 1 : 0);
        CHECK_BYTES(by_ni, by_ct, sizeof(by_ni));
    }
}

static void test_instructions_are_chosen_where_there_are_any(void **state)
{
    (void)state;
    CHECK(aes_choose(true) == &aes_ni);
    CHECK(aes_choose(false) == &aes_ct);
}

static void test_blocks_are_equal_in_every_bit(void **state)
{
    uint8_t a[AES_BLOCK] = {0}, b[AES_BLOCK] = {0};

    (void)state;
    CHECK(aes_block_equal(a, b));
    for (unsigned bit = 0; bit < 8 * AES_BLOCK; bit++) {
        b[bit / 8] = (uint8_t)(1 << bit % 8);
        CHECK(!aes_block_equal(a, b));
        b[bit / 8] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEALED_BOTH(test_any_number_of_blocks_is_encrypted_as_published),
        SEALED_BOTH(test_polyval_is_as_published),
        SEALED_BOTH(test_polyval_goes_on_where_it_was),
        cmocka_unit_test(test_both_ways_agree_on_anything),
        cmocka_unit_test(test_instructions_are_chosen_where_there_are_any),
        cmocka_unit_test(test_blocks_are_equal_in_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
