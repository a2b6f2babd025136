/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS key establishment, the client's side: a request, and what it got.  Level
 * of all: background. */
#ifndef NTS_KE_ASK_H
#define NTS_KE_ASK_H

#include "nts/ke.h"

/* The longest response that is read: as long as RFC 8915, 4 asks for. */
#define NTS_KE_RESPONSE_MAX 65536

/* The longest cookie that is kept. */
#define NTS_KE_COOKIE_MAX 256

/* As many AEADs as a request may list. */
#define NTS_KE_AEADS_MAX 8

/*
 * Write a request for NTPv4 with these AEADs, best first; with record 1024 if
 * AEAD 30 is one of them.
 *
 * Returns its length, or 0 if `room` is too little (32 bytes are enough for
 * two AEADs) or `count` is not 1 to NTS_KE_AEADS_MAX.
 * RFC 8915, 4.1.
 */
size_t nts_ke_request(const enum aead_id *wanted, unsigned count, uint8_t *out,
                      size_t room);

/* Every fate of a response, and how it is told. */
#define NTS_KE_VERDICTS(X)                                                     \
    X(NTS_KE_OK, "agreed")                                                     \
    X(NTS_KE_NOT_WHOLE, "the response ends before its End of Message")         \
    X(NTS_KE_AFTER_END, "something follows the End of Message")                \
    X(NTS_KE_LONG, "the response is longer than we read")                      \
    X(NTS_KE_BAD_RECORD, "a record of the response is malformed")              \
    X(NTS_KE_TWICE, "a record of the response came twice")                     \
    X(NTS_KE_UNKNOWN_CRITICAL, "a critical record that we do not know")        \
    X(NTS_KE_ERROR, "the server answered with an error")                       \
    X(NTS_KE_WARNING, "the server answered with an unknown warning")           \
    X(NTS_KE_NO_PROTOCOL, "the response names no protocol")                    \
    X(NTS_KE_FOREIGN_PROTOCOL, "the server chose a protocol not offered")      \
    X(NTS_KE_NO_NTPV4, "the server has no NTPv4 with NTS")                     \
    X(NTS_KE_NO_AEAD, "the server has none of our AEAD algorithms")            \
    X(NTS_KE_FOREIGN_AEAD, "the server chose an AEAD algorithm not offered")   \
    X(NTS_KE_NO_COOKIE, "the server gave no cookie")                           \
    X(NTS_KE_ODD_COOKIE, "no cookie has a length that fits a request")         \
    X(NTS_KE_BAD_SERVER, "the NTP server's name is not one")                   \
    X(NTS_KE_BAD_PORT, "the NTP server's port is not one")

#define NTS_KE_VERDICT_ENUM(id, text) id,
enum nts_ke_verdict { NTS_KE_VERDICTS(NTS_KE_VERDICT_ENUM) };
#undef NTS_KE_VERDICT_ENUM

struct nts_ke_result {
    uint16_t code; /* of NTS_KE_ERROR or NTS_KE_WARNING */
    enum aead_id aead;
    bool compliant_gcm_siv; /* the server sent record 1024 */
    uint16_t exporter_aead; /* goes into the exporter's context */
    unsigned cookies;
    struct {
        size_t len; /* a multiple of 4 */
        uint8_t bytes[NTS_KE_COOKIE_MAX];
    } cookie[NTS_KE_COOKIES];
    char server[NTS_KE_NAME_MAX]; /* name or address; empty: not told */
    uint16_t port;                /* 0: not told */
};

/*
 * Read a whole response to the request for `wanted`.
 *
 * Takes any bytes at all.  All of `result` counts on NTS_KE_OK only, but for
 * `code`; with any other verdict nothing of the session may be used.  Of more
 * than NTS_KE_COOKIES cookies the first are kept, and cookies that do not fit
 * an extension field of ours are left out.
 * RFC 8915, 4.1.
 */
enum nts_ke_verdict nts_ke_read(const uint8_t *data, size_t len,
                                const enum aead_id *wanted, unsigned count,
                                struct nts_ke_result *result);

/*
 * The same in pieces, as they come, so that a response of 64 KiB needs no
 * buffer: begin; feed until that says other than NTS_KE_MORE, or the server
 * has closed; ask for the verdict.  NTS_KE_WHOLE: nothing more can change it.
 */
struct nts_ke_reading {
    const enum aead_id *wanted; /* lent until the verdict, like `result` */
    unsigned count;
    struct nts_ke_result *result;
    enum nts_ke_verdict verdict; /* of the first record that fails */
    unsigned seen;               /* records that came, a bit for each type */
    bool ntpv4;
    bool has_aead;
    bool odd_cookie;
    size_t total; /* of all bytes */
    size_t have;  /* of the record under way, its header included */
    uint8_t record[NTS_RECORD_HEADER_LEN + NTS_KE_COOKIE_MAX]; /* its start */
};

void nts_ke_read_begin(struct nts_ke_reading *r, const enum aead_id *wanted,
                       unsigned count, struct nts_ke_result *result);
enum nts_ke_progress nts_ke_read_feed(struct nts_ke_reading *r,
                                      const uint8_t *data, size_t len);
enum nts_ke_verdict nts_ke_read_end(struct nts_ke_reading *r);

/* A verdict in words, for the log. */
const char *nts_ke_text(enum nts_ke_verdict verdict);

/* An error code in words, for the log. */
const char *nts_ke_error_text(uint16_t code);

#endif
