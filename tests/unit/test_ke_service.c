/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of NTS key establishment: which certificate, and when it begins. */
/* links: boot/ke_service tests/fake/log tests/fake/psa_random */
#include "boot/ke_service.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/mem.h"
#include "tests/check.h"
#include "tests/fake/log.h"

#include <psa/crypto.h>

#define HZ   1000000ull
#define DAY  86400
#define NOON 1800000000 /* 2027-01-15, s since 1970 */

static const struct ip_addr6 v4 = {
    {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}};
static const struct ip_addr6 v6 = {{0x20, 1, 0xd, 0xb8, [15] = 1}};
static const struct ip_addr6 link_local = {{0xfe, 0x80, [15] = 1}};

static struct config config;
static struct state_data kept;
static struct nts_keys keys;
static struct clock clock_of_client;
static struct client client;
static struct net net;
static struct ke_service service;

static struct {
    uint64_t now;
    struct tls_setup tls; /* as it was asked for */
    unsigned setups;
    bool no_memory, no_server, no_port;
    unsigned polls;          /* of TLS */
    unsigned listener_polls; /* ... and of the listener */
    bool listening;
    struct ke_setup listener; /* as it was asked for */
    unsigned changed;
    char limit_memory[64 * 1024];
    bool limited;
} rig;

/* The machine. */

uint64_t counter_read(void)
{
    return rig.now;
}

void entropy_fill(void *buf, size_t len)
{
    memset(buf, 5, len);
}

void *mem_alloc(size_t size, size_t align)
{
    CHECK_EQ(size, sizeof(rig.limit_memory));
    CHECK_EQ(align, 64);
    rig.limited = true;
    return rig.limit_memory;
}

/* TLS that only looks at certificates. */

bool tls_setup(const struct tls_setup *setup)
{
    rig.tls = *setup;
    rig.setups++;
    return !rig.no_memory;
}

void tls_poll(uint64_t now_ticks)
{
    CHECK_EQ(now_ticks, rig.now);
    rig.polls++;
}

uint64_t tls_next(void)
{
    return UINT64_MAX;
}

bool tls_server_init(struct tls_server *s, const char *alpn)
{
    CHECK_TEXT(alpn, NTS_KE_ALPN);
    s->owns = 0;
    return !rig.no_server;
}

bool tls_server_add_cert(struct tls_server *s, const uint8_t *chain, size_t len,
                         const uint8_t *key, size_t key_len, const char **why)
{
    struct tls_own *own = &s->own[s->owns];

    CHECK(s->owns < TLS_CERTS_MAX);
    CHECK(key != NULL && key_len > 0);
    mbedtls_x509_crt_init(&own->chain);
    if (mbedtls_x509_crt_parse_der(&own->chain, chain, len) != 0) {
        *why = "it is no certificate";
        return false;
    }
    s->owns++;
    return true;
}

bool ke_listener_start(struct ke_listener *k, const struct ke_setup *setup)
{
    (void)k;
    CHECK(setup->tls == &service.tls && setup->keys == &keys);
    rig.listener = *setup;
    rig.listening = !rig.no_port;
    return rig.listening;
}

void ke_listener_poll(struct ke_listener *k, uint64_t now_ticks)
{
    (void)k;
    CHECK_EQ(now_ticks, rig.now);
    rig.listener_polls++;
}

uint64_t ke_listener_next(const struct ke_listener *k)
{
    (void)k;
    return rig.listening ? 7 * HZ : UINT64_MAX;
}

static void note_change(void *arg)
{
    CHECK(arg == &rig);
    rig.changed++;
}

/* The appliance that is booted. */

/* The clock shows that time from now on; whether or not it is set. */
static void show(int64_t unix_seconds, bool set)
{
    const struct clock_line line = {
        .base_ticks = rig.now,
        .base_date = ntp_date_from_unix(unix_seconds, 0),
        .rate = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .rate_after = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .leap_date = NTP_DATE_NEVER,
        .epoch = 1,
    };

    clock_publish(&clock_of_client, &line);
    client.set = set;
}

/* An ordinary configuration, nothing kept, two addresses and a guess of the
 * date. */
