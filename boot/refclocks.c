/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks of the platform that are configured, read for the client. */
#include "boot/refclocks.h"

#include "arch/cpu.h"
#include "arch/due.h"
#include "arch/log.h"
#include "drivers/kvm_pairing.h"
#include "drivers/rtc.h"
#include "drivers/vmclock.h"
#include "drivers/vmware.h"
#include "ntp/leap.h"

/* A reading that is under way goes on within that. */
#define AGAIN_S 2

/* Everything of a kind there is once. */
static struct {
    struct kvm_pairing kvm;
    struct vmclock vmclock;
    struct vmware vmware;
    struct rtc rtc;
} state;

static const struct {
    const struct refclock_driver *driver;
    void *state;
} drivers[REFCLOCK_KINDS] = {
    [REFCLOCK_KVM] = {&kvm_pairing_driver, &state.kvm},
    [REFCLOCK_VMCLOCK] = {&vmclock_driver, &state.vmclock},
    [REFCLOCK_VMWARE] = {&vmware_driver, &state.vmware},
    [REFCLOCK_RTC] = {&rtc_driver, &state.rtc},
};

static void attach(struct refclock *clock, const char *name,
                   const struct refclock_machine *machine)
{
    const struct refclock_driver *driver = clock->driver;

    clock->driver = NULL;
    if (!driver || !driver->probe(machine))
        clock->failed = "this machine has none";
    else if (driver->attach(clock, machine))
        clock->driver = driver;
    if (clock->driver)
        log_line("refclock %s: attached", name);
    else
        log_line("refclock %s: %s", name, clock->failed);
}

void refclocks_start(struct refclocks *r, const struct config *config,
                     const struct refclock_machine *machine,
                     struct client *client, uint64_t ticks_per_s)
{
    r->client = client;
    r->ticks_per_s = ticks_per_s;
    r->count = config->refclock_count;
    for (unsigned i = 0; i < r->count; i++) {
        const struct config_refclock *k = &config->refclock[i];

        r->entry[i].clock = (struct refclock){
            .driver = drivers[k->kind].driver,
            .state = drivers[k->kind].state,
        };
        r->entry[i].name = k->name;
        r->entry[i].slot = client_add_refclock(client, &k->ntp);
        attach(&r->entry[i].clock, k->name, machine);
    }
}

void refclocks_name(const struct refclocks *r, struct upstream *u)
{
    for (unsigned i = 0; i < r->count; i++)
        if (r->entry[i].slot >= 0)
            upstream_name_clock(u, r->entry[i].slot, r->entry[i].name);
}

/* UTC, and what it says of the end of the month. */
static bool date_of(const struct refclock_sample *s, ntp_date *date,
                    enum ntp_leap *leap)
{
    *date = ntp_date_from_unix(s->seconds, s->nanoseconds);
    *leap = s->leap > 0 ? LEAP_INSERT : s->leap < 0 ? LEAP_DELETE : LEAP_NONE;
    return leap_count_on(ntp_date_from_unix(s->leap_from, 0), leap, date);
}

/* Read it once; false when there is nothing to follow. */
static bool read_clock(struct refclocks *r, unsigned i)
{
    struct refclock *clock = &r->entry[i].clock;
    struct refclock_sample s = {0};
    enum ntp_leap leap;
    ntp_date date;

    if (!clock->driver || !clock->driver->sample(clock, &s)) {
        if (clock->driver && clock->again_ticks != 0)
            return false;
        if (clock->driver && clock->failed != r->entry[i].told)
            log_line("refclock %s: %s", r->entry[i].name, clock->failed);
        r->entry[i].told = clock->failed;
        return false;
    }
    r->entry[i].told = NULL;
    if (!date_of(&s, &date, &leap))
        return false;

    double bound = (double)s.bound_ns * 1e-9 +
                   (double)s.bound_ticks / (double)r->ticks_per_s;

    if (client_refclock_leapt(r->client, r->entry[i].slot, s.ticks, date,
                              bound)) {
        r->leapt = true;
        return true;
    }
    client_refclock_leap(r->client, r->entry[i].slot, leap);
    client_refclock_sample(r->client, r->entry[i].slot, s.ticks, date, bound);
    return true;
}

static void read_due(struct refclocks *r, unsigned i, uint64_t now_ticks)
{
    if (!read_clock(r, i) && r->entry[i].clock.again_ticks == 0)
        client_refclock_failed(r->client, r->entry[i].slot, now_ticks);
}

void refclocks_poll(struct refclocks *r, uint64_t now_ticks)
{
    int slot;

    if (r->count == 0)
        return;
    while ((slot = client_refclock_due(r->client, now_ticks)) >= 0) {
        for (unsigned i = 0; i < r->count; i++)
            if (r->entry[i].slot == slot && r->entry[i].clock.again_ticks == 0)
                read_due(r, i, now_ticks);
    }
    for (unsigned i = 0; i < r->count; i++) {
        uint64_t again = r->entry[i].clock.again_ticks;

        if (again != 0 && due_now(again, now_ticks, AGAIN_S * r->ticks_per_s))
            read_due(r, i, now_ticks);
    }
}

void refclocks_renew(struct refclocks *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        struct refclock *clock = &r->entry[i].clock;

        clock->again_ticks = 0;
        if (clock->driver && clock->driver->renew)
            clock->driver->renew(clock);
    }
}

uint64_t refclocks_next(const struct refclocks *r)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < r->count; i++) {
        uint64_t again = r->entry[i].clock.again_ticks;

        if (again != 0 && again < next)
            next = again;
    }
    return next;
}
