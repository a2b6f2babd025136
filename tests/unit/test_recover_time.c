/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of how a disruption is noticed and time found again, among invented
 * clocks. */
/* links: boot/recover boot/generation drivers/disruption drivers/rtc
 * drivers/rtc_edge */
/* links: arch/fmt arch/tsc arch/tsc_measure arch/tsc_watch */
/* links: tests/fake/cpuid tests/fake/log */
#include "boot/recover.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/io.h"
#include "arch/log.h"
#include "net/tls.h"
#include "tests/client_rig.h"
#include "tests/fake/cpuid.h"
#include "tests/fake/log.h"

#include <math.h>

static struct net net;
static struct recover r;
static struct tsc tsc;
static struct kvmclock kvm;
static struct refclocks refclocks;

static struct {
    double ahead_s; /* of the HPET, against the counter ... */
    double rate;    /* ... and how fast it runs by the counter */
    double base_s;
    uint64_t base_ticks;
    bool kvm_kept_up, kvm_changed;
    double kvm_ahead_s;         /* as `ahead_s`, at kvm-clock's anchor */
    bool host_tells, rtc_tells; /* the date */
    bool rtc_asked;
    unsigned renewed;
} world;

/* The machine. */

uint64_t counter_read(void)
{
    return rig.now += 20;
}

uint8_t in8(uint16_t port)
{
    (void)port;
    return 0xff;
}

void out8(uint16_t port, uint8_t value)
{
    (void)port, (void)value;
}

static double hpet_s(void)
{
    return world.base_s +
           (double)(rig.now - world.base_ticks) / HZ * world.rate +
           world.ahead_s;
}

static uint64_t latched;

static void latch(void *self)
{
    (void)self;
    rig.now += 500;
    latched = (uint64_t)(hpet_s() * 1e8);
    rig.now += 500;
}

static bool fetch(void *self, uint64_t *count)
{
    (void)self;
    *count = latched & UINT32_MAX;
    return true;
}

static void set_rate(double rate)
{
    world.base_s = hpet_s() - world.ahead_s;
    world.base_ticks = rig.now;
    world.rate = rate;
}

/* What is renewed. */

void entropy_renew(void)
{
    world.renewed++;
}

void entropy_watch(uint32_t (*epoch)(void *arg), void *arg)
{
    (void)epoch, (void)arg;
}

void nts_service_renew(struct nts_service *s)
{
    (void)s;
    world.renewed++;
}

void tls_abort_all(void)
{
    world.renewed++;
}

void net_silence(struct net *n)
{
    (void)n;
}

void net_renew(struct net *n)
{
    (void)n;
    world.renewed++;
}

void upstream_renew(struct upstream *u, uint64_t now_ticks)
{
    (void)u, (void)now_ticks;
    world.renewed++;
}

void refclocks_renew(struct refclocks *c)
{
    (void)c;
    world.renewed++;
}

bool net_is_stale(struct net *n)
{
    return n->fast.stale;
}

void fastpath_disown(struct fastpath *fp)
{
    fp->stale = true;
    clock_disown(&rig.clock);
}

bool fastpath_disrupted(struct fastpath *fp)
{
    if (!disruption_look(&r.watch, rig.now))
        return false;
    fastpath_disown(fp);
    return true;
}

static void dropped(void *arg)
{
    (void)arg;
    world.renewed++;
}

const struct state_data *state_loaded(const struct state *s)
{
    return &s->loaded;
}

void state_drop_upstreams(struct state *s)
{
    (void)s;
    fail_msg("nothing was loaded");
}

bool kvmclock_changed(struct kvmclock *k)
{
    bool changed = world.kvm_changed;

    CHECK(k == &kvm);
    world.kvm_changed = false;
    return changed;
}

void kvmclock_anchor(struct kvmclock *k)
{
    k->anchored = true;
    world.kvm_ahead_s = world.ahead_s;
}

bool kvmclock_kept_up(struct kvmclock *k, uint64_t ticks_per_s)
{
    CHECK(k == &kvm);
    CHECK_NEAR(ticks_per_s, HZ, 0.3 * HZ);
    return world.kvm_kept_up || world.ahead_s == world.kvm_ahead_s;
}

