/* SPDX-License-Identifier: BSD-2-Clause */
/* One instruction each; and the processor's tables and features. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/* CPUID as the processor gives it, whatever its maximum leaf.  Level: any. */
static inline struct cpuid cpuid_raw(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/*
 * CPUID of a leaf, all zero where the processor (or, from 0x40000000, the
 * hypervisor) has no such leaf: a leaf past the maximum answers with another
 * one's numbers.
 * Level: any, but a hypervisor may take microseconds over it.
 */
struct cpuid cpuid(uint32_t leaf, uint32_t subleaf);

/*
 * The first hypervisor base (0x40000000, 0x40000100, ...) whose 12-byte
 * signature is `signature`, or 0.
 * Level: boot.
 */
uint32_t cpuid_hypervisor(const char *signature);

/* The counter, after all loads before it; the TSC.  Level: any. */
static inline uint64_t counter_read(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t msr_read(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

/* Random bits of the processor's, where it has such an instruction; false: none
 * are there just now. */
static inline bool cpu_rdseed(uint64_t *value)
{
    bool ok;

    __asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(ok));
    return ok;
}

static inline bool cpu_rdrand(uint64_t *value)
{
    bool ok;

    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
    return ok;
}

/* Tell the processor that this is a waiting loop. */
static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/*
 * Wait for an interrupt.  To be called with interrupts off, after a last look
 * for work: they are turned on together with the halt, so that none is missed.
 * Returns with interrupts on.
 * Level: background.
 */
static inline void cpu_idle(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}

/* What the processor has, beyond what every x86-64 has. */
struct cpu_features {
    bool nx, smep, smap, umip;
    bool x2apic, tsc_deadline, invariant_tsc, arat;
    bool rdrand, rdseed;
    bool aes, pclmul, ssse3;
    bool hypervisor;
    uint8_t physical_bits; /* width of a physical address */
};

/* Found by cpu_init(), constant afterwards.  Level: any. */
const struct cpu_features *cpu_features(void);

/*
 * Take the processor over: GDT, IDT, TSS, exception stacks, features.
 *
 * Panics if a feature is missing that the image cannot do without.  Exceptions
 * are reported from here on.
 * Level: boot, first thing.
 */
void cpu_init(void);

/* A stack in the image; the page below it is left unmapped by mmu_init(). */
struct cpu_stack {
    const char *name;
    uintptr_t guard; /* address of that page */
    uintptr_t top;
};

enum cpu_stack_use {
    CPU_STACK_MAIN,
    CPU_STACK_DOUBLE_FAULT,
    CPU_STACK_NMI,
    CPU_STACK_MACHINE_CHECK,
    CPU_STACK_INTERRUPT,
    CPU_STACKS
};

/* Where that stack is.  Level: any. */
struct cpu_stack cpu_stack(enum cpu_stack_use use);

#endif
