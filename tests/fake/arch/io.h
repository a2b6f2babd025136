/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports that are the test's; registers in memory are the test's, or memory. */
#ifndef TESTS_FAKE_ARCH_IO_H
#define TESTS_FAKE_ARCH_IO_H

#define in8          machine_in8
#define in16         machine_in16
#define in32         machine_in32
#define out8         machine_out8
#define out16        machine_out16
#define out32        machine_out32
#define mmio_read8   machine_mmio_read8
#define mmio_read16  machine_mmio_read16
#define mmio_read32  machine_mmio_read32
#define mmio_read64  machine_mmio_read64
#define mmio_write8  machine_mmio_write8
#define mmio_write16 machine_mmio_write16
#define mmio_write32 machine_mmio_write32
#define mmio_write64 machine_mmio_write64
#include "../../../arch/io.h"
#undef in8
#undef in16
#undef in32
#undef out8
#undef out16
#undef out32
#undef mmio_read8
#undef mmio_read16
#undef mmio_read32
#undef mmio_read64
#undef mmio_write8
#undef mmio_write16
#undef mmio_write32
#undef mmio_write64

/* A test defines those that it needs. */
uint8_t in8(uint16_t port);
uint16_t in16(uint16_t port);
uint32_t in32(uint16_t port);
void out8(uint16_t port, uint8_t value);
void out16(uint16_t port, uint16_t value);
void out32(uint16_t port, uint32_t value);

/* A test that defines both of these has all accesses go there, with their
 * width in bytes; without them registers are the host's memory. */
uint64_t fake_mmio_read(const volatile void *at, unsigned width)
    __attribute__((weak));
void fake_mmio_write(volatile void *at, unsigned width, uint64_t value)
    __attribute__((weak));

#define FAKE_MMIO(bits)                                                        \
    static inline uint##bits##_t mmio_read##bits(const volatile void *at)      \
    {                                                                          \
        if (fake_mmio_read)                                                    \
            return (uint##bits##_t)fake_mmio_read(at, bits / 8);               \
        return machine_mmio_read##bits(at);                                    \
    }                                                                          \
                                                                               \
    static inline void mmio_write##bits(volatile void *at,                     \
                                        uint##bits##_t value)                  \
    {                                                                          \
        if (fake_mmio_write)                                                   \
            fake_mmio_write(at, bits / 8, value);                              \
        else                                                                   \
            machine_mmio_write##bits(at, value);                               \
    }

FAKE_MMIO(8)
FAKE_MMIO(16)
FAKE_MMIO(32)
FAKE_MMIO(64)

#undef FAKE_MMIO

#endif
