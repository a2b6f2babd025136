/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP must not hear, and what it says too often. */
#include "net/sieve.h"

#include "net/frame.h"
#include "ntp/bytes.h"

#define MAC_GROUP 0x01 /* in the first byte */

#define PROTOCOL_ICMP   1
#define PROTOCOL_TCP    6
#define PROTOCOL_UDP    17
#define PROTOCOL_ICMPV6 58
#define FRAGMENT_OFFSET 0x1fff
#define DHCP_CLIENT     68
#define ND_SOLICITATION 135
#define ICMPV6_ERRORS   128 /* are the types below */

/* IPv4 options, RFC 791, 3.1. */
#define OPTION_END          0
#define OPTION_NOTHING      1
#define OPTION_LOOSE_ROUTE  131
#define OPTION_STRICT_ROUTE 137

/* The IP packet in a frame. */
struct ip_packet {
    struct reader upper; /* what follows the header without its options */
    const uint8_t *header;
    struct ip_addr6 source;
    struct ip_addr6 destination;
    uint8_t protocol; /* of IPv6: the next header */
    bool ipv6;
};

static bool read_ip(struct ip_packet *p, const uint8_t *data, size_t len)
{
    struct reader r = reader_of(data, len);
    uint16_t type = frame_read_type(&r);

    if (type == FRAME_TYPE_IPV4) {
        p->header = read_bytes(&r, FRAME_IPV4_LEN);
        if (p->header == NULL)
            return false;
        p->ipv6 = false;
        p->protocol = p->header[9];
        p->source = ip_from_v4(p->header + 12);
        p->destination = ip_from_v4(p->header + 16);
    } else if (type == FRAME_TYPE_IPV6) {
        p->header = read_bytes(&r, FRAME_IPV6_LEN);
        if (p->header == NULL)
            return false;
        p->ipv6 = true;
        p->protocol = p->header[6];
        memcpy(p->source.byte, p->header + 8, 16);
        memcpy(p->destination.byte, p->header + 24, 16);
    } else {
        return false;
    }
    p->upper = r;
    return true;
}

static bool is_group(const struct ip_packet *p)
{
    return p->ipv6 ? p->destination.byte[0] == 0xff
                   : p->destination.byte[12] >= 224;
}

/* A server may not know yet whether the client hears its new address. */
static bool is_dhcp_answer(const struct ip_packet *p)
{
    struct reader r = p->upper;

    if (p->ipv6 || p->protocol != PROTOCOL_UDP)
        return false;
    (void)read_bytes(&r, (size_t)(p->header[0] & 0x0f) * 4 - FRAME_IPV4_LEN);
    (void)read_u16(&r);
    return read_u16(&r) == DHCP_CLIENT && r.ok;
}

/* Does somebody without an address ask whether that one is free? */
static bool is_probe(const struct ip_packet *p)
{
    static const struct ip_addr6 unspecified;

    return p->ipv6 && ip_equal(&p->source, &unspecified) &&
           p->protocol == PROTOCOL_ICMPV6 && p->upper.left > 0 &&
           p->upper.at[0] == ND_SOLICITATION;
}

static bool source_ok(const struct ip_packet *p)
{
    if (p->ipv6 && ip_is_v4(&p->source))
        return false;
    return frame_source_ok(&p->source) || is_probe(p);
}

static bool option_next(struct reader *r)
{
    uint8_t kind = read_u8(r);

    switch (kind) {
    case OPTION_END:
        (void)read_bytes(r, r->left);
        return r->ok;
    case OPTION_NOTHING:
        return r->ok;
    case OPTION_LOOSE_ROUTE:
    case OPTION_STRICT_ROUTE:
        return false;
    default:
        break;
    }

    uint8_t length = read_u8(r);

    return length >= 2 && read_bytes(r, length - 2u) != NULL;
}

static bool options_ok(const struct ip_packet *p)
{
    size_t len = (size_t)(p->header[0] & 0x0f) * 4;
    struct reader r = p->upper;
    const uint8_t *options;

    if (p->ipv6)
        return true;
    if (len < FRAME_IPV4_LEN)
        return false;
    options = read_bytes(&r, len - FRAME_IPV4_LEN);
    if (options == NULL)
        return false;

    r = reader_of(options, len - FRAME_IPV4_LEN);
    while (r.left > 0)
        if (!option_next(&r))
            return false;
    return true;
}

bool sieve_passes(const uint8_t *data, size_t len, struct ip_addr6 *source)
{
    struct ip_packet p;

    *source = (struct ip_addr6){0};
    if (!read_ip(&p, data, len))
        return true;
    if (!options_ok(&p) || !source_ok(&p))
        return false;
    if (data[0] & MAC_GROUP && !is_group(&p) && !is_dhcp_answer(&p))
        return false;
    *source = p.source;
    return true;
}

bool sieve_is_error(const uint8_t *data, size_t len)
{
    struct ip_packet p;

    if (!read_ip(&p, data, len) || p.upper.left == 0)
        return false;

    uint8_t type = p.upper.at[0];

    if (p.ipv6)
        return p.protocol == PROTOCOL_ICMPV6 && type < ICMPV6_ERRORS;
    if (p.protocol != PROTOCOL_ICMP ||
        (get_u16(p.header + 6) & FRAGMENT_OFFSET) != 0)
        return false;

    switch (type) {
    case 3:  /* destination unreachable */
    case 4:  /* source quench */
    case 11: /* time exceeded */
    case 12: /* parameter problem */
        return true;
    default:
        return false;
    }
}

bool sieve_segment(struct sieve_segment *s, const uint8_t *data, size_t len)
{
    struct ip_packet p;

    if (!read_ip(&p, data, len) || p.protocol != PROTOCOL_TCP)
        return false;
    if (!p.ipv6 && (p.header[0] & 0x0f) * 4 != FRAME_IPV4_LEN)
        return false;
    s->to = p.destination;
    s->from_port = read_u16(&p.upper);
    s->to_port = read_u16(&p.upper);
    (void)read_bytes(&p.upper, 9); /* to the flags, RFC 9293, 3.1 */
    s->flags = read_u8(&p.upper);
    return p.upper.ok;
}
