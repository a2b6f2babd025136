/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: connections for which no session is free yet. */
#include "net/ke_queue.h"

#include <lwip/priv/tcp_priv.h>

/* lwIP keeps what is not taken, and offers it again; an end alone is not worth
 * waiting for. */
static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
                         err_t error)
{
    struct ke_waiting *w = arg;

    (void)error;
    if (p != NULL)
        return ERR_MEM;
    w->pcb = NULL;
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* The connection is gone. */
static void on_error(void *arg, err_t error)
{
    struct ke_waiting *w = arg;

    (void)error;
    w->pcb = NULL;
}

bool ke_queue_add(struct ke_queue *q, struct tcp_pcb *pcb,
                  const struct ip_addr6 *from, uint64_t now_ticks)
{
    for (unsigned i = 0; i < KE_QUEUE_MAX; i++) {
        struct ke_waiting *w = &q->waiting[i];

        if (w->pcb != NULL)
            continue;
        *w = (struct ke_waiting){pcb, *from, now_ticks};
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
    struct tcp_pcb *pcb = w->pcb;

    w->pcb = NULL;
    if (pcb->refused_data != NULL)
        (void)tcp_process_refused_data(pcb);
}

void ke_queue_refuse(struct ke_waiting *w)
{
    struct tcp_pcb *pcb = w->pcb;

    w->pcb = NULL;
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
}
