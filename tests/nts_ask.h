/* SPDX-License-Identifier: BSD-2-Clause */
/* A client of NTS, as small as tests want it: asks, and opens what comes. */
#ifndef TESTS_NTS_ASK_H
#define TESTS_NTS_ASK_H

#include "nts/cookie.h"
#include "nts/fields.h"

#include <stdlib.h>
#include <string.h>

/* What a request is like; zero is the plainest right one. */
struct nts_ask {
    unsigned placeholders;       /* before the authenticator */
    unsigned inner_placeholders; /* encrypted */
    uint16_t inner_type;         /* of those; 0: that of a placeholder */
    size_t unique_identifier;    /* bytes of it; 0: 32 */
    unsigned twice;              /* a field of this type comes twice */
    unsigned without;            /* a field of this type does not come */
    size_t placeholder_len;      /* 0: as the cookie */
    size_t nonce_len;            /* 0: as long as the algorithm likes */
    size_t padding;              /* additional */
    bool cookie_first;           /* before the unique identifier */
    uint8_t first_byte;          /* 0: version 4, mode 3 */
    uint64_t origin_ts;          /* of interleaved mode */
};

#define NTS_ASK_TRANSMIT 0x0123456789abcdef

static inline void nts_ask_unique_identifier(uint8_t *uid, size_t len)
{
    for (size_t i = 0; i < len; i++)
        uid[i] = (uint8_t)(0xa5 ^ i * 7);
}

static inline uint8_t *nts_ask_field(uint8_t *at, const struct nts_ask *ask,
                                     uint16_t type, const uint8_t *body,
                                     size_t len)
{
    if (ask->without == type)
        return at;
    at += nts_field_put(at, type, body, len);
    if (ask->twice == type)
        at += nts_field_put(at, type, body, len);
    return at;
}

static inline uint8_t *nts_ask_identify(uint8_t *at, const struct nts_ask *ask)
{
    size_t len = ask->unique_identifier ? ask->unique_identifier : 32;
    uint8_t uid[1024];

    nts_ask_unique_identifier(uid, len);
    return nts_ask_field(at, ask, NTP_UNIQUE_IDENTIFIER, uid, len);
}

/* The authenticator, written without nts_authenticator_put(). */
static inline uint8_t *nts_ask_seal(uint8_t *packet, uint8_t *at,
                                    const struct nts_ask *ask,
                                    const struct nts_cookie *keys,
                                    size_t cookie_len)
{
    size_t nonce_len =
        ask->nonce_len ? ask->nonce_len : aead_nonce_max(keys->aead);
    size_t plain_len = ask->inner_placeholders * (4 + cookie_len);
    uint16_t inner_type = ask->inner_type ? ask->inner_type : NTS_PLACEHOLDER;
    uint8_t plain[1400], *p = plain;
    struct aead aead;

    for (unsigned i = 0; i < ask->inner_placeholders; i++)
        p += nts_field_put(p, inner_type, NULL, cookie_len);

    uint8_t *nonce = at + 8;
    uint8_t *sealed = nonce + (nonce_len + 3) / 4 * 4;
    uint8_t *end = sealed + (16 + plain_len + 3) / 4 * 4 + ask->padding;

    memset(at, 0, (size_t)(end - at));
    put_u16(at, NTS_AUTHENTICATOR);
    put_u16(at + 2, (uint16_t)(end - at));
    put_u16(at + 4, (uint16_t)nonce_len);
    put_u16(at + 6, (uint16_t)(16 + plain_len));
    memset(nonce, 0x5c, nonce_len);
    aead_init(&aead, &aes_ct, keys->aead, keys->c2s);
    aead_seal(&aead, nonce, nonce_len, packet, (size_t)(at - packet), plain,
              plain_len, sealed);
    return end;
}

/* Write a request with that cookie, and those keys; returns its length. */
static inline size_t nts_ask_make(uint8_t *packet, const struct nts_ask *ask,
                                  const struct nts_cookie *keys,
                                  const uint8_t *cookie, size_t cookie_len)
{
    uint8_t *at = packet + NTP_HEADER_LEN;
    size_t len = ask->placeholder_len ? ask->placeholder_len : cookie_len;

    memset(packet, 0, NTP_HEADER_LEN);
    packet[0] = ask->first_byte ? ask->first_byte : 4 << 3 | MODE_CLIENT;
    put_u64(packet + 24, ask->origin_ts);
    put_u64(packet + NTP_TRANSMIT_AT, NTS_ASK_TRANSMIT);
    if (!ask->cookie_first)
        at = nts_ask_identify(at, ask);
    at = nts_ask_field(at, ask, NTS_COOKIE, cookie, cookie_len);
    for (unsigned i = 0; i < ask->placeholders; i++)
        at += nts_field_put(at, NTS_PLACEHOLDER, NULL, len);
    if (ask->cookie_first)
        at = nts_ask_identify(at, ask);
    if (ask->without != NTS_AUTHENTICATOR)
        at = nts_ask_seal(packet, at, ask, keys, cookie_len);
    return (size_t)(at - packet);
}

/* An authentic reply. */
struct nts_got {
    unsigned cookies;
    uint8_t cookie[NTS_COOKIE_MAX * 16];
    size_t cookie_len;
};

/* Open a reply to `ask`, with nothing of the server's code but the AEAD and the
 * walk over the fields: is it authentic, and the answer to that request? */
static inline bool nts_ask_open(struct nts_got *got, const uint8_t *packet,
                                size_t len, const struct nts_ask *ask,
                                const struct nts_cookie *keys)
{
    size_t uid_len = ask->unique_identifier ? ask->unique_identifier : 32;
    size_t uid_body = (uid_len + 3) / 4 * 4;
    uint8_t uid[1024] = {0}, plain[1500];
    const uint8_t *a = packet + NTP_HEADER_LEN + 4 + uid_body;
    struct aead aead;

    memset(got, 0, sizeof(*got));
    nts_ask_unique_identifier(uid, uid_len);
    if (len < (size_t)(a - packet) + 24 ||
        get_u16(packet + NTP_HEADER_LEN) != NTP_UNIQUE_IDENTIFIER ||
        get_u16(packet + NTP_HEADER_LEN + 2) != 4 + uid_body ||
        memcmp(packet + NTP_HEADER_LEN + 4, uid, uid_body) != 0 ||
        get_u16(a) != NTS_AUTHENTICATOR ||
        get_u16(a + 2) != (size_t)(packet + len - a))
        return false;

    size_t nonce_len = get_u16(a + 4), sealed_len = get_u16(a + 6);

    if (8 + nonce_len + sealed_len != get_u16(a + 2) || sealed_len < 16)
        return false;
    aead_init(&aead, &aes_ct, keys->aead, keys->s2c);
    if (!aead_open(&aead, a + 8, nonce_len, packet, (size_t)(a - packet),
                   a + 8 + nonce_len, sealed_len, plain))
        return false;

    struct reader r = reader_of(plain, sealed_len - 16);

    while (r.left > 0) {
        uint16_t type = read_u16(&r), field_len = read_u16(&r);
        const uint8_t *body = read_bytes(&r, (size_t)field_len - 4);

        if (!r.ok || type != NTS_COOKIE)
            return false;
        got->cookie_len = (size_t)field_len - 4;
        memcpy(got->cookie + got->cookies++ * NTS_COOKIE_MAX, body,
               got->cookie_len);
    }
    return true;
}

#endif
