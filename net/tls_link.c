/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCP connection of a session: lwIP on one side, mbedTLS on the other. */
#include "arch/cpu.h"
#include "arch/entropy.h"
#include "net/tls_parts.h"

#include <lwip/tcp.h>

#include <string.h>

/* A random port of ours lies from here to the end; nobody can guess it. */
#define FIRST_PORT 16384
#define PORT_DRAWS 16

/* Is it our turn, or theirs? */

void tls_set_ready(struct tls *t)
{
    if (!t->ready)
        t->waited_ticks += counter_read() - t->idle_ticks;
    t->ready = true;
}

void tls_set_idle(struct tls *t)
{
    if (t->ready)
        t->idle_ticks = counter_read();
    t->ready = false;
}

uint64_t tls_waited(const struct tls *t, uint64_t now_ticks)
{
    if (t->ready || now_ticks < t->idle_ticks)
        return t->waited_ticks;
    return t->waited_ticks + (now_ticks - t->idle_ticks);
}

bool tls_has_spoken(const struct tls *t)
{
    return t->spoken;
}

/* What lwIP tells of a connection.  A step follows later, from the loop. */

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
                         err_t error)
{
    struct tls *t = arg;

    (void)error;
    tls_set_ready(t);
    if (t->server != NULL)
        net_peer_note(&t->peer, &t->addr);
    if (p == NULL) {
        t->ended = true;
        /* All is said on both sides.  lwIP does the rest, and tells nobody when
         * it frees a connection in TIME_WAIT for a new one. */
        if (t->shut)
            tls_link_close(t);
        return ERR_OK;
    }
    /* What comes after we are done is not wanted. */
    if (t->use == TLS_CLOSING) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        return ERR_OK;
    }
    memmove(t->rx, t->rx + t->rx_at, t->rx_len);
    t->rx_at = 0;
    /* The window is never wider than the room. */
    LWIP_ASSERT("TLS: within its window", p->tot_len <= TCP_WND - t->rx_len);
    t->rx_len += pbuf_copy_partial(p, t->rx + t->rx_len, p->tot_len, 0);
    pbuf_free(p);
    /* A client that knows of no TCP_NODELAY keeps its request back until its
     * Finished is acknowledged; lwIP would take its time, up to 250 ms. */
    tcp_set_flags(pcb, TF_ACK_NOW);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, uint16_t len)
{
    struct tls *t = arg;

    (void)pcb;
    (void)len;
    if (t->blocked || t->use == TLS_CLOSING)
        tls_set_ready(t);
    return ERR_OK;
}

/* From time to time: lwIP may have memory again. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    return on_sent(arg, pcb, 0);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct tls *t = arg;

    (void)pcb;
    (void)error;
    t->connected = true;
    tls_set_ready(t);
    return ERR_OK;
}

/* The connection is gone. */
static void on_error(void *arg, err_t error)
{
    struct tls *t = arg;

    t->pcb = NULL;
    tls_set_ready(t);
    if (t->use == TLS_CLOSING || t->state == TLS_CLOSED)
        return;
    if (!t->connected && error == ERR_RST)
        tls_fail(t, "the connection was refused");
    else
        tls_fail(t, "the connection was %s",
                 error == ERR_RST ? "reset" : "given up");
}

void tls_link_take(struct tls *t, struct tcp_pcb *pcb)
{
    t->pcb = pcb;
    tcp_arg(pcb, t);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_poll(pcb, on_poll, 1);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    tcp_setprio(pcb, TCP_PRIO_MAX);
}

void tls_link_close(struct tls *t)
{
    struct tcp_pcb *pcb = t->pcb;

    if (pcb == NULL)
        return;
    t->pcb = NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    tcp_err(pcb, NULL);
    tcp_setprio(pcb, TCP_PRIO_MIN);
    if (tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

void tls_link_reset(struct tls *t)
{
    struct tcp_pcb *pcb = t->pcb;

    if (pcb == NULL)
        return;
    t->pcb = NULL;
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
}

/* What mbedTLS asks of the connection. */

int tls_link_receive(void *context, unsigned char *buf, size_t len)
{
    struct tls *t = context;

    if (len > t->rx_len)
        len = t->rx_len;
    if (len == 0) {
        if (t->ended)
            return 0;
        return t->pcb == NULL ? TLS_LINK_LOST : MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(buf, t->rx + t->rx_at, len);
    t->rx_at += (uint16_t)len;
    t->rx_len -= (uint16_t)len;
    if (t->pcb != NULL)
        tcp_recved(t->pcb, (uint16_t)len);
    return (int)len;
}

int tls_link_transmit(void *context, const unsigned char *buf, size_t len)
{
    struct tls *t = context;

    if (t->pcb == NULL)
        return TLS_LINK_LOST;
    if (len > 0 && buf[0] == MBEDTLS_SSL_MSG_ALERT)
        t->alerted = true;
    if (len > tcp_sndbuf(t->pcb))
        len = tcp_sndbuf(t->pcb);
    t->blocked = len == 0 || tcp_write(t->pcb, buf, (uint16_t)len,
                                       TCP_WRITE_FLAG_COPY) != ERR_OK;
    t->spoken |= !t->blocked;
    return t->blocked ? MBEDTLS_ERR_SSL_WANT_WRITE : (int)len;
}

void tls_link_flush(struct tls *t)
{
    if (t->pcb != NULL)
        tcp_output(t->pcb);
}

bool tls_link_open(struct tls *t, const struct tls_peer *peer)
{
    ip_addr_t to = net_addr_to_lwip(&peer->addr);
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&to));
    uint16_t drawn;

    if (pcb == NULL)
        return false;
    for (int i = 0; i < PORT_DRAWS; i++) {
        entropy_fill(&drawn, sizeof(drawn));
        drawn = (uint16_t)(FIRST_PORT + drawn % (65536 - FIRST_PORT));
        if (tcp_bind(pcb, ip_is_v4(&peer->addr) ? IP4_ADDR_ANY : IP6_ADDR_ANY,
                     drawn) != ERR_OK)
            continue;
        tls_link_take(t, pcb);
        if (tcp_connect(pcb, &to, peer->port, on_connected) == ERR_OK)
            return true;
        break;
    }
    t->pcb = NULL;
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
    return false;
}
