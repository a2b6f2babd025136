/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS key establishment, the client's side: a request, and what it got. */
#include "nts/ke_ask.h"

#include <string.h>

size_t nts_ke_request(const enum aead_id *wanted, unsigned count, uint8_t *out,
                      size_t room)
{
    struct nts_record_writer w = nts_record_writer_of(out, room);
    uint8_t list[2 * NTS_KE_AEADS_MAX];
    bool gcm_siv = false;

    if (count == 0 || count > NTS_KE_AEADS_MAX)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        put_u16(list + 2 * i, (uint16_t)wanted[i]);
        gcm_siv = gcm_siv || wanted[i] == AEAD_AES_128_GCM_SIV;
    }
    nts_record_write_number(&w, true, NTS_RECORD_NEXT_PROTOCOL,
                            NTS_PROTOCOL_NTPV4);
    nts_record_write(&w, &(struct nts_record){true, NTS_RECORD_AEAD,
                                              (uint16_t)(2 * count), list});
    if (gcm_siv)
        nts_record_write_empty(&w, false, NTS_RECORD_COMPLIANT_GCM_SIV);
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    return w.ok ? w.len : 0;
}

void nts_ke_read_begin(struct nts_ke_reading *r, const enum aead_id *wanted,
                       unsigned count, struct nts_ke_result *result)
{
    memset(r, 0, sizeof(*r));
    memset(result, 0, sizeof(*result));
    r->wanted = wanted;
    r->count = count;
    r->result = result;
}

/* The response may name what was asked for, NTPv4, or nothing. */
static enum nts_ke_verdict take_protocol(struct nts_ke_reading *r,
                                         const struct nts_record *rec)
{
    if (!rec->critical || rec->len % 2 != 0)
        return NTS_KE_BAD_RECORD;
    if (rec->len == 0)
        return NTS_KE_OK;
    if (rec->len != 2 || get_u16(rec->body) != NTS_PROTOCOL_NTPV4)
        return NTS_KE_FOREIGN_PROTOCOL;
    r->ntpv4 = true;
    return NTS_KE_OK;
}

/* One of those that were asked for, or nothing. */
static enum nts_ke_verdict take_aead(struct nts_ke_reading *r,
                                     const struct nts_record *rec)
{
    if (rec->len == 0)
        return NTS_KE_OK;
    if (rec->len != 2)
        return NTS_KE_BAD_RECORD;
    for (unsigned i = 0; i < r->count; i++) {
        if (get_u16(rec->body) == r->wanted[i]) {
            r->result->aead = r->wanted[i];
            r->has_aead = true;
            return NTS_KE_OK;
        }
    }
    return NTS_KE_FOREIGN_AEAD;
}

/* An error or a warning of the server's, of which we know no harmless one. */
static enum nts_ke_verdict take_complaint(struct nts_ke_reading *r,
                                          const struct nts_record *rec,
                                          enum nts_ke_verdict verdict)
{
    if (rec->len != 2)
        return NTS_KE_BAD_RECORD;
    r->result->code = get_u16(rec->body);
    return verdict;
}

/* A cookie goes into an extension field, whose length is a multiple of 4. */
static enum nts_ke_verdict take_cookie(struct nts_ke_reading *r,
                                       const struct nts_record *rec)
{
    struct nts_ke_result *result = r->result;

    if (rec->len == 0 || rec->len % 4 != 0 || rec->len > NTS_KE_COOKIE_MAX) {
        r->odd_cookie = true;
        return NTS_KE_OK;
    }
    if (result->cookies < NTS_KE_COOKIES) {
        result->cookie[result->cookies].len = rec->len;
        memcpy(result->cookie[result->cookies].bytes, rec->body, rec->len);
        result->cookies++;
    }
    return NTS_KE_OK;
}

/* What names and addresses are written with; no zone identifiers. */
static bool is_name_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' ||
           c == ':';
}

static enum nts_ke_verdict take_server(struct nts_ke_reading *r,
                                       const struct nts_record *rec)
{
    if (rec->len == 0 || rec->len >= NTS_KE_NAME_MAX)
        return NTS_KE_BAD_SERVER;
    for (size_t i = 0; i < rec->len; i++) {
        if (!is_name_byte(rec->body[i]))
            return NTS_KE_BAD_SERVER;
    }
    memcpy(r->result->server, rec->body, rec->len);
    r->result->server[rec->len] = '\0';
    return NTS_KE_OK;
}

static enum nts_ke_verdict take_port(struct nts_ke_reading *r,
                                     const struct nts_record *rec)
{
    if (rec->len != 2 || get_u16(rec->body) == 0)
        return NTS_KE_BAD_PORT;
    r->result->port = get_u16(rec->body);
    return NTS_KE_OK;
}

/* Read one record of a type that we know. */
static enum nts_ke_verdict take_known(struct nts_ke_reading *r,
                                      const struct nts_record *rec)
{
    switch (rec->type) {
    case NTS_RECORD_NEXT_PROTOCOL:
        return take_protocol(r, rec);
    case NTS_RECORD_ERROR:
        return take_complaint(r, rec, NTS_KE_ERROR);
    case NTS_RECORD_WARNING:
        return take_complaint(r, rec, NTS_KE_WARNING);
    case NTS_RECORD_AEAD:
        return take_aead(r, rec);
    case NTS_RECORD_COOKIE:
        return take_cookie(r, rec);
    case NTS_RECORD_SERVER:
        return take_server(r, rec);
    case NTS_RECORD_PORT:
        return take_port(r, rec);
    case NTS_RECORD_COMPLIANT_GCM_SIV:
        r->result->compliant_gcm_siv = true;
        return rec->len == 0 ? NTS_KE_OK : NTS_KE_BAD_RECORD;
    default: /* End of Message */
        return rec->critical && rec->len == 0 ? NTS_KE_OK : NTS_KE_BAD_RECORD;
    }
}

