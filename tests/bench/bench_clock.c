/* SPDX-License-Identifier: BSD-2-Clause */
/* What one reading of the clock costs: time, and instructions executed. */
#include "ntp/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define READS  2000000
#define ROUNDS 7

/* A clock of 2.5 GHz in the middle of a slew. */
static struct clock clock_of_bench;

static void set_clock(void)
{
    uint64_t now = __rdtsc();
    struct clock_line line = {
        .base_ticks = now,
        .rate = (uint64_t)((__uint128_t)1 << 80) / 2500000000u,
        .slew_end_ticks = now + 1000000,
        .expiry_ticks = now + ((uint64_t)1 << 62),
        .epoch = 1,
        .stratum = 2,
    };

    line.rate_after = line.rate;
    line.leap_date = NTP_DATE_NEVER;
    clock_publish(&clock_of_bench, &line);
}

/* What a reply does: the counter, the line, the time. */
__attribute__((noinline)) static ntp_ts read_clock(void)
{
    _mm_lfence();

    uint64_t ticks = __rdtsc();
    struct clock_line line = clock_read(&clock_of_bench);

    return ntp_ts_from_date(clock_at(&line, ticks));
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Nanoseconds of one reading, the best of some rounds. */
static double cost_ns(void)
{
    double best = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        volatile ntp_ts sink;
        double began = seconds();

        for (int i = 0; i < READS; i++)
            sink = read_clock();
        (void)sink;
        double ns = (seconds() - began) * 1e9 / READS;
        if (ns < best)
            best = ns;
    }
    return best;
}

/* The child stops at a breakpoint before and after one reading. */
static void child_reads(void)
{
    volatile ntp_ts sink;

    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    sink = read_clock();
    __asm__ volatile("int3");
    sink = read_clock();
    __asm__ volatile("int3");
    (void)sink;
    _exit(0);
}

static int is_breakpoint(pid_t child)
{
    siginfo_t why;

    return ptrace(PTRACE_GETSIGINFO, child, NULL, &why) == 0 &&
           why.si_signo == SIGTRAP && why.si_code == SI_KERNEL;
}

/* Instructions of one reading, by stepping over them; -1 if that fails. */
static long cost_instructions(void)
{
    pid_t child = fork();
    long steps = 0;
    int status;

    if (child < 0)
        return -1;
    if (child == 0)
        child_reads();
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status) ||
        !is_breakpoint(child))
        return -1;
    do {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 ||
            waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
            return -1;
        steps++;
    } while (!is_breakpoint(child));
    ptrace(PTRACE_CONT, child, NULL, NULL);
    waitpid(child, &status, 0);

    /* The second breakpoint was a step as well. */
    return steps - 1;
}

int main(void)
{
    set_clock();
    double ns = cost_ns();
    long instructions = cost_instructions();

    printf("one reading of the clock: %.1f ns", ns);
    if (instructions > 0)
        printf(", %ld instructions\n", instructions);
    else
        printf(", instructions not counted: no ptrace here\n");
    return EXIT_SUCCESS;
}
