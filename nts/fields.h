/* SPDX-License-Identifier: BSD-2-Clause */
/* The extension fields of NTS: what a packet has of them, and how to write. */
#ifndef NTS_FIELDS_H
#define NTS_FIELDS_H

#include "ntp/packet.h"

/* Beside NTP_UNIQUE_IDENTIFIER, which is also used without NTS. */
#define NTS_COOKIE        0x0204 /* RFC 8915, 5.4 */
#define NTS_PLACEHOLDER   0x0304 /* 5.5 */
#define NTS_AUTHENTICATOR 0x0404 /* 5.6 */

/* Type and length. */
#define NTS_FIELD_HEADER 4

enum nts_fields_verdict {
    NTS_FIELDS_NONE = 0,  /* no authenticator: not protected */
    NTS_FIELDS_PROTECTED, /* there is one; whether it is right is another thing
                           */
    NTS_FIELDS_MALFORMED  /* the extension fields, or the authenticator */
};

/*
 * What a packet has of NTS, lent from the packet.  Of a protected packet only
 * what comes before its (first) authenticator, for nothing else is
 * authenticated.
 */
struct nts_fields {
    const uint8_t *unique_identifier; /* of the first, or NULL */
    size_t unique_identifier_len;     /* of any length */
    unsigned unique_identifiers;      /* how many there are */
    const uint8_t *cookie;            /* of the first, or NULL */
    size_t cookie_len;
    unsigned cookies;
    unsigned placeholders; /* as long as that cookie */

    /* The authenticator; only if NTS_FIELDS_PROTECTED. */
    size_t ad_len; /* bytes of the packet before it: the associated data */
    const uint8_t *nonce;
    size_t nonce_len;
    const uint8_t *sealed;
    size_t sealed_len;
    size_t room_len; /* of nonce, padding and additional padding: what a
                        nonce in the reply may take */
};

/*
 * Read the extension fields of a whole NTPv4 packet: any bytes at all.
 *
 * `f` is written but for NTS_FIELDS_MALFORMED.  With NTS_FIELDS_NONE it still
 * has the unique identifier, which a kiss or a plain reply may have.
 * RFC 8915, 5.2, 5.6.  Level: any.
 */
enum nts_fields_verdict nts_fields_read(struct nts_fields *f,
                                        const uint8_t *data, size_t len);

/*
 * The next field of a decrypted plaintext, its body lent from there.  They may
 * be as short as their header.
 * Returns false at the end, and also, with the reader failed, when a length is
 * under 4, no multiple of 4, or more than what is left.
 * RFC 8915, 5.6.  Level: any.
 */
bool nts_inner_next(struct reader *r, struct ntp_field *f);

/*
 * Write a field at `at`: header, body, zeros to a multiple of 4.  `body` may be
 * NULL for a body of zeros, and may overlap.
 * Returns the bytes written: NTS_FIELD_HEADER and `len` rounded up.
 * Level: any.
 */
size_t nts_field_put(uint8_t *at, uint16_t type, const uint8_t *body,
                     size_t len);

/* Bytes of an authenticator field with that nonce and AEAD output.  Level:
 * any. */
size_t nts_authenticator_len(size_t nonce_len, size_t sealed_len);

/*
 * Write an authenticator field at `at`, all but nonce and AEAD output, which go
 * to `nonce` and `sealed`.  A nonce of the algorithm's longest needs no
 * additional padding.
 * Returns nts_authenticator_len().
 * RFC 8915, 5.6, figure 4.  Level: any.
 */
size_t nts_authenticator_put(uint8_t *at, size_t nonce_len, size_t sealed_len,
                             uint8_t **nonce, uint8_t **sealed);

#endif
