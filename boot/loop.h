/* SPDX-License-Identifier: BSD-2-Clause */
/* The background loop; halts when there is nothing to do. */
#ifndef BOOT_LOOP_H
#define BOOT_LOOP_H

#include "arch/tsc.h"
#include "boot/ke_service.h"
#include "boot/nts.h"
#include "boot/rate.h"
#include "boot/recover.h"
#include "boot/refclocks.h"
#include "boot/remember.h"
#include "drivers/virtio_rng.h"
#include "net/lwip_port.h"
#include "net/upstream.h"

/* What the loop looks after; all of it lent for good. */
struct loop {
    struct net *net;
    struct upstream *upstream;
    struct refclocks *refclocks;
    struct ke_service *ke;
    struct client *client;
    struct tsc *tsc;
    const struct limit *limit;
    struct remember *remember;
    struct rate *rate;
    struct virtio_rng *rng;
    struct nts_service *nts;
    struct recover *recover;
    uint64_t ticks_per_s;
    uint32_t logstats_s; /* 0: never */

    uint64_t refine_ticks; /* when the counter is measured again */
};

/*
 * Go round for ever: network, sources, counter, log; then wait for an
 * interrupt.  Interrupts are turned on here.
 * Level: background.
 */
_Noreturn void loop_run(struct loop *loop);

#endif
