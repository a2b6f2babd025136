/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what the client makes of a rate that an earlier run found. */
#include "tests/client_rig.h"

#include <math.h>

#define PPM 1e-6

/* How fast the served clock gains. */
static double served_rate(void)
{
    struct clock_line line = clock_read(&rig.clock);

    return (double)line.rate_after / (0x1p80 / HZ) - 1;
}

static void begin_with(double fast, uint32_t kept_error_ppb)
{
    struct source_config config = plain();

    config.iburst = true;
    begin();
    rig.fast = fast;
    rig.kept_error_ppb = kept_error_ppb;
    rig.jitter_us = 100;
    start(1, &config);
}

/* How far off the served rate ever is in so many tenths of a second. */
static double worst_rate(int tenths)
{
    double worst = 0;

    for (int i = 0; i < tenths; i++) {
        pass(0.1);
        if (client_is_set(&rig.client))
            worst = fmax(worst, fabs(served_rate()));
    }
    return worst;
}

static void test_a_kept_rate_is_served_from_the_first_second(void **state)
{
    double worst = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        begin_with(0.3 * PPM, 1000);
        CHECK(worst_rate(10) < 0.4 * PPM);
        worst = fmax(worst, worst_rate(100));
    }
    begin_with(0.3 * PPM, 0);
    CHECK(worst < 4 * PPM);
    CHECK(worst_rate(100) > 2 * worst);
}

/* The bound holds all the time, and the truth is found before long. */
static void test_a_kept_rate_that_is_wrong_is_no_trap(void **state)
{
    static const double wrong[] = {5 * PPM, 30 * PPM, -100 * PPM};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        unsigned outside = 0;

        begin_with(wrong[i], 1000);
        for (int s = 0; s < 2000; s++) {
            pass(1);
            outside +=
                fabs(error()) > ntp_short_seconds(status().root_dispersion) +
                                    ntp_short_seconds(status().root_delay) / 2;
        }
        CHECK_EQ(outside, 0);
        CHECK_NEAR(served_rate(), 0, 1 * PPM);
        CHECK_NEAR(error(), 0, 50e-6);
    }
}

/* After a pause, this may be another host. */
static void test_a_kept_rate_is_doubted_once_the_time_was_lost(void **state)
{
    (void)state;
    begin_with(0, 1000);
    pass(5);
    double before = rig.client.source[0].filter.frequency_error;
    clock_disown(&rig.clock);
    pass(5);
    CHECK_NEAR(before, 1 * PPM, 0.1 * PPM);
    CHECK(rig.client.source[0].filter.frequency_error > 30 * PPM);
}

/* A source that comes an hour later cannot be told as precisely. */
static void test_a_kept_rate_ages(void **state)
{
    uint8_t v4[4] = {192, 0, 2, 9};
    struct ip_addr6 ip = ip_from_v4(v4);

    (void)state;
    begin_with(0, 1000);
    pass(3600);
    client_resolved(&rig.client, 0, &ip, rig.now);
    CHECK_NEAR(rig.client.source[0].filter.frequency_error, 4.6 * PPM,
               0.1 * PPM);
}

static void test_nothing_is_asked_while_the_rate_is_not_known(void **state)
{
    unsigned asked;

    (void)state;
    begin_with(0, 0);
    pass(20);
    clock_disown(&rig.clock);
    client_hold(&rig.client, rig.now);
    asked = rig.server[0].asked;
    for (int i = 0; i < 100; i++) {
        pass(0.1);
        CHECK_EQ(status().leap, LEAP_UNKNOWN);
    }
    CHECK_EQ(rig.server[0].asked, asked);
    client_rate(&rig.client, rig.now, rig.client.start.rate, 300000);
    CHECK(rig.client.source[0].filter.frequency_error > 300 * PPM);
    pass(0.1);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_NEAR(error(), 0, 200e-6);
}

/* On another host, whose counter runs a fifth faster. */
static void test_another_rate_is_followed_at_once(void **state)
{
    (void)state;
    begin_with(0, 0);
    pass(100);
    rig.client.start.rate_error_ppb = 1;
    clock_disown(&rig.clock);
    client_hold(&rig.client, rig.now);
    /* The rig's counter does not change: what we took it for was wrong. */
    client_rate(&rig.client, rig.now, (uint64_t)(0x1p80 / HZ * 1.2), 1000);
    pass(1);
    clock_disown(&rig.clock);
    client_hold(&rig.client, rig.now);
    client_rate(&rig.client, rig.now, (uint64_t)(0x1p80 / HZ * (1 + 200e-6)),
                300000);
    for (int i = 0; i < 2000; i++) {
        pass(0.1);
        CHECK(fabs(error()) <= ntp_short_seconds(status().root_dispersion) +
                                   ntp_short_seconds(status().root_delay) / 2);
    }
    CHECK_NEAR(served_rate(), 0, 5 * PPM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kept_rate_is_served_from_the_first_second),
        cmocka_unit_test(test_a_kept_rate_that_is_wrong_is_no_trap),
        cmocka_unit_test(test_a_kept_rate_is_doubted_once_the_time_was_lost),
        cmocka_unit_test(test_a_kept_rate_ages),
        cmocka_unit_test(test_nothing_is_asked_while_the_rate_is_not_known),
        cmocka_unit_test(test_another_rate_is_followed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
