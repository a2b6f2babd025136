/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS 1.3 on lwIP, one step at a time. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "ntp/addr.h"

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <stddef.h>

/*
 * Sessions come from a pool, and each has memory of its own, so that none can
 * take another's.  A session's certificates come from its own memory as well;
 * those of servers and the anchors of clients from what all share.
 *
 * Nothing here waits.  A session is driven by its owner: while
 * tls_wants_step(), call tls_step(); with TLS_OPEN, read and write.  At the end
 * tls_close() or tls_abort(), once; from then on the session is not the
 * owner's any more, whatever became of it before.
 *
 * Level of all: background, but for tls_setup().
 */

#define TLS_SESSIONS_MAX 128 /* see MBEDTLS_PSA_KEY_SLOT_COUNT */
#define TLS_WRITE_MAX    8192

/* Certificates of one server, with their keys; more are refused. */
#define TLS_CERTS_MAX 4

struct tls;
struct tcp_pcb;

struct tls_setup {
    unsigned server_sessions; /* wanted, as many as memory allows */
    unsigned client_sessions; /* kept for tls_connect() */
    size_t certs_len; /* of all certificates and keys that will be given */
    uint64_t ticks_per_s;
};

/*
 * Take memory for the sessions, half of what is left at most; say on the
 * console how many there are.
 * Returns false when there is not enough for any.
 * Level: boot, before mem_seal().
 */
bool tls_setup(const struct tls_setup *setup);

/* Look after sessions that are being closed.  tls_next(): when again. */
void tls_poll(uint64_t now_ticks);
uint64_t tls_next(void);

/* A server: its certificates and keys. */
struct tls_server {
    mbedtls_ssl_config config; /* suites in the client's order */
    mbedtls_ssl_config no_aes; /* ChaCha20-Poly1305 alone */
    const char *alpn[2];       /* the one that is spoken, NULL */
    struct tls_own {
        mbedtls_x509_crt chain;
        mbedtls_pk_context key;
    } own[TLS_CERTS_MAX];
    unsigned owns;
};

/* Without certificates yet; `alpn` is lent for good.  False: no memory. */
bool tls_server_init(struct tls_server *s, const char *alpn);

/*
 * Add a certificate, with those that it was signed by after it, and its key;
 * each PEM or DER.  A client that names a server gets the certificates of that
 * name, who names none those of the address that it came to; if there are none,
 * it is offered all, and its own order of algorithms decides.
 * Returns false and in `why` the reason in words.
 */
bool tls_server_add_cert(struct tls_server *s, const uint8_t *chain, size_t len,
                         const uint8_t *key, size_t key_len, const char **why);

/* A client: whom it trusts. */
struct tls_client {
    mbedtls_ssl_config config;
    const char *alpn[2];
    mbedtls_x509_crt anchors;
};

/* That trusts nobody yet; `alpn` is lent for good.  False: no memory. */
bool tls_client_init(struct tls_client *c, const char *alpn);

/*
 * Trust the certificates, one in DER or many in PEM.  Those of a bundle that
 * cannot be read are left out; it must have one that can.
 */
bool tls_client_trust(struct tls_client *c, const uint8_t *data, size_t len,
                      const char **why);

/* Whom to connect to.  It is copied. */
struct tls_peer {
    struct ip_addr6 addr;
    uint16_t port;
    const char *name; /* a host name, or an address in text: must be named by
                         the certificate (SAN) */
    /*
     * It is now between `earliest` and `latest`, seconds since 1970: who has
     * expired before, or is not valid until after that, is refused.  INT64_MIN
     * and INT64_MAX: do not look.
     */
    int64_t earliest;
    int64_t latest;
};

/* NULL when no session is free. */
struct tls *tls_connect(struct tls_client *c, const struct tls_peer *peer);

/*
 * Take over a connection that was accepted.
 * Returns NULL when no session is free: then the connection is the caller's.
 */
struct tls *tls_accept(struct tls_server *s, struct tcp_pcb *pcb);

enum tls_state {
    TLS_HANDSHAKE, /* or still connecting */
    TLS_OPEN,
    TLS_CLOSED, /* they said so; what they sent before has been read */
    TLS_FAILED, /* tls_why() */
};

/* At most one step of the handshake, or of sending. */
enum tls_state tls_step(struct tls *t);

/* How it stands, without a step. */
enum tls_state tls_state(const struct tls *t);

/* Is there something to do: a step, or bytes to be read? */
bool tls_wants_step(const struct tls *t);

/*
 * What they sent, up to `room` bytes.
 * Returns how many; 0: none now, and tls_state() says whether more may come.
 */
size_t tls_read(struct tls *t, uint8_t *buf, size_t room);

/*
 * Send up to TLS_WRITE_MAX bytes.  They are copied.
 * Returns false when earlier ones have not left yet, or nothing can be sent.
 */
bool tls_write(struct tls *t, const uint8_t *data, size_t len);

/* Say that we are done (close_notify), send what is left, and close. */
void tls_close(struct tls *t);

/* Reset the connection, without another byte of TLS. */
void tls_abort(struct tls *t);

/* The same for all; their owners see TLS_FAILED, and still let go of them. */
void tls_abort_all(void);

/* Keying material of an open session, RFC 8446, 7.5. */
bool tls_export(struct tls *t, const char *label, const uint8_t *context,
                size_t context_len, uint8_t *out, size_t len);

/*
 * Memory of the session, zeroed, and gone with it; an open session has 17 KiB
 * of it.  NULL when there is no room.
 */
void *tls_alloc(struct tls *t, size_t size);

/* Why it failed, in words; never NULL. */
const char *tls_why(const struct tls *t);

/* What was wrong with their certificate: MBEDTLS_X509_BADCERT_..., or 0. */
uint32_t tls_cert_flags(const struct tls *t);

/*
 * For how long, all in all, it was the other end's turn, ticks: who is far away
 * or slow, or means to be.
 */
uint64_t tls_waited(const struct tls *t, uint64_t now_ticks);

/* Have we sent anything yet?  A server answers a whole hello. */
bool tls_has_spoken(const struct tls *t);

/*
 * When the certificate of the server is valid, in seconds since 1970.
 * Returns false when there is none.
 */
bool tls_validity(const struct tls *t, int64_t *from, int64_t *until);

/* The other end's address. */
struct ip_addr6 tls_peer_addr(const struct tls *t);

struct tls_stats {
    unsigned sessions;    /* there are */
    unsigned used;        /* now */
    unsigned used_max;    /* ever */
    size_t session_bytes; /* memory of each */
    size_t session_max;   /* that one ever used */
    size_t common_used;   /* memory that all share */
    size_t common_max;
    uint64_t handshakes; /* finished */
    uint64_t failed;     /* not finished */
    uint64_t refused;    /* no session was free */
    uint64_t longest_us; /* of all steps */
};

/* Of all sessions since boot. */
const struct tls_stats *tls_stats(void);

#endif
