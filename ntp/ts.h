/* SPDX-License-Identifier: BSD-2-Clause */
/* The time formats of RFC 5905, and the only place that resolves eras. */
#ifndef NTP_TS_H
#define NTP_TS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Timestamp format: unsigned 32.32 seconds in an era of 2^32 s.  For the wire
 * and for differences only.  RFC 5905, 6.
 */
typedef uint64_t ntp_ts;

/*
 * Date format: signed 64.64 seconds since 1900-01-01 00:00:00 UTC, the prime
 * epoch; eras are its high 32 bits.  All time of day inside Gnomon is this.
 * RFC 5905, 6.
 */
__extension__ typedef __int128 ntp_date;

/* A difference of two dates, in units of 2^-64 s. */
__extension__ typedef __int128 ntp_span;

/* Short format: unsigned 16.16 seconds. */
typedef uint32_t ntp_short;

/* Seconds from the prime epoch to 1970-01-01 00:00:00 UTC. */
#define NTP_UNIX_EPOCH 2208988800LL

/* Later than any date that will be served. */
#define NTP_DATE_NEVER ((ntp_date)INT64_MAX << 64)

static inline ntp_date ntp_date_from_seconds(int64_t seconds)
{
    return (ntp_date)((unsigned __int128)(__int128)seconds << 64);
}

static inline ntp_date ntp_date_from_unix(int64_t seconds, uint32_t nanoseconds)
{
    /* 2^64 / 10^9, rounded down: below 2^-34 s of error in a second. */
    return ntp_date_from_seconds(seconds + NTP_UNIX_EPOCH) +
           (ntp_date)((unsigned __int128)nanoseconds * 18446744073ULL);
}

/* Whole seconds since the prime epoch, rounded towards the past. */
static inline int64_t ntp_date_seconds(ntp_date date)
{
    return (int64_t)(date >> 64);
}

/* The timestamp of a date: its era is lost. */
static inline ntp_ts ntp_ts_from_date(ntp_date date)
{
    return (ntp_ts)((unsigned __int128)date >> 32);
}

/*
 * The date with timestamp `ts` that is nearest to `pivot`: at most 2^31 s, 68
 * years, before or after it.  RFC 5905, 6.
 */
static inline ntp_date ntp_date_near(ntp_ts ts, ntp_date pivot)
{
    int64_t away = (int64_t)(ts - ntp_ts_from_date(pivot));
    ntp_date whole = pivot & ~(ntp_date)0xffffffffu;

    return whole + ((ntp_date)away * ((ntp_date)1 << 32));
}

/*
 * A span of at least zero in short format, rounded up; the largest short if it
 * does not fit.
 */
static inline ntp_short ntp_short_from_span(ntp_span span)
{
    if (span <= 0)
        return 0;

    ntp_span up = (span + (((ntp_span)1 << 48) - 1)) >> 48;

    return up > UINT32_MAX ? UINT32_MAX : (ntp_short)up;
}

static inline ntp_span ntp_span_from_short(ntp_short value)
{
    return (ntp_span)value << 48;
}

#endif
