/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done when the machine was paused, copied or taken back. */
#include "boot/recover.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/fmt.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "net/tls.h"

#include <string.h>

/* While service is withheld, its return is looked for that often. */
#define RETURN_MS 10

#define SIGNS_LEN 256

/* A pause that the RTC tells from none. */
#define RTC_SEES_NS 2000000000

/* Two looks at the counter, and what the loop may be late by. */
#define AGAIN_S 6

/* Clocks that are behind make up for it within that, and as exactly as two
 * looks can tell. */
#define CATCH_UP_S  60
#define CATCH_UP_NS 5000000

/* Where there is kvm-clock, its page and the host's time are read that often,
 * just after a look at the counter. */
#define KVM_LOOK_S 8

/* A rate that is known no better, in 10^-9, is not known. */
#define ERROR_MOST 1000000000u

/* What it was noticed by, in words. */
static void signs_text(uint32_t signs, char *out, size_t room)
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < DISRUPTION_SIGN_COUNT; i++) {
        if ((signs & 1u << i) == 0)
            continue;
        fmt_print(out + len, room - len, "%s%s", len > 0 ? ", " : "",
                  disruption_text((enum disruption_sign)i));
        len = strlen(out);
    }
}

static void tell_begin(const struct recover *r)
{
    char signs[SIGNS_LEN];

    signs_text(r->signs, signs, sizeof(signs));
    log_line("disruption: noticed by %s; time is not served until it is known "
             "again",
             signs);
}

/* ", behind by 6.001234 s". */
static void tell_end(const struct recover *r, uint64_t now)
{
    double away = r->setup.client->set_offset;
    double magnitude = away < 0 ? -away : away;
    uint64_t us = magnitude < 1e13 ? (uint64_t)(magnitude * 1e6 + 0.5) : 0;
    uint64_t withheld_us =
        (now - r->since_ticks) / (r->setup.ticks_per_s / 1000000);
    char signs[SIGNS_LEN];

    signs_text(r->signs, signs, sizeof(signs));
    log_line("audit: disruption noticed by %s: the clock was %llu.%06llu s %s, "
             "service was withheld for %llu.%06llu s",
             signs, (unsigned long long)(us / 1000000),
             (unsigned long long)(us % 1000000), away < 0 ? "ahead" : "behind",
             (unsigned long long)(withheld_us / 1000000),
             (unsigned long long)(withheld_us % 1000000));
}

static bool ask_clocks(struct recover *r, bool hosts)
{
    struct client_start start = {0};

    if (!r->setup.ask_clocks(&start, hosts))
        return false;
    client_told(r->setup.client, start.ticks, start.date, start.date_error);
    return true;
}

/*
 * A clock of the platform is good enough for `local`, if it ran through what
 * has happened.  The host's does.  Where the counter stood still, an RTC that
 * did not leap against it stood still with it; that is seen when its second
 * turns.
 */
static void ask_platform(struct recover *r)
{
    bool known = r->setup.places.invariant || !r->watch.weighing;

    r->weighing = false;
    if (known)
        ask_clocks(r, !r->setup.places.invariant && !r->watch.rtc_ran);
    else
        r->weighing = !ask_clocks(r, true);
}

static void ask_rtc(struct recover *r)
{
    if (!r->weighing || r->watch.weighing)
        return;
    r->weighing = false;
    if (r->watch.rtc_ran)
        ask_clocks(r, false);
}

static double rate_hz(uint64_t rate)
{
    return 0x1p80 / (double)rate;
}

/* What the client's rate may be off by, as far as it has been measured. */
static uint32_t rate_error_ppb(const struct recover *r)
{
    const struct tsc_rate *best = &r->setup.tsc->best;
    double ratio = rate_hz(r->setup.client->start.rate) / (double)best->hz - 1;
    double apart = (ratio < 0 ? -ratio : ratio) * 1e9;
    double error = apart + 1 + (double)best->bound_ppb;

    return error < ERROR_MOST ? (uint32_t)error : ERROR_MOST;
}

/* The rate of before, if the measurement allows it: it is known better. */
static void take_rate(struct recover *r, uint64_t now)
{
    const struct tsc_rate *best = &r->setup.tsc->best;
    struct client *client = r->setup.client;
    uint32_t known_ppb = client->start.rate_error_ppb;
    uint64_t rate = client->start.rate;

    r->bound_ppb = best->bound_ppb;
    client->start.wander_ppb = tsc_wander_ppb(r->setup.tsc);
    if (rate_error_ppb(r) <= 2 * best->bound_ppb + known_ppb) {
        client_rate(client, now, rate, rate_error_ppb(r));
        return;
    }
    log_line("counter: WARNING: it runs at another rate now: %llu Hz, before "
             "%llu Hz",
             (unsigned long long)best->hz,
             (unsigned long long)(rate_hz(rate) + 0.5));
    client_rate(
        client, now, (uint64_t)(((unsigned __int128)1 << 80) / best->hz),
        best->bound_ppb < ERROR_MOST ? (uint32_t)best->bound_ppb : ERROR_MOST);

    uint64_t flags = irq_save();

    disruption_rate(&r->watch, best->hz, counter_read());
    irq_restore(flags);
    r->watch_ppb = best->bound_ppb;
}

