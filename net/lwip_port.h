/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's view of us: the card, the addresses, the background's network. */
#ifndef NET_LWIP_PORT_H
#define NET_LWIP_PORT_H

#include "arch/apic.h"
#include "arch/simd.h"
#include "net/fastpath.h"
#include "net/gone.h"

#include <lwip/netif.h>

#define NET_ADDRS_MAX       8 /* configured */
#define NET_NAMESERVERS_MAX 4
#define NET_DHCP_SOURCES    4 /* of option 42 */

/* Neighbours asked for at the same time; the oldest question goes first. */
#define NET_ASKED_MAX 16

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

struct pci;

/* What net_attach() needs; what it points to is lent for good. */
struct net_setup {
    const struct net_config *config;
    struct fastpath_config fastpath; /* but its machine; copied */
    struct netdev *dev;              /* zeroed; net_attach() attaches it */
    struct pci *pci;                 /* to find it on */
    struct limit *limit;             /* of the first queue */
    const struct nts_server *nts;    /* the background's; NULL: not served */
};

struct upstream;

/*
 * Somebody who is connected to us: what he gets goes back the way that he came.
 * Were he looked up, anybody could fill the tables of neighbours.
 */
struct net_peer {
    struct net_peer *next;
    struct ip_addr6 addr;
    uint8_t mac[6]; /* his, or the router's */
    int32_t vlan_tag;
    bool known;
};

struct net_count {
    /* Verdicts of NTP requests that went by way of lwIP. */
    uint64_t verdict[NTP_VERDICT_COUNT];
    uint64_t unasked;   /* of neighbours: not asked for, or malformed */
    uint64_t unfit;     /* kept from lwIP, see net/sieve.h */
    uint64_t untold;    /* errors, over their rate */
    uint64_t stray;     /* TCP to nobody that is connected */
    uint64_t refused;   /* of or to public networks, see private_only */
    uint64_t no_buffer; /* frames that lwIP's pool had no buffer for */
    uint64_t tx_full;   /* frames that the card had no buffer for */
};

struct net_asked {
    struct ip_addr6 addr;
    uint64_t until_ticks;
};

struct net {
    const struct net_config *config;
    struct netdev *dev;
    struct fastpath_config fast_config;
    const struct nts_server *nts; /* the background's */
    struct fastpath fast;
    struct ring ring;
    struct timer wake; /* of the fast path */
    struct simd_area simd;
    struct netif netif;
    struct upstream *upstream; /* told of link, addresses, departures */
    struct net_count count;

    uint64_t ticks_per_ms;
    uint64_t now_ticks; /* of this net_poll() */
    bool attached;      /* there is a card, and lwIP runs */
    bool link_up;       /* as lwIP was told */

    /* Of the frame being processed. */
    uint64_t rx_ticks;
    int32_t vlan_tag;       /* or -1 */
    const uint8_t *sender;  /* its MAC, or NULL between frames */
    struct ip_addr6 source; /* of the IP packet in it, or zero */
    bool discovery;         /* it is sound neighbour discovery that is wanted */

    /* Addresses; net/addresses.c. */
    struct fastpath_addr addr[FASTPATH_ADDRS]; /* as announced */
    unsigned addrs;
    uint32_t duplicates; /* a bit for each IPv6 address that others have */
    ip6_addr_t gateway6; /* configured, or zero */
    struct ip_addr6 dhcp_source[NET_DHCP_SOURCES];
    unsigned dhcp_sources;

    /* Neighbours. */
    struct net_peer *peers;
    struct net_asked asked[NET_ASKED_MAX];
    unsigned asked_next;
    uint64_t conflict_ticks; /* when one was last told */

    uint64_t errors_ticks; /* when as many errors as ever may be told */

    uint32_t fragment_id; /* of the datagram being sent in fragments */
    uint8_t secret[32];   /* of TCP's sequence numbers */
    struct gone gone;
    uint8_t out[NETDEV_FRAME_MAX];
};

/*
 * Attach the card, start lwIP on it, and ask for addresses where none are
 * configured.  Interrupts may come from then on.
 * Returns false without a card; then dev->failed says why.
 * Level: boot.
 */
bool net_attach(struct net *net, const struct net_setup *setup);

/*
 * Tell `upstream` from now on of addresses, links and departures; of our
 * addresses and DHCP's servers at once.
 * Level: background.
 */
void net_tell(struct net *net, struct upstream *upstream);

/*
 * Everything that is due: frames from the ring, link changes, lwIP's timers.
 * Level: background.
 */
void net_poll(struct net *net, uint64_t now_ticks);

/* Milliseconds until net_poll() has work to do again without a frame.  Level:
 * background. */
uint32_t net_next_timeout_ms(struct net *net);

/* Has there been a disruption that is not taken care of, so that nothing may
 * leave?  It is looked for.  Level: background. */
bool net_is_stale(struct net *net);

/*
 * From now on nothing is said any more of the TCP connections that there are,
 * whoever ends them.  Before net_renew().  Level: background.
 */
void net_silence(struct net *net);

/* Forget all TCP connections without another byte, and their secret.  Level:
 * background. */
void net_renew(struct net *net);

/*
 * Has the card something for net_poll()?  Ask with interrupts off before
 * halting.
 */
static inline bool net_pending(const struct net *net)
{
    return ring_peek(&net->ring) != NULL || net->dev->link_up != net->link_up;
}

/*
 * The frame at hand is from this peer: remember the way back to him.  Without a
 * frame, outside of lwIP's callbacks, what is remembered of his address holds
 * for `peer` too, which is zeroed the first time, and lent until
 * net_peer_forget().
 * Level: background.
 */
void net_peer_note(struct net_peer *peer, const struct ip_addr6 *addr);
void net_peer_forget(struct net_peer *peer);

/* lwIP's addresses and ours.  Level: any. */
struct ip_addr6 net_addr_from_lwip(const ip_addr_t *addr);
ip_addr_t net_addr_to_lwip(const struct ip_addr6 *addr);

#endif
