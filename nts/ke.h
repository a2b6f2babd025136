/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS key establishment: one request's records into one answer's. */
#ifndef NTS_KE_H
#define NTS_KE_H

#include "nts/aead.h"
#include "nts/record.h"

#define NTS_KE_PORT 4460
#define NTS_KE_ALPN "ntske/1"

/* Protocol ID of NTPv4, RFC 8915, 7.7. */
#define NTS_PROTOCOL_NTPV4 0

/* Of the TLS exporter, RFC 8915, 5.1; the context is 5 octets. */
#define NTS_KE_EXPORTER_LABEL       "EXPORTER-network-time-security"
#define NTS_KE_EXPORTER_CONTEXT_LEN 5

/* The longest request that is read; RFC 8915, 4 demands 1024. */
#define NTS_KE_MESSAGE_MAX 16384

/* The longest of our own responses: 8 cookies, a name, and the rest. */
#define NTS_KE_REPLY_MAX 4096

/* How many cookies are given; RFC 8915, 4.1.6. */
#define NTS_KE_COOKIES 8

/* A server's name, with the NUL that ends it. */
#define NTS_KE_NAME_MAX 254

/* Error codes, RFC 8915, 7.7. */
enum nts_ke_error {
    NTS_KE_UNRECOGNIZED_CRITICAL = 0,
    NTS_KE_BAD_REQUEST = 1,
    NTS_KE_INTERNAL = 2
};

enum nts_ke_progress {
    NTS_KE_MORE,    /* not all has come */
    NTS_KE_WHOLE,   /* the End of Message record is there */
    NTS_KE_TOO_LONG /* it would end past the longest that is read */
};

/*
 * Is a request whole?
 *
 * Takes what came so far; it may be asked again with more.  What comes after
 * the End of Message record is not looked at.
 * RFC 8915, 4.  Level: any.
 */
enum nts_ke_progress nts_ke_scan(const uint8_t *data, size_t len);

/*
 * The context for the keys of NTPv4.
 *
 * `aead` is `exporter_aead` of the terms or of the result, `s2c` says for
 * which direction.
 * RFC 8915, 5.1.  Level: any.
 */
void nts_ke_exporter_context(uint16_t aead, bool s2c,
                             uint8_t context[NTS_KE_EXPORTER_CONTEXT_LEN]);

/*
 * What `aead` is called in that context: AEAD 30 is called 15 unless both
 * sides have sent record 1024.  (chrony before 4.6.1 did so by mistake, and the
 * record says that a side knows better.)
 * Level: any.
 */
uint16_t nts_ke_exporter_aead(enum aead_id aead, bool compliant_gcm_siv);

/* What a request is worth. */
struct nts_ke_terms {
    bool ok;                 /* it is answered, else with `error` */
    enum nts_ke_error error; /* of a request that is not ok */
    bool ntpv4;              /* NTPv4 was offered, and nothing else is spoken */
    bool has_aead;           /* and so was an AEAD that we know: keys and
                                cookies are to be made */
    enum aead_id aead;       /* if has_aead */
    bool compliant_gcm_siv;  /* record 1024 was there, and 30 was chosen */
    uint16_t exporter_aead;  /* if has_aead: goes into the exporter's context;
                                15 for an AEAD 30 without record 1024 */
};

/*
 * Judge a request.
 *
 * Takes any bytes at all: those of a message that never became whole are a
 * bad request.  `offered` are the server's AEADs, best first.
 * RFC 8915, 4.1.  Level: background.
 */
void nts_ke_judge(const uint8_t *data, size_t len, const enum aead_id *offered,
                  unsigned count, struct nts_ke_terms *terms);

struct nts_ke_answer {
    struct nts_ke_terms terms;
    unsigned cookies;      /* up to NTS_KE_COOKIES; those of terms.has_aead */
    size_t cookie_len;     /* of each */
    const uint8_t *cookie; /* one after another */
    const char *server;    /* where NTP is served, NULL or empty: here */
    uint16_t port;         /* likewise, 0: not told */
};

/*
 * Write a response, of an error too; returns its length.
 * RFC 8915, 4.1.  Level: background.
 */
size_t nts_ke_answer(const struct nts_ke_answer *a,
                     uint8_t out[NTS_KE_REPLY_MAX]);

/*
 * Write a response that tells of nothing but an error; returns its length.
 * RFC 8915, 4.1.3.  Level: background.
 */
size_t nts_ke_error_answer(enum nts_ke_error error,
                           uint8_t out[NTS_KE_REPLY_MAX]);

#endif
