/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS of the server: where its cookie keys come from, and their rotation. */
#ifndef BOOT_NTS_H
#define BOOT_NTS_H

#include "arch/rng.h"
#include "boot/config.h"
#include "boot/state_data.h"
#include "nts/server.h"

/* What is lent, all of it for good. */
struct nts_setup {
    const struct config *config;
    const struct state_data *kept; /* from before the reboot, or NULL */
    const struct ntp_server *ntp;
    const struct aes_cipher *cipher;
    uint64_t ticks_per_s;
    void (*changed)(void *arg); /* there are new keys to keep, or NULL */
    void *arg;
};

struct nts_service {
    bool on; /* requests under NTS are answered */
    struct nts_keys keys;
    struct nts_server fast; /* interrupt level's */
    struct nts_server slow; /* the background's */
    struct rng rng;         /* interrupt level's */
    bool given;             /* keys of the configuration: others have them */
    bool rotates;
    uint64_t rotate_ticks; /* from one rotation to the next */
    uint64_t born_ticks;   /* when the newest key was made, the time that
                              the machine was off left out */
    uint64_t due_ticks;    /* the next rotation, or UINT64_MAX */
    uint64_t sweep_ticks;  /* when a retired key is wiped, or UINT64_MAX */
    uint64_t ticks_per_s;
    void (*changed)(void *arg);
    void *arg;
};

/*
 * Find keys: those of `ntskeys`, else those kept, else fresh ones; one console
 * line says which.  Without enough entropy, or where nobody is served, the
 * service stays off: `on` is false.
 * Level: boot, after entropy_init().
 */
void nts_service_start(struct nts_service *s, const struct nts_setup *setup,
                       uint64_t now);

/*
 * Rotate when it is time, by operating time: a machine that was off or paused
 * does not retire keys that no client had a chance to use.
 * Level: background.
 */
void nts_service_poll(struct nts_service *s, uint64_t now);

/* When nts_service_poll() has something to do; UINT64_MAX: never.  Level:
 * background. */
uint64_t nts_service_next(const struct nts_service *s);

/* Give interrupt level's generator fresh entropy.  Level: background. */
void nts_service_renew(struct nts_service *s);

/* What is to be kept, a part of boot/remember.c; `arg` is the service.
 * Keys that were given are not kept.  Level: background. */
void nts_service_collect(void *arg, struct state_data *data);

#endif
