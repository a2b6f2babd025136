/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources by NTS: whom they trust, and what is kept of them. */
#include "boot/nts_sources.h"

#include "arch/cpu.h"
#include "arch/log.h"
#include "net/addr_text.h"

#include <string.h>

void nts_sources_trust(struct ke_clients *ke, const struct config *config)
{
    const struct config_nts *nts = &config->nts;

    for (unsigned i = 0; i < nts->trusteds; i++) {
        const struct config_trusted *t = &nts->trusted[i];
        const char *why;

        if (!ke_clients_trust(ke, t->id, t->file.at, t->file.len, &why))
            log_line("nts: nobody is trusted by %s: %s", t->file.name, why);
    }
}

/* The same source as it was kept? */
static bool is_same(const struct state_upstream *kept,
                    const struct ke_client *k)
{
    return strcmp(kept->name, k->name) == 0 && kept->ke_port == k->port;
}

/* The date at a counter value, s since 1970. */
static int64_t unix_at(const struct client *c, uint64_t ticks)
{
    struct clock_line line = clock_read(c->clock);

    return ntp_date_seconds(clock_at(&line, ticks)) - NTP_UNIX_EPOCH;
}

static void resume(struct upstream *u, int slot, const struct state_upstream *s,
                   uint64_t now_ticks)
{
    int64_t now_unix = unix_at(u->client, now_ticks);
    struct ke_client *k = u->slot[slot].ke;
    uint64_t age_s = (uint64_t)now_unix - s->unix_seconds;
    uint64_t age_ticks = age_s * u->ticks_per_s;
    struct nts_client_keys keys = {.aead = s->aead};
    struct ip_addr6 addr;

    /* Of a date in the future, or of none, the age is beyond all. */
    if (s->unix_seconds == 0 || aead_key_len(keys.aead) == 0 ||
        age_s > UINT32_MAX || !resolve_literal(s->server, &addr) ||
        (u->ke->refresh_ticks != 0 && age_ticks >= u->ke->refresh_ticks))
        return;

    memcpy(keys.c2s, s->c2s, sizeof(keys.c2s));
    memcpy(keys.s2c, s->s2c, sizeof(keys.s2c));
    bool good =
        ke_client_resume(k, &keys, s->not_before, s->not_after, now_ticks);
    aes_wipe(&keys, sizeof(keys));
    if (!good) {
        log_line("nts %s: cookies were kept, but the certificate has expired",
                 k->name);
        return;
    }
    for (unsigned i = 0; i < s->cookies; i++)
        (void)nts_client_add_cookie(&k->nts, s->cookie[i].bytes,
                                    s->cookie[i].len);
    k->agreed_ticks = now_ticks - age_ticks;
    k->ntp_port = s->port;
    ke_client_chose(k, &addr);
    log_line("nts %s: %u cookie%s kept, for %s", k->name, k->nts.cookies,
             k->nts.cookies == 1 ? " was" : "s were", s->server);
}

void nts_sources_resume(struct upstream *u, const struct state_data *kept,
                        uint64_t now_ticks)
{
    bool used[STATE_UPSTREAMS_MAX] = {false};

    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        const struct ke_client *k = u->slot[slot].ke;

        for (unsigned i = 0; k != NULL && i < kept->upstreams; i++) {
            if (used[i] || !is_same(&kept->upstream[i], k))
                continue;
            used[i] = true;
            resume(u, slot, &kept->upstream[i], now_ticks);
            break;
        }
    }
}

static void keep(const struct upstream_slot *slot, struct state_upstream *to)
{
    const struct ke_client *k = slot->ke;
    const struct nts_client *n = &k->nts;
    const struct addr_text server = addr_text(&slot->ntp_addr);

    _Static_assert(ADDR_TEXT_MAX <= STATE_NAME_MAX, "it fits, with a zero");
    memset(to, 0, sizeof(*to));
    memcpy(to->name, k->name, strnlen(k->name, STATE_NAME_MAX));
    to->ke_port = k->port;
    to->aead = (uint16_t)n->keys.aead;
    memcpy(to->server, server.text, strlen(server.text));
    to->port = slot->ntp_port;
    to->not_before = k->not_before;
    to->not_after = k->not_after;
    memcpy(to->c2s, n->keys.c2s, sizeof(to->c2s));
    memcpy(to->s2c, n->keys.s2c, sizeof(to->s2c));
    to->unix_seconds =
        (uint64_t)unix_at(slot->upstream->client, k->agreed_ticks);
    for (unsigned i = 0; i < n->cookies; i++) {
        to->cookie[i].len = (uint16_t)n->cookie[i].len;
        memcpy(to->cookie[i].bytes, n->cookie[i].bytes, n->cookie[i].len);
        to->cookies++;
    }
}

void nts_sources_collect(void *arg, struct state_data *data)
{
    const struct upstream *u = arg;

    aes_wipe(data->upstream, sizeof(data->upstream));
    data->upstreams = 0;
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        const struct upstream_slot *slot = &u->slot[i];

        if (slot->used && slot->ke != NULL && slot->has_ntp &&
            slot->ke->nts.proven && slot->ke->nts.cookies > 0 &&
            data->upstreams < STATE_UPSTREAMS_MAX)
            keep(slot, &data->upstream[data->upstreams++]);
    }
}
