/* SPDX-License-Identifier: BSD-2-Clause */
/* vmclock: a page in which the hypervisor keeps the time, by our counter. */
#ifndef DRIVERS_VMCLOCK_H
#define DRIVERS_VMCLOCK_H

#include "drivers/hypervisor_pages.h"
#include "drivers/refclock.h"

#define VMCLOCK_BYTES 112 /* of the page; what follows is not looked at */

/* `state` of its refclock. */
struct vmclock {
    struct vmclock_place place;
};

/*
 * UTC, within the error that the host states; also from a page in TAI that says
 * its offset.  A page without the time, one that states no largest error, and a
 * clock that is smeared, not synchronised or in the midst of a leap second give
 * no reading.
 * UAPI.13, VMClock.
 * Level: boot, background.
 */
extern const struct refclock_driver vmclock_driver;

/* The page as it was at one moment. */
struct vmclock_time {
    uint64_t counter;  /* at which it was `seconds` and `fraction` ... */
    uint64_t seconds;  /* UTC, since 1970 */
    uint64_t fraction; /* 2^-64 s */
    uint64_t period;   /* ... and a tick takes so many 2^-(64 + shift) s, ... */
    uint64_t period_error; /* ... give or take that */
    uint8_t period_shift;
    uint64_t error_ns; /* of the time then */
    int8_t leap;       /* 1, -1: at the end of the month; else 0 */
};

/*
 * Read the page's bytes, which nobody writes to meanwhile: any bytes at all.
 * Returns NULL when done, else why there is no time to be had; `t` is written
 * only when done.
 * UAPI.13.  Level: any.
 */
const char *vmclock_parse(struct view page, struct vmclock_time *t);

/* The reading for counter value `ticks`; NULL when done, else what is wrong.
 * Level: any. */
const char *vmclock_at(const struct vmclock_time *t, uint64_t ticks,
                       struct refclock_sample *sample);

#endif
