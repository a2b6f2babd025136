/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock discipline: from an estimate of the time to the served line. */
#include "ntp/discipline.h"

#include "ntp/real.h"

#define SECOND ((ntp_span)1 << 64)

/* A slew takes at least that long, s: shorter ones gain nothing. */
#define SLEW_SHORTEST 1.0

/* Up to that rate a slew takes no longer; then up to SLEW_LONG s of it, before
 * the rate is raised to the limit that is allowed. */
#define SLEW_GENTLE 500e-6
#define SLEW_LONG   16.0

/* No rate is changed by more than that: the line must never stand still, nor
 * run back, whatever anybody claims. */
#define RATE_MOST 0.5

/* The last of a smear, s, over which it has no slope. */
#define SMEAR_END 1e-6

void discipline_init(struct discipline *d, struct clock *clock,
                     const struct raw_scale *raw)
{
    *d = (struct discipline){
        .clock = clock,
        .raw = *raw,
        .line =
            {
                .base_ticks = raw->ticks,
                .base_date = raw->date,
                .rate = raw->rate,
                .slew_end_ticks = raw->ticks,
                .rate_after = raw->rate,
                .leap_date = NTP_DATE_NEVER,
                .expiry_ticks = raw->ticks,
                .epoch = 1,
                .leap = LEAP_UNKNOWN,
            },
        .max_slew = RATE_MOST,
        .max_drift = RATE_MOST,
        .patience = 1,
    };
    clock_publish(clock, &d->line);
}

static ntp_span raw_span(const struct discipline *d, int64_t ticks)
{
    return ((ntp_span)ticks * (ntp_span)d->raw.rate) >> 16;
}

double discipline_span(const struct discipline *d, uint64_t from, uint64_t to)
{
    return ntp_span_seconds(raw_span(d, (int64_t)(to - from)));
}

double discipline_raw(const struct discipline *d, uint64_t ticks)
{
    return discipline_span(d, d->raw.ticks, ticks);
}

uint64_t discipline_ticks(const struct discipline *d, double seconds)
{
    double ticks = seconds / ((double)d->raw.rate * 0x1p-80);

    if (!(ticks > 0))
        return 0;
    return ticks < 0x1p62 ? (uint64_t)ticks + 1 : (uint64_t)1 << 62;
}

ntp_date discipline_raw_date(const struct discipline *d, uint64_t ticks)
{
    return d->raw.date + raw_span(d, (int64_t)(ticks - d->raw.ticks));
}

double discipline_offset(const struct discipline *d, uint64_t ticks)
{
    return ntp_span_seconds(clock_unleapt(&d->line, ticks) -
                            discipline_raw_date(d, ticks));
}

static double within(double x, double bound)
{
    return real_max(-bound, real_min(x, bound));
}

static uint64_t scaled_rate(const struct discipline *d, double frequency)
{
    double change = (double)d->raw.rate * within(frequency, RATE_MOST);

    return d->raw.rate + (uint64_t)(int64_t)change;
}

/* From `ticks` on, the line runs on from where it is. */
static void rebase(struct clock_line *line, uint64_t ticks)
{
    line->base_date = clock_unleapt(line, ticks);
    if ((int64_t)(line->slew_end_ticks - ticks) <= 0) {
        line->slew_end_ticks = ticks;
        line->rate = line->rate_after;
    }
    line->base_ticks = ticks;
}

/* How fast the line slews at `ticks`, s/s, with its sign. */
static double slewing(const struct discipline *d, uint64_t ticks)
{
    double bend = (double)d->line.rate - (double)d->line.rate_after;

    if ((int64_t)(d->line.slew_end_ticks - ticks) <= 0)
        return 0;
    return bend / (double)d->raw.rate;
}

/* How long to slew by `away`, when it is done at the rate `now` already. */
static double slew_seconds(const struct discipline *d, double away, double now)
{
    double gentle = SLEW_GENTLE / d->patience;
    double magnitude = real_abs(away);

    if (away * now > 0)
        gentle = real_max(gentle, real_abs(now));

    double seconds = real_min(magnitude / gentle, SLEW_LONG * d->patience);

    seconds = real_max(seconds, SLEW_SHORTEST * d->patience);
    return real_max(seconds, magnitude / d->max_slew);
}

void discipline_slew(struct discipline *d, uint64_t ticks, double offset,
                     double frequency)
{
    double away = offset - discipline_offset(d, ticks);
    double seconds = slew_seconds(d, away, slewing(d, ticks));

    d->frequency = within(frequency, d->max_drift);

    rebase(&d->line, ticks);
    d->line.rate = scaled_rate(d, d->frequency + away / seconds);
    d->line.slew_end_ticks = ticks + discipline_ticks(d, seconds);
    d->line.rate_after = scaled_rate(d, d->frequency);
}

void discipline_step(struct discipline *d, uint64_t ticks, double offset,
                     double frequency)
{
    d->frequency = within(frequency, d->max_drift);
    d->line.base_ticks = ticks;
    d->line.base_date =
        discipline_raw_date(d, ticks) + ntp_span_from_seconds(offset);
    d->line.rate = d->line.rate_after = scaled_rate(d, d->frequency);
    d->line.slew_end_ticks = ticks;
}

void discipline_move_raw(struct discipline *d, ntp_span by)
{
    d->raw.date += by;
}

void discipline_rate(struct discipline *d, uint64_t ticks, uint64_t rate)
{
    d->raw.date = discipline_raw_date(d, ticks);
    d->raw.ticks = ticks;
    d->raw.rate = rate;
    d->frequency = 0;
    rebase(&d->line, ticks);
    d->line.slew_end_ticks = ticks;
    d->line.rate = d->line.rate_after = rate;
}

