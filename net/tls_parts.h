/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of net/tls.h share.  Level of all: background. */
#ifndef NET_TLS_PARTS_H
#define NET_TLS_PARTS_H

#include "net/lwip_port.h"
#include "net/tls.h"
#include "net/tls_heap.h"

#include <lwip/opt.h>

enum tls_use {
    TLS_FREE,
    TLS_OWNED,  /* tls_accept() or tls_connect() gave it away */
    TLS_CLOSING /* let go of, until the other end has heard it */
};

struct tls {
    enum tls_use use;
    enum tls_state state;
    struct tcp_pcb *pcb; /* NULL: the connection is gone */
    struct tls_heap heap;
    const mbedtls_ssl_config *config; /* NULL: to be chosen by the hello */
    struct tls_server *server;        /* or NULL: we are the client */
    mbedtls_ssl_context ssl;
    bool has_ssl;

    bool connected; /* TCP is */
    bool ready;     /* there is work: bytes came, or there is room again */
    bool blocked;   /* TCP did not take all that mbedTLS had */
    bool ended;     /* FIN came after what is in `rx` */
    bool spoken;    /* something was sent */
    bool alerted;   /* mbedTLS sent an alert in the clear */
    bool unsent;    /* mbedTLS has a record that TCP did not take yet */
    bool notified;  /* close_notify was given to mbedTLS */
    bool shut;      /* our FIN was sent */
    uint64_t waited_ticks; /* for them, until `idle_ticks` */
    uint64_t idle_ticks;   /* since when there is no work */
    uint64_t close_ticks;  /* TLS_CLOSING: when patience ends */

    struct net_peer peer;   /* of a server: the way back */
    struct ip_addr6 addr;   /* of the other end */
    struct ip_addr6 ours;   /* of a server: where they came to */
    struct ip_addr6 wanted; /* address that the certificate must name, or 0 */
    int64_t earliest, latest;
    uint32_t cert_flags;
    char why[64]; /* empty: nothing went wrong */

    uint8_t *rx; /* TCP_WND bytes, of which these came and are unread: */
    uint16_t rx_at, rx_len;
};

/* Memory: what mbedTLS asks for from here to tls_leave() is the session's. */
void tls_memory_init(size_t common, uint64_t ticks_per_ms);
void tls_enter(struct tls *t);
void tls_leave(void);

/* The numbers of tls_stats(), to be counted up. */
struct tls_stats *tls_count(void);

/* It failed, in words, or by an error of mbedTLS's; the first time counts. */
void tls_fail(struct tls *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void tls_fail_error(struct tls *t, int error);

/* It is our turn, or theirs. */
void tls_set_ready(struct tls *t);
void tls_set_idle(struct tls *t);

/*
 * The connection: one that was accepted, or a new one, false if there is no
 * way; let go of, with FIN or with a reset; what was written is sent.
 */
void tls_link_take(struct tls *t, struct tcp_pcb *pcb);
bool tls_link_open(struct tls *t, const struct tls_peer *peer);
void tls_link_close(struct tls *t);
void tls_link_reset(struct tls *t);
void tls_link_flush(struct tls *t);

/* What mbedTLS asks of it; `context` is the session. */
int tls_link_receive(void *context, unsigned char *buf, size_t len);
int tls_link_transmit(void *context, const unsigned char *buf, size_t len);

/* MBEDTLS_ERR_NET_CONN_RESET, which it has with its sockets alone. */
#define TLS_LINK_LOST (-0x0050)

/* Without AES instructions there is a cipher that leaks nothing by time. */
bool tls_has_aes(void);

#endif
