/* SPDX-License-Identifier: BSD-2-Clause */
/* The discipline: a line that bends, breaks only when told to, and expires. */
#include "ntp/discipline.h"

#include "tests/check.h"

#include <math.h>

#define HZ     ((uint64_t)1 << 30)
#define SECOND ((ntp_span)1 << 64)
#define START  (5 * HZ)
#define DATE   ntp_date_from_seconds(4000000000)

static struct clock published;
static struct discipline d;

static const struct discipline_status synchronised = {
    .stratum = 3,
    .reference_id = 0x01020304,
    .root_delay = 0.001,
    .root_dispersion = 0.002,
    .growth = 15e-6,
    .update = true,
};

static void begin(void)
{
    struct raw_scale raw = {START, DATE, (uint64_t)1 << 50};

    memset(&published, 0, sizeof(published));
    discipline_init(&d, &published, &raw);
}

static ntp_date served(uint64_t ticks)
{
    struct clock_line line = clock_read(&published);

    return clock_at(&line, ticks);
}

static double seconds_between(ntp_date a, ntp_date b)
{
    return ntp_span_seconds(b - a);
}

static void publish(uint64_t ticks)
{
    discipline_publish(&d, ticks, &synchronised);
}

static void test_it_starts_unsynchronised_with_the_guess(void **state)
{
    (void)state;
    begin();
    struct clock_line line = clock_read(&published);
    CHECK_EQ(line.leap, LEAP_UNKNOWN);
    CHECK_EQ(line.stratum, 0);
    CHECK(served(START + HZ) == DATE + SECOND);
    CHECK_NEAR(discipline_raw(&d, START + HZ), 1, 1e-15);
    CHECK_NEAR(discipline_raw(&d, START - HZ), -1, 1e-15);
    CHECK_EQ(discipline_ticks(&d, 1), HZ + 1);
    CHECK_EQ(discipline_ticks(&d, -1), 0);
    CHECK_EQ(discipline_ticks(&d, 1e30), (uint64_t)1 << 62);
}

static void test_a_slew_ends_on_the_spot(void **state)
{
    (void)state;
    static const double offsets[] = {1e-6, -1e-6, 1e-3, -1e-3, 0.1, -2, 30};

    for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
        begin();
        d.max_slew = 0.083333;
        discipline_slew(&d, START + HZ, offsets[i], 20e-6);
        publish(START + HZ);

        uint64_t end = d.line.slew_end_ticks;
        double lasts = discipline_span(&d, START + HZ, end);
        CHECK(lasts >= 1);
        CHECK(lasts <= fmax(1.001, fmax(16.1, fabs(offsets[i]) / 0.0833)));
        /* There it meets the line that was asked for. */
        for (int later = 0; later < 3; later++) {
            uint64_t at = end + (uint64_t)later * 1000 * HZ;
            double want =
                offsets[i] + 20e-6 * discipline_span(&d, START + HZ, at);
            CHECK_NEAR(discipline_offset(&d, at), want, 1e-8);
        }
    }
}

/* Slewing bends the line, never breaks it, and time never runs back. */
static void test_random_slews_are_continuous(void **state)
{
    (void)state;
    struct check_random r = check_random_start();
    uint64_t now = START;

    begin();
    d.max_slew = 0.083333;
    for (int i = 0; i < 2000; i++) {
        now += check_random_below(&r, 20 * HZ) + 1;
        ntp_date before = served(now);
        double offset = discipline_offset(&d, now) +
                        ((double)check_random_below(&r, 2000) - 1000) * 1e-3;
        discipline_slew(&d, now, offset,
                        ((double)check_random_below(&r, 200) - 100) * 1e-6);
        publish(now);
        CHECK(served(now) == before);
        CHECK(served(now + 1) > before);
        CHECK(served(now - 1) < before);
        double speed = seconds_between(served(now), served(now + HZ));
        CHECK_NEAR(speed, 1, 0.0835);
    }
}

static void test_republishing_keeps_a_slew_going(void **state)
{
    (void)state;
    begin();
    discipline_slew(&d, START, 0.01, 0);
    publish(START);
    ntp_date want = served(START + 100 * HZ);
    for (uint64_t t = START; t < START + 30 * HZ; t += HZ / 3)
        publish(t);
    CHECK_NEAR(seconds_between(want, served(START + 100 * HZ)), 0, 1e-9);
}

