/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may ask: allow and deny, as chrony.conf means them. */
#include "ntp/access.h"

#include "ntp/bytes.h"

#include <string.h>

#define V4_BITS 96 /* of ::ffff:0:0, before an IPv4 prefix begins */

/* Ones for the first `bits` of 64. */
static uint64_t mask(unsigned bits)
{
    return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

/* Do the first `bits` of both addresses agree? */
static bool agree(const struct ip_addr6 *a, const struct ip_addr6 *b,
                  unsigned bits)
{
    uint64_t high = get_u64(a->byte) ^ get_u64(b->byte);
    uint64_t low = get_u64(a->byte + 8) ^ get_u64(b->byte + 8);

    if (bits <= 64)
        return (high & mask(bits)) == 0;
    return high == 0 && (low & mask(bits - 64)) == 0;
}

static bool is_v4_prefix(const struct ip_addr6 *prefix, unsigned bits)
{
    return bits >= V4_BITS && ip_is_v4(prefix);
}

/* Is the rule for a part of that prefix, and of the same family? */
static bool is_within(const struct access_rule *rule,
                      const struct ip_addr6 *prefix, unsigned bits)
{
    return rule->bits > bits && agree(&rule->prefix, prefix, bits) &&
           is_v4_prefix(&rule->prefix, rule->bits) ==
               is_v4_prefix(prefix, bits);
}

static void remove_within(struct access *a, const struct ip_addr6 *prefix,
                          uint8_t bits)
{
    uint16_t kept = 0;

    for (uint16_t i = 0; i < a->count; i++) {
        if (!is_within(&a->rule[i], prefix, bits))
            a->rule[kept++] = a->rule[i];
    }
    a->count = kept;
}

bool access_add(struct access *a, const struct ip_addr6 *prefix, uint8_t bits,
                bool allow, bool all)
{
    uint16_t at = 0;

    if (all)
        remove_within(a, prefix, bits);

    while (at < a->count && a->rule[at].bits >= bits) {
        struct access_rule *rule = &a->rule[at++];

        if (rule->bits == bits && agree(&rule->prefix, prefix, bits)) {
            rule->allow = allow;
            return true;
        }
    }
    if (a->count == ACCESS_RULES_MAX)
        return false;

    memmove(&a->rule[at + 1], &a->rule[at],
            (size_t)(a->count - at) * sizeof(a->rule[0]));
    a->rule[at] =
        (struct access_rule){.prefix = *prefix, .bits = bits, .allow = allow};
    a->count++;
    return true;
}

bool access_allowed(const struct access *a, const struct ip_addr6 *from)
{
    unsigned least = ip_is_v4(from) ? V4_BITS : 0;

    for (uint16_t i = 0; i < a->count && a->rule[i].bits >= least; i++) {
        if (agree(&a->rule[i].prefix, from, a->rule[i].bits))
            return a->rule[i].allow;
    }
    return false;
}
