/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS-KE records: read one, write one. */
#ifndef NTS_RECORD_H
#define NTS_RECORD_H

#include "ntp/bytes.h"

/* Critical bit and type, body length; RFC 8915, 4, figure 2. */
#define NTS_RECORD_HEADER_LEN 4

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

#endif
