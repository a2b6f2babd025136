/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources by NTS: whom they trust, and what is kept of them. */
#ifndef BOOT_NTS_SOURCES_H
#define BOOT_NTS_SOURCES_H

#include "boot/config.h"
#include "boot/state_data.h"
#include "net/upstream.h"

/*
 * Hand the trust anchors of the configuration to `ke`, whose other members are
 * set.  TLS has its memory.  What cannot be used is told on the console.
 * Level: boot.
 */
void nts_sources_trust(struct ke_clients *ke, const struct config *config);

/*
 * Go on with the keys and cookies of the run before, if they are not too old by
 * the clock as it is guessed.
 * Level: boot, after upstream_start().
 */
void nts_sources_resume(struct upstream *u, const struct state_data *kept,
                        uint64_t now_ticks);

/* What is to be kept, a part of boot/remember.c; `arg` is the upstream.  Level:
 * background. */
void nts_sources_collect(void *arg, struct state_data *data);

#endif
