/* SPDX-License-Identifier: BSD-2-Clause */
/* `allow` and `deny`, and who may ask when neither is given. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

#define V4_BITS 96 /* of ::ffff:0:0/96, before those of an IPv4 prefix */

bool access_rule_add(struct config_builder *b, struct place at,
                     const struct builder_rule *rule)
{
    if (b->rules == BUILDER_RULES_MAX) {
        report_wrong(&b->report, at, "one more network",
                     "at most 254 in `allow` and `deny`");
        return false;
    }
    b->rule[b->rules++] = *rule;
    return true;
}

/* [all] [network]; returns how many rules that makes, 0 after an error. */
static unsigned read_rules(struct directive *d, struct builder_rule rule[2])
{
    struct word word;
    bool more = line_word(&d->line, &word);

    memset(rule, 0, 2 * sizeof(rule[0]));
    if (more && word_is(word, "all")) {
        rule[0].all = rule[1].all = true;
        more = line_word(&d->line, &word);
    }
    if (!more) {
        rule[1].prefix = ip_from_v4(rule[0].prefix.byte);
        rule[1].bits = V4_BITS;
        return 2;
    }
    if (!value_network(word, &rule->prefix, &rule->bits)) {
        directive_refuse(d, word,
                         "a network like 10.0.0.0/8, 10.1, 2001:db8::/32, or "
                         "nothing; names are not looked up here");
        return 0;
    }
    return directive_end(d) ? 1 : 0;
}

void read_access(struct directive *d, const struct kind *kind)
{
    struct builder_rule rule[2];
    unsigned count = read_rules(d, rule);

    (void)kind;
    for (unsigned i = 0; i < count; i++) {
        rule[i].allow = word_is(d->name, "allow");
        access_rule_add(d->b, directive_place(d, d->name.at), &rule[i]);
    }
}

void read_command_access(struct directive *d, const struct kind *kind)
{
    struct builder_rule rule[2];

    if (read_rules(d, rule) > 0)
        directive_note(d, kind->note);
}

static bool is_v4(const struct builder_rule *rule)
{
    return rule->bits >= V4_BITS && ip_is_v4(&rule->prefix);
}

static void add_family(struct config_builder *b, bool v4)
{
    for (unsigned i = 0; i < b->rules; i++) {
        const struct builder_rule *r = &b->rule[i];

        if (is_v4(r) == v4)
            access_add(&b->config.access, &r->prefix, r->bits, r->allow,
                       r->all);
    }
}

static void add_private(struct access *access)
{
    static const struct {
        uint8_t byte[4];
        uint8_t bits;
    } v4[] = {
        {{10, 0, 0, 0}, 8},    {{100, 64, 0, 0}, 10},  {{169, 254, 0, 0}, 16},
        {{172, 16, 0, 0}, 12}, {{192, 168, 0, 0}, 16},
    };
    static const struct ip_addr6 local = {{0xfc}}, link = {{0xfe, 0x80}};

    for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
        struct ip_addr6 prefix = ip_from_v4(v4[i].byte);

        access_add(access, &prefix, V4_BITS + v4[i].bits, true, false);
    }
    access_add(access, &local, 7, true, false);
    access_add(access, &link, 10, true, false);
}

/*
 * The two families have separate rules, but IPv4 is a part of IPv6 in the
 * table: so all of IPv6 first, then a wall in front of IPv4.
 */
void access_finish(struct config_builder *b)
{
    struct ip_addr6 v4 = ip_from_v4((const uint8_t[4]){0});

    b->config.access.count = 0;
    if (b->rules == 0) {
        add_private(&b->config.access);
        return;
    }
    add_family(b, false);
    access_add(&b->config.access, &v4, V4_BITS, false, false);
    add_family(b, true);
}
