/* SPDX-License-Identifier: BSD-2-Clause */
/* Which samples are used: the options about their delay, and `filter`. */
#include "ntp/delay.h"

#include "ntp/real.h"

#define NANO  1e-9
#define MILLI 1e-3

/* Samples before the delays of a source are known well enough to be held
 * against the next one. */
#define ENOUGH 6

/* How fast the quantile follows, in parts of the spread of the delays. */
#define QUANTILE_GAIN 0.25
#define SPREAD_GAIN   0.0625

/* A reply that is later than that, s, has waited for others; it is asked for
 * again so many times. */
#define WAITED_SECONDS 0.005
#define WAITED_MOST    2

static bool passes_ratio(const struct source *s, double delay)
{
    double ratio = MILLI * s->config.maxdelayratio_permille;

    return ratio <= 0 || s->filter.total < ENOUGH ||
           delay <= ratio * s->filter.delay;
}

/*
 * A delay too far above the least, measured by the noise of the source, is
 * refused; but not when the offset is off by more than the delay explains: the
 * clock may have gone wrong, and the sample be right.
 */
static bool passes_deviation(const struct source *s,
                             const struct filter_sample *sample)
{
    double ratio = MILLI * s->config.maxdelaydevratio_permille;
    struct filter_estimate e;

    if (ratio <= 0 || s->filter.total < ENOUGH)
        return true;

    filter_at(&s->filter, sample->when, &e);
    double most = ratio * filter_noise(&s->filter) + e.offset_error;
    double excess = 0.5 * (sample->delay - s->filter.delay);

    return excess <= most ||
           real_abs(sample->offset - e.offset) - excess > most;
}

/* Up by p with each longer delay, down by 1 - p with each shorter one: it
 * comes to rest where a part p of them is shorter. */
static bool passes_quantile(struct source *s, double delay)
{
    double part = MILLI * s->config.maxdelayquant_permille;

    if (part <= 0)
        return true;
    if (s->delay_seen++ == 0) {
        s->delay_quantile = delay;
        return true;
    }

    double away = delay - s->delay_quantile;
    bool passes = s->delay_seen <= ENOUGH || away <= 0;

    s->delay_spread += SPREAD_GAIN * (real_abs(away) - s->delay_spread);
    s->delay_quantile += QUANTILE_GAIN * s->delay_spread *
                         (away > 0   ? part
                          : away < 0 ? part - 1
                                     : 0);
    return passes;
}

bool delay_passes(struct source *s, const struct filter_sample *sample)
{
    bool short_enough = sample->delay <= NANO * (double)s->config.maxdelay_ns &&
                        passes_ratio(s, sample->delay) &&
                        passes_deviation(s, sample);

    return passes_quantile(s, sample->delay) && short_enough;
}

bool delay_waited(const struct client *c, struct source *s, double delay)
{
    if (!c->lost || s->delay_before <= 0 || s->waited >= WAITED_MOST ||
        delay <= s->delay_before + WAITED_SECONDS)
        return false;
    s->waited++;
    return true;
}

bool delay_gather(struct source *s, struct filter_sample *sample,
                  uint64_t *ticks)
{
    if (s->config.filter <= 1 || s->burst > 0 || s->filter.total < ENOUGH) {
        s->gathered = 0;
        return true;
    }
    if (s->gathered == 0 || sample->delay <= s->best.delay) {
        s->best = *sample;
        s->best_ticks = *ticks;
    }
    if (++s->gathered < s->config.filter)
        return false;
    s->gathered = 0;
    *sample = s->best;
    *ticks = s->best_ticks;
    return true;
}
