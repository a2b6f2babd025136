/* SPDX-License-Identifier: BSD-2-Clause */
/* A name into addresses, by the name servers we know.  Level of all:
 * background. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/dns.h"

struct net;
struct udp_pcb;

enum resolve_state {
    RESOLVE_IDLE,
    RESOLVE_ASKING,
    RESOLVE_DONE,
    RESOLVE_NO_NAME,   /* there is no such name */
    RESOLVE_NO_ADDR,   /* no address of the wanted kind */
    RESOLVE_NO_SERVER, /* no name server is known */
    RESOLVE_NO_REPLY   /* none of them answered */
};

/* One question under way. */
struct resolve_query {
    struct resolve *owner;
    struct dns_question question;
    struct udp_pcb *pcb; /* NULL: not, or no longer, asked */
    enum dns_result result;
    struct dns_addrs addrs;
};

/* A name being resolved. */
struct resolve {
    enum resolve_state state;
    struct net *net;
    struct resolve_query query[2]; /* A and AAAA */
    uint64_t next_ticks;           /* when to ask the next server */
    uint64_t ticks_per_s;
    unsigned attempt;
};

/*
 * Begin to ask for the IPv4 and IPv6 addresses of `name`, which is lent until
 * resolve_poll() is done, or resolve_stop().
 * RFC 5452: random identifiers and source ports.
 */
void resolve_start(struct resolve *r, struct net *net, const char *name,
                   bool ipv4, bool ipv6, uint64_t now_ticks);

/* What is due.  Returns RESOLVE_ASKING as long as it goes on. */
enum resolve_state resolve_poll(struct resolve *r, uint64_t now_ticks);

/* Forget the questions; no answer to them counts any more. */
void resolve_stop(struct resolve *r);

/* Is it an address, which needs no resolving? */
bool resolve_literal(const char *text, struct ip_addr6 *addr);

/* Why there are no addresses, in words. */
const char *resolve_text(enum resolve_state state);

/*
 * A socket on a random port of that peer's family, connected to it; NULL when
 * there is no room.  RFC 6056, 3.3.1; RFC 9109.
 */
struct udp_pcb *resolve_socket(const struct ip_addr6 *peer, uint16_t port);

#endif
