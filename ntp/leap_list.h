/* SPDX-License-Identifier: BSD-2-Clause */
/* leap-seconds.list, as NIST and IERS publish it. */
#ifndef NTP_LEAP_LIST_H
#define NTP_LEAP_LIST_H

#include "ntp/clock.h"

#include <stddef.h>

/* There were 27 in the first 53 years; a list with more is refused. */
#define LEAP_LIST_MAX 64

/* From that moment on TAI is so many seconds ahead of UTC. */
struct leap_list_entry {
    int64_t seconds; /* since the prime epoch, and the first of a day */
    int32_t tai;
};

struct leap_list {
    struct leap_list_entry entry[LEAP_LIST_MAX];
    unsigned count;  /* 0: there is no list */
    int64_t updated; /* seconds since the prime epoch */
    int64_t expires;
    bool verified; /* it has a hash, and that is right */
};

#define LEAP_LIST_RESULTS(X)                                                   \
    X(LEAP_LIST_OK, "a list of leap seconds")                                  \
    X(LEAP_LIST_NUMBER, "a line that is not two numbers")                      \
    X(LEAP_LIST_ORDER, "a line that is not later than the one before")         \
    X(LEAP_LIST_STEP, "a step that is not one second at the end of a day")     \
    X(LEAP_LIST_MANY, "more than 64 lines")                                    \
    X(LEAP_LIST_EMPTY, "no line with a leap second")                           \
    X(LEAP_LIST_DATES, "no line with its date (#$) and its expiry (#@)")       \
    X(LEAP_LIST_HASH, "a hash (#h) of something else")

#define LEAP_LIST_RESULT_ENUM(id, text) id,
enum leap_list_result {
    LEAP_LIST_RESULTS(LEAP_LIST_RESULT_ENUM) LEAP_LIST_RESULT_COUNT
};
#undef LEAP_LIST_RESULT_ENUM

const char *leap_list_result_text(enum leap_list_result result);

/*
 * Read the text of a list.  Takes any bytes at all.  The hash is verified if
 * there is one.  On anything but LEAP_LIST_OK the list is empty.
 * Level: boot.
 */
enum leap_list_result leap_list_read(struct leap_list *list, const void *text,
                                     size_t len);

/* A list is said to expire that long before it does, seconds. */
#define LEAP_LIST_WARNING (28 * 86400)

enum leap_list_age { LEAP_LIST_FRESH, LEAP_LIST_EXPIRING, LEAP_LIST_EXPIRED };

/* Is the list soon, or already, one that says nothing of leap seconds to come?
 * Level: any. */
enum leap_list_age leap_list_age(const struct leap_list *list, ntp_date date);

/*
 * The first leap second after `date`: what it is, and the midnight that it
 * precedes.  Returns LEAP_NONE when the list has none.
 * Level: any.
 */
enum ntp_leap leap_list_next(const struct leap_list *list, ntp_date date,
                             ntp_date *midnight);

/*
 * The last leap second before `date`, or at it: likewise.
 * Level: any.
 */
enum ntp_leap leap_list_last(const struct leap_list *list, ntp_date date,
                             ntp_date *midnight);

#endif
