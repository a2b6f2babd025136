/* SPDX-License-Identifier: BSD-2-Clause */
/* Where randomness comes from, and the background's generator. */
#ifndef ARCH_ENTROPY_H
#define ARCH_ENTROPY_H

#include "arch/rng.h"

/*
 * Gather from RDSEED, RDRAND and the jitter of the counter, seed the
 * background's generator, and replace the stack protector's guard.
 *
 * Takes a few milliseconds at most.  The caller must never return (the guard
 * under its feet has changed).
 * Level: boot, after cpu_init().
 */
void entropy_init(void);

/* Random bytes from the background's generator.  Level: boot, background. */
void entropy_fill(void *buf, size_t len);

/*
 * Before each of those, `epoch` is asked: when it tells another number than
 * before, the machine may have been copied, and the generator is renewed first.
 * Level: boot.
 */
void entropy_watch(uint32_t (*epoch)(void *arg), void *arg);

/*
 * Random bytes from a generator of any level.  The counter, the times of all
 * interrupts and RDRAND, where it is there, go into each draw: two copies of
 * one machine never draw the same, whether or not they know that they are.
 * Level: the owner's.
 */
void entropy_draw(struct rng *r, void *buf, size_t len);

/* Seed another level's or CPU's generator.  Level: boot, background. */
void entropy_seed(struct rng *r);

/* Mix in any bytes, which are worth nothing.  Level: boot, background. */
void entropy_mix(const void *data, size_t len);

/*
 * Mix in what a random generator on a bus gave.  Its bytes are health-tested,
 * and as long as they are well, each counts for half of its bits.
 * Level: boot, background.
 */
void entropy_device(const uint8_t *bytes, size_t len);

/*
 * Gather anew, quickly, and replace the generator's key: from time to time,
 * and whenever the machine may have been copied.  Other levels' generators
 * are seeded again by their owners.
 * Level: background.
 */
void entropy_renew(void);

/* When an interrupt came; costs a few instructions.  Level: interrupt. */
void entropy_note(uint64_t ticks);

struct entropy_state {
    unsigned bits; /* credited so far, saturating */
    bool seeded;   /* at least 256 */
    bool rdseed;   /* in use and healthy */
    bool rdrand;
    bool device; /* that of entropy_device() */
    bool jitter;
};

/* For the console and the status page.  Level: boot, background. */
struct entropy_state entropy_state(void);

#endif
