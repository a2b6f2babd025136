/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done when the machine was paused, copied or taken back. */
#ifndef BOOT_RECOVER_H
#define BOOT_RECOVER_H

#include "arch/tsc_watch.h"
#include "boot/generation.h"
#include "boot/nts.h"
#include "boot/refclocks.h"
#include "drivers/disruption.h"
#include "drivers/kvmclock.h"
#include "net/lwip_port.h"
#include "net/upstream.h"
#include "ntp/client.h"

/* What is lent, all of it for good. */
struct recover_setup {
    struct disruption_places places;
    struct client *client;
    struct net *net;
    struct nts_service *nts;
    struct upstream *upstream;
    struct tsc *tsc;
    /* What the hypervisor says of the counter's rate now, to tsc_tell(). */
    void (*tell_rates)(struct tsc *tsc);
    struct kvmclock *kvm; /* NULL: none */
    struct refclocks *refclocks;
    /* The date by the best clock of the platform; false: there is none.  Only
     * those of the host, that run on whatever becomes of us? */
    bool (*ask_clocks)(struct client_start *start, bool hosts);
    void (*dropped)(void *arg); /* what is kept must not be found again */
    void *arg;
    uint64_t ticks_per_s;
};

struct recover {
    struct recover_setup setup;
    struct disruption watch;
    struct generation generation; /* what was renewed last was under it */
    uint32_t handled;             /* of the watch's count */
    bool withheld;                /* service is, since ... */
    uint64_t since_ticks;         /* ... then */
    uint32_t signs;               /* as in struct disruption, all since then */
    bool measuring;               /* the counter, anew, until at least ... */
    uint64_t end_ticks;           /* ... then */
    bool weighing;                /* whether the RTC ran through it */
    struct tsc_watch counter;
    uint64_t ahead_ticks; /* when it last ran ahead, and that was let pass */
    uint64_t lag_ns;      /* that other clocks are behind by such, ... */
    uint64_t lag_ticks;   /* ... as it was seen then */
    uint64_t kvm_ticks;   /* when kvm-clock is looked at again */
    uint64_t bound_ppb; /* of the rate as the client was told it; 0: by boot */
    uint64_t watch_ppb; /* and as the watch was */
};

/* Start to watch.  Level: boot. */
void recover_start(struct recover *r, const struct recover_setup *setup,
                   uint64_t now_ticks);

/* Watch over the generators too, from now on.  Level: boot, after
 * net_attach(). */
void recover_join(struct recover *r);

/*
 * Do what there is to do after a disruption; see whether service is resumed.
 * Level: background.
 */
void recover_poll(struct recover *r, uint64_t now_ticks);

/* When recover_poll() has something to do; UINT64_MAX: never.  Level:
 * background. */
uint64_t recover_next(const struct recover *r);

#endif
