/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS key establishment: one request's records into one answer's. */
#include "nts/ke.h"

#include <string.h>

/* Is the body one number or more? */
static bool is_list(const struct nts_record *rec)
{
    return rec->len >= 2 && rec->len % 2 == 0;
}

/* Does the list in the body have this number? */
static bool lists(const struct nts_record *rec, uint16_t number)
{
    for (size_t at = 0; at + 2 <= rec->len; at += 2) {
        if (get_u16(rec->body + at) == number)
            return true;
    }
    return false;
}

uint16_t nts_ke_exporter_aead(enum aead_id aead, bool compliant_gcm_siv)
{
    if (aead == AEAD_AES_128_GCM_SIV && !compliant_gcm_siv)
        return AEAD_AES_SIV_CMAC_256;
    return (uint16_t)aead;
}

void nts_ke_exporter_context(uint16_t aead, bool s2c,
                             uint8_t context[NTS_KE_EXPORTER_CONTEXT_LEN])
{
    put_u16(context, NTS_PROTOCOL_NTPV4);
    put_u16(context + 2, aead);
    context[4] = s2c;
}

enum nts_ke_progress nts_ke_scan(const uint8_t *data, size_t len)
{
    struct reader r = reader_of(data, len);
    size_t end = 0; /* of the records so far */

    while (NTS_KE_MESSAGE_MAX - end >= NTS_RECORD_HEADER_LEN) {
        const uint8_t *header = read_bytes(&r, NTS_RECORD_HEADER_LEN);

        if (!header)
            return NTS_KE_MORE;
        size_t body_len = get_u16(header + 2);

        if (body_len > NTS_KE_MESSAGE_MAX - NTS_RECORD_HEADER_LEN - end)
            return NTS_KE_TOO_LONG;
        if (!read_bytes(&r, body_len))
            return NTS_KE_MORE;
        if ((get_u16(header) & NTS_RECORD_TYPE_MASK) == NTS_RECORD_END)
            return NTS_KE_WHOLE;
        end += NTS_RECORD_HEADER_LEN + body_len;
    }
    return NTS_KE_TOO_LONG;
}

/* A request, as far as it has been read. */
struct request {
    const enum aead_id *offered;
    unsigned count;
    unsigned seen;
    bool ntpv4;
    unsigned choice; /* index into `offered`, `count`: none */
};

/* The best of ours that the client lists. */
static unsigned choose(const struct request *q, const struct nts_record *rec)
{
    unsigned i = 0;

    while (i < q->count && !lists(rec, (uint16_t)q->offered[i]))
        i++;
    return i;
}

/* Is a record of a type that we know as a request may have it? */
static bool take_known(struct request *q, const struct nts_record *rec)
{
    switch (rec->type) {
    case NTS_RECORD_END:
        return rec->critical && rec->len == 0;
    case NTS_RECORD_NEXT_PROTOCOL:
        q->ntpv4 = lists(rec, NTS_PROTOCOL_NTPV4);
        return rec->critical && is_list(rec);
    case NTS_RECORD_AEAD:
        q->choice = choose(q, rec);
        return is_list(rec);
    case NTS_RECORD_SERVER: /* a wish; this server has only itself to give */
        return rec->len > 0;
    case NTS_RECORD_PORT:
        return rec->len == 2;
    case NTS_RECORD_COMPLIANT_GCM_SIV:
        return rec->len == 0;
    default: /* errors, warnings and cookies are a server's to send */
        return false;
    }
}

/* Read one record; false: the request is refused with `error`. */
static bool take_request(struct request *q, const struct nts_record *rec,
                         enum nts_ke_error *error)
{
    unsigned bit = nts_record_bit(rec->type);
    bool after_end = (q->seen & nts_record_bit(NTS_RECORD_END)) != 0;

    *error = NTS_KE_BAD_REQUEST;
    if (after_end || (q->seen & bit) != 0)
        return false;
    q->seen |= bit;
    if (bit != 0)
        return take_known(q, rec);
    *error = NTS_KE_UNRECOGNIZED_CRITICAL;
    return !rec->critical;
}

/* Is nothing missing from the request? */
static bool is_complete(const struct request *q)
{
    unsigned needed = nts_record_bit(NTS_RECORD_END) |
                      nts_record_bit(NTS_RECORD_NEXT_PROTOCOL);

    if (q->ntpv4)
        needed |= nts_record_bit(NTS_RECORD_AEAD);
    return (q->seen & needed) == needed;
}

