/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock filter: what it makes of delays, strays, steps and wander. */
#include "ntp/filter.h"

#include "tests/check.h"

#include <math.h>

#define US   1e-6
#define BASE 200e-6 /* delay of the path, there and back */

/* A network and an oscillator, as in tests/sim but only samples of them. */
struct source_of_samples {
    struct check_random random;
    double when;
    double offset;    /* true, source minus counter */
    double frequency; /* true */
    double jitter;    /* mean of each direction */
    double base;
};

static double uniform(struct check_random *r)
{
    return ((double)(check_random(r) >> 11) + 0.5) * 0x1p-53;
}

static double exponential(struct check_random *r, double mean)
{
    return -mean * log(uniform(r));
}

static struct source_of_samples source(void)
{
    return (struct source_of_samples){
        .random = check_random_start(), .jitter = 20 * US, .base = BASE};
}

static struct filter_sample sample(struct source_of_samples *s)
{
    double there = exponential(&s->random, s->jitter);
    double back = exponential(&s->random, s->jitter);

    return (struct filter_sample){
        .when = s->when,
        .offset = s->offset + (there - back) / 2,
        .delay = s->base + there + back,
        .noise = 1e-9,
    };
}

static void wait(struct source_of_samples *s, double seconds)
{
    s->when += seconds;
    s->offset += s->frequency * seconds;
}

/* Returns how many of `n` samples were strays. */
static unsigned feed(struct filter *f, struct source_of_samples *s, unsigned n,
                     double apart)
{
    unsigned strays = 0;

    for (unsigned i = 0; i < n; i++) {
        wait(s, apart);
        struct filter_sample x = sample(s);
        strays += !filter_add(f, &x);
    }
    return strays;
}

static double error(const struct filter *f, const struct source_of_samples *s)
{
    struct filter_estimate e;

    filter_at(f, s->when, &e);
    return e.offset - s->offset;
}

static double sigmas(const struct filter *f, const struct source_of_samples *s)
{
    struct filter_estimate e;

    filter_at(f, s->when, &e);
    return fabs(e.offset - s->offset) / e.offset_error;
}

static void test_the_first_sample_is_the_estimate(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;
    struct filter_estimate e;

    filter_init(&f, 1e-4);
    s.offset = 1000;
    feed(&f, &s, 1, 1);
    CHECK_NEAR(error(&f, &s), 0, 400 * US);
    filter_at(&f, s.when, &e);
    CHECK_NEAR(e.frequency, 0, 1e-12);
    CHECK(e.frequency_error > 1e-4 && e.frequency_error < 5e-4);
    /* It may be wrong by a part of the delay, and no more. */
    CHECK(e.offset_error > BASE / 10 && e.offset_error < BASE);
    /* Later, also by what the rate may be wrong. */
    CHECK(filter_error_after(&f, 100) > 100e-4);
}

static void test_offset_and_frequency_are_found(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;
    struct filter_estimate e;

    for (int round = 0; round < 20; round++) {
        s.frequency = (uniform(&s.random) - 0.5) * 2e-4;
        filter_init(&f, 1e-4);
        CHECK_EQ(feed(&f, &s, 60, 16), 0);
        filter_at(&f, s.when, &e);
        CHECK_NEAR(error(&f, &s), 0, 15 * US);
        CHECK_NEAR(e.frequency, s.frequency, 3e-7);
        CHECK(sigmas(&f, &s) < 5);
        CHECK_NEAR(f.delay, BASE, 20 * US);
    }
}

static void test_a_rate_far_from_what_was_told_is_found(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;
    struct filter_estimate e;

    for (int sign = -1; sign < 2; sign += 2) {
        for (double told = 1e-6; told < 1e-3; told *= 30) {
            s.frequency = sign * 500e-6;
            filter_init(&f, told);
            feed(&f, &s, 40, 2);
            filter_at(&f, s.when, &e);
            CHECK_NEAR(e.frequency, s.frequency, 5e-6);
            CHECK_NEAR(error(&f, &s), 0, 30 * US);
        }
    }
}

static void test_its_error_bars_hold_the_truth(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;
    unsigned outside = 0;

    for (int round = 0; round < 100; round++) {
        filter_init(&f, 1e-4);
        for (int i = 0; i < 40; i++) {
            feed(&f, &s, 1, 32);
            outside += sigmas(&f, &s) > 4;
        }
    }
    CHECK(outside <= 20); /* of 4000 */
}