static void tell_rates(struct tsc *t)
{
    (void)t;
}

static bool ask_clocks(struct client_start *s, bool hosts)
{
    world.rtc_asked |= !hosts;
    if (!world.host_tells && (hosts || !world.rtc_tells))
        return false;
    s->ticks = rig.now;
    s->date = truth(rig.now);
    s->date_error = 0.5;
    return true;
}

/* Everything up and served, from so many servers. */

static void turn(double seconds)
{
    for (int i = 0; i < (int)(seconds * 100 + 0.5); i++) {
        pass(0.01);
        recover_poll(&r, rig.now);
    }
}

static void serve(unsigned servers, bool invariant, bool with_kvm)
{
    static struct counter_reference hpet = {"hpet", 10000000, 0,   UINT32_MAX,
                                            latch,  fetch,    NULL};
    struct source_config config = plain();

    memset(&world, 0, sizeof(world));
    fake_log[0] = 0;
    memset(&net, 0, sizeof(net));
    memset(&kvm, 0, sizeof(kvm));
    world.rate = 1;
    world.base_s = 1000;
    fake_cpuid.features.invariant_tsc = invariant;
    config.iburst = true;
    begin();
    world.base_ticks = rig.now;
    rig.config.local.enabled = servers == 0;
    start(servers, &config);
    tsc_init(&tsc);
    CHECK(tsc_measure(&tsc, &hpet, 1));

    struct recover_setup setup = {
        .places = {.invariant = invariant, .ticks_per_s = HZ},
        .client = &rig.client,
        .net = &net,
        .tsc = &tsc,
        .tell_rates = tell_rates,
        .refclocks = &refclocks,
        .kvm = with_kvm ? &kvm : NULL,
        .ask_clocks = ask_clocks,
        .dropped = dropped,
        .ticks_per_s = HZ,
    };

    recover_start(&r, &setup, rig.now);
    turn(20);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK(!fake_said("disruption:"));
}

/* Until it is noticed. */
static double until_noticed(void)
{
    for (int i = 0; i < 1000; i++) {
        turn(0.01);
        if (fake_said("disruption:"))
            return i * 0.01;
    }
    return 10;
}

static void is_back(void)
{
    CHECK(r.measuring);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    turn(0.1);
    CHECK(fake_said("audit: disruption noticed by"));
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_NEAR(error(), 0, 300e-6);
    CHECK(fabs(error()) <= ntp_short_seconds(status().root_dispersion) +
                               ntp_short_seconds(status().root_delay) / 2);
    CHECK(!net.fast.stale);
    CHECK_EQ(world.renewed, 7);
}

static void test_time_that_the_counter_missed_is_a_disruption(void **state)
{
    (void)state;
    serve(1, true, false);
    world.ahead_s += 0.7;
    shift_truth(0.7);
    CHECK(until_noticed() < 2.1);
    is_back();
    CHECK(
        fake_said("noticed by the counter against other clocks: the clock was "
                  "0.70"));
    CHECK(fake_said(" s behind"));
    turn(100);
    CHECK_EQ(r.watch.count, 1);
}

static void test_a_pause_that_the_counter_ran_through_is_none(void **state)
{
    (void)state;
    serve(1, true, false);
    world.ahead_s -= 6;
    turn(20);
    CHECK(!fake_said("disruption:"));
    serve(1, true, true);
    world.kvm_kept_up = true;
    world.ahead_s += 2; /* whichever way it looks */
    turn(20);
    CHECK(!fake_said("disruption:"));
}

/* As on a host that gives us its processor by fits and starts. */
static void test_clocks_that_make_up_for_their_lag_are_none(void **state)
{
    (void)state;
    serve(1, true, false);
    for (int i = 0; i < 10; i++) {
        world.ahead_s -= 0.5;
        turn(2.5);
        world.ahead_s += 0.2;
        turn(2.5);
        world.ahead_s += 0.3;
        turn(2.5);
    }
    CHECK(!fake_said("disruption:"));
    world.ahead_s += 0.1; /* nothing is left to be made up for */
    shift_truth(0.1);
    CHECK(until_noticed() < 2.1);
    is_back();
}

