/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP must not hear, and what it says too often. */
#ifndef NET_SIEVE_H
#define NET_SIEVE_H

#include "ntp/addr.h"

#include <stddef.h>

/*
 * May lwIP see that frame, with or without a VLAN tag?
 *
 * Takes any bytes at all; what is not IP passes.  Held back are
 * - unicast IP in a frame to a group of hosts, but for DHCP's answers
 *   (RFC 1122, 3.3.6),
 * - sources that no host has: multicast, broadcast, unspecified (but in
 *   duplicate address detection), loopback, IPv4 in IPv6's clothes
 *   (RFC 1122, 3.2.1.3; RFC 4291, 2.5),
 * - IPv4 options that are malformed, and source routes (RFC 7126, 4.3, 4.4).
 * `source` is set to the source of what passes, all zero if it is not IP.
 * Level: any.
 */
bool sieve_passes(const uint8_t *data, size_t len, struct ip_addr6 *source);

/* Does a frame of ours tell of an error, by ICMP or ICMPv6?  Level: any. */
bool sieve_is_error(const uint8_t *data, size_t len);

#define SIEVE_TCP_SYN 0x02
#define SIEVE_TCP_RST 0x04

/* A TCP segment of ours. */
struct sieve_segment {
    struct ip_addr6 to;
    uint16_t from_port;
    uint16_t to_port;
    uint8_t flags;
};

/* Is a frame of ours one, without IPv4 options?  Level: any. */
bool sieve_segment(struct sieve_segment *s, const uint8_t *data, size_t len);

#endif
