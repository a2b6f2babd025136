/* SPDX-License-Identifier: BSD-2-Clause */
/* How long the processor was given to others while an answer was awaited. */
#ifndef BOOT_AWAY_H
#define BOOT_AWAY_H

#include "arch/apic.h"
#include "drivers/steal.h"

/*
 * By KVM's steal time where there is any.  Else by gaps in a tick, which runs
 * only while an answer is awaited: a tick that comes late by more than 1 ms
 * means that the processor was away for that long.
 */
struct away {
    struct steal *steal; /* NULL: none */
    uint64_t ticks_per_s;
    struct timer tick;
    unsigned awaited;
    uint64_t due_ticks; /* when the next tick should come */
    uint64_t end_ticks; /* no answer is waited for longer than that */
    volatile uint64_t missed_ticks; /* since the start */
};

/* Level: boot, after timer_init(). */
void away_start(struct away *a, struct steal *steal, uint64_t ticks_per_s);

/*
 * Nanoseconds away since the start, as far as it was watched; `arg` is the
 * struct.  From now on `more` answers more are awaited: 1 when a request
 * leaves, -1 when its answer has come, else 0.
 * Level: background.
 */
uint64_t away_ns(void *arg, int more);

#endif
