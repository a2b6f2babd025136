/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages: a question for addresses, and what was answered. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "ntp/addr.h"

#include <stddef.h>

/* A query, and a reply without EDNS: RFC 1035, 4.2.1. */
#define DNS_MESSAGE_MAX 512

/* Addresses taken from one reply; what a pool can use. */
#define DNS_ADDRS_MAX 16

#define DNS_TYPE_A    1
#define DNS_TYPE_AAAA 28

struct dns_question {
    uint16_t id;
    uint16_t type;
    const char *name; /* with or without a dot at its end */
};

enum dns_result {
    DNS_OK,      /* `addrs` has at least one */
    DNS_IGNORED, /* not a reply to that question */
    DNS_NO_NAME, /* there is no such name */
    DNS_NO_ADDR, /* the name has none of that type */
    DNS_FAILED   /* the server will not say, or says nonsense */
};

struct dns_addrs {
    struct ip_addr6 addr[DNS_ADDRS_MAX];
    unsigned count;
};

/*
 * Write the query.  Returns its length, or 0 for what cannot be a name.
 * RFC 1035, 4.1.  Level: any.
 */
size_t dns_query(const struct dns_question *question,
                 uint8_t out[DNS_MESSAGE_MAX]);

/*
 * Read a reply, any bytes at all.  Aliases are followed as far as the reply
 * has them; further addresses than fit are left out.  `addrs` is written only
 * on DNS_OK.
 * RFC 1035, 4.1; RFC 5452, 9.1.  Level: any.
 */
enum dns_result dns_reply(const struct dns_question *question,
                          const uint8_t *data, size_t len,
                          struct dns_addrs *addrs);

#endif
