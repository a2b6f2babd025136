/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS key establishment: its certificates, and when it begins. */
#include "boot/ke_service.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/log.h"
#include "arch/mem.h"
#include "net/addr_text.h"
#include "net/ke_client.h"
#include "net/tls_verify.h"

#include <string.h>

/* Without a set clock it begins so long after boot. */
#define PATIENCE_S 5

/* A certificate of our own is not made before: its addresses are to be there,
 * and those of IPv6 take a second. */
#define OWN_CERT_S 2

/* Sessions for sources by NTS: those at work, and as many being closed. */
#define CLIENT_SESSIONS_MAX (2 * KE_CLIENT_SESSIONS)

/* Sessions more than connections: those that are being closed. */
#define CLOSING_SESSIONS 8

/* Of the table of clients, where `ntsratelimit` is given. */
#define LIMIT_BYTES (64 * 1024)

#define DAY_S 86400

/* No clock of this machine is right that says an earlier time: 2026-01-01. */
#define OLDEST 1767225600

static void random_bytes(void *context, void *bytes, size_t len)
{
    (void)context;
    entropy_fill(bytes, len);
}

/* Bytes of all certificates and keys that will be handed to TLS. */
static size_t certs_len(const struct config_nts *nts)
{
    size_t len = NTS_CERT_MAX + NTS_CERT_KEY_MAX;

    for (unsigned i = 0; i < nts->certs; i++)
        len += nts->cert[i].len + nts->key[i].len;
    for (unsigned i = 0; i < nts->trusteds; i++)
        len += nts->trusted[i].file.len;
    return len;
}

static unsigned client_sessions(const struct config *config)
{
    unsigned count = 0;

    for (unsigned i = 0; i < config->source_count; i++)
        if (config->source[i].nts)
            count += config->source[i].max_sources;
    return count < CLIENT_SESSIONS_MAX ? count : CLIENT_SESSIONS_MAX;
}

void ke_service_setup(struct ke_service *s,
                      const struct ke_service_setup *setup, uint64_t now)
{
    const struct config_nts *nts = &setup->config->nts;
    uint64_t seed;

    memset(s, 0, sizeof(*s));
    s->setup = *setup;
    s->wanted = nts->server && nts->port != 0 && setup->keys != NULL &&
                !setup->config->refused;
    s->start_ticks = now + PATIENCE_S * setup->ticks_per_s;
    if (nts->certs == 0 &&
        (setup->kept == NULL || setup->kept->own.cert_len == 0))
        s->least_ticks = now + OWN_CERT_S * setup->ticks_per_s;

    const struct tls_setup tls = {
        .server_sessions =
            s->wanted ? nts->max_connections + CLOSING_SESSIONS : 0,
        .client_sessions = client_sessions(setup->config),
        .certs_len = certs_len(nts),
        .ticks_per_s = setup->ticks_per_s,
    };

    if (tls.server_sessions + tls.client_sessions == 0)
        return;
    if (!tls_setup(&tls)) {
        log_line("tls: there is too little memory for it");
        s->wanted = false;
        return;
    }
    if (s->wanted && nts->ratelimit.enabled) {
        entropy_fill(&seed, sizeof(seed));
        limit_init(&s->limit, &nts->ratelimit, mem_alloc(LIMIT_BYTES, 64),
                   LIMIT_BYTES, seed);
    }
}

/* Seconds since 1970 as far as anybody knows. */
static int64_t date_of(const struct ke_service *s)
{
    struct clock_line line = clock_read(s->setup.client->clock);
    int64_t now =
        ntp_date_seconds(clock_at(&line, counter_read())) - NTP_UNIX_EPOCH;

    return now < OLDEST ? OLDEST : now;
}

/* Certificates. */

static void add_given(struct ke_service *s)
{
    const struct config_nts *nts = &s->setup.config->nts;
    const char *why;

    for (unsigned i = 0; i < nts->certs; i++)
        if (tls_server_add_cert(&s->tls, nts->cert[i].at, nts->cert[i].len,
                                nts->key[i].at, nts->key[i].len, &why))
            s->name[s->tls.owns - 1] = nts->cert[i].name;
        else
            log_line("nts: %s with %s is not used: %s", nts->cert[i].name,
                     nts->key[i].name, why);
}

static bool add_own(struct ke_service *s)
{
    const char *why;

    s->name[0] = "our own certificate";
    return tls_server_add_cert(&s->tls, s->own.cert, s->own.cert_len,
                               s->own.key, s->own.key_len, &why);
}

static bool make_own(struct ke_service *s)
{
    const struct config *config = s->setup.config;
    const struct net *net = s->setup.net;
    struct ip_addr6 addr[FASTPATH_ADDRS];
    struct nts_cert_subject subject = {
        .name = config->hostname[0] != '\0' ? config->hostname : NULL,
        .addrs = addr,
        .count = net->addrs,
        .not_before = date_of(s) - DAY_S,
        .not_after = date_of(s) + (int64_t)NTS_CERT_DAYS * DAY_S,
    };

    for (unsigned i = 0; i < net->addrs; i++)
        addr[i] = net->addr[i].addr;
    return nts_cert_make(&subject, &s->own) && add_own(s);
}

/*
 * May it be shown on?  Clients trust this one and no other, so a clock that is
 * not set has no say; but such a one may have made it, for another age.
 */
