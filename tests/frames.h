/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for tests, made by other code than the code under test. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const uint8_t frames_ours[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t frames_theirs[6] = {0x52, 0x54, 0, 0xaa, 0xbb, 0xcc};

/* A UDP datagram to be made: addresses of 4 or 16 bytes. */
struct frames_udp {
    bool ipv6;
    uint8_t source[16];
    uint8_t destination[16];
    uint16_t source_port;
    uint16_t destination_port;
    const uint8_t *payload;
    size_t payload_len;
};

static inline void frames_put(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline unsigned frames_get(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Put a VLAN tag into a frame, behind whose end there is room for it. */
static inline size_t frames_tag(uint8_t *frame, size_t len, uint16_t tag)
{
    memmove(frame + 16, frame + 12, len - 12);
    frames_put(frame + 12, 0x8100);
    frames_put(frame + 14, tag);
    return len + 4;
}

/* RFC 1071, byte by byte; the complement of the sum. */
static inline unsigned frames_sum(const uint8_t *p, size_t len,
                                  unsigned long sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (unsigned long)p[i] << 8 : p[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return 0xffff - (unsigned)sum;
}

/* What the checksum field of the UDP header at `udp` should hold. */
static inline unsigned frames_udp_sum(const uint8_t *ip, bool ipv6,
                                      const uint8_t *udp)
{
    uint8_t copy[2048];
    size_t len = frames_get(udp + 4);
    unsigned long sum = 17 + (unsigned long)len;
    const uint8_t *addresses = ip + (ipv6 ? 8 : 12);

    for (size_t i = 0; i < (ipv6 ? 32u : 8u); i += 2)
        sum += frames_get(addresses + i);
    memcpy(copy, udp, len);
    frames_put(copy + 6, 0);

    unsigned result = frames_sum(copy, len, sum);

    return result == 0 ? 0xffff : result;
}

/* Write the frame; returns its length, without padding. */
static inline size_t frames_make(uint8_t *out, const struct frames_udp *u)
{
    uint8_t *ip = out + 14;
    uint8_t *udp = ip + (u->ipv6 ? 40 : 20);
    size_t udp_len = 8 + u->payload_len;

    memcpy(out, frames_ours, 6);
    memcpy(out + 6, frames_theirs, 6);
    frames_put(out + 12, u->ipv6 ? 0x86dd : 0x0800);
    memset(ip, 0, (size_t)(udp - ip) + 8);
    if (u->ipv6) {
        frames_put(ip, 0x6012); /* some traffic class and flow label */
        frames_put(ip + 2, 0x3456);
        frames_put(ip + 4, (unsigned)udp_len);
        ip[6] = 17;
        ip[7] = 57;
        memcpy(ip + 8, u->source, 16);
        memcpy(ip + 24, u->destination, 16);
    } else {
        ip[0] = 0x45;
        ip[1] = 0x88;
        frames_put(ip + 2, (unsigned)(20 + udp_len));
        frames_put(ip + 4, 0xbeef);
        ip[8] = 57;
        ip[9] = 17;
        memcpy(ip + 12, u->source, 4);
        memcpy(ip + 16, u->destination, 4);
        frames_put(ip + 10, frames_sum(ip, 20, 0));
    }
    frames_put(udp, u->source_port);
    frames_put(udp + 2, u->destination_port);
    frames_put(udp + 4, (unsigned)udp_len);
    if (u->payload_len > 0)
        memcpy(udp + 8, u->payload, u->payload_len);
    frames_put(udp + 6, frames_udp_sum(ip, u->ipv6, udp));
    return (size_t)(udp - out) + udp_len;
}

/* An NTPv4 client request of 48 bytes, and where it comes from. */
static inline struct frames_udp frames_request(bool ipv6,
                                               const uint8_t payload[48])
{
    struct frames_udp u = {
        .ipv6 = ipv6,
        .source = {192, 0, 2, 7},
        .destination = {192, 0, 2, 1},
        .source_port = 40000,
        .destination_port = 123,
        .payload = payload,
        .payload_len = 48,
    };
    static const uint8_t from[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
    static const uint8_t to[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

    if (ipv6) {
        memcpy(u.source, from, 16);
        memcpy(u.destination, to, 16);
    }
    return u;
}

#endif
