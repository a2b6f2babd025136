/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock discipline: from an estimate of the time to the served line. */
#ifndef NTP_DISCIPLINE_H
#define NTP_DISCIPLINE_H

#include "ntp/clock.h"
#include "ntp/smear.h"
#include "ntp/span.h"

/* RFC 5905, 7.2: frequency tolerance, and the distance past which a clock is
 * not synchronised. */
#define DISCIPLINE_PHI     15e-6
#define DISCIPLINE_MAXDISP 16.0

/*
 * The raw time scale: the counter at its calibrated rate.  Nothing slews it, so
 * everything is measured against it; only leap seconds and great steps move its
 * origin.
 */
struct raw_scale {
    uint64_t ticks;
    ntp_date date;
    uint64_t rate; /* 2^-80 s per tick */
};

/* What is served beside the time. */
struct discipline_status {
    uint8_t stratum; /* 0: not synchronised */
    uint32_t reference_id;
    double root_delay;
    double root_dispersion; /* now */
    double growth;          /* of that, s/s */
    bool update;            /* it is news: the reference timestamp moves */
};

struct discipline {
    struct clock *clock;
    struct raw_scale raw;
    struct clock_line line;
    double frequency;   /* of the line against the raw scale */
    double max_slew;    /* s/s */
    double max_drift;   /* s/s, bound of `frequency` */
    double patience;    /* slews take so many times as long as usual */
    struct smear smear; /* how served time differs from the line */
};

/* Start unsynchronised with `date` at `ticks`, and publish that. */
void discipline_init(struct discipline *d, struct clock *clock,
                     const struct raw_scale *raw);

/* Seconds of raw time since its origin. */
double discipline_raw(const struct discipline *d, uint64_t ticks);

/* Raw seconds from one counter value to another. */
double discipline_span(const struct discipline *d, uint64_t from, uint64_t to);

/* That many ticks, rounded up; at least 0, at most 2^62. */
uint64_t discipline_ticks(const struct discipline *d, double seconds);

ntp_date discipline_raw_date(const struct discipline *d, uint64_t ticks);

/* The line minus the raw scale, s. */
double discipline_offset(const struct discipline *d, uint64_t ticks);

/*
 * From `ticks` on, bend the line towards raw time + `offset`, from where it
 * runs at 1 + `frequency` of the raw rate.  The line does not break.  A slew
 * that is under way does not become slower by that, so it ends, however often
 * it is planned anew.
 */
void discipline_slew(struct discipline *d, uint64_t ticks, double offset,
                     double frequency);

/* The same, at once: the line breaks. */
void discipline_step(struct discipline *d, uint64_t ticks, double offset,
                     double frequency);

/* Move the origin of the raw scale by whole units; the line stays. */
void discipline_move_raw(struct discipline *d, ntp_span by);

/*
 * From `ticks` on, the counter runs at that rate, 2^-80 s per tick, and so does
 * the line.  All that was measured against the raw scale is void.
 */
void discipline_rate(struct discipline *d, uint64_t ticks, uint64_t rate);

/* The leap second that the line will go through, LEAP_NONE for none. */
void discipline_leap(struct discipline *d, enum ntp_leap leap, ntp_date date);

/*
 * If the line is through its leap second at `ticks`, make it a straight one
 * again, move the raw scale along, and return true.  A smear is at the start of
 * the second, and begins with it.
 */
bool discipline_leap_done(struct discipline *d, uint64_t ticks);

/*
 * Leap seconds are smeared here, and the last one was that, before `date`: if
 * its smear is not over at `ticks`, it goes on.  One that has not begun, after
 * a step back, is none.
 */
void discipline_smear(struct discipline *d, uint64_t ticks, enum ntp_leap leap,
                      ntp_date date);

/* Served time minus UTC, s. */
double discipline_smeared(const struct discipline *d, uint64_t ticks);

/*
 * Seconds until discipline_show() has to be called again after `ticks`, so that
 * what is published follows the smear; below 0: there is none.
 */
double discipline_smear_wait(const struct discipline *d, uint64_t ticks);

/*
 * Publish the line as it is, smeared where that is going on.  Where leap
 * seconds are smeared, none is announced: whoever follows us must not leap.
 */
void discipline_show(struct discipline *d, uint64_t ticks);

/* Say how far the line is to be trusted from `ticks` on, and publish it. */
void discipline_publish(struct discipline *d, uint64_t ticks,
                        const struct discipline_status *status);

/* What was declared lost that often is known again from the next line on. */
void discipline_new_epoch(struct discipline *d, uint32_t losses);

#endif