static void test_a_step_breaks_the_line_at_once(void **state)
{
    (void)state;
    begin();
    discipline_slew(&d, START, 0.5, 0);
    discipline_step(&d, START + HZ, -1000.25, 1e-5);
    publish(START + HZ);
    CHECK_NEAR(seconds_between(DATE + SECOND, served(START + HZ)), -1000.25,
               1e-9);
    CHECK_NEAR(seconds_between(served(START + HZ), served(START + 2 * HZ)),
               1 + 1e-5, 1e-12);
}

static void test_no_claim_stops_the_clock(void **state)
{
    (void)state;
    begin();
    discipline_slew(&d, START, -1e9, -1e9);
    publish(START);
    CHECK(served(START + HZ) > served(START));
    discipline_slew(&d, START, 1e9, 1e9);
    CHECK(d.line.rate_after <= 2 * d.raw.rate);
    d.max_drift = 1e-4;
    discipline_slew(&d, START, 0, 1);
    CHECK_NEAR(d.frequency, 1e-4, 1e-15);
}

static void test_what_is_served_beside_the_time(void **state)
{
    (void)state;
    begin();
    discipline_step(&d, START, 0, 0);
    publish(START);

    struct clock_line line = clock_read(&published);
    struct clock_status s = clock_status(&line, START);
    CHECK_EQ(s.stratum, 3);
    CHECK_EQ(s.leap, LEAP_NONE);
    CHECK_EQ(s.reference_id, 0x01020304);
    CHECK_EQ(s.reference_ts, ntp_ts_from_date(DATE));
    /* Rounding never makes the bound smaller. */
    double bound = ntp_short_seconds(s.root_dispersion) +
                   ntp_short_seconds(s.root_delay) / 2;
    CHECK(bound >= 0.0025);
    CHECK(bound <= 0.0025 + 0x1p-15);
    s = clock_status(&line, START + 1000 * HZ);
    CHECK_NEAR(ntp_short_seconds(s.root_dispersion), 0.017, 0x1p-15);
}

/* Root delay is rounded down: that must not make the bound smaller. */
static void test_rounding_never_makes_the_bound_smaller(void **state)
{
    (void)state;
    struct check_random r = check_random_start();

    for (int i = 0; i < 10000; i++) {
        struct discipline_status x = synchronised;
        begin();
        x.root_delay = (double)check_random_below(&r, 1000000) * 1e-7;
        x.root_dispersion = (double)check_random_below(&r, 1000000) * 1e-7;
        discipline_publish(&d, START, &x);
        struct clock_line line = clock_read(&published);
        struct clock_status s = clock_status(&line, START);
        double bound = ntp_short_seconds(s.root_dispersion) +
                       ntp_short_seconds(s.root_delay) / 2;
        double wanted = x.root_dispersion + x.root_delay / 2;
        CHECK(bound >= wanted && bound < wanted + 0x1p-15);
    }
}

static void test_small_slews_are_quick_and_larger_ones_gentle(void **state)
{
    (void)state;
    static const struct {
        double offset, seconds;
    } want[] = {{1e-6, 1}, {1e-4, 1}, {5e-3, 10}, {0.1, 16}, {5, 60}};

    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        begin();
        d.max_slew = 5.0 / 60;
        discipline_slew(&d, START, want[i].offset, 0);
        CHECK_NEAR(discipline_span(&d, START, d.line.slew_end_ticks),
                   want[i].seconds, 1e-6);
    }
}

/* Updates each second do not put off the end of a slew. */
static void test_a_slew_planned_anew_ends_as_soon(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 17; i++)
        discipline_slew(&d, START + (uint64_t)i * HZ, 0.4, 0);
    CHECK_NEAR(discipline_offset(&d, START + 17 * HZ), 0.4, 1e-6);

    /* One that has become larger is not slower, one back starts gently. */
    begin();
    discipline_slew(&d, START, 0.4, 0);
    discipline_slew(&d, START + HZ, 0.8, 0);
    CHECK_NEAR(discipline_offset(&d, START + 17 * HZ), 0.8, 1e-6);
    begin();
    discipline_slew(&d, START, 0.4, 0);
    discipline_slew(&d, START + 4 * HZ, 0.095, 0);
    CHECK_NEAR(discipline_span(&d, START + 4 * HZ, d.line.slew_end_ticks), 10,
               1e-3);
}

