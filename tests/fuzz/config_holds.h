/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of every configuration, whatever it was made of. */
#ifndef TESTS_FUZZ_CONFIG_HOLDS_H
#define TESTS_FUZZ_CONFIG_HOLDS_H

#include "boot/config_builder.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static struct config_builder builder;

static inline void source_holds(const struct config *c,
                                const struct config_source *s)
{
    HOLDS(memchr(s->name, 0, sizeof(s->name)) != NULL && s->name[0]);
    HOLDS(s->port > 0);
    HOLDS(s->max_sources >= 1 && s->max_sources <= 16);
    HOLDS(s->ntp.minpoll >= 0 && s->ntp.minpoll <= s->ntp.maxpoll);
    HOLDS(s->ntp.maxpoll <= 17);
    HOLDS(s->ntp.version <= 4 && s->ntp.minstratum <= 15);
    HOLDS((s->key_id == 0) == (s->ntp.key == NULL));
    if (s->ntp.key) {
        HOLDS(s->ntp.key >= c->keys.key);
        HOLDS(s->ntp.key < c->keys.key + c->keys.count);
        HOLDS(s->ntp.key->id == s->key_id);
    }
}

/* A source is followed by NTS only if somebody vouches for it. */
static inline bool is_vouched_for(const struct config_nts *n, uint32_t certset)
{
    for (unsigned i = 0; i < n->trusteds; i++)
        if (n->trusted[i].id == certset)
            return true;
    return false;
}

static inline void nts_holds(const struct config *c)
{
    const struct config_nts *n = &c->nts;

    HOLDS(!n->server || (c->port > 0 && n->port > 0));
    HOLDS(n->certs <= CONFIG_CERTS_MAX && n->trusteds <= CONFIG_TRUSTED_MAX);
    for (unsigned i = 0; i < n->certs; i++)
        HOLDS(n->cert[i].len > 0 && n->key[i].len > 0);
    for (unsigned i = 0; i < n->trusteds; i++)
        HOLDS(n->trusted[i].file.len > 0);
    HOLDS(memchr(n->ntp_server, 0, sizeof(n->ntp_server)) != NULL);
    HOLDS(memchr(n->state, 0, sizeof(n->state)) != NULL);
    HOLDS(n->aeads >= 1 && n->aeads <= 2 && n->max_connections >= 1);
    HOLDS(n->given_count <= NTS_KEYS_KEPT);
    HOLDS(n->given_count == 0 || n->rotate_s == 0);
    HOLDS(n->refresh_s > 0);
    for (unsigned i = 0; i < c->source_count; i++)
        HOLDS(!c->source[i].nts ||
              (is_vouched_for(n, c->source[i].certset) &&
               c->source[i].key_id == 0 && c->source[i].nts_port > 0));
    if (c->refused)
        HOLDS(!n->server && !n->state_wanted && !n->require_any &&
              n->certs == 0 && n->given_count == 0);
}

static inline void access_holds(const struct access *a)
{
    HOLDS(a->count <= ACCESS_RULES_MAX);
    for (unsigned i = 0; i < a->count; i++) {
        struct ip_addr6 masked = a->rule[i].prefix;
        uint8_t bits = a->rule[i].bits;

        HOLDS(bits <= 128);
        for (unsigned bit = bits; bit < 128; bit++)
            masked.byte[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
        HOLDS(ip_equal(&masked, &a->rule[i].prefix));
    }
}

static inline void config_holds(const struct config *c)
{
    unsigned slots = 0;

    HOLDS(c->address_count <= CONFIG_ADDRS_MAX);
    HOLDS(c->gateway_count <= CONFIG_GATEWAYS_MAX);
    HOLDS(c->nameserver_count <= CONFIG_NAMESERVERS_MAX);
    HOLDS(memchr(c->hostname, 0, sizeof(c->hostname)) != NULL);
    for (unsigned i = 0; i < c->source_count; i++) {
        source_holds(c, &c->source[i]);
        slots += c->source[i].max_sources;
    }
    HOLDS(slots <= CONFIG_SOURCES_MAX);
    HOLDS(c->keys.count <= NTP_KEYS_MAX);
    access_holds(&c->access);
    access_holds(&c->nts.require);
    nts_holds(c);
    HOLDS(c->client.minsources >= 1);
    HOLDS(!c->client.local.enabled ||
          (c->client.local.stratum >= 1 && c->client.local.stratum <= 15));
    HOLDS(c->client_log_bytes >= CONFIG_CLIENT_LOG_MIN &&
          c->client_log_bytes <= CONFIG_CLIENT_LOG_MAX);
    HOLDS(c->dscp <= 63);
    if (c->refused)
        HOLDS(c->source_count == 0 && !c->dhcp_sources &&
              !c->client.local.enabled && c->keys.count == 0);
}

static inline void report_line_holds(const char *line)
{
    size_t len = strlen(line);

    HOLDS(len > 0 && len < REPORT_LINE_MAX - 1);
    for (size_t i = 0; i < len; i++)
        HOLDS(line[i] >= 0x20 && line[i] < 0x7f);
}

static inline void report_holds(const struct report *r)
{
    char line[REPORT_LINE_MAX];

    for (unsigned i = 0; report_error_line(r, i, line); i++)
        report_line_holds(line);
    for (unsigned i = 0; report_note_line(r, i, line); i++)
        report_line_holds(line);
}

/* Call when all layers are added. */
static inline int all_holds(void)
{
    const struct config *c = config_finish(&builder);
    const struct report *r = config_report(&builder);

    HOLDS(c->refused == (r->errors > 0));
    config_holds(c);
    report_holds(r);
    return 0;
}

#endif
