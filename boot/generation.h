/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose state it is: this machine's, or that of one it was copied from. */
#ifndef BOOT_GENERATION_H
#define BOOT_GENERATION_H

#include "boot/state.h"

/* The VM generation ID that all that is kept now was learned under. */
struct generation {
    bool known; /* the machine has one */
    uint8_t id[STATE_GENERATION_ID];
};

/*
 * Was the state saved under another ID than the machine has now?  Then it is a
 * copy, or was taken back, and another machine may use the same cookies: keys
 * and cookies of upstreams are dropped from what was loaded, and a console line
 * says so.  Returns whether that was it; never where either ID is not known.
 * Level: boot, before anything of an upstream was taken from the state.
 */
bool generation_judge(const struct generation *g, struct state *state);

/* What is to be kept, a part of boot/remember.c; `arg` is the generation.
 * Level: background. */
void generation_collect(void *arg, struct state_data *data);

#endif
