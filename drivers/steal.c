/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's steal time: how long the host had the processor for others. */
#include "drivers/steal.h"

#include "arch/cpu.h"
#include "arch/io.h"

/* Linux, Documentation/virt/kvm/x86/{cpuid,msr}.rst. */
#define KVM_FEATURES       1 /* leaf, from the base */
#define FEATURE_STEAL_TIME (1u << 5)
#define MSR_KVM_STEAL_TIME 0x4b564d03
#define STEAL_ENABLE       1u

/* kvm_steal_time, by offset. */
#define STEAL_NS      0
#define STEAL_VERSION 8

#define TRIES 100

bool steal_attach(struct steal *s)
{
    uint32_t base = cpuid_hypervisor("KVMKVMKVM\0\0");

    if (base == 0 ||
        (cpuid(base + KVM_FEATURES, 0).eax & FEATURE_STEAL_TIME) == 0)
        return false;
    s->last_ns = 0;
    msr_write(MSR_KVM_STEAL_TIME, (uintptr_t)s->page | STEAL_ENABLE);
    return true;
}

/* The version is odd while the host writes. */
uint64_t steal_ns(struct steal *s)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t version = mmio_read32(s->page + STEAL_VERSION);
        uint64_t ns = mmio_read64(s->page + STEAL_NS);

        if (version % 2 != 0 || mmio_read32(s->page + STEAL_VERSION) != version)
            continue;
        /* On another host it may begin again. */
        s->last_ns = ns;
        break;
    }
    return s->last_ns;
}
