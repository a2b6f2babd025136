/* SPDX-License-Identifier: BSD-2-Clause */
/* Hyper-V: how fast the counter runs.  It has no wall clock without VMBus. */
#include "drivers/hyperv.h"

#include "arch/cpu.h"
#include "arch/io.h"

__extension__ typedef unsigned __int128 u128;

/* Hypervisor Top Level Functional Specification 6.0, 2.4 and 12. */
#define LEAF_INTERFACE 1 /* from the base */
#define LEAF_FEATURES  3
#define INTERFACE      0x31237648u /* "Hv#1" */

#define EAX_REFERENCE_TSC     (1u << 9)
#define EAX_FREQUENCIES       (1u << 11)
#define EDX_FREQUENCIES_THERE (1u << 8)

#define MSR_REFERENCE_TSC 0x40000021
#define MSR_TSC_FREQUENCY 0x40000022
#define PAGE_ENABLE       1u

/* The reference TSC page, by offset. */
#define PAGE_SEQUENCE 0
#define PAGE_SCALE    8

#define REFERENCE_HZ 10000000u /* units of 100 ns */
#define TRIES        1000

/* t = tsc * scale / 2^64 in units of 100 ns. */
static uint64_t hz_of(uint64_t scale)
{
    u128 hz = ((u128)REFERENCE_HZ << 64) / scale;

    return hz > UINT64_MAX ? 0 : (uint64_t)hz;
}

/* The page is turned on for this one look: memory of ours that the host writes
 * to.  A sequence of 0 says that it is not to be used. */
static uint64_t hz_by_page(void)
{
    static _Alignas(4096) volatile uint8_t page[4096];
    uint64_t before = msr_read(MSR_REFERENCE_TSC);
    uint64_t scale = 0;

    msr_write(MSR_REFERENCE_TSC, (uintptr_t)page | PAGE_ENABLE);
    for (unsigned i = 0; i < TRIES && scale == 0; i++) {
        uint32_t sequence = mmio_read32(page + PAGE_SEQUENCE);
        uint64_t seen = mmio_read64(page + PAGE_SCALE);

        if (sequence != 0 && mmio_read32(page + PAGE_SEQUENCE) == sequence)
            scale = seen;
        else
            cpu_relax();
    }
    msr_write(MSR_REFERENCE_TSC, before & ~(uint64_t)PAGE_ENABLE);
    return scale != 0 ? hz_of(scale) : 0;
}

uint64_t hyperv_hz(void)
{
    uint32_t base = cpuid_hypervisor("Microsoft Hv");

    if (base == 0 || cpuid(base + LEAF_INTERFACE, 0).eax != INTERFACE)
        return 0;

    struct cpuid features = cpuid(base + LEAF_FEATURES, 0);
    uint64_t hz = 0;

    if (features.eax & EAX_FREQUENCIES && features.edx & EDX_FREQUENCIES_THERE)
        hz = msr_read(MSR_TSC_FREQUENCY);
    if (hz == 0 && features.eax & EAX_REFERENCE_TSC)
        hz = hz_by_page();
    return hz;
}
