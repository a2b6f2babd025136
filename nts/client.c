/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS for NTPv4, the client's side: keys, cookies, requests and replies. */
#include "nts/client.h"

#include "nts/fields.h"

#include <string.h>

#define NONCE_MAX 16

/* The longest plaintext of a reply: what a datagram has room for. */
#define PLAIN_MAX 1500

#define KISS_NTSN 0x4e54534e /* RFC 8915, 5.7 */

void nts_client_init(struct nts_client *n, const struct aes_cipher *cipher,
                     void (*random)(void *context, void *bytes, size_t len),
                     void *random_context)
{
    memset(n, 0, sizeof(*n));
    n->cipher = cipher;
    n->random = random;
    n->random_context = random_context;
    n->auth = (struct peer_auth){
        .context = n,
        .protect = nts_client_protect,
        .check = nts_client_check,
    };
}

void nts_client_forget(struct nts_client *n)
{
    aes_wipe(&n->keys, sizeof(n->keys));
    aes_wipe(&n->other, sizeof(n->other));
    n->has_keys = false;
    n->has_other = false;
    n->cookies = 0;
    n->waiting = false;
    n->nak = false;
    n->refused = false;
    n->starved = false;
    n->proven = false;
    n->outside = false;
    n->not_before = 0;
    n->not_after = 0;
}

void nts_client_set_keys(struct nts_client *n,
                         const struct nts_client_keys *keys)
{
    nts_client_forget(n);
    n->keys = *keys;
    n->has_keys = true;
}

void nts_client_set_other_keys(struct nts_client *n,
                               const struct nts_client_keys *keys)
{
    n->other = *keys;
    n->has_other = true;
}

bool nts_client_add_cookie(struct nts_client *n, const uint8_t *bytes,
                           size_t len)
{
    if (n->cookies == NTS_CLIENT_COOKIES || len % 4 != 0 ||
        len < NTS_CLIENT_COOKIE_MIN || len > NTS_CLIENT_COOKIE_MAX)
        return false;

    struct nts_client_cookie *cookie = &n->cookie[n->cookies++];

    cookie->len = len;
    memcpy(cookie->bytes, bytes, len);
    return true;
}

bool nts_client_wants_keys(const struct nts_client *n)
{
    return !n->has_keys || n->refused || (n->starved && n->cookies == 0);
}

/* The cookie that is used next, which no one else gets to see again. */
static struct nts_client_cookie take_cookie(struct nts_client *n)
{
    struct nts_client_cookie cookie = n->cookie[0];

    n->cookies--;
    memmove(n->cookie, n->cookie + 1, n->cookies * sizeof(*n->cookie));
    return cookie;
}

/* The length of a field with so long a body. */
static size_t field_len(size_t body_len)
{
    return NTS_FIELD_HEADER + body_len;
}

/* Append what is not encrypted; all of it fits into `room`, of which `end` is
 * kept for the authenticator. */
static size_t put_fields(struct nts_client *n, uint8_t *data, size_t len,
                         size_t room, size_t end)
{
    struct nts_client_cookie cookie = take_cookie(n);

    len += nts_field_put(data + len, NTP_UNIQUE_IDENTIFIER,
                         n->unique_identifier, sizeof(n->unique_identifier));
    len += nts_field_put(data + len, NTS_COOKIE, cookie.bytes, cookie.len);
    /* One comes back for the cookie itself. */
    for (unsigned i = n->cookies + 1; i < NTS_CLIENT_COOKIES; i++) {
        if (field_len(cookie.len) + end > room - len)
            break;
        len += nts_field_put(data + len, NTS_PLACEHOLDER, NULL, cookie.len);
    }
    return len;
}

static void seal(const struct nts_client *n, const uint8_t *data, size_t len,
                 uint8_t *nonce, uint8_t *sealed)
{
    size_t nonce_len = aead_nonce_max(n->keys.aead);
    struct aead c2s;

    n->random(n->random_context, nonce, nonce_len);
    aead_init(&c2s, n->cipher, n->keys.aead, n->keys.c2s);
    aead_seal(&c2s, nonce, nonce_len, data, len, sealed + AEAD_TAG_LEN, 0,
              sealed);
    aead_wipe(&c2s);
}

static void forget_other(struct nts_client *n)
{
    aes_wipe(&n->other, sizeof(n->other));
    n->has_other = false;
}

/* The server has had until this poll to prove that NAK wrong. */
static void heed_nak(struct nts_client *n)
{
    if (n->nak && n->has_other)
        n->keys = n->other;
    else
        n->refused |= n->nak;
    if (n->nak)
        forget_other(n);
    n->nak = false;
}

