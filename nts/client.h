/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS for NTPv4, the client's side: keys, cookies, requests and replies.  Level
 * of all: background, and boot. */
#ifndef NTS_CLIENT_H
#define NTS_CLIENT_H

#include "ntp/peer.h"
#include "nts/aead.h"

/* What RFC 8915, 5.7, wants to have in hand. */
#define NTS_CLIENT_COOKIES 8

/* A server with longer ones is not followed: they are opaque, and none that is
 * known has more than 136 bytes. */
#define NTS_CLIENT_COOKIE_MAX 256

/* And shorter ones are no extension field; RFC 7822, 3. */
#define NTS_CLIENT_COOKIE_MIN 12

/* What NTS-KE has agreed on. */
struct nts_client_keys {
    enum aead_id aead;
    uint8_t c2s[AEAD_KEY_MAX];
    uint8_t s2c[AEAD_KEY_MAX];
};

struct nts_client_cookie {
    size_t len;
    uint8_t bytes[NTS_CLIENT_COOKIE_MAX];
};

/* One source's association with its server. */
struct nts_client {
    const struct aes_cipher *cipher;
    void (*random)(void *context, void *bytes, size_t len);
    void *random_context;
    struct peer_auth auth; /* for peer_authenticate() */

    bool has_keys;
    struct nts_client_keys keys;
    bool has_other; /* to be tried if the server knows the cookies not by
                       `keys` */
    struct nts_client_keys other;
    struct nts_client_cookie cookie[NTS_CLIENT_COOKIES]; /* oldest first */
    unsigned cookies;

    bool waiting; /* for the answer to the request with that identifier */
    uint8_t unique_identifier[NTP_UNIQUE_IDENTIFIER_MIN];
    bool nak;     /* a NAK has come instead, and nothing better so far */
    bool refused; /* it stayed at that NAK: other keys are wanted */
    bool starved; /* a request was left out for want of a cookie */
    bool proven;  /* these keys have brought an answer */
    bool outside; /* ... of a time that is not within what follows */

    /* Times that the server tells must be within, s since 1970, as long as
     * the clock is not set otherwise; RFC 8915, 8.5.  0, 0: any. */
    int64_t not_before, not_after;

    uint32_t naks;
    uint32_t failed; /* replies that were not proven */
};

/* Start without keys; `cipher` is lent for good. */
void nts_client_init(struct nts_client *n, const struct aes_cipher *cipher,
                     void (*random)(void *context, void *bytes, size_t len),
                     void *random_context);

/*
 * Use these keys from now on, and forget all that was there, cookies too.
 * RFC 8915, 5.7.
 */
void nts_client_set_keys(struct nts_client *n,
                         const struct nts_client_keys *keys);

/*
 * With those of nts_client_set_keys(): a server may have meant these.  If it
 * answers its first requests with nothing but NAKs, they are used instead.
 */
void nts_client_set_other_keys(struct nts_client *n,
                               const struct nts_client_keys *keys);

/* Forget keys and cookies. */
void nts_client_forget(struct nts_client *n);

/*
 * Keep a cookie for those keys.
 * Returns false when its length does not fit a request, and when there are
 * enough.
 */
bool nts_client_add_cookie(struct nts_client *n, const uint8_t *bytes,
                           size_t len);

/*
 * Is NTS-KE wanted: are there no keys, was there no cookie left when one was
 * needed, or did the server answer no more than a NAK until the poll after?
 * RFC 8915, 5.7.
 */
bool nts_client_wants_keys(const struct nts_client *n);

/*
 * The functions of struct peer_auth; `context` is the struct nts_client.
 *
 * Protecting a request takes a cookie, and asks for as many new ones as are
 * missing, if they fit.  A reply is SOURCE_OK when it has the request's unique
 * identifier and the authenticator of the server; its cookies are kept then.
 * SOURCE_NAK: the server says, unproven, that it cannot open the cookie.
 *
 * `room` is how long the request may get at `data`; its new length is returned,
 * or 0 if it cannot be protected, which costs nothing.
 * RFC 8915, 5.7.
 */
size_t nts_client_protect(void *context, uint8_t *data, size_t len,
                          size_t room);
enum source_verdict nts_client_check(void *context, const uint8_t *data,
                                     size_t len);

#endif