/* Read one record, of which the body may be cut at what `record` holds. */
static enum nts_ke_verdict take_record(struct nts_ke_reading *r,
                                       const struct nts_record *rec)
{
    unsigned bit = nts_record_bit(rec->type);

    if (bit == 0)
        return rec->critical ? NTS_KE_UNKNOWN_CRITICAL : NTS_KE_OK;
    if ((r->seen & bit) != 0 && rec->type != NTS_RECORD_COOKIE)
        return NTS_KE_TWICE;
    r->seen |= bit;
    return take_known(r, rec);
}

static bool at_end(const struct nts_ke_reading *r)
{
    return (r->seen & nts_record_bit(NTS_RECORD_END)) != 0;
}

/* The length of the record under way, as far as it is known. */
static size_t record_len(const struct nts_ke_reading *r)
{
    if (r->have < NTS_RECORD_HEADER_LEN)
        return NTS_RECORD_HEADER_LEN;
    return NTS_RECORD_HEADER_LEN + (size_t)get_u16(r->record + 2);
}

/* Add bytes to the record under way; returns how many belonged to it. */
static size_t gather(struct nts_ke_reading *r, const uint8_t *data, size_t len)
{
    size_t n = record_len(r) - r->have;

    if (n > len)
        n = len;
    if (r->have < sizeof(r->record)) {
        size_t room = sizeof(r->record) - r->have;

        memcpy(r->record + r->have, data, n < room ? n : room);
    }
    r->have += n;
    return n;
}

/* Read the record under way once all of it has come. */
static void take_gathered(struct nts_ke_reading *r)
{
    if (r->have < NTS_RECORD_HEADER_LEN || r->have < record_len(r))
        return;

    uint16_t first = get_u16(r->record);
    struct nts_record rec = {.critical = first > NTS_RECORD_TYPE_MASK,
                             .type = first & NTS_RECORD_TYPE_MASK,
                             .len = get_u16(r->record + 2),
                             .body = r->record + NTS_RECORD_HEADER_LEN};

    r->have = 0;
    r->verdict = take_record(r, &rec);
}

enum nts_ke_progress nts_ke_read_feed(struct nts_ke_reading *r,
                                      const uint8_t *data, size_t len)
{
    if (r->verdict == NTS_KE_OK && len > NTS_KE_RESPONSE_MAX - r->total) {
        r->verdict = NTS_KE_LONG;
        return NTS_KE_TOO_LONG;
    }
    r->total += len;
    while (len > 0 && r->verdict == NTS_KE_OK) {
        if (at_end(r)) {
            r->verdict = NTS_KE_AFTER_END;
            break;
        }
        size_t n = gather(r, data, len);

        data += n;
        len -= n;
        take_gathered(r);
    }
    return at_end(r) || r->verdict != NTS_KE_OK ? NTS_KE_WHOLE : NTS_KE_MORE;
}

/* What all of a response is missing, when no record of it is wrong. */
static enum nts_ke_verdict find_missing(const struct nts_ke_reading *r)
{
    if (!at_end(r))
        return NTS_KE_NOT_WHOLE;
    if ((r->seen & nts_record_bit(NTS_RECORD_NEXT_PROTOCOL)) == 0)
        return NTS_KE_NO_PROTOCOL;
    if (!r->ntpv4)
        return NTS_KE_NO_NTPV4;
    if (!r->has_aead)
        return NTS_KE_NO_AEAD;
    if (r->result->cookies > 0)
        return NTS_KE_OK;
    return r->odd_cookie ? NTS_KE_ODD_COOKIE : NTS_KE_NO_COOKIE;
}

enum nts_ke_verdict nts_ke_read_end(struct nts_ke_reading *r)
{
    struct nts_ke_result *result = r->result;

    if (r->verdict == NTS_KE_OK)
        r->verdict = find_missing(r);
    if (r->verdict == NTS_KE_OK)
        result->exporter_aead =
            nts_ke_exporter_aead(result->aead, result->compliant_gcm_siv);
    return r->verdict;
}

enum nts_ke_verdict nts_ke_read(const uint8_t *data, size_t len,
                                const enum aead_id *wanted, unsigned count,
                                struct nts_ke_result *result)
{
    struct nts_ke_reading r;

    nts_ke_read_begin(&r, wanted, count, result);
    nts_ke_read_feed(&r, data, len);
    return nts_ke_read_end(&r);
}

const char *nts_ke_text(enum nts_ke_verdict verdict)
{
#define TEXT(id, text) text,
    static const char *const texts[] = {NTS_KE_VERDICTS(TEXT)};
#undef TEXT

    return texts[verdict];
}

const char *nts_ke_error_text(uint16_t code)
{
    switch (code) {
    case NTS_KE_UNRECOGNIZED_CRITICAL:
        return "unrecognized critical record";
    case NTS_KE_BAD_REQUEST:
        return "bad request";
    case NTS_KE_INTERNAL:
        return "internal server error";
    default:
        return "unknown error";
    }
}
