/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of both algorithms, with either cipher, against published cases and
 * our own. */
#include "nts/aead.h"
#include "tests/check.h"
#include "tests/sealed.h"

static const struct {
    enum aead_id id;
    size_t key_len, nonce_len;
} known[] = {
    {AEAD_AES_SIV_CMAC_256, 32, 16},
    {AEAD_AES_128_GCM_SIV, 16, 12},
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static void test_lengths_are_those_of_the_registry(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        CHECK_EQ(aead_key_len(known[i].id), known[i].key_len);
        CHECK_EQ(aead_nonce_max(known[i].id), known[i].nonce_len);
    }
    for (unsigned id = 0; id < 0x10000; id++) {
        if (id == 15 || id == 30)
            continue;
        CHECK_EQ(aead_key_len((enum aead_id)id), 0);
        CHECK_EQ(aead_nonce_max((enum aead_id)id), 0);
        CHECK(!aead_nonce_ok((enum aead_id)id, 16));
    }
}

static void test_a_nonce_is_as_long_as_the_algorithm_takes(void **state)
{
    (void)state;
    for (size_t len = 0; len < 300; len++) {
        CHECK_EQ(aead_nonce_ok(AEAD_AES_SIV_CMAC_256, len), len > 0);
        CHECK_EQ(aead_nonce_ok(AEAD_AES_128_GCM_SIV, len), len == 12);
    }
}

/* What the two functions work on: a case's algorithm and key. */
struct suite {
    enum aead_id id;
    const struct aes_cipher *cipher;
};

static bool opens(const struct aead *a, const struct sealed_case *c,
                  uint8_t *plain)
{
    return aead_open(a, c->nonce.at, c->nonce.len, c->ad.at, c->ad.len,
                     c->sealed.at, c->sealed.len, plain);
}

static void check_case(const struct sealed_case *c, const void *context)
{
    const struct suite *suite = context;
    uint8_t out[SEALED_MAX + AEAD_TAG_LEN];
    struct aead a;

    CHECK_EQ(c->key.len, aead_key_len(suite->id));
    aead_init(&a, suite->cipher, suite->id, c->key.at);

    aead_seal(&a, c->nonce.at, c->nonce.len, c->ad.at, c->ad.len, c->plain.at,
              c->plain.len, out);
    CHECK_BYTES(out, c->sealed.at, c->sealed.len);
    memcpy(out + AEAD_TAG_LEN, c->plain.at, c->plain.len);
    aead_seal(&a, c->nonce.at, c->nonce.len, c->ad.at, c->ad.len,
              out + AEAD_TAG_LEN, c->plain.len, out);
    CHECK_BYTES(out, c->sealed.at, c->sealed.len);

    memset(out, 0, sizeof(out));
    CHECK(opens(&a, c, out));
    CHECK_BYTES(out, c->plain.at, c->plain.len);
    memcpy(out, c->sealed.at, c->sealed.len);
    CHECK(aead_open(&a, c->nonce.at, c->nonce.len, c->ad.at, c->ad.len, out,
                    c->sealed.len, out));
    CHECK_BYTES(out, c->plain.at, c->plain.len);
}

static void check_file(const char *name, enum aead_id id,
                       const struct aes_cipher *cipher, unsigned count)
{
    CHECK_EQ(sealed_each(name, check_case, &(struct suite){id, cipher}), count);
}

static void test_gcm_siv_is_as_published(void **state)
{
    check_file("rfc8452.txt", AEAD_AES_128_GCM_SIV, sealed_by(*state), 24);
}

static void test_siv_is_as_a_second_implementation_has_it(void **state)
{
    check_file("aes_siv.txt", AEAD_AES_SIV_CMAC_256, sealed_by(*state), 148);
}

static void test_gcm_siv_is_as_a_second_implementation_has_it(void **state)
{
    check_file("aes_128_gcm_siv.txt", AEAD_AES_128_GCM_SIV, sealed_by(*state),
               149);
}

/* Nothing of what lies at `plain` is the plaintext. */
static void check_wiped(const uint8_t *plain, size_t len)
{
    for (size_t i = 0; i < len; i++)
        CHECK_EQ(plain[i], 0);
}

