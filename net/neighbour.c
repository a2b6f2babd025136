/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP and neighbour discovery: who asks for whom, answered without learning. */
#include "net/neighbour.h"

#include "net/frame.h"

/* ARP, RFC 826: offsets after the Ethernet header. */
#define ARP_LEN         28
#define ARP_OPERATION   6
#define ARP_SENDER_MAC  8
#define ARP_SENDER      14
#define ARP_TARGET_MAC  18
#define ARP_TARGET      24
#define ARP_REQUEST     1
#define ARP_REPLY       2
#define IPV6_LEN        40
#define IPV6_SOURCE     8
#define IPV6_TARGET     24
#define PROTOCOL_ICMPV6 58

/* Neighbour discovery, RFC 4861, 4: offsets in the ICMPv6 message. */
#define ND_ROUTER               134
#define ND_SOLICITATION         135
#define ND_ADVERTISEMENT        136
#define ND_REDIRECT             137
#define ND_FLAGS                4
#define ND_TARGET               8
#define ND_LEN                  24 /* without options */
#define ND_ROUTER_LEN           16
#define ND_SOLICITED_OVERRIDE   0x60
#define ND_OPTION_SOURCE        1
#define ND_OPTION_TARGET        2
#define ND_OPTION_PREFIX        3
#define ND_PREFIX_LEN           32
#define ND_PREFIX               16 /* in its option */
#define ND_ADVERTISEMENT_LENGTH (ND_LEN + 8)
#define ND_HOP_LIMIT            255

static enum neighbour_kind parse_arp(struct neighbour *n, struct reader *r)
{
    /* Ethernet, IPv4, and the lengths of their addresses. */
    static const uint8_t shape[6] = {0, 1, 0x08, 0x00, 6, 4};
    const uint8_t *arp = read_bytes(r, ARP_LEN);

    if (arp == NULL || memcmp(arp, shape, sizeof(shape)) != 0 ||
        arp[ARP_SENDER_MAC] & 1)
        return NEIGHBOUR_BAD;

    n->ipv6 = false;
    switch (get_u16(arp + ARP_OPERATION)) {
    case ARP_REQUEST:
        n->source = ip_from_v4(arp + ARP_SENDER);
        n->target = ip_from_v4(arp + ARP_TARGET);
        return NEIGHBOUR_REQUEST;
    case ARP_REPLY:
        n->source = n->target = ip_from_v4(arp + ARP_SENDER);
        return NEIGHBOUR_REPLY;
    default:
        return NEIGHBOUR_BAD;
    }
}

