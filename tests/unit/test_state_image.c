/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what is kept, as bytes: whole, torn, rotten, foreign. */
#include "boot/state_image.h"
#include "tests/check.h"

#include <mbedtls/sha256.h>

static uint8_t slot[STATE_SLOT_BYTES];
static struct state_data full, found;

static void fill(struct state_data *d, struct check_random *r)
{
    memset(d, 0, sizeof(*d));
    d->unix_seconds = 1763832000;
    d->nts.count = NTS_KEYS_KEPT;
    for (unsigned i = 0; i < NTS_KEYS_KEPT; i++) {
        d->nts.key[i].id = (uint32_t)check_random(r);
        check_random_bytes(r, d->nts.key[i].key, 32);
    }
    d->nts.age_s = 86400;
    d->own.cert_len = STATE_CERT_MAX;
    d->own.key_len = STATE_CERT_KEY_MAX;
    check_random_bytes(r, d->own.cert, STATE_CERT_MAX);
    check_random_bytes(r, d->own.key, STATE_CERT_KEY_MAX);
    d->upstreams = STATE_UPSTREAMS_MAX;
    for (unsigned i = 0; i < STATE_UPSTREAMS_MAX; i++) {
        struct state_upstream *u = &d->upstream[i];

        memset(u->name, 'a' + (int)i, STATE_NAME_MAX);
        memset(u->server, 'A' + (int)i, STATE_NAME_MAX);
        u->ke_port = 4460;
        u->port = 123;
        u->aead = 30;
        u->compliant = i % 2;
        u->unix_seconds = check_random(r);
        u->not_before = (int64_t)check_random(r);
        u->not_after = (int64_t)check_random(r);
        check_random_bytes(r, u->c2s, STATE_KEY_MAX);
        check_random_bytes(r, u->s2c, STATE_KEY_MAX);
        u->cookies = STATE_COOKIES;
        for (unsigned j = 0; j < STATE_COOKIES; j++) {
            u->cookie[j].len = STATE_COOKIE_MAX;
            check_random_bytes(r, u->cookie[j].bytes, STATE_COOKIE_MAX);
        }
    }
    d->has_generation_id = true;
    check_random_bytes(r, d->generation_id, STATE_GENERATION_ID);
    d->counter_hz = 2499999876.54321;
    d->counter_skew = 0.01e-6;
}

/* A few things: what an ordinary save is. */
static size_t write_small(uint64_t generation)
{
    static struct state_data d;

    memset(&d, 0, sizeof(d));
    d.unix_seconds = 1763832000;
    d.nts.count = 1;
    d.nts.key[0].id = 7;
    memset(d.nts.key[0].key, 9, 32);
    strcpy(d.upstream[0].name, "nts.example.net");
    d.upstream[0].cookies = 1;
    d.upstream[0].cookie[0].len = 100;
    d.upstreams = 1;
    memset(slot, 0, sizeof(slot));
    size_t len = state_image_write(slot, &d);
    state_image_seal(slot, len, generation);
    return len;
}

/* All of it, at its largest, comes back as it was. */
static void test_everything_comes_back(void **state)
{
    struct check_random r = check_random_start();
    uint64_t generation = 0;

    (void)state;
    fill(&full, &r);
    size_t len = state_image_write(slot, &full);
    CHECK(len <= STATE_SLOT_BYTES);
    state_image_seal(slot, len, 17);
    CHECK_EQ(state_image_bytes(slot), len);
    memset(&found, 0xff, sizeof(found));
    CHECK_EQ(state_image_read(slot, len, &found, &generation), STATE_OK);
    CHECK_EQ(generation, 17);
    CHECK_BYTES(&found, &full, sizeof(full));
}

/* Nothing known is kept as nothing known. */
static void test_nothing_comes_back_as_nothing(void **state)
{
    static const struct state_data none;
    uint64_t generation;

    (void)state;
    size_t len = state_image_write(slot, &none);
    state_image_seal(slot, len, 1);
    CHECK_EQ(state_image_bytes(slot), STATE_PAGE_BYTES);
    memset(&found, 0xff, sizeof(found));
    CHECK_EQ(state_image_read(slot, len, &found, &generation), STATE_OK);
    CHECK_BYTES(&found, &none, sizeof(none));
}

/* Zeros are a slot that was never written, whatever its length. */
static void test_zeros_are_empty(void **state)
{
    uint64_t generation = 5;

    (void)state;
    memset(slot, 0, sizeof(slot));
    memset(&found, 0xaa, sizeof(found));
    CHECK_EQ(state_image_read(slot, sizeof(slot), &found, &generation),
             STATE_EMPTY);
    CHECK_EQ(state_header_read(slot), STATE_EMPTY);
    CHECK_EQ(((uint8_t *)&found)[0], 0xaa);
    CHECK_EQ(generation, 5);
}

