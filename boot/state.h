/* SPDX-License-Identifier: BSD-2-Clause */
/* The state region: found at boot, saved to from the background. */
#ifndef BOOT_STATE_H
#define BOOT_STATE_H

#include "boot/state_data.h"
#include "boot/state_find.h"
#include "boot/state_image.h"

/* What state_poll() is waiting for. */
enum state_step {
    STATE_RESTING, /* nothing under way */
    STATE_WRITING, /* a slot */
    STATE_FLUSHING,
    STATE_CLEARING, /* last words that have been read */
    STATE_SETTLING  /* the flush of that */
};

struct state {
    struct state_region region;
    bool usable; /* a region was found, and may be written to */
    uint64_t ticks_per_s;
    uint64_t generation; /* of the newest slot that counts; 0: none does */
    unsigned slot;       /* the one that it is in */
    enum state_step step;
    uint64_t deadline_ticks; /* of the step that is under way */
    uint64_t look_ticks;     /* when to look how it stands */
    uint64_t next_ticks;     /* not before this is a slot written again */
    unsigned wanted;         /* slots that `image` is to be written to yet */
    bool whole;              /* ... with what is behind it there */
    bool words;              /* there are last words to be cleared */
    bool complained;         /* of a write that failed */
    uint64_t saves;
    uint64_t failures;
    uint8_t *image;   /* STATE_SLOT_BYTES: the next slot, not yet sealed */
    size_t image_len; /* of it */
    uint8_t page[STATE_PAGE_BYTES]; /* for the panic's last words */
    struct state_data loaded;
};

/*
 * Find the region, and read it; a console line says what was found, or what
 * is forgotten at power-off.  Takes a second at most, where a disk does not
 * answer; without a disk, nothing.  From here on a panic leaves its last words
 * in the region.
 * Level: boot.
 */
void state_init(struct state *s, const struct state_setup *setup);

/*
 * What was found; zeros when there was nothing.  From the first state_save() on
 * without keys of cookies and without upstreams.  Level: any.
 */
const struct state_data *state_loaded(const struct state *s);

/* Keys and cookies of upstreams are nobody's any more.  Level: boot. */
void state_drop_upstreams(struct state *s);

/* Is there a region to save to?  Level: any. */
bool state_usable(const struct state *s);

/*
 * Keep this, all of it, from now on; `data` is copied.  Written soon, but not
 * more often than once in a while: the last one counts.  Only boot/remember.c
 * calls this; parts that have something to keep are asked by it.
 * Level: background.
 */
void state_save(struct state *s, const struct state_data *data);

/*
 * The same, into one slot after the other: nothing of what was kept until now
 * can be found again.  Level: background.
 */
void state_save_twice(struct state *s, const struct state_data *data);

/* Go on writing; never waits.  Level: background. */
void state_poll(struct state *s, uint64_t now);

/* When state_poll() has something to do; UINT64_MAX: never.  Level:
 * background. */
uint64_t state_next(const struct state *s);

#endif
