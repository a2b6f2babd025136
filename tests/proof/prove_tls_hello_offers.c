/* SPDX-License-Identifier: BSD-2-Clause */
/* A client's hello: only its own record is looked at, and nothing past it. */
/* proves: tls_hello_offers */
/* begin: first */
/* bounds: any bytes, length 0 to 64 */
/* sources: net/tls_hello.c */
/* cbmc: --unwind 34 --no-sat-preprocessor */
/* planted: net/tls_hello.c s/suites.left >= 2/suites.left >= 1/ */
/* planted: net/tls_hello.c s/r.left > record_len/r.left < record_len/ */
/* planted: net/tls_hello.c s/return TLS_HELLO_OFFERED/break/ */
/* planted: ntp/bytes.h s/n > r->left/n > r->left + 1/ */
#include "net/tls_hello.h"
#include "tests/proof/proof.h"

#define SUITE     0x1303
#define BYTES_MAX 64

/* Where its suites begin, and how many bytes they take; false: not all is
 * there, in one record. */
static bool suites_of(const uint8_t *data, size_t len, size_t *at,
                      size_t *count)
{
    size_t end = len < 5 ? 0 : 5 + (size_t)(data[3] << 8 | data[4]);

    if (end > len)
        end = len;
    if (end < 46 || data[0] != 22 || data[5] != 1)
        return false;
    *at = 46 + (size_t)data[43];
    if (*at > end)
        return false;
    *count = (size_t)(data[*at - 2] << 8 | data[*at - 1]);
    return *count <= end - *at;
}

static bool lists(const uint8_t *suites, size_t count)
{
    for (size_t i = 0; i + 2 <= count; i += 2)
        if (suites[i] == SUITE >> 8 && suites[i + 1] == (SUITE & 0xff))
            return true;
    return false;
}

int main(void)
{
    size_t len = nondet_u16();

    ASSUME(len <= BYTES_MAX);
    const uint8_t *data = nondet_bytes(len);
    enum tls_hello hello = tls_hello_offers(data, len, SUITE);
    size_t at, count;

    if (suites_of(data, len, &at, &count)) {
        assert((hello == TLS_HELLO_OFFERED) == lists(data + at, count));
        assert(hello != TLS_HELLO_MORE);
        COVER(hello == TLS_HELLO_OFFERED && data[43] > 0 && count > 2);
        COVER(hello == TLS_HELLO_OTHER && count > 2);
        COVER(hello == TLS_HELLO_OTHER && count == 0);
        return 0;
    }
    assert(hello != TLS_HELLO_OFFERED);
    if (hello == TLS_HELLO_MORE) {
        assert(len == 0 || data[0] == 22);
        assert(len < 5 || len < 5 + (size_t)(data[3] << 8 | data[4]));
        COVER(len == 0);
        COVER(len > 45);
    } else {
        assert(len > 0);
        COVER(data[0] != 22);
        COVER(data[0] == 22 && len > 45);
    }
    return 0;
}
