/* SPDX-License-Identifier: BSD-2-Clause */
/* `allow` and `deny`, and who may ask when neither is given. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

#define V4_BITS 96 /* of ::ffff:0:0/96, before those of an IPv4 prefix */

bool access_rule_add(struct config_builder *b, struct access *access,
                     struct place at, const struct access_rule *rule, bool all)
{
    if (access_add(access, &rule->prefix, rule->bits, rule->allow, all))
        return true;
    report_wrong(&b->report, at, "one more network",
                 access == &b->config.access
                     ? "at most 256 in `allow` and `deny`"
                     : "at most 256 in `ntsrequire`");
    return false;
}

/* What the arguments of `allow` and its like amount to. */
struct networks {
    struct access_rule rule[2];
    unsigned count;
    bool all;
};

static void add_everybody(struct networks *n)
{
    n->rule[1].prefix = ip_from_v4(n->rule[0].prefix.byte);
    n->rule[1].bits = V4_BITS;
    n->count = 2;
}

/* [all] [network] */
static bool read_networks(struct directive *d, struct networks *n)
{
    struct word word;
    bool more = line_word(&d->line, &word);

    memset(n, 0, sizeof(*n));
    if (more && word_is(word, "all")) {
        n->all = true;
        more = line_word(&d->line, &word);
    }
    if (!more) {
        add_everybody(n);
        return true;
    }
    if (!value_network(word, &n->rule[0].prefix, &n->rule[0].bits))
        return directive_refuse(
            d, word,
            "a network like 10.0.0.0/8, 10.1, 2001:db8::/32, or nothing; "
            "names are not looked up here");
    n->count = 1;
    return directive_end(d);
}

static void add_networks(struct directive *d, struct access *access, bool allow)
{
    struct networks n;

    if (!read_networks(d, &n))
        return;
    for (unsigned i = 0; i < n.count; i++) {
        n.rule[i].allow = allow;
        access_rule_add(d->b, access, directive_place(d, d->name.at),
                        &n.rule[i], n.all);
    }
}

void read_access(struct directive *d, const struct kind *kind)
{
    (void)kind;
    add_networks(d, &d->b->config.access, word_is(d->name, "allow"));
}

void read_ntsrequire(struct directive *d, const struct kind *kind)
{
    (void)kind;
    d->b->nts.require_at = directive_place(d, d->name.at);
    add_networks(d, &d->b->config.nts.require, true);
}

void read_command_access(struct directive *d, const struct kind *kind)
{
    struct networks n;

    if (read_networks(d, &n))
        directive_note(d, kind->note);
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

void access_finish(struct config_builder *b)
{
    if (b->config.access.count > 0)
        return;
    add_private(&b->config.access);
    if (!b->config.refused)
        note_whole(b, "neither `allow` nor `deny` is given: private and "
                      "link-local networks may ask");
}
