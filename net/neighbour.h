/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP and neighbour discovery: who asks for whom, answered without learning. */
#ifndef NET_NEIGHBOUR_H
#define NET_NEIGHBOUR_H

#include "ntp/addr.h"

#include <stddef.h>

enum neighbour_kind {
    NEIGHBOUR_NONE,    /* something else */
    NEIGHBOUR_BAD,     /* not to be believed: malformed, or a redirect */
    NEIGHBOUR_REQUEST, /* `source` asks who has `target` */
    NEIGHBOUR_ROUTER,  /* a router tells of itself: SLAAC's business */
    NEIGHBOUR_PROBE,   /* somebody asks whether `target` is free (IPv6) */
    NEIGHBOUR_REPLY    /* somebody says that he has `target` */
};

struct neighbour {
    struct ip_addr6 source; /* all zero in an ARP probe, RFC 5227 */
    struct ip_addr6 target;
    uint16_t offset; /* of ARP or IPv6 in the frame, after a tag */
    bool ipv6;
};

/*
 * Read a frame, with or without a VLAN tag.  `n` is written for requests,
 * probes and replies.  Neighbour discovery behind extension headers or in
 * fragments is not recognised (RFC 6980).
 * RFC 826; RFC 4861, 6.1.2 and 7.1.  Level: any.
 */
enum neighbour_kind neighbour_parse(struct neighbour *n, const uint8_t *data,
                                    size_t len);

/* Longest answer to a request. */
#define NEIGHBOUR_ANSWER_MAX (18 + 40 + 32)

/*
 * Turn a request, whose buffer has room for NEIGHBOUR_ANSWER_MAX bytes, into
 * the answer: `mac` has the target.  Returns its length.
 * RFC 826; RFC 4861, 7.2.4.  Level: any.
 */
size_t neighbour_answer(const struct neighbour *n, uint8_t *data,
                        const uint8_t mac[6]);

#endif
