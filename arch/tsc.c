/* SPDX-License-Identifier: BSD-2-Clause */
/* Is the counter invariant, and how fast does it run. */
#include "arch/tsc.h"

#include "arch/cpu.h"
#include "arch/log.h"

__extension__ typedef unsigned __int128 u128;

#define FS_PER_SECOND  1000000000000000u
#define PPB            1000000000u
#define WINDOW_FS      (FS_PER_SECOND / 50)
#define BRACKETS       24 /* to choose from at each end */
#define ATTEMPTS       16 /* at a window, if only the PIT is there */
#define QUICK          64 /* a gap is quick if below so many of the shortest */
#define QUICK_LOOKS    8
#define QUICK_COUNTS   1000     /* of the PIT, 0.8 ms */
#define ROUGH_PPB      30000000 /* 3 %: each run of quick gaps is a count off */
#define STUCK_LOOKS    (1u << 17) /* in vain; 10 ms or more */
#define SHORT_WRAP_FS  FS_PER_SECOND
#define REFINED_PPB    1000
#define REFINE_FIRST   4  /* a quarter of a second */
#define REFINE_LAST    64 /* seconds */
#define LEAPS_TO_DOUBT 2

/*
 * What a hypervisor or CPUID tells is the nominal or once calibrated rate: a
 * crystal is good for 100 ppm, and the host's clock may be steered by as much.
 */
#define TOLD_PPB 100000

/* A counter that is not invariant gets the tolerance of an ordinary clock. */
#define VARIANT_PPB 15000
#define WANDER_MAX  500000

void tsc_tell(struct tsc *t, const char *name, uint64_t hz)
{
    if (hz == 0 || t->told_count == TSC_TOLD_MAX)
        return;
    t->told[t->told_count++] = (struct tsc_rate){
        .name = name, .hz = hz, .bound_ppb = TOLD_PPB, .valid = true};
}

/* Core crystal times a ratio; parts may be missing.  SDM 2A, CPUID. */
static uint64_t rate_by_crystal(void)
{
    struct cpuid r = cpuid(0x15, 0);

    if (r.eax == 0 || r.ebx == 0)
        return 0;
    return (uint64_t)r.ecx * r.ebx / r.eax;
}

/* In kHz; VMware's leaf, which QEMU offers under KVM's signature as well. */
static uint64_t rate_by_hypervisor(void)
{
    uint32_t base = cpuid_hypervisor("VMwareVMware");

    if (base == 0)
        base = cpuid_hypervisor("KVMKVMKVM\0\0");
    if (base != 0x40000000)
        return 0;
    return (uint64_t)cpuid(0x40000010, 0).eax * 1000;
}

void tsc_init(struct tsc *t)
{
    *t = (struct tsc){.invariant = cpu_features()->invariant_tsc,
                      .refine_ticks = UINT64_MAX};
    tsc_tell(t, "CPUID 0x40000010", rate_by_hypervisor());
    tsc_tell(t, "CPUID 0x15", rate_by_crystal());
}

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

static uint64_t saturate(u128 value)
{
    return value > UINT64_MAX / 4 ? UINT64_MAX / 4 : (uint64_t)value;
}

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
    out->low_hz =
        saturate((u128)(end->before - start->after) * FS_PER_SECOND / longest);
    out->high_hz = saturate(
        (u128)(end->after - start->before) * FS_PER_SECOND / shortest + 1);
    return true;
}

