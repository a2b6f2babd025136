/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of steal time: KVM's page, byte by byte, and gaps in a tick. */
/* links: drivers/steal boot/away tests/fake/cpuid */
#include "boot/away.h"

#include "arch/cpu.h"
#include "arch/io.h"
#include "tests/check.h"
#include "tests/fake/cpuid.h"

#define HZ 1000000000ull
#define US (HZ / 1000000)

static struct {
    uint8_t *page;
    unsigned odd; /* so many reads of the version are odd */
    uint64_t now;
    struct timer *timer;
} host;

uint64_t counter_read(void)
{
    return host.now;
}

void msr_write(uint32_t msr, uint64_t value)
{
    CHECK_EQ(msr, 0x4b564d03);
    CHECK_EQ(value & 63, 1);
    host.page = (uint8_t *)(uintptr_t)(value - 1);
}

uint64_t fake_mmio_read(const volatile void *at, unsigned width)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)at;
    uint64_t value = 0;

    if (host.odd > 0 && p == host.page + 8)
        return host.odd-- % 2 == 0 ? 7 : 9;
    memcpy(&value, p, width);
    return value;
}

void fake_mmio_write(volatile void *at, unsigned width, uint64_t value)
{
    (void)at, (void)width, (void)value;
    fail_msg("the page is the host's to write");
}

void timer_add(struct timer *t)
{
    host.timer = t;
    t->deadline_ticks = TIMER_NEVER;
}

void timer_set(struct timer *t, uint64_t deadline_ticks)
{
    CHECK(t == host.timer);
    t->deadline_ticks = deadline_ticks;
}

static struct steal steal;
static struct away away;

static void put_steal(uint64_t ns, uint32_t version)
{
    memcpy(host.page, &ns, 8);
    memcpy(host.page + 8, &version, 4);
}

static void fresh(uint32_t features)
{
    memset(&host, 0, sizeof(host));
    memset(&steal, 0, sizeof(steal));
    fake_cpuid.kvm_base = 0x40000000;
    fake_cpuid.kvm_features = features;
    host.now = 5 * HZ;
}

static void test_kvm_is_asked_only_where_it_offers_that(void **state)
{
    (void)state;
    fresh(0x0100005b); /* all but bit 5 */
    CHECK(!steal_attach(&steal));
    CHECK(host.page == NULL);
    fresh(0x20);
    fake_cpuid.kvm_base = 0;
    CHECK(!steal_attach(&steal));
    fresh(0x20);
    CHECK(steal_attach(&steal));
    CHECK(host.page == steal.page);
}

static void test_nanoseconds_are_read_between_two_equal_versions(void **state)
{
    (void)state;
    fresh(0x20);
    CHECK(steal_attach(&steal));
    CHECK_EQ(steal_ns(&steal), 0);
    put_steal(0x123456789a, 2);
    CHECK_EQ(steal_ns(&steal), 0x123456789a);
    put_steal(0x200000000000, 4);
    host.odd = 11;
    CHECK_EQ(steal_ns(&steal), 0x200000000000);
    CHECK_EQ(host.odd, 0);
    put_steal(0x300000000000, 5); /* for ever in an update */
    CHECK_EQ(steal_ns(&steal), 0x200000000000);
}

static void test_with_steal_time_nothing_ticks(void **state)
{
    (void)state;
    fresh(0x20);
    CHECK(steal_attach(&steal));
    away_start(&away, &steal, HZ);
    put_steal(5000, 2);
    CHECK_EQ(away_ns(&away, 1), 5000);
    CHECK_EQ(host.timer->deadline_ticks, TIMER_NEVER);
}

/* Let time pass; interrupts come so late. */
static void run(uint64_t us, uint64_t late_us)
{
    uint64_t end = host.now + us * US;

    while (host.timer->deadline_ticks <= end) {
        if (host.timer->deadline_ticks > host.now)
            host.now = host.timer->deadline_ticks;
        host.timer->deadline_ticks = TIMER_NEVER;
        host.now += late_us * US;
        host.timer->fn(host.timer->arg, host.now);
    }
    if (host.now < end)
        host.now = end;
}

static void test_gaps_in_the_tick_are_added_up(void **state)
{
    (void)state;
    fresh(0);
    away_start(&away, NULL, HZ);
    CHECK_EQ(away_ns(&away, 1), 0);
    run(20000, 900); /* an emulated timer's */
    CHECK_EQ(away_ns(&away, -1), 0);
    CHECK_EQ(away_ns(&away, 1), 0);
    run(1500, 3000);
    CHECK_EQ(away_ns(&away, -1), 3000000);
    CHECK_EQ(away_ns(&away, 1), 3000000);
    run(5000, 0);
    CHECK_EQ(away_ns(&away, -1), 3000000);
}

static void test_nothing_ticks_while_nothing_is_awaited(void **state)
{
    (void)state;
    fresh(0);
    away_start(&away, NULL, HZ);
    CHECK_EQ(host.timer->deadline_ticks, TIMER_NEVER);
    away_ns(&away, 1);
    away_ns(&away, 1);
    CHECK_EQ(host.timer->deadline_ticks, host.now + 1000 * US);
    away_ns(&away, -1);
    CHECK(host.timer->deadline_ticks != TIMER_NEVER);
    away_ns(&away, -1);
    CHECK_EQ(host.timer->deadline_ticks, TIMER_NEVER);
    away_ns(&away, -1); /* an answer too many */
    away_ns(&away, 1);
    CHECK_EQ(host.timer->deadline_ticks, host.now + 1000 * US);
}

static void test_an_answer_is_not_awaited_for_ever(void **state)
{
    (void)state;
    fresh(0);
    away_start(&away, NULL, HZ);
    away_ns(&away, 1);
    away_ns(&away, 1);
    run(300000, 0);
    CHECK_EQ(host.timer->deadline_ticks, TIMER_NEVER);
    away_ns(&away, 1);
    CHECK(host.timer->deadline_ticks != TIMER_NEVER);
    away_ns(&away, -1);
    CHECK_EQ(host.timer->deadline_ticks, TIMER_NEVER);
}

/* Anybody may send a packet to where an answer is awaited. */
static void test_what_is_no_answer_does_not_end_the_tick(void **state)
{
    (void)state;
    fresh(0);
    away_start(&away, NULL, HZ);
    away_ns(&away, 1);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(away_ns(&away, 0), 0);
    run(1500, 3000);
    CHECK_EQ(away_ns(&away, 0), 3000000);
    CHECK(host.timer->deadline_ticks != TIMER_NEVER);
    CHECK_EQ(away_ns(&away, -1), 3000000);
    CHECK_EQ(host.timer->deadline_ticks, TIMER_NEVER);
}

/* A pause of seconds is not stolen time: others notice it. */
static void test_a_pause_is_no_gap(void **state)
{
    (void)state;
    fresh(0);
    away_start(&away, NULL, HZ);
    away_ns(&away, 1);
    run(1000, 6000000);
    CHECK_EQ(away_ns(&away, -1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kvm_is_asked_only_where_it_offers_that),
        cmocka_unit_test(test_nanoseconds_are_read_between_two_equal_versions),
        cmocka_unit_test(test_with_steal_time_nothing_ticks),
        cmocka_unit_test(test_gaps_in_the_tick_are_added_up),
        cmocka_unit_test(test_nothing_ticks_while_nothing_is_awaited),
        cmocka_unit_test(test_an_answer_is_not_awaited_for_ever),
        cmocka_unit_test(test_what_is_no_answer_does_not_end_the_tick),
        cmocka_unit_test(test_a_pause_is_no_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
