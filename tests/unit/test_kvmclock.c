/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of kvm-clock against a host that is made up here, byte by byte. */
/* links: drivers/kvmclock tests/fake/cpuid */
#include "drivers/kvmclock.h"

#include "arch/cpu.h"
#include "arch/io.h"
#include "tests/check.h"
#include "tests/fake/cpuid.h"

static struct {
    uint64_t counter;
    uint32_t time_msr; /* where the host listens */
    uint32_t wall_msr;
    uint8_t time[32]; /* what it writes */
    uint8_t wall[12];
    bool mute;
    bool stop;    /* we are stopped for 6 s when the wall clock is asked for */
    unsigned odd; /* so many reads of a version are odd */
    uint8_t *time_page;
    uint8_t *wall_page;
} host;

uint64_t counter_read(void)
{
    return host.counter;
}

void msr_write(uint32_t msr, uint64_t value)
{
    bool time = msr == host.time_msr;

    CHECK(time || msr == host.wall_msr);
    if (time) {
        CHECK_EQ(value & 63, 1);
        host.time_page = (uint8_t *)(uintptr_t)(value - 1);
    } else {
        CHECK_EQ(value & 3, 0);
        host.wall_page = (uint8_t *)(uintptr_t)value;
    }
    if (host.mute)
        return;
    if (time)
        memcpy(host.time_page, host.time, sizeof host.time);
    else
        memcpy(host.wall_page, host.wall, sizeof host.wall);
    if (!time && host.stop) {
        host.wall[4] += 6;
        memcpy(host.wall_page, host.wall, sizeof host.wall);
        host.time_page[29] |= 2;
        host.stop = false;
    }
}

/* A host amid an update shows an odd version, and rubbish behind it. */
uint64_t fake_mmio_read(const volatile void *at, unsigned width)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)at;
    uint64_t value = 0;

    if (host.odd > 0) {
        if (width == 4 && (p == host.time_page || p == host.wall_page))
            return host.odd-- > 2 ? 3 : 5;
        return 0x5a5a5a5a5a5a5a5a >> (64 - 8 * width);
    }
    memcpy(&value, p, width);
    return value;
}

void fake_mmio_write(volatile void *at, unsigned width, uint64_t value)
{
    (void)at;
    (void)width;
    (void)value;
    fail_msg("the pages are the host's to write");
}

