/* SPDX-License-Identifier: BSD-2-Clause */
/* What one reading of the clock costs on this machine. */
#include "boot/clock_cost.h"

#include "arch/cpu.h"
#include "arch/log.h"
#include "arch/panic.h"
#include "ntp/clock.h"

#define READS  20000
#define ROUNDS 10

/* A clock in the middle of a slew, as it mostly is. */
static void start(struct clock *clock, uint64_t ticks_per_s)
{
    uint64_t now = counter_read();
    struct clock_line line = {
        .base_ticks = now,
        .rate = (uint64_t)(((unsigned __int128)1 << 80) / ticks_per_s),
        .slew_end_ticks = now + ((uint64_t)1 << 62),
        .expiry_ticks = now + ((uint64_t)1 << 62),
        .leap_date = NTP_DATE_NEVER,
        .epoch = 1,
        .stratum = 2,
    };

    line.rate_after = line.rate;
    clock_publish(clock, &line);
}

/* What a reply does: the counter, the line, the time. */
__attribute__((noinline)) static ntp_ts read_clock(const struct clock *clock)
{
    uint64_t ticks = counter_read();
    struct clock_line line = clock_read(clock);

    return ntp_ts_from_date(clock_at(&line, ticks));
}

/* Ticks of one reading, the best of some rounds. */
static uint64_t cost(const struct clock *clock)
{
    uint64_t best = UINT64_MAX;

    for (unsigned round = 0; round < ROUNDS; round++) {
        volatile ntp_ts sink;
        uint64_t began = counter_read();

        for (unsigned i = 0; i < READS; i++)
            sink = read_clock(clock);
        (void)sink;

        uint64_t each = (counter_read() - began + READS / 2) / READS;

        if (each < best)
            best = each;
    }
    return best;
}

_Noreturn void clock_cost_tell(uint64_t ticks_per_s)
{
    static struct clock clock;

    start(&clock, ticks_per_s);

    uint64_t ticks = cost(&clock);
    uint64_t ns = ticks * 1000000000 / ticks_per_s;

    log_line("selftest: clock-read: %llu ticks, %llu ns a reading",
             (unsigned long long)ticks, (unsigned long long)ns);
    log_flush();
    debug_exit(DEBUG_EXIT_SUCCESS);
    reboot();
}