static int start(void **state)
{
    (void)state;
    CHECK_EQ(psa_crypto_init(), PSA_SUCCESS);
    memset(&rig, 0, sizeof(rig));
    fake_log[0] = 0;
    memset(&config, 0, sizeof(config));
    memset(&kept, 0, sizeof(kept));
    memset(&client, 0, sizeof(client));
    memset(&net, 0, sizeof(net));
    memset(&clock_of_client, 0, sizeof(clock_of_client));
    client.clock = &clock_of_client;
    config.port = 123;
    config.nts.server = true;
    config.nts.port = 4460;
    config.nts.aeads = 2;
    config.nts.aead[0] = AEAD_AES_128_GCM_SIV;
    config.nts.aead[1] = AEAD_AES_SIV_CMAC_256;
    config.nts.max_connections = 100;
    strcpy(config.hostname, "ntp.example");
    net.addrs = 2;
    net.addr[0].addr = v4;
    net.addr[1].addr = link_local;
    rig.now = HZ;
    show(NOON, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < service.tls.owns; i++)
        mbedtls_x509_crt_free(&service.tls.own[i].chain);
    service.tls.owns = 0;
    return 0;
}

static void boot_with(const struct nts_keys *cookie_keys)
{
    const struct ke_service_setup setup = {
        .config = &config,
        .kept = &kept,
        .keys = cookie_keys,
        .client = &client,
        .net = &net,
        .ticks_per_s = HZ,
        .changed = note_change,
        .arg = &rig,
    };

    end(NULL);
    fake_log[0] = 0;
    rig.listening = false;
    rig.changed = 0;
    ke_service_setup(&service, &setup, rig.now);
}

static void boot(void)
{
    boot_with(&keys);
}

static void poll_after(uint64_t ms)
{
    rig.now += ms * HZ / 1000;
    ke_service_poll(&service, rig.now);
}

/* It is up; what it would have kept is kept. */
static void check_up(void)
{
    CHECK(rig.listening);
    CHECK(fake_said("nts: key establishment on port 4460"));
    ke_service_collect(&service, &kept);
}

/* A certificate of that validity, in days from NOON. */
static struct nts_cert cert_of(int from, int until)
{
    const struct nts_cert_subject subject = {
        .name = "ntp.example",
        .addrs = &v4,
        .count = 1,
        .not_before = NOON + (int64_t)from * DAY,
        .not_after = NOON + (int64_t)until * DAY,
    };
    struct nts_cert cert;

    CHECK(nts_cert_make(&subject, &cert));
    return cert;
}

static void keep(const struct nts_cert *cert)
{
    kept.own.cert_len = cert->cert_len;
    kept.own.key_len = cert->key_len;
    memcpy(kept.own.cert, cert->cert, cert->cert_len);
    memcpy(kept.own.key, cert->key, cert->key_len);
}

/* The first boot: its addresses are waited for, for two seconds, and the clock,
 * for five; then a certificate is made, and is to be kept. */
static void test_the_first_certificate_waits_for_addresses(void **state)
{
    (void)state;
    boot();
    show(NOON, true);
    CHECK_EQ(ke_service_next(&service), rig.now + 2 * HZ);
    poll_after(1999);
    CHECK(!rig.listening);
    net.addr[net.addrs++].addr = v6;
    poll_after(1);
    check_up();
    CHECK(fake_said("nts: a new certificate of our own, SHA-256 "));
    CHECK(!fake_said("WARNING"));
    CHECK_EQ(rig.changed, 1);
    CHECK_EQ(service.tls.owns, 1);
    CHECK_EQ(nts_cert_days_left(&service.tls.own[0].chain, NOON),
             NTS_CERT_DAYS);
    CHECK_EQ(kept.own.cert_len, service.own.cert_len);
    CHECK_BYTES(kept.own.key, service.own.key, service.own.key_len);
}

static void test_the_clock_is_waited_for_but_not_for_ever(void **state)
{
    (void)state;
    boot();
    poll_after(4999);
    CHECK(!rig.listening);
    CHECK_EQ(ke_service_next(&service), HZ + 5 * HZ);
    poll_after(1);
    check_up();
}

/* Clients trust it: it is shown again, at once, and is nothing new. */
static void test_a_kept_certificate_is_shown_again(void **state)
{
    char first[NTS_CERT_FINGERPRINT_TEXT];

    (void)state;
    boot();
    poll_after(5000);
    check_up();
    nts_cert_fingerprint(kept.own.cert, kept.own.cert_len, first);
    show(NOON, true);
    boot();
    poll_after(0);
    check_up();
    CHECK(fake_said("nts: the same certificate of our own"));
    CHECK(fake_said(first));
    CHECK_EQ(rig.changed, 0);
}

/* One that has expired, or soon will, is replaced, and one from the future, by
 * a clock that is set; one that is only guessing has no say. */
