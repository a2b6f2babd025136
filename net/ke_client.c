/* SPDX-License-Identifier: BSD-2-Clause */
/* Background: NTS-KE with the servers we follow, and when to try again. */
#include "net/ke_client.h"

#include "arch/entropy.h"
#include "arch/log.h"
#include "net/addr_text.h"
#include "ntp/client.h"

#include <string.h>

/* A session takes a few round trips; a server that takes longer is down. */
#define SESSION_S 8

/* When no TLS session is free, or keys of ours could be guessed. */
#define BUSY_S 1

/* RFC 8915, 4.2: min(10 * 1.5^(n-1), 432000) seconds after the nth failure. */
#define RETRY_MS     10000
#define RETRY_MAX_MS 432000000

#define READ_LEN 512 /* at a time */

static const enum aead_id wanted[] = {AEAD_AES_128_GCM_SIV,
                                      AEAD_AES_SIV_CMAC_256};
#define WANTED (sizeof(wanted) / sizeof(*wanted))

static uint64_t seconds(const struct ke_client *k, uint64_t s)
{
    return s * k->all->ticks_per_s;
}

static uint64_t retry_ms(unsigned attempts)
{
    uint64_t ms = RETRY_MS;

    while (attempts-- > 1 && ms < RETRY_MAX_MS)
        ms += ms / 2;
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

bool ke_clients_trust(struct ke_clients *all, uint32_t id, const uint8_t *data,
                      size_t len, const char **why)
{
    unsigned i = 0;

    while (i < all->certsets && all->certset[i].id != id)
        i++;
    if (i == KE_CLIENT_CERTSETS) {
        *why = "too many sets of certificates";
        return false;
    }
    if (i == all->certsets) {
        if (!tls_client_init(&all->certset[i].tls, NTS_KE_ALPN)) {
            *why = "no memory";
            return false;
        }
        all->certset[i].id = id;
        all->certsets++;
    }
    return tls_client_trust(&all->certset[i].tls, data, len, why);
}

void ke_client_init(struct ke_client *k, struct ke_clients *all,
                    const char *name, uint16_t port, uint32_t certset)
{
    memset(k, 0, sizeof(*k));
    k->all = all;
    k->name = name;
    k->port = port;
    for (unsigned i = 0; i < all->certsets; i++)
        if (all->certset[i].id == certset)
            k->trusted = &all->certset[i].tls;
    nts_client_init(&k->nts, all->cipher, all->random, all->random_context);
}

void ke_client_address(struct ke_client *k, const struct ip_addr6 *addr,
                       unsigned choices)
{
    k->choices = choices;
    k->moved |= k->has_addr && !ip_equal(&k->addr, addr);
    k->has_addr = true;
    k->addr = *addr;
}

/* Dates. */

static int64_t unix_at(const struct client *c, uint64_t ticks)
{
    struct clock_line line = clock_read(c->clock);

    return ntp_date_seconds(clock_at(&line, ticks)) - NTP_UNIX_EPOCH;
}

/* `nocerttimecheck`: the first set is an update as well. */
static bool checks_dates(const struct ke_clients *all)
{
    const struct client *c = all->client;

    return all->no_cert_time_check >= 0 &&
           (client_is_set(c) ? 1 + (int64_t)c->updates : 0) >=
               all->no_cert_time_check;
}

/* It is not before that, whether or not the clock is set. */
static int64_t date_at_least(const struct ke_clients *all, uint64_t ticks)
{
    int64_t now = unix_at(all->client, ticks);

    return now < CLIENT_LEAST_UNIX ? CLIENT_LEAST_UNIX : now;
}

/*
 * Before the clock is set, our guess of the date, which is not before the last
 * known time, is believed in one direction: who has expired by then is refused,
 * who is not valid yet is not.
 * RFC 8915, 8.5.
 */
static void set_dates(const struct ke_clients *all, struct tls_peer *peer,
                      uint64_t now_ticks)
{
    int64_t now = date_at_least(all, now_ticks);

    peer->earliest = INT64_MIN;
    peer->latest = INT64_MAX;
    if (!checks_dates(all))
        return;
    peer->earliest = now;
    if (client_is_set(all->client))
        peer->latest = now;
}

/* A session. */

static void let_go(struct ke_client *k)
{
    if (k->tls != NULL)
        tls_close(k->tls);
    k->tls = NULL;
    resolve_stop(&k->resolve);
    if (k->session != NULL)
        aes_wipe(k->session, sizeof(*k->session));
    k->session = NULL;
    k->state = KE_CLIENT_IDLE;
}

/* They are other servers, to which the pause does not apply yet. */
static enum ke_client_news try_elsewhere(struct ke_client *k,
                                         uint64_t now_ticks)
{
    k->left--;
    let_go(k);
    k->next_ticks = now_ticks;
    return KE_CLIENT_ELSEWHERE;
}

static enum ke_client_news fail(struct ke_client *k, const char *why,
                                const char *more, uint64_t now_ticks)
{
    uint64_t ms;

    if (k->trying && k->left > 0) {
        log_line("nts %s (%s): %s%s%s; next is another address", k->name,
                 addr_text(&k->addr).text, why, more[0] ? ": " : "", more);
        return try_elsewhere(k, now_ticks);
    }
    k->trying = false;
    k->attempts++;
    ms = retry_ms(k->attempts);
    log_line("nts %s (%s): %s%s%s; next try in %llu s", k->name,
             addr_text(&k->addr).text, why, more[0] ? ": " : "", more,
             (unsigned long long)(ms / 1000));
    let_go(k);
    k->next_ticks = now_ticks + ms * (k->all->ticks_per_s / 1000);
    return KE_CLIENT_FAILED;
}

void ke_client_reject(struct ke_client *k, const char *why, uint64_t now_ticks)
{
    nts_client_forget(&k->nts);
    k->attempts--; /* that was the same one */
    (void)fail(k, why, "", now_ticks);
}

void ke_client_renew(struct ke_client *k, uint64_t now_ticks)
{
    if (k->tls != NULL)
        tls_abort(k->tls);
    k->tls = NULL;
    let_go(k);
    nts_client_forget(&k->nts);
    k->trying = false;
    k->attempts = 0;
    k->next_ticks = now_ticks;
}

static struct ke_session *free_session(struct ke_clients *all)
{
    for (int i = 0; i < KE_CLIENT_SESSIONS; i++)
        if (!all->session[i].used)
            return &all->session[i];
    return NULL;
}

static void start(struct ke_client *k, uint64_t now_ticks)
{
    struct ke_session *session = free_session(k->all);
    struct tls_peer peer = {
        .addr = k->addr,
        .port = k->port,
        .name = k->name,
    };

    set_dates(k->all, &peer, now_ticks);
    if (session != NULL && k->trusted != NULL && entropy_state().seeded)
        k->tls = tls_connect(k->trusted, &peer);
    if (k->tls == NULL) {
        k->next_ticks = now_ticks + seconds(k, BUSY_S);
        return;
    }
    if (!k->trying)
        k->left = k->choices;
    k->trying = true;
    session->used = true;
    nts_ke_read_begin(&session->reading, wanted, WANTED, &session->result);
    k->session = session;
    k->state = KE_CLIENT_TALKING;
    k->asked = false;
    k->moved = false;
    k->deadline_ticks = now_ticks + seconds(k, SESSION_S);
}

static bool export_keys(struct ke_client *k, uint16_t exporter_aead,
                        struct nts_client_keys *keys)
{
    uint8_t context[NTS_KE_EXPORTER_CONTEXT_LEN];
    size_t len;

    keys->aead = k->session->result.aead;
    len = aead_key_len(keys->aead);
    nts_ke_exporter_context(exporter_aead, false, context);
    if (!tls_export(k->tls, NTS_KE_EXPORTER_LABEL, context, sizeof(context),
                    keys->c2s, len))
        return false;
    nts_ke_exporter_context(exporter_aead, true, context);
    return tls_export(k->tls, NTS_KE_EXPORTER_LABEL, context, sizeof(context),
                      keys->s2c, len);
}

/* All that only lasts as long as TLS does. */
static bool take_keys(struct ke_client *k)
{
    struct ke_session *s = k->session;
    const struct nts_ke_result *result = &s->result;

    (void)tls_validity(k->tls, &s->not_before, &s->not_after);
    s->has_other = result->exporter_aead != result->aead &&
                   export_keys(k, (uint16_t)result->aead, &s->other);
    return export_keys(k, result->exporter_aead, &s->keys);
}

static const char *aead_text(enum aead_id aead)
{
    return aead == AEAD_AES_128_GCM_SIV ? "AES-128-GCM-SIV"
                                        : "AES-SIV-CMAC-256";
}

/* As long as the clock is not set, what is told has to be within. */
static void take_validity(struct ke_client *k, int64_t not_before,
                          int64_t not_after)
{
    k->not_before = not_before;
    k->not_after = not_after;
    if (checks_dates(k->all) && !client_is_set(k->all->client)) {
        k->nts.not_before = not_before;
        k->nts.not_after = not_after;
    }
}

bool ke_client_resume(struct ke_client *k, const struct nts_client_keys *keys,
                      int64_t not_before, int64_t not_after, uint64_t now_ticks)
{
    if (checks_dates(k->all) && date_at_least(k->all, now_ticks) > not_after)
        return false;
    nts_client_set_keys(&k->nts, keys);
    take_validity(k, not_before, not_after);
    k->resumed = true;
    return true;
}

/* The session has brought all that is needed. */
static enum ke_client_news agree(struct ke_client *k, uint64_t now_ticks)
{
    const struct ke_session *s = k->session;

    nts_client_set_keys(&k->nts, &s->keys);
    if (s->has_other)
        nts_client_set_other_keys(&k->nts, &s->other);
    for (unsigned i = 0; i < s->result.cookies; i++)
        (void)nts_client_add_cookie(&k->nts, s->result.cookie[i].bytes,
                                    s->result.cookie[i].len);
    take_validity(k, s->not_before, s->not_after);
    k->resumed = false;
    k->ntp_port = s->result.port;
    k->agreed_ticks = now_ticks;
    log_line("nts %s (%s): keys for %s and %u cookie%s", k->name,
             addr_text(&k->addr).text, aead_text(s->keys.aead), k->nts.cookies,
             k->nts.cookies == 1 ? "" : "s");
    let_go(k);

    /* Unless they turn out to be good, RFC 8915, 4.2. */
    k->trying = false;
    k->attempts++;
    k->next_ticks =
        now_ticks + retry_ms(k->attempts) * (k->all->ticks_per_s / 1000);
    return KE_CLIENT_AGREED;
}

/* Where NTP is served: here, at an address, or by a name to be resolved. */
static enum ke_client_news find_server(struct ke_client *k, uint64_t now_ticks)
{
    const char *server = k->session->result.server;

    k->ntp_addrs = 1;
    if (server[0] == '\0') {
        k->ntp_addr[0] = k->addr;
        return agree(k, now_ticks);
    }
    if (resolve_literal(server, &k->ntp_addr[0]))
        return agree(k, now_ticks);
    resolve_start(&k->resolve, k->all->net, server, true, true, now_ticks);
    k->state = KE_CLIENT_RESOLVING;
    return KE_CLIENT_NOTHING;
}

static enum ke_client_news conclude(struct ke_client *k, uint64_t now_ticks)
{
    struct ke_session *s = k->session;
    enum nts_ke_verdict verdict = nts_ke_read_end(&s->reading);

    if (verdict == NTS_KE_ERROR || verdict == NTS_KE_WARNING)
        return fail(k, nts_ke_text(verdict), nts_ke_error_text(s->result.code),
                    now_ticks);
    if (verdict != NTS_KE_OK)
        return fail(k, nts_ke_text(verdict), "", now_ticks);
    if (!take_keys(k))
        return fail(k, "TLS has no keys to export", "", now_ticks);
    tls_close(k->tls);
    k->tls = NULL;
    return find_server(k, now_ticks);
}

static bool send_request(struct ke_client *k)
{
    uint8_t request[64];
    size_t len = nts_ke_request(wanted, WANTED, request, sizeof(request));

    k->asked = tls_write(k->tls, request, len);
    return k->asked;
}

/* What has come of the answer; true: that is all. */
static bool read_answer(struct ke_client *k)
{
    uint8_t data[READ_LEN];
    size_t len;

    while ((len = tls_read(k->tls, data, sizeof(data))) > 0)
        if (nts_ke_read_feed(&k->session->reading, data, len) != NTS_KE_MORE)
            return true;
    return tls_state(k->tls) == TLS_CLOSED;
}

static enum ke_client_news talk(struct ke_client *k, uint64_t now_ticks)
{
    enum tls_state state =
        tls_wants_step(k->tls) ? tls_step(k->tls) : tls_state(k->tls);

    if (state == TLS_FAILED)
        return fail(k, tls_why(k->tls), "", now_ticks);
    if (state != TLS_HANDSHAKE) {
        if (!k->asked && !send_request(k) && state == TLS_CLOSED)
            return fail(k, "the server closed the session", "", now_ticks);
        if (read_answer(k))
            return conclude(k, now_ticks);
    }
    if (now_ticks >= k->deadline_ticks)
        return fail(k,
                    state == TLS_HANDSHAKE
                        ? "no connection, or no TLS handshake, in time"
                        : "no answer to the NTS-KE request in time",
                    "", now_ticks);
    return KE_CLIENT_NOTHING;
}

static enum ke_client_news resolve_server(struct ke_client *k,
                                          uint64_t now_ticks)
{
    enum resolve_state state = resolve_poll(&k->resolve, now_ticks);

    if (state == RESOLVE_ASKING)
        return KE_CLIENT_NOTHING;
    if (state != RESOLVE_DONE)
        return fail(k, k->session->result.server, resolve_text(state),
                    now_ticks);

    k->ntp_addrs = 0;
    for (int i = 0; i < 2; i++) {
        const struct resolve_query *query = &k->resolve.query[i];

        for (unsigned n = 0; query->result == DNS_OK && n < query->addrs.count;
             n++)
            if (k->ntp_addrs < KE_CLIENT_ADDRS_MAX)
                k->ntp_addr[k->ntp_addrs++] = query->addrs.addr[n];
    }
    return agree(k, now_ticks);
}

void ke_client_chose(struct ke_client *k, const struct ip_addr6 *addr)
{
    k->ntp_addr[0] = *addr;
    k->ntp_addrs = 1;
}

/* When a session is wanted; UINT64_MAX: not at all. */
static uint64_t due(const struct ke_client *k)
{
    uint64_t refresh = k->agreed_ticks + k->all->refresh_ticks;

    if (!k->has_addr || k->trusted == NULL)
        return UINT64_MAX;
    if (k->moved || nts_client_wants_keys(&k->nts))
        return k->next_ticks;
    if (k->all->refresh_ticks == 0)
        return UINT64_MAX;
    return refresh > k->next_ticks ? refresh : k->next_ticks;
}

/*
 * Has the certificate expired since a run before?  Its server says so, by a
 * time that it was not valid at, or our own clock.  That of this run was valid
 * when it was shown, which is all that RFC 8915 asks for.
 */
static bool has_expired(const struct ke_client *k, uint64_t now_ticks)
{
    const struct client *c = k->all->client;

    if (!k->resumed || !k->nts.has_keys || !checks_dates(k->all))
        return false;
    return k->nts.outside ||
           (client_is_set(c) && unix_at(c, now_ticks) > k->not_after);
}

static void drop_expired(struct ke_client *k, uint64_t now_ticks)
{
    nts_client_forget(&k->nts);
    k->resumed = false;
    k->attempts = 0;
    k->next_ticks = now_ticks;
    log_line("nts %s: the certificate has expired by which cookies were kept: "
             "they are dropped",
             k->name);
}

/* In full seconds, for the log. */
static unsigned long long seconds_until(const struct ke_client *k,
                                        uint64_t ticks, uint64_t now_ticks)
{
    uint64_t hz = k->all->ticks_per_s;

    return ticks > now_ticks ? (ticks - now_ticks + hz - 1) / hz : 0;
}

/* It may be proven wrong until the next poll; then there are new keys to be
 * had, unless that was tried just now. */
static void tell_nak(struct ke_client *k, uint64_t now_ticks)
{
    uint64_t next = k->ask_ticks > k->next_ticks ? k->ask_ticks : k->next_ticks;

    if ((k->nts.nak || k->nts.refused) && !k->nak)
        log_line("nts %s: %s; next try in %llu s", k->name,
                 source_verdict_text(SOURCE_NAK),
                 seconds_until(k, next, now_ticks));
    k->nak = k->nts.nak || k->nts.refused;
}

static void note_use(struct ke_client *k, uint64_t now_ticks)
{
    if (has_expired(k, now_ticks))
        drop_expired(k, now_ticks);
    if (k->nts.proven && k->attempts > 0) {
        k->attempts = 0;
        k->next_ticks = now_ticks;
        if (k->all->changed != NULL)
            k->all->changed(k->all->changed_arg);
    }
    /* The time is known by others' word now, too. */
    if (client_is_set(k->all->client)) {
        k->nts.not_before = 0;
        k->nts.not_after = 0;
    }
    tell_nak(k, now_ticks);
}

enum ke_client_news ke_client_poll(struct ke_client *k, uint64_t now_ticks)
{
    switch (k->state) {
    case KE_CLIENT_TALKING:
        return talk(k, now_ticks);
    case KE_CLIENT_RESOLVING:
        return resolve_server(k, now_ticks);
    default:
        note_use(k, now_ticks);
        if (due(k) <= now_ticks)
            start(k, now_ticks);
        return KE_CLIENT_NOTHING;
    }
}

uint64_t ke_client_next(const struct ke_client *k)
{
    switch (k->state) {
    case KE_CLIENT_TALKING:
        return tls_wants_step(k->tls) ? 0 : k->deadline_ticks;
    case KE_CLIENT_RESOLVING:
        return k->resolve.next_ticks;
    default:
        return due(k);
    }
}
