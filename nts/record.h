/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS-KE records: read one, write one. */
#ifndef NTS_RECORD_H
#define NTS_RECORD_H

#include "ntp/bytes.h"

/* Critical bit and type, body length; RFC 8915, 4, figure 2. */
#define NTS_RECORD_HEADER_LEN 4

/* Of the first 16 bits; the other one is the critical bit. */
#define NTS_RECORD_TYPE_MASK 0x7fff

/* Record types, RFC 8915, 7.6, and one that chrony registered. */
enum nts_record_type {
    NTS_RECORD_END = 0,
    NTS_RECORD_NEXT_PROTOCOL = 1,
    NTS_RECORD_ERROR = 2,
    NTS_RECORD_WARNING = 3,
    NTS_RECORD_AEAD = 4,
    NTS_RECORD_COOKIE = 5,
    NTS_RECORD_SERVER = 6,
    NTS_RECORD_PORT = 7,
    NTS_RECORD_COMPLIANT_GCM_SIV = 1024
};

/*
 * A bit for each type that we know, 0 for all others: to tell which records
 * came, and which came twice.
 */
static inline unsigned nts_record_bit(uint16_t type)
{
    if (type <= NTS_RECORD_PORT)
        return 1u << type;
    return type == NTS_RECORD_COMPLIANT_GCM_SIV ? 1u << 8 : 0;
}

/* One record, its body lent from the message. */
struct nts_record {
    bool critical;
    uint16_t type; /* 15 bits */
    uint16_t len;  /* of the body */
    const uint8_t *body;
};

/*
 * The next record.
 *
 * Returns false at the end, and also, with the reader failed, when what is
 * left is shorter than the record says.  `rec` is written only on true.
 * RFC 8915, 4.  Level: any.
 */
bool nts_record_next(struct reader *r, struct nts_record *rec);

/* Writes records one after another, and remembers whether they all fitted. */
struct nts_record_writer {
    uint8_t *to;
    size_t room;
    size_t len; /* written so far */
    bool ok;
};

static inline struct nts_record_writer nts_record_writer_of(void *to,
                                                            size_t room)
{
    return (struct nts_record_writer){.to = to, .room = room, .ok = true};
}

/*
 * Write one more record.
 *
 * One that does not fit is left out whole, and the writer fails: it writes
 * nothing more.
 * RFC 8915, 4.  Level: any.
 */
void nts_record_write(struct nts_record_writer *w,
                      const struct nts_record *rec);

/* Likewise: a record without a body, or with one number for a body.  Level:
 * any. */
void nts_record_write_empty(struct nts_record_writer *w, bool critical,
                            uint16_t type);
void nts_record_write_number(struct nts_record_writer *w, bool critical,
                             uint16_t type, uint16_t number);

#endif