static bool is_good(const struct ke_service *s, const uint8_t *cert, size_t len)
{
    mbedtls_x509_crt crt;
    int64_t now = date_of(s);
    bool good;

    mbedtls_x509_crt_init(&crt);
    good = mbedtls_x509_crt_parse_der(&crt, cert, len) == 0 &&
           (!client_is_set(s->setup.client) ||
            (nts_cert_days_left(&crt, now) >= NTS_CERT_WARN_DAYS &&
             nts_cert_seconds(&crt.valid_from) <= now));
    mbedtls_x509_crt_free(&crt);
    return good;
}

static bool keep_own(struct ke_service *s)
{
    const struct state_data *kept = s->setup.kept;

    if (kept == NULL || kept->own.cert_len == 0 ||
        !is_good(s, kept->own.cert, kept->own.cert_len))
        return false;
    s->own.cert_len = kept->own.cert_len;
    s->own.key_len = kept->own.key_len;
    memcpy(s->own.cert, kept->own.cert, sizeof(s->own.cert));
    memcpy(s->own.key, kept->own.key, sizeof(s->own.key));
    return add_own(s);
}

/* Clients ask by a name or an address, and the certificate has to have it. */
static void warn_of_names(const struct ke_service *s)
{
    const struct net *net = s->setup.net;

    for (unsigned i = 0; i < net->addrs; i++) {
        const struct ip_addr6 *addr = &net->addr[i].addr;

        if (addr->byte[0] != 0xfe &&
            !tls_verify_addr(&s->tls.own[0].chain, addr))
            log_line("nts: WARNING: our own certificate does not name %s",
                     addr_text(addr).text);
    }
}

/* The one that was kept, as long as it is good; else a new one. */
static void use_own(struct ke_service *s)
{
    char fingerprint[NTS_CERT_FINGERPRINT_TEXT];
    bool kept = keep_own(s);

    if (!kept) {
        if (!make_own(s)) {
            log_line("nts: no certificate could be made");
            return;
        }
        if (s->setup.changed != NULL)
            s->setup.changed(s->setup.arg);
    }
    nts_cert_fingerprint(s->own.cert, s->own.cert_len, fingerprint);
    log_line("nts: %s certificate of our own, SHA-256 %s",
             kept ? "the same" : "a new", fingerprint);
    warn_of_names(s);
}

static void warn_of_end(const struct ke_service *s)
{
    int64_t now = date_of(s);

    for (unsigned i = 0; i < s->tls.owns; i++) {
        int64_t days = nts_cert_days_left(&s->tls.own[i].chain, now);

        if (days < 0)
            log_line("nts: WARNING: %s has expired", s->name[i]);
        else if (days < NTS_CERT_WARN_DAYS)
            log_line("nts: WARNING: %s expires in %lld days", s->name[i],
                     (long long)days);
    }
}

/* The listener. */

static void start(struct ke_service *s)
{
    const struct config *config = s->setup.config;
    const struct config_nts *nts = &config->nts;
    struct ke_setup setup = {
        .tls = &s->tls,
        .keys = s->setup.keys,
        .access = &config->access,
        .limit = nts->ratelimit.enabled ? &s->limit : NULL,
        .port = nts->port,
        .ntp_server = nts->ntp_server[0] != '\0' ? nts->ntp_server : NULL,
        .ntp_port = config->port == 123 ? 0 : config->port,
        .aeads = nts->aeads,
        .connections = nts->max_connections,
        .ticks_per_s = s->setup.ticks_per_s,
        .random = random_bytes,
    };

    s->started = true;
    for (unsigned i = 0; i < nts->aeads; i++)
        setup.aead[i] = nts->aead[i];
    if (!tls_server_init(&s->tls, NTS_KE_ALPN)) {
        log_line("nts: TLS could not be set up");
        return;
    }
    if (nts->certs > 0)
        add_given(s);
    else
        use_own(s);
    if (s->tls.owns == 0) {
        log_line("nts: no certificate, so no key establishment");
        return;
    }
    if (!ke_listener_start(&s->listener, &setup)) {
        log_line("nts: TCP port %u could not be listened on", nts->port);
        return;
    }
    log_line("nts: key establishment on port %u", nts->port);
    warn_of_end(s);
    s->warn_ticks = counter_read() + DAY_S * s->setup.ticks_per_s;
}

void ke_service_poll(struct ke_service *s, uint64_t now)
{
    tls_poll(now);
    if (!s->wanted)
        return;
    if (!s->started) {
        if (now < s->least_ticks ||
            (!client_is_set(s->setup.client) && now < s->start_ticks))
            return;
        start(s);
    }
    ke_listener_poll(&s->listener, now);
    if (s->warn_ticks != 0 && now >= s->warn_ticks) {
        warn_of_end(s);
        s->warn_ticks = now + DAY_S * s->setup.ticks_per_s;
    }
}

uint64_t ke_service_next(const struct ke_service *s)
{
    uint64_t next = tls_next();
    uint64_t own = ke_listener_next(&s->listener);

    if (s->wanted && !s->started)
        own = counter_read() < s->least_ticks ? s->least_ticks : s->start_ticks;
    return own < next ? own : next;
}

void ke_service_collect(void *arg, struct state_data *data)
{
    const struct ke_service *s = arg;

    if (s->own.cert_len == 0)
        return;
    data->own.cert_len = s->own.cert_len;
    data->own.key_len = s->own.key_len;
    memcpy(data->own.cert, s->own.cert, s->own.cert_len);
    memcpy(data->own.key, s->own.key, s->own.key_len);
}
