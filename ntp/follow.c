/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client does with its sources' estimates: set, step, slew, serve. */
#include "ntp/follow.h"

#include "ntp/leap.h"
#include "ntp/real.h"
#include "ntp/select.h"

#define NANO 1e-9

#define LOCAL_REFERENCE_ID    0x7f7f0101u /* 127.127.1.1 */
#define LOCAL_DISPERSION      1.0         /* s, at least */
#define LOCAL_REFRESH_SECONDS 900.0       /* of its reference timestamp */

/* A reply that has not come this long after it was due is missing, s. */
#define OVERDUE_SECONDS 4.0

/* While the frequency is not known better, a bound of it, the dispersion grows
 * as RFC 5905 has it; then as fast as the estimate says. */
#define KNOWN_SKEW 2e-6

/* The raw scale follows a set or step that is larger than that, s: then all
 * that is measured against it stays small. */
#define MOVE_RAW 1.0

#define FREQUENCY_ERROR_LEAST 1e-12

void follow_event(struct client *c, enum client_event_type type, int slot,
                  uint64_t ticks, double offset)
{
    if (c->events == CLIENT_EVENTS_MAX) {
        c->events--;
        memmove(c->event, c->event + 1, c->events * sizeof(*c->event));
    }
    c->event[c->events++] = (struct client_event){
        .type = type,
        .slot = slot,
        .state = slot >= 0 ? c->source[slot].state : SOURCE_UNRESOLVED,
        .ticks = ticks,
        .offset = offset,
    };
}

static bool reached(uint64_t now, uint64_t when)
{
    return (int64_t)(now - when) >= 0;
}

static double span(const struct client *c, uint64_t from, uint64_t to)
{
    return discipline_span(&c->discipline, from, to);
}

/* Looking at sources. */

double follow_distance(const struct client *c, const struct source *s,
                       uint64_t ticks)
{
    double age = span(c, s->sample_ticks, ticks);

    return (ntp_short_seconds(s->header.root_delay) + s->filter.delay) / 2 +
           ntp_short_seconds(s->header.root_dispersion) +
           FOLLOW_SIGMAS * filter_error_after(&s->filter, age) +
           DISCIPLINE_PHI * age;
}

static uint8_t stratum_of(const struct source *s)
{
    return s->header.stratum > s->config.minstratum ? s->header.stratum
                                                    : s->config.minstratum;
}

/* What keeps a source from being a candidate; SOURCE_COMBINED: nothing. */
static enum source_state look_at(const struct client *c, const struct source *s,
                                 uint64_t ticks)
{
    if (!s->resolved)
        return SOURCE_UNRESOLVED;
    if (s->stopped)
        return SOURCE_STOPPED;
    if (s->trouble != SOURCE_COMBINED)
        return s->trouble;
    if (s->filter.total == 0)
        return s->sent > FOLLOW_REACH_BITS ? SOURCE_UNREACHABLE
                                           : SOURCE_NO_SAMPLE;
    if (s->reach == 0)
        return SOURCE_UNREACHABLE;
    if (s->noselect)
        return SOURCE_NOSELECT;
    /* Ours is one more, and 16 is no stratum. */
    if (stratum_of(s) > c->config->maxstratum || stratum_of(s) >= 15)
        return SOURCE_STRATUM;
    if (follow_distance(c, s, ticks) > NANO * (double)c->config->maxdistance_ns)
        return SOURCE_DISTANCE;
    if (filter_noise(&s->filter) > NANO * (double)c->config->maxjitter_ns)
        return SOURCE_JITTERY;
    return SOURCE_COMBINED;
}

static void fill(const struct client *c, int slot, uint64_t ticks,
                 struct candidate *to)
{
    const struct source *s = &c->source[slot];
    struct filter_estimate e;

    filter_at(&s->filter, discipline_raw(&c->discipline, ticks), &e);
    *to = (struct candidate){
        .slot = slot,
        .stratum = stratum_of(s),
        .prefer = s->config.prefer,
        .trust = s->trust,
        .require = s->require,
        .offset = e.offset,
        .distance = follow_distance(c, s, ticks),
        .error = e.offset_error,
        .frequency = e.frequency,
        .frequency_error = real_max(e.frequency_error, FREQUENCY_ERROR_LEAST),
    };
}

