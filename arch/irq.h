/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: handlers by vector, the level, and the time spent there. */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A handler.  Runs at interrupt level with interrupts off, on the interrupt
 * stack, integer registers only.  `entry_ticks` is the counter, read first
 * thing on entry.  The end of interrupt is given after it returns.
 */
typedef void irq_fn(void *arg, uint64_t entry_ticks);

/*
 * Give a handler a vector of its own.
 *
 * Returns the vector, for apic_msi() or apic_route().  Panics when all are
 * taken (there are over two hundred).
 * Level: boot.
 */
uint8_t irq_register(irq_fn *fn, void *arg);

/* Interrupts off; returns what irq_restore() wants.  Level: any. */
static inline uint64_t irq_save(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory", "cc");
    return flags;
}

/* Interrupts as they were.  Level: any. */
static inline void irq_restore(uint64_t flags)
{
    if (flags & 1 << 9) /* RFLAGS.IF */
        __asm__ volatile("sti" : : : "memory");
}

/* Interrupts on, for good: the end of boot. */
static inline void irq_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

/* Interrupts off: before the last look for work, see cpu_idle(). */
static inline void irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

/* Are we at interrupt level?  Level: any. */
bool irq_level(void);

/*
 * Counter ticks spent at interrupt level since boot, the interrupt under way
 * included up to `now_ticks`.
 * Level: any.
 */
uint64_t irq_busy_ticks(uint64_t now_ticks);

/*
 * How many ticks interrupt level may still spend, from `now_ticks`, so that
 * it has at most 90 % of any 20 ms; zero or less when it must shed.  It is a
 * bucket of 2 ms filled at 80 %.  INT64_MAX until irq_set_rate().
 * Level: interrupt.
 */
int64_t irq_budget(uint64_t now_ticks);

/* Tell the budget how fast the counter runs.  Level: boot, background. */
void irq_set_rate(uint64_t ticks_per_second);

struct irq_counts {
    uint64_t delivered;  /* to a handler */
    uint64_t spurious;   /* the local APIC's spurious vector */
    uint64_t unexpected; /* a vector without handler */
};

/* What has been delivered so far.  Level: background. */
struct irq_counts irq_counts(void);

#endif
