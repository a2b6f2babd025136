/* SPDX-License-Identifier: BSD-2-Clause */
/* Which vector is whose; what the entry stubs call. */
#ifndef ARCH_VECTORS_H
#define ARCH_VECTORS_H

#include <stdint.h>

#define VECTOR_PAGE_FAULT 14

/*
 * 32 to 47 are left free: an 8259 that was masked too late would speak there,
 * and is then seen as unexpected rather than taken for a device.
 */
#define VECTOR_PIC      32
#define VECTOR_DEVICES  48
#define VECTOR_SPURIOUS 255 /* low four bits set, as old local APICs need */

/* Called by vectors.S, on the interrupt stack. */
void irq_dispatch(uint64_t vector, uint64_t entry_ticks);

#endif
