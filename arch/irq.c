/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers by vector, the level, and the time spent there. */
#include "arch/irq.h"

#include "arch/apic.h"
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

    int64_t bucket_ticks; /* what interrupt level may still spend */
    uint64_t bucket_at;   /* as of this counter value */
    int64_t bucket_size;  /* 2 ms; 0 while the rate is unknown */

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

    irq.bucket_size = (int64_t)(ticks_per_second / 500);
    irq.bucket_ticks = irq.bucket_size;
    irq.bucket_at = counter_read();
    irq_restore(flags);
}

/*
 * In any 20 ms the bucket lets at most its size and what flows in pass:
 * 2 ms + 80 % of 20 ms.
 */
static void bucket_fill(uint64_t now_ticks)
{
    uint64_t elapsed = now_ticks - irq.bucket_at;

    irq.bucket_at = now_ticks;
    if (elapsed > (uint64_t)irq.bucket_size * 64)
        elapsed = (uint64_t)irq.bucket_size * 64;
    irq.bucket_ticks += (int64_t)(elapsed / 5 * 4);
    if (irq.bucket_ticks > irq.bucket_size)
        irq.bucket_ticks = irq.bucket_size;
}

static void bucket_spend(uint64_t spent_ticks)
{
    /* A virtual CPU that was away here for long did not work that long. */
    int64_t most = 10 * irq.bucket_size;

    irq.bucket_ticks -=
        spent_ticks < (uint64_t)most ? (int64_t)spent_ticks : most;
    if (irq.bucket_ticks < -most)
        irq.bucket_ticks = -most;
}

int64_t irq_budget(uint64_t now_ticks)
{
    if (irq.bucket_size == 0)
        return INT64_MAX;
    if (!irq.active)
        return irq.bucket_ticks;
    return irq.bucket_ticks - (int64_t)(now_ticks - irq.entry_ticks);
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
    if (irq.bucket_size != 0)
        bucket_fill(entry_ticks);
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
    if (irq.bucket_size != 0)
        bucket_spend(spent);
    irq.active = false;
}
