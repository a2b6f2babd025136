/* SPDX-License-Identifier: BSD-2-Clause */
/* links: tests/sim/world */
/* The discipline against invented oscillators and networks, beside chronyd. */
#include "tests/sim/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECONDS   100000
#define SEEDS_MAX 25

/* Half the median of the sum of two exponential delays, in means of one. */
#define MEDIAN_OF_TWO 0.839

#define US 1e-6
#define MS 1e-3

/* The RMS and the interval are those of chronyd in an equal simulation. */
static const struct scenario scenarios[] = {
    {.name = 'A',
     .text = "100 us + exp(10 us), wander 1e-9",
     .base = 100 * US,
     .jitter = 10 * US,
     .wander = 1e-9,
     .offset = 0.01,
     .servers = 1,
     .chrony_rms = 16.6 * US,
     .chrony_interval = 225},
    {.name = 'B',
     .text = "as A, polled each 16 s",
     .base = 100 * US,
     .jitter = 10 * US,
     .wander = 1e-9,
     .offset = 0.01,
     .servers = 1,
     .minpoll = 4,
     .maxpoll = 4,
     .chrony_rms = 2.66 * US,
     .chrony_interval = 16},
    {.name = 'C',
     .text = "10 ms + exp(1 ms), wander 1e-9",
     .base = 10 * MS,
     .jitter = 1 * MS,
     .wander = 1e-9,
     .offset = 0.01,
     .servers = 1,
     .chrony_rms = 442 * US,
     .chrony_interval = 815},
    {.name = 'D',
     .text = "100 us + exp(100 us), wander 1e-8",
     .base = 100 * US,
     .jitter = 100 * US,
     .wander = 1e-8,
     .offset = 0.01,
     .servers = 1,
     .chrony_rms = 96.5 * US,
     .chrony_interval = 147},
    {.name = 'E',
     .text = "4 servers, one 100 ms off, 1 ms + exp(100 us)",
     .base = 1 * MS,
     .jitter = 100 * US,
     .wander = 1e-9,
     .offset = 0.01,
     .servers = 4,
     .liar = 0.1,
     .minsources = 2,
     .chrony_rms = 123 * US,
     .chrony_interval = 199},
    {.name = 'F',
     .text = "as A, starts 1000 s off and 100 ppm fast",
     .base = 100 * US,
     .jitter = 10 * US,
     .wander = 1e-9,
     .offset = 1000,
     .fast = 1e-4,
     .servers = 1,
     .makestep = true},
    {.name = 'G',
     .text = "as A, one direction + 1 ms exp^3, poll 4 to 6",
     .base = 100 * US,
     .jitter = 10 * US,
     .one_way = 1 * MS,
     .wander = 1e-9,
     .offset = 0.01,
     .servers = 1,
     .minpoll = 4,
     .maxpoll = 6,
     .chrony_rms = 12.0 * US,
     .chrony_interval = 64},
    {.name = 'H',
     .text = "as C with 30 % loss",
     .base = 10 * MS,
     .jitter = 1 * MS,
     .wander = 1e-9,
     .loss = 0.3,
     .offset = 0.01,
     .servers = 1,
     .chrony_rms = 714 * US,
     .chrony_interval = 1055},
    {.name = 'I',
     .text = "as A + 1 ppm sine of 3600 s, poll 4 to 6",
     .base = 100 * US,
     .jitter = 10 * US,
     .wander = 1e-9,
     .sine = 1e-6,
     .offset = 0.01,
     .servers = 1,
     .minpoll = 4,
     .maxpoll = 6,
     .chrony_rms = 17.5 * US,
     .chrony_interval = 35},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* What came of one run. */
struct outcome {
    double rms, mean, max;
    double interval;
    double inside;       /* part of the seconds with the error in the bound */
    double median_bound; /* root delay / 2 + root dispersion */
    double after[3];     /* largest error after 6, 8 and 76 s */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof(*x), by_value);
    return x[n / 2];
}

static const int limit_seconds[3] = {6, 8, 76};
static const double limit_error[3] = {1 * MS, 100 * US, 50 * US};

static struct outcome run(const struct scenario *s, uint64_t seed, int seconds)
{
    static struct world w;
    static double bounds[SECONDS];
    struct outcome o = {0};
    size_t n = 0;
    int settle = seconds / 5; /* not counted */