/* `corrtimeratio` */
static void test_patience_makes_slews_longer(void **state)
{
    (void)state;
    static const struct {
        double offset, seconds;
    } want[] = {{1e-6, 2}, {5e-3, 20}, {0.1, 32}, {5, 60}};

    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        begin();
        d.max_slew = 5.0 / 60;
        d.patience = 2;
        discipline_slew(&d, START, want[i].offset, 0);
        CHECK_NEAR(discipline_span(&d, START, d.line.slew_end_ticks),
                   want[i].seconds, 1e-6);
    }
}

static void test_it_expires_when_dispersion_is_16_seconds(void **state)
{
    (void)state;
    begin();
    discipline_step(&d, START, 0, 0);
    publish(START);
    struct clock_line line = clock_read(&published);
    uint64_t end = START + (uint64_t)(15.998 / 15e-6) * HZ;
    CHECK_EQ(clock_status(&line, end - 10 * HZ).stratum, 3);
    CHECK_EQ(clock_status(&line, end + 10 * HZ).stratum, 0);
}

static void test_the_reference_timestamp_moves_with_updates_only(void **state)
{
    (void)state;
    struct discipline_status again = synchronised;

    begin();
    publish(START);
    again.update = false;
    discipline_publish(&d, START + 100 * HZ, &again);
    struct clock_line line = clock_read(&published);
    CHECK_EQ(line.reference_ts, ntp_ts_from_date(DATE));
}

static void test_moving_the_raw_scale_leaves_the_line(void **state)
{
    (void)state;
    begin();
    discipline_step(&d, START, 7, 0);
    publish(START);
    discipline_move_raw(&d, 7 * SECOND);
    CHECK_NEAR(discipline_offset(&d, START), 0, 1e-12);
    CHECK(served(START) == DATE + 7 * SECOND);
}

static void test_a_leap_second_is_gone_through_once(void **state)
{
    (void)state;
    for (int leap = LEAP_INSERT; leap <= LEAP_DELETE; leap++) {
        ntp_span by = leap == LEAP_INSERT ? -SECOND : SECOND;

        begin();
        discipline_step(&d, START, 0, 0);
        publish(START);
        discipline_leap(&d, (enum ntp_leap)leap, DATE + 10 * SECOND);
        publish(START);
        CHECK(!discipline_leap_done(&d, START + 8 * HZ));
        ntp_date after = served(START + 20 * HZ);
        CHECK(after == DATE + 20 * SECOND + by);
        CHECK(discipline_leap_done(&d, START + 20 * HZ));
        publish(START + 20 * HZ);
        CHECK(served(START + 20 * HZ) == after);
        CHECK(served(START + 21 * HZ) == after + SECOND);
        /* Against the raw scale, nothing has happened. */
        CHECK_NEAR(discipline_offset(&d, START + 20 * HZ), 0, 1e-12);
        CHECK(!discipline_leap_done(&d, START + 30 * HZ));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_starts_unsynchronised_with_the_guess),
        cmocka_unit_test(test_a_slew_ends_on_the_spot),
        cmocka_unit_test(test_random_slews_are_continuous),
        cmocka_unit_test(test_republishing_keeps_a_slew_going),
        cmocka_unit_test(test_a_step_breaks_the_line_at_once),
        cmocka_unit_test(test_no_claim_stops_the_clock),
        cmocka_unit_test(test_what_is_served_beside_the_time),
        cmocka_unit_test(test_rounding_never_makes_the_bound_smaller),
        cmocka_unit_test(test_small_slews_are_quick_and_larger_ones_gentle),
        cmocka_unit_test(test_a_slew_planned_anew_ends_as_soon),
        cmocka_unit_test(test_patience_makes_slews_longer),
        cmocka_unit_test(test_it_expires_when_dispersion_is_16_seconds),
        cmocka_unit_test(test_the_reference_timestamp_moves_with_updates_only),
        cmocka_unit_test(test_moving_the_raw_scale_leaves_the_line),
        cmocka_unit_test(test_a_leap_second_is_gone_through_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
