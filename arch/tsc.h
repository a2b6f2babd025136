/* SPDX-License-Identifier: BSD-2-Clause */
/* Is the counter invariant, and how fast does it run. */
#ifndef ARCH_TSC_H
#define ARCH_TSC_H

#include <stdbool.h>
#include <stdint.h>

/* A clock of known rate to measure the counter against. */
struct counter_reference {
    const char *name;    /* "hpet", "pmtimer", "pit" */
    uint64_t period_fs;  /* 10^-15 s per count, at least 1 */
    uint32_t period_ppb; /* how much longer or shorter that may really be */
    uint64_t mask;       /* it counts up, and to zero after this; <= 2^32 - 1 */

    /* Take the count, in a single access of the device: the shorter, ... */
    void (*latch)(void *self);

    /* ... and say what it was.  False: that reading is not to be believed. */
    bool (*fetch)(void *self, uint64_t *count);

    void *self;
};

#define TSC_REFERENCES_MAX 4 /* measured against; more are ignored */
#define TSC_TOLD_MAX       4 /* opinions of the hypervisor; likewise */

/* What one reference, or the hypervisor, says of the rate. */
struct tsc_rate {
    const char *name;
    uint64_t hz;
    uint64_t bound_ppb; /* the truth is within that, if the clock is right */
    bool valid;
};

/* Counter, reference, counter: the count was taken between the two. */
struct tsc_bracket {
    uint64_t before;
    uint64_t after;
    uint64_t count;
    bool valid;
};

/* The measurement against one reference, under way. */
struct tsc_measurement {
    const struct counter_reference *ref;
    struct tsc_bracket origin;
    uint64_t low_hz;  /* by all brackets so far, the truth is from here ... */
    uint64_t high_hz; /* ... to here; 0: not measured yet */
    unsigned leaps;   /* in a row: the last bracket contradicted these */
};

/* All that is known of the counter.  Owned by boot, then the background. */
struct tsc {
    bool invariant; /* CPUID 0x80000007, EDX bit 8 */
    bool disagree;  /* two rates are apart by more than both their bounds */
    struct tsc_rate told[TSC_TOLD_MAX];
    unsigned told_count;
    struct tsc_rate measured[TSC_REFERENCES_MAX];
    unsigned count;            /* of `measured` */
    struct tsc_rate best;      /* the one to use; invalid: refuse to serve */
    uint64_t disagreement_ppb; /* largest difference between two rates */

    struct tsc_measurement work[TSC_REFERENCES_MAX];
    uint64_t refine_ticks; /* when to look again; UINT64_MAX: never */
    unsigned torn;         /* windows of tsc_renew(), one after another */
};

/*
 * Start: is the counter invariant, and what does CPUID say of its rate (leaf
 * 0x15; the hypervisor's 0x40000010).
 * Level: boot, after cpu_init().
 */
void tsc_init(struct tsc *t);

/*
 * A rate that a paravirtual device told, kvm-clock's for one.
 * Level: boot, after tsc_init().
 */
void tsc_tell(struct tsc *t, const char *name, uint64_t hz);

/*
 * Measure against all references in one window of 20 ms (25 ms with all its
 * brackets; longer only while the virtual CPU was away).  `refs` is kept.
 *
 * Each end of the window is the tightest of several brackets, and the bound is
 * what their widths, one count and the reference's own bound make possible.
 * Returns t->best.valid.  May be called again, to begin anew.
 * Level: boot, background.
 */
bool tsc_measure(struct tsc *t, const struct counter_reference *refs,
                 unsigned count);

/*
 * Go on measuring until every bound is under 1 ppm.
 *
 * Costs a comparison, but for some hundred microseconds when it is due: after
 * 1/4 s, then each time that the span has doubled.  A bracket that contradicts
 * what is known (the virtual machine was paused, a clock was steered) begins
 * the span anew.  `*again_ticks` is when it wants to be called next, UINT64_MAX
 * for never.
 *
 * Returns true when there is news for tsc_log(): all is under 1 ppm, or the
 * references begin or cease to disagree.
 * Level: background.
 */
bool tsc_refine(struct tsc *t, uint64_t *again_ticks);

/*
 * The rate may be another one now: begin to measure it anew, in a window that
 * nobody waits for.  What was told is forgotten but for what CPUID says now;
 * tell the rest again.  Until tsc_renewed(), `best` is what it was before.
 *
 * Takes some hundred microseconds.  `*end_ticks` is when to ask tsc_renewed().
 * Level: background.
 */
void tsc_renew(struct tsc *t, uint64_t *end_ticks);

/*
 * The end of that window: true when the rate is known.  False: it was too early
 * or too late to tell, and `*end_ticks` is when to ask again.  After 16 windows
 * that were torn it waits for one, 25 ms.
 * Level: background.
 */
bool tsc_renewed(struct tsc *t, uint64_t *end_ticks);

/*
 * How much faster than RFC 5905's PHI the error grows on this counter, in
 * 10^-9: nothing for one that is invariant and whose references agree.
 * Level: any.
 */
uint32_t tsc_wander_ppb(const struct tsc *t);

/* Say all that is known on the log, a line each.  Level: boot, background. */
void tsc_log(const struct tsc *t);

#endif
