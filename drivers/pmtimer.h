/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI power management timer, to measure the counter by. */
#ifndef DRIVERS_PMTIMER_H
#define DRIVERS_PMTIMER_H

#include "arch/tsc.h"

struct pmtimer {
    uint16_t port;
    uint32_t mask;
    uint32_t latched;
};

/*
 * Describe the timer as a reference.
 *
 * `port` is PM_TMR_BLK of the FADT, 0 where there is none; `wide` its flag
 * TMR_VAL_EXT: 32 bits, else 24.  Returns false where there is none, or where
 * nothing answers there.  `p` is kept by `ref`.
 * ACPI 6.5, 4.8.3.3.  Level: boot.
 */
bool pmtimer_attach(struct pmtimer *p, uint16_t port, bool wide,
                    struct counter_reference *ref);

#endif
