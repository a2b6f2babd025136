/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong with a session, in words. */
#include "arch/fmt.h"
#include "net/tls_parts.h"
#include "nts/cert.h"

void tls_fail(struct tls *t, const char *fmt, ...)
{
    va_list args;

    if (t->state == TLS_HANDSHAKE)
        tls_count()->failed++;
    t->state = TLS_FAILED;
    t->ready = false;
    if (t->why[0] != '\0')
        return;
    va_start(args, fmt);
    fmt_line(t->why, sizeof(t->why), fmt, args);
    va_end(args);
}

/* Alerts that are met, RFC 8446, 6. */
static const char *alert_text(unsigned alert)
{
    switch (alert) {
    case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
        return "they find nothing that both can do";
    case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
    case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
    case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
    case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
        return "they do not accept the certificate";
    case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
        return "they say that the certificate has expired";
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
        return "they do not speak TLS 1.3";
    case MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL:
        return "they do not speak NTS-KE (ALPN)";
    case MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME:
        return "they do not know the name";
    default:
        return NULL;
    }
}

static void fail_alert(struct tls *t)
{
    unsigned alert = t->ssl.MBEDTLS_PRIVATE(in_msg)[1];
    const char *text = alert_text(alert);

    if (text != NULL)
        tls_fail(t, "%s", text);
    else
        tls_fail(t, "they sent alert %u", alert);
}

static void fail_cert(struct tls *t)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
    const char *text;

    t->cert_flags = flags;
    text = nts_cert_trouble(&flags);
    tls_fail(t, "%s",
             text != NULL ? text : "their certificate is not accepted");
}

/* Is it of the module that reads certificates?  See mbedtls/error.h. */
static bool is_of_x509(int error)
{
    int high = -error & 0xff80;

    return high >= -MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE &&
           high <= -MBEDTLS_ERR_X509_BUFFER_TOO_SMALL;
}

void tls_fail_error(struct tls *t, int error)
{
    switch (error) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        fail_alert(t);
        return;
    case MBEDTLS_ERR_SSL_CONN_EOF:
        tls_fail(t, "the connection was closed");
        return;
    case TLS_LINK_LOST:
        tls_fail(t, "the connection was reset");
        return;
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        tls_fail(t, "they do not speak TLS 1.3");
        return;
    case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL:
        tls_fail(t, "they do not speak our protocol (ALPN)");
        return;
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
        fail_cert(t);
        return;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
        tls_fail(t, "it takes more memory than a session has");
        return;
    default:
        tls_fail(t,
                 is_of_x509(error)
                     ? "their certificate is not understood, error -0x%04x"
                     : "TLS error -0x%04x",
                 (unsigned)-error);
    }
}

const char *tls_why(const struct tls *t)
{
    return t->why[0] != '\0' ? t->why : "nothing is wrong";
}

uint32_t tls_cert_flags(const struct tls *t)
{
    return t->cert_flags;
}
