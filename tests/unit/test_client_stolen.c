/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what the client makes of stolen time. */
#include "tests/client_rig.h"

#include <math.h>

static double stolen_s;

/* The source is known, and the next reply is awaited. */
static void ask_next(void)
{
    unsigned asked = rig.server[0].asked;

    client_stolen(&rig.client, stolen_s);
    while (rig.server[0].asked == asked)
        pass(0.00005);
}

static void begin_known(void)
{
    struct source_config config = plain();

    config.iburst = true;
    config.minpoll = config.maxpoll = 4;
    begin();
    stolen_s = 3;
    start(1, &config);
    client_stolen(&rig.client, stolen_s);
    pass(300);
}

static enum source_verdict verdict(void)
{
    struct source_report report;

    CHECK(client_source(&rig.client, 0, rig.now, &report));
    return report.last_verdict;
}

static double dispersion(void)
{
    return ntp_short_seconds(status().root_dispersion);
}

static void take(double seconds)
{
    ask_next();
    stolen_s += seconds;
    client_stolen(&rig.client, stolen_s);
    pass(0.01);
}

static void test_a_sample_that_was_touched_is_left_out(void **state)
{
    uint32_t samples;

    (void)state;
    begin_known();
    samples = rig.client.source[0].filter.total;
    take(2e-3);
    CHECK_EQ(verdict(), SOURCE_STOLEN);
    CHECK_EQ(rig.client.source[0].filter.total, samples);
    CHECK_EQ(rig.client.source[0].reach & 1, 1);
    take(0);
    CHECK_EQ(verdict(), SOURCE_OK);
    CHECK_EQ(rig.client.source[0].filter.total, samples + 1);
}

static void test_time_stolen_between_samples_touches_none(void **state)
{
    (void)state;
    begin_known();
    for (unsigned i = 0; i < 20; i++) {
        take(0);
        CHECK_EQ(verdict(), SOURCE_OK);
        stolen_s += 5e-3;
    }
}

static void test_the_fourth_in_a_row_is_taken_and_widens_the_bound(void **state)
{
    double before;

    (void)state;
    begin_known();
    before = dispersion();
    for (unsigned i = 0; i < 3; i++) {
        take(2e-3);
        CHECK_EQ(verdict(), SOURCE_STOLEN);
    }
    CHECK(dispersion() < before + 1e-3);
    take(2e-3);
    CHECK_EQ(verdict(), SOURCE_OK);
    CHECK(dispersion() >= before + 1.9e-3);
    CHECK(dispersion() <= before + 4e-3);
    take(0);
    CHECK_EQ(verdict(), SOURCE_OK);
    CHECK(dispersion() < before + 1e-3);
}

/* The first replies set the clock, whatever happened meanwhile. */
static void test_no_sample_is_left_out_before_the_clock_is_known(void **state)
{
    struct source_config config = plain();

    (void)state;
    begin();
    config.iburst = true;
    stolen_s = 0;
    start(1, &config);
    take(3e-3);
    CHECK(client_is_set(&rig.client));
    CHECK(dispersion() >= 3e-3);
    CHECK_NEAR(error(), 0, 3e-3);
}

static void test_microseconds_are_noise(void **state)
{
    (void)state;
    begin_known();
    take(9e-6);
    CHECK_EQ(verdict(), SOURCE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sample_that_was_touched_is_left_out),
        cmocka_unit_test(test_time_stolen_between_samples_touches_none),
        cmocka_unit_test(
            test_the_fourth_in_a_row_is_taken_and_widens_the_bound),
        cmocka_unit_test(test_no_sample_is_left_out_before_the_clock_is_known),
        cmocka_unit_test(test_microseconds_are_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
