/* SPDX-License-Identifier: BSD-2-Clause */
/* Which samples are used: options about their delay, and `filter`. */
#include "ntp/delay.h"

#include "tests/check.h"

#include <math.h>

#define MS 1e-3
#define US 1e-6

static struct source s;
static double when;

static struct filter_sample sample_of(double offset, double delay)
{
    return (struct filter_sample){
        .when = when, .offset = offset, .delay = delay, .noise = 1e-9};
}

/* A source with 20 samples of 1 ms and a little more. */
static void begin(void)
{
    memset(&s, 0, sizeof(s));
    source_config_default(&s.config);
    filter_init(&s.filter, 1e-4);
    when = 0;
    for (int i = 0; i < 20; i++) {
        struct filter_sample x =
            sample_of((i % 3 - 1) * 10 * US, MS + (i % 4) * 20 * US);

        filter_add(&s.filter, &x);
        when += 16;
    }
}

static bool passes(double offset, double delay)
{
    struct filter_sample x = sample_of(offset, delay);

    return delay_passes(&s, &x);
}

static void test_maxdelay_is_a_limit(void **state)
{
    (void)state;
    begin();
    CHECK(passes(0, 2.9));
    CHECK(!passes(0, 3.1));
    s.config.maxdelay_ns = 2000000;
    CHECK(passes(0, 1.9 * MS));
    CHECK(!passes(0, 2.1 * MS));
}

static void test_maxdelayratio_is_of_the_least_delay(void **state)
{
    (void)state;
    begin();
    s.config.maxdelayratio_permille = 1500;
    CHECK(passes(0, 1.49 * MS));
    CHECK(!passes(0, 1.51 * MS));

    /* Of a source that is new, the least is not known. */
    filter_init(&s.filter, 1e-4);
    CHECK(passes(0, 100 * MS));
}

static void test_maxdelaydevratio_is_of_the_noise(void **state)
{
    (void)state;
    begin();
    s.config.maxdelaydevratio_permille = 3000;
    double most = 3 * filter_noise(&s.filter);
    CHECK(passes(0, MS + 1.9 * most));
    CHECK(!passes(0, MS + 2 * most + 200 * US));
}

/* The clock may have gone wrong: that is not the delay's doing. */
static void test_an_offset_that_no_delay_explains_passes(void **state)
{
    (void)state;
    begin();
    s.config.maxdelaydevratio_permille = 3000;
    CHECK(!passes(1 * MS, 5 * MS));
    CHECK(passes(50 * MS, 5 * MS));
    CHECK(passes(-50 * MS, 5 * MS));
}

static void test_maxdelayquant_takes_that_part(void **state)
{
    static const uint32_t parts[] = {100, 300, 500, 900};
    struct check_random r = check_random_start();

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        unsigned passed = 0;

        begin();
        s.config.maxdelayquant_permille = parts[i];
        for (int n = 0; n < 20000; n++) {
            double u = ((double)(check_random(&r) >> 11) + 0.5) * 0x1p-53;
            bool pass = passes(0, MS - 100 * US * log(u));
            if (n >= 1000)
                passed += pass;
        }
        CHECK_NEAR(passed / 19000.0, parts[i] / 1000.0, 0.03);
    }
}

/* A path that has become longer, or one that never varies. */
static void test_maxdelayquant_follows_the_path(void **state)
{
    (void)state;
    begin();
    s.config.maxdelayquant_permille = 500;
    for (int i = 0; i < 100; i++)
        CHECK(passes(0, MS));
    unsigned passed = 0;
    for (int i = 0; i < 400; i++)
        passed += passes(0, 2 * MS + (i % 7) * 10 * US);
    CHECK(passed > 50);
}

static void test_filter_gives_the_one_with_the_least_delay(void **state)
{
    static const double delays[] = {3 * MS, 2 * MS, 1.5 * MS, 4 * MS};
    struct filter_sample x;
    uint64_t ticks = 0;

    (void)state;
    begin();
    s.config.filter = 4;
    for (unsigned i = 0; i < 3; i++) {
        ticks = 100 + i;
        x = sample_of(i, delays[i]);
        CHECK(!delay_gather(&s, &x, &ticks));
        CHECK_EQ(ticks, 100 + i);
    }
    ticks = 103;
    x = sample_of(3, delays[3]);
    CHECK(delay_gather(&s, &x, &ticks));
    CHECK(x.offset == 2 && x.delay == 1.5 * MS);
    CHECK_EQ(ticks, 102);
    CHECK(!delay_gather(&s, &x, &ticks));

    /* Not in a burst, nor without the option. */
    s.burst = 3;
    CHECK(delay_gather(&s, &x, &ticks));
    s.burst = 0;
    s.config.filter = 0;
    CHECK(delay_gather(&s, &x, &ticks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maxdelay_is_a_limit),
        cmocka_unit_test(test_maxdelayratio_is_of_the_least_delay),
        cmocka_unit_test(test_maxdelaydevratio_is_of_the_noise),
        cmocka_unit_test(test_an_offset_that_no_delay_explains_passes),
        cmocka_unit_test(test_maxdelayquant_takes_that_part),
        cmocka_unit_test(test_maxdelayquant_follows_the_path),
        cmocka_unit_test(test_filter_gives_the_one_with_the_least_delay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
