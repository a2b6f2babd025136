/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's clock pairing: the host's time and our counter at one moment. */
#ifndef DRIVERS_KVM_PAIRING_H
#define DRIVERS_KVM_PAIRING_H

#include "drivers/refclock.h"

/* Ask the host: RAX, RBX and RCX; returns RAX. */
typedef int64_t hypercall_fn(uint64_t number, uint64_t a, uint64_t b);

/*
 * `state` of its refclock, in memory whose physical address is its own: the
 * host writes to it at each call.
 */
struct kvm_pairing {
    _Alignas(64) volatile uint8_t page[64];
    hypercall_fn *call; /* NULL: the processor's own instruction */
};

/*
 * The host's CLOCK_REALTIME.  The interface states no error; how well the host
 * itself keeps time is not known here.  Some hosts never return from a
 * hypercall: to be attached only where the configuration says so, with the
 * console up.  Level: boot, background.
 */
extern const struct refclock_driver kvm_pairing_driver;

#endif
