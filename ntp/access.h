/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may ask: allow and deny, as chrony.conf means them. */
#ifndef NTP_ACCESS_H
#define NTP_ACCESS_H

#include "ntp/addr.h"

#include <stddef.h>

#define ACCESS_RULES_MAX 256 /* a configuration with more is refused */

struct access_rule {
    struct ip_addr6 prefix;
    uint8_t bits; /* 0 to 128; an IPv4 prefix of n bits has 96 + n */
    bool allow;
};

/* Longest prefix first, so that the first match decides. */
struct access {
    struct access_rule rule[ACCESS_RULES_MAX];
    uint16_t count;
};

/*
 * Add a rule, given in the order of the configuration; the bits of `prefix`
 * after the first `bits`, 0 to 128, do not matter.  The same prefix again
 * replaces the earlier rule; `all` also removes the more specific ones of the
 * same family: ::/0 says nothing of IPv4.
 * Returns false when the table is full.
 * Level: boot.
 */
bool access_add(struct access *a, const struct ip_addr6 *prefix, uint8_t bits,
                bool allow, bool all);

/*
 * May that host ask?  The longest prefix of its family decides, and without
 * one the answer is no.  Bounded by the number of rules.  Level: any.
 */
bool access_allowed(const struct access *a, const struct ip_addr6 *from);

#endif
