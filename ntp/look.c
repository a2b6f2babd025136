/* SPDX-License-Identifier: BSD-2-Clause */
/* How each source stands, and what they say together. */
#include "ntp/look.h"

#include "ntp/client_parts.h"
#include "ntp/real.h"

#define NANO 1e-9

#define FREQUENCY_ERROR_LEAST 1e-12

double look_distance(const struct client *c, const struct source *s,
                     uint64_t ticks)
{
    double age = client_span(c, s->sample_ticks, ticks);

    return (ntp_short_seconds(s->header.root_delay) + s->filter.delay) / 2 +
           ntp_short_seconds(s->header.root_dispersion) +
           CLIENT_SIGMAS * filter_error_after(&s->filter, age) +
           DISCIPLINE_PHI * age;
}

uint8_t look_stratum(const struct source *s)
{
    uint8_t stratum = s->header.stratum;

    /* One that is copied counts as what it follows itself. */
    if (s->config.copy && stratum > 0)
        stratum--;
    return stratum > s->config.minstratum ? stratum : s->config.minstratum;
}

static double oldest_sample(const struct source *s)
{
    return s->filter.sample[0].when;
}

/*
 * `maxunreach`: it does not answer, but what it said may still be followed, if
 * it is not all older than what any source that answers has said.
 */
static bool lingers(const struct client *c, const struct source *s)
{
    if (s->config.maxunreach == 0 || s->unreach > s->config.maxunreach)
        return false;
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        const struct source *other = &c->source[slot];
        if (other->used && other->reach != 0 && other->filter.total > 0 &&
            s->filter.when < oldest_sample(other))
            return false;
    }
    return true;
}

/* Ours is one more, and 16 is no stratum. */
static bool stratum_fits(const struct client *c, const struct source *s)
{
    return look_stratum(s) <= c->config->maxstratum && look_stratum(s) < 15;
}

/* `local orphan`: does it serve its own time, or follow somebody who does? */
static bool is_orphan(const struct client *c, const struct source *s)
{
    const struct local_config *k = &c->config->local;

    return k->enabled && k->orphan && !s->refclock.present &&
           look_stratum(s) >= k->stratum;
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
        return s->sent > CLIENT_REACH_BITS ? SOURCE_UNREACHABLE
                                           : SOURCE_NO_SAMPLE;
    if (s->reach == 0 && !lingers(c, s))
        return SOURCE_UNREACHABLE;
    if (s->noselect)
        return SOURCE_NOSELECT;
    if (!stratum_fits(c, s))
        return SOURCE_STRATUM;
    if (look_distance(c, s, ticks) > NANO * (double)c->config->maxdistance_ns)
        return SOURCE_DISTANCE;
    if (filter_noise(&s->filter) > NANO * (double)c->config->maxjitter_ns)
        return SOURCE_JITTERY;
    return is_orphan(c, s) ? SOURCE_ORPHAN : SOURCE_COMBINED;
}

static void fill(const struct client *c, int slot, uint64_t ticks,
                 struct candidate *to)
{
    const struct source *s = &c->source[slot];
    struct filter_estimate e;

    filter_at(&s->filter, discipline_raw(&c->discipline, ticks), &e);
    *to = (struct candidate){
        .slot = slot,
        .stratum = look_stratum(s),
        .prefer = s->config.prefer,
        .trust = s->trust,
        .require = s->require,
        .offset = e.offset,
        .distance = look_distance(c, s, ticks),
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
        client_note(c, CLIENT_UNUSABLE, slot, ticks, ahead);
    if (state >= SOURCE_NOT_PREFERRED && (s->named || is_news(before))) {
        s->named = false;
        client_note(c, CLIENT_TRUECHIMER, slot, ticks, ahead);
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
            client_note(c, CLIENT_FALSETICKER, k[i].slot, ticks,
                        k[i].offset - ours);
        }
    }
    if (divided && !c->divided && !c->waiting)
        client_note(c, CLIENT_NO_MAJORITY, -1, ticks, 0);
    c->divided = divided && !c->waiting;
}

