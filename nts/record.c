/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS-KE records: read one, write one. */
#include "nts/record.h"

#include <string.h>

#define CRITICAL_BIT 0x8000

bool nts_record_next(struct reader *r, struct nts_record *rec)
{
    if (r->left == 0)
        return false;

    uint16_t type = read_u16(r);
    uint16_t len = read_u16(r);
    const uint8_t *body = read_bytes(r, len);

    if (!body)
        return false;
    rec->critical = (type & CRITICAL_BIT) != 0;
    rec->type = type & NTS_RECORD_TYPE_MASK;
    rec->len = len;
    rec->body = body;
    return true;
}

void nts_record_write(struct nts_record_writer *w, const struct nts_record *rec)
{
    size_t left = w->room - w->len;
    uint8_t *at = w->to + w->len;

    if (!w->ok || left < NTS_RECORD_HEADER_LEN ||
        left - NTS_RECORD_HEADER_LEN < rec->len) {
        w->ok = false;
        return;
    }
    put_u16(at, (uint16_t)(rec->type | (rec->critical ? CRITICAL_BIT : 0)));
    put_u16(at + 2, rec->len);
    if (rec->len > 0)
        memcpy(at + NTS_RECORD_HEADER_LEN, rec->body, rec->len);
    w->len += NTS_RECORD_HEADER_LEN + (size_t)rec->len;
}

void nts_record_write_empty(struct nts_record_writer *w, bool critical,
                            uint16_t type)
{
    nts_record_write(w,
                     &(struct nts_record){.critical = critical, .type = type});
}

void nts_record_write_number(struct nts_record_writer *w, bool critical,
                             uint16_t type, uint16_t number)
{
    uint8_t body[2];

    put_u16(body, number);
    nts_record_write(w, &(struct nts_record){critical, type, 2, body});
}
