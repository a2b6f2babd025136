/* SPDX-License-Identifier: BSD-2-Clause */
/* When what is kept is saved, and who is asked for it. */
#include "boot/remember.h"

#include "arch/due.h"
#include "arch/log.h"
#include "arch/panic.h"

#include <string.h>

#define INTERVAL_S 3600

void remember_start(struct remember *r, struct state *state,
                    const struct client *client, uint64_t ticks_per_s)
{
    memset(r, 0, sizeof(*r));
    r->state = state;
    r->client = client;
    r->ticks_per_s = ticks_per_s;
    r->data = *state_loaded(state);
    r->due_ticks = UINT64_MAX;
}

void remember_part(struct remember *r,
                   void (*collect)(void *arg, struct state_data *data),
                   void *arg)
{
    if (r->parts == REMEMBER_PARTS_MAX)
        panic("more parts to remember than there is room for");
    r->part[r->parts++] = (struct remember_part){collect, arg};
}

void remember_soon(struct remember *r)
{
    r->soon = true;
}

void remember_no_more(struct remember *r)
{
    r->soon = true;
    r->twice = true;
}

/* Our clock, by sources that agree; 0: not known. */
static uint64_t known_time(const struct remember *r, uint64_t now)
{
    const struct client *c = r->client;
    struct clock_line line = clock_read(c->clock);
    int64_t seconds = ntp_date_seconds(clock_at(&line, now)) - NTP_UNIX_EPOCH;

    if (!c->set || c->provisional || c->lost || seconds <= 0)
        return 0;
    return (uint64_t)seconds;
}

/* An RTC that is behind is no news; servers that are may be a trick. */
static void compare(struct remember *r, uint64_t seconds)
{
    uint64_t last = state_loaded(r->state)->unix_seconds;

    if (seconds < last)
        log_line("clock: WARNING: the sources agree on a time that is %llu s "
                 "before the last known one (%llu s since 1970): it is "
                 "taken",
                 (unsigned long long)(last - seconds),
                 (unsigned long long)last);
}

static void save(struct remember *r, uint64_t now)
{
    uint64_t seconds = known_time(r, now);

    if (seconds)
        r->data.unix_seconds = seconds;
    for (unsigned i = 0; i < r->parts; i++)
        r->part[i].collect(r->part[i].arg, &r->data);
    if (r->twice)
        state_save_twice(r->state, &r->data);
    else
        state_save(r->state, &r->data);
    r->soon = false;
    r->twice = false;
}

void remember_poll(struct remember *r, uint64_t now)
{
    if (!r->timed && r->client->set) {
        uint64_t seconds = known_time(r, now);

        if (seconds) {
            compare(r, seconds);
            r->timed = true;
            r->due_ticks = now;
        }
    }
    uint64_t interval = INTERVAL_S * r->ticks_per_s;

    if (due_now(r->due_ticks, now, interval)) {
        r->soon = true;
        r->due_ticks = now + interval;
    }
    if (r->soon)
        save(r, now);
    state_poll(r->state, now);
}

uint64_t remember_next(const struct remember *r)
{
    uint64_t next = state_next(r->state);

    if (r->soon)
        return 0;
    return r->due_ticks < next ? r->due_ticks : next;
}
