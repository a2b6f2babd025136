/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources that are read, not asked: the clocks of the platform. */
#ifndef NTP_REFCLOCK_H
#define NTP_REFCLOCK_H

#include "ntp/client.h"

/*
 * The caller's loop, beside that of ntp/client.h, and before client_tick():
 *
 *     while ((slot = client_refclock_due(c, now())) >= 0)
 *         read that clock;
 *         client_refclock_sample(c, slot, ...) or client_refclock_failed(...);
 *
 * Everything here runs at background level.
 */

/* What `refclock` says. */
struct refclock_config {
    struct source_config source; /* prefer, trust, noselect, require, offset,
                                    maxsamples; minpoll: how often it is read */
    int64_t delay_ns;            /* of a reading: half of it joins the bound */
    int64_t maxdispersion_ns;    /* a larger bound is no reading; 0: any */
    int64_t precision_ns;        /* standard deviation of a reading */
    uint32_t reference_id;       /* up to four letters, the first one highest */
    uint8_t stratum;             /* of the clock; ours is one more */
};

/*
 * Add a reference clock.  `config` is copied; the clock is due at once, then
 * some times a second apart, then as often as it says.
 * Returns its slot, or -1 when all slots are taken.
 */
int client_add_refclock(struct client *c, const struct refclock_config *config);

/*
 * A clock that is to be read now, which counts as asked for now; -1 when there
 * is none (any more).  client_next() knows of them.
 */
int client_refclock_due(struct client *c, uint64_t now_ticks);

/*
 * Has that clock run on while the counter stood still?  It says more than went
 * by on the counter since its last sample, by more than their bounds and 10 ms,
 * and agreed with the others until then.  Its sample is not to be given then:
 * time is lost.
 */
bool client_refclock_leapt(const struct client *c, int slot, uint64_t ticks,
                           ntp_date date, double bound);

/*
 * At counter value `ticks` the clock said `date`, and is off by at most
 * `bound` seconds.  The clock follows at the next client_tick().
 */
void client_refclock_sample(struct client *c, int slot, uint64_t ticks,
                            ntp_date date, double bound);

/* What it says of the next end of a month: what the sample after this one goes
 * with. */
void client_refclock_leap(struct client *c, int slot, enum ntp_leap leap);

/* It could not be read, or does not vouch for what it says: until the next
 * sample it is not followed. */
void client_refclock_failed(struct client *c, int slot, uint64_t ticks);

#endif
