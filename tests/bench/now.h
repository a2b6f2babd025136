/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's clocks, in nanoseconds. */
#ifndef TESTS_BENCH_NOW_H
#define TESTS_BENCH_NOW_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Never stepped. */
static inline uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* Since 1970, UTC as the host has it. */
static inline uint64_t now_unix_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

#endif
