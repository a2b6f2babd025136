/* SPDX-License-Identifier: BSD-2-Clause */
/* What is served beside the time, and what the passing of time changes. */
#include "ntp/served.h"

#include "ntp/client_parts.h"
#include "ntp/follow.h"
#include "ntp/leap.h"
#include "ntp/leap_list.h"
#include "ntp/real.h"

#define NANO 1e-9

#define LOCAL_REFERENCE_ID    0x7f7f0101u /* 127.127.1.1 */
#define LOCAL_DISPERSION      1.0         /* s, at least */
#define LOCAL_REFRESH_SECONDS 900.0       /* of its reference timestamp */

/* A reply that has not come this long after it was due is missing, s. */
#define OVERDUE_SECONDS 4.0

/* While the frequency is not known better, a bound of it, the dispersion grows
 * as RFC 5905 has it; then as fast as the estimate says. */
#define KNOWN_SKEW 2e-6

/* Leap indicators of those that are followed, and of those that agree. */
static void count_leaps(struct client *c, const struct view *v,
                        struct leap_votes *votes)
{
    for (unsigned i = 0; i < v->candidates; i++) {
        if (v->candidate[i].state >= SOURCE_NOT_PREFERRED)
            leap_vote(votes, c->source[v->candidate[i].slot].header.leap);
    }
}

void served_leap(struct client *c, const struct view *v, uint64_t ticks)
{
    ntp_date now = clock_unleapt(&c->discipline.line, ticks);
    struct leap_votes votes = {0};
    enum ntp_leap leap = LEAP_NONE;
    ntp_date date = NTP_DATE_NEVER;

    if (c->config->leapsecmode == LEAPSEC_IGNORE)
        return;
    /* In the leap second itself, servers have stopped announcing it. */
    if (client_leaps_near(c, ticks))
        return;
    if (c->leaps)
        leap = leap_list_next(c->leaps, now, &date);
    if (leap == LEAP_NONE) {
        count_leaps(c, v, &votes);
        leap = leap_majority(&votes);
        date = leap_month_end(now);
    }
    if (leap != LEAP_NONE && leap != c->discipline.line.leap)
        client_note(c, CLIENT_LEAP, -1, ticks, ntp_span_seconds(date - now));
    discipline_leap(&c->discipline, leap, date);
}

/* Seconds until the leader's next reply is missing. */
static double until_overdue(const struct client *c, uint64_t ticks)
{
    const struct source *s = &c->source[c->leader];
    double due = client_span(c, ticks, s->due_ticks) + OVERDUE_SECONDS;

    return real_max(due, OVERDUE_SECONDS);
}

static double growth_now(const struct client *c)
{
    return real_max(DISCIPLINE_PHI, NANO * c->config->maxclockerror_ppb) +
           NANO * c->start.wander_ppb + c->skew;
}

void served_describe(struct client *c, uint64_t ticks, const struct view *v)
{
    const struct selection *k = &v->selection;
    const struct source *s = &c->source[c->leader];
    double age = client_span(c, s->sample_ticks, ticks);
    double ahead = until_overdue(c, ticks);
    double now = filter_error_after(&s->filter, age);
    double then = filter_error_after(&s->filter, age + ahead);
    struct discipline_status *out = &c->status;

    c->error = k->error;
    c->skew = CLIENT_SIGMAS * k->frequency_error;
    out->stratum = (uint8_t)(look_stratum(s) + 1);
    out->reference_id = s->refclock.present || s->config.copy
                            ? s->header.reference_id
                            : peer_reference_id(&s->address);
    out->root_delay = ntp_short_seconds(s->header.root_delay) + s->filter.delay;
    out->root_dispersion =
        ntp_short_seconds(s->header.root_dispersion) +
        CLIENT_SIGMAS * real_max(k->error, now) + s->filter.delay_error +
        k->spread + s->stolen + real_exp2i(c->start.precision) +
        real_abs(k->offset - discipline_offset(&c->discipline, ticks));
    out->growth = c->skew > KNOWN_SKEW ? growth_now(c)
                                       : CLIENT_SIGMAS * (then - now) / ahead;
    c->overdue = false;
    c->overdue_ticks = ticks + discipline_ticks(&c->discipline, ahead);
}

