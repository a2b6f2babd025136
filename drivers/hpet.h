/* SPDX-License-Identifier: BSD-2-Clause */
/* The High Precision Event Timer, as a clock to measure the counter by. */
#ifndef DRIVERS_HPET_H
#define DRIVERS_HPET_H

#include "arch/tsc.h"

struct hpet {
    volatile uint8_t *registers;
    uint32_t latched;
};

#define HPET_LEN 0x400 /* bytes of registers to map */

/*
 * Start the main counter, and describe it as a reference.
 *
 * `registers` is where the ACPI table's address was mapped, or NULL.  Returns
 * false where there is no HPET or its period is impossible; `why`, if any, is
 * then for the log.  `h` is kept by `ref`.
 * IA-PC HPET specification 1.0a, 2.3.  Level: boot.
 */
bool hpet_attach(struct hpet *h, void *registers, struct counter_reference *ref,
                 const char **why);

#endif
