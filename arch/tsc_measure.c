/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter against its references, by brackets: tsc.c's other half. */
#include "arch/tsc_measure.h"

#include "arch/cpu.h"

#include <stddef.h>

#define FS_PER_SECOND 1000000000000000u
#define WINDOW_FS     (FS_PER_SECOND / 50)
/* The PIT wraps too soon for more. */
#define PIT_WINDOW_FS  (FS_PER_SECOND / 125)
#define BRACKETS       24 /* to choose from at each end */
#define ATTEMPTS       16 /* at a window, if only the PIT is there */
#define QUICK          64 /* a gap is quick if below so many of the shortest */
#define QUICK_LOOKS    8
#define QUICK_COUNTS   1000     /* of the PIT, 0.8 ms */
#define ROUGH_PPB      30000000 /* 3 %: each run of quick gaps is a count off */
#define STUCK_LOOKS    (1u << 17) /* in vain; 10 ms or more */
#define SHORT_WRAP_FS  FS_PER_SECOND
#define LEAPS_TO_DOUBT 2

/* Brackets. */

static struct tsc_bracket bracket(const struct counter_reference *ref)
{
    struct tsc_bracket b;

    b.before = counter_read();
    ref->latch(ref->self);
    b.after = counter_read();
    b.valid = ref->fetch(ref->self, &b.count) && b.after >= b.before;
    return b;
}

static void keep_tighter(struct tsc_bracket *kept, struct tsc_bracket b)
{
    if (b.valid &&
        (!kept->valid || b.after - b.before < kept->after - kept->before))
        *kept = b;
}

/* The references take turns, so that a disturbance hits no single one. */
static void tightest_of_all(const struct tsc *t, struct tsc_bracket *kept)
{
    for (unsigned r = 0; r < t->count; r++)
        kept[r].valid = false;
    for (unsigned i = 0; i < BRACKETS; i++)
        for (unsigned r = 0; r < t->count; r++)
            keep_tighter(&kept[r], bracket(t->work[r].ref));
}

/* Intervals. */

struct interval {
    uint64_t low_hz;
    uint64_t high_hz;
};

/*
 * All rates that two brackets allow, `counts` apart.  The counts were taken
 * within the brackets, and each anywhere within its count.
 */
static bool rates_between(const struct counter_reference *ref,
                          const struct tsc_bracket *start,
                          const struct tsc_bracket *end, uint64_t counts,
                          struct interval *out)
{
    if (counts < 2 || end->before <= start->after)
        return false;

    u128 shortest = (u128)(counts - 1) * ref->period_fs;
    u128 longest = (u128)(counts + 1) * ref->period_fs;

    shortest -= shortest / PPB * ref->period_ppb;
    longest += (longest / PPB + 1) * ref->period_ppb;
    out->low_hz = u64_saturate((u128)(end->before - start->after) *
                               FS_PER_SECOND / longest);
    out->high_hz = u64_saturate(
        (u128)(end->after - start->before) * FS_PER_SECOND / shortest + 1);
    return true;
}

static void publish(struct tsc *t, unsigned r)
{
    const struct tsc_measurement *m = &t->work[r];
    uint64_t hz = m->low_hz + (m->high_hz - m->low_hz) / 2;

    t->measured[r] = (struct tsc_rate){.name = m->ref->name, .hz = hz};
    if (hz == 0)
        return;
    t->measured[r].bound_ppb = ppb_of(m->high_hz - hz, hz);
    t->measured[r].valid = true;
}

/*
 * How far a reference has come since the origin, given about how fast the
 * counter runs.  False where that is not known well enough to tell the number
 * of times that it wrapped.
 */
static bool unwrap(const struct tsc_measurement *m,
                   const struct tsc_bracket *end, const struct tsc_rate *about,
                   uint64_t *counts)
{
    uint64_t wrap = m->ref->mask + 1;
    uint64_t low = (end->count - m->origin.count) & m->ref->mask;
    u128 fs =
        (u128)(end->before - m->origin.before) * FS_PER_SECOND / about->hz;
    u128 expected = fs / m->ref->period_fs;
    u128 doubt = expected * about->bound_ppb / PPB;

    if (end->before < m->origin.before || doubt >= wrap / 4)
        return false;
    *counts = low;
    if (expected + wrap / 2 > low)
        *counts += u64_saturate((expected + wrap / 2 - low) / wrap) * wrap;
    return true;
}

