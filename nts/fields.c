/* SPDX-License-Identifier: BSD-2-Clause */
/* The extension fields of NTS: what a packet has of them, and how to write. */
#include "nts/fields.h"

#include <string.h>

/* Nonce Length and Ciphertext Length. */
#define LENGTHS 4

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

/* RFC 8915, figure 4. */
static bool read_authenticator(struct nts_fields *f, const uint8_t *body,
                               size_t body_len)
{
    struct reader r = reader_of(body, body_len);

    f->nonce_len = read_u16(&r);
    f->sealed_len = read_u16(&r);
    f->nonce = read_bytes(&r, padded(f->nonce_len));
    f->sealed = read_bytes(&r, padded(f->sealed_len));
    f->room_len = padded(f->nonce_len) + r.left;
    return r.ok;
}

static void note_field(struct nts_fields *f, const struct ntp_field *field)
{
    switch (field->type) {
    case NTP_UNIQUE_IDENTIFIER:
        if (f->unique_identifiers++ == 0) {
            f->unique_identifier = field->body;
            f->unique_identifier_len = field->body_len;
        }
        break;
    case NTS_COOKIE:
        if (f->cookies++ == 0) {
            f->cookie = field->body;
            f->cookie_len = field->body_len;
        }
        break;
    default:
        break;
    }
}

/* Those before the authenticator that are as long as the cookie; only after
 * all fields is it known how long that is. */
static unsigned count_placeholders(struct reader r, const struct nts_fields *f)
{
    struct ntp_field field;
    unsigned count = 0;

    while (ntp_field_next(&r, &field) && field.type != NTS_AUTHENTICATOR)
        if (field.type == NTS_PLACEHOLDER && field.body_len == f->cookie_len)
            count++;
    return count;
}

enum nts_fields_verdict nts_fields_read(struct nts_fields *f,
                                        const uint8_t *data, size_t len)
{
    struct ntp_tail tail;
    struct ntp_field field;

    if (len < NTP_HEADER_LEN || ntp_packet_tail(&tail, data, len, 4) != NTP_OK)
        return NTS_FIELDS_MALFORMED;

    struct reader r = tail.fields;
    struct nts_fields found = {0};

    while (ntp_field_next(&r, &field)) {
        if (field.type != NTS_AUTHENTICATOR) {
            note_field(&found, &field);
            continue;
        }
        if (!read_authenticator(&found, field.body, field.body_len))
            return NTS_FIELDS_MALFORMED;
        found.ad_len = (size_t)(field.body - data) - NTS_FIELD_HEADER;
        found.placeholders = count_placeholders(tail.fields, &found);
        *f = found;
        return NTS_FIELDS_PROTECTED;
    }
    *f = found;
    return NTS_FIELDS_NONE;
}

bool nts_inner_next(struct reader *r, struct ntp_field *f)
{
    if (r->left == 0)
        return false;

    f->type = read_u16(r);
    uint16_t length = read_u16(r);

    if (length < NTS_FIELD_HEADER || length % 4 != 0) {
        r->ok = false;
        return false;
    }
    f->body_len = (size_t)length - NTS_FIELD_HEADER;
    f->body = read_bytes(r, f->body_len);
    return r->ok;
}

/* A header, and where the body begins. */
static uint8_t *put_header(uint8_t *at, uint16_t type, size_t body_len)
{
    put_u16(at, type);
    put_u16(at + 2, (uint16_t)(NTS_FIELD_HEADER + body_len));
    return at + NTS_FIELD_HEADER;
}

size_t nts_field_put(uint8_t *at, uint16_t type, const uint8_t *body,
                     size_t len)
{
    size_t body_len = padded(len);

    /* First the body: it may lie where the header goes. */
    if (body != NULL)
        memmove(at + NTS_FIELD_HEADER, body, len);
    else
        memset(at + NTS_FIELD_HEADER, 0, len);
    memset(at + NTS_FIELD_HEADER + len, 0, body_len - len);
    put_header(at, type, body_len);
    return NTS_FIELD_HEADER + body_len;
}

size_t nts_authenticator_len(size_t nonce_len, size_t sealed_len)
{
    return NTS_FIELD_HEADER + LENGTHS + padded(nonce_len) + padded(sealed_len);
}

size_t nts_authenticator_put(uint8_t *at, size_t nonce_len, size_t sealed_len,
                             uint8_t **nonce, uint8_t **sealed)
{
    size_t len = nts_authenticator_len(nonce_len, sealed_len);
    uint8_t *body = put_header(at, NTS_AUTHENTICATOR, len - NTS_FIELD_HEADER);

    put_u16(body, (uint16_t)nonce_len);
    put_u16(body + 2, (uint16_t)sealed_len);
    *nonce = body + LENGTHS;
    *sealed = *nonce + padded(nonce_len);
    memset(*nonce + nonce_len, 0, padded(nonce_len) - nonce_len);
    memset(*sealed + sealed_len, 0, padded(sealed_len) - sealed_len);
    return len;
}