/* A save of which only the first so many bytes arrived is never taken, over
 * zeros or over the save before. */
static void test_no_prefix_is_taken(void **state)
{
    static uint8_t before[STATE_SLOT_BYTES], torn[STATE_SLOT_BYTES];
    uint64_t generation;
    size_t len = write_small(3);

    (void)state;
    memcpy(before, slot, sizeof(before));
    CHECK_EQ(write_small(5), len);
    for (size_t at = 0; at < len; at++) {
        memset(torn, 0, sizeof(torn));
        memcpy(torn, slot, at);
        if (memcmp(torn, slot, len) != 0)
            CHECK_EQ(state_image_read(torn, sizeof(torn), NULL, &generation),
                     at == 0 ? STATE_EMPTY : STATE_DAMAGED);
        memcpy(torn, before, sizeof(torn));
        memcpy(torn, slot, at);
        generation = 0;
        enum state_verdict verdict =
            state_image_read(torn, sizeof(torn), NULL, &generation);
        if (memcmp(torn, before, sizeof(torn)) == 0)
            CHECK_EQ(generation, 3);
        else if (memcmp(torn, slot, len) == 0)
            CHECK_EQ(generation, 5);
        else
            CHECK_EQ(verdict, STATE_DAMAGED);
    }
}

/* Sectors of two saves, in any mixture, are not a third. */
static void test_no_mixture_of_sectors_is_taken(void **state)
{
    static uint8_t old[STATE_SLOT_BYTES], mixed[STATE_SLOT_BYTES];
    struct check_random r = check_random_start();
    uint64_t generation;

    (void)state;
    memset(slot, 0, sizeof(slot));
    fill(&full, &r);
    size_t len = state_image_write(slot, &full);
    state_image_seal(slot, len, 8);
    memcpy(old, slot, sizeof(old));
    fill(&full, &r);
    CHECK_EQ(state_image_write(slot, &full), len);
    state_image_seal(slot, len, 10);
    for (unsigned round = 0; round < 200; round++) {
        bool some_old = false, some_new = false;

        for (size_t at = 0; at < len; at += 512) {
            bool take = check_random_below(&r, 2);

            memcpy(mixed + at, (take ? slot : old) + at, 512);
            *(take ? &some_new : &some_old) = true;
        }
        if (some_old && some_new)
            CHECK_EQ(state_image_read(mixed, len, NULL, &generation),
                     STATE_DAMAGED);
    }
}

