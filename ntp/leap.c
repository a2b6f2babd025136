/* SPDX-License-Identifier: BSD-2-Clause */
/* Leap seconds: when the next may be, and whether enough sources say so. */
#include "ntp/leap.h"

#define DAY_SECONDS 86400

/* Days from 0000-03-01 to the prime epoch, 1900-01-01. */
#define EPOCH_DAY 693901

/* Servers differ for up to this long before and after, seconds. */
#define NEAR_SECONDS 5

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t day_of(ntp_date date)
{
    return floor_divide(ntp_date_seconds(date), DAY_SECONDS);
}

ntp_date leap_day_end(ntp_date date)
{
    return ntp_date_from_seconds((day_of(date) + 1) * DAY_SECONDS);
}

/* The day, since the prime epoch, on which a month begins; month 1 to 13. */
static int64_t month_begins(int64_t year, int month)
{
    /* Counted from March, a leap day is the last day of its year, and the
     * months' lengths repeat every five months, or 153 days. */
    if (month < 3) {
        year--;
        month += 12;
    }
    return 365 * year + year / 4 - year / 100 + year / 400 +
           (153 * (month - 3) + 2) / 5 - EPOCH_DAY;
}

struct leap_day leap_day_of(ntp_date date)
{
    int64_t day = day_of(date);
    /* The 400 years after which days repeat; or a later year. */
    int64_t year = 1899 + floor_divide(400 * day, 146097);
    int month = 1;

    while (month_begins(year, 13) <= day)
        year++;
    while (month_begins(year, month + 1) <= day)
        month++;
    return (struct leap_day){
        .year = year,
        .month = month,
        .day = (int)(day - month_begins(year, month)) + 1,
    };
}

ntp_date leap_month_end(ntp_date date)
{
    struct leap_day day = leap_day_of(date);

    return ntp_date_from_seconds(month_begins(day.year, day.month + 1) *
                                 DAY_SECONDS);
}

bool leap_count_on(ntp_date from, enum ntp_leap *leap, ntp_date *date)
{
    const ntp_span second = ntp_date_from_seconds(1);
    ntp_date end = leap_month_end(from);

    if (*leap == LEAP_INSERT && *date >= end) {
        *date -= second;
        *leap = LEAP_NONE;
        return *date >= end;
    }
    if (*leap == LEAP_DELETE && *date >= end - second) {
        *date += second;
        *leap = LEAP_NONE;
    }
    return true;
}

void leap_vote(struct leap_votes *votes, uint8_t leap)
{
    votes->all++;
    votes->insert += leap == LEAP_INSERT;
    votes->delete += leap == LEAP_DELETE;
}

enum ntp_leap leap_majority(const struct leap_votes *votes)
{
    if (2 * votes->insert > votes->all)
        return LEAP_INSERT;
    if (2 * votes->delete > votes->all)
        return LEAP_DELETE;
    return LEAP_NONE;
}

bool leap_is_near(ntp_date leap_date, ntp_date date)
{
    ntp_span away = date - leap_date;

    return away > -ntp_date_from_seconds(NEAR_SECONDS) &&
           away < ntp_date_from_seconds(NEAR_SECONDS);
}
