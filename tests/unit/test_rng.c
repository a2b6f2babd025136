/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the generator and of the health tests. */
#include "arch/rng.h"

#include "tests/check.h"

static const uint64_t same[RNG_FRESH] = {1, 2, 3};

/* RFC 8439, 2.3.2. */
static void test_a_block_is_that_of_the_rfc(void **state)
{
    const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    const uint32_t expected[16] = {
        0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
        0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
        0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2,
    };
    uint32_t key[8], out[16];
    uint8_t bytes[32];

    (void)state;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    memcpy(key, bytes, sizeof key);
    chacha20_block(out, key, 1, nonce);
    CHECK_BYTES(out, expected, sizeof out);
}

static void test_equal_states_give_equal_bytes(void **state)
{
    struct rng a = {0}, b = {0};
    uint8_t x[700], y[700];

    (void)state;
    rng_mix(&a, "seed", 4);
    rng_mix(&b, "seed", 4);
    for (unsigned i = 0; i < 3; i++) {
        rng_fill(&a, same, x, sizeof x);
        rng_fill(&b, same, y, sizeof y);
        CHECK_BYTES(x, y, sizeof x);
    }
}

/* Two copies of one generator part for good. */
static void test_every_fresh_bit_tells_copies_apart(void **state)
{
    struct rng start = {0};
    uint8_t x[200], y[200];

    (void)state;
    rng_mix(&start, "seed", 4);
    for (unsigned bit = 0; bit < RNG_FRESH * 64; bit++) {
        uint64_t other[RNG_FRESH] = {same[0], same[1], same[2]};
        struct rng a = start, b = start;

        other[bit / 64] ^= 1ull << bit % 64;
        rng_fill(&a, same, x, sizeof x);
        rng_fill(&b, other, y, sizeof y);
        for (unsigned i = 0; i < sizeof x; i += 8)
            CHECK(memcmp(x + i, y + i, 8) != 0);
        rng_fill(&a, same, x, sizeof x);
        rng_fill(&b, same, y, sizeof y);
        CHECK(memcmp(x, y, sizeof x) != 0);
    }
}

static void test_every_bit_of_the_seed_counts(void **state)
{
    uint8_t seed[70] = {0};
    uint8_t plain[32], other[32];
    struct rng r = {0};

    (void)state;
    rng_mix(&r, seed, sizeof seed);
    rng_fill(&r, same, plain, sizeof plain);
    for (size_t bit = 0; bit < sizeof seed * 8; bit++) {
        seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        r = (struct rng){0};
        rng_mix(&r, seed, sizeof seed);
        rng_fill(&r, same, other, sizeof other);
        CHECK(memcmp(plain, other, sizeof plain) != 0);
        seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* Neither do trailing zeros go unnoticed. */
    r = (struct rng){0};
    rng_mix(&r, seed, sizeof seed - 1);
    rng_fill(&r, same, other, sizeof other);
    CHECK(memcmp(plain, other, sizeof plain) != 0);
}

static bool holds(const struct rng *r, const uint8_t *text, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)r;

    for (size_t i = 0; i + len <= sizeof *r; i++)
        if (memcmp(bytes + i, text, len) == 0)
            return true;
    return false;
}

/* What was given out is nowhere in the state, and the key has changed. */
static void test_the_state_says_nothing_of_the_past(void **state)
{
    struct rng r = {0};
    struct rng before;
    uint8_t given[16];

    (void)state;
    rng_mix(&r, "seed", 4);
    for (unsigned i = 0; i < 50; i++) {
        before = r;
        rng_fill(&r, same, given, sizeof given);
        CHECK(!holds(&r, given, sizeof given));
        CHECK(memcmp(before.key, r.key, sizeof r.key) != 0);
    }
}

/* What is mixed in reaches the very next byte. */
static void test_mixing_forgets_what_was_kept_ready(void **state)
{
    struct rng a = {0}, b;
    uint8_t x[16], y[16];

    (void)state;
    rng_mix(&a, "seed", 4);
    rng_fill(&a, same, x, sizeof x);
    b = a;
    rng_mix(&b, "more", 4);
    rng_fill(&a, same, x, sizeof x);
    rng_fill(&b, same, y, sizeof y);
    CHECK(memcmp(x, y, sizeof x) != 0);
}

static void test_bytes_look_random(void **state)
{
    struct check_random seed = check_random_start();
    unsigned count[256] = {0};
    struct rng r = {0};
    uint8_t bytes[4096];
    double chi = 0;

    (void)state;
    check_random_bytes(&seed, bytes, 32);
    rng_mix(&r, bytes, 32);
    for (unsigned i = 0; i < 16; i++) {
        rng_fill(&r, same, bytes, sizeof bytes);
        for (size_t at = 0; at < sizeof bytes; at++)
            count[bytes[at]]++;
    }
    for (unsigned i = 0; i < 256; i++)
        chi += (count[i] - 256.0) * (count[i] - 256.0) / 256.0;
    /* 255 degrees of freedom: six standard deviations to either side. */
    CHECK_NEAR(chi, 255, 6 * 22.6);
}

static void test_health_passes_a_good_source(void **state)
{
    struct check_random seed = check_random_start();
    struct health h = {0};

    (void)state;
    for (unsigned i = 0; i < 200000; i++)
        CHECK(health_sample(&h, (uint8_t)check_random(&seed)));
    CHECK_EQ(h.samples, 200000);
}

static void test_health_finds_a_source_that_stands_still(void **state)
{
    struct health h = {0};

    (void)state;
    for (unsigned i = 1; i < HEALTH_REPEAT_CUTOFF; i++)
        CHECK(health_sample(&h, 7));
    CHECK(!health_sample(&h, 7));
    CHECK(!health_sample(&h, 1)); /* and does not forget it */
}

/* One sample in six is another: no long run, but far too little. */
static void test_health_finds_a_source_with_a_favourite(void **state)
{
    struct health h = {0};
    unsigned taken = 0;

    (void)state;
    while (health_sample(&h, taken % 6 == 5 ? (uint8_t)taken : 0))
        CHECK(++taken < 2 * HEALTH_WINDOW);
    CHECK(taken > HEALTH_PROPORTION_CUTOFF);
}

/* Just what is claimed, half a bit a sample, passes. */
static void test_health_passes_half_a_bit(void **state)
{
    struct check_random seed = check_random_start();
    struct health h = {0};

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        /* The favourite comes with probability 2^-0.5. */
        bool favourite = check_random_below(&seed, 1000000) < 707106;

        CHECK(health_sample(&h, favourite ? 0 : (uint8_t)check_random(&seed)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_that_of_the_rfc),
        cmocka_unit_test(test_equal_states_give_equal_bytes),
        cmocka_unit_test(test_every_fresh_bit_tells_copies_apart),
        cmocka_unit_test(test_every_bit_of_the_seed_counts),
        cmocka_unit_test(test_the_state_says_nothing_of_the_past),
        cmocka_unit_test(test_mixing_forgets_what_was_kept_ready),
        cmocka_unit_test(test_bytes_look_random),
        cmocka_unit_test(test_health_passes_a_good_source),
        cmocka_unit_test(test_health_finds_a_source_that_stands_still),
        cmocka_unit_test(test_health_finds_a_source_with_a_favourite),
        cmocka_unit_test(test_health_passes_half_a_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
