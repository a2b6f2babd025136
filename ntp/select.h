/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sources are right, which one leads, and what they say together. */
#ifndef NTP_SELECT_H
#define NTP_SELECT_H

#include "ntp/client.h"

/* A source that could be followed, seen at one moment. */
struct candidate {
    int slot;
    uint8_t stratum;
    bool prefer, trust, require;
    double offset;    /* s, estimated, on any one scale */
    double distance;  /* s, root distance: the true offset is within that */
    double error;     /* s, standard deviation of the estimate */
    double frequency; /* s/s, likewise */
    double frequency_error;
    enum source_state state; /* out: where it stands */
    double weight;           /* out: its part in what is combined, 0 to 1 */
};

struct selection {
    int leader;     /* index of the system peer, or -1: nobody is followed */
    unsigned agree; /* truechimers */
    unsigned combined;
    double offset; /* combined */
    double frequency;
    double error;
    double frequency_error;
    double spread; /* the leader from the combined offset */
};

/*
 * Tell truechimers from falsetickers, choose the system peer, and combine.
 *
 * Takes only sources that are usable by themselves.  `last` is the slot of the
 * system peer until now, or -1; `required` says that some source has the option
 * `require`, be it among the candidates or not.
 *
 * Writes `state` and `weight` of each candidate.  Without a leader, the states
 * say what is waited for.
 * RFC 5905, 11.2.1 to 11.2.3.
 */
void select_sources(struct candidate *all, unsigned n,
                    const struct client_config *config, int last, bool required,
                    struct selection *result);

#endif
