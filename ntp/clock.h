/* SPDX-License-Identifier: BSD-2-Clause */
/* Counter value into time: a line, published to interrupt level. */
#ifndef NTP_CLOCK_H
#define NTP_CLOCK_H

#include "ntp/ts.h"

#include <stdatomic.h>

/* Leap indicator, RFC 5905, figure 9. */
enum ntp_leap {
    LEAP_NONE = 0,
    LEAP_INSERT = 1,
    LEAP_DELETE = 2,
    LEAP_UNKNOWN = 3
};

/*
 * All that a reply needs, so that served time never depends on the background
 * being punctual.
 */
struct clock_line {
    uint64_t base_ticks;      /* the counter at base_date */
    uint64_t rate;            /* 2^-80 s per tick, until slew_end_ticks */
    ntp_date base_date;       /* the time at base_ticks */
    uint64_t slew_end_ticks;  /* the line bends here */
    uint64_t rate_after;      /* 2^-80 s per tick, from there on */
    ntp_date leap_date;       /* end of the UTC day with the leap, or NEVER */
    uint64_t expiry_ticks;    /* from here on: unsynchronised */
    uint64_t root_dispersion; /* 2^-32 s, at base_ticks */
    uint32_t dispersion_rate; /* 2^-32 s per second since base_ticks */
    ntp_short root_delay;
    ntp_ts reference_ts;
    uint32_t reference_id; /* as on the wire, first byte highest */
    uint32_t epoch;        /* 1, and 1 more for each time that was lost */
    uint8_t leap;    /* enum ntp_leap; served in the day up to leap_date */
    uint8_t stratum; /* 1 to 15; 0 when not synchronised */
};

/* Owned by the background, read from any level and any CPU. */
struct clock {
    _Atomic uint32_t seq;  /* slot[seq & 1] is the one to read */
    _Atomic uint32_t lost; /* epochs up to this one are not to be served */
    struct clock_line slot[2];
};

/*
 * Replace the line.
 * Level: background, one writer.
 */
void clock_publish(struct clock *c, const struct clock_line *line);

/*
 * The newest line; if its epoch was declared lost, with leap 3, stratum 0.
 * Bounded: repeats only as often as the writer publishes meanwhile.
 * Level: any.
 */
struct clock_line clock_read(const struct clock *c);

/*
 * The time is not known any more: until a line is published whose epoch is past
 * clock_losses(), clock_read() gives leap 3.  Who makes lines asks for that
 * number before he measures: what was measured before a loss can then never be
 * served after it.
 * Level: any.
 */
void clock_disown(struct clock *c);
uint32_t clock_losses(const struct clock *c);

/*
 * UTC at counter value `ticks`, which may lie before or after the base by up to
 * 2^63 ticks, past the end of a slew and past the leap second.
 * Level: any.
 */
ntp_date clock_at(const struct clock_line *line, uint64_t ticks);

/*
 * The same with no regard to the leap second: the line as a straight one, which
 * is what the next line has to continue.
 * Level: any.
 */
ntp_date clock_unleapt(const struct clock_line *line, uint64_t ticks);

/*
 * What a reply sent at `ticks` says about synchronisation: leap indicator,
 * stratum (0 with leap 3, also once expired), and the root dispersion grown
 * since the base, rounded up.
 * RFC 5905, 7.3 and 11.2.3.  Level: any.
 */
struct clock_status {
    uint8_t leap;
    uint8_t stratum;
    ntp_short root_delay;
    ntp_short root_dispersion;
    uint32_t reference_id;
    ntp_ts reference_ts;
};
struct clock_status clock_status(const struct clock_line *line, uint64_t ticks);

#endif
