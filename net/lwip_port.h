/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's view of us: the card, the addresses, the background's network. */
#ifndef NET_LWIP_PORT_H
#define NET_LWIP_PORT_H

#include "net/fastpath.h"

#include <lwip/netif.h>

#define NET_ADDRS_MAX       8 /* configured */
#define NET_NAMESERVERS_MAX 4
#define NET_DHCP_SOURCES    4 /* of option 42 */

struct net_prefix {
    struct ip_addr6 addr;
    uint8_t bits; /* as in struct access_rule */
};

/* The network part of the configuration.  No IPv4 address: DHCPv4. */
struct net_config {
    struct net_prefix address[NET_ADDRS_MAX];
    unsigned address_count;
    struct ip_addr6 gateway[2]; /* one a family */
    unsigned gateway_count;
    struct ip_addr6 nameserver[NET_NAMESERVERS_MAX];
    unsigned nameserver_count;
    const char *hostname; /* lent for good; NULL: none */
    bool private_only;    /* the configuration was refused */
};

/* What net_attach() needs; what it points to is lent for good. */
struct net_setup {
    const struct net_config *config;
    struct fastpath_config fastpath; /* but its machine; copied */
    struct netdev *dev;  /* zeroed; net_attach() attaches the card */
    struct limit *limit; /* of the first queue */
};

struct upstream;

/* Verdicts of NTP requests that went by way of lwIP. */
struct net_count {
    uint64_t verdict[NTP_VERDICT_COUNT];
    uint64_t refused_in; /* frames of public networks, see private_only */
    uint64_t refused_out;
};

struct net {
    const struct net_config *config;
    struct netdev *dev;
    struct fastpath_config fast_config;
    struct fastpath fast;
    struct ring ring;
    struct netif netif;
    struct upstream *upstream; /* told of link, addresses, departures */
    struct net_count count;

    uint64_t ticks_per_ms;
    uint64_t now_ticks; /* of this net_poll() */
    uint64_t rx_ticks;  /* of the frame being processed */
    bool link_up;       /* as lwIP was told */
    bool addrs_changed;

    struct ip_addr6 dhcp_source[NET_DHCP_SOURCES];
    unsigned dhcp_sources;
};

/*
 * Attach the card, start lwIP on it, and ask for addresses where none are
 * configured.  Interrupts may come from then on.
 * Returns false without a card; then dev->failed says why.
 * Level: boot.
 */
bool net_attach(struct net *net, const struct net_setup *setup);

/*
 * Everything that is due: frames from the ring, link changes, lwIP's timers.
 * Level: background.
 */
void net_poll(struct net *net, uint64_t now_ticks);

/* Milliseconds until net_poll() has work to do again without a frame. */
uint32_t net_next_timeout_ms(struct net *net);

/* Is there a frame on the ring?  Ask with interrupts off before halting. */
static inline bool net_pending(const struct net *net)
{
    return ring_peek(&net->ring) != NULL || net->dev->link_up != net->link_up;
}

#endif
