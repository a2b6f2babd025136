/* SPDX-License-Identifier: BSD-2-Clause */
/* Leap seconds: the calendar, and who is believed. */
#include "ntp/leap.h"

#include "ntp/span.h"

#include "tests/check.h"

#define DAY 86400

/* Gregorian, the long way round. */
static int days_in(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30,
                                 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static void test_months_end_where_the_calendar_says(void **state)
{
    (void)state;
    int64_t begins = 0;

    for (int year = 1900; year < 2500; year++) {
        for (int month = 1; month <= 12; month++) {
            int64_t ends = begins + days_in(year, month);
            ntp_date end = ntp_date_from_seconds(ends * DAY);
            CHECK(leap_month_end(ntp_date_from_seconds(begins * DAY)) == end);
            CHECK(leap_month_end(end - 1) == end);
            struct leap_day last = leap_day_of(end - 1);
            CHECK_EQ(last.year, year);
            CHECK_EQ(last.month, month);
            CHECK_EQ(last.day, days_in(year, month));
            CHECK_EQ(leap_day_of(end).day, 1);
            begins = ends;
        }
    }
}

static void test_a_leap_second_of_2016_was_where_it_was(void **state)
{
    (void)state;
    /* 2016-12-31 12:00:00 and 2017-01-01 00:00:00. */
    ntp_date noon = ntp_date_from_unix(1483185600, 0);
    ntp_date midnight = ntp_date_from_unix(1483228800, 0);

    CHECK(leap_day_end(noon) == midnight);
    CHECK(leap_month_end(noon) == midnight);
    CHECK(leap_day_end(midnight) == midnight + ntp_date_from_seconds(DAY));
}

static void test_days_end_at_midnight_in_every_era(void **state)
{
    (void)state;

    CHECK(leap_day_end(ntp_date_from_seconds(-1)) == 0);
    CHECK_EQ(leap_day_of(ntp_date_from_seconds(-1)).year, 1899);
    CHECK_EQ(leap_day_of(ntp_date_from_seconds(-1)).month, 12);
    CHECK(leap_day_end(0) == ntp_date_from_seconds(DAY));
    ntp_date era1 = ntp_date_from_seconds(0x100000000);
    CHECK_EQ(ntp_date_seconds(leap_day_end(era1)) % DAY, 0);
    CHECK(leap_day_end(era1) > era1);
}

static void test_only_a_majority_announces_a_leap(void **state)
{
    (void)state;
    struct leap_votes votes = {0};

    CHECK_EQ(leap_majority(&votes), LEAP_NONE);
    leap_vote(&votes, LEAP_INSERT);
    CHECK_EQ(leap_majority(&votes), LEAP_INSERT);
    leap_vote(&votes, LEAP_NONE);
    CHECK_EQ(leap_majority(&votes), LEAP_NONE);
    leap_vote(&votes, LEAP_INSERT);
    CHECK_EQ(leap_majority(&votes), LEAP_INSERT);
    for (int i = 0; i < 4; i++)
        leap_vote(&votes, LEAP_DELETE);
    CHECK_EQ(leap_majority(&votes), LEAP_DELETE);
}

static void test_samples_near_a_leap_are_recognised(void **state)
{
    (void)state;
    ntp_date leap = ntp_date_from_unix(1483228800, 0);

    CHECK(leap_is_near(leap, leap));
    CHECK(leap_is_near(leap, leap - ntp_date_from_seconds(4)));
    CHECK(!leap_is_near(leap, leap - ntp_date_from_seconds(5)));
    CHECK(!leap_is_near(leap, leap + ntp_date_from_seconds(5)));
    CHECK(!leap_is_near(NTP_DATE_NEVER, leap));
}

/* From the 31st at noon to where `seconds` without the leap second lead. */
static ntp_span counted(enum ntp_leap leap, double seconds, bool *good,
                        enum ntp_leap *then)
{
    ntp_date from = ntp_date_from_unix(1483185600, 0);
    ntp_date date = from + ntp_span_from_seconds(seconds);
    ntp_date midnight = ntp_date_from_unix(1483228800, 0);

    *good = leap_count_on(from, &leap, &date);
    *then = leap;
    return date - midnight;
}

static void test_a_clock_counts_on_over_a_leap_second(void **state)
{
    static const struct {
        enum ntp_leap leap, then;
        bool good;
        double seconds, since; /* the midnight */
    } table[] = {
        {LEAP_NONE, LEAP_NONE, true, 43200, 0},
        {LEAP_NONE, LEAP_NONE, true, 43199, -1},
        {LEAP_INSERT, LEAP_INSERT, true, 43199.75, -0.25},
        {LEAP_INSERT, LEAP_NONE, false, 43200, -1},
        {LEAP_INSERT, LEAP_NONE, false, 43200.75, -0.25},
        {LEAP_INSERT, LEAP_NONE, true, 43201, 0},
        {LEAP_INSERT, LEAP_NONE, true, 50000, 6799},
        {LEAP_DELETE, LEAP_DELETE, true, 43198.75, -1.25},
        {LEAP_DELETE, LEAP_NONE, true, 43199, 0},
        {LEAP_DELETE, LEAP_NONE, true, 43199.5, 0.5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        enum ntp_leap then;
        bool good;
        ntp_span since = counted(table[i].leap, table[i].seconds, &good, &then);

        CHECK_EQ(good, table[i].good);
        CHECK_EQ(then, table[i].then);
        CHECK_NEAR(ntp_span_seconds(since), table[i].since, 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_months_end_where_the_calendar_says),
        cmocka_unit_test(test_a_leap_second_of_2016_was_where_it_was),
        cmocka_unit_test(test_days_end_at_midnight_in_every_era),
        cmocka_unit_test(test_only_a_majority_announces_a_leap),
        cmocka_unit_test(test_a_clock_counts_on_over_a_leap_second),
        cmocka_unit_test(test_samples_near_a_leap_are_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
