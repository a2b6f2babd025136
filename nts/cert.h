/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates: one of our own making, and what is to be said of others. */
#ifndef NTS_CERT_H
#define NTS_CERT_H

#include "ntp/addr.h"

#include <mbedtls/x509_crt.h>

#include <stddef.h>

#define NTS_CERT_MAX     1024 /* ours has some 500 bytes */
#define NTS_CERT_KEY_MAX 256  /* ours has 121 bytes */

/* Addresses in our certificate; more than a machine has at boot. */
#define NTS_CERT_ADDRS_MAX 8

/* How long our certificate is good for, and when its end is near. */
#define NTS_CERT_DAYS      3652
#define NTS_CERT_WARN_DAYS 28

/* A certificate and its private key, both in DER. */
struct nts_cert {
    uint16_t cert_len;
    uint16_t key_len;
    uint8_t cert[NTS_CERT_MAX];
    uint8_t key[NTS_CERT_KEY_MAX];
};

/* Whose certificate it is, and when it counts. */
struct nts_cert_subject {
    const char *name;             /* a host name, or NULL */
    const struct ip_addr6 *addrs; /* the first NTS_CERT_ADDRS_MAX count */
    unsigned count;
    int64_t not_before; /* seconds since 1970 */
    int64_t not_after;
};

/*
 * Make a key for P-256, and a certificate signed with it.
 *
 * It names the host and the addresses as subject alternative names, is for a
 * TLS server alone, and is no authority.  PSA has been set up; its generator
 * makes the key and the serial number.
 *
 * Returns false, and nothing in `c`, if it could not be made: no entropy, no
 * memory.
 * RFC 5280, RFC 5480.  Level: background, or boot.
 */
bool nts_cert_make(const struct nts_cert_subject *subject, struct nts_cert *c);

/* "AB:CD:...", as others print it: 32 bytes, and a NUL. */
#define NTS_CERT_FINGERPRINT_TEXT 96

/* The SHA-256 of a certificate in DER, in text.  Level: background, or boot. */
void nts_cert_fingerprint(const uint8_t *der, size_t len,
                          char out[NTS_CERT_FINGERPRINT_TEXT]);

/* Seconds since 1970 of a certificate's date.  Level: any. */
int64_t nts_cert_seconds(const mbedtls_x509_time *t);

/*
 * Whole days until the first of a chain of certificates ends; below zero once
 * it has.  `now` is in seconds since 1970.
 * Level: any.
 */
int64_t nts_cert_days_left(const mbedtls_x509_crt *chain, int64_t now);

/*
 * What is wrong with a certificate, in words, for the log: the weightiest of
 * `flags` (MBEDTLS_X509_BADCERT_...), which is taken out of them; NULL when
 * there is none left.
 * Level: any.
 */
const char *nts_cert_trouble(uint32_t *flags);

#endif