static bool is_news(enum source_state state)
{
    return state == SOURCE_UNSYNCHRONISED || state == SOURCE_STRATUM ||
           state == SOURCE_LOOP || state == SOURCE_DISTANCE ||
           state == SOURCE_JITTERY || state == SOURCE_UNTRUSTED;
}

static void enter(struct client *c, int slot, enum source_state state,
                  uint64_t ticks, double ahead)
{
    struct source *s = &c->source[slot];
    enum source_state before = s->state;

    s->state = state;
    if (state != before && is_news(state))
        follow_event(c, CLIENT_UNUSABLE, slot, ticks, ahead);
    if (state >= SOURCE_NOT_PREFERRED && (s->named || is_news(before))) {
        s->named = false;
        follow_event(c, CLIENT_TRUECHIMER, slot, ticks, ahead);
    }
}

/* Name those that a majority contradicts; two against each other are none. */
static void name_falsetickers(struct client *c, uint64_t ticks,
                              const struct candidate *k, unsigned n,
                              unsigned agree)
{
    double ours = discipline_offset(&c->discipline, ticks);
    bool divided = n > 0 && agree == 0;

    for (unsigned i = 0; i < n && agree > 0; i++) {
        struct source *s = &c->source[k[i].slot];
        if (k[i].state == SOURCE_FALSETICKER && !s->named) {
            s->named = true;
            follow_event(c, CLIENT_FALSETICKER, k[i].slot, ticks,
                         k[i].offset - ours);
        }
    }
    if (divided && !c->divided && !c->waiting)
        follow_event(c, CLIENT_NO_MAJORITY, -1, ticks, 0);
    c->divided = divided && !c->waiting;
}

static void notice_reachability(struct client *c, int slot, uint64_t ticks)
{
    struct source *s = &c->source[slot];
    bool reachable = s->reach != 0;
    /* One that has never answered was not reachable before either. */
    bool silent = s->filter.total == 0 && s->unanswered >= FOLLOW_REACH_BITS;

    if (reachable != s->reachable || (silent && !s->silent))
        follow_event(c, reachable ? CLIENT_REACHABLE : CLIENT_UNREACHABLE, slot,
                     ticks, 0);
    s->reachable = reachable;
    s->silent = silent;
}

struct view {
    struct candidate candidate[CLIENT_SOURCES_MAX];
    unsigned candidates;
    unsigned configured; /* sources that may vote */
    struct selection selection;
};

static void look(struct client *c, uint64_t ticks, struct view *v)
{
    bool required = false;
    double ours = discipline_offset(&c->discipline, ticks);

    v->candidates = 0;
    v->configured = 0;
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        struct source *s = &c->source[slot];
        if (!s->used)
            continue;
        notice_reachability(c, slot, ticks);
        v->configured += !s->noselect && !s->stopped;
        required |= s->require && !s->noselect;
        enum source_state state = look_at(c, s, ticks);
        if (state == SOURCE_COMBINED)
            fill(c, slot, ticks, &v->candidate[v->candidates++]);
        else
            enter(c, slot, state, ticks, 0);
    }
    select_sources(v->candidate, v->candidates, c->config, c->leader, required,
                   &v->selection);
    for (unsigned i = 0; i < v->candidates; i++) {
        const struct candidate *k = &v->candidate[i];
        enter(c, k->slot, k->state, ticks, k->offset - ours);
    }
    name_falsetickers(c, ticks, v->candidate, v->candidates,
                      v->selection.agree);
}

/* Setting and steering. */

/* The raw scale and all that is measured against it move together. */
static void move_raw(struct client *c, double seconds)
{
    discipline_move_raw(&c->discipline, ntp_span_from_seconds(seconds));
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++)
        filter_shift(&c->source[slot].filter, -seconds);
}

