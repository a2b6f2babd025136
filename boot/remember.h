/* SPDX-License-Identifier: BSD-2-Clause */
/* When what is kept is saved, and who is asked for it. */
#ifndef BOOT_REMEMBER_H
#define BOOT_REMEMBER_H

#include "boot/state.h"
#include "ntp/client.h"

/* Parts that keep something beside the time; one more panics at boot. */
#define REMEMBER_PARTS_MAX 8

struct remember_part {
    void (*collect)(void *arg, struct state_data *data);
    void *arg;
};

struct remember {
    struct state *state;
    const struct client *client;
    uint64_t ticks_per_s;
    struct remember_part part[REMEMBER_PARTS_MAX];
    unsigned parts;
    struct state_data data; /* that is kept now */
    bool soon;              /* something changed */
    bool twice;             /* and must not be found as it was */
    bool timed;             /* the time of this run has been saved */
    uint64_t due_ticks;     /* saved again, hourly */
};

/*
 * Start with what was loaded.  All of it is lent for good.
 * Level: boot.
 */
void remember_start(struct remember *r, struct state *state,
                    const struct client *client, uint64_t ticks_per_s);

/*
 * Before each save, `collect` writes its members of `data`; the others are as
 * they were.  Level: boot.
 */
void remember_part(struct remember *r,
                   void (*collect)(void *arg, struct state_data *data),
                   void *arg);

/* Something changed that must outlive a power failure.  Level: background. */
void remember_soon(struct remember *r);

/*
 * Something was retired that must not be found again: no slot keeps it.
 * Level: background.
 */
void remember_no_more(struct remember *r);

/* Save when it is time; go on with what is under way.  Level: background. */
void remember_poll(struct remember *r, uint64_t now);

/* When remember_poll() has something to do; UINT64_MAX: never.  Level:
 * background. */
uint64_t remember_next(const struct remember *r);

#endif
