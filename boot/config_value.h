/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a configuration as numbers, addresses and names.  What returns bool
 * writes its results only on true.  Level of all: any. */
#ifndef BOOT_CONFIG_VALUE_H
#define BOOT_CONFIG_VALUE_H

#include "boot/config_lexer.h"
#include "ntp/addr.h"

/*
 * A decimal number, scaled by 10^places and rounded to nearest: "-1.5e-3" with
 * nine places is -1500000.  Takes a sign, a point and an exponent, no white
 * space, no hexadecimal, no infinity.  What is too large for `value` becomes
 * the largest.  Returns false when it is no number.
 */
bool value_decimal(struct word word, unsigned places, int64_t *value);

/* A whole number: an optional sign and digits; clamped like the above. */
bool value_integer(struct word word, int64_t *value);

/* Four decimal numbers with points, or IPv6 as in RFC 4291, 2.2; no zone. */
bool value_address(struct word word, struct ip_addr6 *address);

/*
 * A network: an address, or one to three leading numbers of an IPv4 address
 * (`10`, `10.1`), and then perhaps a slash and how many bits count.  `bits` is
 * 0 to 128, with 96 added for IPv4; host bits of `prefix` are cleared.
 */
bool value_network(struct word word, struct ip_addr6 *prefix, uint8_t *bits);

/*
 * A host's address and its network's length, `10.0.2.15/24`: nothing is
 * cleared, and the slash has to be there.
 */
bool value_interface(struct word word, struct ip_addr6 *address, uint8_t *bits);

/* Two hexadecimal digits a byte, 1 to `max` bytes; their number, or 0. */
size_t value_hex(struct word word, uint8_t *bytes, size_t max);

/* Clear what does not belong to a prefix of `bits` bits. */
void value_mask(struct ip_addr6 *address, uint8_t bits);

/* Does it begin with that prefix? */
bool value_in_network(const struct ip_addr6 *address,
                      const struct ip_addr6 *prefix, uint8_t bits);

/* Could a host have that name?  RFC 1123, 2.1, and underscores. */
bool value_host_name(struct word word);

/* An address of one host, that packets can be sent to. */
bool value_is_unicast(const struct ip_addr6 *address);

/* 127.0.0.0/8 or ::1. */
bool value_is_loopback(const struct ip_addr6 *address);

/* 0.0.0.0 or ::. */
bool value_is_unspecified(const struct ip_addr6 *address);

#endif
