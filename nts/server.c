/* SPDX-License-Identifier: BSD-2-Clause */
/* Check a request that NTS protects, protect the reply; in its buffer. */
#include "nts/server.h"

#include "nts/fields.h"

#include <string.h>

#define KISS_NTSN 0x4e54534e /* "NTSN", RFC 8915, 5.7 */

#define NONCE_MAX 16

/* A protected request. */
struct request {
    struct ntp_packet packet;
    struct nts_fields fields; /* lent from the request */
    struct nts_cookie cookie;
    unsigned cookies; /* that the reply is to have */
};

/* Read it; no secret is needed for that. */
static enum ntp_verdict request_read(struct request *q, const uint8_t *data,
                                     size_t len)
{
    if (ntp_packet_parse(&q->packet, data, len) != NTP_OK ||
        q->packet.version != 4 || q->packet.mode != MODE_CLIENT)
        return NTP_PASS;

    switch (nts_fields_read(&q->fields, data, len)) {
    case NTS_FIELDS_NONE:
        return NTP_PASS;
    case NTS_FIELDS_MALFORMED:
        return NTP_DROP_FORMAT;
    case NTS_FIELDS_PROTECTED:
        break;
    }
    if (q->fields.unique_identifiers != 1 || q->fields.cookies != 1 ||
        q->fields.unique_identifier_len < NTP_UNIQUE_IDENTIFIER_MIN)
        return NTP_DROP_FORMAT;
    return NTS_OK;
}

/* Add the placeholders of the plaintext; false if that is malformed. */
static bool count_inner(struct request *q, const uint8_t *plain, size_t len)
{
    struct reader r = reader_of(plain, len);
    struct ntp_field field;

    while (nts_inner_next(&r, &field))
        if (field.type == NTS_PLACEHOLDER &&
            field.body_len == q->fields.cookie_len)
            q->cookies++;
    return r.ok;
}

/* Open it, in place.  `aead` is for the keys, and overwritten. */
static enum ntp_verdict request_open(struct request *q,
                                     const struct nts_server *server,
                                     struct aead *aead, uint8_t *data)
{
    const struct nts_fields *f = &q->fields;

    if (!nts_cookie_open(server->keys, f->cookie, f->cookie_len, &q->cookie))
        return NTS_NAK;

    /* So much we may need for a nonce of ours; RFC 8915, 5.6: N_REQ. */
    if (f->room_len < aead_nonce_max(q->cookie.aead))
        return NTP_DROP_FORMAT;

    uint8_t *plain = data + (f->sealed - data);

    aead_init(aead, server->cipher, q->cookie.aead, q->cookie.c2s);
    if (!aead_open(aead, f->nonce, f->nonce_len, data, f->ad_len, f->sealed,
                   f->sealed_len, plain))
        return NTS_NAK;

    q->cookies = 1 + f->placeholders;
    if (!count_inner(q, plain, f->sealed_len - AEAD_TAG_LEN))
        return NTP_DROP_FORMAT;
    return NTS_OK;
}

/* Bytes of AEAD output for that many cookies. */
static size_t sealed_len(unsigned cookies, size_t cookie_len)
{
    return AEAD_TAG_LEN + cookies * (NTS_FIELD_HEADER + cookie_len);
}

/* As many cookies as were asked for, and the reply is not longer than the
 * request with. */
static unsigned cookies_that_fit(const struct request *q, size_t ad_len,
                                 size_t len)
{
    unsigned n = q->cookies < NTS_COOKIES_MAX ? q->cookies : NTS_COOKIES_MAX;
    size_t nonce_len = aead_nonce_max(q->cookie.aead);

    while (n > 0 &&
           ad_len + nts_authenticator_len(nonce_len,
                                          sealed_len(n, q->fields.cookie_len)) >
               len)
        n--;
    return n;
}

/* Header and unique identifier of the reply, over those of the request. */
static void reply_begin(struct nts_reply *reply, const struct request *q,
                        uint8_t *data)
{
    reply->data = data;
    reply->sealed = false;
    reply->interleaved_ts = 0;
    reply->protected = false;
    reply->ad_len = NTP_HEADER_LEN +
                    nts_field_put(data + NTP_HEADER_LEN, NTP_UNIQUE_IDENTIFIER,
                                  q->fields.unique_identifier,
                                  q->fields.unique_identifier_len);
    reply->len = reply->ad_len;
}

/* New cookies, the plaintext of the reply; returns its length. */
static size_t write_cookies(const struct nts_server *server,
                            const struct nts_cookie *cookie,
                            const uint8_t *nonces, unsigned n, uint8_t *plain)
{
    uint8_t *at = plain;

    for (unsigned i = 0; i < n; i++) {
        uint8_t *body = at + NTS_FIELD_HEADER;
        size_t len =
            nts_cookie_seal(server->keys, cookie,
                            nonces + (size_t)i * NTS_COOKIE_NONCE_LEN, body);

        at += nts_field_put(at, NTS_COOKIE, body, len);
    }
    return (size_t)(at - plain);
}

