/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: connections for which no session is free yet. */
#include "net/ke_queue.h"

#include <lwip/priv/tcp_priv.h>

/* He waits no more. */
static struct tcp_pcb *leave(struct ke_waiting *w)
{
    struct tcp_pcb *pcb = w->pcb;

    w->pcb = NULL;
    net_peer_forget(&w->peer);
    return pcb;
}

/* With a reset that finds its way. */
static void reset(struct ke_waiting *w)
{
    tcp_err(w->pcb, NULL);
    tcp_abort(w->pcb);
    (void)leave(w);
}

/* lwIP keeps what is not taken, and offers it again; an end alone is not worth
 * waiting for. */
static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
                         err_t error)
{
    (void)pcb;
    (void)error;
    if (p != NULL)
        return ERR_MEM;
    reset(arg);
    return ERR_ABRT;
}

/* The connection is gone. */
static void on_error(void *arg, err_t error)
{
    (void)error;
    (void)leave(arg);
}

bool ke_queue_add(struct ke_queue *q, struct tcp_pcb *pcb,
                  const struct ip_addr6 *from, uint64_t now_ticks)
{
    for (unsigned i = 0; i < KE_QUEUE_MAX; i++) {
        struct ke_waiting *w = &q->waiting[i];

        if (w->pcb != NULL)
            continue;
        *w = (struct ke_waiting){
            .pcb = pcb, .from = *from, .since_ticks = now_ticks};
        net_peer_note(&w->peer, from);
        tcp_arg(pcb, w);
        tcp_recv(pcb, on_received);
        tcp_err(pcb, on_error);
        return true;
    }
    return false;
}

struct ke_waiting *ke_queue_first(struct ke_queue *q)
{
    struct ke_waiting *found = NULL;

    for (unsigned i = 0; i < KE_QUEUE_MAX; i++) {
        struct ke_waiting *w = &q->waiting[i];

        if (w->pcb != NULL &&
            (found == NULL || w->since_ticks < found->since_ticks))
            found = w;
    }
    return found;
}

void ke_queue_admitted(struct ke_waiting *w)
{
    struct tcp_pcb *pcb = leave(w);

    if (pcb->refused_data != NULL)
        (void)tcp_process_refused_data(pcb);
}

void ke_queue_refuse(struct ke_waiting *w)
{
    reset(w);
}
