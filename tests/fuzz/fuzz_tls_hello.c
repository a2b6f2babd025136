/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the beginning of a TLS connection: read within bounds, and what
 * was found stays found when more comes. */
#include "net/tls_hello.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SUITE 0x1303

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum tls_hello last = TLS_HELLO_MORE;

    for (size_t n = 0; n <= len; n++) {
        uint8_t *exact = malloc(n + 1); /* so that a read past it is seen */
        enum tls_hello now;

        memcpy(exact, data, n);
        now = tls_hello_offers(exact, n, SUITE);
        free(exact);
        if (last != TLS_HELLO_MORE && now != last)
            abort();
        last = now;
    }
    return 0;
}
