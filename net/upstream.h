/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: asks the servers we follow. */
#ifndef NET_UPSTREAM_H
#define NET_UPSTREAM_H

#include "net/addr_text.h"
#include "net/ke_client.h"
#include "net/resolve.h"
#include "ntp/client.h"

/* `server`, `pool` and `peer` lines, and those that DHCP adds. */
#define UPSTREAM_NAMES_MAX 32

/* Addresses kept of one name; a pool uses up to 16 of them. */
#define UPSTREAM_ADDRS_MAX 16

/* Our own addresses, to recognise a source that is ourselves. */
#define UPSTREAM_OWN_MAX 16

enum upstream_family { UPSTREAM_ANY, UPSTREAM_IPV4, UPSTREAM_IPV6 };

/* One line of the configuration. */
struct upstream_source {
    const char *name; /* a host name or an address; lent for good */
    uint16_t port;
    enum upstream_family family;
    uint8_t max_sources; /* of a pool, 1 to 16; 0: not a pool */
    bool nts;            /* the name is that of an NTS-KE server */
    uint16_t nts_port;
    uint32_t certset; /* whom it trusts */
    struct source_config ntp;
};

struct net;
struct udp_pcb;

/* A name, its addresses, and how far its resolution has come. */
struct upstream_name {
    struct upstream_source source;
    bool used;
    bool literal;          /* an address: nothing to resolve */
    bool dhcp;             /* told by DHCP */
    bool told;             /* that it cannot be resolved */
    struct addr_text text; /* what `source.name` points to, if of DHCP */
    struct ip_addr6 addr[UPSTREAM_ADDRS_MAX];
    unsigned addrs;
    struct resolve resolve;
    uint64_t next_ticks;    /* when to resolve it again; 0: not at all */
    uint64_t replace_ticks; /* when a source may be replaced again */
    unsigned attempts;      /* that failed, one after another */
};

/* A source of the client's; the same number there. */
struct upstream_slot {
    struct upstream *upstream;
    bool used;
    bool has_addr;
    bool unwanted;     /* its address does not serve us; look for another */
    bool silent;       /* and that is only for not answering */
    uint8_t name;      /* index */
    const char *clock; /* it is this reference clock, and not `used` */
    struct ip_addr6 addr;
    struct ke_client *ke; /* NULL: no NTS; else `addr` is that of NTS-KE */
    bool doubted;         /* it was told that answers are not proven */
    bool has_ntp;
    struct ip_addr6 ntp_addr; /* what is asked for time */
    uint16_t ntp_port;
    struct udp_pcb *pcb; /* while a request is under way */
    uint64_t close_ticks;
    uint8_t transmit_ts[8]; /* of that request, as sent */
};

struct upstream {
    struct client *client;
    struct net *net;
    struct ke_clients *ke;
    uint64_t ticks_per_s;
    bool use_dhcp;
    uint64_t (*stolen_ns)(void *arg, int more);
    void *stolen_arg;
    struct upstream_name name[UPSTREAM_NAMES_MAX];
    struct upstream_slot slot[CLIENT_SOURCES_MAX];
    struct ip_addr6 own[UPSTREAM_OWN_MAX];
    unsigned owns;
    struct ip_addr6 name_server; /* the first, as last seen */
    bool changed;                /* our addresses, or the sources */
    bool link_came_up;           /* ask all of them anew */
    uint64_t unsent;             /* requests that could not be sent */
};

/* What upstream_start() needs. */
struct upstream_setup {
    struct client *client; /* initialised, without sources */
    struct net *net;       /* attached */
    const struct upstream_source *source;
    unsigned source_count;
    bool use_dhcp; /* also follow the servers that DHCP names */
    uint64_t ticks_per_s;
    struct ke_clients *ke; /* of sources with `nts`; lent for good */
    /* For how long the processor has been others', when `more` answers more are
     * awaited from now on: 1, -1 or 0.  NULL: nobody knows. */
    uint64_t (*stolen_ns)(void *arg, int more);
    void *stolen_arg;
};

/*
 * Add all sources to the client, and begin to resolve and ask them.
 * Level: boot.
 */
void upstream_start(struct upstream *u, const struct upstream_setup *setup,
                    uint64_t now_ticks);

/* What the log is to call a slot of the client that is a reference clock; the
 * name is lent for good.  Level: boot. */
void upstream_name_clock(struct upstream *u, int slot, const char *name);

/*
 * Everything that is due: requests, timeouts, resolution; logs the client's
 * events.  Call it after each net_poll().
 * Level: background.
 */
void upstream_poll(struct upstream *u, uint64_t now_ticks);

/* The machine was copied or taken back: what was agreed on with servers is
 * dropped, and questions under way are forgotten.  Level: background. */
void upstream_renew(struct upstream *u, uint64_t now_ticks);

/* The counter value at which upstream_poll() has work to do.  Level:
 * background. */
uint64_t upstream_next(const struct upstream *u);

/* For net/: something that the sources depend on has changed.  Level:
 * background. */
void upstream_link_up(struct upstream *u);
void upstream_addresses(struct upstream *u, const struct ip_addr6 *addr,
                        unsigned count);
void upstream_dhcp_sources(struct upstream *u, const struct ip_addr6 *addr,
                           unsigned count);

/* A datagram with that transmit timestamp was handed to the card.  Level:
 * background. */
void upstream_sent(struct upstream *u, const uint8_t transmit_ts[8],
                   uint64_t tx_ticks);

#endif