/* Pseudo-header and message; RFC 4443, 2.3. */
static uint16_t checksum(const uint8_t *ip, const uint8_t *icmp, size_t len)
{
    uint32_t sum = PROTOCOL_ICMPV6 + (uint32_t)len;

    for (size_t i = 0; i < 32; i += 2)
        sum += get_u16(ip + IPV6_SOURCE + i);
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += get_u16(icmp + i);
    if (len % 2 != 0)
        sum += (uint32_t)icmp[len - 1] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* What the options of a message are, once all of them are known to be whole. */
struct nd_options {
    bool source;       /* there is the sender's link-layer address */
    bool group_prefix; /* there is a prefix of multicast addresses */
};

/* RFC 4861, 4.6 and 6.1.2: an option of no length voids the message. */
static bool read_options(struct nd_options *o, struct reader *r)
{
    *o = (struct nd_options){0};
    while (r->left > 0) {
        const uint8_t *option = r->at;
        size_t len = r->left < 2 ? 0 : 8u * option[1];

        if (len == 0 || read_bytes(r, len) == NULL)
            return false;
        if (option[0] == ND_OPTION_SOURCE)
            o->source = true;
        if (option[0] == ND_OPTION_PREFIX &&
            (len != ND_PREFIX_LEN || option[ND_PREFIX] == 0xff))
            o->group_prefix = true;
    }
    return true;
}

/* RFC 4861, 6.1.2; what it announces is SLAAC's business. */
static enum neighbour_kind parse_router(const uint8_t *ip,
                                        const struct nd_options *options)
{
    const uint8_t *source = ip + IPV6_SOURCE;
    bool link_local = source[0] == 0xfe && (source[1] & 0xc0) == 0x80;

    return link_local && !options->group_prefix ? NEIGHBOUR_ROUTER
                                                : NEIGHBOUR_BAD;
}

/* The group in which the host with that address is asked for. */
static struct ip_addr6 solicited_node(const struct ip_addr6 *target)
{
    struct ip_addr6 group = {
        {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff}};

    memcpy(group.byte + 13, target->byte + 13, 3);
    return group;
}

/* RFC 4861, 7.1.1. */
static enum neighbour_kind parse_solicitation(const struct neighbour *n,
                                              const uint8_t *ip,
                                              const struct nd_options *options)
{
    static const struct ip_addr6 unspecified;
    struct ip_addr6 group = solicited_node(&n->target);
    bool to_group = memcmp(ip + IPV6_TARGET, group.byte, 16) == 0;

    if (ip_equal(&n->source, &unspecified))
        return to_group && !options->source ? NEIGHBOUR_PROBE : NEIGHBOUR_BAD;
    return to_group || memcmp(ip + IPV6_TARGET, n->target.byte, 16) == 0
               ? NEIGHBOUR_REQUEST
               : NEIGHBOUR_BAD;
}

static enum neighbour_kind parse_ipv6(struct neighbour *n, struct reader *r)
{
    const uint8_t *ip = read_bytes(r, IPV6_LEN);
    struct nd_options options;

    if (ip == NULL || ip[6] != PROTOCOL_ICMPV6 || r->left == 0 ||
        r->at[0] < ND_ROUTER || r->at[0] > ND_REDIRECT)
        return NEIGHBOUR_NONE;

    size_t len = get_u16(ip + 4);
    size_t fixed = r->at[0] == ND_ROUTER ? ND_ROUTER_LEN : ND_LEN;
    const uint8_t *icmp = len < fixed ? NULL : read_bytes(r, len);

    if (icmp == NULL || ip[7] != ND_HOP_LIMIT || icmp[1] != 0 ||
        checksum(ip, icmp, len) != 0)
        return NEIGHBOUR_BAD;

    struct reader rest = reader_of(icmp + fixed, len - fixed);

    if (!read_options(&options, &rest))
        return NEIGHBOUR_BAD;
    if (icmp[0] == ND_ROUTER)
        return parse_router(ip, &options);
    if (icmp[ND_TARGET] == 0xff)
        return NEIGHBOUR_BAD;

    n->ipv6 = true;
    memcpy(n->source.byte, ip + IPV6_SOURCE, 16);
    memcpy(n->target.byte, icmp + ND_TARGET, 16);
    switch (icmp[0]) {
    case ND_SOLICITATION:
        return parse_solicitation(n, ip, &options);
    case ND_ADVERTISEMENT:
        return NEIGHBOUR_REPLY;
    default:
        return NEIGHBOUR_BAD; /* a redirect, which nobody asked for */
    }
}

enum neighbour_kind neighbour_parse(struct neighbour *n, const uint8_t *data,
                                    size_t len)
{
    struct reader r = reader_of(data, len);
    uint16_t type = frame_read_type(&r);

    if (!r.ok)
        return NEIGHBOUR_NONE;

    n->offset = (uint16_t)(len - r.left);
    if (type == FRAME_TYPE_ARP)
        return parse_arp(n, &r);
    if (type == FRAME_TYPE_IPV6)
        return parse_ipv6(n, &r);
    return NEIGHBOUR_NONE;
}

static size_t answer_arp(uint8_t *arp, const uint8_t mac[6])
{
    uint8_t target[4];

    memcpy(target, arp + ARP_TARGET, 4);
    put_u16(arp + ARP_OPERATION, ARP_REPLY);
    /* Sender's MAC and address become the target's. */
    memcpy(arp + ARP_TARGET_MAC, arp + ARP_SENDER_MAC, FRAME_MAC_LEN + 4);
    memcpy(arp + ARP_SENDER_MAC, mac, FRAME_MAC_LEN);
    memcpy(arp + ARP_SENDER, target, 4);
    return ARP_LEN;
}

static size_t answer_ipv6(const struct neighbour *n, uint8_t *ip,
                          const uint8_t mac[6])
{
    uint8_t *icmp = ip + IPV6_LEN;
    uint8_t *option = icmp + ND_LEN;

    memset(icmp, 0, ND_TARGET);
    icmp[0] = ND_ADVERTISEMENT;
    icmp[ND_FLAGS] = ND_SOLICITED_OVERRIDE;
    option[0] = ND_OPTION_TARGET;
    option[1] = 1;
    memcpy(option + 2, mac, FRAME_MAC_LEN);

    put_u16(ip + 4, ND_ADVERTISEMENT_LENGTH);
    memcpy(ip + IPV6_TARGET, n->source.byte, 16);
    memcpy(ip + IPV6_SOURCE, n->target.byte, 16);
    put_u16(icmp + 2, checksum(ip, icmp, ND_ADVERTISEMENT_LENGTH));
    return IPV6_LEN + ND_ADVERTISEMENT_LENGTH;
}

size_t neighbour_answer(const struct neighbour *n, uint8_t *data,
                        const uint8_t mac[6])
{
    uint8_t *body = data + n->offset;

    /* To the frame's sender, whatever address it claims to have. */
    memcpy(data, data + FRAME_MAC_LEN, FRAME_MAC_LEN);
    memcpy(data + FRAME_MAC_LEN, mac, FRAME_MAC_LEN);
    return n->offset +
           (n->ipv6 ? answer_ipv6(n, body, mac) : answer_arp(body, mac));
}
