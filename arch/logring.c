/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of log lines, without locks, levels or a console. */
#include "arch/logring.h"

#include "arch/fmt.h"

void log_ring_add(struct log_ring *ring, uint64_t ticks, const char *text,
                  size_t len)
{
    struct log_entry *line = &ring->line[ring->next % LOG_LINES];

    if (len > LOG_LINE_MAX)
        len = LOG_LINE_MAX;
    line->ticks = ticks;
    line->len = (uint16_t)len;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        /* What came from the network must not steer a terminal. */
        line->text[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    line->text[len] = '\0';
    ring->next++;
}

uint64_t log_ring_oldest(const struct log_ring *ring)
{
    return ring->next > LOG_LINES ? ring->next - LOG_LINES : 0;
}

bool log_ring_read(const struct log_ring *ring, uint64_t number,
                   struct log_entry *line)
{
    if (number >= ring->next || number < log_ring_oldest(ring))
        return false;
    *line = ring->line[number % LOG_LINES];
    return true;
}

uint64_t log_time_micros(const struct log_time *time, uint64_t ticks)
{
    uint64_t rate = time->ticks_per_second;

    if (rate == 0 || ticks < time->zero_ticks)
        return 0;
    ticks -= time->zero_ticks;
    return ticks / rate * 1000000 + ticks % rate * 1000000 / rate;
}

size_t log_print(char *out, size_t room, const struct log_time *time,
                 const struct log_entry *line, const char *ending)
{
    if (time->ticks_per_second == 0)
        return fmt_print(out, room, "[%9llu ticks] %s%s",
                         (unsigned long long)(line->ticks - time->zero_ticks),
                         line->text, ending);
    return fmt_print(out, room, "[%9llu us] %s%s",
                     (unsigned long long)log_time_micros(time, line->ticks),
                     line->text, ending);
}

size_t log_ring_tail(const struct log_ring *ring, const struct log_time *time,
                     char *out, size_t room, unsigned lines)
{
    char printed[LOG_PRINTED_MAX];
    uint64_t oldest = log_ring_oldest(ring);
    uint64_t from = ring->next;
    size_t wanted = 1; /* the terminator */
    size_t len = 0;

    for (; from > oldest && ring->next - from < lines; from--) {
        size_t one = log_print(printed, sizeof printed, time,
                               &ring->line[(from - 1) % LOG_LINES], "\n");

        if (one > room || wanted > room - one)
            break;
        wanted += one;
    }
    if (room > 0)
        out[0] = '\0';
    for (; from < ring->next; from++)
        len += log_print(out + len, room - len, time,
                         &ring->line[from % LOG_LINES], "\n");
    return len;
}
