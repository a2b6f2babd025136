/* SPDX-License-Identifier: BSD-2-Clause */
/* What is served beside the time, and what the passing of time changes. */
#ifndef NTP_SERVED_H
#define NTP_SERVED_H

#include "ntp/look.h"

/* Stratum, reference and bound, by the leader; RFC 5905, 11.2.3. */
void served_describe(struct client *c, uint64_t ticks, const struct view *v);

/* Publish the line with that. */
void served_publish(struct client *c, uint64_t ticks);

/* Nobody is followed any more: the clock runs on alone from now on. */
void served_coast(struct client *c, uint64_t ticks);

/* Announce the leap second that the table or a majority announces. */
void served_leap(struct client *c, const struct view *v, uint64_t ticks);

/* A reply is overdue, a leap second passes, `local` is due: what time brings.
 */
void served_in_time(struct client *c, uint64_t ticks);

/* The counter value at which served_in_time() has something to do. */
uint64_t served_next(const struct client *c);

#endif
