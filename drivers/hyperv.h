/* SPDX-License-Identifier: BSD-2-Clause */
/* Hyper-V: how fast the counter runs.  It has no wall clock without VMBus. */
#ifndef DRIVERS_HYPERV_H
#define DRIVERS_HYPERV_H

#include <stdint.h>

/*
 * Ticks per second as the host has it, by its frequency register or else by
 * its reference TSC page; 0 where it does not say.
 * Hypervisor Top Level Functional Specification 6.0, 12.5 to 12.7.
 * Level: boot.
 */
uint64_t hyperv_hz(void);

#endif
