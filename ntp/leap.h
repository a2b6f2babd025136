/* SPDX-License-Identifier: BSD-2-Clause */
/* Leap seconds: when the next may be, and whether enough sources say so. */
#ifndef NTP_LEAP_H
#define NTP_LEAP_H

#include "ntp/clock.h"

/* Midnight, UTC, that ends the day in which `date` is. */
ntp_date leap_day_end(ntp_date date);

/*
 * Midnight, UTC, that ends the month in which `date` is: the only moments a
 * leap second may precede.  ITU-R TF.460-6, 2.1.
 */
ntp_date leap_month_end(ntp_date date);

/*
 * `date` was counted on from `from`, when that leap second was announced for
 * the end of the month, and without regard to it: make it UTC, and `leap` what
 * is still to come.  Returns false in the second that is inserted, which has no
 * date of its own.
 */
bool leap_count_on(ntp_date from, enum ntp_leap *leap, ntp_date *date);

/* A day of the Gregorian calendar, UTC. */
struct leap_day {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* The day in which `date` is. */
struct leap_day leap_day_of(ntp_date date);

/* What sources say, one leap indicator each. */
struct leap_votes {
    unsigned insert;
    unsigned delete;
    unsigned all;
};

void leap_vote(struct leap_votes *votes, uint8_t leap);

/* What more than half of them announce, else LEAP_NONE. */
enum ntp_leap leap_majority(const struct leap_votes *votes);

/* Is a moment so near to the leap second that servers may differ about it? */
bool leap_is_near(ntp_date leap_date, ntp_date date);

#endif