/* What a good request gets. */
static void grant(const struct request *q, struct nts_ke_terms *terms)
{
    bool compliant =
        (q->seen & nts_record_bit(NTS_RECORD_COMPLIANT_GCM_SIV)) != 0;

    terms->ok = true;
    terms->ntpv4 = q->ntpv4;
    terms->has_aead = q->ntpv4 && q->choice < q->count;
    if (!terms->has_aead)
        return;
    terms->aead = q->offered[q->choice];
    terms->compliant_gcm_siv = compliant && terms->aead == AEAD_AES_128_GCM_SIV;
    terms->exporter_aead = nts_ke_exporter_aead(terms->aead, compliant);
}

void nts_ke_judge(const uint8_t *data, size_t len, const enum aead_id *offered,
                  unsigned count, struct nts_ke_terms *terms)
{
    struct reader r = reader_of(data, len);
    struct request q = {.offered = offered, .count = count, .choice = count};
    struct nts_record rec;

    memset(terms, 0, sizeof(*terms));
    while (nts_record_next(&r, &rec)) {
        if (!take_request(&q, &rec, &terms->error))
            return;
    }
    terms->error = NTS_KE_BAD_REQUEST;
    if (r.ok && is_complete(&q))
        grant(&q, terms);
}

size_t nts_ke_error_answer(enum nts_ke_error error,
                           uint8_t out[NTS_KE_REPLY_MAX])
{
    struct nts_record_writer w = nts_record_writer_of(out, NTS_KE_REPLY_MAX);

    nts_record_write_number(&w, true, NTS_RECORD_ERROR, (uint16_t)error);
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    return w.len;
}

/*
 * Where NTP is served.  Critical, so that a client that does not know these
 * records does not go elsewhere with our cookies.
 */
static void write_place(struct nts_record_writer *w,
                        const struct nts_ke_answer *a)
{
    size_t len = a->server ? strlen(a->server) : 0;

    if (len >= NTS_KE_NAME_MAX)
        w->ok = false;
    else if (len > 0)
        nts_record_write(w, &(struct nts_record){true, NTS_RECORD_SERVER,
                                                 (uint16_t)len,
                                                 (const uint8_t *)a->server});
    if (a->port != 0)
        nts_record_write_number(w, true, NTS_RECORD_PORT, a->port);
}

static void write_cookies(struct nts_record_writer *w,
                          const struct nts_ke_answer *a)
{
    if (a->cookies == 0 || a->cookies > NTS_KE_COOKIES ||
        a->cookie_len > UINT16_MAX)
        w->ok = false;
    for (unsigned i = 0; w->ok && i < a->cookies; i++)
        nts_record_write(w,
                         &(struct nts_record){false, NTS_RECORD_COOKIE,
                                              (uint16_t)a->cookie_len,
                                              a->cookie + i * a->cookie_len});
}

/* What NTPv4 needs, as far as there is an AEAD for it. */
static void write_ntpv4(struct nts_record_writer *w,
                        const struct nts_ke_answer *a)
{
    nts_record_write_number(w, true, NTS_RECORD_NEXT_PROTOCOL,
                            NTS_PROTOCOL_NTPV4);
    if (!a->terms.has_aead) {
        nts_record_write_empty(w, true, NTS_RECORD_AEAD);
        return;
    }
    nts_record_write_number(w, true, NTS_RECORD_AEAD, (uint16_t)a->terms.aead);
    if (a->terms.compliant_gcm_siv)
        nts_record_write_empty(w, false, NTS_RECORD_COMPLIANT_GCM_SIV);
    write_place(w, a);
    write_cookies(w, a);
}

size_t nts_ke_answer(const struct nts_ke_answer *a,
                     uint8_t out[NTS_KE_REPLY_MAX])
{
    struct nts_record_writer w = nts_record_writer_of(out, NTS_KE_REPLY_MAX);

    if (!a->terms.ok)
        return nts_ke_error_answer(a->terms.error, out);
    if (a->terms.ntpv4)
        write_ntpv4(&w, a);
    else
        nts_record_write_empty(&w, true, NTS_RECORD_NEXT_PROTOCOL);
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    return w.ok ? w.len : nts_ke_error_answer(NTS_KE_INTERNAL, out);
}
