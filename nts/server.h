/* SPDX-License-Identifier: BSD-2-Clause */
/* Check a request that NTS protects, protect the reply; in its buffer. */
#ifndef NTS_SERVER_H
#define NTS_SERVER_H

#include "ntp/server.h"
#include "nts/cookie.h"

/*
 * Cookies in one reply, at most: a client has no use for more than eight, and
 * more would only take time at interrupt level.
 * RFC 8915, 5.7.
 */
#define NTS_COOKIES_MAX 8

/* What does not change from one request to the next; one for each level. */
struct nts_server {
    const struct ntp_server *ntp;
    const struct nts_keys *keys;
    const struct aes_cipher *cipher;
    /* The level's own generator. */
    void (*random)(void *context, void *bytes, size_t len);
    void *context;
};

/* A reply that only lacks what is written last.  2 KiB: mind the stack. */
struct nts_reply {
    uint8_t *data;
    size_t len;     /* never more than the request had */
    bool protected; /* false: a NAK, which has no authenticator */
    bool sealed;    /* finished once already */
    size_t ad_len;  /* bytes before the authenticator */
    uint8_t *nonce; /* in `data` */
    size_t nonce_len;
    uint8_t *sealed_at;    /* in `data`: AEAD output */
    size_t plain_len;      /* of it, but the tag; stands ready at + 16 */
    ntp_ts interleaved_ts; /* as in struct ntp_reply */
    struct aead s2c;
};

/*
 * Check the request of `len` bytes at `data`, received at counter value
 * `rx_ticks`, and turn it into a reply in place: everything but transmit
 * timestamp and seal.
 *
 * Returns NTS_OK or NTS_NAK with `reply` written; NTP_PASS, and nothing
 * written, if it is no request under NTS: ntp_server_reply() knows what to do;
 * or why there is no answer, and then `data` may have changed.
 * RFC 8915, 5.7.  Level: any; see struct aes_cipher.
 */
enum ntp_verdict nts_server_reply(const struct nts_server *server,
                                  const struct clock_line *line,
                                  uint64_t rx_ticks, uint8_t *data, size_t len,
                                  struct nts_reply *reply);

/*
 * The same for a client over its rate: an authenticated kiss-o'-death, code
 * RATE, with its cookies.  Returns NTP_KISS_RATE in place of NTS_OK.
 * RFC 8915, 5.7.  Level: as nts_server_reply().
 */
enum ntp_verdict nts_server_kiss(const struct nts_server *server,
                                 const struct clock_line *line,
                                 uint64_t rx_ticks, uint8_t *data, size_t len,
                                 struct nts_reply *reply);

/*
 * Write the transmit timestamp for `tx_ticks`, then seal.  May be repeated with
 * a later counter value.
 * Level: as nts_server_reply().
 */
void nts_server_finish(struct nts_reply *reply, const struct clock_line *line,
                       uint64_t tx_ticks);

/* Forget the client's key, the reply having left.  Level: any. */
void nts_server_forget(struct nts_reply *reply);

#endif
