/* SPDX-License-Identifier: BSD-2-Clause */
/* What a processor says of itself, and of KVM around it. */
#include "tests/fake/cpuid.h"

#include <string.h>

struct fake_cpuid fake_cpuid = {.features.invariant_tsc = true};

const struct cpu_features *cpu_features(void)
{
    return &fake_cpuid.features;
}

uint32_t cpuid_hypervisor(const char *signature)
{
    return memcmp(signature, "KVMKVMKVM\0\0", 12) == 0 ? fake_cpuid.kvm_base
                                                       : 0;
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r = {0};

    (void)subleaf;
    if (leaf == fake_cpuid.kvm_base + 1)
        r.eax = fake_cpuid.kvm_features;
    return r;
}
