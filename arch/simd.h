/* SPDX-License-Identifier: BSD-2-Clause */
/* Vector registers at interrupt level: borrowed, and given back. */
#ifndef ARCH_SIMD_H
#define ARCH_SIMD_H

#include <stdint.h>

/* Where the interrupted code's vector registers are kept meanwhile. */
struct simd_area {
    uint8_t bytes[512];
} __attribute__((aligned(16)));

/*
 * Between these two, code may use SSE (not AVX, which is never turned on).
 * They do not nest; each level and CPU has an area of its own.
 * Level: interrupt.
 */
static inline void simd_begin(struct simd_area *area)
{
    static const uint32_t mxcsr = 0x1f80; /* all exceptions masked */

    __asm__ volatile("fxsave64 %0; ldmxcsr %1"
                     : "=m"(*area)
                     : "m"(mxcsr)
                     : "memory");
}

static inline void simd_end(const struct simd_area *area)
{
    __asm__ volatile("fxrstor64 %0" : : "m"(*area) : "memory");
}

#endif
