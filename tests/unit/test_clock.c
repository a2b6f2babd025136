/* SPDX-License-Identifier: BSD-2-Clause */
/* The served clock: arithmetic at its limits, leap seconds, publication. */
#include "ntp/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((ntp_span)1 << 64)
#define MS     (SECOND / 1000)

/* 2^30 ticks a second: rates and spans are exact. */
#define HZ         ((uint64_t)1 << 30)
#define RATE       ((uint64_t)1 << 50)
#define BASE_TICKS ((uint64_t)1000 * HZ)

/* 2^-32 s per second: 15 ppm. */
#define PHI 64425u

static ntp_date seconds(int64_t s)
{
    return ntp_date_from_seconds(s);
}

static struct clock_line steady(void)
{
    return (struct clock_line){
        .base_ticks = BASE_TICKS,
        .base_date = seconds(4000000000),
        .rate = RATE,
        .slew_end_ticks = BASE_TICKS,
        .rate_after = RATE,
        .leap_date = NTP_DATE_NEVER,
        .expiry_ticks = BASE_TICKS + 86400 * HZ,
        .root_dispersion = (uint64_t)1 << 32,
        .dispersion_rate = PHI,
        .root_delay = 1 << 16,
        .reference_id = 0x7f000001,
        .epoch = 1,
        .stratum = 2,
    };
}

static void assert_date(ntp_date got, ntp_date want)
{
    assert_int_equal((int64_t)(got >> 64), (int64_t)(want >> 64));
    assert_int_equal((uint64_t)got, (uint64_t)want);
}

static void test_time_follows_the_counter(void **state)
{
    (void)state;
    struct clock_line line = steady();

    assert_date(clock_at(&line, BASE_TICKS), seconds(4000000000));
    assert_date(clock_at(&line, BASE_TICKS + 3 * HZ / 2),
                seconds(4000000001) + SECOND / 2);
}

static void test_a_counter_value_before_the_base_is_ordinary(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.slew_end_ticks = BASE_TICKS + HZ;
    assert_date(clock_at(&line, BASE_TICKS - HZ / 4),
                seconds(4000000000) - SECOND / 4);

    /* Also where that is before the counter was zero. */
    line.base_ticks = HZ;
    line.slew_end_ticks = HZ;
    assert_date(clock_at(&line, (uint64_t)0 - HZ), seconds(4000000000 - 2));
}

static void test_the_era_may_end(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.base_date = seconds(0xffffffff);
    ntp_date after = clock_at(&line, BASE_TICKS + HZ * 3 / 2);
    assert_date(after, seconds(0x100000000) + SECOND / 2);
    assert_int_equal(ntp_ts_from_date(after), 0x80000000);
    assert_date(ntp_date_near(0x80000000, line.base_date), after);
}

static void test_spans_of_2_to_the_32_seconds_are_exact(void **state)
{
    (void)state;
    struct clock_line line = steady();

    assert_date(clock_at(&line, BASE_TICKS + ((uint64_t)1 << 62)),
                seconds(4000000000) + seconds((int64_t)1 << 32));
    assert_date(clock_at(&line, BASE_TICKS - ((uint64_t)1 << 62)),
                seconds(4000000000) - seconds((int64_t)1 << 32));
}

static void test_2_to_the_63_ticks_do_not_overflow(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.rate = UINT64_MAX;
    line.rate_after = UINT64_MAX;
    ntp_span most = ((ntp_span)INT64_MAX * (ntp_span)UINT64_MAX) >> 16;
    ntp_span least = ((ntp_span)INT64_MIN * (ntp_span)UINT64_MAX) >> 16;
    assert_date(clock_at(&line, BASE_TICKS + INT64_MAX), line.base_date + most);
    assert_date(clock_at(&line, BASE_TICKS + ((uint64_t)1 << 63)),
                line.base_date + least);

    /* A slew that fills the whole range is no exception. */
    line.slew_end_ticks = BASE_TICKS + INT64_MAX;
    assert_date(clock_at(&line, BASE_TICKS + INT64_MAX), line.base_date + most);
    assert_int_equal(clock_status(&line, BASE_TICKS + INT64_MAX).leap,
                     LEAP_UNKNOWN);
}

static void test_the_counter_may_wrap(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.base_ticks = (uint64_t)0 - HZ;
    line.slew_end_ticks = HZ; /* the slew spans the wrap */
    line.rate = RATE + RATE / 1024;
    assert_date(clock_at(&line, HZ / 2),
                line.base_date + 3 * SECOND / 2 + 3 * SECOND / 2048);
    line.expiry_ticks = 2 * HZ;
    assert_int_equal(clock_status(&line, HZ).stratum, 2);
    assert_int_equal(clock_status(&line, 2 * HZ).stratum, 0);
}

