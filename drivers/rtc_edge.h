/* SPDX-License-Identifier: BSD-2-Clause */
/* When a clock of whole seconds goes from one to the next: looked for by the
 * way, never waited for. */
#ifndef DRIVERS_RTC_EDGE_H
#define DRIVERS_RTC_EDGE_H

#include <stdbool.h>
#include <stdint.h>

struct rtc_edge {
    uint64_t ticks_per_s;
    bool known;          /* when the last one was, and so about the next one */
    uint64_t edge_ticks; /* the middle of where it was found, ... */
    uint64_t width;      /* ... and it is that far away at most, ticks */
    bool looking;
    bool shown;          /* a second was, since the search began */
    uint8_t second;      /* the last one that was, ... */
    uint64_t seen_ticks; /* ... a moment after that */
    uint64_t began_ticks;
    uint64_t due_ticks; /* when the next edge is expected, if it is known */
};

/*
 * Begin to look for an edge.  Returns when to look first: now, or just before
 * the next one where that is known.
 */
uint64_t rtc_edge_begin(struct rtc_edge *e, uint64_t now);

/*
 * Between counter values `before` and `after`, `second` was shown, 0 to 59.
 * Returns true when the edge before it is found; then the search is over.  Not
 * every change is one: after a pause, of ours or of the machine's, it is not
 * known where in its second the clock is.
 */
bool rtc_edge_see(struct rtc_edge *e, uint64_t before, uint8_t second,
                  uint64_t after);

/* When to look again after `now`. */
uint64_t rtc_edge_again(struct rtc_edge *e, uint64_t now);

/* Has it been looked for in vain, for longer than any second is? */
bool rtc_edge_is_late(const struct rtc_edge *e, uint64_t now);

#endif
