/* SPDX-License-Identifier: BSD-2-Clause */
/* What mbedTLS does not look at in a certificate. */
#include "net/tls_verify.h"

#include "nts/cert.h"

#include <string.h>

uint32_t tls_verify_dates(const mbedtls_x509_crt *crt, int64_t earliest,
                          int64_t latest)
{
    uint32_t flags = 0;

    if (nts_cert_seconds(&crt->valid_to) < earliest)
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (nts_cert_seconds(&crt->valid_from) > latest)
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
    return flags;
}

bool tls_verify_has_names(const mbedtls_x509_crt *crt)
{
    return crt->subject_alt_names.buf.p != NULL;
}

static int kind_of(const mbedtls_x509_sequence *san)
{
    return san->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

static bool equals_addr(const mbedtls_x509_buf *san,
                        const struct ip_addr6 *addr)
{
    if (ip_is_v4(addr))
        return san->len == 4 && memcmp(san->p, addr->byte + 12, 4) == 0;
    return san->len == 16 && memcmp(san->p, addr->byte, 16) == 0;
}

bool tls_verify_addr(const mbedtls_x509_crt *crt, const struct ip_addr6 *addr)
{
    const mbedtls_x509_sequence *san = &crt->subject_alt_names;

    for (; san != NULL && san->buf.p != NULL; san = san->next)
        if (kind_of(san) == MBEDTLS_X509_SAN_IP_ADDRESS &&
            equals_addr(&san->buf, addr))
            return true;
    return false;
}

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool equals_name(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

static bool matches_name(const mbedtls_x509_buf *san, const uint8_t *name,
                         size_t len)
{
    const uint8_t *dot;

    if (san->len == len && equals_name(san->p, name, len))
        return true;
    if (san->len < 3 || san->p[0] != '*' || san->p[1] != '.')
        return false;

    /* One whole label stands for the star. */
    dot = memchr(name, '.', len);
    return dot != NULL && dot != name &&
           san->len - 1 == len - (size_t)(dot - name) &&
           equals_name(san->p + 1, dot, san->len - 1);
}

bool tls_verify_name(const mbedtls_x509_crt *crt, const char *name, size_t len)
{
    const mbedtls_x509_sequence *san = &crt->subject_alt_names;

    for (; san != NULL && san->buf.p != NULL; san = san->next)
        if (kind_of(san) == MBEDTLS_X509_SAN_DNS_NAME &&
            matches_name(&san->buf, (const uint8_t *)name, len))
            return true;
    return false;
}
