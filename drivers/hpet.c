/* SPDX-License-Identifier: BSD-2-Clause */
/* The High Precision Event Timer, as a clock to measure the counter by. */
#include "drivers/hpet.h"

#include "arch/io.h"

#include <stddef.h>

/* Registers, IA-PC HPET specification 1.0a, 2.3.1. */
#define HPET_PERIOD   0x004 /* high half of General Capabilities: fs a count */
#define HPET_CONFIG   0x010 /* General Configuration */
#define HPET_COUNTER  0x0f0 /* Main Counter Value, low half */
#define ENABLE_CNF    0x1u
#define LEG_RT_CNF    0x2u
#define PERIOD_MAX_FS 100000000u /* 2.3.4: not over 100 ns */
#define PERIOD_MIN_FS 100000u    /* 10 GHz: nothing counts that fast */

/*
 * The low half alone: one access, also where the device or the hypervisor
 * takes a 64-bit one apart or refuses it.  At 100 MHz it wraps every 43 s.
 */
static void latch(void *self)
{
    struct hpet *h = self;

    h->latched = mmio_read32(h->registers + HPET_COUNTER);
}

static bool fetch(void *self, uint64_t *count)
{
    const struct hpet *h = self;

    *count = h->latched;
    return true;
}

bool hpet_attach(struct hpet *h, void *registers, struct counter_reference *ref,
                 const char **why)
{
    *why = "no HPET";
    if (registers == NULL)
        return false;
    h->registers = registers;

    uint32_t period_fs = mmio_read32(h->registers + HPET_PERIOD);

    *why = "HPET of impossible period";
    if (period_fs < PERIOD_MIN_FS || period_fs > PERIOD_MAX_FS)
        return false;

    /* Without its legacy routing, which would take the PIT's interrupt. */
    uint32_t config = mmio_read32(h->registers + HPET_CONFIG);

    mmio_write32(h->registers + HPET_CONFIG,
                 (config & ~LEG_RT_CNF) | ENABLE_CNF);

    *why = NULL;
    *ref = (struct counter_reference){
        .name = "hpet",
        .period_fs = period_fs,
        .mask = UINT32_MAX,
        .latch = latch,
        .fetch = fetch,
        .self = h,
    };
    return true;
}
