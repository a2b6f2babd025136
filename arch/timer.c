/* SPDX-License-Identifier: BSD-2-Clause */
/* The one-shot timer and the watchdog; the header is apic.h. */
#include "arch/apic.h"

#include "arch/apic_local.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "arch/panic.h"

#include <stddef.h>

#define MSR_TSC_DEADLINE 0x6e0
#define LVT_TSC_DEADLINE (2u << 17)
#define DIVIDE_BY_1      0xb
#define MEASURE_TRIES    10

/* One processor's timer. */
static struct {
    uint64_t rate;
    bool by_deadline;
    uint64_t count_per_tick; /* APIC timer against the counter, 32.32 bits */

    struct timer *first;
    struct timer wake;     /* timer_arm()'s */
    uint64_t next_second;  /* when one comes regardless */
    uint64_t armed;        /* what the hardware is set to */
    unsigned without_pass; /* one-second interrupts since watchdog_pass() */
} timer = {
    .first = &timer.wake,
    .wake.deadline_ticks = TIMER_NEVER,
    .armed = TIMER_NEVER,
};

static void hardware_set(uint64_t deadline)
{
    if (timer.by_deadline) {
        msr_write(MSR_TSC_DEADLINE, deadline != 0 ? deadline : 1);
        return;
    }

    int64_t ticks = (int64_t)(deadline - counter_read());
    uint64_t count = 1;

    if (ticks > 0) {
        uint64_t capped =
            (uint64_t)ticks < timer.rate ? (uint64_t)ticks : timer.rate;

        count +=
            (uint64_t)((unsigned __int128)capped * timer.count_per_tick >> 32);
    }
    apic_write(APIC_INITIAL_COUNT,
               count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
}

/*
 * Set the hardware if something is due before what it is set to.  When it is
 * set too early, the interrupt finds nothing due and comes here.
 */
static void rearm(void)
{
    uint64_t soonest = timer.next_second;

    if (timer.rate == 0)
        return;
    for (struct timer *t = timer.first; t != NULL; t = t->next)
        if (t->deadline_ticks < soonest)
            soonest = t->deadline_ticks;
    if (soonest >= timer.armed)
        return;
    timer.armed = soonest;
    hardware_set(soonest);
}

static void second_passed(uint64_t now)
{
    timer.next_second = now + timer.rate;
    if (++timer.without_pass > WATCHDOG_TICKS)
        panic("watchdog: the loop has not come round for %u timer seconds",
              WATCHDOG_TICKS);
}

static void timer_irq(void *arg, uint64_t entry_ticks)
{
    (void)arg;
    timer.armed = TIMER_NEVER;

    /* The counter may have been set back while the machine was away. */
    if (entry_ticks >= timer.next_second ||
        timer.next_second - entry_ticks > timer.rate)
        second_passed(entry_ticks);

    for (struct timer *t = timer.first; t != NULL; t = t->next) {
        if (t->deadline_ticks > entry_ticks)
            continue;
        t->deadline_ticks = TIMER_NEVER;
        if (t->fn != NULL)
            t->fn(t->arg, entry_ticks);
    }
    rearm();
}

struct reading {
    uint64_t ticks;
    uint32_t count;
    uint64_t width;
};

/* The count between two looks at the counter: the tightest of some tries. */
static struct reading measure(void)
{
    struct reading best = {.width = UINT64_MAX};

    for (unsigned i = 0; i < MEASURE_TRIES; i++) {
        uint64_t before = counter_read();
        uint32_t count = apic_read(APIC_CURRENT_COUNT);
        uint64_t after = counter_read();

        if (after - before < best.width)
            best = (struct reading){before, count, after - before};
    }
    return best;
}

static void measure_count_per_tick(void)
{
    apic_write(APIC_INITIAL_COUNT, UINT32_MAX);

    struct reading from = measure();

    while (counter_read() - from.ticks < timer.rate / 1000)
        cpu_relax();

    struct reading to = measure();
    uint64_t counted = from.count - to.count;

    apic_write(APIC_INITIAL_COUNT, 0);
    if (from.count <= to.count || counted >> 31 != 0)
        panic("the APIC timer does not run");
    timer.count_per_tick = (counted << 32) / (to.ticks - from.ticks);
}

void timer_init(uint64_t ticks_per_second)
{
    uint8_t vector = irq_register(timer_irq, NULL);

    timer.by_deadline = cpu_features()->tsc_deadline;
    timer.rate = ticks_per_second;
    if (timer.by_deadline) {
        apic_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | vector);
        /* The mode is set in memory, the deadline in an MSR. */
        __asm__ volatile("mfence" : : : "memory");
    } else {
        apic_write(APIC_DIVIDE, DIVIDE_BY_1);
        measure_count_per_tick();
        apic_write(APIC_LVT_TIMER, vector);
    }
    irq_set_rate(ticks_per_second);

    uint64_t flags = irq_save();

    timer.armed = TIMER_NEVER;
    timer.next_second = counter_read() + timer.rate;
    rearm();
    irq_restore(flags);
}

void timer_add(struct timer *t)
{
    uint64_t flags = irq_save();

    t->deadline_ticks = TIMER_NEVER;
    t->next = timer.first;
    timer.first = t;
    irq_restore(flags);
}

void timer_set(struct timer *t, uint64_t deadline_ticks)
{
    uint64_t flags = irq_save();

    t->deadline_ticks = deadline_ticks;
    rearm();
    irq_restore(flags);
}

void timer_arm(uint64_t deadline_ticks)
{
    timer_set(&timer.wake, deadline_ticks);
}

void watchdog_pass(void)
{
    timer.without_pass = 0;
}

const char *apic_describe(void)
{
    if (apic_is_x2())
        return timer.by_deadline ? "x2APIC, TSC deadline"
                                 : "x2APIC, APIC timer";
    return timer.by_deadline ? "APIC, TSC deadline" : "APIC, APIC timer";
}
