/* SPDX-License-Identifier: BSD-2-Clause */
/* Local APIC, I/O APIC, message-signalled interrupts, the one-shot timer. */
#ifndef ARCH_APIC_H
#define ARCH_APIC_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_IO_MAX       8  /* I/O APICs; further ones are not used */
#define APIC_OVERRIDE_MAX 16 /* one for each ISA interrupt */

/* What the MADT says; all zero where there is none. */
struct apic_madt {
    uint64_t local_address; /* 0: 0xFEE00000 */
    struct {
        uint32_t address;
        uint32_t gsi_base;
    } io[APIC_IO_MAX];
    uint8_t io_count;
    struct {
        uint8_t source; /* ISA interrupt */
        uint32_t gsi;
        bool level;
        bool active_low;
    } override[APIC_OVERRIDE_MAX];
    uint8_t override_count;
};

/*
 * Turn the local APIC on (x2APIC where the firmware or the CPU has it), mask
 * the two 8259 and every I/O APIC input.  Panics without a local APIC.
 * Level: boot, after mmu_init().
 */
void apic_init(const struct apic_madt *madt);

/* A device interrupt as a message.  Level: boot. */
struct apic_message {
    uint64_t address;
    uint32_t data;
};
struct apic_message apic_msi(uint8_t vector);

/*
 * Let a global system interrupt, or an ISA one by its usual number, arrive at
 * a vector.  Returns false when no I/O APIC has that input.
 * Level: boot.
 */
bool apic_route(uint32_t gsi, uint8_t vector, bool level, bool active_low);
bool apic_route_isa(uint8_t source, uint8_t vector);

/* The end of an interrupt; irq.c gives it.  Level: interrupt. */
void apic_eoi(void);

/* "x2APIC, TSC deadline" and the like, for the console.  Level: any. */
const char *apic_describe(void);

/*
 * A timer: `fn` runs at interrupt level once the counter has reached the
 * deadline.  Owned by the caller, for ever.  `fn` may set it again.
 */
struct timer {
    uint64_t deadline_ticks; /* written by timer_set() alone */
    void (*fn)(void *arg, uint64_t entry_ticks);
    void *arg;
    struct timer *next;
};

/*
 * Start the timer and its watchdog.  Without TSC deadline the APIC timer is
 * measured against the counter first, for about a millisecond.
 * Level: boot, once the counter's rate is known.
 */
void timer_init(uint64_t ticks_per_second);

/* Put a timer on the list, unset.  Level: boot. */
void timer_add(struct timer *t);

#define TIMER_NEVER UINT64_MAX

/* Set, move or (TIMER_NEVER) stop it; the past means at once.  Level: any. */
void timer_set(struct timer *t, uint64_t deadline_ticks);

/*
 * Let an interrupt come at that counter value, so that a halted background
 * loop wakes; replaces what was armed.  One comes each second regardless.
 * Level: background.
 */
void timer_arm(uint64_t deadline_ticks);

#define WATCHDOG_TICKS 30 /* one-second timer interrupts without a pass */

/*
 * The background loop has come round.  WATCHDOG_TICKS delivered one-second
 * timer interrupts without this are a panic.
 * Level: background.
 */
void watchdog_pass(void);

#endif
