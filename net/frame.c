/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet, IP and UDP headers: read them, and turn a frame round. */
#include "net/frame.h"

#include "ntp/bytes.h"

/* Where things are in an Ethernet header, and what they may be. */
#define ETHERTYPE     12
#define MAC_GROUP     0x01 /* in the first byte */
#define PROTOCOL_UDP  17
#define HOP_LIMIT     64
#define DONT_FRAGMENT 0x4000
#define FRAGMENT      0x3fff /* more fragments, or an offset */

/* Offsets in the frame. */
#define IP              FRAME_ETHERNET_LEN
#define IPV4_ADDRESSES  (IP + 12)
#define IPV6_ADDRESSES  (IP + 8)
#define UDP_LENGTH      4 /* in the UDP header */
#define UDP_CHECKSUM    6
#define IPV4_CHECKSUM   (IP + 10)
#define IPV4_BEFORE_UDP (IP + FRAME_IPV4_LEN)
#define IPV6_BEFORE_UDP (IP + FRAME_IPV6_LEN)

/*
 * Sum of the bytes as 16-bit words, not folded, in the order of this machine:
 * the sum is the same whichever order is used (RFC 1071, 2).  An odd last byte
 * counts as if a zero followed.  At most 64 KiB.
 */
static uint64_t sum_words(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;
    uint32_t word;

    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        sum += word;
    }
    word = 0;
    memcpy(&word, p, len);
    return sum + word;
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Sum of pseudo-header, UDP header and payload: RFC 768; RFC 8200, 8.1. */
static uint64_t sum_udp(const struct frame *f, const uint8_t *data,
                        uint16_t payload_len)
{
    uint16_t udp_len = (uint16_t)(FRAME_UDP_LEN + payload_len);
    uint8_t rest[4] = {0, PROTOCOL_UDP};

    put_u16(rest + 2, udp_len);
    return (f->ipv6 ? sum_words(data + IPV6_ADDRESSES, 32)
                    : sum_words(data + IPV4_ADDRESSES, 8)) +
           sum_words(rest, sizeof(rest)) +
           sum_words(data + f->udp_offset, udp_len);
}

static enum ntp_verdict parse_udp(struct frame *f, struct reader *r)
{
    const uint8_t *udp = read_bytes(r, FRAME_UDP_LEN);

    if (udp == NULL)
        return NTP_DROP_UDP;

    uint16_t len = get_u16(udp + UDP_LENGTH);

    /* Less than the IP header says is allowed: the rest is not UDP's. */
    if (len < FRAME_UDP_LEN || (size_t)len - FRAME_UDP_LEN > r->left)
        return NTP_DROP_UDP;

    f->source_port = get_u16(udp);
    f->destination_port = get_u16(udp + 2);
    f->payload_len = (uint16_t)(len - FRAME_UDP_LEN);
    return NTP_OK;
}

static enum ntp_verdict parse_ipv4(struct frame *f, struct reader *r)
{
    const uint8_t *ip = read_bytes(r, FRAME_IPV4_LEN);

    if (ip == NULL || ip[0] >> 4 != 4 || (ip[0] & 0x0f) < 5)
        return NTP_DROP_IP;

    size_t total = get_u16(ip + 2);

    if (total < FRAME_IPV4_LEN || total - FRAME_IPV4_LEN > r->left)
        return NTP_DROP_IP;
    if ((ip[0] & 0x0f) > 5 || get_u16(ip + 6) & FRAGMENT ||
        ip[9] != PROTOCOL_UDP)
        return NTP_PASS;
    if (fold(sum_words(ip, FRAME_IPV4_LEN)) != 0xffff)
        return NTP_DROP_CHECKSUM;

    /* What follows is padding to the least frame. */
    r->left = total - FRAME_IPV4_LEN;
    f->ipv6 = false;
    f->udp_offset = IPV4_BEFORE_UDP;
    f->source = ip_from_v4(ip + 12);
    f->destination = ip_from_v4(ip + 16);
    return parse_udp(f, r);
}

static enum ntp_verdict parse_ipv6(struct frame *f, struct reader *r)
{
    const uint8_t *ip = read_bytes(r, FRAME_IPV6_LEN);

    if (ip == NULL || ip[0] >> 4 != 6)
        return NTP_DROP_IP;

    size_t len = get_u16(ip + 4);

    if (len > r->left)
        return NTP_DROP_IP;
    if (ip[6] != PROTOCOL_UDP)
        return NTP_PASS;

    r->left = len;
    f->ipv6 = true;
    f->udp_offset = IPV6_BEFORE_UDP;
    memcpy(f->source.byte, ip + 8, 16);
    memcpy(f->destination.byte, ip + 24, 16);

    /* An IPv4 address in IPv6's clothes would meet the rules for IPv4. */
    if (ip_is_v4(&f->source) || ip_is_v4(&f->destination))
        return NTP_DROP_IP;
    return parse_udp(f, r);
}

