/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the local APIC, for apic.c and timer.c. */
#ifndef ARCH_APIC_LOCAL_H
#define ARCH_APIC_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

/* Offsets as the xAPIC has them. */
#define APIC_ID            0x020
#define APIC_TPR           0x080
#define APIC_EOI           0x0b0
#define APIC_SVR           0x0f0
#define APIC_LVT_TIMER     0x320
#define APIC_LVT_LINT0     0x350
#define APIC_LVT_LINT1     0x360
#define APIC_LVT_ERROR     0x370
#define APIC_INITIAL_COUNT 0x380
#define APIC_CURRENT_COUNT 0x390
#define APIC_DIVIDE        0x3e0

uint32_t apic_read(uint32_t offset);
void apic_write(uint32_t offset, uint32_t value);
bool apic_is_x2(void);

#endif
