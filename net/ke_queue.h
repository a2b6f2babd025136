/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: connections for which no session is free yet. */
#ifndef NET_KE_QUEUE_H
#define NET_KE_QUEUE_H

#include "net/lwip_port.h"

#include <lwip/tcp.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * So many come at once before it is known who of them is slow; each may keep
 * one of lwIP's buffers for frames.  When it is full, newcomers are refused.
 */
#define KE_QUEUE_MAX 64

struct ke_waiting {
    struct tcp_pcb *pcb; /* NULL: free */
    struct ip_addr6 from;
    struct net_peer peer; /* the way back */
    uint64_t since_ticks;
};

struct ke_queue {
    struct ke_waiting waiting[KE_QUEUE_MAX];
};

/*
 * Let one wait, whose frame is at hand.  What he sends stays with lwIP.  False:
 * it is full.  Level: background.
 */
bool ke_queue_add(struct ke_queue *q, struct tcp_pcb *pcb,
                  const struct ip_addr6 *from, uint64_t now_ticks);

/* Who waits for longest, or NULL. */
struct ke_waiting *ke_queue_first(struct ke_queue *q);

/*
 * He has a session now, to which lwIP gives what he sent so far.
 * Level: background.
 */
void ke_queue_admitted(struct ke_waiting *w);

/* Reset him.  Level: background. */
void ke_queue_refuse(struct ke_waiting *w);

#endif