void discipline_leap(struct discipline *d, enum ntp_leap leap, ntp_date date)
{
    if (d->line.stratum == 0)
        return;
    d->line.leap = leap;
    d->line.leap_date = leap == LEAP_NONE ? NTP_DATE_NEVER : date;
}

static bool smears(const struct discipline *d)
{
    return d->smear.frequency > 0;
}

/* Is the leap second over; or has it begun, where it is smeared? */
static bool is_through(const struct discipline *d, uint64_t ticks)
{
    if (smears(d) && d->line.leap == LEAP_INSERT)
        return clock_unleapt(&d->line, ticks) >= d->line.leap_date;
    return clock_at(&d->line, ticks) >= d->line.leap_date;
}

/* The second that precedes `date` is smeared from its beginning on. */
static void begin_smear(struct discipline *d, enum ntp_leap leap, ntp_date date)
{
    bool insert = leap == LEAP_INSERT;

    smear_begin(&d->smear, insert ? date - SECOND : date, insert ? 1 : -1);
}

bool discipline_leap_done(struct discipline *d, uint64_t ticks)
{
    ntp_span by;

    if (d->line.leap == LEAP_INSERT)
        by = -SECOND;
    else if (d->line.leap == LEAP_DELETE)
        by = SECOND;
    else
        return false;
    if (!is_through(d, ticks))
        return false;
    if (smears(d))
        begin_smear(d, d->line.leap, d->line.leap_date);

    d->line.base_date += by;
    d->line.leap = LEAP_NONE;
    d->line.leap_date = NTP_DATE_NEVER;
    discipline_move_raw(d, by);
    return true;
}

static double smear_age(const struct discipline *d, uint64_t ticks)
{
    return ntp_span_seconds(clock_unleapt(&d->line, ticks) - d->smear.start);
}

void discipline_smear(struct discipline *d, uint64_t ticks, enum ntp_leap leap,
                      ntp_date date)
{
    struct discipline other = *d;

    if (!smears(d))
        return;
    if (d->smear.size != 0 && smear_age(d, ticks) < 0)
        d->smear.size = 0;
    if (leap != LEAP_INSERT && leap != LEAP_DELETE)
        return;
    begin_smear(&other, leap, date);
    if (discipline_smear_wait(&other, ticks) > 0)
        d->smear = other.smear;
}

double discipline_smear_wait(const struct discipline *d, uint64_t ticks)
{
    double left = smear_seconds(&d->smear) - smear_age(d, ticks);

    if (d->smear.size == 0)
        return -1;
    if (left < SMEAR_END)
        return 0;
    return real_min(left, smear_chord(&d->smear));
}

double discipline_smeared(const struct discipline *d, uint64_t ticks)
{
    return smear_offset(&d->smear, smear_age(d, ticks));
}

/* Along the chord from here to where the next one begins. */
static void bend(const struct discipline *d, struct clock_line *line,
                 uint64_t ticks)
{
    double age = smear_age(d, ticks);
    double chord = discipline_smear_wait(d, ticks);
    double now = discipline_smeared(d, ticks);
    double then = smear_offset(&d->smear, age + chord);
    int64_t change = (int64_t)((double)d->raw.rate *
                               within((then - now) / chord, RATE_MOST));

    line->base_date += ntp_span_from_seconds(now);
    line->rate += (uint64_t)change;
    line->rate_after += (uint64_t)change;
    line->reference_id = SMEAR_REFERENCE_ID;
    line->reference_ts += ntp_ts_from_date(ntp_span_from_seconds(now));
}

void discipline_show(struct discipline *d, uint64_t ticks)
{
    rebase(&d->line, ticks);
    if (d->smear.size != 0 && discipline_smear_wait(d, ticks) == 0)
        d->smear.size = 0;

    struct clock_line line = d->line;

    if (d->smear.size != 0)
        bend(d, &line, ticks);
    if (smears(d) && line.leap != LEAP_UNKNOWN) {
        line.leap = LEAP_NONE;
        line.leap_date = NTP_DATE_NEVER;
    }
    clock_publish(d->clock, &line);
}

static uint64_t fraction32(double seconds)
{
    return (uint64_t)(real_min(seconds, 0x1p20) * 0x1p32) + 1;
}

void discipline_publish(struct discipline *d, uint64_t ticks,
                        const struct discipline_status *status)
{
    struct clock_line *line = &d->line;
    double left = DISCIPLINE_MAXDISP - status->root_dispersion;

    rebase(&d->line, ticks);
    line->stratum = status->stratum;
    if (status->stratum == 0)
        line->leap = LEAP_UNKNOWN;
    else if (line->leap == LEAP_UNKNOWN)
        line->leap = LEAP_NONE;
    line->reference_id = status->reference_id;
    /* Root delay is rounded down, and half of what that lost is dispersion:
     * the sum that bounds our error is rounded up once, not twice. */
    line->root_delay = (ntp_short)real_min(status->root_delay * 0x1p16, 0x1p31);
    line->root_dispersion =
        fraction32(status->root_dispersion +
                   0x1p-17 * (status->root_delay * 0x1p16 - line->root_delay));
    line->dispersion_rate = (uint32_t)fraction32(real_min(status->growth, 0.5));
    line->expiry_ticks =
        ticks + discipline_ticks(d, left / real_max(status->growth, 1e-9));
    if (status->update)
        line->reference_ts = ntp_ts_from_date(clock_at(line, ticks));
    discipline_show(d, ticks);
}

void discipline_new_epoch(struct discipline *d, uint32_t losses)
{
    d->line.epoch = losses + 1;
}