/* The window. */

static u128 wrap_fs(const struct counter_reference *ref)
{
    return (u128)(ref->mask + 1) * ref->period_fs;
}

/* The working reference that wraps last: the window is timed by it. */
static int pacemaker(const struct tsc *t, const struct tsc_bracket *start)
{
    int best = -1;

    for (int r = 0; r < (int)t->count; r++)
        if (start[r].valid &&
            (best < 0 || wrap_fs(t->work[r].ref) > wrap_fs(t->work[best].ref)))
            best = r;
    return best;
}

/*
 * The quick looks at the reference while waiting: the virtual CPU was not away
 * from the beginning of one to the end of the next, so that they tell the rate
 * roughly, whatever wrapped in longer gaps.
 */
struct watch {
    struct tsc_bracket last;
    uint64_t shortest_ticks; /* of two looks; 0: there were none */
    uint64_t quick_ticks;    /* sums over those not much longer than that */
    uint64_t quick_counts;
    unsigned quick_looks;
};

static void look(struct watch *w, const struct tsc_bracket *b, uint64_t counts)
{
    uint64_t both = b->after - w->last.before;

    if (w->shortest_ticks == 0 || both < w->shortest_ticks / QUICK) {
        w->quick_ticks = 0;
        w->quick_counts = 0;
        w->quick_looks = 0;
    }
    if (w->shortest_ticks == 0 || both < w->shortest_ticks)
        w->shortest_ticks = both;
    if (both / QUICK <= w->shortest_ticks) {
        w->quick_ticks += b->after - w->last.after;
        w->quick_counts += counts;
        w->quick_looks++;
    }
    w->last = *b;
}

/* Wait for the window to pass.  False: the reference does not run. */
static bool wait_window(const struct counter_reference *ref,
                        const struct tsc_bracket *start, struct watch *w)
{
    uint64_t wanted = WINDOW_FS / ref->period_fs;
    uint64_t counts = 0;
    unsigned still = 0;

    *w = (struct watch){.last = *start};
    while (counts < wanted) {
        struct tsc_bracket b = bracket(ref);
        uint64_t more = (b.count - w->last.count) & ref->mask;

        if ((!b.valid || more == 0) && ++still == STUCK_LOOKS)
            return false;
        if (!b.valid)
            continue;
        if (more != 0)
            still = 0;
        counts += more;
        look(w, &b, more);
    }
    return true;
}

static void measure_one(struct tsc *t, unsigned r,
                        const struct tsc_bracket *end,
                        const struct tsc_rate *about)
{
    struct tsc_measurement *m = &t->work[r];
    struct interval found;
    uint64_t counts = (end->count - m->origin.count) & m->ref->mask;

    if (m->origin.valid && end->valid &&
        (about == NULL || unwrap(m, end, about, &counts)) &&
        rates_between(m->ref, &m->origin, end, counts, &found)) {
        m->low_hz = found.low_hz;
        m->high_hz = found.high_hz;
    }
    publish(t, r);
}

enum window { WINDOW_DONE, WINDOW_STUCK, WINDOW_TORN };

/* The rate, roughly; false if the virtual CPU was away nearly all the time. */
static bool rough_rate(const struct counter_reference *ref,
                       const struct watch *w, struct tsc_rate *about)
{
    if (w->quick_counts < QUICK_COUNTS || w->quick_looks < QUICK_LOOKS)
        return false;
    *about = (struct tsc_rate){
        .hz = u64_saturate((u128)w->quick_ticks * FS_PER_SECOND /
                           ((u128)w->quick_counts * ref->period_fs)),
        .bound_ppb = ROUGH_PPB,
    };
    return about->hz > 0;
}