/* Another host's page is no second sign of what has been taken care of. */
static void take_kvm(struct recover *r, uint64_t now)
{
    struct kvmclock *kvm = r->setup.kvm;

    if (kvm == NULL)
        return;
    r->kvm_ticks = now + KVM_LOOK_S * r->setup.ticks_per_s;
    (void)kvmclock_changed(kvm);
    kvmclock_anchor(kvm);
}

/* The window is over: sources may be asked. */
static void measured(struct recover *r, uint64_t now)
{
    r->measuring = false;
    take_rate(r, now);
    client_burst(r->setup.client, now);
    ask_platform(r);
    take_kvm(r, now);
    tsc_watch_start(&r->counter, r->setup.tsc);
    r->lag_ns = 0;
}

/* The rate of 20 ms may be off by more than the RTC's tolerance in an hour. */
static void refine_watch(struct recover *r)
{
    const struct tsc_rate *best = &r->setup.tsc->best;

    if (best->bound_ppb >= r->watch_ppb)
        return;
    r->watch_ppb = best->bound_ppb;

    uint64_t flags = irq_save();

    disruption_refined(&r->watch, best->hz);
    irq_restore(flags);
}

/* As the background comes to know the rate better, so does the client. */
static void refined(struct recover *r)
{
    const struct tsc_rate *best = &r->setup.tsc->best;

    if (!best->valid)
        return;
    refine_watch(r);
    if (r->bound_ppb <= best->bound_ppb)
        return;
    r->bound_ppb = best->bound_ppb;
    r->setup.client->start.rate_error_ppb = rate_error_ppb(r);
}

/* Level: boot; later, background with interrupts off. */
static void note_generation(struct recover *r)
{
    r->generation.known = r->watch.at.vmgenid.id != NULL;
    memcpy(r->generation.id, r->watch.id, sizeof(r->generation.id));
}

static void recover(struct recover *r, uint64_t now)
{
    uint64_t flags = irq_save();
    uint32_t noticed = r->watch.noticed;
    uint64_t notice_ticks = r->watch.notice_ticks;

    r->handled = r->watch.count;
    disruption_taken(&r->watch);
    note_generation(r);
    irq_restore(flags);

    if (!r->withheld)
        r->signs = 0;
    /* Set back, the counter tells nothing of what was before. */
    if (!r->withheld || notice_ticks < r->since_ticks)
        r->since_ticks = notice_ticks;
    r->signs |= noticed;
    tell_begin(r);
    r->withheld = true;

    /* What a copy of us may also have, or may say again. */
    entropy_renew();
    nts_service_renew(r->setup.nts);
    net_silence(r->setup.net);
    tls_abort_all();
    net_renew(r->setup.net);
    upstream_renew(r->setup.upstream, now);
    refclocks_renew(r->setup.refclocks);
    r->setup.dropped(r->setup.arg);

    /* It drops its samples when it sees that the clock was disowned. */
    client_hold(r->setup.client, now);
    tsc_renew(r->setup.tsc, &r->end_ticks);
    r->setup.tell_rates(r->setup.tsc);
    r->measuring = true;

    flags = irq_save();
    if (r->handled == r->watch.count)
        r->setup.net->fast.stale = false;
    irq_restore(flags);
}

/* What only the background looks for. */

static void tell(struct recover *r, enum disruption_sign sign)
{
    uint64_t flags = irq_save();

    disruption_tell(&r->watch, sign, counter_read());
    fastpath_disown(&r->setup.net->fast);
    irq_restore(flags);
}

/* Twice within two looks is no pause: it runs faster than it did. */
static bool fell_behind(struct recover *r, uint64_t ns, uint64_t now)
{
    uint64_t before = r->ahead_ticks;

    r->lag_ns += ns;
    r->lag_ticks = r->ahead_ticks = now;
    return before == 0 || now - before > AGAIN_S * r->setup.tsc->best.hz;
}

/* What they make up for, they had stood still for, and were not just slow. */
static bool caught_up(struct recover *r, uint64_t ns, uint64_t now)
{
    if (r->lag_ns == 0 || ns > r->lag_ns + CATCH_UP_NS)
        return false;
    r->lag_ns -= ns < r->lag_ns ? ns : r->lag_ns;
    r->lag_ticks = now;
    r->ahead_ticks = 0;
    return true;
}

/*
 * Is it the other clocks that leapt?  Where the host gives its processor to
 * others, timers stand still with us, and make up for it when we run.
 */
static bool others_leapt(struct recover *r, const struct tsc_leap *leap)
{
    uint64_t now = counter_read();

    if (now - r->lag_ticks > CATCH_UP_S * r->setup.tsc->best.hz)
        r->lag_ns = 0;
    return leap->ns < 0 ? fell_behind(r, (uint64_t)-leap->ns, now)
                        : caught_up(r, (uint64_t)leap->ns, now);
}

