/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: NTS key establishment for clients, on TCP 4460. */
#ifndef NET_KE_LISTENER_H
#define NET_KE_LISTENER_H

#include "net/ke_queue.h"
#include "net/tls.h"
#include "ntp/access.h"
#include "ntp/limit.h"
#include "nts/cookie.h"
#include "nts/ke.h"

#define KE_AEADS_MAX 4

/* What it needs; what is pointed to is lent for good. */
struct ke_setup {
    struct tls_server *tls;
    const struct nts_keys *keys;
    const struct access *access;
    struct limit *limit; /* of connections, `ntsratelimit`; or NULL */
    uint16_t port;
    const char *ntp_server; /* told to clients; NULL: the same address */
    uint16_t ntp_port;      /* likewise; 0: 123 */
    enum aead_id aead[KE_AEADS_MAX]; /* best first */
    unsigned aeads;
    unsigned connections; /* at the same time, at most */
    uint64_t ticks_per_s;
    void (*random)(void *context, void *bytes, size_t len);
    void *random_context;
};

/* What became of every connection. */
#define KE_FATES(X)                                                            \
    X(KE_ANSWERED, "answered")   /* with keys and cookies */                   \
    X(KE_NOTHING, "nothing")     /* no protocol or algorithm in common */      \
    X(KE_ERROR, "error")         /* a record we know not, or no cookie key */  \
    X(KE_BAD, "bad")             /* not a request, told so */                  \
    X(KE_SLOW, "slow")           /* no request in time, told so */             \
    X(KE_NO_TLS, "no_tls")       /* the handshake failed */                    \
    X(KE_NO_TIME, "timeout")     /* the handshake took too long */             \
    X(KE_LOST, "lost")           /* the connection broke */                    \
    X(KE_EVICTED, "evicted")     /* slow or too many, while others came */     \
    X(KE_DENIED, "denied")       /* by allow and deny */                       \
    X(KE_LIMITED, "limited")     /* by ntsratelimit */                         \
    X(KE_REFUSED, "refused")     /* no session was free */                     \
    X(KE_HALF_OPEN, "half_open") /* never finished TCP's own handshake */

#define KE_FATE_ENUM(id, word) id,
enum ke_fate { KE_FATES(KE_FATE_ENUM) KE_FATE_COUNT };
#undef KE_FATE_ENUM

struct ke_connection {
    struct tls *tls; /* NULL: free */
    struct ip_addr6 from;
    uint64_t accepted_ticks;
    uint64_t end_ticks; /* when patience ends */
    uint8_t *request;   /* in the session's memory; NULL until it is open */
    size_t len;
};

struct ke_listener {
    struct ke_setup setup;
    struct tcp_pcb *pcb;
    struct ke_connection connection[TLS_SESSIONS_MAX];
    struct ke_queue queue;
    uint64_t admit_ticks; /* when the first of the queue is looked at again */
    unsigned open;
    unsigned open_max;
    uint64_t now_ticks; /* of this ke_listener_poll() */
    uint64_t count[KE_FATE_COUNT];
};

/*
 * Listen, on all addresses.  Returns false when lwIP has no room for it.
 * Level: background.
 */
bool ke_listener_start(struct ke_listener *k, const struct ke_setup *setup);

/*
 * What is due of one connection: one step of its handshake, or its request.
 * Level: background.
 */
void ke_listener_poll(struct ke_listener *k, uint64_t now_ticks);

/* The counter value at which there is work again without a frame; 0: at once.
 * Level: background. */
uint64_t ke_listener_next(const struct ke_listener *k);

#endif
