/* SPDX-License-Identifier: BSD-2-Clause */
/* How lwIP is built: one thread, fixed pools, IPv4 and IPv6. */
#ifndef NET_LWIPOPTS_H
#define NET_LWIPOPTS_H

/* All of lwIP runs on the background loop; nothing of it is locked. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_TIMERS          1

/* Memory: a heap and pools of lwIP's own, sized here and never grown. */
#define MEM_LIBC_MALLOC    0
#define MEMP_MEM_MALLOC    0
#define MEM_ALIGNMENT      16
#define MEM_SIZE           (64 * 1024)
#define MEMP_NUM_UDP_PCB   32
#define MEMP_NUM_TCP_PCB   32
#define MEMP_NUM_TCP_SEG   64
#define MEMP_NUM_PBUF      32
#define PBUF_POOL_SIZE     64
#define PBUF_POOL_BUFSIZE  1600
#define MEMP_NUM_REASSDATA 4
#define IP_REASS_MAX_PBUFS 8

/* IPv4 */
#define LWIP_IPV4                 1
#define LWIP_ARP                  1
#define LWIP_ICMP                 1
#define LWIP_DHCP                 1
#define LWIP_DHCP_GET_NTP_SRV     1
#define LWIP_DHCP_MAX_NTP_SERVERS 4
#define LWIP_ACD                  0
#define LWIP_DHCP_DOES_ACD_CHECK  0
#define LWIP_AUTOIP               0
#define LWIP_IGMP                 0
#define IP_REASSEMBLY             1
#define IP_FRAG                   1

/* IPv6: SLAAC for addresses, stateless DHCPv6 for the rest. */
#define LWIP_IPV6                      1
#define LWIP_IPV6_MLD                  1
#define MEMP_NUM_MLD6_GROUP            8
#define LWIP_ICMP6                     1
#define LWIP_IPV6_AUTOCONFIG           1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT  1
#define LWIP_IPV6_DHCP6                1
#define LWIP_IPV6_DHCP6_STATELESS      1
#define LWIP_DHCP6_GET_NTP_SRV         1
#define LWIP_DHCP6_MAX_NTP_SERVERS     4
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 2
#define LWIP_IPV6_REASS                1
#define LWIP_IPV6_FRAG                 1

/* UDP, DNS and TCP */
#define LWIP_UDP           1
#define LWIP_DNS           1
#define DNS_MAX_SERVERS    3
#define DNS_TABLE_SIZE     16
#define LWIP_TCP           1
#define TCP_MSS            1220
#define TCP_WND            (4 * TCP_MSS)
#define TCP_SND_BUF        (4 * TCP_MSS)
#define TCP_LISTEN_BACKLOG 1
#define LWIP_RAW           0

/* The network interface */
#define LWIP_SINGLE_NETIF              1
#define LWIP_NETIF_HOSTNAME            1
#define LWIP_NETIF_STATUS_CALLBACK     1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define LWIP_NETIF_LINK_CALLBACK       1

/* High-water marks of the pools are reported. */
#define LWIP_STATS         1
#define LWIP_STATS_DISPLAY 0
#define MEM_STATS          1
#define MEMP_STATS         1
#define LINK_STATS         0

#endif