/*
 * Other clocks may have stood still while the counter ran on: that does no
 * harm.  The host's time tells, or else the RTC, if it was for long enough;
 * what else is left is which of them is behind.
 */
static bool kept_up(struct recover *r, const struct tsc_leap *leap)
{
    bool known = false;
    bool agrees;
    uint64_t flags;

    if (r->setup.kvm != NULL && r->setup.kvm->anchored) {
        flags = irq_save();
        agrees = kvmclock_kept_up(r->setup.kvm, r->setup.tsc->best.hz);
        irq_restore(flags);
        return agrees;
    }
    if (!r->setup.places.invariant)
        return false;

    flags = irq_save();
    agrees = disruption_rtc_agrees(&r->watch, counter_read(), &known);
    irq_restore(flags);
    if (known && (!agrees || leap->ns > RTC_SEES_NS))
        return agrees;
    return others_leapt(r, leap);
}

static void watch_counter(struct recover *r)
{
    struct tsc_leap leap;
    const char *odd;
    bool leapt = tsc_watch_look(&r->counter, r->setup.tsc, &leap, &odd);

    if (odd != NULL)
        log_line("counter: WARNING: %s leaps, and no other clock sees that: "
                 "it is not watched any more",
                 odd);
    if (!leapt || kept_up(r, &leap))
        return;
    log_line("counter: it %s %llu us against %s",
             leap.ns < 0 ? "ran ahead by" : "lost",
             (unsigned long long)(leap.ns < 0 ? -leap.ns : leap.ns) / 1000,
             leap.by);
    tell(r, DISRUPTION_COUNTER);
}

static void watch_kvm(struct recover *r, uint64_t now)
{
    struct kvmclock *kvm = r->setup.kvm;

    if (kvm == NULL || now < r->kvm_ticks)
        return;
    r->kvm_ticks = now + KVM_LOOK_S * r->setup.ticks_per_s;
    if (kvmclock_changed(kvm))
        tell(r, DISRUPTION_KVM);
    kvmclock_anchor(kvm);
}

static void watch_refclocks(struct recover *r)
{
    if (!r->setup.refclocks->leapt)
        return;
    r->setup.refclocks->leapt = false;
    tell(r, DISRUPTION_REFCLOCK);
}

/* For the background's generator. */
static uint32_t epoch(void *arg)
{
    struct recover *r = arg;

    (void)net_is_stale(r->setup.net);
    return r->watch.count;
}

void recover_join(struct recover *r)
{
    entropy_watch(epoch, r);
}

void recover_start(struct recover *r, const struct recover_setup *setup,
                   uint64_t now_ticks)
{
    memset(r, 0, sizeof(*r));
    r->setup = *setup;
    disruption_init(&r->watch, &setup->places, now_ticks);
    note_generation(r);
    r->watch_ppb = setup->tsc->best.bound_ppb;
    take_kvm(r, now_ticks);
    tsc_watch_start(&r->counter, setup->tsc);
    log_line("disruptions are noticed by%s%s%s%s%s%s",
             r->watch.at.vmclock.page ? " vmclock" : "",
             r->watch.at.vmgenid.id ? " the VM generation ID" : "",
             r->watch.at.kvm_flags ? " kvm-clock" : "",
             r->watch.by_rtc ? " the RTC, if they are of 2 s" : "",
             r->counter.count > 0 ? " leaps of the counter" : "",
             r->watch.by_rtc || r->counter.count > 0 ||
                     r->watch.at.vmclock.page || r->watch.at.vmgenid.id ||
                     r->watch.at.kvm_flags
                 ? ""
                 : " nothing");
}

void recover_poll(struct recover *r, uint64_t now_ticks)
{
    uint64_t flags = irq_save();

    (void)fastpath_disrupted(&r->setup.net->fast);
    disruption_poll(&r->watch, counter_read());
    irq_restore(flags);

    if (!r->measuring) {
        uint64_t looked = r->counter.last_ticks;

        watch_counter(r);
        /* Before it, the anchor would be of after a leap not yet seen. */
        if (r->counter.last_ticks != looked)
            watch_kvm(r, now_ticks);
        watch_refclocks(r);
    }
    if (r->handled != r->watch.count)
        recover(r, now_ticks);
    if (r->measuring && tsc_renewed(r->setup.tsc, &r->end_ticks))
        measured(r, counter_read());
    else if (!r->measuring)
        refined(r);
    ask_rtc(r);
    if (r->withheld && !r->setup.client->lost &&
        (r->setup.client->set || r->setup.client->local)) {
        r->withheld = false;
        tell_end(r, now_ticks);
    }
}

uint64_t recover_next(const struct recover *r)
{
    uint64_t next = disruption_next(&r->watch);

    if (r->handled != r->watch.count)
        return 0;
    if (r->measuring && r->end_ticks < next)
        next = r->end_ticks;
    if (r->withheld) {
        uint64_t soon =
            counter_read() + r->setup.ticks_per_s / 1000 * RETURN_MS;

        next = next < soon ? next : soon;
    }
    return next;
}