/*
 * A PIT alone wraps every 55 ms, for which the virtual CPU may well be away.
 * The others are taken not to wrap in the window.
 */
static bool measure_pace(struct tsc *t, unsigned pace,
                         const struct tsc_bracket *end, const struct watch *w)
{
    const struct counter_reference *ref = t->work[pace].ref;
    struct tsc_rate about;

    if (wrap_fs(ref) >= SHORT_WRAP_FS) {
        measure_one(t, pace, end, NULL);
        return true;
    }
    if (!rough_rate(ref, w, &about))
        return false;
    measure_one(t, pace, end, &about);
    return t->measured[pace].valid;
}

static enum window try_window(struct tsc *t)
{
    struct tsc_bracket start[TSC_REFERENCES_MAX];
    struct tsc_bracket end[TSC_REFERENCES_MAX];
    struct watch w;

    tightest_of_all(t, start);

    int pace = pacemaker(t, start);

    if (pace < 0)
        return WINDOW_DONE;
    for (unsigned r = 0; r < t->count; r++)
        t->work[r].origin = start[r];

    if (!wait_window(t->work[pace].ref, &start[pace], &w)) {
        t->work[pace].ref = NULL;
        return WINDOW_STUCK;
    }
    tightest_of_all(t, end);
    if (!measure_pace(t, (unsigned)pace, &end[pace], &w))
        return WINDOW_TORN;
    for (unsigned r = 0; r < t->count; r++)
        if ((int)r != pace && t->measured[pace].valid)
            measure_one(t, r, &end[r], &t->measured[pace]);
    return WINDOW_DONE;
}

/* A reference that does not run is no longer one. */
static void drop_stuck(struct tsc *t)
{
    unsigned kept = 0;

    for (unsigned r = 0; r < t->count; r++)
        if (t->work[r].ref != NULL)
            t->work[kept++] = t->work[r];
    t->count = kept;
}

void tsc_wait_window(struct tsc *t)
{
    unsigned torn = 0;

    for (unsigned r = 0; r < t->count; r++)
        t->work[r] = (struct tsc_measurement){.ref = t->work[r].ref};
    for (enum window w; (w = try_window(t)) != WINDOW_DONE;) {
        if (w == WINDOW_STUCK)
            drop_stuck(t);
        else if (++torn == ATTEMPTS)
            break;
    }
    for (unsigned r = 0; r < t->count; r++)
        publish(t, r);
}

void tsc_take_window(struct tsc *t, const struct counter_reference *refs,
                     unsigned count)
{
    t->count = count < TSC_REFERENCES_MAX ? count : TSC_REFERENCES_MAX;
    for (unsigned r = 0; r < t->count; r++)
        t->work[r].ref = &refs[r];
    tsc_wait_window(t);
}

/* A window that nobody waits for. */

uint64_t tsc_open_window(struct tsc *t)
{
    struct tsc_bracket start[TSC_REFERENCES_MAX];
    uint64_t window_fs = PIT_WINDOW_FS;

    tightest_of_all(t, start);
    for (unsigned r = 0; r < t->count; r++) {
        t->work[r].origin = start[r];
        if (t->measured[r].valid && wrap_fs(t->work[r].ref) >= SHORT_WRAP_FS)
            window_fs = WINDOW_FS;
    }
    return counter_read() +
           u64_saturate((u128)t->best.hz * window_fs / FS_PER_SECOND);
}

/*
 * By the rate of before, the window took less than a quarter of what the
 * reference needs to wrap: then it has not, if the counter is at most four
 * times as fast now.
 */
static bool has_not_wrapped(const struct tsc *t, unsigned r,
                            const struct tsc_bracket *end)
{
    u128 fs = (u128)(end->after - t->work[r].origin.before) * FS_PER_SECOND /
              t->best.hz;

    return fs < wrap_fs(t->work[r].ref) / 4;
}

