/* SPDX-License-Identifier: BSD-2-Clause */
/* A histogram of nanoseconds in buckets of at most 1/64 of their value. */
#ifndef TESTS_BENCH_HISTOGRAM_H
#define TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS   64 /* to a doubling */
#define HISTOGRAM_BUCKETS (59 * HISTOGRAM_STEPS)

struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
    unsigned i = (unsigned)ns;

    if (ns >= HISTOGRAM_STEPS) {
        unsigned shift = 57 - (unsigned)__builtin_clzll(ns);

        i = shift * HISTOGRAM_STEPS + (unsigned)(ns >> shift);
    }
    h->bucket[i]++;
    h->count++;
    if (ns > h->max)
        h->max = ns;
}

/* The value that `share` (0 to 1) of all are at most, within a bucket. */
static inline double histogram_quantile(const struct histogram *h, double share)
{
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen == 0 || (double)seen < share * (double)h->count)
            continue;
        if (i < HISTOGRAM_STEPS)
            return i;

        unsigned shift = i / HISTOGRAM_STEPS - 1;
        uint64_t low = (uint64_t)(i - shift * HISTOGRAM_STEPS) << shift;

        return (double)low + (double)((uint64_t)1 << shift) / 2;
    }
    return 0;
}

#endif
