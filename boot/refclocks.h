/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks of the platform that are configured, read for the client. */
#ifndef BOOT_REFCLOCKS_H
#define BOOT_REFCLOCKS_H

#include "boot/config.h"
#include "drivers/refclock.h"
#include "net/upstream.h"

struct refclocks {
    struct client *client;
    uint64_t ticks_per_s;
    struct {
        struct refclock clock;
        int slot; /* of the client; -1: it is not there */
        const char *name;
        const char *told; /* the failure that was last logged */
    } entry[REFCLOCK_KINDS];
    unsigned count;
    bool leapt; /* one of them, against the counter; who looks clears it */
};

/*
 * Attach each clock that the configuration names, and add it to the client.
 * One that is not there stays a source that cannot be read, so that what it
 * was meant to be trusted with is not given to another.
 * Level: boot, after client_init(), with the console up.
 */
void refclocks_start(struct refclocks *r, const struct config *config,
                     const struct refclock_machine *machine,
                     struct client *client, uint64_t ticks_per_s);

/* Their names, for what upstream logs of them.  Level: boot. */
void refclocks_name(const struct refclocks *r, struct upstream *u);

/* Read those that are due; upstream_next() knows of them.  Level:
 * background. */
void refclocks_poll(struct refclocks *r, uint64_t now_ticks);

/*
 * After a disruption: no reading that is under way goes on, since the counter
 * may have stood still amid it.
 * Level: background.
 */
void refclocks_renew(struct refclocks *r);

/* When a reading that is under way goes on. */
uint64_t refclocks_next(const struct refclocks *r);

#endif
