/* SPDX-License-Identifier: BSD-2-Clause */
/* What one request under NTS costs on this machine. */
#ifndef BOOT_NTS_COST_H
#define BOOT_NTS_COST_H

#include <stdint.h>

/*
 * Measure it with each cipher that the processor has, print it, and end by
 * debug_exit(): `selftest=nts-cost`.
 * Level: boot, interrupts on.
 */
_Noreturn void nts_cost_tell(uint64_t ticks_per_s);

#endif
