/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the pages are that a hypervisor writes to, by the ACPI tables. */
#ifndef DRIVERS_HYPERVISOR_PAGES_H
#define DRIVERS_HYPERVISOR_PAGES_H

#include "drivers/acpi.h"

/* vmclock's page.  Its header alone says how much of it is filled. */
struct vmclock_place {
    const volatile uint8_t *page; /* mapped, read-only */
    size_t bytes;                 /* readable there, at most 4096 */
    uint64_t physical;
};

/* The 16 bytes of the VM generation ID. */
struct vmgenid_place {
    const volatile uint8_t *id; /* mapped */
    uint64_t physical;
};

/*
 * Look for the device AMZNC10C, or VMCLOCK, and map its page.  False: there is
 * none.  Level: boot.
 */
bool vmclock_page(const struct acpi *acpi, struct vmclock_place *place);

/*
 * Look for the device VM_Gen_Counter, which is compatible to what vendors name
 * each in their own way, and map its identifier.  False: there is none, or its
 * ADDR is a method that only an interpreter could run.  Level: boot.
 */
bool vmgenid_place(const struct acpi *acpi, struct vmgenid_place *place);

#endif
