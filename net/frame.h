/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet, IP and UDP headers: read them, and turn a frame round. */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include "ntp/addr.h"
#include "ntp/bytes.h"
#include "ntp/verdict.h"

#include <stddef.h>

#define FRAME_ETHERNET_LEN 14
#define FRAME_IPV4_LEN     20
#define FRAME_IPV6_LEN     40
#define FRAME_UDP_LEN      8
#define FRAME_MAC_LEN      6

/* What an Ethernet header says that it carries. */
#define FRAME_TYPE_IPV4 0x0800
#define FRAME_TYPE_ARP  0x0806
#define FRAME_TYPE_VLAN 0x8100 /* IEEE 802.1Q: a tag, then the type */
#define FRAME_TYPE_IPV6 0x86dd

/*
 * Read an Ethernet header, with one tag or none.  Returns the type of what is
 * carried, which `r` is then at; it has failed when the frame is too short.
 * Level: any.
 */
static inline uint16_t frame_read_type(struct reader *r)
{
    (void)read_bytes(r, 2 * FRAME_MAC_LEN);

    uint16_t type = read_u16(r);

    if (type == FRAME_TYPE_VLAN) {
        (void)read_u16(r);
        type = read_u16(r);
    }
    return type;
}

/* A UDP datagram in one plain frame: no tag, no IP options, no fragment. */
struct frame {
    struct ip_addr6 source;
    struct ip_addr6 destination;
    uint16_t source_port;
    uint16_t destination_port;
    uint16_t udp_offset;  /* of the UDP header in the frame */
    uint16_t payload_len; /* after the UDP header */
    bool ipv6;
    bool group; /* sent to a broadcast or multicast MAC */
};

/*
 * Read the headers of the frame of `len` bytes at `data`.
 *
 * Takes any bytes at all.  `f` is written only on NTP_OK; then payload and
 * headers lie inside the frame.  The UDP checksum is not looked at.
 *
 * Returns NTP_OK; NTP_PASS for what is not such a datagram but may be for the
 * background; NTP_DROP_FRAME (too short, or from a group address);
 * NTP_DROP_IP, NTP_DROP_UDP (lengths that cannot be); or NTP_DROP_CHECKSUM
 * (of the IPv4 header).
 * RFC 791, 3.1; RFC 8200, 3; RFC 768.  Level: any.
 */
enum ntp_verdict frame_parse(struct frame *f, const uint8_t *data, size_t len);

/*
 * Is a frame of at least FRAME_ETHERNET_LEN bytes sent to that MAC, or to a
 * group?  Level: any.
 */
bool frame_is_for(const uint8_t *data, const uint8_t mac[6]);

/*
 * Is the UDP checksum right?  Zero is, over IPv4 alone.
 * RFC 768; RFC 8200, 8.1.  Level: any.
 */
bool frame_checksum_ok(const struct frame *f, const uint8_t *data);

/* What is fresh in the IP header of an answer. */
struct frame_answer {
    uint8_t dscp;         /* 0 to 63 */
    uint16_t payload_len; /* at most the request's */
};

/*
 * Turn the frame round in place: addresses and ports exchanged, hop limit 64,
 * all but the UDP checksum.  Returns the length of the frame.
 * Level: any.
 */
size_t frame_answer(const struct frame *f, uint8_t *data,
                    const struct frame_answer *answer);

/*
 * Write the UDP checksum of a frame turned round, whose payload is now final.
 * Level: any.
 */
void frame_seal(const struct frame *f, uint8_t *data, uint16_t payload_len);

/* May a host with that address be answered at all?  Level: any. */
bool frame_source_ok(const struct ip_addr6 *source);

/* Is it private, shared or link-local (RFC 1918, 3927, 4193, 6598)?  Level:
 * any. */
bool frame_is_private(const struct ip_addr6 *addr);

#endif