size_t nts_client_protect(void *context, uint8_t *data, size_t len, size_t room)
{
    struct nts_client *n = context;
    uint8_t *nonce;
    uint8_t *sealed;

    heed_nak(n);
    n->waiting = false;
    n->starved = n->cookies == 0;
    if (!n->has_keys || n->starved)
        return 0;

    size_t nonce_len = aead_nonce_max(n->keys.aead);
    size_t end = nts_authenticator_len(nonce_len, AEAD_TAG_LEN);

    if (len + field_len(sizeof(n->unique_identifier)) +
            field_len(n->cookie[0].len) + end >
        room)
        return 0;

    n->random(n->random_context, n->unique_identifier,
              sizeof(n->unique_identifier));
    n->waiting = true;
    len = put_fields(n, data, len, room, end);
    end = nts_authenticator_put(data + len, nonce_len, AEAD_TAG_LEN, &nonce,
                                &sealed);
    seal(n, data, len, nonce, sealed);
    return len + end;
}

/* Is it the identifier of the request that we wait for? */
static bool is_ours(const struct nts_client *n, const struct nts_fields *f)
{
    return n->waiting && f->unique_identifiers == 1 &&
           f->unique_identifier_len == sizeof(n->unique_identifier) &&
           memcmp(f->unique_identifier, n->unique_identifier,
                  sizeof(n->unique_identifier)) == 0;
}

static bool is_nak(const uint8_t *data, size_t len)
{
    struct ntp_packet p;

    return ntp_packet_parse(&p, data, len) == NTP_OK && p.stratum == 0 &&
           p.reference_id == KISS_NTSN;
}

/* What is in the plaintext, once all of it is known to be whole. */
static bool is_whole(const uint8_t *plain, size_t len)
{
    struct reader r = reader_of(plain, len);
    struct ntp_field field;

    while (nts_inner_next(&r, &field))
        ;
    return r.ok;
}

static void keep_cookies(struct nts_client *n, const uint8_t *plain, size_t len)
{
    struct reader r = reader_of(plain, len);
    struct ntp_field field;

    while (nts_inner_next(&r, &field)) {
        if (field.type == NTS_COOKIE)
            (void)nts_client_add_cookie(n, field.body, field.body_len);
    }
}

static enum source_verdict open_reply(struct nts_client *n,
                                      const struct nts_fields *f,
                                      const uint8_t *data, uint8_t *plain)
{
    struct aead s2c;

    if (f->sealed_len < AEAD_TAG_LEN || f->sealed_len > PLAIN_MAX ||
        !aead_nonce_ok(n->keys.aead, f->nonce_len))
        return SOURCE_FORMAT;
    aead_init(&s2c, n->cipher, n->keys.aead, n->keys.s2c);

    bool open = aead_open(&s2c, f->nonce, f->nonce_len, data, f->ad_len,
                          f->sealed, f->sealed_len, plain);

    aead_wipe(&s2c);
    if (!open)
        return SOURCE_AUTH;
    return is_whole(plain, f->sealed_len - AEAD_TAG_LEN) ? SOURCE_OK
                                                         : SOURCE_FORMAT;
}

/* Is the time that it tells one at which its certificate was valid? */
static bool is_valid_then(const struct nts_client *n, const uint8_t *data,
                          size_t len)
{
    struct ntp_packet p;

    if (n->not_before == 0 && n->not_after == 0)
        return true;
    if (ntp_packet_parse(&p, data, len) != NTP_OK)
        return false;

    /* Which era, the certificate says as well: its middle is the pivot. */
    int64_t middle = n->not_before + (n->not_after - n->not_before) / 2;
    ntp_date date = ntp_date_near(p.transmit_ts, ntp_date_from_unix(middle, 0));

    return date >= ntp_date_from_unix(n->not_before, 0) &&
           date <= ntp_date_from_unix(n->not_after, 0);
}

enum source_verdict nts_client_check(void *context, const uint8_t *data,
                                     size_t len)
{
    struct nts_client *n = context;
    struct nts_fields f;
    uint8_t plain[PLAIN_MAX];

    switch (nts_fields_read(&f, data, len)) {
    case NTS_FIELDS_PROTECTED:
        break;
    case NTS_FIELDS_NONE:
        if (!is_ours(n, &f) || !is_nak(data, len))
            return SOURCE_AUTH;
        if (!n->nak)
            n->naks++;
        n->nak = true;
        return SOURCE_NAK;
    default:
        return SOURCE_FORMAT;
    }
    if (!is_ours(n, &f))
        return SOURCE_AUTH;

    enum source_verdict verdict = open_reply(n, &f, data, plain);

    if (verdict != SOURCE_OK) {
        n->failed++;
        return verdict;
    }
    n->waiting = false;
    n->nak = false;
    n->refused = false;
    n->proven = true;
    forget_other(n);
    keep_cookies(n, plain, f.sealed_len - AEAD_TAG_LEN);
    n->outside = !is_valid_then(n, data, len);
    return n->outside ? SOURCE_EXPIRED : SOURCE_OK;
}
