/* SPDX-License-Identifier: BSD-2-Clause */
/* A leap second smeared: served time goes on, and comes to UTC by and by. */
#ifndef NTP_SMEAR_H
#define NTP_SMEAR_H

#include "ntp/ts.h"

/* What chrony says it follows meanwhile: 127.127.1.255. */
#define SMEAR_REFERENCE_ID 0x7f7f01ffu

struct smear {
    double frequency; /* s/s at most; 0: leap seconds are not smeared */
    double wander;    /* of the frequency, s/s per s at most; 0: no limit */
    double size;      /* served time minus UTC at the start, s; 0: over */
    ntp_date start;   /* UTC */
};

/* From `start` on, served time is `size` seconds ahead. */
void smear_begin(struct smear *s, ntp_date start, double size);

/*
 * Served time minus UTC, `age` seconds after the start.  The frequency rises
 * from 0 as fast as `wander` allows, stays at `frequency` if it comes to that,
 * and falls likewise to 0 at the end.
 */
double smear_offset(const struct smear *s, double age);

/* How long it takes, s. */
double smear_seconds(const struct smear *s);

/* How long the curve is a straight line for all that matters, s. */
double smear_chord(const struct smear *s);

#endif