static void test_late_packets_tell_little(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;

    filter_init(&f, 1e-4);
    feed(&f, &s, 40, 16);
    for (int i = 0; i < 20; i++) {
        double before = error(&f, &s);
        wait(&s, 16);
        struct filter_sample x = sample(&s);
        x.delay += 5e-3; /* all of it in one direction */
        x.offset += 2.5e-3;
        CHECK(filter_add(&f, &x));
        CHECK_NEAR(error(&f, &s), before, 50 * US);
        feed(&f, &s, 1, 16);
    }
    CHECK_NEAR(error(&f, &s), 0, 15 * US);
}

static void test_a_few_impossible_samples_move_nothing(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;

    filter_init(&f, 1e-4);
    feed(&f, &s, 40, 16);
    for (int i = 0; i < 3; i++) {
        wait(&s, 16);
        struct filter_sample x = sample(&s);
        x.offset += 0.1; /* and the delay is as always */
        CHECK(!filter_add(&f, &x));
        CHECK_NEAR(error(&f, &s), 0, 20 * US);
    }
    CHECK_EQ(feed(&f, &s, 5, 16), 0);
    CHECK_NEAR(error(&f, &s), 0, 20 * US);
}

static void test_a_source_that_steps_is_followed(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;

    for (int sign = -1; sign < 2; sign += 2) {
        filter_init(&f, 1e-4);
        feed(&f, &s, 40, 16);
        s.offset += sign * 0.05;
        unsigned strays = feed(&f, &s, 6, 16);
        CHECK(strays >= 2 && strays <= 4);
        CHECK_NEAR(error(&f, &s), 0, 100 * US);
        feed(&f, &s, 20, 16);
        CHECK_NEAR(error(&f, &s), 0, 20 * US);
    }
}

static void test_a_shorter_path_is_taken_up_at_once(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;

    filter_init(&f, 1e-4);
    s.base = 2e-3;
    feed(&f, &s, 40, 16);
    s.base = BASE;
    feed(&f, &s, 20, 16);
    CHECK_NEAR(f.delay, BASE, 30 * US);
    CHECK_NEAR(error(&f, &s), 0, 25 * US);
}

static void test_a_longer_path_is_recognised_in_the_end(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;

    filter_init(&f, 1e-4);
    feed(&f, &s, 5 * FILTER_BLOCK, 16);
    s.base = 2e-3;
    feed(&f, &s, 2 * FILTER_BLOCK, 16);
    CHECK_NEAR(f.delay, 2e-3, 50 * US);
    feed(&f, &s, 50, 16);
    CHECK_NEAR(error(&f, &s), 0, 25 * US);
}

static void test_noise_that_no_delay_shows_is_averaged(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;
    double squares = 0;

    filter_init(&f, 1e-4);
    for (int i = 0; i < 600; i++) {
        wait(&s, 16);
        struct filter_sample x = sample(&s);
        double noise = 0;
        for (int k = 0; k < 12; k++)
            noise += uniform(&s.random) - 0.5;
        x.offset += 100 * US * noise; /* of its clock */
        filter_add(&f, &x);
        if (i >= 100)
            squares += error(&f, &s) * error(&f, &s);
    }
    CHECK_NEAR(sqrt(squares / 500), 0, 60 * US);
}

static void test_shifting_moves_the_estimate_and_no_more(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;

    filter_init(&f, 1e-4);
    feed(&f, &s, 30, 16);
    double before = error(&f, &s);
    filter_shift(&f, -1000);
    s.offset -= 1000;
    CHECK_NEAR(error(&f, &s), before, 1e-9);
    feed(&f, &s, 30, 16);
    CHECK_NEAR(error(&f, &s), 0, 20 * US);
}

