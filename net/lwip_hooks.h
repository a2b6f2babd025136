/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP asks of net/lwip_port.c while it runs (see there).  Level of all:
 * background. */
#ifndef NET_LWIP_HOOKS_H
#define NET_LWIP_HOOKS_H

#include <lwip/ip_addr.h>

struct netif;
struct pbuf;

/* The tag of the frame being answered, or -1. */
int32_t net_vlan_tag(struct netif *netif);

/* The configured IPv6 router, or NULL: then lwIP chooses one it has heard. */
const ip6_addr_t *net_gateway6(struct netif *netif);

/* Initial sequence number: RFC 6528, 3. */
uint32_t net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port,
                     const ip_addr_t *remote_ip, uint16_t remote_port);

/*
 * Neighbour discovery on its way into lwIP: the linker puts this before
 * nd6_input().  What comes here is known to lwIP alone, after fragments were
 * put together and headers walked.
 */
void __wrap_nd6_input(struct pbuf *p, struct netif *netif);
void __real_nd6_input(struct pbuf *p, struct netif *netif);

#endif