/* Slewing bends the line, never breaks it. */
static void test_a_slew_may_end_between_two_reads(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.slew_end_ticks = BASE_TICKS + 2 * HZ;
    line.rate = RATE + RATE / 1024; /* gains 1/512 s in all */

    ntp_date before = clock_at(&line, BASE_TICKS + 2 * HZ - 1);
    ntp_date bend = clock_at(&line, BASE_TICKS + 2 * HZ);
    ntp_date after = clock_at(&line, BASE_TICKS + 2 * HZ + 1);
    assert_date(bend, line.base_date + 2 * SECOND + SECOND / 512);
    assert_date(bend - before,
                ((ntp_span)1 << 34) + ((ntp_span)1 << 24)); /* a fast tick */
    assert_date(after - bend, (ntp_span)1 << 34);           /* a plain one */
    assert_date(clock_at(&line, BASE_TICKS + 5 * HZ),
                line.base_date + 5 * SECOND + SECOND / 512);
}

static void test_a_slew_that_ended_before_the_base_bends_nothing(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.slew_end_ticks = BASE_TICKS - HZ;
    line.rate = 2 * RATE;
    assert_date(clock_at(&line, BASE_TICKS + HZ), line.base_date + SECOND);
}

static void test_an_expired_line_is_unsynchronised(void **state)
{
    (void)state;
    struct clock_line line = steady();
    struct clock_status s = clock_status(&line, line.expiry_ticks - 1);

    assert_int_equal(s.leap, LEAP_NONE);
    assert_int_equal(s.stratum, 2);
    assert_int_equal(s.reference_id, 0x7f000001);

    s = clock_status(&line, line.expiry_ticks);
    assert_int_equal(s.leap, LEAP_UNKNOWN);
    assert_int_equal(s.stratum, 0);
    assert_int_equal(s.reference_id, 0);
}

static void test_dispersion_grows_and_is_rounded_up(void **state)
{
    (void)state;
    struct clock_line line = steady();

    assert_int_equal(clock_status(&line, BASE_TICKS).root_dispersion,
                     0x10000 + 1);
    /* 1000 s at 15 ppm: 15 ms, 983.04 units of 2^-16 s. */
    assert_int_equal(
        clock_status(&line, BASE_TICKS + 1000 * HZ).root_dispersion,
        0x10000 + 984);
    assert_int_equal(clock_status(&line, BASE_TICKS - HZ).root_dispersion,
                     0x10000 + 1);

    line.dispersion_rate = UINT32_MAX;
    line.root_dispersion = UINT64_MAX;
    assert_int_equal(clock_status(&line, BASE_TICKS - 1 + ((uint64_t)1 << 63))
                         .root_dispersion,
                     UINT32_MAX);
}

static void test_an_inserted_second_repeats_the_one_before(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.leap = LEAP_INSERT;
    line.leap_date = line.base_date + 10 * SECOND;

    ntp_date last = clock_at(&line, BASE_TICKS + 10 * HZ - 1);
    assert_true(last < line.leap_date);
    for (int half = 0; half < 2; half++) {
        uint64_t ticks = BASE_TICKS + 10 * HZ + (unsigned)half * HZ / 2;
        assert_date(clock_at(&line, ticks),
                    line.leap_date - SECOND + half * (SECOND / 2));
        assert_int_equal(clock_status(&line, ticks).leap, LEAP_INSERT);
    }
    assert_date(clock_at(&line, BASE_TICKS + 11 * HZ), line.leap_date);
    assert_int_equal(clock_status(&line, BASE_TICKS + 11 * HZ).leap, LEAP_NONE);
    assert_date(clock_unleapt(&line, BASE_TICKS + 11 * HZ),
                line.leap_date + SECOND);
}

static void test_a_deleted_second_is_skipped(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.leap = LEAP_DELETE;
    line.leap_date = line.base_date + 10 * SECOND;

    assert_true(clock_at(&line, BASE_TICKS + 9 * HZ - 1) <
                line.leap_date - SECOND);
    assert_int_equal(clock_status(&line, BASE_TICKS + 9 * HZ - 1).leap,
                     LEAP_DELETE);
    assert_date(clock_at(&line, BASE_TICKS + 9 * HZ), line.leap_date);
    assert_int_equal(clock_status(&line, BASE_TICKS + 9 * HZ).leap, LEAP_NONE);
}

static void test_a_leap_is_announced_on_its_day_only(void **state)
{
    (void)state;
    struct clock_line line = steady();

    line.leap = LEAP_INSERT;
    line.leap_date = line.base_date + 86401 * SECOND;
    line.expiry_ticks = BASE_TICKS + 200000 * HZ;
    assert_int_equal(clock_status(&line, BASE_TICKS).leap, LEAP_NONE);
    assert_int_equal(clock_status(&line, BASE_TICKS + HZ).leap, LEAP_INSERT);
}

