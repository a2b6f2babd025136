/* SPDX-License-Identifier: BSD-2-Clause */
/* The rate of the counter, from one run to the next. */
#include "boot/rate.h"

#include "arch/due.h"
#include "arch/log.h"
#include "ntp/client_parts.h"
#include "ntp/real.h"

#define NANO 1e-9

/* What an oscillator is off by from one run to the next, as a standard
 * deviation: temperature, for the most part. */
#define BETWEEN_RUNS 1e-6

/* A rate that is not known better is not worth keeping. */
#define SKEW_MOST 5e-6

/* Saved again so long after it became known, s; hourly it is in any case. */
#define AGAIN_S 30

static double rate_hz(uint64_t rate)
{
    return 0x1p80 / (double)rate;
}

static uint32_t ppb(double ratio)
{
    return (uint32_t)(real_min(ratio / NANO, 4e9) + 0.5);
}

/* The least that can be told apart is 0.001 ppm. */
static void tell(const char *verdict, double hz, double error, double apart)
{
    log_line("counter: %s: %llu Hz +- %u.%03u ppm, %u.%03u ppm from the "
             "measured rate",
             verdict, (unsigned long long)(hz + 0.5), ppb(error) / 1000,
             ppb(error) % 1000, ppb(apart) / 1000, ppb(apart) % 1000);
}

void rate_choose(const struct state_data *kept, const struct tsc *tsc,
                 struct client_start *start)
{
    double measured = (double)tsc->best.hz;
    double bound = NANO * (double)tsc->best.bound_ppb;
    double hz = kept->counter_hz;
    double sigma = BETWEEN_RUNS + kept->counter_skew / CLIENT_SIGMAS;

    start->rate =
        (uint64_t)(((unsigned __int128)1 << 80) / (uint64_t)tsc->best.hz);
    start->rate_error_ppb = ppb(bound);
    start->kept_error_ppb = 0;
    if (!(hz > 0))
        return;

    double apart = real_abs(hz / measured - 1);

    if (apart > bound + CLIENT_SIGMAS * sigma) {
        tell("WARNING: not the rate of the last run, this is another host", hz,
             CLIENT_SIGMAS * sigma, apart);
        return;
    }
    tell("the rate of the last run is used", hz, CLIENT_SIGMAS * sigma, apart);
    start->rate = (uint64_t)(0x1p80 / hz);
    start->rate_error_ppb = ppb(bound + apart);
    start->kept_error_ppb = ppb(sigma);
}

/* Is the clock's rate that of sources, and known well? */
static bool is_known(const struct client *c)
{
    return c->set && !c->provisional && !c->lost && !c->local &&
           c->skew <= SKEW_MOST;
}

static void collect(void *arg, struct state_data *data)
{
    const struct rate *r = arg;
    const struct client *c = r->client;

    if (!is_known(c))
        return;
    data->counter_hz = rate_hz(c->discipline.line.rate_after);
    data->counter_skew = c->skew;
}

void rate_start(struct rate *r, struct remember *remember)
{
    *r = (struct rate){
        .remember = remember,
        .client = remember->client,
        .interval_ticks = AGAIN_S * remember->ticks_per_s,
    };
    remember_part(remember, collect, r);
}

/* Once when the clock is set, and once when the rate is known. */
static void tell_run(struct rate *r)
{
    const struct client *c = r->client;
    bool *told = is_known(c) ? &r->told_known : &r->told;

    if (!c->set || *told)
        return;
    *told = r->told = true;
    log_line("counter: by the sources: %llu Hz +- %u.%03u ppm",
             (unsigned long long)(rate_hz(c->discipline.line.rate_after) + 0.5),
             ppb(c->skew) / 1000, ppb(c->skew) % 1000);
}

void rate_poll(struct rate *r, uint64_t now)
{
    tell_run(r);
    if (!is_known(r->client) || !due_now(r->due_ticks, now, r->interval_ticks))
        return;
    remember_soon(r->remember);
    r->due_ticks = now + r->interval_ticks;
    r->interval_ticks *= 2;
}
