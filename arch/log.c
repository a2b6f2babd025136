/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring to log into at any level, and the console that it is printed on. */
#include "arch/log.h"

#include "arch/cpu.h"
#include "arch/fmt.h"
#include "arch/irq.h"

#include <stdarg.h>

/* What a virtual UART, which is always ready, is given in one go: 128 bytes, a
 * fraction of a millisecond. */
#define DRAIN_BITES 8

/* One log for everybody, at every level: that is why it is file-scope. */
static struct {
    struct log_ring ring;
    struct log_time time;
    const struct log_console *console;
    uint64_t printed; /* number of the next line to print */

    char pending[LOG_PRINTED_MAX];  /* the line under way, */
    size_t pending_at, pending_len; /* from here to there */
} log;

void log_line(const char *fmt, ...)
{
    char text[LOG_LINE_MAX + 1];
    uint64_t ticks = counter_read();
    va_list args;

    va_start(args, fmt);

    size_t len = fmt_line(text, sizeof text, fmt, args);

    va_end(args);

    uint64_t flags = irq_save();

    log_ring_add(&log.ring, ticks, text, len);
    irq_restore(flags);
}

void log_set_zero(uint64_t entry_ticks)
{
    log.time.zero_ticks = entry_ticks;
}

void log_set_rate(uint64_t ticks_per_second)
{
    log.time.ticks_per_second = ticks_per_second;
}

uint64_t log_micros(uint64_t ticks)
{
    return log_time_micros(&log.time, ticks);
}

void log_set_console(const struct log_console *console)
{
    log.console = console;
}

/* Have a line pending, if there is one; says how many were lost before it. */
static bool pending_fill(void)
{
    struct log_entry line;

    if (log.pending_at < log.pending_len)
        return true;

    uint64_t flags = irq_save();
    uint64_t oldest = log_ring_oldest(&log.ring);
    uint64_t lost = oldest > log.printed ? oldest - log.printed : 0;
    bool found = log_ring_read(&log.ring, log.printed + lost, &line);

    irq_restore(flags);
    if (!found)
        return false;

    log.pending_at = 0;
    if (lost > 0) {
        log.pending_len =
            fmt_print(log.pending, sizeof log.pending,
                      "... %llu lines lost\r\n", (unsigned long long)lost);
        log.printed += lost;
        return true;
    }
    log.pending_len =
        log_print(log.pending, sizeof log.pending, &log.time, &line, "\r\n");
    log.printed++;
    return true;
}

bool log_drain(void)
{
    if (log.console == NULL || log.time.ticks_per_second == 0)
        return false;

    for (unsigned i = 0; i < DRAIN_BITES; i++) {
        if (!pending_fill())
            return false;

        size_t taken =
            log.console->write(log.console->arg, log.pending + log.pending_at,
                               log.pending_len - log.pending_at);

        if (taken == 0)
            break;
        log.pending_at += taken;
    }
    return log.pending_at < log.pending_len || log.printed < log.ring.next;
}

void log_flush(void)
{
    if (log.console == NULL)
        return;
    while (pending_fill()) {
        log.console->write_all(log.console->arg, log.pending + log.pending_at,
                               log.pending_len - log.pending_at);
        log.pending_at = log.pending_len;
    }
}

void log_write_raw(const char *text, size_t len)
{
    if (log.console != NULL)
        log.console->write_all(log.console->arg, text, len);
}

uint64_t log_next(void)
{
    return log.ring.next;
}

bool log_read(uint64_t number, struct log_entry *line)
{
    uint64_t flags = irq_save();
    bool found = log_ring_read(&log.ring, number, line);

    irq_restore(flags);
    return found;
}

size_t log_tail(char *out, size_t room, unsigned lines)
{
    uint64_t flags = irq_save();
    size_t len = log_ring_tail(&log.ring, &log.time, out, room, lines);

    irq_restore(flags);
    return len;
}