    world_start(&w, s, seed);
    for (int t = 0; t < seconds; t++) {
        double error = fabs(world_error(&w));
        struct clock_line line = clock_read(&w.clock);
        struct clock_status status = clock_status(&line, world_ticks(&w));

        for (int i = 0; i < 3; i++) {
            if (t >= limit_seconds[i])
                o.after[i] = fmax(o.after[i], error);
        }
        if (t >= settle) {
            double bound = ntp_short_seconds(status.root_dispersion) +
                           ntp_short_seconds(status.root_delay) / 2;
            o.rms += error * error;
            o.mean += error;
            o.max = fmax(o.max, error);
            o.inside += status.stratum > 0 && error <= bound;
            bounds[n++] = bound;
        }
        world_second(&w);
    }
    o.rms = sqrt(o.rms / (double)n);
    o.mean /= (double)n;
    o.inside /= (double)n;
    o.interval = (double)seconds / w.requests;
    o.median_bound = median(bounds, n);
    return o;
}

struct summary {
    double rms, ratio;
    bool gross;  /* failed beyond dispute */
    bool better; /* at most chronyd's error and 105 % of its requests */
};

static struct summary run_scenario(const struct scenario *s, unsigned seeds,
                                   int seconds)
{
    double rms[SEEDS_MAX], mean[SEEDS_MAX], bound[SEEDS_MAX], per[SEEDS_MAX];
    double max = 0;
    double inside = 1;
    double after[3] = {0};
    struct summary sum = {0};

    for (unsigned i = 0; i < seeds; i++) {
        struct outcome o = run(s, i + 1, seconds);
        rms[i] = o.rms;
        mean[i] = o.mean;
        bound[i] = o.median_bound;
        per[i] = o.interval;
        max = fmax(max, o.max);
        inside = fmin(inside, o.inside);
        for (int k = 0; k < 3; k++)
            after[k] = fmax(after[k], o.after[k]);
    }
    sum.rms = median(rms, seeds);
    double interval = median(per, seeds);
    double path = s->base + MEDIAN_OF_TWO * s->jitter;
    double wanted = path + 10 * sum.rms;
    double served = median(bound, seeds);
    bool bounded = inside >= 0.999;

    printf("%c  %-46s %8.2f %8.2f %8.1f %7.0f", s->name, s->text, sum.rms / US,
           median(mean, seeds) / US, max / US, interval);
    if (s->chrony_rms > 0) {
        sum.ratio = sum.rms / s->chrony_rms;
        sum.better = sum.ratio <= 1 && interval >= s->chrony_interval / 1.05;
        printf(" | %8.2f %6.0f  %5.3f", s->chrony_rms / US, s->chrony_interval,
               sum.ratio);
        sum.gross = sum.ratio > 1.5;
    } else {
        sum.better = true;
        for (int k = 0; k < 3; k++)
            sum.better &= after[k] <= limit_error[k];
        sum.gross = !sum.better;
        printf(" | %5.0f %5.0f %5.0f us  ", after[0] / US, after[1] / US,
               after[2] / US);
    }
    printf("  %6.2f %% %8.0f of %8.0f%s\n", 100 * inside, served / US,
           wanted / US, sum.better && bounded && served <= wanted ? "" : "  !");
    fflush(stdout);
    sum.better = sum.better && bounded && served <= wanted;
    sum.gross = sum.gross || !bounded;
    return sum;
}

int main(int argc, char **argv)
{
    unsigned seeds = 5;
    int seconds = SECONDS;
    const char *only = "ABCDEFGHI";
    int option;

    while ((option = getopt(argc, argv, "n:t:s:")) != -1) {
        if (option == 'n')
            seeds = (unsigned)atoi(optarg);
        else if (option == 't')
            seconds = atoi(optarg);
        else if (option == 's')
            only = optarg;
        else
            return 2;
    }
    if (seeds < 1 || seeds > SEEDS_MAX || seconds < 1000 || seconds > SECONDS) {
        fprintf(stderr, "usage: sim [-n 1..%d] [-t 1000..%d] [-s LETTERS]\n",
                SEEDS_MAX, SECONDS);
        return 2;
    }

    printf("%u seeds of %d s, errors in us after the first fifth; "
           "medians, largest maximum\n\n"
           "%-49s %8s %8s %8s %7s | %8s %6s  %5s  %8s %s\n",
           seeds, seconds, "", "RMS", "mean", "max", "s/ask", "chronyd",
           "s/ask", "ratio", "in bound", "median bound");
    double product = 0;
    unsigned ratios = 0, passed = 0, failed = 0;
    bool better = true;
    for (size_t i = 0; i < SCENARIOS; i++) {
        if (!strchr(only, scenarios[i].name))
            continue;
        struct summary s = run_scenario(&scenarios[i], seeds, seconds);
        if (s.gross)
            failed++;
        else
            passed++;
        better &= s.better;
        if (s.ratio > 0) {
            product += log(s.ratio);
            ratios++;
        }
    }
    printf("\nsim: %u passed, %u failed\n", passed, failed);
    if (ratios > 0)
        printf("geometric mean of the ratios: %.3f%s\n", exp(product / ratios),
               better ? "" : ", and some limit is missed (!)");
    return failed == 0 ? 0 : 1;
}
