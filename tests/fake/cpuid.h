/* SPDX-License-Identifier: BSD-2-Clause */
/* What a processor says of itself, and of KVM around it. */
#ifndef TESTS_FAKE_CPUID_H
#define TESTS_FAKE_CPUID_H

#include "arch/cpu.h"

extern struct fake_cpuid {
    struct cpu_features features; /* an invariant counter, at first */
    uint32_t kvm_base;            /* KVM's first leaf; 0: there is no KVM */
    uint32_t kvm_features;
} fake_cpuid;

#endif
