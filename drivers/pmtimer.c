/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI power management timer, to measure the counter by. */
#include "drivers/pmtimer.h"

#include "arch/io.h"

/*
 * 3.579545 MHz says ACPI; three times the NTSC colour carrier, 39.375/11 MHz,
 * is what crystals are made for.  They are 0.13 ppm apart.
 */
#define PERIOD_FS  279365115u
#define PERIOD_PPB 150

/*
 * Some chipsets (PIIX4 among them) now and then give a count with some bits of
 * the next one.  So the one that was taken is believed if another, taken next,
 * is no earlier and at most 64 ms later.
 */
#define LATER_MAX (1u << 18)

static void latch(void *self)
{
    struct pmtimer *p = self;

    p->latched = in32(p->port) & p->mask;
}

static bool fetch(void *self, uint64_t *count)
{
    const struct pmtimer *p = self;

    *count = p->latched;
    return ((in32(p->port) - p->latched) & p->mask) <= LATER_MAX;
}

bool pmtimer_attach(struct pmtimer *p, uint16_t port, bool wide,
                    struct counter_reference *ref)
{
    p->port = port;
    p->mask = wide ? UINT32_MAX : 0xffffff;
    if (port == 0 || (in32(port) == UINT32_MAX && in32(port) == UINT32_MAX))
        return false;
    *ref = (struct counter_reference){
        .name = "pmtimer",
        .period_fs = PERIOD_FS,
        .period_ppb = PERIOD_PPB,
        .mask = p->mask,
        .latch = latch,
        .fetch = fetch,
        .self = p,
    };
    return true;
}
