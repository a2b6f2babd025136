/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's reports, for console, chronyc and status page (no header). */
#include "ntp/client.h"

#include "ntp/client_parts.h"
#include "ntp/look.h"
#include "ntp/real.h"

bool client_source(const struct client *c, int slot, uint64_t now_ticks,
                   struct source_report *report)
{
    if (slot < 0 || slot >= CLIENT_SOURCES_MAX || !c->source[slot].used)
        return false;

    const struct source *s = &c->source[slot];
    const struct filter *f = &s->filter;
    *report = (struct source_report){
        .address = s->address,
        .state = s->state,
        .last_verdict = s->verdict,
        .sent = s->sent,
        .received = s->received,
        .reach = s->reach,
        .poll = s->poll,
        .samples = f->count,
        .interleaved = s->interleaved,
        .authenticated = client_authenticates(s),
        .age = -1,
    };
    memcpy(report->verdicts, s->verdicts, sizeof(s->verdicts));
    if (f->total == 0)
        return true;

    struct filter_estimate e;
    filter_at(f, discipline_raw(&c->discipline, now_ticks), &e);
    report->stratum = s->header.stratum;
    report->leap = s->header.leap;
    report->version = s->header.version;
    report->reference_id = s->header.reference_id;
    report->precision = s->header.precision;
    report->root_delay = ntp_short_seconds(s->header.root_delay);
    report->root_dispersion = ntp_short_seconds(s->header.root_dispersion);
    report->root_distance = look_distance(c, s, now_ticks);
    report->span = f->sample[f->count - 1].when - f->sample[0].when;
    report->age = discipline_span(&c->discipline, s->sample_ticks, now_ticks);
    report->last_offset = s->last_offset;
    report->offset = e.offset - discipline_offset(&c->discipline, now_ticks);
    report->offset_error = CLIENT_SIGMAS * e.offset_error;
    report->frequency = e.frequency;
    report->skew = CLIENT_SIGMAS * e.frequency_error;
    report->delay = f->delay;
    report->dispersion = e.offset_error;
    report->jitter = filter_noise(f);
    report->lower = report->offset - report->root_distance;
    report->upper = report->offset + report->root_distance;
    return true;
}

void client_tracking(const struct client *c, uint64_t now_ticks,
                     struct client_tracking *tracking)
{
    const struct discipline *d = &c->discipline;
    const struct clock_line *line = &d->line;
    struct clock_line served = clock_read(c->clock);
    struct clock_status status = clock_status(&served, now_ticks);
    int64_t slewing = (int64_t)(line->slew_end_ticks - now_ticks);

    *tracking = (struct client_tracking){
        .slot = c->leader,
        .status = status,
        .set = c->set,
        .provisional = c->provisional,
        .local = c->local,
        .updates = c->updates,
        .steps = c->steps,
        .last_offset = c->last_offset,
        .rms_offset = real_sqrt(c->mean_square_offset),
        .frequency = d->frequency,
        .residual_frequency = c->residual_frequency,
        .skew = c->skew,
        .root_distance = ntp_short_seconds(status.root_delay) / 2 +
                         ntp_short_seconds(status.root_dispersion),
        .update_interval = c->update_interval,
        .update_age = discipline_span(d, c->update_ticks, now_ticks),
    };
    if (slewing > 0)
        tracking->offset = ((double)line->rate - (double)line->rate_after) *
                           0x1p-80 * (double)slewing;
}
