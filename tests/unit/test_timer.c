/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the one-shot timer and the watchdog, on made-up hardware. */
/* links: arch/timer */
#include "arch/apic.h"

#include "arch/apic_local.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/panic.h"
#include "tests/check.h"

#define RATE      2000000000u /* the counter's */
#define APIC_RATE 1000000000u
#define SECOND    ((uint64_t)RATE)
#define VECTOR    0x40

/* The hardware: a counter, and an interrupt that it brings at a time. */
static struct {
    uint64_t now;
    uint64_t due; /* TIMER_NEVER: not set */
    uint64_t initial_at;
    uint32_t initial;
    uint32_t lvt;
    bool fenced_late; /* the deadline was written before the mode */
    unsigned writes;
    irq_fn *fn;
    void *arg;
} hw;

static struct cpu_features features;
static jmp_buf panicked;

uint64_t counter_read(void)
{
    return hw.now += 20;
}

uint64_t msr_read(uint32_t msr)
{
    fail_msg("MSR %x read", msr);
    return 0;
}

void msr_write(uint32_t msr, uint64_t value)
{
    CHECK_EQ(msr, 0x6e0);
    if (hw.lvt != (2u << 17 | VECTOR))
        hw.fenced_late = true;
    hw.due = value;
    hw.writes++;
}

uint32_t apic_read(uint32_t offset)
{
    CHECK_EQ(offset, APIC_CURRENT_COUNT);

    uint64_t passed = (hw.now - hw.initial_at) / (RATE / APIC_RATE);

    return passed < hw.initial ? hw.initial - (uint32_t)passed : 0;
}

void apic_write(uint32_t offset, uint32_t value)
{
    if (offset == APIC_LVT_TIMER) {
        hw.lvt = value;
    } else if (offset == APIC_INITIAL_COUNT) {
        hw.initial = value;
        hw.initial_at = hw.now;
        hw.due = value == 0 ? TIMER_NEVER
                            : hw.now + (uint64_t)value * (RATE / APIC_RATE);
        hw.writes++;
    } else {
        CHECK_EQ(offset, APIC_DIVIDE);
        CHECK_EQ(value, 0xb);
    }
}

bool apic_is_x2(void)
{
    return false;
}

const struct cpu_features *cpu_features(void)
{
    return &features;
}

uint8_t irq_register(irq_fn *fn, void *arg)
{
    hw.fn = fn;
    hw.arg = arg;
    return VECTOR;
}

void irq_set_rate(uint64_t ticks_per_second)
{
    CHECK_EQ(ticks_per_second, RATE);
}

void panic(const char *fmt, ...)
{
    (void)fmt;
    longjmp(panicked, 1);
}

/* Until `end`, let interrupts come when they are due; how many. */
static unsigned run_until(uint64_t end)
{
    unsigned came = 0;

    while (hw.due <= end) {
        if (hw.due > hw.now)
            hw.now = hw.due;
        hw.due = TIMER_NEVER;
        came++;
        hw.fn(hw.arg, hw.now);
    }
    hw.now = end;
    return came;
}

static unsigned fired;
static uint64_t fired_at;

static void fire(void *arg, uint64_t entry_ticks)
{
    (void)arg;
    fired++;
    fired_at = entry_ticks;
}

/* The module is started once for each kind of hardware. */
static struct timer one, two;

static void start(bool deadline)
{
    memset(&hw, 0, sizeof hw);
    hw.now = 1000000;
    hw.due = TIMER_NEVER;
    features.tsc_deadline = deadline;
    timer_init(RATE);
}

static void check_a_timer_fires_once_and_on_time(void)
{
    uint64_t at = hw.now + SECOND / 10;

    fired = 0;
    timer_set(&one, at);
    run_until(at - 1000);
    CHECK_EQ(fired, 0);
    run_until(at + 5000);
    CHECK_EQ(fired, 1);
    CHECK_NEAR(fired_at, at, 2000);
    run_until(at + SECOND / 2);
    CHECK_EQ(fired, 1);
}

static void check_the_past_means_at_once(void)
{
    fired = 0;
    timer_set(&one, 0);
    run_until(hw.now + 5000);
    CHECK_EQ(fired, 1);
}

static void check_one_comes_each_second(void)
{
    watchdog_pass();
    CHECK_NEAR(run_until(hw.now + 10 * SECOND), 10, 1);
    watchdog_pass();
    CHECK_NEAR(run_until(hw.now + 10 * SECOND), 10, 1);
}

static void check_moved_and_stopped_timers_do_not_fire(void)
{
    uint64_t now = hw.now;

    fired = 0;
    timer_set(&one, now + SECOND / 10);
    timer_set(&one, now + SECOND / 5);
    timer_set(&two, now + SECOND / 20);
    timer_set(&two, TIMER_NEVER);
    run_until(now + SECOND / 6);
    CHECK_EQ(fired, 0);
    run_until(now + SECOND / 4);
    CHECK_EQ(fired, 1);
}

static void check_arming_later_costs_no_write(void)
{
    timer_arm(hw.now + SECOND / 100);

    unsigned before = hw.writes;

    for (unsigned i = 0; i < 100; i++)
        timer_arm(hw.now + SECOND / 50);
    CHECK_EQ(hw.writes, before);
    run_until(hw.now + SECOND / 10);
}

static void check_the_watchdog_counts_interrupts_not_time(void)
{
    watchdog_pass();
    /* Many interrupts in one second are one. */
    for (unsigned i = 0; i < 100; i++) {
        timer_arm(hw.now + SECOND / 200);
        run_until(hw.now + SECOND / 200 + 5000);
    }
    /* Away for an hour: one interrupt comes late, and is one. */
    for (unsigned i = 0; i < 20; i++) {
        hw.now += 3600 * SECOND;
        run_until(hw.now + 5000);
    }
    watchdog_pass();
    run_until(hw.now + 29 * SECOND);
    watchdog_pass();
    run_until(hw.now + 29 * SECOND);

    bool bit = false;

    if (setjmp(panicked) == 0)
        run_until(hw.now + 3 * SECOND);
    else
        bit = true;
    CHECK(bit);
    watchdog_pass();
    hw.fn(hw.arg, hw.now);
}

/* Set back by an hour, it still ticks. */
static void check_a_counter_set_back_is_survived(void)
{
    hw.now -= 3600 * SECOND;
    hw.due = hw.now; /* what is relative still comes */
    watchdog_pass();
    CHECK_NEAR(run_until(hw.now + 5 * SECOND), 6, 1);
}

static void check_all(void)
{
    check_a_timer_fires_once_and_on_time();
    check_the_past_means_at_once();
    check_one_comes_each_second();
    check_moved_and_stopped_timers_do_not_fire();
    check_arming_later_costs_no_write();
    check_the_watchdog_counts_interrupts_not_time();
    check_a_counter_set_back_is_survived();
}

static void test_with_the_apic_timer(void **state)
{
    (void)state;
    start(false);
    timer_add(&one);
    timer_add(&two);
    CHECK_EQ(hw.lvt, VECTOR);
    check_all();
}

static void test_with_tsc_deadline(void **state)
{
    (void)state;
    start(true);
    CHECK_EQ(hw.lvt, 2u << 17 | VECTOR);
    check_all();
    CHECK(!hw.fenced_late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_the_apic_timer),
        cmocka_unit_test(test_with_tsc_deadline),
    };

    one.fn = two.fn = fire;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
