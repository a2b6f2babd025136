/* SPDX-License-Identifier: BSD-2-Clause */
/* How each source stands, and what they say together. */
#ifndef NTP_LOOK_H
#define NTP_LOOK_H

#include "ntp/select.h"

/* All sources at one moment. */
struct view {
    struct candidate candidate[CLIENT_SOURCES_MAX];
    unsigned candidates;
    unsigned configured; /* sources that may vote */
    struct selection selection;
};

/* Look at all sources, select, and note what has changed. */
void look(struct client *c, uint64_t ticks, struct view *v);

/* Root distance of a source, as selection sees it; RFC 5905, 11.2.1. */
double look_distance(const struct client *c, const struct source *s,
                     uint64_t ticks);

/* Its stratum, or `minstratum` if that is more. */
uint8_t look_stratum(const struct source *s);

#endif