/*
 * A leap second of the list that is being smeared now, whenever we started: so
 * all that have the list serve the same.  Who follows a clock that is smeared
 * serves it as it is.
 */
static void find_smear(struct client *c, uint64_t ticks)
{
    ntp_date now = clock_unleapt(&c->discipline.line, ticks);
    enum ntp_leap leap = LEAP_NONE;
    ntp_date date = NTP_DATE_NEVER;

    if ((!c->set && !c->local) || client_leaps_near(c, ticks))
        return;
    if (c->leaps &&
        (c->leader < 0 ||
         c->source[c->leader].header.reference_id != SMEAR_REFERENCE_ID))
        leap = leap_list_last(c->leaps, now, &date);
    discipline_smear(&c->discipline, ticks, leap, date);
}

void served_publish(struct client *c, uint64_t ticks)
{
    struct discipline_status status = c->status;

    if (c->alarmed || (!c->set && !c->local))
        status.stratum = 0;
    find_smear(c, ticks);
    discipline_publish(&c->discipline, ticks, &status);
}

/* The dispersion that the published line has come to. */
static double dispersion_now(const struct client *c, uint64_t ticks)
{
    double age = client_span(c, c->discipline.line.base_ticks, ticks);

    return (double)c->discipline.line.root_dispersion * 0x1p-32 +
           c->status.growth * real_max(age, 0);
}

/* From now on the clock runs on alone. */
void served_coast(struct client *c, uint64_t ticks)
{
    c->overdue = true;
    if (c->local)
        return;
    c->status.root_dispersion = dispersion_now(c, ticks);
    c->status.growth = growth_now(c);
    c->status.update = false;
    served_publish(c, ticks);
}

/* What time brings. */

static double root_distance(const struct client *c, uint64_t ticks)
{
    return c->status.root_delay / 2 + dispersion_now(c, ticks);
}

static bool has_sources(const struct client *c)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++)
        if (c->source[i].used)
            return true;
    return false;
}

/* Seconds until our own time is to be served as such; below 0: not at all.  One
 * that is followed though it does not answer does not keep us from it. */
static double until_local(const struct client *c, uint64_t ticks)
{
    const struct local_config *k = &c->config->local;

    if (c->lost && !c->told)
        return -1;
    if (!c->set && (c->start.date == 0 || c->start.stale))
        return -1;
    if (!k->enabled || (k->activate_ns > 0 && !c->was_near))
        return -1;
    if (c->lost && !has_sources(c))
        return 0;
    if (!c->set)
        return real_max(0, NANO * (double)k->waitunsynced_ns -
                               client_span(c, c->start.ticks, ticks));
    if (c->leader >= 0 && c->source[c->leader].reach != 0)
        return -1;

    double wait = NANO * (double)k->waitsynced_ns -
                  client_span(c, c->update_ticks, ticks);
    double far = (NANO * (double)k->distance_ns - root_distance(c, ticks)) /
                 c->status.growth;
    return real_max(0, real_max(wait, far));
}

static void serve_local(struct client *c, uint64_t ticks)
{
    double known = c->set ? dispersion_now(c, ticks) : c->start.date_error;

    if (!c->local)
        client_note(c, CLIENT_LOCAL, -1, ticks, 0);
    if (c->lost) {
        discipline_new_epoch(&c->discipline, c->losses);
        c->lost = false;
        c->set_offset = c->told_offset;
        c->told_offset = 0;
    }
    c->local = true;
    c->update_ticks = ticks;
    c->status = (struct discipline_status){
        .stratum = c->config->local.stratum,
        .reference_id = LOCAL_REFERENCE_ID,
        /* Who serves its own time drifts from nobody. */
        .root_dispersion = real_min(real_max(known, LOCAL_DISPERSION), 15.0),
        .update = true,
    };
    served_publish(c, ticks);
}

