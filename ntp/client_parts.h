/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that make up the client share among themselves. */
#ifndef NTP_CLIENT_PARTS_H
#define NTP_CLIENT_PARTS_H

#include "ntp/client.h"
#include "ntp/leap.h"

/* So many requests without an answer make a source unreachable: the bits of
 * the reachability register, RFC 5905, 13. */
#define CLIENT_REACH_BITS 8

/* A bound is that many standard deviations. */
#define CLIENT_SIGMAS 4.0

/* Put an event in the queue. */
void client_note(struct client *c, enum client_event_type type, int slot,
                 uint64_t ticks, double offset);

/* Something is to be followed, or not to be any more. */
void client_look_again(struct client *c, uint64_t ticks);

/* Forget all that was measured of a source, and ask at once. */
void client_start_over(struct client *c, struct source *s, uint64_t ticks);

/* A source has given a sample. */
void client_replied(struct client *c, uint64_t ticks);

/* Seconds from one counter value to another. */
static inline double client_span(const struct client *c, uint64_t from,
                                 uint64_t to)
{
    return discipline_span(&c->discipline, from, to);
}

/* Is it `when` already? */
static inline bool client_reached(uint64_t now, uint64_t when)
{
    return (int64_t)(now - when) >= 0;
}

/* Around a leap second, no two clocks agree. */
static inline bool client_leaps_near(const struct client *c, uint64_t ticks)
{
    const struct clock_line *line = &c->discipline.line;
    ntp_date date = clock_unleapt(line, ticks);

    return line->leap != LEAP_UNKNOWN && (leap_is_near(line->leap_date, date) ||
                                          leap_is_near(c->leapt_date, date));
}

/*
 * The second that is inserted is called like the one before it.  Who has not
 * seen the first of them cannot tell them apart, so nothing is set by either.
 */
bool client_in_doubt(const struct client *c, const struct source *s,
                     ntp_date date);

/* Is it authenticated, by a key or otherwise? */
static inline bool client_authenticates(const struct source *s)
{
    return s->config.key || s->config.authenticated;
}

#endif
