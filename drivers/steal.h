/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's steal time: how long the host had the processor for others. */
#ifndef DRIVERS_STEAL_H
#define DRIVERS_STEAL_H

#include <stdbool.h>
#include <stdint.h>

/* In memory whose physical address is its own: the host writes to it for as
 * long as the machine runs. */
struct steal {
    _Alignas(64) volatile uint8_t page[64]; /* kvm_steal_time */
    uint64_t last_ns;
};

/* Have it told.  False: there is none.  Level: boot. */
bool steal_attach(struct steal *s);

/*
 * Nanoseconds since the start that this processor was wanted by us and given to
 * others; the last value again while the host writes a new one.
 * Level: background.
 */
uint64_t steal_ns(struct steal *s);

#endif