static void test_what_is_more_than_the_lag_is_a_disruption(void **state)
{
    (void)state;
    serve(1, true, false);
    world.ahead_s -= 0.1;
    turn(5);
    world.ahead_s += 0.3;
    shift_truth(0.2);
    CHECK(until_noticed() < 2.1);
    is_back();
    serve(1, true, false);
    world.ahead_s -= 0.5;
    turn(70); /* it is too late to make up for that */
    CHECK(!fake_said("disruption:"));
    world.ahead_s += 0.5;
    shift_truth(0.5);
    CHECK(until_noticed() < 2.1);
    is_back();
}

static void test_a_counter_that_runs_ahead_is_a_disruption(void **state)
{
    (void)state;
    serve(1, false, false);
    world.ahead_s -= 0.5;
    shift_truth(-0.5);
    CHECK(until_noticed() < 2.1);
    is_back();
    CHECK(fake_said(" s ahead"));
    serve(1, true, true);
    world.ahead_s -= 0.5;
    shift_truth(-0.5);
    CHECK(until_noticed() < 2.1);
    is_back();
}

/* Whenever it happens, and kvm-clock is anchored. */
static void test_what_the_host_saw_too_is_a_disruption(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        serve(1, true, true);
        for (int k = 0; k < i; k++) { /* wakeups come when they come */
            pass(0.1 + 0.13 * (k * 7 % 5));
            recover_poll(&r, rig.now);
        }
        world.ahead_s += 0.5;
        shift_truth(0.5);
        CHECK(until_noticed() < 2.1);
    }
}

static void test_kvm_clock_moved_elsewhere_is_a_disruption(void **state)
{
    (void)state;
    serve(1, true, true);
    world.kvm_changed = true;
    CHECK(until_noticed() < 8.1);
    is_back();
    CHECK(fake_said("noticed by kvm-clock's rate or time:"));
}

/* The page of the host that we are on now, by whatever that was noticed. */
static void test_another_page_of_kvm_clock_is_no_second_disruption(void **state)
{
    (void)state;
    serve(1, true, true);
    refclocks.leapt = true;
    CHECK(until_noticed() < 0.1);
    world.kvm_changed = true;
    is_back();
    turn(20);
    CHECK_EQ(world.renewed, 7);
}

static void test_a_leap_of_a_reference_clock_is_a_disruption(void **state)
{
    (void)state;
    serve(1, false, false);
    refclocks.leapt = true;
    CHECK(until_noticed() < 0.1);
    is_back();
    CHECK(fake_said("noticed by a leap of a reference clock:"));
    CHECK(!refclocks.leapt);
}

static void test_nothing_is_asked_before_the_rate_is_known(void **state)
{
    unsigned asked;

    (void)state;
    serve(1, true, false);
    asked = rig.server[0].asked;
    shift_truth(5);
    disruption_tell(&r.watch, DISRUPTION_MARKER, rig.now);
    fastpath_disown(&net.fast);
    recover_poll(&r, rig.now);
    CHECK(recover_next(&r) <= r.end_ticks);
    turn(0.01);
    CHECK_EQ(rig.server[0].asked, asked);
    turn(0.02);
    CHECK(rig.server[0].asked > asked);
    CHECK(fake_said(
        "noticed by vmclock's disruption marker: the clock was 5.00"));
}

/* It is known better than a window of 20 ms tells. */
static void test_the_rate_of_before_is_kept_if_it_may_be(void **state)
{
    uint64_t rate;
    uint32_t first;

    (void)state;
    serve(1, true, false);
    turn(100);
    rate = rig.client.start.rate;
    disruption_tell(&r.watch, DISRUPTION_GENERATION, rig.now);
    fastpath_disown(&net.fast);
    turn(0.05);
    first = rig.client.start.rate_error_ppb;
    CHECK(first > 10000);
    CHECK(first >= tsc.best.bound_ppb);
    for (int i = 0; i < 100; i++) {
        uint64_t again;

        turn(1);
        (void)tsc_refine(&tsc, &again);
    }
    CHECK_EQ(rig.client.start.rate, rate);
    CHECK(rig.client.start.rate_error_ppb < 3000);
    CHECK(!fake_said("another rate"));
}

