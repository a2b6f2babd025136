/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources that are read, not asked: the clocks of the platform. */
#include "ntp/refclock.h"

#include "ntp/client_parts.h"
#include "ntp/poll.h"
#include "ntp/real.h"

#define NANO 1e-9

/* After a start, and after the time was lost, readings come that fast, s. */
#define BURST_SECONDS 1.0

/* Nothing is read better than that, s. */
#define PRECISION_LEAST 1e-7

/* A leap from one reading to the next: not less, s, and more than a host steers
 * its clock by, s/s. */
#define LEAP_LEAST   10e-3
#define LEAP_STEERED 600e-6

/* What the header's 16 bits before the point can say. */
#define SHORT_MOST 65535.0

static struct source *refclock(struct client *c, int slot)
{
    if (slot < 0 || slot >= CLIENT_SOURCES_MAX)
        return NULL;

    struct source *s = &c->source[slot];

    return s->used && s->refclock.present ? s : NULL;
}

int client_add_refclock(struct client *c, const struct refclock_config *config)
{
    struct source_config source = config->source;

    source.iburst = true;
    source.key = NULL;
    source.authenticated = false;

    int slot = client_add(c, &source);
    if (slot < 0)
        return -1;

    struct source *s = &c->source[slot];
    s->refclock = (struct source_refclock){
        .present = true,
        .delay = NANO * (double)config->delay_ns,
        .worst = NANO * (double)config->maxdispersion_ns,
        .precision =
            real_max(NANO * (double)config->precision_ns, PRECISION_LEAST),
    };
    s->header = (struct ntp_packet){
        .stratum = config->stratum,
        .reference_id = config->reference_id,
    };
    s->resolved = true;
    client_start_over(c, s, c->start.ticks);
    client_ready(c);
    return slot;
}

int client_refclock_due(struct client *c, uint64_t now_ticks)
{
    if (c->held)
        return -1;
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        struct source *s = refclock(c, slot);
        double seconds;

        if (!s || !poll_is_due(s, now_ticks))
            continue;
        seconds = s->burst > 0 ? BURST_SECONDS : real_exp2i(s->poll);
        if (s->burst > 0)
            s->burst--;
        poll_note_reach(c, s);
        s->sent++;
        s->due_ticks = now_ticks + discipline_ticks(&c->discipline, seconds);
        return slot;
    }
    return -1;
}

static void refuse(struct client *c, struct source *s, uint64_t ticks,
                   enum source_state why)
{
    s->trouble = why;
    if (s->unanswered < UINT8_MAX)
        s->unanswered++;
    client_look_again(c, ticks);
}

void client_refclock_failed(struct client *c, int slot, uint64_t ticks)
{
    struct source *s = refclock(c, slot);

    if (s)
        refuse(c, s, ticks, SOURCE_UNSYNCHRONISED);
}

void client_refclock_leap(struct client *c, int slot, enum ntp_leap leap)
{
    struct source *s = refclock(c, slot);

    if (s)
        s->header.leap = (uint8_t)leap;
}

/* Rounded up: it is a bound. */
static ntp_short short_bound(double seconds)
{
    if (seconds >= SHORT_MOST)
        return UINT32_MAX;
    return (ntp_short)(seconds * 0x1p16) + 1;
}

bool client_refclock_leapt(const struct client *c, int slot, uint64_t ticks,
                           ntp_date date, double bound)
{
    if (slot < 0 || slot >= CLIENT_SOURCES_MAX || !c->set)
        return false;

    const struct source *s = &c->source[slot];
    const struct source_refclock *last = &s->refclock;

    if (!s->used || !last->present || !last->read ||
        s->state < SOURCE_NOT_PREFERRED || client_leaps_near(c, ticks))
        return false;

    double elapsed = client_span(c, last->ticks, ticks);
    double ahead = ntp_span_seconds(date - last->date) - elapsed;

    return ahead > bound + last->bound + s->refclock.delay + LEAP_LEAST +
                       LEAP_STEERED * real_abs(elapsed);
}

void client_refclock_sample(struct client *c, int slot, uint64_t ticks,
                            ntp_date date, double bound)
{
    struct source *s = refclock(c, slot);
    struct discipline *d = &c->discipline;

    if (!s)
        return;
    s->received++;
    bound += s->refclock.delay / 2;
    if (!(bound >= 0) || (s->refclock.worst > 0 && bound > s->refclock.worst)) {
        refuse(c, s, ticks, SOURCE_DISTANCE);
        return;
    }

    s->refclock.read = true;
    s->refclock.ticks = ticks;
    s->refclock.date = date;
    s->refclock.bound = bound;
    s->reach |= 1;
    s->unanswered = 0;
    s->trouble = SOURCE_COMBINED;
    s->header.root_dispersion = short_bound(bound);
    client_look_again(c, ticks);
    /* Around a leap second, no two clocks agree. */
    if (client_leaps_near(c, ticks) || client_in_doubt(c, s, date))
        return;

    struct filter_sample sample = {
        .when = discipline_raw(d, ticks),
        .offset = ntp_span_seconds(date - discipline_raw_date(d, ticks)) +
                  NANO * (double)s->config.offset_ns,
        .noise = s->refclock.precision + real_exp2i(c->start.precision),
    };

    s->last_offset = sample.offset - discipline_offset(d, ticks);
    filter_add(&s->filter, &sample);
    s->sample_ticks = ticks;
    s->verdict = SOURCE_OK;
    s->verdicts[SOURCE_OK]++;
    client_replied(c, ticks);
}
