/* SPDX-License-Identifier: BSD-2-Clause */
/* What one reading of the clock costs on this machine. */
#ifndef BOOT_CLOCK_COST_H
#define BOOT_CLOCK_COST_H

#include <stdint.h>

/*
 * Read a clock many times, say what one reading took, and leave by
 * debug_exit(): `selftest=clock-read`.
 * Level: background.
 */
_Noreturn void clock_cost_tell(uint64_t ticks_per_s);

#endif
