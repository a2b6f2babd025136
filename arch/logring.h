/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of log lines, without locks, levels or a console. */
#ifndef ARCH_LOGRING_H
#define ARCH_LOGRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 655 /* of text; the rest of a longer line is cut */
#define LOG_LINES    256 /* twice what a boot says; the oldest make room */

struct log_entry {
    uint64_t ticks; /* the counter when it was logged */
    uint16_t len;
    char text[LOG_LINE_MAX + 1];
};

struct log_ring {
    struct log_entry line[LOG_LINES];
    uint64_t next; /* number of the next line; the first is 0 */
};

/* How stamps are printed. */
struct log_time {
    uint64_t zero_ticks;
    uint64_t ticks_per_second; /* 0: not known yet, print ticks */
};

/* Add a line, cut to LOG_LINE_MAX; control characters become spaces. */
void log_ring_add(struct log_ring *ring, uint64_t ticks, const char *text,
                  size_t len);

/* Number of the oldest line that is still there. */
uint64_t log_ring_oldest(const struct log_ring *ring);

/* Copy line `number`; false when it is no longer, or not yet, there. */
bool log_ring_read(const struct log_ring *ring, uint64_t number,
                   struct log_entry *line);

/*
 * Microseconds from the zero to `ticks`, 0 for what is before it or while the
 * rate is unknown.  For rates up to 18 THz.
 */
uint64_t log_time_micros(const struct log_time *time, uint64_t ticks);

#define LOG_PRINTED_MAX (LOG_LINE_MAX + 40)

/*
 * Print a line: its stamp, its text, `ending`.  Terminated; returns the
 * length.  LOG_PRINTED_MAX is room enough for an ending of two characters.
 */
size_t log_print(char *out, size_t room, const struct log_time *time,
                 const struct log_entry *line, const char *ending);

/* The newest `lines` whole lines that fit, oldest first; see log_tail(). */
size_t log_ring_tail(const struct log_ring *ring, const struct log_time *time,
                     char *out, size_t room, unsigned lines);

#endif