static void test_publishing_replaces_the_whole_line(void **state)
{
    (void)state;
    struct clock c;
    struct clock_line line = steady();

    memset(&c, 0, sizeof(c));
    assert_int_equal(clock_read(&c).leap, LEAP_UNKNOWN);
    for (uint32_t i = 1; i < 5; i++) {
        line.base_ticks = i;
        line.reference_id = i * 7;
        clock_publish(&c, &line);

        struct clock_line got = clock_read(&c);
        assert_int_equal(got.base_ticks, i);
        assert_int_equal(got.reference_id, i * 7);
        assert_int_equal(got.stratum, 2);
        assert_date(got.base_date, line.base_date);
    }
}

static void test_a_disowned_epoch_is_not_served(void **state)
{
    (void)state;
    struct clock c;
    struct clock_line line = steady();

    memset(&c, 0, sizeof(c));
    clock_publish(&c, &line);
    assert_int_equal(clock_losses(&c), 0);
    clock_disown(&c);
    assert_int_equal(clock_losses(&c), 1);
    assert_int_equal(clock_read(&c).leap, LEAP_UNKNOWN);
    assert_int_equal(clock_read(&c).stratum, 0);

    /* A line of the old epoch does not help, one of a new epoch does. */
    clock_publish(&c, &line);
    assert_int_equal(clock_read(&c).stratum, 0);
    line.epoch++;
    clock_publish(&c, &line);
    assert_int_equal(clock_read(&c).stratum, 2);
}

static void test_what_was_measured_before_a_loss_is_not_served(void **state)
{
    (void)state;
    struct clock c;
    struct clock_line line = steady();

    memset(&c, 0, sizeof(c));
    clock_publish(&c, &line);
    clock_disown(&c);
    line.epoch = clock_losses(&c) + 1; /* measured from here on, ... */
    clock_disown(&c);                  /* ... and lost again meanwhile */
    clock_publish(&c, &line);
    assert_int_equal(clock_read(&c).leap, LEAP_UNKNOWN);
    line.epoch = clock_losses(&c) + 1;
    clock_publish(&c, &line);
    assert_int_equal(clock_read(&c).stratum, 2);
}

struct race {
    struct clock clock;
    _Atomic bool stop;
    uint64_t torn;
    uint64_t reads;
};

static void *read_until_stopped(void *context)
{
    struct race *race = context;

    while (!race->stop) {
        struct clock_line line = clock_read(&race->clock);
        uint64_t n = line.base_ticks;

        race->torn += line.rate != n || line.expiry_ticks != n ||
                      line.base_date != seconds((int64_t)n) ||
                      line.reference_id != (uint32_t)n;
        race->reads++;
    }
    return NULL;
}

static void test_readers_on_another_cpu_never_see_half_a_line(void **state)
{
    (void)state;
    static struct race race;
    pthread_t reader;
    struct clock_line line = steady();

    line.base_ticks = line.rate = line.expiry_ticks = 0;
    line.base_date = 0;
    line.reference_id = 0;
    clock_publish(&race.clock, &line);
    assert_int_equal(pthread_create(&reader, NULL, read_until_stopped, &race),
                     0);
    for (uint64_t n = 1; n < 400000; n++) {
        line.base_ticks = line.rate = line.expiry_ticks = n;
        line.base_date = seconds((int64_t)n);
        line.reference_id = (uint32_t)n;
        clock_publish(&race.clock, &line);
    }
    race.stop = true;
    pthread_join(reader, NULL);
    assert_int_equal(race.torn, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_follows_the_counter),
        cmocka_unit_test(test_a_counter_value_before_the_base_is_ordinary),
        cmocka_unit_test(test_the_era_may_end),
        cmocka_unit_test(test_spans_of_2_to_the_32_seconds_are_exact),
        cmocka_unit_test(test_2_to_the_63_ticks_do_not_overflow),
        cmocka_unit_test(test_the_counter_may_wrap),
        cmocka_unit_test(test_a_slew_may_end_between_two_reads),
        cmocka_unit_test(test_a_slew_that_ended_before_the_base_bends_nothing),
        cmocka_unit_test(test_an_expired_line_is_unsynchronised),
        cmocka_unit_test(test_dispersion_grows_and_is_rounded_up),
        cmocka_unit_test(test_an_inserted_second_repeats_the_one_before),
        cmocka_unit_test(test_a_deleted_second_is_skipped),
        cmocka_unit_test(test_a_leap_is_announced_on_its_day_only),
        cmocka_unit_test(test_publishing_replaces_the_whole_line),
        cmocka_unit_test(test_a_disowned_epoch_is_not_served),
        cmocka_unit_test(test_what_was_measured_before_a_loss_is_not_served),
        cmocka_unit_test(test_readers_on_another_cpu_never_see_half_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
