/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP asks of net/lwip_port.c while it runs (see there). */
#ifndef NET_LWIP_HOOKS_H
#define NET_LWIP_HOOKS_H

#include <lwip/ip_addr.h>

struct netif;

/* The tag of the frame being answered, or -1. */
int32_t net_vlan_tag(struct netif *netif);

/* The configured IPv6 router, or NULL: then lwIP chooses one it has heard. */
const ip6_addr_t *net_gateway6(struct netif *netif);

/* Initial sequence number: RFC 6528, 3. */
uint32_t net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port,
                     const ip_addr_t *remote_ip, uint16_t remote_port);

#endif
