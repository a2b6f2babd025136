/* SPDX-License-Identifier: BSD-2-Clause */
/* Does the counter leap, or change its rate, against other clocks? */
#include "arch/tsc_watch.h"

#include "arch/cpu.h"
#include "arch/tsc_measure.h"

#include <stddef.h>

#define FS_PER_SECOND 1000000000000000
#define FS_PER_NS     1000000
#define LEAST_WRAP_FS FS_PER_SECOND

#define LOOK_S      2
#define ANCHOR_S    64 /* a small change of the rate adds up that long */
#define BRACKETS    4  /* to choose from */
#define STRIKES     3
#define STRIKE_S    3600 /* after which one is forgotten */
#define LEAP_FS     (FS_PER_SECOND / 1000)
#define STEERED_PPB 600000 /* NTP steers a host's clock by 500 ppm */

__extension__ typedef __int128 i128;

/* What a clock says of the time since the anchor. */
struct opinion {
    bool valid;
    bool leapt;
    i128 diff_fs; /* the clock minus the counter, nearest to nothing */
    i128 doubt_fs;
    i128 wrap_fs;
};

static i128 wrap_fs(const struct counter_reference *ref)
{
    return (i128)(ref->mask + 1) * (i128)ref->period_fs;
}

static i128 magnitude(i128 x)
{
    return x < 0 ? -x : x;
}

/* The representative of `x` that is nearest to 0. */
static i128 nearest(i128 x, i128 modulus)
{
    x %= modulus;
    if (x > modulus / 2)
        x -= modulus;
    if (x < -(modulus / 2))
        x += modulus;
    return x;
}

static struct tsc_bracket tightest(const struct counter_reference *ref)
{
    struct tsc_bracket best = {.valid = false};

    for (unsigned i = 0; i < BRACKETS; i++) {
        struct tsc_bracket b;

        b.before = counter_read();
        ref->latch(ref->self);
        b.after = counter_read();
        b.valid = ref->fetch(ref->self, &b.count) && b.after >= b.before;
        if (b.valid &&
            (!best.valid || b.after - b.before < best.after - best.before))
            best = b;
    }
    return best;
}

static i128 ticks_fs_at(uint64_t hz, uint64_t ticks)
{
    return (i128)(int64_t)ticks * FS_PER_SECOND / (int64_t)hz;
}

static i128 ticks_fs(const struct tsc_watch_clock *c, uint64_t ticks)
{
    return ticks_fs_at(c->rate.hz, ticks);
}

static struct opinion ask(const struct tsc_watch_clock *c,
                          const struct tsc_bracket *then,
                          const struct tsc_bracket *now)
{
    struct opinion o = {.valid = now->valid && then->valid};

    if (!o.valid)
        return o;

    uint64_t counts = (now->count - then->count) & c->ref->mask;
    i128 by_clock = (i128)counts * (i128)c->ref->period_fs;
    i128 by_counter = ticks_fs(c, now->before - then->before);
    i128 ppb = (i128)c->rate.bound_ppb + c->ref->period_ppb + STEERED_PPB;

    o.wrap_fs = wrap_fs(c->ref);
    o.diff_fs = nearest(by_clock - by_counter, o.wrap_fs);
    o.doubt_fs = LEAP_FS + 2 * (i128)c->ref->period_fs +
                 ticks_fs(c, now->after - now->before) +
                 ticks_fs(c, then->after - then->before) +
                 magnitude(by_counter) / PPB * ppb;
    /* Nobody came by for so long that it may say anything. */
    o.valid = o.doubt_fs < o.wrap_fs / 4;
    o.leapt = o.valid && magnitude(o.diff_fs) > o.doubt_fs;
    return o;
}

/* Did it see that leap too, but for how often it wrapped? */
static bool bears_out(const struct opinion *o, const struct opinion *leap)
{
    return o->leapt ||
           magnitude(nearest(o->diff_fs - leap->diff_fs, o->wrap_fs)) <=
               o->doubt_fs + leap->doubt_fs;
}

/* A bound that has become wider was not measured better. */
static void learn_rate(struct tsc_watch_clock *c, const struct tsc *t)
{
    const struct tsc_rate *rate = &t->measured[c->index];

    if (rate->valid && rate->bound_ppb < c->rate.bound_ppb)
        c->rate = *rate;
}

/* From here on, by what was just read. */
static void anchor(struct tsc_watch *w, const struct tsc *t)
{
    for (unsigned i = 0; i < w->count; i++) {
        learn_rate(&w->clock[i], t);
        w->clock[i].older = w->clock[i].anchor;
        w->clock[i].anchor = w->clock[i].last;
    }
    w->anchor_ticks = w->last_ticks;
}

/* What was before it leapt tells no more. */
static void anchor_anew(struct tsc_watch *w, const struct tsc *t)
{
    anchor(w, t);
    for (unsigned i = 0; i < w->count; i++)
        w->clock[i].older = w->clock[i].anchor;
}

static void note_looks(struct tsc_watch *w, const struct tsc_bracket *seen,
                       uint64_t now)
{
    for (unsigned i = 0; i < w->count; i++)
        w->clock[i].last = seen[i];
    w->last_ticks = now;
}

