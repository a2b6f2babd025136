/* SPDX-License-Identifier: BSD-2-Clause */
/* How lwIP is built: one thread, fixed pools, IPv4 and IPv6. */
#ifndef NET_LWIPOPTS_H
#define NET_LWIPOPTS_H

#define LWIP_HOOK_FILENAME "net/lwip_hooks.h"

/* All of lwIP runs on the background loop; nothing of it is locked. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_TIMERS          1
#define LWIP_TIMERS_CUSTOM   1 /* net/lwip_timers.h */

/*
 * Memory: a heap and pools of lwIP's own, sized here and never grown.  When one
 * is used up, the frame or request at hand is dropped, and its sender asks
 * again.
 */
#define MEM_LIBC_MALLOC 0
#define MEMP_MEM_MALLOC 0
#define MEM_ALIGNMENT   16
/*
 * Frames to be sent and DHCP's state; and what TLS sessions have on its way
 * (net/tls.h), all of them at once, so that they never take what the rest
 * needs.
 */
#define MEM_SIZE (64 * 1024 + 128 * (TCP_SND_BUF + 1024))

/* 32 sources being asked, 32 names resolved for both families, DHCP, DHCPv6,
 * DNS, NTP, and some spare. */
#define MEMP_NUM_UDP_PCB 104
/*
 * TLS sessions, who waits for one (net/ke_queue.h), TCP handshakes that are not
 * done (net/ke_listener.c) and a ring of frames that begin one; the rest are
 * connections that were closed, of which the oldest goes when all are used.
 */
#define MEMP_NUM_TCP_PCB   (128 + 64 + 256 + 256 + 32)
#define MEMP_NUM_TCP_SEG   (128 * 6 + 128)
#define MEMP_NUM_PBUF      32
#define PBUF_POOL_SIZE     (64 + 64) /* a hello of each who waits */
#define PBUF_POOL_BUFSIZE  1600      /* a whole frame in one */
#define MEMP_NUM_REASSDATA 4 /* datagrams in fragments; the oldest goes */
#define IP_REASS_MAX_PBUFS 8

/* Ethernet: what came with a VLAN tag is answered with it. */
#define ETHARP_SUPPORT_VLAN                          1
#define LWIP_HOOK_VLAN_SET(netif, p, src, dst, type) net_vlan_tag(netif)

/*
 * Neighbours: 32 sources on the link, routers and name servers.  Entries are
 * made only for those we asked for (net/neighbour.h), so that nobody else can
 * fill the tables.  A minute, since a router that moved is not believed before
 * it is asked again.
 */
#define ARP_TABLE_SIZE            48
#define ARP_MAXAGE                60
#define ARP_QUEUEING              0
#define LWIP_ND6_NUM_NEIGHBORS    48
#define LWIP_ND6_NUM_DESTINATIONS 48
#define LWIP_ND6_NUM_PREFIXES     5
#define LWIP_ND6_NUM_ROUTERS      3

/* IPv4 */
#define LWIP_IPV4                 1
#define LWIP_ARP                  1
#define LWIP_ICMP                 1
#define LWIP_BROADCAST_PING       0
#define LWIP_MULTICAST_PING       0
#define LWIP_DHCP                 1
#define LWIP_DHCP_GET_NTP_SRV     1
#define LWIP_DHCP_MAX_NTP_SERVERS 4
/* Leases are looked at every second, so that short ones work. */
#define DHCP_COARSE_TIMER_SECS 1
/* What we ask takes 92 bytes with a hostname of 63 letters; lwIP provides for
 * 68, and fails an assertion when they are not enough. */
#define DHCP_OPTIONS_LEN         128
#define DHCP_TIMEOUT_SIZE_T      uint32_t
#define LWIP_ACD                 0 /* it would hold an address back for 2 s */
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_AUTOIP              0
#define LWIP_IGMP                0
#define IP_FORWARD               0
#define IP_REASSEMBLY            1
#define IP_FRAG                  1

/* IPv6: SLAAC for addresses, stateless DHCPv6 for the rest. */
#define LWIP_IPV6                       1
#define LWIP_IPV6_NUM_ADDRESSES         9 /* link-local and eight more */
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS   1
#define LWIP_IPV6_MLD                   1
#define MEMP_NUM_MLD6_GROUP             12
#define LWIP_ICMP6                      1
#define LWIP_IPV6_AUTOCONFIG            1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT   1
#define LWIP_IPV6_DHCP6                 1
#define LWIP_IPV6_DHCP6_STATELESS       1
#define LWIP_DHCP6_GET_NTP_SRV          1
#define LWIP_DHCP6_MAX_NTP_SERVERS      4
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS  2
#define LWIP_IPV6_REASS                 1
#define LWIP_IPV6_FRAG                  1
#define IPV6_FRAG_COPYHEADER            1 /* pointers take 8 bytes */
#define LWIP_HOOK_ND6_GET_GW(netif, to) net_gateway6(netif)

/*
 * UDP and TCP.  Of lwIP's DNS only the list of name servers is used, which DHCP
 * and routers fill; net/dns.h asks them.
 */
#define LWIP_UDP        1
#define LWIP_DNS        1
#define DNS_MAX_SERVERS 4
#define DNS_TABLE_SIZE  1
#define LWIP_TCP        1
#define TCP_MSS         1220
#define TCP_WND         (4 * TCP_MSS)
#define TCP_SND_BUF     (3 * TCP_MSS)
#define TCP_MSL         15000 /* sequence numbers do not repeat sooner */
/* Segments that overtake others are not kept: anybody could fill the pool. */
#define TCP_QUEUE_OOSEQ    0
#define TCP_LISTEN_BACKLOG 0 /* net/ke_listener.c has its own */
#define LWIP_RAW           0
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port)        \
    net_tcp_isn(local_ip, local_port, remote_ip, remote_port)

/* The network interface */
#define LWIP_SINGLE_NETIF   1
#define LWIP_NETIF_HOSTNAME 1

/* High-water marks of the pools are reported. */
#define LWIP_STATS         1
#define LWIP_STATS_DISPLAY 0
#define LWIP_STATS_LARGE   1
#define MEM_STATS          1
#define MEMP_STATS         1

#endif
