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

#endif
