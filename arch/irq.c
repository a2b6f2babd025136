/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers by vector, the level, and the time spent there. */
#include "arch/irq.h"

#include "arch/apic.h"
#include "arch/budget.h"
#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/log.h"
#include "arch/panic.h"
#include "arch/vectors.h"

#include <stddef.h>

/* One of these is the processor's: the handlers and what they cost. */
static struct {
    struct {
        irq_fn *fn;
        void *arg;
    } handler[256];
    unsigned next; /* vector to give out */

    bool active;
    uint64_t entry_ticks; /* of the interrupt under way */
    uint64_t busy_ticks;  /* of those before it */

    struct budget budget;
    struct irq_counts counts;
    bool complained; /* of an unexpected vector; once is enough */
} irq = {.next = VECTOR_DEVICES};

uint8_t irq_register(irq_fn *fn, void *arg)
{
    if (irq.next >= VECTOR_SPURIOUS)
        panic("no interrupt vector is left");

    uint8_t vector = (uint8_t)irq.next++;

    irq.handler[vector].arg = arg;
    irq.handler[vector].fn = fn;
    return vector;
}

bool irq_level(void)
{
    return irq.active;
}

uint64_t irq_busy_ticks(uint64_t now_ticks)
{
    uint64_t flags = irq_save();
    uint64_t busy = irq.busy_ticks;

    if (irq.active && now_ticks > irq.entry_ticks)
        busy += now_ticks - irq.entry_ticks;
    irq_restore(flags);
    return busy;
}

void irq_set_rate(uint64_t ticks_per_second)
{
    uint64_t flags = irq_save();

    budget_start(&irq.budget, ticks_per_second, counter_read());
    irq_restore(flags);
}

int64_t irq_budget(uint64_t now_ticks)
{
    return budget_left(&irq.budget,
                       irq.active ? now_ticks - irq.entry_ticks : 0);
}

struct irq_counts irq_counts(void)
{
    return irq.counts;
}

static void unexpected(unsigned vector)
{
    irq.counts.unexpected++;
    if (!irq.complained)
        log_line("irq: vector %u came, and is nobody's", vector);
    irq.complained = true;
}

void irq_dispatch(uint64_t vector, uint64_t entry_ticks)
{
    if (vector == VECTOR_SPURIOUS) {
        irq.counts.spurious++;
        return;
    }

    irq.active = true;
    irq.entry_ticks = entry_ticks;
    budget_fill(&irq.budget, entry_ticks);
    entropy_note(entry_ticks);

    vector &= 0xff;
    if (irq.handler[vector].fn != NULL) {
        irq.counts.delivered++;
        irq.handler[vector].fn(irq.handler[vector].arg, entry_ticks);
    } else {
        unexpected((unsigned)vector);
    }
    apic_eoi();

    uint64_t spent = counter_read() - entry_ticks;

    irq.busy_ticks += spent;
    budget_spend(&irq.budget, spent);
    irq.active = false;
}
