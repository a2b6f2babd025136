/* SPDX-License-Identifier: BSD-2-Clause */
/* Leap seconds: the calendar, and who is believed. */
#include "ntp/leap.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_months_end_where_the_calendar_says),
        cmocka_unit_test(test_a_leap_second_of_2016_was_where_it_was),
        cmocka_unit_test(test_days_end_at_midnight_in_every_era),
        cmocka_unit_test(test_only_a_majority_announces_a_leap),
        cmocka_unit_test(test_samples_near_a_leap_are_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
