/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP connections that were abandoned, and are not to be spoken of. */
#ifndef NET_GONE_H
#define NET_GONE_H

#include "net/sieve.h"

/*
 * The machine may be a copy, and the original still has the connection: a reset
 * from the copy would end it.  As many as lwIP has connections at one time, and
 * some of a pause before; the oldest goes when it is full.
 */
#define GONE_MAX 768

struct gone_connection {
    struct ip_addr6 peer;
    uint16_t own_port;
    uint16_t peer_port;
};

/* Zero is none. */
struct gone {
    struct gone_connection connection[GONE_MAX];
    unsigned next;
};

/* Level: background. */
void gone_add(struct gone *g, const struct gone_connection *connection);

/*
 * May that frame of ours leave?  Not if it is a reset of one of them.  Where
 * one begins anew, by a SYN, it is forgotten.
 * Level: background.
 */
bool gone_passes(struct gone *g, const uint8_t *data, size_t len);

#endif
