/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS-KE with the servers we follow, and when to try again.  Level of all:
 * background, if nothing else is said. */
#ifndef NET_KE_CLIENT_H
#define NET_KE_CLIENT_H

#include "net/resolve.h"
#include "net/tls.h"
#include "nts/client.h"
#include "nts/ke_ask.h"

struct client;
struct net;

/* Sessions at a time; more servers than that take turns. */
#define KE_CLIENT_SESSIONS 4

/* Sets of trust anchors: `ntstrustedcerts ID`. */
#define KE_CLIENT_CERTSETS 16

/* Addresses kept of a server that we are sent to. */
#define KE_CLIENT_ADDRS_MAX 8

/* What ke_client_poll() has to tell. */
enum ke_client_news {
    KE_CLIENT_NOTHING,
    KE_CLIENT_AGREED,   /* keys, and `ntp_addr` and `ntp_port` to use them with:
                           ke_client_chose() or ke_client_reject() */
    KE_CLIENT_FAILED,   /* it was logged */
    KE_CLIENT_ELSEWHERE /* it failed; another address is to be tried now */
};

enum ke_client_state {
    KE_CLIENT_IDLE,
    KE_CLIENT_TALKING,  /* TLS and NTS-KE */
    KE_CLIENT_RESOLVING /* the name of the NTP server */
};

/* What a session needs while it lasts. */
struct ke_session {
    bool used;
    struct nts_ke_reading reading;
    struct nts_ke_result result;
    struct nts_client_keys keys;
    struct nts_client_keys other; /* of the context that was not agreed on */
    bool has_other;
    int64_t not_before, not_after; /* of the certificate; 0, 0: not known */
};

/* What all sources with `nts` share. */
struct ke_clients {
    struct net *net;
    const struct client *client; /* by whose clock dates are checked */
    uint64_t ticks_per_s;
    uint64_t refresh_ticks;     /* age at which other keys are asked for */
    int32_t no_cert_time_check; /* updates of the clock; below 0: for ever */
    const struct aes_cipher *cipher;
    void (*random)(void *context, void *bytes, size_t len);
    void *random_context;
    void (*changed)(void *arg); /* there are keys to be kept */
    void *changed_arg;
    struct {
        uint32_t id;
        struct tls_client tls;
    } certset[KE_CLIENT_CERTSETS];
    unsigned certsets;
    struct ke_session session[KE_CLIENT_SESSIONS];
};

/* One source. */
struct ke_client {
    struct ke_clients *all;
    const char *name; /* of the NTS-KE server, as configured; lent for good */
    uint16_t port;    /* of NTS-KE */
    struct tls_client *trusted; /* NULL: nobody is */
    struct nts_client nts;

    bool has_addr;
    bool moved;       /* to another address since the last session */
    unsigned choices; /* addresses that may be tried beside this one */
    bool trying;      /* one after another, without a pause */
    unsigned left;    /* of them */
    struct ip_addr6 addr;

    struct ip_addr6 ntp_addr[KE_CLIENT_ADDRS_MAX]; /* where NTP may be asked */
    unsigned ntp_addrs;
    uint16_t ntp_port;     /* 0: not told */
    uint64_t agreed_ticks; /* the counter when the keys were agreed on */
    int64_t not_before, not_after; /* of the certificate that was shown then, s
                                      since 1970; 0, 0: not known */
    bool resumed;                  /* in a run before this one */

    enum ke_client_state state;
    struct tls *tls;
    struct ke_session *session;
    bool asked; /* the request is on its way */
    uint64_t deadline_ticks;
    struct resolve resolve;

    unsigned attempts;   /* since keys were last of any use */
    uint64_t next_ticks; /* no session before that */
    bool nak;            /* that was told, of these keys */
    uint64_t ask_ticks;  /* when its source is asked for time again: the
                            owner's */
};

/*
 * Trust these certificates, in PEM or DER, for the sources of the set `id`.
 * Returns false and why.  Level: boot.
 */
bool ke_clients_trust(struct ke_clients *all, uint32_t id, const uint8_t *data,
                      size_t len, const char **why);

/*
 * Start without keys.  `name` is lent for good.  Not to be moved.
 * Level: boot.
 */
void ke_client_init(struct ke_client *k, struct ke_clients *all,
                    const char *name, uint16_t port, uint32_t certset);

/* The server of NTS-KE has that address now, and as many others. */
void ke_client_address(struct ke_client *k, const struct ip_addr6 *addr,
                       unsigned choices);

/*
 * What is due: a session, if keys are wanted and no other has failed just now;
 * a step of it; the address of the server that it sends us to.
 */
enum ke_client_news ke_client_poll(struct ke_client *k, uint64_t now_ticks);

/* The counter value at which ke_client_poll() has work to do. */
uint64_t ke_client_next(const struct ke_client *k);

/* That one of `ntp_addr` is asked for time: it is all that is kept of them. */
void ke_client_chose(struct ke_client *k, const struct ip_addr6 *addr);

/*
 * Go on with keys of a run before, whose certificate was valid from and until
 * then; cookies are added and an address is chosen by the caller.  They end
 * with the certificate, as far as dates are checked: false, once it has.
 * Level: boot.
 */
bool ke_client_resume(struct ke_client *k, const struct nts_client_keys *keys,
                      int64_t not_before, int64_t not_after,
                      uint64_t now_ticks);

/* The machine was copied or taken back: keys, cookies and sessions may be in
 * others' hands.  Others are asked for at once. */
void ke_client_renew(struct ke_client *k, uint64_t now_ticks);

/* What was agreed on is of no use, and `why`; another time. */
void ke_client_reject(struct ke_client *k, const char *why, uint64_t now_ticks);

#endif