/* The authenticator of the reply, but for the seal: nonce and plaintext. */
static void reply_protect(struct nts_reply *reply, const struct request *q,
                          const struct nts_server *server, unsigned cookies)
{
    uint8_t random[NONCE_MAX + NTS_COOKIES_MAX * NTS_COOKIE_NONCE_LEN];
    uint8_t *at = reply->data + reply->ad_len;

    server->random(server->context, random,
                   NONCE_MAX + cookies * NTS_COOKIE_NONCE_LEN);
    reply->protected = true;
    reply->nonce_len = aead_nonce_max(q->cookie.aead);
    reply->len += nts_authenticator_put(
        at, reply->nonce_len, sealed_len(cookies, q->fields.cookie_len),
        &reply->nonce, &reply->sealed_at);
    memcpy(reply->nonce, random, reply->nonce_len);
    reply->plain_len = write_cookies(server, &q->cookie, random + NONCE_MAX,
                                     cookies, reply->sealed_at + AEAD_TAG_LEN);
    aead_init(&reply->s2c, server->cipher, q->cookie.aead, q->cookie.s2c);
}

/* With `kiss` as in ntp_server_header(). */
static enum ntp_verdict reply_with(const struct nts_server *server,
                                   const struct clock_line *line,
                                   uint64_t rx_ticks, uint32_t kiss,
                                   uint8_t *data, size_t len,
                                   struct nts_reply *reply)
{
    struct request q;
    enum ntp_verdict verdict = request_read(&q, data, len);

    if (verdict != NTS_OK)
        return verdict;

    verdict = request_open(&q, server, &reply->s2c, data);
    /* Who is not told more than a NAK leaves no key behind. */
    if (verdict != NTS_OK) {
        aead_wipe(&reply->s2c);
        aes_wipe(&q.cookie, sizeof(q.cookie));
    }
    if (!ntp_is_answer(verdict))
        return verdict;

    unsigned cookies = 0;

    if (verdict == NTS_OK)
        cookies = cookies_that_fit(&q,
                                   NTP_HEADER_LEN + NTS_FIELD_HEADER +
                                       q.fields.unique_identifier_len,
                                   len);
    reply_begin(reply, &q, data);
    ntp_server_header(server->ntp, line, rx_ticks, &q.packet,
                      verdict == NTS_NAK ? KISS_NTSN : kiss, data);
    if (verdict == NTS_OK)
        reply_protect(reply, &q, server, cookies);
    aes_wipe(&q.cookie, sizeof(q.cookie));
    return verdict;
}

enum ntp_verdict nts_server_reply(const struct nts_server *server,
                                  const struct clock_line *line,
                                  uint64_t rx_ticks, uint8_t *data, size_t len,
                                  struct nts_reply *reply)
{
    return reply_with(server, line, rx_ticks, 0, data, len, reply);
}

enum ntp_verdict nts_server_kiss(const struct nts_server *server,
                                 const struct clock_line *line,
                                 uint64_t rx_ticks, uint8_t *data, size_t len,
                                 struct nts_reply *reply)
{
    enum ntp_verdict verdict = reply_with(server, line, rx_ticks,
                                          NTP_KISS_CODE_RATE, data, len, reply);

    return verdict == NTS_OK ? NTP_KISS_RATE : verdict;
}

/* The plaintext again, where it stood. */
static void reopen(struct nts_reply *reply)
{
    uint8_t *sealed = reply->sealed_at;

    aead_open(&reply->s2c, reply->nonce, reply->nonce_len, reply->data,
              reply->ad_len, sealed, AEAD_TAG_LEN + reply->plain_len, sealed);
    memmove(sealed + AEAD_TAG_LEN, sealed, reply->plain_len);
}

/*
 * Two copies of one machine may both have come this far, with one nonce: if
 * they say different times with it, it is not one any more.
 */
static void stir(struct nts_reply *reply, uint64_t tx_ticks)
{
    uint8_t *at = reply->nonce + reply->nonce_len - sizeof(tx_ticks);

    put_u64(at, get_u64(at) ^ tx_ticks);
}

void nts_server_finish(struct nts_reply *reply, const struct clock_line *line,
                       uint64_t tx_ticks)
{
    ntp_ts left = reply->interleaved_ts;

    if (reply->sealed)
        reopen(reply);
    if (left == 0)
        left = ntp_ts_from_date(clock_at(line, tx_ticks));
    put_u64(reply->data + NTP_TRANSMIT_AT, left);
    if (!reply->protected)
        return;

    stir(reply, tx_ticks);
    aead_seal(&reply->s2c, reply->nonce, reply->nonce_len, reply->data,
              reply->ad_len, reply->sealed_at + AEAD_TAG_LEN, reply->plain_len,
              reply->sealed_at);
    reply->sealed = true;
}

void nts_server_forget(struct nts_reply *reply)
{
    if (reply->protected)
        aead_wipe(&reply->s2c);
}
