/* SPDX-License-Identifier: BSD-2-Clause */
/* The directives that chrony.conf does not have. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

static bool same_family(const struct ip_addr6 *a, const struct ip_addr6 *b)
{
    return ip_is_v4(a) == ip_is_v4(b);
}

/* The one argument of a directive that takes an address. */
static bool read_host(struct directive *d, struct ip_addr6 *address)
{
    const char *expected = "the address of a host";
    struct word word;

    if (!directive_word(d, &word, expected))
        return false;
    if (!value_address(word, address) || !value_is_unicast(address) ||
        value_is_loopback(address))
        return directive_refuse(d, word, expected);
    return directive_end(d);
}

/*
 * The first address of a network is its name (IPv6: any router, RFC 4291,
 * 2.6.1), and the last one of IPv4 is all its hosts.  Networks of two addresses
 * have neither (RFC 3021, RFC 6164).
 */
static bool is_of_a_host(const struct config_addr *a)
{
    bool any_one = false;
    bool any_zero = !ip_is_v4(&a->addr);

    if (a->bits >= 127)
        return true;
    for (unsigned i = a->bits; i < 128; i++) {
        bool one = (a->addr.byte[i / 8] >> (7 - i % 8)) & 1;

        any_one |= one;
        any_zero |= !one;
    }
    return any_one && any_zero;
}

static bool read_interface(struct directive *d, struct config_addr *address)
{
    const char *expected = "an address and the length of its network, like "
                           "10.0.2.15/24";
    struct word word;

    if (!directive_word(d, &word, expected))
        return false;
    if (!value_interface(word, &address->addr, &address->bits) ||
        !value_is_unicast(&address->addr) || value_is_loopback(&address->addr))
        return directive_refuse(d, word, expected);
    if (!is_of_a_host(address))
        return directive_refuse(d, word,
                                "the address of one host in the network, like "
                                "10.0.2.15/24");
    return directive_end(d);
}

static void read_address(struct directive *d, const struct kind *kind)
{
    struct config *c = &d->b->config;
    struct config_addr address;

    (void)kind;
    if (!read_interface(d, &address))
        return;
    for (unsigned i = 0; i < c->address_count; i++)
        if (ip_equal(&c->address[i].addr, &address.addr)) {
            c->address[i] = address;
            return;
        }
    if (c->address_count == CONFIG_ADDRS_MAX) {
        directive_refuse(d, d->name, "at most 8 lines with `address`");
        return;
    }
    c->address[c->address_count++] = address;
}

/* One a family: a later one replaces it. */
static void read_gateway(struct directive *d, const struct kind *kind)
{
    struct config *c = &d->b->config;
    struct ip_addr6 address;
    unsigned i = 0;

    (void)kind;
    if (!read_host(d, &address))
        return;
    while (i < c->gateway_count && !same_family(&c->gateway[i], &address))
        i++;
    c->gateway[i] = address;
    if (i == c->gateway_count)
        c->gateway_count++;
}

static void read_nameserver(struct directive *d, const struct kind *kind)
{
    struct config *c = &d->b->config;
    struct ip_addr6 address;

    (void)kind;
    if (!read_host(d, &address))
        return;
    if (c->nameserver_count == CONFIG_NAMESERVERS_MAX) {
        directive_refuse(d, d->name, "at most 4 lines with `nameserver`");
        return;
    }
    c->nameserver[c->nameserver_count++] = address;
}

static void read_hostname(struct directive *d, const struct kind *kind)
{
    const char *expected = "a host name of at most 63 characters";
    struct config *c = &d->b->config;
    struct word word;

    (void)kind;
    if (!directive_word(d, &word, expected))
        return;
    if (word.len > CONFIG_HOSTNAME_MAX || !value_host_name(word)) {
        directive_refuse(d, word, expected);
        return;
    }
    if (!directive_end(d))
        return;
    memcpy(c->hostname, word.at, word.len);
    c->hostname[word.len] = 0;
}

/* auto | off | name */
static void read_state(struct directive *d, const struct kind *kind)
{
    const char *expected = "auto, off, or a name of at most 63 characters";
    struct config_nts *n = &d->b->config.nts;
    struct word word;

    (void)kind;
    if (!directive_word(d, &word, expected))
        return;
    if (word.len > CONFIG_STATE_MAX) {
        directive_refuse(d, word, expected);
        return;
    }
    if (!directive_end(d))
        return;
    n->state_wanted = !word_is(word, "off");
    if (word_is(word, "auto") || word_is(word, "off"))
        word.len = 0;
    memcpy(n->state, word.at, word.len);
    n->state[word.len] = 0;
}

#define LATER "this comes with a later release"

static const struct kind kinds[] = {
    {"address", read_address, NO_SETTING, NULL},
    {"gateway", read_gateway, NO_SETTING, NULL},
    {"nameserver", read_nameserver, NO_SETTING, NULL},
    {"hostname", read_hostname, NO_SETTING, NULL},
    {"logstats", read_number,
     SETTING(struct config, logstats_s, 0, 0, 86400 * 365), NULL},
    {"http", read_note, NO_SETTING, LATER},
    {"syslog", read_note, NO_SETTING, LATER},
    {"state", read_state, NO_SETTING, NULL},
    {"watch", read_note, NO_SETTING, LATER},
    {"ntskeys", read_ntskeys, NO_SETTING, NULL},
    {"ntsrequire", read_ntsrequire, NO_SETTING, NULL},
};

const struct kinds own_kinds = {kinds, sizeof(kinds) / sizeof(kinds[0])};
