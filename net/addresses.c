/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: our addresses, where they come from, and who is told. */
#include "net/addresses.h"

#include "arch/irq.h"
#include "arch/log.h"
#include "net/addr_text.h"
#include "net/lwip_port.h"
#include "net/upstream.h"

#include <lwip/dhcp.h>
#include <lwip/dhcp6.h>
#include <lwip/dns.h>

#include <string.h>

struct ip_addr6 net_addr_from_lwip(const ip_addr_t *addr)
{
    struct ip_addr6 out;
    uint8_t v4[4];

    if (IP_IS_V4(addr)) {
        memcpy(v4, &ip_2_ip4(addr)->addr, sizeof(v4));
        return ip_from_v4(v4);
    }
    memcpy(out.byte, ip_2_ip6(addr)->addr, sizeof(out.byte));
    return out;
}

ip_addr_t net_addr_to_lwip(const struct ip_addr6 *addr)
{
    ip_addr_t out;

    memset(&out, 0, sizeof(out));
    if (ip_is_v4(addr)) {
        IP_SET_TYPE_VAL(out, IPADDR_TYPE_V4);
        memcpy(&ip_2_ip4(&out)->addr, addr->byte + 12, 4);
        return out;
    }
    IP_SET_TYPE_VAL(out, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(&out)->addr, addr->byte, sizeof(addr->byte));
    return out;
}

/* Servers from DHCP option 42, and from option 31 of DHCPv6. */

static void take_sources(struct net *net, const struct ip_addr6 *addr,
                         unsigned count)
{
    memcpy(net->dhcp_source, addr, count * sizeof(*addr));
    net->dhcp_sources = count;
    if (net->upstream != NULL)
        upstream_dhcp_sources(net->upstream, addr, count);
}

/* lwIP says so without saying to whom; there is one interface. */
static struct net *the_net(void)
{
    return netif_default->state;
}

void dhcp_set_ntp_servers(u8_t count, const ip4_addr_t *addr)
{
    struct ip_addr6 source[NET_DHCP_SOURCES];
    ip_addr_t from;
    unsigned n = 0;

    for (; n < count && n < NET_DHCP_SOURCES; n++) {
        ip_addr_copy_from_ip4(from, addr[n]);
        source[n] = net_addr_from_lwip(&from);
    }
    if (n > 0)
        take_sources(the_net(), source, n);
}

void dhcp6_set_ntp_servers(u8_t count, const ip_addr_t *addr)
{
    struct ip_addr6 source[NET_DHCP_SOURCES];
    unsigned n = 0;

    for (; n < count && n < NET_DHCP_SOURCES; n++)
        source[n] = net_addr_from_lwip(&addr[n]);
    /* Where both are given, IPv4's are kept. */
    if (n > 0 && the_net()->dhcp_sources == 0)
        take_sources(the_net(), source, n);
}

/* What is configured. */

static uint32_t v4_word(const struct ip_addr6 *addr)
{
    uint32_t word;

    memcpy(&word, addr->byte + 12, sizeof(word));
    return word;
}

static void start_ipv4(struct net *net, const struct net_prefix *prefix)
{
    const struct net_config *config = net->config;
    ip4_addr_t addr = {v4_word(&prefix->addr)};
    ip4_addr_t mask = {0};
    ip4_addr_t gateway = {0};

    if (!ip4_addr_isany_val(*netif_ip4_addr(&net->netif))) {
        log_line("address %s is not used: one IPv4 address is all there can be",
                 addr_text(&prefix->addr).text);
        return;
    }
    if (prefix->bits > 96)
        mask.addr = lwip_htonl(UINT32_MAX << (128 - prefix->bits));
    for (unsigned i = 0; i < config->gateway_count; i++)
        if (ip_is_v4(&config->gateway[i]))
            gateway.addr = v4_word(&config->gateway[i]);
    netif_set_addr(&net->netif, &addr, &mask, &gateway);
}

static void start_ipv6(struct net *net, const struct net_prefix *prefix)
{
    ip_addr_t addr = net_addr_to_lwip(&prefix->addr);

    if (netif_add_ip6_address(&net->netif, ip_2_ip6(&addr), NULL) != ERR_OK)
        log_line("address %s is not used: too many",
                 addr_text(&prefix->addr).text);
    else if (prefix->bits != 64)
        log_line("address %s: the prefix length is taken as 64",
                 addr_text(&prefix->addr).text);
}