/* Within a day of a leap second, which is when others smear it. */
static bool is_leap_day(const struct client *c, uint64_t ticks)
{
    const struct clock_line *line = &c->discipline.line;
    ntp_date date = clock_unleapt(line, ticks);
    ntp_span day = ntp_date_from_seconds(86400);

    return (date > line->leap_date - day && line->leap != LEAP_UNKNOWN) ||
           (c->leapt_date != 0 && date < c->leapt_date + day);
}

/* By what it says itself, or by how far it is off on such a day. */
static bool is_smearing(const struct client *c, const struct candidate *k,
                        const struct selection *s, bool leap_day)
{
    double away = real_abs(k->offset - s->offset);

    if (c->source[k->slot].header.reference_id == SMEAR_REFERENCE_ID)
        return true;
    return leap_day && s->agree > 0 && k->state == SOURCE_FALSETICKER &&
           away < 1 + k->distance;
}

/* Smeared time and UTC do not mix: name whoever smears among others. */
static void name_smearers(struct client *c, uint64_t ticks,
                          const struct view *v)
{
    bool leap_day = is_leap_day(c, ticks);
    unsigned smearing = 0;

    for (unsigned i = 0; i < v->candidates; i++)
        smearing += is_smearing(c, &v->candidate[i], &v->selection, leap_day);
    for (unsigned i = 0; i < v->candidates; i++) {
        const struct candidate *k = &v->candidate[i];
        struct source *s = &c->source[k->slot];
        bool mixed = smearing < v->candidates &&
                     is_smearing(c, k, &v->selection, leap_day);

        if (mixed && !s->smears)
            client_note(c, CLIENT_SMEARER, k->slot, ticks, 0);
        s->smears = mixed;
    }
}

static void notice_reachability(struct client *c, int slot, uint64_t ticks)
{
    struct source *s = &c->source[slot];
    bool reachable = s->reach != 0;
    /* One that has never answered was not reachable before either. */
    bool silent = s->filter.total == 0 && s->unanswered >= CLIENT_REACH_BITS;

    if (reachable != s->reachable || (silent && !s->silent))
        client_note(c, reachable ? CLIENT_REACHABLE : CLIENT_UNREACHABLE, slot,
                    ticks, 0);
    s->reachable = reachable;
    s->silent = silent;
}

/* By what one of that family may know us: the least of our identifiers. */
static bool own_id(const struct client *c, bool v4, uint32_t *id)
{
    bool found = false;

    for (unsigned i = 0; i < c->own_ids; i++) {
        if (c->own_v4[i] != v4 || (found && c->own_id[i] >= *id))
            continue;
        *id = c->own_id[i];
        found = true;
    }
    return found;
}

/*
 * Of those that are all without a better source, the one with the least
 * reference identifier leads, and the others follow it.  Returns its slot, or
 * -1 if there is none or it is us.
 */
static int find_orphan(const struct client *c)
{
    uint32_t least = 0;
    int leader = -1;

    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        const struct source *s = &c->source[slot];
        uint32_t ours = 0;
        uint32_t id;

        if (!s->used || s->state != SOURCE_ORPHAN || s->reach == 0 ||
            look_stratum(s) != c->config->local.stratum)
            continue;
        id = peer_reference_id(&s->address);
        if (!own_id(c, ip_is_v4(&s->address), &ours) || id >= ours ||
            (leader >= 0 && id >= least))
            continue;
        least = id;
        leader = slot;
    }
    return leader;
}

void look(struct client *c, uint64_t ticks, struct view *v)
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
    int orphan = v->candidates == 0 ? find_orphan(c) : -1;
    if (orphan >= 0)
        fill(c, orphan, ticks, &v->candidate[v->candidates++]);
    select_sources(v->candidate, v->candidates, c->config, c->leader, required,
                   &v->selection);
    for (unsigned i = 0; i < v->candidates; i++) {
        const struct candidate *k = &v->candidate[i];
        enter(c, k->slot, k->state, ticks, k->offset - ours);
    }
    name_falsetickers(c, ticks, v->candidate, v->candidates,
                      v->selection.agree);
    name_smearers(c, ticks, v);
}