/* One bit that flipped, anywhere, is noticed. */
static void test_no_bit_rots_unnoticed(void **state)
{
    uint64_t generation;
    size_t len = write_small(3);

    (void)state;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        slot[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK_EQ(state_image_read(slot, sizeof(slot), &found, &generation),
                 STATE_DAMAGED);
        slot[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK_EQ(state_image_read(slot, sizeof(slot), &found, &generation),
             STATE_OK);
}

/* Change what a slot holds and vouch for it anew. */
static void put_items(const uint8_t *items, size_t len)
{
    memset(slot, 0, sizeof(slot));
    memcpy(slot + 56, items, len);
    state_image_seal(slot, 56 + len, 4);
}

/* What a later version added is passed over, and the rest is read. */
static void test_unknown_items_are_passed_over(void **state)
{
    static const uint8_t items[] = {
        0x7f, 0,  0, 3,  1,   2, 3,                /* not known */
        0,    1,  0, 8,  0,   0, 0, 0, 0, 0, 1, 0, /* the time: 256 */
        0,    6,  0, 13,                           /* an upstream: */
        0,    1,  0, 1,  'x',                      /*   its name, */
        0,    99, 0, 4,  1,   2, 3, 4};            /*   not known */
    uint64_t generation;

    (void)state;
    put_items(items, sizeof(items));
    CHECK_EQ(state_image_read(slot, sizeof(slot), &found, &generation),
             STATE_OK);
    CHECK_EQ(found.unix_seconds, 256);
    CHECK_EQ(found.upstreams, 1);
    CHECK_TEXT(found.upstream[0].name, "x");
}

/* Whatever is vouched for, no item writes where it should not: wrong lengths,
 * too many, names that are none. */
static void test_impossible_items_are_left_out(void **state)
{
    static const struct {
        size_t len;
        uint8_t items[40];
        bool damaged;
    } cases[] = {
        {5, {0, 1, 0, 1, 9}, false},               /* a time of one byte */
        {6, {0, 2, 0, 2, 9, 9}, false},            /* a key of two */
        {5, {0, 4, 0, 1, 9}, false},               /* a certificate, no key */
        {5, {0, 5, 0, 1, 9}, false},               /* a key, no certificate */
        {6, {0, 7, 0, 2, 1, 1}, false},            /* a short generation */
        {20, {0, 8, 0, 16, 0x7f, 0xf8}, false},    /* not a number */
        {20, {0, 8, 0, 16, 0x40, 0}, false},       /* twice as fast */
        {9, {0, 6, 0, 5, 0, 1, 0, 1, ' '}, false}, /* a name of a space */
        {9, {0, 6, 0, 5, 0, 1, 0, 1, 0}, false},   /* of a zero */
        {9, {0, 6, 0, 5, 0, 1, 0, 2, 'a'}, false}, /* that is cut */
        {8, {0, 6, 0, 4, 0, 9, 0, 0}, false},      /* none at all */
        {12, {0, 1, 0, 8, 0x7f}, false},           /* a time that never is */
        {3, {0, 1, 0}, true},
        {5, {0, 1, 0, 8, 0}, true},
        {4, {0, 1, 0xff, 0xff}, true},
    };
    static const struct state_data none;
    uint64_t generation;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_items(cases[i].items, cases[i].len);
        memset(&found, 0xff, sizeof(found));
        CHECK_EQ(state_image_read(slot, 56 + cases[i].len, &found, &generation),
                 cases[i].damaged ? STATE_DAMAGED : STATE_OK);
        if (cases[i].damaged)
            continue;
        CHECK_EQ(found.has_generation_id, 0);
        memset(found.generation_id, 0, sizeof(found.generation_id));
        CHECK_BYTES(&found, &none, sizeof(none));
    }
}

/* More of a kind than there is room for is left out. */
static void test_too_many_are_left_out(void **state)
{
    static uint8_t items[40 * 40];
    uint64_t generation;

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        memcpy(items + 40 * i, "\0\2\0\44", 4);
        items[40 * i + 7] = (uint8_t)i;
    }
    put_items(items, sizeof(items));
    CHECK_EQ(state_image_read(slot, sizeof(slot), &found, &generation),
             STATE_OK);
    CHECK_EQ(found.nts.count, NTS_KEYS_KEPT);
    CHECK_EQ(found.nts.key[0].id, 0);
    CHECK_EQ(found.nts.key[2].id, 2);

    for (unsigned i = 0; i < 40; i++)
        memcpy(items + 9 * i, "\0\6\0\5\0\1\0\1n", 9);
    put_items(items, 9 * 40);
    CHECK_EQ(state_image_read(slot, sizeof(slot), &found, &generation),
             STATE_OK);
    CHECK_EQ(found.upstreams, STATE_UPSTREAMS_MAX);
}

/* A caller that counts too far writes no further than it may. */
static void test_counts_are_held_to_their_bounds(void **state)
{
    struct check_random r = check_random_start();
    uint64_t generation;

    (void)state;
    fill(&full, &r);
    full.nts.count = 1000;
    full.upstreams = 1000;
    full.own.cert_len = 60000;
    full.upstream[0].cookies = 255;
    full.upstream[1].cookie[0].len = 60000;
    size_t len = state_image_write(slot, &full);
    CHECK(len <= STATE_SLOT_BYTES);
    state_image_seal(slot, len, 1);
    CHECK_EQ(state_image_read(slot, len, &found, &generation), STATE_OK);
    CHECK_EQ(found.nts.count, NTS_KEYS_KEPT);
    CHECK_EQ(found.upstreams, STATE_UPSTREAMS_MAX);
    CHECK_EQ(found.own.cert_len, 0);
    CHECK_EQ(found.upstream[0].cookies, STATE_COOKIES);
    CHECK_EQ(found.upstream[1].cookies, STATE_COOKIES - 1);
}

/* Vouch for the head and `len` bytes behind it, as they are now. */
static void vouch(uint8_t *at, size_t len)
{
    mbedtls_sha256_context sha256;

    mbedtls_sha256_init(&sha256);
    mbedtls_sha256_starts(&sha256, 0);
    mbedtls_sha256_update(&sha256, at, 24);
    mbedtls_sha256_update(&sha256, at + 56, len);
    mbedtls_sha256_finish(&sha256, at + 24);
}

