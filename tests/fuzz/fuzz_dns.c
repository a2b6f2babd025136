/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a DNS reply: it is read within bounds, and says what it says. */
#include "net/dns.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct dns_question questions[] = {
        {0x1234, DNS_TYPE_A, "ntp.example"},
        {0x1234, DNS_TYPE_AAAA, "ntp.example."}};
    uint8_t *exact = malloc(len + 1); /* so that a read past it is seen */

    memcpy(exact, data, len);
    for (int i = 0; i < 2; i++) {
        struct dns_addrs addrs = {.count = 99};

        if (dns_reply(&questions[i], exact, len, &addrs) != DNS_OK) {
            HOLDS(addrs.count == 99);
            continue;
        }
        HOLDS(addrs.count >= 1 && addrs.count <= DNS_ADDRS_MAX);
        for (unsigned k = 0; k < addrs.count; k++)
            HOLDS(ip_is_v4(&addrs.addr[k]) == (i == 0));
    }
    free(exact);
    return 0;
}
