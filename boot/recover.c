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

#define SIGNS_LEN 128

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

/*
 * A clock of the platform is good enough for `local`, if it ran through what
 * has happened.  Where the counter stood still, one that did not leap against
 * it stood still with it.
 */
static void ask_platform(struct recover *r, uint32_t noticed)
{
    struct client_start start = {0};

    if (!r->setup.places.invariant && (noticed & 1u << DISRUPTION_RTC) == 0)
        return;
    if (r->setup.ask_clocks(&start))
        client_told(r->setup.client, start.ticks, start.date, start.date_error);
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

    if (!r->withheld) {
        r->signs = 0;
        r->since_ticks = notice_ticks;
    }
    r->signs |= noticed;
    tell_begin(r);
    r->withheld = true;

    /* What a copy of us may also have, or may say again. */
    entropy_renew();
    nts_service_renew(r->setup.nts);
    tls_abort_all();
    net_renew(r->setup.net);
    upstream_renew(r->setup.upstream, now);
    r->setup.dropped(r->setup.arg);

    /* It drops its samples when it sees that the clock was disowned. */
    client_tick(r->setup.client, now);
    client_burst(r->setup.client, now);
    ask_platform(r, noticed);

    flags = irq_save();
    if (r->handled == r->watch.count)
        r->setup.net->fast.stale = false;
    irq_restore(flags);
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
    log_line("disruptions are noticed by%s%s%s%s%s",
             r->watch.at.vmclock.page ? " vmclock" : "",
             r->watch.at.vmgenid.id ? " the VM generation ID" : "",
             r->watch.at.kvm_flags ? " kvm-clock" : "",
             r->watch.by_rtc ? " the RTC, if they are of 2 s" : "",
             r->watch.by_rtc || r->watch.at.vmclock.page ||
                     r->watch.at.vmgenid.id || r->watch.at.kvm_flags
                 ? ""
                 : " nothing");
}

void recover_poll(struct recover *r, uint64_t now_ticks)
{
    uint64_t flags = irq_save();

    (void)fastpath_disrupted(&r->setup.net->fast);
    disruption_poll(&r->watch, counter_read());
    irq_restore(flags);

    if (r->handled != r->watch.count)
        recover(r, now_ticks);
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
    if (r->withheld) {
        uint64_t soon =
            counter_read() + r->setup.ticks_per_s / 1000 * RETURN_MS;

        next = next < soon ? next : soon;
    }
    return next;
}