static void check_refused(const struct aead *a, const struct sealed_case *c)
{
    uint8_t plain[SEALED_MAX];
    size_t len =
        c->sealed.len < AEAD_TAG_LEN ? 0 : c->sealed.len - AEAD_TAG_LEN;

    memset(plain, 0x55, sizeof(plain));
    CHECK(!opens(a, c, plain));
    check_wiped(plain, len);
    CHECK_EQ(plain[len], 0x55);
}

/* A text one byte of which is another, in each bit; and its neighbours. */
static void check_changes(const struct aead *a, struct sealed_case *c,
                          struct sealed_text *text)
{
    size_t len = text->len;

    for (size_t bit = 0; bit < 8 * len; bit++) {
        text->at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(a, c);
        text->at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (text->len = 0; text->len < len; text->len++)
        check_refused(a, c);
    text->at[len] = 0;
    text->len = len + 1;
    check_refused(a, c);
    text->len = len;
}

static void test_no_changed_bit_and_no_other_length_opens(void **state)
{
    const struct aes_cipher *cipher = sealed_by(*state);

    for (size_t i = 0; i < KNOWN; i++) {
        for (size_t len = 0; len <= 40; len += 20) {
            struct sealed_case c = {.nonce.len = known[i].nonce_len,
                                    .ad.len = 21,
                                    .sealed.len = len + AEAD_TAG_LEN};
            struct aead a;

            aead_init(&a, cipher, known[i].id, c.key.at);
            aead_seal(&a, c.nonce.at, c.nonce.len, c.ad.at, c.ad.len,
                      c.plain.at, len, c.sealed.at);
            CHECK(opens(&a, &c, c.plain.at));
            check_changes(&a, &c, &c.nonce);
            check_changes(&a, &c, &c.ad);
            check_changes(&a, &c, &c.sealed);
            CHECK(opens(&a, &c, c.plain.at));

            c.nonce.len = 0;
            for (c.sealed.len = 0; c.sealed.len < 2 * AEAD_TAG_LEN;
                 c.sealed.len++)
                check_refused(&a, &c);
        }
    }
}

static void test_either_cipher_opens_what_the_other_sealed(void **state)
{
    struct check_random r = check_random_start();

    (void)state;
    sealed_by(&aes_ni);
    for (unsigned round = 0; round < 2000; round++) {
        size_t i = check_random_below(&r, KNOWN);
        struct sealed_case c = {
            .nonce.len = known[i].nonce_len,
            .ad.len = check_random_below(&r, SEALED_MAX),
            .plain.len = check_random_below(&r, SEALED_MAX - AEAD_TAG_LEN)};
        struct aead ni, ct;
        uint8_t plain[SEALED_MAX];

        check_random_bytes(&r, c.key.at, AEAD_KEY_MAX);
        check_random_bytes(&r, c.nonce.at, c.nonce.len);
        check_random_bytes(&r, c.ad.at, c.ad.len);
        check_random_bytes(&r, c.plain.at, c.plain.len);
        aead_init(&ni, &aes_ni, known[i].id, c.key.at);
        aead_init(&ct, &aes_ct, known[i].id, c.key.at);

        aead_seal(round % 2 ? &ni : &ct, c.nonce.at, c.nonce.len, c.ad.at,
                  c.ad.len, c.plain.at, c.plain.len, c.sealed.at);
        c.sealed.len = c.plain.len + AEAD_TAG_LEN;
        CHECK(opens(round % 2 ? &ct : &ni, &c, plain));
        CHECK_BYTES(plain, c.plain.at, c.plain.len);
    }
}

static void test_a_wiped_key_is_gone(void **state)
{
    const struct aes_cipher *cipher = sealed_by(*state);
    static const uint8_t key[AEAD_KEY_MAX] = {1};

    for (size_t i = 0; i < KNOWN; i++) {
        struct aead a;

        aead_init(&a, cipher, known[i].id, key);
        aead_wipe(&a);
        check_wiped((const uint8_t *)&a, sizeof(a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_are_those_of_the_registry),
        cmocka_unit_test(test_a_nonce_is_as_long_as_the_algorithm_takes),
        SEALED_BOTH(test_gcm_siv_is_as_published),
        SEALED_BOTH(test_siv_is_as_a_second_implementation_has_it),
        SEALED_BOTH(test_gcm_siv_is_as_a_second_implementation_has_it),
        SEALED_BOTH(test_no_changed_bit_and_no_other_length_opens),
        cmocka_unit_test(test_either_cipher_opens_what_the_other_sealed),
        SEALED_BOTH(test_a_wiped_key_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
