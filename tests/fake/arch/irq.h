/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts that nobody turns off: a test calls the handlers itself. */
#ifndef TESTS_FAKE_ARCH_IRQ_H
#define TESTS_FAKE_ARCH_IRQ_H

#define irq_save    machine_irq_save
#define irq_restore machine_irq_restore
#define irq_enable  machine_irq_enable
#define irq_disable machine_irq_disable
#include "../../../arch/irq.h"
#undef irq_save
#undef irq_restore
#undef irq_enable
#undef irq_disable

static inline uint64_t irq_save(void)
{
    return 0;
}

static inline void irq_restore(uint64_t flags)
{
    (void)flags;
}

static inline void irq_enable(void)
{
}

static inline void irq_disable(void)
{
}

#endif
