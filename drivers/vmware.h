/* SPDX-License-Identifier: BSD-2-Clause */
/* VMware's backdoor: the host's time. */
#ifndef DRIVERS_VMWARE_H
#define DRIVERS_VMWARE_H

#include "drivers/refclock.h"

/* The registers of a call, in and out; their upper halves are zero. */
struct vmware_registers {
    uint32_t eax, ebx, ecx, edx, esi, edi;
};

typedef void vmware_call_fn(struct vmware_registers *r);

/* `state` of its refclock. */
struct vmware {
    vmware_call_fn *call; /* NULL: the port itself */
    uint16_t command;     /* the best one that this host knows */
};

/*
 * The host's time of day, in microseconds, within what the host states for its
 * lag, and the time of the call.  How well the host itself keeps time is not
 * known here.  Level: boot, background.
 */
extern const struct refclock_driver vmware_driver;

#endif
