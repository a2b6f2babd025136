/* SPDX-License-Identifier: BSD-2-Clause */
/* A processor whose counter and model-specific registers are the test's. */
#ifndef TESTS_FAKE_ARCH_CPU_H
#define TESTS_FAKE_ARCH_CPU_H

#define counter_read machine_counter_read
#define msr_read     machine_msr_read
#define msr_write    machine_msr_write
#define cpu_rdseed   machine_cpu_rdseed
#define cpu_rdrand   machine_cpu_rdrand
#include "../../../arch/cpu.h"
#undef counter_read
#undef msr_read
#undef msr_write
#undef cpu_rdseed
#undef cpu_rdrand

/* A test defines those that it needs, and cpuid() and the like besides. */
uint64_t counter_read(void);
uint64_t msr_read(uint32_t msr);
void msr_write(uint32_t msr, uint64_t value);
bool cpu_rdseed(uint64_t *value);
bool cpu_rdrand(uint64_t *value);

#endif
