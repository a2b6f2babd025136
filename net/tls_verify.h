/* SPDX-License-Identifier: BSD-2-Clause */
/* What mbedTLS does not look at in a certificate. */
#ifndef NET_TLS_VERIFY_H
#define NET_TLS_VERIFY_H

#include "ntp/addr.h"

#include <mbedtls/x509_crt.h>

/*
 * It is now between `earliest` and `latest`, seconds since 1970: is that
 * within the certificate's validity?
 * Returns 0, MBEDTLS_X509_BADCERT_EXPIRED or MBEDTLS_X509_BADCERT_FUTURE.
 * Level: any.
 */
uint32_t tls_verify_dates(const mbedtls_x509_crt *crt, int64_t earliest,
                          int64_t latest);

/*
 * Does it have names (SAN) at all?  In those that have none, mbedTLS takes the
 * subject's common name for one, which was written for people: RFC 6125, 1.5
 * and 2.3.  Level: any.
 */
bool tls_verify_has_names(const mbedtls_x509_crt *crt);

/* Is that address among the certificate's names (SAN)?  Level: any. */
bool tls_verify_addr(const mbedtls_x509_crt *crt, const struct ip_addr6 *addr);

/*
 * Is that name, of `len` bytes, among the certificate's names (SAN), of which
 * the first label may be a `*`?  RFC 6125, 6.4.3.  Level: any.
 */
bool tls_verify_name(const mbedtls_x509_crt *crt, const char *name, size_t len);

#endif
