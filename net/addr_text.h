/* SPDX-License-Identifier: BSD-2-Clause */
/* An Internet address as people write it. */
#ifndef NET_ADDR_TEXT_H
#define NET_ADDR_TEXT_H

#include "ntp/addr.h"

/* Longest address with its terminator. */
#define ADDR_TEXT_MAX 40

struct addr_text {
    char text[ADDR_TEXT_MAX];
};

/* RFC 5952, 4; dotted decimal for IPv4.  Level: any. */
struct addr_text addr_text(const struct ip_addr6 *addr);

#endif
