/* SPDX-License-Identifier: BSD-2-Clause */
/* An Internet address, as access rules, limits and sources know it. */
#ifndef NTP_ADDR_H
#define NTP_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* IPv6, or IPv4 mapped into it (::ffff:a.b.c.d, RFC 4291, 2.5.5.2). */
struct ip_addr6 {
    uint8_t byte[16];
};

static inline struct ip_addr6 ip_from_v4(const uint8_t v4[4])
{
    struct ip_addr6 a = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    memcpy(a.byte + 12, v4, 4);
    return a;
}

static inline bool ip_is_v4(const struct ip_addr6 *a)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    return memcmp(a->byte, prefix, sizeof(prefix)) == 0;
}

static inline bool ip_equal(const struct ip_addr6 *a, const struct ip_addr6 *b)
{
    return memcmp(a->byte, b->byte, sizeof(a->byte)) == 0;
}

#endif
