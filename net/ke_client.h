/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: NTS-KE with the servers we follow, and when to try again. */
#ifndef NET_KE_CLIENT_H
#define NET_KE_CLIENT_H

#include "net/resolve.h"
#include "nts/client.h"
#include "nts/ke.h"

struct client;
struct net;
struct tls;
struct tls_client_config;

/* Sessions at a time; more servers than that take turns. */
#define KE_CLIENT_SESSIONS 4

/* Sets of trust anchors: `ntstrustedcerts ID`. */
#define KE_CLIENT_CERTSETS 16

/* What a session has to tell. */
enum ke_client_news {
    KE_CLIENT_NOTHING,
    KE_CLIENT_AGREED, /* there are keys, and `ntp_addr` and `ntp_port` */
    KE_CLIENT_FAILED  /* another address may do better; it was logged */
};

enum ke_client_state {
    KE_CLIENT_IDLE,
    KE_CLIENT_TALKING,  /* TLS and NTS-KE */
    KE_CLIENT_RESOLVING /* the name of the NTP server */
};

/* What is read of a server's answer, while a session lasts. */
struct ke_client_buffer {
    bool used;
    size_t len;
    uint8_t data[NTS_KE_MESSAGE_MAX];
};

/* What all sources with `nts` share. */
struct ke_clients {
    struct net *net;
    const struct client *client; /* whose clock dates are checked by */
    uint64_t ticks_per_s;
    uint64_t refresh_ticks;     /* age of keys when others are asked for */
    int64_t least_unix;         /* it is later than that, s since 1970 */
    int32_t no_cert_time_check; /* updates of the clock; below 0: for ever */
    const struct aes_cipher *cipher;
    void (*random)(void *context, void *bytes, size_t len);
    void *random_context;
    struct {
        uint32_t id;
        struct tls_client_config *trusted;
    } certset[KE_CLIENT_CERTSETS];
    unsigned certsets;
    struct ke_client_buffer *buffer; /* KE_CLIENT_SESSIONS of them */
};

/* One source. */
struct ke_client {
    struct ke_clients *all;
    const char *name; /* of the NTS-KE server, as configured; lent for good */
    uint16_t port;    /* of NTS-KE */
    uint16_t default_ntp_port;
    struct tls_client_config *trusted;
    struct nts_client nts;

    bool has_addr;
    bool moved; /* to another address since the last session */
    struct ip_addr6 addr;
    bool has_ntp;
    struct ip_addr6 ntp_addr; /* where time is asked for */
    uint16_t ntp_port;
    uint64_t agreed_unix;  /* when the keys were agreed on; 0: not known */
    uint64_t agreed_ticks; /* and the counter then */

    enum ke_client_state state;
    struct tls *tls;
    struct ke_client_buffer *buffer;
    bool asked; /* the request is on its way */
    uint64_t deadline_ticks;
    struct resolve resolve;
    char ntp_name[NTS_KE_NAME_MAX];

    unsigned attempts;   /* since keys were last of any use */
    uint64_t next_ticks; /* no session before that */
};

/*
 * Start with an association without keys.  `name` is lent for good.
 * Level: boot.
 */
void ke_client_init(struct ke_client *k, struct ke_clients *all,
                    const char *name, uint16_t port, uint32_t certset,
                    uint16_t default_ntp_port);

/* The server of NTS-KE has that address. */
void ke_client_address(struct ke_client *k, const struct ip_addr6 *addr);

/*
 * What is due: a session, where keys are wanted and there was no failure just
 * before; a step of it; a name.
 */
enum ke_client_news ke_client_poll(struct ke_client *k, uint64_t now_ticks);

/* The counter value at which ke_client_poll() has work to do. */
uint64_t ke_client_next(const struct ke_client *k);

/* What was agreed on cannot be used, and `why`; try again later. */
void ke_client_reject(struct ke_client *k, const char *why, uint64_t now_ticks);

#endif
