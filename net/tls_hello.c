/* SPDX-License-Identifier: BSD-2-Clause */
/* A look into a client's hello, before mbedTLS reads it. */
#include "net/tls_hello.h"

#include "ntp/bytes.h"

#define RECORD_HANDSHAKE 22
#define CLIENT_HELLO     1
#define RECORD_HEADER    5
#define RANDOM_LEN       32

enum tls_hello tls_hello_offers(const uint8_t *data, size_t len, uint16_t suite)
{
    struct reader r = reader_of(data, len);
    struct reader suites;

    if (len > 0 && data[0] != RECORD_HANDSHAKE)
        return TLS_HELLO_OTHER;
    (void)read_bytes(&r, 3);

    size_t record_len = read_u16(&r);

    /* Record, message, version, random, session, suites. */
    if (r.ok && r.left > record_len)
        r.left = record_len;
    if (read_u8(&r) != CLIENT_HELLO && r.ok)
        return TLS_HELLO_OTHER;
    (void)read_bytes(&r, 3 + 2 + RANDOM_LEN);
    (void)read_bytes(&r, read_u8(&r));

    size_t suites_len = read_u16(&r);
    const uint8_t *at = read_bytes(&r, suites_len);

    if (at == NULL)
        return len < RECORD_HEADER + record_len || len < RECORD_HEADER
                   ? TLS_HELLO_MORE
                   : TLS_HELLO_OTHER;
    for (suites = reader_of(at, suites_len); suites.left >= 2;)
        if (read_u16(&suites) == suite)
            return TLS_HELLO_OFFERED;
    return TLS_HELLO_OTHER;
}