static void put(uint8_t *to, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void set_time(uint64_t tsc, uint64_t ns, uint32_t mul, int shift)
{
    memset(host.time, 0, sizeof host.time);
    put(host.time, 2, 4);
    put(host.time + 8, tsc, 8);
    put(host.time + 16, ns, 8);
    put(host.time + 24, mul, 4);
    put(host.time + 28, (uint64_t)shift, 1);
    put(host.time + 29, 1, 1);
}

static void set_wall(uint32_t sec, uint32_t nsec)
{
    put(host.wall, 2, 4);
    put(host.wall + 4, sec, 4);
    put(host.wall + 8, nsec, 4);
}

static struct kvmclock kvm;
static struct refclock clock_ = {.driver = &kvmclock_driver, .state = &kvm};
static const struct refclock_machine machine;

/* As seen on a host of 2445.43 MHz. */
static void fresh(void)
{
    memset(&host, 0, sizeof host);
    memset(&kvm, 0, sizeof kvm);
    fake_cpuid.kvm_base = 0x40000000;
    fake_cpuid.kvm_features = 0x0100007b;
    host.time_msr = 0x4b564d01;
    host.wall_msr = 0x4b564d00;
    set_time(1000, 5000, 0xd15ec0eb, -1);
    set_wall(1795390496, 250000000);
}

static void test_rate_is_that_of_the_host(void **state)
{
    (void)state;
    fresh();
    CHECK(kvmclock_driver.probe(&machine));
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    CHECK_NEAR(kvmclock_hz(&kvm), 2445430000, 1);
}

static void test_rate_with_either_shift(void **state)
{
    static const struct {
        uint32_t mul;
        int shift;
        double hz;
    } rates[] = {
        {0x80000000, 0, 2e9},   {0x80000000, 1, 1e9},   {0x80000000, -1, 4e9},
        {0xfa000000, 2, 256e6}, {0x80000000, -3, 16e9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        fresh();
        set_time(0, 0, rates[i].mul, rates[i].shift);
        CHECK(kvmclock_driver.attach(&clock_, &machine));
        CHECK_NEAR(kvmclock_hz(&kvm), rates[i].hz, 1);
    }
}

static void test_time_is_wall_plus_system_plus_elapsed(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    set_time(1000000, 7500000000, 0x80000000, 0); /* 2 ticks a ns */
    host.counter = 1000000 + 3000000000;
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    CHECK(kvmclock_driver.sample(&clock_, &s));
    CHECK_EQ(s.seconds, 1795390496 + 9);
    CHECK_EQ(s.nanoseconds, 250000000);
    CHECK_EQ(s.ticks, host.counter);
    CHECK(s.bound_ns >= 1000 && s.bound_ns <= 10000000);
}

static void test_elapsed_ticks_are_shifted_first(void **state)
{
    struct refclock_sample s;

    (void)state;
    for (int shift = -2; shift <= 2; shift++) {
        fresh();
        set_time(1000000, 0, 0x80000000, shift);
        host.counter = 1000000 + 1000000000;
        CHECK(kvmclock_driver.attach(&clock_, &machine));
        CHECK(kvmclock_driver.sample(&clock_, &s));
        CHECK_EQ((s.seconds - 1795390496) * 1000000000 + s.nanoseconds,
                 250000000 +
                     (shift < 0 ? 500000000 >> -shift : 500000000LL << shift));
    }
}

static void test_dates_past_2038_and_2100_are_ordinary(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    set_time(0, 0, 0x80000000, 0);
    set_wall(4294967295, 999999999);
    host.counter = 4;
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    CHECK(kvmclock_driver.sample(&clock_, &s));
    CHECK_EQ(s.seconds, 4294967296);
    CHECK_EQ(s.nanoseconds, 1);
}

static void test_counter_before_the_page_is_no_time_travel(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    host.counter = 900;
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    CHECK(kvmclock_driver.sample(&clock_, &s));
    CHECK_EQ(s.seconds, 1795390496);
    CHECK_EQ(s.nanoseconds, 250005000);
}

static void test_page_under_way_is_read_again(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    host.counter = 1000;
    host.odd = 20;
    CHECK(kvmclock_driver.sample(&clock_, &s));
    CHECK_EQ(host.odd, 0);
    CHECK_EQ(s.seconds, 1795390496);
    CHECK_EQ(s.nanoseconds, 250005000);
}

static void test_host_that_never_finishes_is_given_up(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    host.odd = UINT32_MAX / 4;
    CHECK(!kvmclock_driver.sample(&clock_, &s));
    CHECK(clock_.failed != NULL);
    CHECK_EQ(kvmclock_hz(&kvm), 0);
}

static void test_host_that_writes_nothing_is_useless(void **state)
{
    (void)state;
    fresh();
    host.mute = true;
    CHECK(!kvmclock_driver.attach(&clock_, &machine));
    CHECK_TEXT(clock_.failed, "the host fills no time page");
}

static void test_wall_clock_left_empty_is_no_time(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    host.mute = true;
    CHECK(!kvmclock_driver.sample(&clock_, &s));
    fresh();
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    set_wall(1795390496, 1000000000);
    CHECK(!kvmclock_driver.sample(&clock_, &s));
}

static void test_impossible_factors_are_refused(void **state)
{
    (void)state;
    fresh();
    set_time(0, 0, 0, 0);
    CHECK(!kvmclock_driver.attach(&clock_, &machine));
    set_time(0, 0, 0x80000000, 32);
    CHECK(!kvmclock_driver.attach(&clock_, &machine));
    set_time(0, 0, 0x80000000, -32);
    CHECK(!kvmclock_driver.attach(&clock_, &machine));
    set_time(0, 0, 0x80000000, -31);
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    CHECK(kvmclock_hz(&kvm) > 0);
}

static void test_old_registers_where_there_are_no_new_ones(void **state)
{
    (void)state;
    fresh();
    fake_cpuid.kvm_features = 1;
    host.time_msr = 0x12;
    host.wall_msr = 0x11;
    CHECK(kvmclock_driver.probe(&machine));
    CHECK(kvmclock_driver.attach(&clock_, &machine));
}

static void test_nothing_is_touched_without_the_feature(void **state)
{
    (void)state;
    fresh();
    host.time_msr = host.wall_msr = 0;
    fake_cpuid.kvm_features = 0x01000070;
    CHECK(!kvmclock_driver.probe(&machine));
    fake_cpuid.kvm_base = 0;
    fake_cpuid.kvm_features = 0xffffffff;
    CHECK(!kvmclock_driver.probe(&machine));
}

/* The host writes the page again, when it likes. */
static void rewrite(void)
{
    memcpy(host.time_page, host.time, sizeof host.time);
}

static void test_another_rate_or_time_of_the_host_is_seen(void **state)
{
    (void)state;
    fresh();
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    host.counter = 5000000000;
    CHECK(!kvmclock_changed(&kvm));
    host.counter += 5000000000;
    CHECK(!kvmclock_changed(&kvm));
    /* Its own clock, steered by 90 ppm. */
    set_time(host.counter, 9000000000, 0xd162ed5c, -1);
    rewrite();
    CHECK(!kvmclock_changed(&kvm));
    /* Another host, of 2445.93 MHz. */
    set_time(host.counter, 9000000000, 0xd153cd1e, -1);
    rewrite();
    CHECK(kvmclock_changed(&kvm));
    CHECK(!kvmclock_changed(&kvm));
    set_time(host.counter, 9000000000, 0xd153cd1e, 0);
    rewrite();
    CHECK(kvmclock_changed(&kvm));
    set_time(host.counter, 8999999999, 0xd153cd1e, 0);
    rewrite();
    CHECK(kvmclock_changed(&kvm));
    CHECK(!kvmclock_changed(&kvm));
    host.odd = UINT32_MAX / 4; /* nothing can be said */
    CHECK(!kvmclock_changed(&kvm));
}

/* A stop of 6 s: the host's clock is at `wall_s`, kvm-clock stood still, and
 * the counter has run `counter_s`. */
static bool keeps_up(double counter_s, double wall_s)
{
    fresh();
    set_time(1000000, 7500000000, 0x80000000, 0); /* 2 ticks a ns */
    host.counter = 1000000 + 3000000000;
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    kvmclock_anchor(&kvm);

    uint64_t wall_ns = 1795390496250000000 + (uint64_t)(wall_s * 1e9);

    host.counter += (uint64_t)(counter_s * 2e9);
    set_time(host.counter, 9000000000, 0x80000000, 0);
    rewrite();
    set_wall((uint32_t)(wall_ns / 1000000000),
             (uint32_t)(wall_ns % 1000000000));
    return kvmclock_kept_up(&kvm, 2000000000);
}

static void test_a_counter_that_ran_on_has_kept_up(void **state)
{
    (void)state;
    CHECK(keeps_up(6, 6));
    CHECK(keeps_up(0, 0));
    CHECK(keeps_up(100, 100.010));
    CHECK(keeps_up(100, 99.990));
    CHECK(!keeps_up(100, 100.012));
    CHECK(!keeps_up(100, 99.988));
    CHECK(!keeps_up(0, 6));
    CHECK(!keeps_up(0, 0.002));
    CHECK(!keeps_up(6, 0));
    CHECK(!keeps_up(6, 5.99));
    CHECK(!keeps_up(3, 2.4)); /* another rate */
    CHECK(!keeps_up(6, -6));
    CHECK(!keeps_up(-1, 0));
}

/* The counter stood still in it: no anchor from after it may hide that. */
static void test_a_stop_amid_an_anchor_is_still_judged(void **state)
{
    (void)state;
    CHECK(keeps_up(0, 0));
    kvmclock_anchor(&kvm);
    CHECK(kvmclock_kept_up(&kvm, 2000000000));
    host.stop = true;
    kvmclock_anchor(&kvm);
    CHECK(!kvmclock_kept_up(&kvm, 2000000000));
    kvmclock_anchor(&kvm);
    CHECK(!kvmclock_kept_up(&kvm, 2000000000));
    host.time_page[29] &= (uint8_t)~2u; /* by who judged */
    kvmclock_anchor(&kvm);
    CHECK(kvmclock_kept_up(&kvm, 2000000000));
}

static void test_without_an_anchor_nothing_has_kept_up(void **state)
{
    (void)state;
    CHECK(keeps_up(6, 6));
    kvm.anchored = false;
    CHECK(!kvmclock_kept_up(&kvm, 2000000000));
    CHECK(keeps_up(6, 6));
    host.odd = UINT32_MAX / 4;
    CHECK(!kvmclock_kept_up(&kvm, 2000000000));
    host.odd = UINT32_MAX / 4;
    kvmclock_anchor(&kvm);
    CHECK(!kvm.anchored);
}

static void test_flags_are_a_byte_of_the_page(void **state)
{
    (void)state;
    fresh();
    CHECK(kvmclock_driver.attach(&clock_, &machine));
    CHECK(kvmclock_flags(&kvm) == host.time_page + 29);
    CHECK_EQ(*kvmclock_flags(&kvm), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_is_that_of_the_host),
        cmocka_unit_test(test_rate_with_either_shift),
        cmocka_unit_test(test_time_is_wall_plus_system_plus_elapsed),
        cmocka_unit_test(test_elapsed_ticks_are_shifted_first),
        cmocka_unit_test(test_dates_past_2038_and_2100_are_ordinary),
        cmocka_unit_test(test_counter_before_the_page_is_no_time_travel),
        cmocka_unit_test(test_page_under_way_is_read_again),
        cmocka_unit_test(test_host_that_never_finishes_is_given_up),
        cmocka_unit_test(test_host_that_writes_nothing_is_useless),
        cmocka_unit_test(test_wall_clock_left_empty_is_no_time),
        cmocka_unit_test(test_impossible_factors_are_refused),
        cmocka_unit_test(test_old_registers_where_there_are_no_new_ones),
        cmocka_unit_test(test_nothing_is_touched_without_the_feature),
        cmocka_unit_test(test_another_rate_or_time_of_the_host_is_seen),
        cmocka_unit_test(test_a_counter_that_ran_on_has_kept_up),
        cmocka_unit_test(test_a_stop_amid_an_anchor_is_still_judged),
        cmocka_unit_test(test_without_an_anchor_nothing_has_kept_up),
        cmocka_unit_test(test_flags_are_a_byte_of_the_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
