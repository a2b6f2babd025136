/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sources are right, which one leads, and what they say together. */
#include "ntp/select.h"

#include "ntp/real.h"

#include <stddef.h>

#define NANO 1e-9

/* Unseen differences between paths, as a part of root distance: in combining,
 * even a very steady source does not outweigh the others for it. */
#define PATH_PART 0.05

/* A correctness interval's lower end, middle or upper end; RFC 5905, 11.2.1. */
struct edge {
    double at;
    int type; /* -1, 0, +1 */
};

struct edges {
    struct edge edge[3 * CLIENT_SOURCES_MAX];
    unsigned count;
};

static void add_edge(struct edges *e, double at, int type)
{
    unsigned i = e->count++;

    /* Of ends that coincide, the lower comes first: touching is agreeing. */
    for (; i > 0 && (e->edge[i - 1].at > at ||
                     (e->edge[i - 1].at == at && e->edge[i - 1].type > type));
         i--)
        e->edge[i] = e->edge[i - 1];
    e->edge[i] = (struct edge){at, type};
}

struct interval {
    double low, high;
    bool found;
};

/*
 * The smallest interval that holds a point of the intervals of all but `allow`
 * sources, if no more than `allow` have their middle outside it.
 */
static struct interval intersect(const struct edges *e, unsigned sources,
                                 unsigned allow)
{
    struct interval in = {0};
    int need = (int)(sources - allow);
    unsigned outside = 0;
    bool low = false;
    bool high = false;
    int chime = 0;

    for (unsigned i = 0; i < e->count && !low; i++) {
        chime -= e->edge[i].type;
        in.low = e->edge[i].at;
        low = chime >= need;
        outside += !low && e->edge[i].type == 0;
    }
    chime = 0;
    for (unsigned i = e->count; i > 0 && !high; i--) {
        chime += e->edge[i - 1].type;
        in.high = e->edge[i - 1].at;
        high = chime >= need;
        outside += !high && e->edge[i - 1].type == 0;
    }
    in.found = low && high && outside <= allow && in.low <= in.high;
    return in;
}

/* Of the trusted ones, or of all: with fewer falsetickers than truechimers. */
static struct interval majority(const struct candidate *all, unsigned n,
                                bool trusted_only)
{
    struct edges e = {.count = 0};
    struct interval in = {0};
    unsigned sources = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct candidate *c = &all[i];
        if (trusted_only && !c->trust)
            continue;
        add_edge(&e, c->offset - c->distance, -1);
        add_edge(&e, c->offset, 0);
        add_edge(&e, c->offset + c->distance, 1);
        sources++;
    }
    for (unsigned allow = 0; 2 * allow < sources && !in.found; allow++)
        in = intersect(&e, sources, allow);
    return in;
}

static bool overlaps(const struct candidate *c, const struct interval *in)
{
    return c->offset - c->distance <= in->high &&
           c->offset + c->distance >= in->low;
}

/* Mark the truechimers SOURCE_COMBINED, for now; returns how many there are. */
static unsigned find_truechimers(struct candidate *all, unsigned n)
{
    unsigned agree = 0;
    bool trusted = false;

    for (unsigned i = 0; i < n; i++)
        trusted |= all[i].trust;

    struct interval in = majority(all, n, trusted);
    for (unsigned i = 0; i < n; i++) {
        struct candidate *c = &all[i];
        if (in.found && overlaps(c, &in)) {
            c->state = SOURCE_COMBINED;
            agree++;
        } else {
            c->state =
                trusted && !c->trust ? SOURCE_UNTRUSTED : SOURCE_FALSETICKER;
        }
    }
    return agree;
}

/* All that would be followed wait instead. */
static void make_wait(struct candidate *all, unsigned n,
                      enum source_state state)
{
    for (unsigned i = 0; i < n; i++) {
        if (all[i].state == SOURCE_COMBINED)
            all[i].state = state;
    }
}

static bool has_required(const struct candidate *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (all[i].state == SOURCE_COMBINED && all[i].require)
            return true;
    }
    return false;
}

/* If any of them is preferred, the others are not followed. */
static void heed_prefer(struct candidate *all, unsigned n)
{
    bool preferred = false;

    for (unsigned i = 0; i < n; i++)
        preferred |= all[i].state == SOURCE_COMBINED && all[i].prefer;
    for (unsigned i = 0; i < n && preferred; i++) {
        if (all[i].state == SOURCE_COMBINED && !all[i].prefer)
            all[i].state = SOURCE_NOT_PREFERRED;
    }
}

/* The least distance, with a bonus for the leader until now. */
static int find_leader(const struct candidate *all, unsigned n,
                       const struct client_config *config, int last)
{
    double least = 0;
    int leader = -1;

    for (unsigned i = 0; i < n; i++) {
        if (all[i].state != SOURCE_COMBINED)
            continue;
        double d = all[i].distance +
                   NANO * (double)config->stratumweight_ns * all[i].stratum;
        if (all[i].slot == last)
            d -= NANO * (double)config->reselectdist_ns;
        if (leader < 0 || d < least) {
            leader = (int)i;
            least = d;
        }
    }
    return leader;
}

static double square(double x)
{
    return x * x;
}

/* Weigh each by what is known of its error; RFC 5905, 11.2.3. */
static void combine(struct candidate *all, unsigned n,
                    const struct client_config *config, struct selection *s)
{
    struct candidate *leader = &all[s->leader];
    double limit = 1e-3 * config->combinelimit_permille * leader->distance;
    double offsets = 0;
    double frequencies = 0;

    for (unsigned i = 0; i < n; i++) {
        struct candidate *c = &all[i];
        if (c->state != SOURCE_COMBINED)
            continue;
        if (c != leader && c->distance > limit) {
            c->state = SOURCE_OUTLIER;
            continue;
        }
        c->weight = 1 / (square(c->error) + square(PATH_PART * c->distance));
        offsets += c->weight;
        frequencies += 1 / square(c->frequency_error);
        s->combined++;
    }
    for (unsigned i = 0; i < n; i++) {
        struct candidate *c = &all[i];
        if (c->state != SOURCE_COMBINED)
            continue;
        c->weight /= offsets;
        s->offset += c->weight * c->offset;
        s->error += c->weight * c->error;
        double f = 1 / square(c->frequency_error) / frequencies;
        s->frequency += f * c->frequency;
        s->frequency_error += f * c->frequency_error;
    }
    leader->state = SOURCE_SELECTED;
    s->spread = real_abs(leader->offset - s->offset);
}

void select_sources(struct candidate *all, unsigned n,
                    const struct client_config *config, int last, bool required,
                    struct selection *result)
{
    *result = (struct selection){.leader = -1};
    for (unsigned i = 0; i < n; i++)
        all[i].weight = 0;

    result->agree = find_truechimers(all, n);
    if (result->agree == 0)
        return;
    if (result->agree < config->minsources) {
        make_wait(all, n, SOURCE_WAITS_SOURCES);
        return;
    }
    if (required && !has_required(all, n)) {
        make_wait(all, n, SOURCE_WAITS_REQUIRED);
        return;
    }
    heed_prefer(all, n);
    result->leader = find_leader(all, n, config, last);
    combine(all, n, config, result);
}
