/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter against its references, by brackets: tsc.c's other half. */
#ifndef ARCH_TSC_MEASURE_H
#define ARCH_TSC_MEASURE_H

#include "arch/tsc.h"

__extension__ typedef unsigned __int128 u128;

#define PPB 1000000000u

static inline uint64_t u64_saturate(u128 value)
{
    return value > UINT64_MAX / 4 ? UINT64_MAX / 4 : (uint64_t)value;
}

/* `part` of `whole`, rounded up. */
static inline uint64_t ppb_of(uint64_t part, uint64_t whole)
{
    return u64_saturate(((u128)part * PPB + whole - 1) / whole);
}

/*
 * Fill t->work and t->measured in one window.  A reference that does not run
 * is left out.
 * Level: boot, background.
 */
void tsc_take_window(struct tsc *t, const struct counter_reference *refs,
                     unsigned count);

/*
 * Begin a window that nobody waits for; returns the counter value at which to
 * close it.  Nothing is forgotten before that.
 * Level: background.
 */
uint64_t tsc_open_window(struct tsc *t);

/*
 * Fill t->measured from that window.  False: it was too late to tell how often
 * the references wrapped, or none of them ran.
 * Level: background.
 */
bool tsc_close_window(struct tsc *t);

/* tsc_take_window() with the references that there are.  Level: background. */
void tsc_wait_window(struct tsc *t);

/*
 * Look at all references again, the span begun in the window or at a leap.
 * Level: background.
 */
void tsc_look_again(struct tsc *t);

#endif
