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
 * Add a rule, given in the order of the configuration.  The same prefix again
 * replaces the earlier rule; `all` also removes the more specific ones.
 * Returns false when the table is full.
 * Level: boot.
 */
bool access_add(struct access *a, const struct ip_addr6 *prefix, uint8_t bits,
                bool allow, bool all);

/* May that host ask?  Deny when no rule matches.  Level: any. */
bool access_allowed(const struct access *a, const struct ip_addr6 *from);

#endif