bool tsc_close_window(struct tsc *t)
{
    struct tsc_bracket end[TSC_REFERENCES_MAX];

    tightest_of_all(t, end);
    for (unsigned r = 0; r < t->count; r++)
        end[r].valid &= t->work[r].origin.valid && t->measured[r].valid &&
                        end[r].before >= t->work[r].origin.before;

    int pace = pacemaker(t, end);

    if (pace < 0)
        return t->told_count > 0;
    if (!has_not_wrapped(t, (unsigned)pace, &end[pace]))
        return false;
    for (unsigned r = 0; r < t->count; r++) {
        t->work[r].low_hz = t->work[r].high_hz = 0;
        t->work[r].leaps = 0;
    }
    measure_one(t, (unsigned)pace, &end[pace], NULL);
    for (unsigned r = 0; r < t->count; r++)
        if ((int)r != pace)
            measure_one(t, r, &end[r],
                        t->measured[pace].valid ? &t->measured[pace]
                                                : &t->best);
    return t->measured[pace].valid;
}

/* Looking again. */

static uint64_t width(const struct interval *i)
{
    return i->high_hz - i->low_hz;
}

static bool contradicts(const struct tsc_measurement *m,
                        const struct interval *found)
{
    return found->low_hz > m->high_hz || found->high_hz < m->low_hz;
}

/*
 * A span that is more precise replaces what is known, and confirms it.  The
 * overlap of the two would be narrower still, but after a leap too small to
 * contradict it may be next to nothing, and wrong.
 */
static void narrow(struct tsc_measurement *m, const struct interval *found)
{
    struct interval known = {m->low_hz, m->high_hz};

    if (width(found) > width(&known))
        return;
    m->leaps = 0;
    m->low_hz = found->low_hz;
    m->high_hz = found->high_hz;
}

/*
 * Either one of the two clocks leapt, or what is known is wrong.  If a span
 * contradicts again before one has confirmed, either may be right.
 */
static void note_leap(struct tsc_measurement *m, const struct interval *found)
{
    if (++m->leaps < LEAPS_TO_DOUBT)
        return;
    m->leaps = 0;
    if (found->low_hz < m->low_hz)
        m->low_hz = found->low_hz;
    if (found->high_hz > m->high_hz)
        m->high_hz = found->high_hz;
}

enum look { LOOK_NONE, LOOK_AGREES, LOOK_LEAPT, LOOK_UNKNOWN };

static enum look look_at(const struct tsc *t, unsigned r,
                         const struct tsc_bracket *end, struct interval *found)
{
    const struct tsc_measurement *m = &t->work[r];
    uint64_t counts;

    if (!end->valid || !t->measured[r].valid)
        return LOOK_NONE;
    if (!unwrap(m, end, &t->measured[r], &counts) ||
        !rates_between(m->ref, &m->origin, end, counts, found))
        return LOOK_UNKNOWN;
    return contradicts(m, found) ? LOOK_LEAPT : LOOK_AGREES;
}

/*
 * A leap of the counter may look like none on a clock that has wrapped since:
 * what a slowly wrapping one sees, the faster ones are told.
 */
void tsc_look_again(struct tsc *t)
{
    struct tsc_bracket end[TSC_REFERENCES_MAX];
    struct interval found[TSC_REFERENCES_MAX];
    enum look saw[TSC_REFERENCES_MAX];
    u128 leapt_fs = 0;

    tightest_of_all(t, end);
    for (unsigned r = 0; r < t->count; r++) {
        saw[r] = look_at(t, r, &end[r], &found[r]);
        if (saw[r] == LOOK_LEAPT && wrap_fs(t->work[r].ref) > leapt_fs)
            leapt_fs = wrap_fs(t->work[r].ref);
    }
    for (unsigned r = 0; r < t->count; r++) {
        struct tsc_measurement *m = &t->work[r];

        if (saw[r] == LOOK_NONE)
            continue;
        if (saw[r] == LOOK_LEAPT)
            note_leap(m, &found[r]);
        if (saw[r] == LOOK_AGREES && wrap_fs(m->ref) >= leapt_fs)
            narrow(m, &found[r]);
        else
            m->origin = end[r];
        publish(t, r);
    }
}
