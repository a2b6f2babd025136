/* SPDX-License-Identifier: BSD-2-Clause */
/* Does the counter leap, or change its rate, against other clocks? */
#ifndef ARCH_TSC_WATCH_H
#define ARCH_TSC_WATCH_H

#include "arch/tsc.h"

/* One of the clocks that the counter was measured against. */
struct tsc_watch_clock {
    const struct counter_reference *ref;
    unsigned index;            /* in struct tsc */
    struct tsc_rate rate;      /* of the counter by it, as it was best known */
    struct tsc_bracket last;   /* look */
    struct tsc_bracket anchor; /* a minute ago or less: small things add up */
    struct tsc_bracket older;  /* anchor, the one before this */
    unsigned strikes;          /* it was alone in seeing a leap, ... */
    uint64_t strike_ticks;     /* ... the last time then */
};

struct tsc_watch {
    struct tsc_watch_clock clock[TSC_REFERENCES_MAX];
    unsigned count;
    uint64_t anchor_ticks;
    uint64_t last_ticks;
};

/* What was seen. */
struct tsc_leap {
    const char *by;   /* the clock */
    int64_t ns;       /* that the counter missed; below 0: it ran ahead */
    uint64_t wrap_ns; /* that much more, or less, looks the same */
};

/*
 * Watch from now on.  Who wraps within a second is no use: the loop may be away
 * for longer.
 * Level: boot, background, after the counter was measured.
 */
void tsc_watch_start(struct tsc_watch *w, const struct tsc *t);

/*
 * Look, if the last time is two seconds ago; costs a comparison else.  To be
 * called at wakeups that happen anyway.
 *
 * True: the counter went back, or leapt by more than 2.5 ms, or its rate is not
 * what it was, by more than 600 ppm: as much as a host may steer its own clock.
 * All clocks must have seen that, and not just made up for what they were
 * behind since the anchors.  One that is alone with it three times, each within
 * an hour of the one before, is left out, and `*odd` is its name then, NULL
 * else.
 * Level: background.
 */
bool tsc_watch_look(struct tsc_watch *w, const struct tsc *t,
                    struct tsc_leap *leap, const char **odd);

#endif
