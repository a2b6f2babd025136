/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client does with its sources' estimates: set, step, slew, serve. */
#ifndef NTP_FOLLOW_H
#define NTP_FOLLOW_H

#include "ntp/client.h"

/* A set on fewer than a majority waits that long after the first reply, s. */
#define FOLLOW_MAJORITY_WAIT 1.0

/* So many requests without an answer make a source unreachable: the bits of
 * the reachability register, RFC 5905, 13. */
#define FOLLOW_REACH_BITS 8

/* A bound is that many standard deviations. */
#define FOLLOW_SIGMAS 4.0

/* Put an event in the queue. */
void follow_event(struct client *c, enum client_event_type type, int slot,
                  uint64_t ticks, double offset);

/* Has a majority had its time to reply? */
bool follow_waited(const struct client *c, uint64_t ticks);

/* Look at all sources, select, and let the clock follow. */
void follow_sources(struct client *c, uint64_t ticks);

/* A reply is overdue, a leap second passes, `local` is due: what time brings.
 */
void follow_time(struct client *c, uint64_t ticks);

/* The counter value at which follow_time() has something to do. */
uint64_t follow_next(const struct client *c);

/* Root distance of a source, as selection sees it; RFC 5905, 11.2.1. */
double follow_distance(const struct client *c, const struct source *s,
                       uint64_t ticks);

#endif