/* Whatever comes in, numbers come out. */
static void test_no_samples_make_it_lose_its_numbers(void **state)
{
    (void)state;
    struct check_random r = check_random_start();
    struct filter f;
    struct filter_estimate e;

    for (int round = 0; round < 300; round++) {
        double when = 0;
        filter_init(&f, check_random_below(&r, 2) ? 1e-4 : 0);
        for (int i = 0; i < 100; i++) {
            struct filter_sample x = {
                .when = when,
                .offset = (uniform(&r) - 0.5) *
                          pow(10, (double)check_random_below(&r, 12) - 8),
                .delay = check_random_below(&r, 4)
                             ? pow(10, (double)check_random_below(&r, 10) - 9)
                             : 0,
                .noise = check_random_below(&r, 4) ? 1e-9 : 0.01,
            };
            when += pow(10, (double)check_random_below(&r, 8) - 3);
            filter_add(&f, &x);
            filter_at(&f, x.when, &e);
            CHECK(fabs(e.offset) < 1e9);
            CHECK(e.offset_error > 0 && e.offset_error < 1e9);
            CHECK(e.frequency_error >= 0 && e.frequency_error < 1e9);
            CHECK(filter_error_after(&f, 1024) >= 0);
        }
    }
}

/* One direction queues, and that was told. */
static void test_a_told_asymmetry_is_taken_off(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    double right = 0;
    double wrong = 0;

    for (int round = 0; round < 10; round++) {
        struct filter_told told = {.asymmetry = round % 2 ? 0.5 : -0.5};
        struct filter_told lie = {.asymmetry = -told.asymmetry};
        struct filter f, misled;

        filter_init(&f, 1e-4);
        filter_tell(&f, &told);
        filter_init(&misled, 1e-4);
        filter_tell(&misled, &lie);
        for (int n = 0; n < 30; n++) {
            wait(&s, 16);
            struct filter_sample x = sample(&s);
            double queued = exponential(&s.random, 500 * US);
            x.offset -= told.asymmetry * queued;
            x.delay += queued;
            filter_add(&f, &x);
            filter_add(&misled, &x);
        }
        CHECK_NEAR(error(&f, &s), 0, 100 * US);
        right += fabs(error(&f, &s));
        wrong += fabs(error(&misled, &s));
    }
    CHECK(wrong > 2 * right);
}

/* Even its first sample is held against it. */
static void test_a_told_delay_need_not_be_found(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter f;

    filter_init(&f, 1e-4);
    filter_tell(&f, &(struct filter_told){.delay = BASE});
    s.base = BASE + 300 * US;
    feed(&f, &s, 20, 16);
    CHECK_NEAR(f.delay, BASE, 1e-12);
    s.base = BASE;
    feed(&f, &s, 20, 16);
    CHECK_NEAR(error(&f, &s), 0, 40 * US);
}

/* What has left the window has no say. */
static void test_an_estimate_stands_on_as_many_samples_as_told(void **state)
{
    (void)state;
    struct source_of_samples s = source();
    struct filter few, all;
    struct filter_estimate a, b;

    filter_init(&few, 1e-4);
    filter_tell(&few, &(struct filter_told){.samples = 4});
    filter_init(&all, 1e-4);
    for (int i = 0; i < 40; i++) {
        wait(&s, 16);
        struct filter_sample x = sample(&s);
        filter_add(&few, &x);
        filter_add(&all, &x);
    }
    CHECK_EQ(few.count, 4);
    CHECK_EQ(all.count, 40);
    filter_at(&few, s.when, &a);
    filter_at(&all, s.when, &b);
    CHECK(a.frequency_error > 2 * b.frequency_error);
    CHECK(sigmas(&few, &s) < 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_sample_is_the_estimate),
        cmocka_unit_test(test_offset_and_frequency_are_found),
        cmocka_unit_test(test_a_rate_far_from_what_was_told_is_found),
        cmocka_unit_test(test_its_error_bars_hold_the_truth),
        cmocka_unit_test(test_late_packets_tell_little),
        cmocka_unit_test(test_a_few_impossible_samples_move_nothing),
        cmocka_unit_test(test_a_source_that_steps_is_followed),
        cmocka_unit_test(test_a_shorter_path_is_taken_up_at_once),
        cmocka_unit_test(test_a_longer_path_is_recognised_in_the_end),
        cmocka_unit_test(test_noise_that_no_delay_shows_is_averaged),
        cmocka_unit_test(test_shifting_moves_the_estimate_and_no_more),
        cmocka_unit_test(test_no_samples_make_it_lose_its_numbers),
        cmocka_unit_test(test_a_told_asymmetry_is_taken_off),
        cmocka_unit_test(test_a_told_delay_need_not_be_found),
        cmocka_unit_test(test_an_estimate_stands_on_as_many_samples_as_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
