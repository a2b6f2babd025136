/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's paravirtual clock: how fast the counter runs, and the host's time. */
#ifndef DRIVERS_KVMCLOCK_H
#define DRIVERS_KVMCLOCK_H

#include "drivers/refclock.h"

/*
 * `state` of its refclock, in memory whose physical address is its own: the
 * host writes to it for as long as the machine runs.
 */
struct kvmclock {
    _Alignas(64) volatile uint8_t time[32]; /* pvclock_vcpu_time_info */
    _Alignas(64) volatile uint8_t wall[16]; /* pvclock_wall_clock, 12 bytes */
    uint32_t time_msr;
    uint32_t wall_msr;

    uint64_t hz;      /* of the counter, as it was last noted */
    uint64_t last_ns; /* system time when it was last looked at */

    /* The host's time at a counter value, for kvmclock_kept_up(). */
    bool anchored;
    uint64_t anchor_ticks;
    uint64_t anchor_ns;
};

/*
 * The host's CLOCK_REALTIME.  The interface states no error; how well the host
 * itself keeps time is not known here.  Level: boot, background.
 */
extern const struct refclock_driver kvmclock_driver;

/*
 * Ticks per second as the host has it, 0 where it does not say.
 * Level: boot, background, once attached.
 */
uint64_t kvmclock_hz(const struct kvmclock *k);

/* Its flags; this one, PVCLOCK_GUEST_STOPPED, is the guest's to clear.
 * Level: boot. */
#define KVMCLOCK_STOPPED 0x02u
volatile uint8_t *kvmclock_flags(struct kvmclock *k);

/*
 * Has the host moved us to a counter of another rate since the last time, by
 * more than 100 ppm, or has its clock gone back?  Factors that differ by less
 * are its own clock, steered.
 * Level: background.
 */
bool kvmclock_changed(struct kvmclock *k);

/*
 * Note the host's time, for the next kvmclock_kept_up(); not while the flag
 * says that there was a stop, which that has still to judge.
 * Level: background.
 */
void kvmclock_anchor(struct kvmclock *k);

/*
 * Has the counter run at `ticks_per_s` for as long as the host says that has
 * passed since the anchor, to 1 ms and 100 ppm?  Then a pause did no harm.
 * Level: interrupt, or background with interrupts off.
 */
bool kvmclock_kept_up(struct kvmclock *k, uint64_t ticks_per_s);

#endif
