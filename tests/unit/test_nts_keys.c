/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the cookie keys: which are kept, and for how long. */
#include "nts/cookie.h"

#include "tests/check.h"

static struct nts_keys keys;

static struct nts_key_bytes key_of(uint32_t id)
{
    struct nts_key_bytes key = {.id = id};

    memset(key.key, (int)id, sizeof(key.key));
    return key;
}

static int start(void **state)
{
    (void)state;
    nts_keys_init(&keys, &aes_ct);
    return 0;
}

/* The ids that are kept, newest first. */
static void check_kept(const uint32_t *id, unsigned count)
{
    struct nts_key_bytes bytes[NTS_KEYS_KEPT];

    CHECK_EQ(nts_keys_save(&keys, bytes), count);
    for (unsigned i = 0; i < count; i++) {
        struct nts_key_bytes expected = key_of(id[i]);

        CHECK_EQ(bytes[i].id, id[i]);
        CHECK_BYTES(bytes[i].key, expected.key, NTS_KEY_LEN);
        CHECK_EQ(nts_keys_find(&keys, id[i])->bytes.id, id[i]);
    }
    if (count > 0)
        CHECK_EQ(nts_keys_newest(&keys)->bytes.id, id[0]);
    else
        CHECK(nts_keys_newest(&keys) == NULL);
}

static void test_at_first_there_is_none(void **state)
{
    (void)state;
    check_kept(NULL, 0);
    CHECK(nts_keys_find(&keys, 0) == NULL);
}

static void test_two_before_the_newest_are_kept(void **state)
{
    static const uint32_t id[] = {9, 8, 7, 6, 5, 4, 3, 2, 1};

    (void)state;
    for (uint32_t n = 1; n <= 9; n++) {
        struct nts_key_bytes fresh = key_of(n);

        nts_keys_rotate(&keys, &fresh);
        check_kept(id + 9 - n, n < 3 ? n : 3);
        if (n > 3)
            CHECK(nts_keys_find(&keys, n - 3) == NULL);
        nts_keys_sweep(&keys);
        check_kept(id + 9 - n, n < 3 ? n : 3);
    }
}

static void test_loading_replaces_all(void **state)
{
    static const uint32_t id[] = {30, 20, 10};
    struct nts_key_bytes old = key_of(1);

    (void)state;
    for (unsigned count = 1; count <= 3; count++) {
        struct nts_key_bytes bytes[3];

        for (unsigned i = 0; i < count; i++)
            bytes[i] = key_of(id[i]);
        nts_keys_rotate(&keys, &old);
        nts_keys_load(&keys, bytes, count);
        check_kept(id, count);
        CHECK(nts_keys_find(&keys, 1) == NULL);
    }
}

static void test_what_was_saved_is_loaded_the_same(void **state)
{
    static const uint32_t id[] = {4, 3, 2};
    struct nts_key_bytes bytes[NTS_KEYS_KEPT];

    (void)state;
    for (uint32_t n = 1; n <= 4; n++) {
        struct nts_key_bytes fresh = key_of(n);

        nts_keys_rotate(&keys, &fresh);
    }
    unsigned count = nts_keys_save(&keys, bytes);

    nts_keys_init(&keys, &aes_ct);
    nts_keys_load(&keys, bytes, count);
    check_kept(id, 3);
}

/* A reader that found the key before the rotation has it until the sweep. */
static void test_a_retired_key_is_whole_until_it_is_swept(void **state)
{
    static const struct nts_key zero;

    (void)state;
    for (uint32_t n = 1; n <= 3; n++) {
        struct nts_key_bytes fresh = key_of(n);

        nts_keys_rotate(&keys, &fresh);
        nts_keys_sweep(&keys);
    }
    const struct nts_key *held = nts_keys_find(&keys, 1);
    struct nts_key copy = *held;
    struct nts_key_bytes fresh = key_of(4);

    nts_keys_rotate(&keys, &fresh);
    CHECK_EQ(memcmp(held, &copy, sizeof(copy)), 0);
    nts_keys_sweep(&keys);
    CHECK_EQ(memcmp(held, &zero, sizeof(zero)), 0);
}

/* Nowhere in the whole struct, expanded or not. */
static void test_nothing_is_left_of_a_swept_key(void **state)
{
    uint8_t bytes[sizeof(keys)];

    (void)state;
    for (uint32_t n = 1; n <= 4; n++) {
        struct nts_key_bytes fresh = key_of(n == 1 ? 0xabab5e01 : n);

        memset(fresh.key, n == 1 ? 0xd7 : (int)n, sizeof(fresh.key));
        nts_keys_rotate(&keys, &fresh);
    }
    memcpy(bytes, &keys, sizeof(bytes));
    CHECK(memchr(bytes, 0xd7, sizeof(bytes)) != NULL);
    nts_keys_sweep(&keys);
    memcpy(bytes, &keys, sizeof(bytes));
    for (size_t i = 0; i + 8 <= sizeof(bytes); i++)
        CHECK(memcmp(bytes + i, "\xd7\xd7\xd7\xd7\xd7\xd7\xd7\xd7", 8) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
        TEST(at_first_there_is_none),
        TEST(two_before_the_newest_are_kept),
        TEST(loading_replaces_all),
        TEST(what_was_saved_is_loaded_the_same),
        TEST(a_retired_key_is_whole_until_it_is_swept),
        TEST(nothing_is_left_of_a_swept_key),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