static void step(struct client *c, uint64_t ticks, struct selection *s)
{
    if (real_abs(s->offset) > MOVE_RAW) {
        /* Whole seconds are exact in every number they are added to. */
        double seconds = (double)(int64_t)s->offset;
        move_raw(c, seconds);
        s->offset -= seconds;
    }
    discipline_step(&c->discipline, ticks, s->offset, s->frequency);
}

static bool has_majority(const struct view *v)
{
    return 2 * v->selection.agree > v->configured;
}

static void set_first(struct client *c, uint64_t ticks, struct view *v,
                      double away)
{
    struct selection *s = &v->selection;
    bool majority = has_majority(v);

    if (!majority && c->waiting)
        return;
    if (c->lost) {
        discipline_new_epoch(&c->discipline);
        c->lost = false;
    }
    int slot = v->candidate[s->leader].slot;
    step(c, ticks, s);
    c->set = true;
    c->provisional = !majority;
    c->updates = 0;
    follow_event(c, majority ? CLIENT_FIRST_SET : CLIENT_PROVISIONAL_SET, slot,
                 ticks, away);
}

/* A majority has come together since the provisional set. */
static void confirm(struct client *c, uint64_t ticks, struct view *v,
                    double away)
{
    struct selection *s = &v->selection;
    const struct candidate *leader = &v->candidate[s->leader];

    c->provisional = false;
    if (real_abs(away) > leader->distance) {
        step(c, ticks, s);
        c->steps++;
        follow_event(c, CLIENT_STEP, leader->slot, ticks, away);
    } else {
        discipline_slew(&c->discipline, ticks, s->offset, s->frequency);
        follow_event(c, CLIENT_CONFIRMED, leader->slot, ticks, away);
    }
}

/* `maxchange`: returns false when the offset is not to be followed. */
static bool change_allowed(struct client *c, uint64_t ticks, double away)
{
    const struct client_config *k = c->config;

    if (k->maxchange_ns == 0 || (int64_t)c->updates < k->maxchange_start ||
        real_abs(away) <= NANO * (double)k->maxchange_ns) {
        c->alarmed = false;
        return true;
    }
    c->refused++;
    c->alarmed =
        k->maxchange_ignore >= 0 && c->refused > (uint32_t)k->maxchange_ignore;
    follow_event(c, CLIENT_STEP_REFUSED, c->leader, ticks, away);
    return false;
}

static bool step_allowed(const struct client *c, double away)
{
    const struct client_config *k = c->config;

    return k->makestep_ns > 0 &&
           real_abs(away) > NANO * (double)k->makestep_ns &&
           (k->makestep_count < 0 || c->updates < (uint32_t)k->makestep_count);
}

/* Returns false when the clock does not follow. */
static bool steer(struct client *c, uint64_t ticks, struct view *v, double away)
{
    struct selection *s = &v->selection;

    if (!change_allowed(c, ticks, away))
        return false;
    if (4 * s->frequency_error > NANO * c->config->maxupdateskew_ppb)
        s->frequency = c->discipline.frequency;
    if (step_allowed(c, away)) {
        step(c, ticks, s);
        c->steps++;
        follow_event(c, CLIENT_STEP, c->leader, ticks, away);
    } else {
        discipline_slew(&c->discipline, ticks, s->offset, s->frequency);
    }
    return true;
}

/* Returns false as long as the clock is not to follow. */
static bool follow(struct client *c, uint64_t ticks, struct view *v)
{
    double away =
        v->selection.offset - discipline_offset(&c->discipline, ticks);

    if (!c->set) {
        set_first(c, ticks, v, away);
        return c->set;
    }
    if (c->provisional && has_majority(v))
        confirm(c, ticks, v, away);
    else if (!steer(c, ticks, v, away))
        return false;
    c->updates++;
    c->last_offset = away;
    c->mean_square_offset +=
        (c->updates == 1 ? 1 : 0.125) * (away * away - c->mean_square_offset);
    return true;
}

/* What is served beside the time. */

/* Leap indicators of those that are followed, and of those that agree. */
static void count_leaps(struct client *c, const struct view *v,
                        struct leap_votes *votes)
{
    for (unsigned i = 0; i < v->candidates; i++) {
        if (v->candidate[i].state >= SOURCE_NOT_PREFERRED)
            leap_vote(votes, c->source[v->candidate[i].slot].header.leap);
    }
}