static uint64_t ppb_of(uint64_t part, uint64_t whole)
{
    return saturate(((u128)part * PPB + whole - 1) / whole);
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
        *counts += saturate((expected + wrap / 2 - low) / wrap) * wrap;
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
        .hz = saturate((u128)w->quick_ticks * FS_PER_SECOND /
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

/* Verdicts. */

static const struct tsc_rate *opinion(const struct tsc *t, unsigned i)
{
    const struct tsc_rate *rate = i < t->told_count ? &t->told[i]
                                  : i - t->told_count < t->count
                                      ? &t->measured[i - t->told_count]
                                      : NULL;

    return rate;
}

static uint64_t apart(const struct tsc_rate *a, const struct tsc_rate *b)
{
    return a->hz > b->hz ? a->hz - b->hz : b->hz - a->hz;
}

static uint64_t bound_hz(const struct tsc_rate *a)
{
    return saturate((u128)a->hz * a->bound_ppb / PPB + 1);
}

static bool compatible(const struct tsc_rate *a, const struct tsc_rate *b)
{
    return apart(a, b) <= bound_hz(a) + bound_hz(b);
}

static unsigned supporters(const struct tsc *t, const struct tsc_rate *rate)
{
    const struct tsc_rate *other;
    unsigned n = 0;

    for (unsigned i = 0; (other = opinion(t, i)) != NULL; i++)
        n += other->valid && compatible(rate, other);
    return n;
}

/* Nobody has a majority: then the truth may be with any of them. */
static void cover_all(struct tsc *t)
{
    const struct tsc_rate *other;

    for (unsigned i = 0; (other = opinion(t, i)) != NULL; i++) {
        uint64_t reach = apart(&t->best, other) + bound_hz(other);

        if (other->valid && reach > bound_hz(&t->best))
            t->best.bound_ppb = ppb_of(reach, t->best.hz);
    }
}

/* The rate that most agree with, and of those the one best known. */
static void judge(struct tsc *t)
{
    const struct tsc_rate *a, *b;
    unsigned valid = 0;
    unsigned most = 0;

    t->best = (struct tsc_rate){.name = "nothing"};
    t->disagree = false;
    t->disagreement_ppb = 0;
    for (unsigned i = 0; (a = opinion(t, i)) != NULL; i++) {
        if (!a->valid)
            continue;
        valid++;

        unsigned n = supporters(t, a);

        if (n > most || (n == most && a->bound_ppb < t->best.bound_ppb)) {
            most = n;
            t->best = *a;
        }
        for (unsigned k = 0; k < i; k++) {
            b = opinion(t, k);
            if (!b->valid)
                continue;

            uint64_t ppb = ppb_of(apart(a, b), a->hz < b->hz ? a->hz : b->hz);

            if (ppb > t->disagreement_ppb)
                t->disagreement_ppb = ppb;
            if (!compatible(a, b))
                t->disagree = true;
        }
    }
    if (t->disagree && most * 2 <= valid)
        cover_all(t);
}

bool tsc_measure(struct tsc *t, const struct counter_reference *refs,
                 unsigned count)
{
    t->count = count < TSC_REFERENCES_MAX ? count : TSC_REFERENCES_MAX;
    for (unsigned r = 0; r < t->count; r++)
        t->work[r] = (struct tsc_measurement){.ref = &refs[r]};

    unsigned torn = 0;

    for (enum window w; (w = try_window(t)) != WINDOW_DONE;) {
        if (w == WINDOW_STUCK)
            drop_stuck(t);
        else if (++torn == ATTEMPTS)
            break;
    }
    for (unsigned r = 0; r < t->count; r++)
        publish(t, r);
    judge(t);
    t->refine_ticks = t->count > 0 && t->best.valid
                          ? counter_read() + t->best.hz / REFINE_FIRST
                          : UINT64_MAX;
    return t->best.valid;
}

/* Refining. */

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
static void refine_all(struct tsc *t)
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

/* What gave no result in the window does not run, and never will. */
static bool wants_refining(const struct tsc_rate *rate)
{
    return rate->valid && rate->bound_ppb >= REFINED_PPB;
}

/* When the shortest span under way has doubled. */
static uint64_t next_look(const struct tsc *t)
{
    uint64_t now = counter_read();
    uint64_t wait = t->best.hz * REFINE_LAST;
    bool done = true;

    for (unsigned r = 0; r < t->count; r++) {
        uint64_t span = now - t->work[r].origin.before;

        if (!wants_refining(&t->measured[r]))
            continue;
        done = false;
        if (span < wait)
            wait = span;
    }
    if (done)
        return UINT64_MAX;
    if (wait < t->best.hz / REFINE_FIRST)
        wait = t->best.hz / REFINE_FIRST;
    return now + wait;
}

bool tsc_refine(struct tsc *t, uint64_t *again_ticks)
{
    bool disagreed = t->disagree;

    *again_ticks = t->refine_ticks;
    if (counter_read() < t->refine_ticks)
        return false;
    refine_all(t);
    judge(t);
    t->refine_ticks = *again_ticks = next_look(t);
    return t->refine_ticks == UINT64_MAX || t->disagree != disagreed;
}

uint32_t tsc_wander_ppb(const struct tsc *t)
{
    uint64_t ppb = t->invariant ? 0 : VARIANT_PPB;

    if (t->disagree)
        ppb += t->disagreement_ppb;
    return ppb < WANDER_MAX ? (uint32_t)ppb : WANDER_MAX;
}

/* The log. */

#define PPM "%llu.%03llu ppm"
#define PPM_OF(ppb)                                                            \
    (unsigned long long)(ppb) / 1000, (unsigned long long)(ppb) % 1000

static void log_rate(const char *how, const struct tsc_rate *rate)
{
    if (rate->valid)
        log_line("counter: %s %s: %llu Hz +- " PPM, how, rate->name,
                 (unsigned long long)rate->hz, PPM_OF(rate->bound_ppb));
    else
        log_line("counter: %s %s: no result", how, rate->name);
}

static void log_verdict(const struct tsc *t)
{
    if (t->disagree)
        log_line("counter: WARNING: the rates above disagree by " PPM
                 ", more than their bounds allow",
                 PPM_OF(t->disagreement_ppb));
    else
        log_line("counter: the rates above differ by up to " PPM
                 ", within their bounds",
                 PPM_OF(t->disagreement_ppb));
}

void tsc_log(const struct tsc *t)
{
    for (unsigned i = 0; i < t->told_count; i++)
        log_rate("told by", &t->told[i]);
    for (unsigned r = 0; r < t->count; r++)
        log_rate("measured by", &t->measured[r]);
    if (t->told_count + t->count > 1)
        log_verdict(t);
    if (!t->invariant)
        log_line("counter: WARNING: this CPU does not promise a TSC of "
                 "constant rate (QEMU without KVM never does); root "
                 "dispersion grows faster");
    if (t->best.valid)
        log_rate("using", &t->best);
    else
        log_line("counter: ERROR: nothing tells its rate: no HPET, PM timer "
                 "or PIT that runs, and no word of the hypervisor's");
}
