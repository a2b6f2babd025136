/* SPDX-License-Identifier: BSD-2-Clause */
/* An Internet address as people write it. */
#include "net/addr_text.h"

#include "ntp/bytes.h"

#define GROUPS 8

static char *put_number(char *out, unsigned value, unsigned base)
{
    if (value >= base)
        out = put_number(out, value / base, base);
    *out = "0123456789abcdef"[value % base];
    return out + 1;
}

static void put_ipv4(char *out, const uint8_t v4[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *out++ = '.';
        out = put_number(out, v4[i], 10);
    }
    *out = '\0';
}

/* How many groups from `first` on are zero. */
static unsigned zeros(const uint8_t v6[16], unsigned first)
{
    unsigned n = 0;

    while (first + n < GROUPS && get_u16(v6 + (first + n) * 2) == 0)
        n++;
    return n;
}

static void put_ipv6(char *out, const uint8_t v6[16])
{
    unsigned longest = 1; /* a single zero group is not shortened */
    unsigned start = GROUPS;

    for (unsigned i = 0; i < GROUPS; i++)
        if (zeros(v6, i) > longest) {
            longest = zeros(v6, i);
            start = i;
        }

    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == start) {
            *out++ = ':';
            i += longest - 1;
            if (i == GROUPS - 1)
                *out++ = ':';
            continue;
        }
        if (i > 0)
            *out++ = ':';
        out = put_number(out, get_u16(v6 + (size_t)i * 2), 16);
    }
    *out = '\0';
}

struct addr_text addr_text(const struct ip_addr6 *addr)
{
    struct addr_text out;

    if (ip_is_v4(addr))
        put_ipv4(out.text, addr->byte + 12);
    else
        put_ipv6(out.text, addr->byte);
    return out;
}