static void heed_leap(struct client *c, const struct view *v, uint64_t ticks)
{
    ntp_date now = clock_unleapt(&c->discipline.line, ticks);
    struct leap_votes votes = {0};
    enum ntp_leap leap = LEAP_NONE;
    ntp_date date = NTP_DATE_NEVER;

    if (c->config->leapsecmode == LEAPSEC_IGNORE)
        return;
    /* In the leap second itself, servers have stopped announcing it. */
    if (c->discipline.line.leap != LEAP_UNKNOWN &&
        leap_is_near(c->discipline.line.leap_date, now))
        return;
    if (c->leaps)
        leap = leap_list_next(c->leaps, now, &date);
    if (leap == LEAP_NONE) {
        count_leaps(c, v, &votes);
        leap = leap_majority(&votes);
        date = leap_month_end(now);
    }
    if (leap != LEAP_NONE && leap != c->discipline.line.leap)
        follow_event(c, CLIENT_LEAP, -1, ticks, ntp_span_seconds(date - now));
    discipline_leap(&c->discipline, leap, date);
}

/* When the leader's next reply is missing; 0 s if it is already. */
static double until_overdue(const struct client *c, uint64_t ticks)
{
    const struct source *s = &c->source[c->leader];
    double due = span(c, ticks, s->due_ticks) + OVERDUE_SECONDS;

    return real_max(due, OVERDUE_SECONDS);
}

static double growth_now(const struct client *c)
{
    return real_max(DISCIPLINE_PHI, NANO * c->config->maxclockerror_ppb) +
           NANO * c->start.wander_ppb + c->skew;
}

static void describe(struct client *c, uint64_t ticks, const struct view *v)
{
    const struct selection *k = &v->selection;
    const struct source *s = &c->source[c->leader];
    double age = span(c, s->sample_ticks, ticks);
    double ahead = until_overdue(c, ticks);
    double now = filter_error_after(&s->filter, age);
    double then = filter_error_after(&s->filter, age + ahead);
    struct discipline_status *out = &c->status;

    c->error = k->error;
    c->skew = FOLLOW_SIGMAS * k->frequency_error;
    out->stratum = (uint8_t)(stratum_of(s) + 1);
    out->reference_id = peer_reference_id(&s->address);
    out->root_delay = ntp_short_seconds(s->header.root_delay) + s->filter.delay;
    out->root_dispersion =
        ntp_short_seconds(s->header.root_dispersion) +
        FOLLOW_SIGMAS * real_max(k->error, now) + s->filter.delay_error +
        k->spread + real_exp2i(c->start.precision) +
        real_abs(k->offset - discipline_offset(&c->discipline, ticks));
    out->growth = c->skew > KNOWN_SKEW ? growth_now(c)
                                       : FOLLOW_SIGMAS * (then - now) / ahead;
    c->overdue = false;
    c->overdue_ticks = ticks + discipline_ticks(&c->discipline, ahead);
}

static void publish(struct client *c, uint64_t ticks)
{
    struct discipline_status status = c->status;

    if (c->alarmed || (!c->set && !c->local))
        status.stratum = 0;
    discipline_publish(&c->discipline, ticks, &status);
}

/* The dispersion that the published line has come to. */
static double dispersion_now(const struct client *c, uint64_t ticks)
{
    double age = span(c, c->discipline.line.base_ticks, ticks);

    return (double)c->discipline.line.root_dispersion * 0x1p-32 +
           c->status.growth * real_max(age, 0);
}

/* From now on the clock runs on alone. */
static void coast(struct client *c, uint64_t ticks)
{
    c->overdue = true;
    if (c->local)
        return;
    c->status.root_dispersion = dispersion_now(c, ticks);
    c->status.growth = growth_now(c);
    c->status.update = false;
    publish(c, ticks);
}