static void test_the_clock_judges_a_kept_certificate(void **state)
{
    static const struct {
        int from, until;
        bool good;
    } want[] = {
        {-100, 1000, true}, {-100, -1, false}, {-100, 27, false},
        {-100, 29, true},   {1, 1000, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const struct nts_cert cert = cert_of(want[i].from, want[i].until);

        for (unsigned set = 0; set < 2; set++) {
            start(NULL);
            keep(&cert);
            show(NOON, set);
            boot();
            poll_after(5000);
            check_up();
            CHECK_EQ(fake_said("the same certificate"), !set || want[i].good);
            CHECK_EQ(rig.changed, set && !want[i].good);
            CHECK(!set || !fake_said("has expired"));
        }
    }
}

/* What the disk held may be anything. */
static void test_a_kept_certificate_may_be_rotten(void **state)
{
    const struct nts_cert cert = cert_of(-1, 1000);

    (void)state;
    keep(&cert);
    kept.own.cert[0] ^= 0xff;
    boot();
    poll_after(5000);
    check_up();
    CHECK(fake_said("a new certificate"));
}

/* No clock is right that says a time before the image: the certificate is good
 * from a day before 2026 on at the earliest. */
static void test_a_clock_at_its_start_makes_no_old_certificate(void **state)
{
    (void)state;
    show(0, false);
    boot();
    poll_after(5000);
    check_up();
    CHECK_EQ(nts_cert_seconds(&service.tls.own[0].chain.valid_from),
             1767225600 - DAY);
}

/* An address that came later, or is another than at the last boot, is said to
 * be missing; nobody asks by one of the link. */
static void test_addresses_that_it_does_not_name_are_told(void **state)
{
    const struct nts_cert cert = cert_of(-1, 1000);

    (void)state;
    keep(&cert);
    net.addr[net.addrs++].addr = v6;
    boot();
    poll_after(5000);
    check_up();
    CHECK(fake_said(
        "nts: WARNING: our own certificate does not name 2001:db8::1"));
    CHECK(!fake_said("192.0.2.1") && !fake_said("fe80"));
}

/* Given certificates are used, as many as are good, and none of our own. */
static void test_given_certificates_replace_our_own(void **state)
{
    const struct nts_cert cert = cert_of(-100, 10);
    const struct config_file good = {cert.cert, cert.cert_len, "good.pem"};
    const struct config_file key = {cert.key, cert.key_len, "key.pem"};

    (void)state;
    for (unsigned bad = 0; bad < 4; bad++) {
        start(NULL);
        config.nts.certs = 2;
        for (unsigned i = 0; i < 2; i++) {
            config.nts.cert[i] = good;
            config.nts.key[i] = key;
            if (bad & 1u << i)
                config.nts.cert[i].len = 20;
        }
        config.nts.cert[1].name = "other.pem";
        show(NOON, true);
        boot();
        poll_after(0);
        CHECK_EQ(service.tls.owns, (bad == 0) + (bad < 3));
        CHECK_EQ(fake_said("nts: good.pem with key.pem is not used: it is no "
                           "certificate"),
                 bad & 1);
        CHECK_EQ(fake_said("nts: other.pem with key.pem is not used"),
                 bad >> 1);
        CHECK_EQ(fake_said("WARNING: good.pem expires in 10 days"), !(bad & 1));
        CHECK_EQ(fake_said("WARNING: other.pem expires in 10 days"),
                 !(bad >> 1));
        CHECK(!fake_said("of our own"));
        CHECK_EQ(rig.changed, 0);
        CHECK_EQ(rig.listening, bad != 3);
        CHECK_EQ(fake_said("no certificate, so no key establishment"),
                 bad == 3);
        kept.own.cert_len = 0;
        ke_service_collect(&service, &kept);
        CHECK_EQ(kept.own.cert_len, 0);
    }
}

/* Their end is told day by day, and goes on after it has come. */
static void test_the_end_of_a_certificate_is_told_each_day(void **state)
{
    const struct nts_cert cert = cert_of(-100, 29);

    (void)state;
    config.nts.certs = 1;
    config.nts.cert[0] =
        (struct config_file){cert.cert, cert.cert_len, "a.pem"};
    config.nts.key[0] = (struct config_file){cert.key, cert.key_len, "k.pem"};
    show(NOON, true);
    boot();
    poll_after(0);
    CHECK(rig.listening);
    CHECK(!fake_said("WARNING"));
    for (int left = 28; left >= -3; left--) {
        char want[60];

        fake_log[0] = 0;
        poll_after((uint64_t)DAY * 1000 - 1);
        CHECK_TEXT(fake_log, "");
        poll_after(1);
        snprintf(want, sizeof(want),
                 left < 0 ? "WARNING: a.pem has expired"
                          : "WARNING: a.pem expires in %d days",
                 left);
        CHECK_EQ(fake_said(want), left < NTS_CERT_WARN_DAYS);
    }
}

/* Where it is not served, TLS is set up for sources by NTS at most. */
static void test_what_is_not_wanted_takes_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        start(NULL);
        config.nts.server = i != 0;
        config.nts.port = i == 1 ? 0 : 4460;
        config.refused = i == 2;
        config.nts.ratelimit.enabled = true;
        boot_with(i == 3 ? NULL : &keys);
        CHECK_EQ(rig.setups, 0);
        poll_after(10000);
        CHECK(!rig.listening && !rig.limited);
        CHECK_EQ(rig.polls, 1);
        CHECK_EQ(rig.listener_polls, 0);
        CHECK_TEXT(fake_log, "");
        CHECK(ke_service_next(&service) == UINT64_MAX);
        config.source_count = 2;
        config.source[0].nts = true;
        config.source[0].max_sources = 1;
        config.source[1].max_sources = 4;
        boot_with(i == 3 ? NULL : &keys);
        CHECK_EQ(rig.tls.server_sessions, 0);
        CHECK_EQ(rig.tls.client_sessions, 1);
        config.source[1].nts = true;
        config.source[1].max_sources = 16;
        boot_with(i == 3 ? NULL : &keys);
        CHECK_EQ(rig.tls.client_sessions, 8);
    }
}

