/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: our addresses, where they come from, and who is told. */
#ifndef NET_ADDRESSES_H
#define NET_ADDRESSES_H

#include "ntp/addr.h"

struct net;

/*
 * Take the configured addresses, and begin to ask for the others: DHCPv4
 * without an IPv4 address, SLAAC and stateless DHCPv6 always.
 * Level: boot, after netif_add().
 */
void addresses_start(struct net *net);

/* Tell the log, the fast path and upstream what has changed, if anything.
 * Level: background. */
void addresses_poll(struct net *net);

/* Name server number `i`, from 0: of the configuration, or of DHCP and routers.
 * False: there are not so many.  Level: background. */
bool addresses_nameserver(const struct net *net, unsigned i,
                          struct ip_addr6 *addr);

#endif
