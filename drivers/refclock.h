/* SPDX-License-Identifier: BSD-2-Clause */
/* The shape of a reference clock. */
#ifndef DRIVERS_REFCLOCK_H
#define DRIVERS_REFCLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct acpi;
struct refclock;

/*
 * One reading: at counter value `ticks` it was `seconds` + `nanoseconds` UTC
 * by this clock.  Its own reading is uncertain by `bound_ns` each way, and that
 * is all it can vouch for: whoever set the clock may have been wrong by more.
 */
struct refclock_sample {
    uint64_t ticks;
    int64_t seconds; /* since 1970-01-01 00:00:00 UTC */
    uint32_t nanoseconds;
    uint64_t bound_ns;
    uint64_t bound_ticks; /* and besides by that many ticks each way */
    int8_t leap; /* 1: a second is inserted, -1: deleted, at the end of the
                    month in which ... */
    int64_t leap_from; /* ... this is; `seconds` has no regard to it */
};

/* What a driver may need to know of the machine, from its ACPI tables. */
struct refclock_machine {
    uint8_t rtc_century;     /* the FADT's index into the CMOS RAM; 0: none */
    const struct acpi *acpi; /* NULL: none */
    uint64_t ticks_per_s;    /* 0: not known, or there is no time to wait */
};

struct refclock_driver {
    const char *name;

    /* Is it there?  Touches nothing that another device could mind. */
    bool (*probe)(const struct refclock_machine *machine);

    /* Make it ready.  False: it is there, but useless; `failed` says why. */
    bool (*attach)(struct refclock *clock,
                   const struct refclock_machine *machine);

    /* Read it, in bounded time, into what is zero.  False: no reading now, or
     * one that it does not vouch for; `failed` says why.  Or the reading is
     * under way, and goes on with a call at `again_ticks`, if that is not 0. */
    bool (*sample)(struct refclock *clock, struct refclock_sample *sample);

    /* The counter may have stood still: a reading that is under way is begun
     * anew.  NULL: none ever is. */
    void (*renew)(struct refclock *clock);
};

struct refclock {
    const struct refclock_driver *driver;
    void *state;        /* the driver's, had from boot */
    const char *failed; /* the latest failure, or NULL */
    uint64_t again_ticks;
};

/* Give the reading up, for that reason.  Always returns false. */
static inline bool refclock_fail(struct refclock *clock, const char *reason)
{
    clock->failed = reason;
    return false;
}

#endif