void addresses_start(struct net *net)
{
    const struct net_config *config = net->config;

    netif_create_ip6_linklocal_address(&net->netif, 1);
    netif_set_ip6_autoconfig_enabled(&net->netif, 1);
    for (unsigned i = 0; i < config->gateway_count; i++)
        if (!ip_is_v4(&config->gateway[i])) {
            ip_addr_t to = net_addr_to_lwip(&config->gateway[i]);

            net->gateway6 = *ip_2_ip6(&to);
        }

    for (unsigned i = 0; i < config->address_count; i++)
        if (ip_is_v4(&config->address[i].addr))
            start_ipv4(net, &config->address[i]);
        else
            start_ipv6(net, &config->address[i]);

    if (ip4_addr_isany_val(*netif_ip4_addr(&net->netif)) &&
        dhcp_start(&net->netif) != ERR_OK)
        log_line("DHCP could not be started");
    if (dhcp6_enable_stateless(&net->netif) != ERR_OK)
        log_line("DHCPv6 could not be started");
}

bool addresses_nameserver(const struct net *net, unsigned i,
                          struct ip_addr6 *addr)
{
    const ip_addr_t *server;

    if (net->config->nameserver_count > 0) {
        if (i >= net->config->nameserver_count)
            return false;
        *addr = net->config->nameserver[i];
        return true;
    }
    if (i >= DNS_MAX_SERVERS)
        return false;

    server = dns_getserver((u8_t)i);
    if (ip_addr_isany(server))
        return false;
    *addr = net_addr_from_lwip(server);
    return true;
}

/* What we have now. */

static unsigned current(const struct net *net, struct fastpath_addr *out)
{
    const struct netif *netif = &net->netif;
    const ip4_addr_t *mask = netif_ip4_netmask(netif);
    unsigned n = 0;

    if (!ip4_addr_isany_val(*netif_ip4_addr(netif))) {
        out[n].addr = net_addr_from_lwip(netif_ip_addr4(netif));
        out[n++].bits =
            (uint8_t)(96 + __builtin_popcount(ip4_addr_get_u32(mask)));
    }
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES && n < FASTPATH_ADDRS; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i))) {
            out[n].addr = net_addr_from_lwip(netif_ip_addr6(netif, i));
            out[n++].bits = 64;
        }
    return n;
}

static bool has(const struct fastpath_addr *list, unsigned count,
                const struct fastpath_addr *what)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i].bits == what->bits && ip_equal(&list[i].addr, &what->addr))
            return true;
    return false;
}

static void tell_new(const struct net *net, const struct fastpath_addr *addr)
{
    struct ip_addr6 gateway;

    if (!ip_is_v4(&addr->addr)) {
        log_line("address %s/%u", addr_text(&addr->addr).text, addr->bits);
        return;
    }
    gateway = net_addr_from_lwip(netif_ip_gw4(&net->netif));
    log_line("address %s/%u%s%s%s", addr_text(&addr->addr).text,
             addr->bits - 96u,
             dhcp_supplied_address(&net->netif) ? " by DHCP" : "",
             v4_word(&gateway) != 0 ? ", gateway " : "",
             v4_word(&gateway) != 0 ? addr_text(&gateway).text : "");
}

static void tell_upstream(const struct net *net)
{
    struct ip_addr6 plain[FASTPATH_ADDRS];

    if (net->upstream == NULL)
        return;
    for (unsigned i = 0; i < net->addrs; i++)
        plain[i] = net->addr[i].addr;
    upstream_addresses(net->upstream, plain, net->addrs);
}

void net_tell(struct net *net, struct upstream *upstream)
{
    net->upstream = upstream;
    tell_upstream(net);
    if (net->dhcp_sources > 0)
        upstream_dhcp_sources(upstream, net->dhcp_source, net->dhcp_sources);
}

/* Addresses that duplicate address detection has found at others. */
static void tell_duplicates(struct net *net)
{
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        uint32_t bit = 1u << i;
        struct ip_addr6 addr;

        if (!ip6_addr_isduplicated(netif_ip6_addr_state(&net->netif, i))) {
            net->duplicates &= ~bit;
        } else if (!(net->duplicates & bit)) {
            net->duplicates |= bit;
            addr = net_addr_from_lwip(netif_ip_addr6(&net->netif, i));
            log_line("address %s is not used: another host has it",
                     addr_text(&addr).text);
        }
    }
}

void addresses_poll(struct net *net)
{
    struct fastpath_addr now[FASTPATH_ADDRS];
    unsigned count = current(net, now);
    bool changed = count != net->addrs;
    uint64_t flags;

    tell_duplicates(net);
    for (unsigned i = 0; i < count; i++)
        if (!has(net->addr, net->addrs, &now[i])) {
            tell_new(net, &now[i]);
            changed = true;
        }
    for (unsigned i = 0; i < net->addrs; i++)
        if (!has(now, count, &net->addr[i])) {
            log_line("address %s is gone", addr_text(&net->addr[i].addr).text);
            changed = true;
        }
    if (!changed)
        return;

    memcpy(net->addr, now, count * sizeof(now[0]));
    net->addrs = count;
    flags = irq_save();
    fastpath_addrs(&net->fast, now, count);
    irq_restore(flags);
    tell_upstream(net);
}
