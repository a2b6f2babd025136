/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports and memory-mapped registers. */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <stdint.h>

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

/*
 * Registers in memory.  Each is exactly one access of that width, by a plain
 * move (some hypervisors decode nothing else), and the compiler moves no
 * memory access across it.
 */
static inline uint8_t mmio_read8(const volatile void *at)
{
    uint8_t value;

    __asm__ volatile("movb (%1), %0" : "=q"(value) : "r"(at) : "memory");
    return value;
}

static inline uint16_t mmio_read16(const volatile void *at)
{
    uint16_t value;

    __asm__ volatile("movw (%1), %0" : "=r"(value) : "r"(at) : "memory");
    return value;
}

static inline uint32_t mmio_read32(const volatile void *at)
{
    uint32_t value;

    __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(at) : "memory");
    return value;
}

static inline uint64_t mmio_read64(const volatile void *at)
{
    uint64_t value;

    __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(at) : "memory");
    return value;
}

static inline void mmio_write8(volatile void *at, uint8_t value)
{
    __asm__ volatile("movb %0, (%1)" : : "q"(value), "r"(at) : "memory");
}

static inline void mmio_write16(volatile void *at, uint16_t value)
{
    __asm__ volatile("movw %0, (%1)" : : "r"(value), "r"(at) : "memory");
}

static inline void mmio_write32(volatile void *at, uint32_t value)
{
    __asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(at) : "memory");
}

static inline void mmio_write64(volatile void *at, uint64_t value)
{
    __asm__ volatile("movq %0, (%1)" : : "r"(value), "r"(at) : "memory");
}

#endif
