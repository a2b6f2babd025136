/* SPDX-License-Identifier: BSD-2-Clause */
/* A look into a client's hello, before mbedTLS reads it. */
#ifndef NET_TLS_HELLO_H
#define NET_TLS_HELLO_H

#include <stddef.h>
#include <stdint.h>

enum tls_hello {
    TLS_HELLO_MORE,    /* not all that is needed has come */
    TLS_HELLO_OFFERED, /* the cipher suite is offered */
    TLS_HELLO_OTHER    /* it is not, or this is no hello that we can read */
};

/*
 * Does the hello offer the cipher suite?
 *
 * Takes the first bytes of a connection, any at all.  Only what lies in its
 * first record is looked at.
 * RFC 8446, 4.1.2.  Level: any.
 */
enum tls_hello tls_hello_offers(const uint8_t *data, size_t len,
                                uint16_t suite);

#endif