/* Memory for sessions, for those that are being closed, and certificates. */
static void test_memory_is_taken_at_boot(void **state)
{
    static const uint8_t bytes[1];

    (void)state;
    boot();
    CHECK_EQ(rig.tls.server_sessions, 108);
    CHECK_EQ(rig.tls.client_sessions, 0);
    CHECK_EQ(rig.tls.certs_len, NTS_CERT_MAX + NTS_CERT_KEY_MAX);
    CHECK(!rig.limited);
    config.nts.certs = 1;
    config.nts.cert[0] = (struct config_file){bytes, 1000, "c"};
    config.nts.key[0] = (struct config_file){bytes, 200, "k"};
    config.nts.trusteds = 1;
    config.nts.trusted[0].file = (struct config_file){bytes, 30, "t"};
    config.nts.ratelimit.enabled = true;
    boot();
    CHECK_EQ(rig.tls.certs_len, NTS_CERT_MAX + NTS_CERT_KEY_MAX + 1230);
    CHECK(rig.limited);
    config.nts.certs = 0;
    rig.no_memory = true;
    boot();
    CHECK(fake_said("tls: there is too little memory for it"));
    poll_after(10000);
    CHECK(!rig.listening);
}

/* The listener is told what clients are to be told. */
static void test_the_listener_has_what_was_configured(void **state)
{
    (void)state;
    boot();
    poll_after(5000);
    check_up();
    CHECK_EQ(rig.listener.port, 4460);
    CHECK_EQ(rig.listener.ntp_port, 0);
    CHECK(rig.listener.ntp_server == NULL);
    CHECK(rig.listener.limit == NULL);
    CHECK_EQ(rig.listener.connections, 100);
    CHECK_EQ(rig.listener.aeads, 2);
    CHECK_EQ(rig.listener.aead[0], AEAD_AES_128_GCM_SIV);
    CHECK(rig.listener.access == &config.access);
    poll_after(1);
    CHECK_EQ(rig.listener_polls, 2);
    CHECK_EQ(ke_service_next(&service), 7 * HZ);
    config.port = 11123;
    config.nts.ratelimit.enabled = true;
    strcpy(config.nts.ntp_server, "time.example");
    boot();
    poll_after(5000);
    CHECK_EQ(rig.listener.ntp_port, 11123);
    CHECK_TEXT(rig.listener.ntp_server, "time.example");
    CHECK(rig.listener.limit == &service.limit);
}

/* What fails is said once, and not tried for ever. */
static void test_what_fails_is_said(void **state)
{
    (void)state;
    rig.no_port = true;
    boot();
    poll_after(5000);
    CHECK(fake_said("nts: TCP port 4460 could not be listened on"));
    start(NULL);
    rig.no_server = true;
    boot();
    poll_after(5000);
    CHECK(fake_said("nts: TLS could not be set up"));
    fake_log[0] = 0;
    poll_after(5000);
    CHECK_TEXT(fake_log, "");
    CHECK(ke_service_next(&service) == UINT64_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(the_first_certificate_waits_for_addresses),
        TEST(the_clock_is_waited_for_but_not_for_ever),
        TEST(a_kept_certificate_is_shown_again),
        TEST(the_clock_judges_a_kept_certificate),
        TEST(a_kept_certificate_may_be_rotten),
        TEST(a_clock_at_its_start_makes_no_old_certificate),
        TEST(addresses_that_it_does_not_name_are_told),
        TEST(given_certificates_replace_our_own),
        TEST(the_end_of_a_certificate_is_told_each_day),
        TEST(what_is_not_wanted_takes_nothing),
        TEST(memory_is_taken_at_boot),
        TEST(the_listener_has_what_was_configured),
        TEST(what_fails_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
