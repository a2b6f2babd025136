/* SPDX-License-Identifier: BSD-2-Clause */
/* Is the counter invariant, and how fast does it run. */
#ifndef ARCH_TSC_H
#define ARCH_TSC_H

#include <stdbool.h>
#include <stdint.h>

/* A clock of known rate to measure the counter against. */
struct counter_reference {
    const char *name;             /* "hpet", "pmtimer", "pit" */
    uint64_t period_fs;           /* 10^-15 s per count, at least 1 */
    uint64_t mask;                /* it wraps to zero after this count */
    uint64_t (*read)(void *self); /* counts up */
    void *self;
};

#define TSC_REFERENCES_MAX 4

/* What one reference, or what the hypervisor, says of the rate. */
struct tsc_rate {
    const char *name;
    uint64_t hz;
    double
        bound_ppm; /* true rate within hz +- that, if the reference is right */
    bool valid;
};

/* All that is known of the counter. */
struct tsc {
    bool invariant;       /* CPUID 0x80000007, EDX bit 8 */
    bool disagree;        /* two rates beyond both their bounds */
    struct tsc_rate told; /* by kvm-clock, 0x40000010, 0x15; or invalid */
    struct tsc_rate measured[TSC_REFERENCES_MAX];
    unsigned count;          /* of `measured` */
    struct tsc_rate best;    /* the one to use; invalid: refuse to serve */
    double disagreement_ppm; /* largest difference between two rates */
};

#endif