static void choose_leader(struct client *c, int leader, uint64_t ticks)
{
    if (leader == c->leader)
        return;
    if (leader >= 0)
        follow_event(c, CLIENT_SELECTED, leader, ticks, 0);
    else if (c->set)
        follow_event(c, CLIENT_LOST, c->leader, ticks, 0);
    c->leader = leader;
}

bool follow_waited(const struct client *c, uint64_t ticks)
{
    return span(c, c->replied_ticks, ticks) >= FOLLOW_MAJORITY_WAIT;
}

void follow_sources(struct client *c, uint64_t ticks)
{
    struct view v;
    const struct selection *s = &v.selection;

    c->due = false;
    if (follow_waited(c, ticks))
        c->waiting = false;
    look(c, ticks, &v);
    if (s->leader < 0) {
        choose_leader(c, -1, ticks);
        if (c->set && !c->overdue)
            coast(c, ticks);
        return;
    }
    if (!follow(c, ticks, &v)) {
        if (c->set) /* maxchange */
            publish(c, ticks);
        return;
    }
    choose_leader(c, v.candidate[s->leader].slot, ticks);
    c->combined = s->combined;
    c->local = false;
    c->residual_frequency = s->frequency - c->discipline.frequency;
    c->update_interval = span(c, c->update_ticks, ticks);
    c->update_ticks = ticks;
    describe(c, ticks, &v);
    c->status.update = true;
    publish(c, ticks);
    heed_leap(c, &v, ticks);
    clock_publish(c->clock, &c->discipline.line);
    c->was_near |= c->status.root_delay / 2 + c->status.root_dispersion <=
                   NANO * (double)c->config->local.activate_ns;
}

/* What time brings. */

static double root_distance(const struct client *c, uint64_t ticks)
{
    return c->status.root_delay / 2 + dispersion_now(c, ticks);
}

/* Seconds until our own time is to be served as such; below 0: not at all. */
static double until_local(const struct client *c, uint64_t ticks)
{
    const struct local_config *k = &c->config->local;

    if (!c->set && c->start.date == 0)
        return -1;
    if (!k->enabled || (k->activate_ns > 0 && !c->was_near))
        return -1;
    if (!c->set)
        return real_max(0, NANO * (double)k->waitunsynced_ns -
                               span(c, c->start.ticks, ticks));
    if (c->leader >= 0)
        return -1;
    return real_max(0,
                    (NANO * (double)k->distance_ns - root_distance(c, ticks)) /
                        c->status.growth);
}

static void serve_local(struct client *c, uint64_t ticks)
{
    double known = c->set ? dispersion_now(c, ticks) : c->start.date_error;

    if (!c->local)
        follow_event(c, CLIENT_LOCAL, -1, ticks, 0);
    c->local = true;
    c->update_ticks = ticks;
    c->status = (struct discipline_status){
        .stratum = c->config->local.stratum,
        .reference_id = LOCAL_REFERENCE_ID,
        /* Who serves its own time drifts from nobody. */
        .root_dispersion = real_min(real_max(known, LOCAL_DISPERSION), 15.0),
        .update = true,
    };
    publish(c, ticks);
}

void follow_time(struct client *c, uint64_t ticks)
{
    if (discipline_leap_done(&c->discipline, ticks)) {
        clock_publish(c->clock, &c->discipline.line);
        follow_event(c, CLIENT_LEAP_DONE, -1, ticks, 0);
    }
    if (c->set && !c->overdue && reached(ticks, c->overdue_ticks))
        coast(c, ticks);
    if (c->local) {
        if (span(c, c->update_ticks, ticks) >= LOCAL_REFRESH_SECONDS)
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

    return reached(when, other) ? other : when;
}

uint64_t follow_next(const struct client *c)
{
    uint64_t from = c->discipline.line.base_ticks;
    uint64_t next = from + ((uint64_t)1 << 62); /* not in years */

    if (c->waiting)
        next = sooner(c, next, c->replied_ticks, FOLLOW_MAJORITY_WAIT);
    if (c->set && !c->overdue && reached(next, c->overdue_ticks))
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
        next = sooner(c, next, from, ntp_span_seconds(wait) + 1);
    }
    return next;
}
