/* SPDX-License-Identifier: BSD-2-Clause */
/* How fast the host's TSC runs by its monotonic clock: Hz, and the bound. */
#include "tests/bench/now.h"

#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#define BRACKETS 2000

struct bracket {
    uint64_t before, after, ns;
};

static struct bracket tightest(void)
{
    struct bracket best = {0, UINT64_MAX, 0};

    for (int i = 0; i < BRACKETS; i++) {
        struct bracket b;

        b.before = __rdtsc();
        b.ns = now_ns();
        b.after = __rdtsc();
        if (b.after - b.before < best.after - best.before)
            best = b;
    }
    return best;
}

/* usage: host_rate [SECONDS] */
int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    struct bracket start = tightest();
    uint64_t until = start.ns + (uint64_t)(seconds * 1e9);

    while (now_ns() < until) {
        struct timespec rest = {.tv_nsec = 1000000};
        nanosleep(&rest, NULL);
    }

    struct bracket end = tightest();
    double ns = (double)(end.ns - start.ns);
    double low = (double)(end.before - start.after) / ns * 1e9;
    double high = (double)(end.after - start.before) / ns * 1e9;

    printf("%.0f %.0f\n", (low + high) / 2, (high - low) / 2 + 1);
    return EXIT_SUCCESS;
}