/* What is whole, but of another version, is told from what is damaged. */
static void test_later_version_is_recognised(void **state)
{
    static uint8_t page[STATE_PAGE_BYTES];
    uint64_t generation = 0;
    size_t len = write_small(3);

    (void)state;
    slot[11] = 2;
    vouch(slot, len - 56);
    found.unix_seconds = 5;
    CHECK_EQ(state_image_read(slot, len, &found, &generation), STATE_UNKNOWN);
    CHECK_EQ(generation, 3);
    CHECK_EQ(found.unix_seconds, 5);
    state_header_write(page);
    page[11] = 2;
    vouch(page, 0);
    CHECK_EQ(state_header_read(page), STATE_UNKNOWN);
    state_header_write(page);
    CHECK_EQ(state_header_read(page), STATE_OK);
    page[11] = 2;
    CHECK_EQ(state_header_read(page), STATE_DAMAGED);
    page[0] = 'X';
    CHECK_EQ(state_header_read(page), STATE_DAMAGED);
}

/* A header is one sector: the rest of its page is zeros. */
static void test_header_is_within_one_sector(void **state)
{
    static uint8_t page[STATE_PAGE_BYTES];
    static const uint8_t zeros[STATE_PAGE_BYTES - 512];

    (void)state;
    memset(page, 0xff, sizeof(page));
    state_header_write(page);
    CHECK_BYTES(page + 512, zeros, sizeof(zeros));
}

/* A header that has rotten is still known as one; what somebody else wrote is
 * not, nor what somebody has put behind it. */
static void test_a_rotten_header_is_known(void **state)
{
    static uint8_t first[STATE_SLOT_BYTES];
    struct check_random r = check_random_start();

    (void)state;
    CHECK(state_header_rotten(first)); /* it is lost */
    state_header_write(first);
    CHECK(state_header_rotten(first));
    for (unsigned i = 0; i < STATE_ROTTEN_BITS_MAX; i++)
        first[i / 8 * 511] ^= (uint8_t)(1u << i % 8);
    CHECK(state_header_rotten(first));
    first[1] ^= 1;
    CHECK(!state_header_rotten(first));
    for (unsigned i = 0; i < 100; i++) {
        memset(first, 0, STATE_PAGE_BYTES);
        check_random_bytes(&r, first, 56);
        CHECK(!state_header_rotten(first));
        memset(first, 0, STATE_PAGE_BYTES);
        first[check_random_below(&r, STATE_PAGE_BYTES)] = 1;
        CHECK(!state_header_rotten(first));
    }
    for (size_t i = STATE_WORDS_AT; i < STATE_SLOT_BYTES; i++) {
        state_header_write(first);
        first[i] = 1;
        CHECK(!state_header_rotten(first));
        first[i] = 0;
    }
    state_words_write(first + STATE_WORDS_AT, "panic", 5);
    CHECK(state_header_rotten(first));
}

/* Last words come back, cut to their room, and cannot trick a terminal. */
static void test_last_words_come_back(void **state)
{
    static uint8_t page[STATE_PAGE_BYTES];
    static char long_text[8192];
    char text[STATE_PANIC_MAX + 1];

    (void)state;
    state_words_write(page, "panic: x\nfrom\x1b[2J\n", 18);
    CHECK_EQ(state_words_read(page, text), STATE_OK);
    CHECK_TEXT(text, "panic: x\nfrom?[2J\n");
    page[60] ^= 1;
    CHECK_EQ(state_words_read(page, text), STATE_DAMAGED);

    memset(long_text, 'l', sizeof(long_text));
    state_words_write(page, long_text, sizeof(long_text));
    CHECK_EQ(state_words_read(page, text), STATE_OK);
    CHECK_EQ(strlen(text), STATE_PANIC_MAX);

    memset(page, 0, sizeof(page));
    CHECK_EQ(state_words_read(page, text), STATE_EMPTY);
    size_t len = write_small(1);
    (void)len;
    CHECK_EQ(state_words_read(slot, text), STATE_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_comes_back),
        cmocka_unit_test(test_nothing_comes_back_as_nothing),
        cmocka_unit_test(test_zeros_are_empty),
        cmocka_unit_test(test_no_prefix_is_taken),
        cmocka_unit_test(test_no_mixture_of_sectors_is_taken),
        cmocka_unit_test(test_no_bit_rots_unnoticed),
        cmocka_unit_test(test_unknown_items_are_passed_over),
        cmocka_unit_test(test_impossible_items_are_left_out),
        cmocka_unit_test(test_too_many_are_left_out),
        cmocka_unit_test(test_counts_are_held_to_their_bounds),
        cmocka_unit_test(test_later_version_is_recognised),
        cmocka_unit_test(test_header_is_within_one_sector),
        cmocka_unit_test(test_a_rotten_header_is_known),
        cmocka_unit_test(test_last_words_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
