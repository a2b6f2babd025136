/* SPDX-License-Identifier: BSD-2-Clause */
/* When a source is asked: bursts, and intervals as good as the clock. */
#ifndef NTP_POLL_H
#define NTP_POLL_H

#include "ntp/client.h"

/* Is a request due? */
bool poll_is_due(const struct source *s, uint64_t now);

/* `iburst`, if it is configured or the time was lost. */
void poll_start_burst(const struct client *c, struct source *s);

/*
 * Does the request that is due need one before it, to warm up the path
 * (`presend`)?  Then that is due now, and the request a little later.
 */
bool poll_warms_up(struct client *c, struct source *s, uint64_t now);

/* The request before the one to be sent now was not answered. */
void poll_note_loss(struct client *c, struct source *s);

/* A request is to be sent: shift the reachability register, and count those
 * that were sent with it empty. */
void poll_note_reach(struct client *c, struct source *s);

/* The next request is due one interval after `from`. */
void poll_schedule(struct client *c, struct source *s, uint64_t from);

/* A good sample came: how long is it enough?  RFC 5905, 13. */
void poll_adapt(struct client *c, struct source *s);

#endif