/* Nobody may look at the list before a leap second that it does not know. */
static void watch_list(struct client *c, uint64_t ticks)
{
    ntp_date now = clock_unleapt(&c->discipline.line, ticks);

    if (!c->leaps || (!c->set && !c->local))
        return;

    enum leap_list_age age = leap_list_age(c->leaps, now);

    if (age > c->leaps_age)
        client_note(
            c,
            age == LEAP_LIST_EXPIRED ? CLIENT_LIST_EXPIRED
                                     : CLIENT_LIST_EXPIRING,
            -1, ticks,
            ntp_span_seconds(ntp_date_from_seconds(c->leaps->expires) - now));
    c->leaps_age = age;
}

/* What was said before is not said of what comes after. */
static void leap_passed(struct client *c, uint64_t ticks)
{
    discipline_show(&c->discipline, ticks);
    c->leapt_date = clock_unleapt(&c->discipline.line, ticks);
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        struct source *s = &c->source[slot];

        peer_forget_exchange(&s->peer);
        if (s->header.leap != LEAP_UNKNOWN)
            s->header.leap = LEAP_NONE;
    }
}

/* Seconds until the smear's next chord begins; below 0: there is none. */
static double until_chord(const struct client *c, uint64_t ticks)
{
    uint64_t from = c->discipline.line.base_ticks;
    double wait = discipline_smear_wait(&c->discipline, from);

    return wait < 0 ? -1 : real_max(0, wait - client_span(c, from, ticks));
}

static void follow_smear(struct client *c, uint64_t ticks)
{
    const struct discipline *d = &c->discipline;

    if (until_chord(c, ticks) == 0)
        discipline_show(&c->discipline, ticks);
    if (c->smearing == (d->smear.size != 0))
        return;
    c->smearing = !c->smearing;
    client_note(c, c->smearing ? CLIENT_SMEARING : CLIENT_SMEARED, -1, ticks,
                discipline_smeared(d, ticks));
}

void served_in_time(struct client *c, uint64_t ticks)
{
    if (discipline_leap_done(&c->discipline, ticks)) {
        leap_passed(c, ticks);
        client_note(c, CLIENT_LEAP_DONE, -1, ticks, 0);
    }
    follow_smear(c, ticks);
    watch_list(c, ticks);
    if (c->set && !c->overdue && client_reached(ticks, c->overdue_ticks))
        served_coast(c, ticks);
    if (c->local) {
        if (client_span(c, c->update_ticks, ticks) >= LOCAL_REFRESH_SECONDS)
            serve_local(c, ticks);
    } else if (until_local(c, ticks) == 0) {
        serve_local(c, ticks);
    }
}

/* The earlier one of `when` and `seconds` after `ticks`. */
static uint64_t sooner(const struct client *c, uint64_t when, uint64_t ticks,
                       double seconds)
{
    uint64_t other = ticks + discipline_ticks(&c->discipline, seconds);

    return client_reached(when, other) ? other : when;
}

/* When the line is through its leap second, s after the midnight, in time as
 * it goes without. */
static double through(const struct client *c)
{
    if (c->config->leapsecmode != LEAPSEC_SLEW)
        return 1;
    return c->discipline.line.leap == LEAP_INSERT ? 0 : -1;
}

uint64_t served_next(const struct client *c)
{
    uint64_t from = c->discipline.line.base_ticks;
    uint64_t next = from + ((uint64_t)1 << 62); /* not in years */

    if (c->waiting)
        next = sooner(c, next, c->replied_ticks, FOLLOW_MAJORITY_WAIT);
    if (c->set && !c->overdue && client_reached(next, c->overdue_ticks))
        next = c->overdue_ticks;
    if (c->local) {
        next = sooner(c, next, c->update_ticks, LOCAL_REFRESH_SECONDS);
    } else {
        double wait = until_local(c, from);
        if (wait >= 0)
            next = sooner(c, next, from, wait);
    }
    if (c->discipline.line.leap == LEAP_INSERT ||
        c->discipline.line.leap == LEAP_DELETE) {
        ntp_span wait =
            c->discipline.line.leap_date - c->discipline.line.base_date;
        next = sooner(c, next, from, ntp_span_seconds(wait) + through(c));
    }
    if (until_chord(c, from) >= 0)
        next = sooner(c, next, from, until_chord(c, from));
    return next;
}
