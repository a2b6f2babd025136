/* SPDX-License-Identifier: BSD-2-Clause */
/* Is the counter invariant, and how fast does it run. */
#include "arch/tsc.h"

#include "arch/cpu.h"
#include "arch/due.h"
#include "arch/log.h"
#include "arch/tsc_measure.h"

#include <stddef.h>

#define REFINED_PPB  1000
#define REFINE_FIRST 4  /* a quarter of a second */
#define REFINE_LAST  64 /* seconds */
#define RENEW_TORN   16 /* windows torn, before one is waited for */

/*
 * What a hypervisor or CPUID tells is the nominal or once calibrated rate: a
 * crystal is good for 100 ppm, and the host's clock may be steered by as much.
 */
#define TOLD_PPB 100000

/* On top of the 15 ppm that RFC 5905 gives any clock, 11.2.3: a third more for
 * a counter whose rate nothing promises. */
#define VARIANT_PPB 5000
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

static void tell_by_cpuid(struct tsc *t)
{
    tsc_tell(t, "CPUID 0x40000010", rate_by_hypervisor());
    tsc_tell(t, "CPUID 0x15", rate_by_crystal());
}

void tsc_init(struct tsc *t)
{
    *t = (struct tsc){.invariant = cpu_features()->invariant_tsc,
                      .refine_ticks = UINT64_MAX};
    tell_by_cpuid(t);
}

/* Verdicts. */

/* All rates, those told first; NULL after the last. */
static const struct tsc_rate *opinion(const struct tsc *t, unsigned i)
{
    if (i < t->told_count)
        return &t->told[i];
    i -= t->told_count;
    return i < t->count ? &t->measured[i] : NULL;
}

static uint64_t apart(const struct tsc_rate *a, const struct tsc_rate *b)
{
    return a->hz > b->hz ? a->hz - b->hz : b->hz - a->hz;
}

static uint64_t bound_hz(const struct tsc_rate *a)
{
    return u64_saturate((u128)a->hz * a->bound_ppb / PPB + 1);
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

static void compare(struct tsc *t, const struct tsc_rate *a,
                    const struct tsc_rate *b)
{
    uint64_t ppb = ppb_of(apart(a, b), a->hz < b->hz ? a->hz : b->hz);

    if (ppb > t->disagreement_ppb)
        t->disagreement_ppb = ppb;
    if (!compatible(a, b))
        t->disagree = true;
}

/* The best is the rate that most agree with, and of those the closest known. */
static void judge(struct tsc *t)
{
    const struct tsc_rate *a;
    unsigned valid = 0;
    unsigned most = 0;

    t->best = (struct tsc_rate){.name = "nothing"};
    t->disagree = false;
    t->disagreement_ppb = 0;
    for (unsigned i = 0; (a = opinion(t, i)) != NULL; i++) {
        if (!a->valid)
            continue;

        unsigned n = supporters(t, a);

        if (n > most || (n == most && a->bound_ppb < t->best.bound_ppb)) {
            most = n;
            t->best = *a;
        }
        for (unsigned k = 0; k < i; k++)
            if (opinion(t, k)->valid)
                compare(t, a, opinion(t, k));
        valid++;
    }
    if (t->disagree && most * 2 <= valid)
        cover_all(t);
}

static void start_refining(struct tsc *t)
{
    t->refine_ticks = t->count > 0 && t->best.valid
                          ? counter_read() + t->best.hz / REFINE_FIRST
                          : UINT64_MAX;
}

bool tsc_measure(struct tsc *t, const struct counter_reference *refs,
                 unsigned count)
{
    tsc_take_window(t, refs, count);
    judge(t);
    start_refining(t);
    return t->best.valid;
}

void tsc_renew(struct tsc *t, uint64_t *end_ticks)
{
    t->told_count = 0;
    t->torn = 0;
    t->refine_ticks = UINT64_MAX;
    tell_by_cpuid(t);
    *end_ticks = tsc_open_window(t);
}

bool tsc_renewed(struct tsc *t, uint64_t *end_ticks)
{
    struct tsc_rate before = t->best;

    if (!due_now(*end_ticks, counter_read(), t->best.hz))
        return false;
    if (!tsc_close_window(t)) {
        if (++t->torn < RENEW_TORN) {
            *end_ticks = tsc_open_window(t);
            return false;
        }
        tsc_wait_window(t);
    }
    judge(t);
    if (!t->best.valid) {
        t->best = before;
        t->best.bound_ppb += WANDER_MAX;
    }
    start_refining(t);
    return true;
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
    if (!due_now(t->refine_ticks, counter_read(), t->best.hz * REFINE_LAST))
        return false;
    tsc_look_again(t);
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