static void read_all(const struct tsc_watch *w, struct tsc_bracket *seen)
{
    for (unsigned i = 0; i < w->count; i++)
        seen[i] = tightest(w->clock[i].ref);
}

void tsc_watch_start(struct tsc_watch *w, const struct tsc *t)
{
    struct tsc_bracket seen[TSC_REFERENCES_MAX];

    *w = (struct tsc_watch){0};
    for (unsigned r = 0; r < t->count; r++)
        if (t->measured[r].valid && wrap_fs(t->work[r].ref) >= LEAST_WRAP_FS)
            w->clock[w->count++] = (struct tsc_watch_clock){
                .ref = t->work[r].ref, .index = r, .rate = t->measured[r]};
    read_all(w, seen);
    note_looks(w, seen, counter_read());
    anchor_anew(w, t);
}

static void leave_out(struct tsc_watch *w, unsigned i)
{
    w->count--;
    for (; i < w->count; i++)
        w->clock[i] = w->clock[i + 1];
}

/* Of those that saw a leap, the one that wraps last; -1: nobody did. */
static int witness(const struct tsc_watch *w, const struct opinion *o)
{
    int best = -1;

    for (int i = 0; i < (int)w->count; i++)
        if (o[i].leapt && (best < 0 || o[i].wrap_fs > o[best].wrap_fs))
            best = i;
    return best;
}

static bool is_alone(const struct tsc_watch *w, const struct opinion *o,
                     int seen)
{
    for (int i = 0; i < (int)w->count; i++)
        if (i != seen && o[i].valid && !bears_out(&o[i], &o[seen]))
            return true;
    return false;
}

/*
 * Was it behind since one of the anchors, by as much as it has run ahead since
 * the last look?  A timer that stood still on a busy host makes up for that.
 */
static bool made_up(const struct tsc_watch_clock *c,
                    const struct tsc_bracket *seen, const struct opinion *leap)
{
    const struct opinion since[] = {ask(c, &c->anchor, seen),
                                    ask(c, &c->older, seen)};

    for (unsigned i = 0; i < 2; i++)
        if (leap->diff_fs > 0 && since[i].valid && !since[i].leapt &&
            since[i].diff_fs <= leap->doubt_fs)
            return true;
    return false;
}

/*
 * What was seen since the last look.  True: somebody made up for a lag, and all
 * that is left to say is in `o`.
 */
static bool ask_all(const struct tsc_watch *w, const struct tsc_bracket *seen,
                    struct opinion *o)
{
    bool made = false;

    for (unsigned i = 0; i < w->count; i++) {
        o[i] = ask(&w->clock[i], &w->clock[i].last, &seen[i]);
        if (!o[i].leapt || !made_up(&w->clock[i], &seen[i], &o[i]))
            continue;
        o[i].leapt = false;
        made = true;
    }
    return made;
}

/*
 * Who saw a leap since the last look, or since the anchor; -1: nobody.  Then
 * the anchor may tell no more, since it lags behind what was made up for.
 */
static int look(const struct tsc_watch *w, const struct tsc_bracket *seen,
                struct opinion *o, bool *made)
{
    int who;

    *made = ask_all(w, seen, o);
    who = witness(w, o);
    if (who >= 0 || *made)
        return who;
    for (unsigned i = 0; i < w->count; i++)
        o[i] = ask(&w->clock[i], &w->clock[i].anchor, &seen[i]);
    return witness(w, o);
}

/* It is the clock's own leap, if that one is alone with it. */
static bool is_credible(struct tsc_watch *w, const struct opinion *o, int who,
                        const char **odd)
{
    struct tsc_watch_clock *c = &w->clock[who];

    if (!is_alone(w, o, who))
        return true;
    if (w->last_ticks - c->strike_ticks > STRIKE_S * c->rate.hz)
        c->strikes = 0;
    c->strike_ticks = w->last_ticks;
    if (++c->strikes == STRIKES) {
        *odd = c->ref->name;
        leave_out(w, (unsigned)who);
    }
    return false;
}

bool tsc_watch_look(struct tsc_watch *w, const struct tsc *t,
                    struct tsc_leap *leap, const char **odd)
{
    struct tsc_bracket seen[TSC_REFERENCES_MAX];
    struct opinion o[TSC_REFERENCES_MAX];
    uint64_t now = counter_read();
    uint64_t before = w->last_ticks;

    *odd = NULL;
    if (now - before < LOOK_S * t->best.hz)
        return false;
    read_all(w, seen);

    bool made;
    int who = look(w, seen, o, &made);

    note_looks(w, seen, now);
    if (who < 0 && now < before)
        *leap = (struct tsc_leap){
            .by = "itself",
            .ns = (int64_t)(ticks_fs_at(t->best.hz, before - now) / FS_PER_NS),
        };
    if (who >= 0)
        *leap = (struct tsc_leap){
            .by = w->clock[who].ref->name,
            .ns = (int64_t)(o[who].diff_fs / FS_PER_NS),
            .wrap_ns = (uint64_t)(o[who].wrap_fs / FS_PER_NS),
        };
    if (who >= 0 || made || now < before)
        anchor_anew(w, t);
    else if (now - w->anchor_ticks >= ANCHOR_S * t->best.hz)
        anchor(w, t);
    /* No clock is needed to see that it went back. */
    return now < before || (who >= 0 && is_credible(w, o, who, odd));
}
