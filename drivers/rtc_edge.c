/* SPDX-License-Identifier: BSD-2-Clause */
/* When a clock of whole seconds goes from one to the next: looked for by the
 * way, never waited for. */
#include "drivers/rtc_edge.h"

/* Looks a second: where nothing is known, and about an expected edge. */
#define COARSE 64
#define FINE   1000

/* An edge that is not known better than to a 32nd of a second is none. */
#define WIDEST 32

/* It is expected early or late by that part of a second, by what it was not
 * known better, ... */
#define MARGIN 500

/* ... and by one part in that many of the time since the last one. */
#define DRIFT 1024

/* No edge is expected that long after the last one, s. */
#define EXPECTED_S 128

#define GIVE_UP_S 4

static uint64_t margin(const struct rtc_edge *e)
{
    return e->ticks_per_s / MARGIN + e->width +
           (e->due_ticks - e->edge_ticks) / DRIFT;
}

uint64_t rtc_edge_begin(struct rtc_edge *e, uint64_t now)
{
    uint64_t since = now - e->edge_ticks;

    e->looking = true;
    e->shown = false;
    e->began_ticks = now;
    e->known &= since < EXPECTED_S * e->ticks_per_s;
    if (!e->known)
        return now;

    uint64_t first;

    e->due_ticks = e->edge_ticks + since / e->ticks_per_s * e->ticks_per_s;
    do {
        e->due_ticks += e->ticks_per_s;
        first = e->due_ticks - margin(e);
    } while ((int64_t)(first - now) < 0);
    return first;
}

bool rtc_edge_see(struct rtc_edge *e, uint64_t before, uint8_t second,
                  uint64_t after)
{
    uint64_t from = e->seen_ticks;
    bool changed = e->shown && second != e->second;
    bool next = second == (e->second + 1) % 60;

    e->shown = true;
    e->second = second;
    e->seen_ticks = before;
    if (!changed)
        return false;
    e->known = next && after - from <= e->ticks_per_s / WIDEST;
    if (!e->known)
        return false;
    e->width = (after - from) / 2 + 1;
    e->edge_ticks = from + (after - from) / 2;
    e->looking = false;
    return true;
}

uint64_t rtc_edge_again(struct rtc_edge *e, uint64_t now)
{
    e->known &= (int64_t)(now - e->due_ticks - margin(e)) <= 0;
    return now + e->ticks_per_s / (e->known ? FINE : COARSE);
}

bool rtc_edge_is_late(const struct rtc_edge *e, uint64_t now)
{
    return now - e->began_ticks > GIVE_UP_S * e->ticks_per_s;
}
