/* SPDX-License-Identifier: BSD-2-Clause */
/* The rate of the counter, from one run to the next. */
#ifndef BOOT_RATE_H
#define BOOT_RATE_H

#include "arch/tsc.h"
#include "boot/remember.h"

struct rate {
    struct remember *remember;
    const struct client *client;
    uint64_t due_ticks;      /* saved not before; 0: not saved yet */
    uint64_t interval_ticks; /* and again after twice as long as before */
    bool told;               /* the one that the clock was set with */
    bool told_known;         /* and the one that is known well */
};

/*
 * The rate to start with, into `start`: what was kept if the measurement of
 * this boot allows it, else what was measured.  A console line says which.
 * Level: boot.
 */
void rate_choose(const struct state_data *kept, const struct tsc *tsc,
                 struct client_start *start);

/* Keep the rate from now on.  `remember` is lent for good.  Level: boot. */
void rate_start(struct rate *r, struct remember *remember);

/*
 * Have it saved when it is known; then after half a minute, a minute, and so
 * on, since each time it has become much better known.  Level: background.
 */
void rate_poll(struct rate *r, uint64_t now);

#endif
