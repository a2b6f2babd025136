/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS key establishment: one request's records into one answer's, and back. */
#ifndef NTS_KE_H
#define NTS_KE_H

#include "nts/aead.h"
#include "nts/record.h"

#define NTS_KE_PORT 4460
#define NTS_KE_ALPN "ntske/1"

/* Of the TLS exporter, RFC 8915, 5.1; the context is 5 octets. */
#define NTS_KE_EXPORTER_LABEL       "EXPORTER-network-time-security"
#define NTS_KE_EXPORTER_CONTEXT_LEN 5

/*
 * The longest request that is read, and the longest response: far more than
 * any client or server has to say, and what a session has room for.
 */
#define NTS_KE_MESSAGE_MAX 16384

/* The longest of our own responses: 8 cookies, a name, and the rest. */
#define NTS_KE_REPLY_MAX 4096

/* How many cookies are given; RFC 8915, 4.1.6. */
#define NTS_KE_COOKIES 8

/* The longest cookie that a client of ours keeps; others are left alone. */
#define NTS_KE_COOKIE_MAX 256

/* A name of a server, its end included. */
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
    NTS_KE_TOO_LONG /* it would end past NTS_KE_MESSAGE_MAX */
};

/*
 * Is a message whole?
 *
 * Takes what came so far, on either side; it may be asked again with more.
 * What comes after the End of Message record is not looked at.
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

/* The server's side. */

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
    size_t cookie_len;     /* of each, up to NTS_KE_COOKIE_MAX */
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

/* The client's side. */

/*
 * Write a request for NTPv4 with these AEADs, best first.
 *
 * Returns its length, or 0 if `room` is too little; 32 bytes are enough for
 * two AEADs.
 * RFC 8915, 4.1.  Level: background.
 */
size_t nts_ke_request(const enum aead_id *wanted, unsigned count, uint8_t *out,
                      size_t room);

/* Every fate of a response, and how it is told. */
#define NTS_KE_VERDICTS(X)                                                     \
    X(NTS_KE_OK, "agreed")                                                     \
    X(NTS_KE_NOT_WHOLE, "the response ends before its End of Message")         \
    X(NTS_KE_BAD_END, "something follows the End of Message")                  \
    X(NTS_KE_BAD_RECORD, "a record of the response is malformed")              \
    X(NTS_KE_TWICE, "a record that must be single came twice")                 \
    X(NTS_KE_UNKNOWN_CRITICAL, "the response has a critical record that we "   \
                               "do not know")                                  \
    X(NTS_KE_ERROR, "the server answered with an error")                       \
    X(NTS_KE_WARNING, "the server answered with a warning that we do not "     \
                      "know")                                                  \
    X(NTS_KE_NO_PROTOCOL, "the response names no protocol")                    \
    X(NTS_KE_NO_NTPV4, "the server does not offer NTPv4 by NTS")               \
    X(NTS_KE_NO_AEAD, "the server has none of our AEAD algorithms")            \
    X(NTS_KE_FOREIGN_AEAD, "the server chose an AEAD that it was not offered") \
    X(NTS_KE_NO_COOKIE, "the server gave no cookie")                           \
    X(NTS_KE_LONG_COOKIE, "the server's cookies are longer than we can keep")  \
    X(NTS_KE_BAD_SERVER, "the name of the NTP server is not one")              \
    X(NTS_KE_BAD_PORT, "the port of the NTP server is not one")

#define NTS_KE_VERDICT_ENUM(id, text) id,
enum nts_ke_verdict { NTS_KE_VERDICTS(NTS_KE_VERDICT_ENUM) };
#undef NTS_KE_VERDICT_ENUM

struct nts_ke_result {
    uint16_t code; /* of NTS_KE_ERROR or NTS_KE_WARNING */
    enum aead_id aead;
    bool compliant_gcm_siv; /* the server sent record 1024 as well */
    uint16_t exporter_aead; /* goes into the exporter's context */
    unsigned cookies;
    struct {
        size_t len;
        uint8_t bytes[NTS_KE_COOKIE_MAX];
    } cookie[NTS_KE_COOKIES];
    char server[NTS_KE_NAME_MAX]; /* name or address; empty: not told */
    uint16_t port;                /* 0: not told */
};

/*
 * Read a response to the request for `wanted`.
 *
 * Takes any bytes at all.  All of `result` counts only on NTS_KE_OK, `code`
 * also where it is said; with any other verdict nothing of the session may be
 * used.  Of more than NTS_KE_COOKIES cookies the first are kept.
 *
 * RFC 8915, 4.1.  Level: background.
 */
enum nts_ke_verdict nts_ke_read(const uint8_t *data, size_t len,
                                const enum aead_id *wanted, unsigned count,
                                struct nts_ke_result *result);

/* A verdict in words, for the log. */
const char *nts_ke_text(enum nts_ke_verdict verdict);

/* An error code in words, for the log. */
const char *nts_ke_error_text(uint16_t code);

#endif
