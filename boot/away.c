/* SPDX-License-Identifier: BSD-2-Clause */
/* How long the processor was given to others while an answer was awaited. */
#include "boot/away.h"

#include "arch/cpu.h"
#include "arch/irq.h"

#define TICK_US  1000
#define GAP_US   1000 /* less may be an emulated timer's interrupt, late */
#define AWAIT_MS 250

__extension__ typedef unsigned __int128 u128;

static uint64_t us_ticks(const struct away *a, uint64_t us)
{
    return a->ticks_per_s / 1000000 * us;
}

/* Level: interrupt. */
static void tick(void *arg, uint64_t entry_ticks)
{
    struct away *a = arg;
    uint64_t late = entry_ticks - a->due_ticks;

    if (late >= us_ticks(a, GAP_US) && late < a->ticks_per_s)
        a->missed_ticks += late;
    if (a->awaited == 0 || entry_ticks >= a->end_ticks)
        return;
    a->due_ticks = entry_ticks + us_ticks(a, TICK_US);
    timer_set(&a->tick, a->due_ticks);
}

void away_start(struct away *a, struct steal *steal, uint64_t ticks_per_s)
{
    *a = (struct away){
        .steal = steal,
        .ticks_per_s = ticks_per_s,
        .tick = {.fn = tick, .arg = a},
    };
    timer_add(&a->tick);
}

/* Level: interrupts off. */
static void await(struct away *a)
{
    uint64_t now = counter_read();

    if (now >= a->end_ticks)
        a->awaited = 0; /* those before will not be answered */
    a->end_ticks = now + us_ticks(a, 1000 * AWAIT_MS);
    if (a->awaited++ > 0)
        return;
    a->due_ticks = now + us_ticks(a, TICK_US);
    timer_set(&a->tick, a->due_ticks);
}

static void stop(struct away *a)
{
    if (a->awaited == 0 || --a->awaited > 0)
        return;
    timer_set(&a->tick, TIMER_NEVER);
}

uint64_t away_ns(void *arg, int more)
{
    struct away *a = arg;

    if (a->steal != NULL)
        return steal_ns(a->steal);

    uint64_t flags = irq_save();

    if (more > 0)
        await(a);
    else if (more < 0)
        stop(a);

    uint64_t missed = a->missed_ticks;

    irq_restore(flags);
    return (uint64_t)((u128)missed * 1000000000 / a->ticks_per_s);
}
