/* SPDX-License-Identifier: BSD-2-Clause */
/* One log: a ring written at any level, read by the console and others. */
#ifndef ARCH_LOG_H
#define ARCH_LOG_H

#include "arch/logring.h"

/*
 * Add a line, stamped with the counter.  Printed as "[    12345 us] text", in
 * microseconds since entry.
 * Level: any.
 */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The counter at entry, the zero of all stamps.  Level: boot. */
void log_set_zero(uint64_t entry_ticks);

/*
 * How fast the counter runs.  Until then stamps are kept in ticks and nothing
 * but log_flush() prints.
 * Level: boot, background.
 */
void log_set_rate(uint64_t ticks_per_second);

/* Microseconds since entry, 0 while the rate is unknown.  Level: any. */
uint64_t log_micros(uint64_t ticks);

/* Where the log is printed. */
struct log_console {
    /* Take what can be had without waiting; returns how much, perhaps 0. */
    size_t (*write)(void *arg, const char *text, size_t len);
    /* Take all of it, waiting (for a bounded time) where necessary. */
    void (*write_all)(void *arg, const char *text, size_t len);
    void *arg;
};

/* `console` is kept by pointer.  Level: boot. */
void log_set_console(const struct log_console *console);

/*
 * Print a little: what the console takes without waiting.
 *
 * Returns true when more is left, so that the loop comes again, if it has
 * nothing else to do within a millisecond: that is how long a FIFO takes.
 * Level: background.
 */
bool log_drain(void);

/* Print all that is left, waiting for it.  Level: any, for panic(). */
void log_flush(void);

/* Print text as it stands, waiting for it.  Level: any, for panic(). */
void log_write_raw(const char *text, size_t len);

/*
 * Readers other than the console: lines by number, the first line ever is 0.
 * log_next() is the number that the next line will have.
 */
uint64_t log_next(void);

/*
 * Copy line `number`; false when it is no longer, or not yet, there.
 * Level: any.
 */
bool log_read(uint64_t number, struct log_entry *line);

/*
 * Copy the newest whole lines that fit, oldest first, each stamped and ended
 * by a newline; terminated.  Returns the length.
 * Level: any.
 */
size_t log_tail(char *out, size_t room, unsigned lines);

#endif