static void test_a_host_of_another_rate_is_said_and_heeded(void **state)
{
    (void)state;
    serve(1, true, false);
    set_rate(0.8);
    CHECK(until_noticed() < 4.2);
    turn(0.05);
    CHECK(fake_said("counter: WARNING: it runs at another rate now: 1"));
    CHECK_NEAR(0x1p80 / (double)rig.client.start.rate, HZ / 0.8, 0.001 * HZ);
    CHECK_NEAR(r.watch.at.ticks_per_s, HZ / 0.8, 0.001 * HZ);
    CHECK(rig.client.start.rate_error_ppb >= tsc.best.bound_ppb);
    CHECK(!r.measuring);
    turn(60);
    CHECK_EQ(r.watch.count, 1);
    fake_log[0] = 0;
    set_rate(1);
    CHECK(until_noticed() < 2.7);
}

static void disrupt(bool invariant)
{
    serve(0, invariant, false);
    CHECK(rig.client.local);
    shift_truth(4);
    disruption_tell(&r.watch, DISRUPTION_MARKER, rig.now);
    fastpath_disown(&net.fast);
}

static void test_with_only_local_a_clock_that_ran_through_is_read(void **state)
{
    (void)state;
    disrupt(false);
    world.host_tells = true;
    turn(0.1);
    CHECK_EQ(status().stratum, 10);
    CHECK_NEAR(error(), 0, 1e-3);

    CHECK(fake_said("the clock was 104.0"));
    disrupt(true);
    world.rtc_tells = true;
    turn(0.1);
    CHECK_EQ(status().stratum, 10);
    CHECK_NEAR(error(), 0, 1e-3);
}

static void test_with_only_local_one_that_may_have_stood_is_not(void **state)
{
    (void)state;
    disrupt(false);
    world.rtc_tells = true;
    turn(100);
    CHECK(!world.rtc_asked);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
}

/* The RTC's second has to turn first. */
static void test_with_only_local_the_verdict_on_the_rtc_is_awaited(void **state)
{
    (void)state;
    for (int ran = 0; ran < 2; ran++) {
        disrupt(false);
        world.rtc_tells = true;
        r.watch.weighing = true;
        turn(1);
        CHECK_EQ(status().leap, LEAP_UNKNOWN);
        CHECK(!world.rtc_asked);
        r.watch.weighing = false;
        r.watch.rtc_ran = ran;
        turn(0.1);
        CHECK_EQ(status().leap, ran ? LEAP_NONE : LEAP_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_that_the_counter_missed_is_a_disruption),
        cmocka_unit_test(test_a_pause_that_the_counter_ran_through_is_none),
        cmocka_unit_test(test_clocks_that_make_up_for_their_lag_are_none),
        cmocka_unit_test(test_what_is_more_than_the_lag_is_a_disruption),
        cmocka_unit_test(test_a_counter_that_runs_ahead_is_a_disruption),
        cmocka_unit_test(test_what_the_host_saw_too_is_a_disruption),
        cmocka_unit_test(test_kvm_clock_moved_elsewhere_is_a_disruption),
        cmocka_unit_test(
            test_another_page_of_kvm_clock_is_no_second_disruption),
        cmocka_unit_test(test_a_leap_of_a_reference_clock_is_a_disruption),
        cmocka_unit_test(test_nothing_is_asked_before_the_rate_is_known),
        cmocka_unit_test(test_the_rate_of_before_is_kept_if_it_may_be),
        cmocka_unit_test(test_a_host_of_another_rate_is_said_and_heeded),
        cmocka_unit_test(test_with_only_local_a_clock_that_ran_through_is_read),
        cmocka_unit_test(test_with_only_local_one_that_may_have_stood_is_not),
        cmocka_unit_test(
            test_with_only_local_the_verdict_on_the_rtc_is_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
