/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans in floating point: for the background and for tests, never for
 * interrupt level. */
#ifndef NTP_SPAN_H
#define NTP_SPAN_H

#include "ntp/ts.h"

/* A span in seconds. */
static inline double ntp_span_seconds(ntp_span span)
{
    return (double)span * 0x1p-64;
}

/* Seconds as a span; |seconds| below 2^62. */
static inline ntp_span ntp_span_from_seconds(double seconds)
{
    return (ntp_span)(seconds * 0x1p64);
}

static inline double ntp_short_seconds(ntp_short value)
{
    return value * 0x1p-16;
}

#endif