enum ntp_verdict frame_parse(struct frame *f, const uint8_t *data, size_t len)
{
    struct reader r = reader_of(data, len);
    struct frame parsed = {0};
    enum ntp_verdict verdict;
    const uint8_t *ethernet = read_bytes(&r, FRAME_ETHERNET_LEN);

    if (ethernet == NULL || ethernet[FRAME_MAC_LEN] & MAC_GROUP)
        return NTP_DROP_FRAME;

    parsed.group = ethernet[0] & MAC_GROUP;
    switch (get_u16(ethernet + ETHERTYPE)) {
    case FRAME_TYPE_IPV4:
        verdict = parse_ipv4(&parsed, &r);
        break;
    case FRAME_TYPE_IPV6:
        verdict = parse_ipv6(&parsed, &r);
        break;
    default:
        return NTP_PASS;
    }
    if (verdict == NTP_OK)
        *f = parsed;
    return verdict;
}

bool frame_is_for(const uint8_t *data, const uint8_t mac[6])
{
    return data[0] & MAC_GROUP || memcmp(data, mac, FRAME_MAC_LEN) == 0;
}

bool frame_checksum_ok(const struct frame *f, const uint8_t *data)
{
    if (get_u16(data + f->udp_offset + UDP_CHECKSUM) == 0)
        return !f->ipv6;
    return fold(sum_udp(f, data, f->payload_len)) == 0xffff;
}

static void exchange(uint8_t *p, size_t len)
{
    uint8_t first[16];

    memcpy(first, p, len);
    memcpy(p, p + len, len);
    memcpy(p + len, first, len);
}

static void answer_ipv4(uint8_t *data, const struct frame_answer *answer)
{
    uint8_t *ip = data + IP;
    uint16_t sum;

    ip[1] = (uint8_t)(answer->dscp << 2);
    put_u16(ip + 2,
            (uint16_t)(FRAME_IPV4_LEN + FRAME_UDP_LEN + answer->payload_len));
    /* It is never fragmented, so it needs no identification: RFC 6864, 4.1. */
    put_u16(ip + 4, 0);
    put_u16(ip + 6, DONT_FRAGMENT);
    ip[8] = HOP_LIMIT;
    exchange(data + IPV4_ADDRESSES, 4);

    put_u16(data + IPV4_CHECKSUM, 0);
    sum = (uint16_t)~fold(sum_words(ip, FRAME_IPV4_LEN));
    memcpy(data + IPV4_CHECKSUM, &sum, sizeof(sum));
}

static void answer_ipv6(uint8_t *data, const struct frame_answer *answer)
{
    uint8_t *ip = data + IP;

    put_u16(ip, (uint16_t)(6 << 12 | answer->dscp << 6));
    put_u16(ip + 2, 0); /* flow label */
    put_u16(ip + 4, (uint16_t)(FRAME_UDP_LEN + answer->payload_len));
    ip[7] = HOP_LIMIT;
    exchange(data + IPV6_ADDRESSES, 16);
}

size_t frame_answer(const struct frame *f, uint8_t *data,
                    const struct frame_answer *answer)
{
    exchange(data, FRAME_MAC_LEN);
    if (f->ipv6)
        answer_ipv6(data, answer);
    else
        answer_ipv4(data, answer);

    uint8_t *udp = data + f->udp_offset;

    exchange(udp, 2);
    put_u16(udp + UDP_LENGTH, (uint16_t)(FRAME_UDP_LEN + answer->payload_len));
    return (size_t)f->udp_offset + FRAME_UDP_LEN + answer->payload_len;
}

void frame_seal(const struct frame *f, uint8_t *data, uint16_t payload_len)
{
    uint8_t *checksum = data + f->udp_offset + UDP_CHECKSUM;
    uint16_t sum;

    put_u16(checksum, 0);
    sum = (uint16_t)~fold(sum_udp(f, data, payload_len));
    if (sum == 0)
        sum = 0xffff; /* zero would say that there is none */
    memcpy(checksum, &sum, sizeof(sum));
}

bool frame_source_ok(const struct ip_addr6 *source)
{
    static const struct ip_addr6 unspecified, loopback = {.byte[15] = 1};
    const uint8_t *v4 = source->byte + 12;

    if (!ip_is_v4(source))
        return source->byte[0] != 0xff && !ip_equal(source, &unspecified) &&
               !ip_equal(source, &loopback);

    /* This network, loopback; multicast, reserved and broadcast. */
    return v4[0] != 0 && v4[0] != 127 && v4[0] < 224;
}

bool frame_is_private(const struct ip_addr6 *addr)
{
    const uint8_t *v6 = addr->byte;
    const uint8_t *v4 = addr->byte + 12;

    if (!ip_is_v4(addr))
        return (v6[0] & 0xfe) == 0xfc ||
               (v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80);

    return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
           (v4[0] == 192 && v4[1] == 168) || (v4[0] == 169 && v4[1] == 254) ||
           (v4[0] == 100 && (v4[1] & 0xc0) == 64);
}
