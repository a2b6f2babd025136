/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client does with its sources' estimates: set, step, slew. */
#ifndef NTP_FOLLOW_H
#define NTP_FOLLOW_H

#include "ntp/client.h"

/* A set on fewer than a majority waits that long after the first reply, s. */
#define FOLLOW_MAJORITY_WAIT 1.0

/* Has a majority had its time to reply? */
bool follow_waited(const struct client *c, uint64_t ticks);

/* Look at all sources, select, and let the clock follow. */
void follow_sources(struct client *c, uint64_t ticks);

#endif
