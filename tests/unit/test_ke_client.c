/* SPDX-License-Identifier: BSD-2-Clause */
/* links: net/ke_client */
/* When NTS-KE is tried, what is believed of it, and when it is tried again. */
#include "net/ke_client.h"

#include "arch/entropy.h"
#include "arch/log.h"
#include "ntp/client.h"
#include "nts/record.h"

#include "tests/check.h"

#define HZ   1000000000ull
#define YEAR (365 * 86400ull)
#define NOON 1800000000 /* 2027-01-15, s since 1970 */

/* A server behind a TLS that is not there. */
struct tls {
    enum tls_state state;
    bool open, written;
    size_t at;
};

static struct {
    struct client_config config;
    struct clock clock;
    struct client client;
    struct ke_clients all;
    struct ke_client ke;
    struct tls tls;
    struct tls_peer peer; /* as it was connected to last */
    unsigned sessions;    /* begun */
    bool full;            /* no session is free */
    bool guessable;       /* there is too little entropy */
    bool refuses;         /* the certificate, say */
    bool silent;
    uint8_t answer[4096];
    size_t answer_len;
    enum resolve_state resolving;
    char asked_name[NTS_KE_NAME_MAX];
    uint64_t now;
    unsigned changed;
    char log[200]; /* the last line */
} rig;

void log_line(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(rig.log, sizeof(rig.log), format, arguments);
    va_end(arguments);
}

struct entropy_state entropy_state(void)
{
    return (struct entropy_state){.seeded = !rig.guessable};
}

bool tls_client_init(struct tls_client *c, const char *alpn)
{
    (void)c;
    CHECK_TEXT(alpn, "ntske/1");
    return true;
}

bool tls_client_trust(struct tls_client *c, const uint8_t *data, size_t len,
                      const char **why)
{
    (void)c, (void)data;
    *why = "nothing to trust";
    return len > 0;
}

struct tls *tls_connect(struct tls_client *c, const struct tls_peer *peer)
{
    CHECK(c == &rig.all.certset[0].tls);
    if (rig.full)
        return NULL;
    CHECK(!rig.tls.open);
    rig.peer = *peer;
    rig.sessions++;
    rig.tls = (struct tls){.state = TLS_HANDSHAKE, .open = true};
    return &rig.tls;
}

bool tls_wants_step(const struct tls *t)
{
    return !rig.silent && t->state == TLS_HANDSHAKE;
}

enum tls_state tls_step(struct tls *t)
{
    CHECK(t->open);
    t->state = rig.refuses ? TLS_FAILED : TLS_OPEN;
    return t->state;
}

enum tls_state tls_state(const struct tls *t)
{
    return t->state;
}

bool tls_write(struct tls *t, const uint8_t *data, size_t len)
{
    CHECK(t->open && !t->written && len > 0 && data);
    t->written = true;
    return true;
}

/* In pieces, and then they close. */
size_t tls_read(struct tls *t, uint8_t *buf, size_t room)
{
    size_t len = rig.answer_len - t->at;

    if (!t->written)
        return 0;
    if (len > 7)
        len = 7;
    CHECK(room >= len);
    memcpy(buf, rig.answer + t->at, len);
    t->at += len;
    if (len == 0 && rig.answer_len > 0)
        t->state = TLS_CLOSED;
    return len;
}

void tls_close(struct tls *t)
{
    CHECK(t->open);
    t->open = false;
}

void tls_abort(struct tls *t)
{
    tls_close(t);
}

bool tls_export(struct tls *t, const char *label, const uint8_t *context,
                size_t context_len, uint8_t *out, size_t len)
{
    CHECK(t->open);
    CHECK_TEXT(label, "EXPORTER-network-time-security");
    CHECK_EQ(context_len, 5);
    memset(out, context[3] + 100 * context[4], len);
    return true;
}

bool tls_validity(const struct tls *t, int64_t *from, int64_t *until)
{
    CHECK(t->open);
    *from = 1000;
    *until = 2000;
    return true;
}

const char *tls_why(const struct tls *t)
{
    CHECK_EQ(t->state, TLS_FAILED);
    return "it is no good";
}

void resolve_start(struct resolve *r, struct net *net, const char *name,
                   bool ipv4, bool ipv6, uint64_t now_ticks)
{
    (void)net, (void)now_ticks;
    CHECK(ipv4 && ipv6);
    r->state = RESOLVE_ASKING;
    strcpy(rig.asked_name, name);
}

enum resolve_state resolve_poll(struct resolve *r, uint64_t now_ticks)
{
    (void)now_ticks;
    r->state = rig.resolving;
    r->query[1].result = DNS_OK;
    r->query[1].addrs.count = 1;
    r->query[1].addrs.addr[0].byte[15] = 9;
    return rig.resolving;
}

void resolve_stop(struct resolve *r)
{
    r->state = RESOLVE_IDLE;
}

const char *resolve_text(enum resolve_state state)
{
    (void)state;
    return "no such name";
}

bool resolve_literal(const char *text, struct ip_addr6 *addr)
{
    memset(addr, 7, sizeof(*addr));
    return strcmp(text, "literal") == 0;
}

static void random_bytes(void *context, void *bytes, size_t len)
{
    (void)context;
    memset(bytes, 3, len);
}

static void note_change(void *arg)
{
    (void)arg;
    rig.changed++;
}

static const struct ip_addr6 server = {{1}}, elsewhere = {{2}};

static void record(uint16_t type, const void *body, size_t len)
{
    uint8_t *at = rig.answer + rig.answer_len;

    put_u16(at, 0x8000 | type);
    put_u16(at + 2, (uint16_t)len);
    memcpy(at + 4, body, len);
    rig.answer_len += 4 + len;
}

static void good_answer(const char *name)
{
    static const uint8_t cookie[64];

    rig.answer_len = 0;
    record(1, "\0\0", 2);
    record(4, "\0\x0f", 2);
    for (int i = 0; i < 8; i++)
        record(5, cookie, sizeof(cookie));
    if (name)
        record(6, name, strlen(name));
    record(7, "\0\x7c", 2);
    record(0, "", 0);
}

static void begin(void)
{
    struct client_start start = {
        .rate = (uint64_t)(0x1p80 / (double)HZ),
        .date = ntp_date_from_unix(NOON, 0),
        .random = random_bytes,
    };
    const char *why;

    memset(&rig, 0, sizeof(rig));
    client_config_default(&rig.config);
    client_init(&rig.client, &rig.config, &rig.clock, &start);
    rig.all = (struct ke_clients){
        .client = &rig.client,
        .ticks_per_s = HZ,
        .cipher = &aes_ct,
        .random = random_bytes,
        .changed = note_change,
    };
    CHECK(ke_clients_trust(&rig.all, 5, (const uint8_t *)"x", 1, &why));
    ke_client_init(&rig.ke, &rig.all, "ke.test", 4460, 5);
    good_answer(NULL);
}

/* The news of the next so many seconds. */
static enum ke_client_news pass(uint64_t seconds)
{
    uint64_t end = rig.now + seconds * HZ;
    enum ke_client_news news = KE_CLIENT_NOTHING;

    while (news == KE_CLIENT_NOTHING && rig.now <= end) {
        uint64_t next;

        news = ke_client_poll(&rig.ke, rig.now);
        if (news != KE_CLIENT_NOTHING)
            break;
        next = ke_client_next(&rig.ke);
        /* A loop that does not end would stay where it is. */
        if (next > rig.now)
            rig.now = next < end ? next : end + 1;
        else
            rig.now += HZ / 1000;
    }
    return news;
}

static void meet(void)
{
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
}

/* As an answer under NTS would. */
static void prove(void)
{
    rig.ke.nts.proven = true;
    pass(0);
}

static void test_keys_cookies_and_the_server_come_of_a_session(void **state)
{
    (void)state;
    begin();
    CHECK_EQ(pass(1000), KE_CLIENT_NOTHING); /* where should it ask? */
    CHECK_EQ(rig.sessions, 0);
    meet();
    CHECK_TEXT(rig.peer.name, "ke.test");
    CHECK_EQ(rig.peer.port, 4460);
    CHECK(ip_equal(&rig.peer.addr, &server));
    CHECK(!rig.tls.open);
    CHECK_EQ(rig.ke.nts.cookies, 8);
    CHECK_EQ(rig.ke.nts.keys.c2s[31], 15);
    CHECK_EQ(rig.ke.nts.keys.s2c[31], 115);
    CHECK_EQ(rig.ke.ntp_addrs, 1);
    CHECK(ip_equal(&rig.ke.ntp_addr[0], &server));
    CHECK_EQ(rig.ke.ntp_port, 124);
    for (int i = 0; i < KE_CLIENT_SESSIONS; i++)
        CHECK(!rig.all.session[i].used);
    CHECK_EQ(pass(YEAR), KE_CLIENT_NOTHING);
    CHECK_EQ(rig.sessions, 1);
}

static void test_a_copy_keeps_nothing_and_asks_at_once(void **state)
{
    (void)state;
    begin();
    meet();
    CHECK_EQ(pass(1), KE_CLIENT_NOTHING);
    ke_client_renew(&rig.ke, rig.now);
    CHECK_EQ(rig.ke.nts.cookies, 0);
    CHECK(!rig.ke.nts.has_keys);
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
    CHECK_EQ(rig.sessions, 2);

    /* In the middle of a session. */
    begin();
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(ke_client_poll(&rig.ke, rig.now), KE_CLIENT_NOTHING);
    CHECK(rig.tls.open);
    ke_client_renew(&rig.ke, rig.now);
    CHECK(!rig.tls.open);
    for (int i = 0; i < KE_CLIENT_SESSIONS; i++)
        CHECK(!rig.all.session[i].used);
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
}

static void test_the_server_may_be_elsewhere(void **state)
{
    (void)state;
    begin();
    good_answer("literal");
    meet();
    CHECK_EQ(rig.ke.ntp_addr[0].byte[0], 7);

    begin();
    good_answer("ntp.test");
    rig.resolving = RESOLVE_DONE;
    meet();
    CHECK_TEXT(rig.asked_name, "ntp.test");
    CHECK_EQ(rig.ke.ntp_addrs, 1);
    CHECK_EQ(rig.ke.ntp_addr[0].byte[15], 9);

    begin();
    good_answer("ntp.test");
    rig.resolving = RESOLVE_NO_NAME;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_FAILED);
    CHECK(strstr(rig.log, "ntp.test: no such name; next try in 10 s"));
    CHECK_EQ(rig.ke.nts.cookies, 0);
}

/* RFC 8915, 4.2: 10 s, half as much more each time, 5 days at most. */
static void test_failures_are_repeated_ever_less_often(void **state)
{
    (void)state;
    double expected = 10;

    begin();
    rig.refuses = true;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_FAILED);
    CHECK_TEXT(rig.log, "nts ke.test (100::): it is no good; next try in 10 s");
    for (unsigned i = 2; i < 40; i++) {
        uint64_t before = rig.now;

        CHECK_EQ(pass(YEAR), KE_CLIENT_FAILED);
        CHECK_EQ(rig.sessions, i);
        CHECK_NEAR((double)(rig.now - before) / (double)HZ, expected,
                   0.1 + expected / 10000);
        expected = expected * 1.5 < 432000 ? expected * 1.5 : 432000;
    }
}

static void test_success_counts_only_once_it_was_of_use(void **state)
{
    (void)state;
    begin();
    rig.refuses = true;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_FAILED);
    CHECK_EQ(pass(20), KE_CLIENT_FAILED);
    rig.refuses = false;
    CHECK_EQ(pass(20), KE_CLIENT_AGREED);
    /* NAKs: nothing was gained. */
    rig.ke.nts.refused = true;
    CHECK_EQ(pass(21), KE_CLIENT_NOTHING);
    CHECK_EQ(pass(2), KE_CLIENT_AGREED);
    CHECK_EQ(rig.changed, 0);

    prove();
    CHECK_EQ(rig.changed, 1);
    rig.ke.nts.refused = true;
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
}

static void test_what_is_of_no_use_is_forgotten(void **state)
{
    (void)state;
    begin();
    meet();
    ke_client_reject(&rig.ke, "it is our own", rig.now);
    CHECK(!rig.ke.nts.has_keys);
    CHECK(strstr(rig.log, "it is our own; next try in 10 s"));
    CHECK_EQ(pass(9), KE_CLIENT_NOTHING);
    CHECK_EQ(pass(2), KE_CLIENT_AGREED);
}

static void test_a_server_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    begin();
    rig.silent = true;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(7), KE_CLIENT_NOTHING);
    CHECK_EQ(pass(2), KE_CLIENT_FAILED);
    CHECK(strstr(rig.log, "no TLS handshake, in time"));
    CHECK(!rig.tls.open);

    begin();
    rig.answer_len = 0;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(9), KE_CLIENT_FAILED);
    CHECK(strstr(rig.log, "no answer to the NTS-KE request in time"));
}

static void test_a_bad_answer_leaves_nothing_behind(void **state)
{
    (void)state;
    begin();
    rig.answer_len -= 4; /* the End of Message */
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_FAILED);
    CHECK(strstr(rig.log, "before its End of Message"));
    CHECK(!rig.ke.nts.has_keys);
    CHECK_EQ(rig.ke.nts.cookies, 0);

    begin();
    rig.answer_len = 0;
    record(2, "\0\x01", 2);
    record(0, "", 0);
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_FAILED);
    CHECK(strstr(rig.log, "with an error: bad request; next try"));
}

static void test_old_keys_stay_until_there_are_new_ones(void **state)
{
    (void)state;
    begin();
    meet();
    prove();
    rig.ke.nts.refused = true;
    rig.refuses = true;
    CHECK_EQ(pass(1), KE_CLIENT_FAILED);
    CHECK(rig.ke.nts.has_keys);
    CHECK_EQ(rig.ke.nts.cookies, 8);
}

static void test_sessions_are_waited_for_without_a_penalty(void **state)
{
    (void)state;
    begin();
    rig.full = true;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(60), KE_CLIENT_NOTHING);
    rig.full = false;
    CHECK_EQ(pass(2), KE_CLIENT_AGREED);

    begin();
    for (int i = 0; i < KE_CLIENT_SESSIONS; i++)
        rig.all.session[i].used = true;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(60), KE_CLIENT_NOTHING);
    CHECK_EQ(rig.sessions, 0);
    rig.all.session[1].used = false;
    CHECK_EQ(pass(2), KE_CLIENT_AGREED);
}

/* TLS with keys that others may guess proves nothing. */
static void test_nobody_is_asked_before_there_is_entropy(void **state)
{
    (void)state;
    begin();
    rig.guessable = true;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(60), KE_CLIENT_NOTHING);
    CHECK_EQ(rig.sessions, 0);
    rig.guessable = false;
    CHECK_EQ(pass(2), KE_CLIENT_AGREED);
}

static void test_another_address_brings_other_keys(void **state)
{
    (void)state;
    begin();
    meet();
    prove();
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(YEAR), KE_CLIENT_NOTHING);
    ke_client_address(&rig.ke, &elsewhere, 0);
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
    CHECK(ip_equal(&rig.peer.addr, &elsewhere));
    CHECK_EQ(pass(YEAR), KE_CLIENT_NOTHING);
}

static void test_other_addresses_are_tried_without_a_pause(void **state)
{
    (void)state;
    begin();
    rig.refuses = true;
    for (unsigned round = 0; round < 2; round++) {
        ke_client_address(&rig.ke, &server, 2);
        CHECK_EQ(pass(11), KE_CLIENT_ELSEWHERE);
        CHECK(strstr(rig.log, "it is no good; next is another address"));
        ke_client_address(&rig.ke, &elsewhere, 2);
        CHECK_EQ(pass(1), KE_CLIENT_ELSEWHERE);
        CHECK(ip_equal(&rig.peer.addr, &elsewhere));
        CHECK_EQ(pass(1), KE_CLIENT_FAILED);
        CHECK(strstr(rig.log, round ? "in 15 s" : "in 10 s"));
        CHECK_EQ(pass(9), KE_CLIENT_NOTHING);
        rig.now += 5 * HZ;
        CHECK_EQ(rig.sessions, 3 * (round + 1));
    }
}

static void test_keys_are_refreshed_in_time(void **state)
{
    (void)state;
    begin();
    rig.all.refresh_ticks = 3600 * HZ;
    meet();
    prove();
    CHECK_EQ(pass(3598), KE_CLIENT_NOTHING);
    CHECK_EQ(pass(3), KE_CLIENT_AGREED);
    CHECK_EQ(rig.sessions, 2);
}

static void test_without_anybody_to_trust_nobody_is_asked(void **state)
{
    (void)state;
    const char *why;

    begin();
    ke_client_init(&rig.ke, &rig.all, "ke.test", 4460, 6);
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(YEAR), KE_CLIENT_NOTHING);
    CHECK_EQ(rig.sessions, 0);
    CHECK(!ke_clients_trust(&rig.all, 6, (const uint8_t *)"", 0, &why));
    CHECK_TEXT(why, "nothing to trust");
}

static void test_before_the_first_set_dates_have_one_bound(void **state)
{
    (void)state;
    begin();
    meet();
    CHECK_EQ(rig.peer.earliest, NOON);
    CHECK_EQ(rig.peer.latest, INT64_MAX);
    CHECK_EQ(rig.ke.nts.not_before, 1000);
    CHECK_EQ(rig.ke.nts.not_after, 2000);

    /* Then they have both, and a reply none. */
    rig.client.set = true;
    pass(0);
    CHECK_EQ(rig.ke.nts.not_after, 0);
    ke_client_address(&rig.ke, &elsewhere, 0);
    CHECK_EQ(pass(20), KE_CLIENT_AGREED);
    CHECK_EQ(rig.peer.earliest, rig.peer.latest);
    CHECK_NEAR(rig.peer.earliest, NOON + 10, 2);
    CHECK_EQ(rig.ke.nts.not_after, 0);

    /* Nobody told us the date: it is 2026 at least. */
    begin();
    rig.client.start.date = 0;
    discipline_init(&rig.client.discipline, &rig.clock,
                    &(struct raw_scale){0, 0, rig.client.start.rate});
    meet();
    CHECK_EQ(rig.peer.earliest, CLIENT_LEAST_UNIX);
}

static void test_nocerttimecheck_counts_updates_of_the_clock(void **state)
{
    (void)state;
    static const struct {
        int32_t count;
        bool set;
        uint32_t updates;
        bool checks;
    } want[] = {
        {0, false, 0, true}, {1, false, 0, false}, {1, true, 0, true},
        {3, true, 1, false}, {3, true, 2, true},   {-1, true, 99, false},
    };

    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        begin();
        rig.all.no_cert_time_check = want[i].count;
        rig.client.set = want[i].set;
        rig.client.updates = want[i].updates;
        meet();
        CHECK_EQ(rig.peer.earliest != INT64_MIN, want[i].checks);
        CHECK(want[i].checks || rig.peer.latest == INT64_MAX);
        CHECK(want[i].checks || rig.ke.nts.not_after == 0);
    }
}

/* Keys of a run before, of a certificate that ends then. */
static bool resume(int64_t not_after)
{
    const struct nts_client_keys keys = {.aead = AEAD_AES_SIV_CMAC_256};
    static const uint8_t cookie[100] = {7};

    if (!ke_client_resume(&rig.ke, &keys, NOON - 1000, not_after, rig.now))
        return false;
    CHECK(nts_client_add_cookie(&rig.ke.nts, cookie, sizeof(cookie)));
    return true;
}

/* What is kept of an agreement is how long its certificate is valid, whether or
 * not that has to be minded in this run. */
static void test_the_validity_of_the_certificate_is_kept(void **state)
{
    (void)state;
    for (unsigned set = 0; set < 2; set++) {
        begin();
        rig.client.set = set;
        meet();
        CHECK_EQ(rig.ke.not_before, 1000);
        CHECK_EQ(rig.ke.not_after, 2000);
        CHECK(!rig.ke.resumed);
    }
}

/* Nothing of a certificate that has expired is gone on with, as far as the date
 * is known; where it is not known for how long it was good, nothing is. */
static void test_expired_keys_are_not_resumed(void **state)
{
    (void)state;
    begin();
    CHECK(!resume(NOON - 1));
    CHECK(!rig.ke.nts.has_keys);
    CHECK(!resume(0));
    rig.all.no_cert_time_check = -1;
    CHECK(resume(NOON - 1));
    CHECK(rig.ke.nts.has_keys);
    begin();
    CHECK(resume(NOON));
    CHECK(rig.ke.nts.has_keys);
    CHECK_EQ(rig.ke.nts.not_before, NOON - 1000);
    CHECK_EQ(rig.ke.nts.not_after, NOON);

    /* Nobody told the date: it is 2026 at least. */
    begin();
    rig.client.start.date = 0;
    discipline_init(&rig.client.discipline, &rig.clock,
                    &(struct raw_scale){0, 0, rig.client.start.rate});
    CHECK(!resume(CLIENT_LEAST_UNIX - 1));
    CHECK(resume(CLIENT_LEAST_UNIX));
}

/* They end with the certificate, once the clock that says so is set. */
static void test_resumed_keys_end_with_their_certificate(void **state)
{
    (void)state;
    begin();
    CHECK(resume(NOON + 100));
    ke_client_address(&rig.ke, &server, 0);
    rig.now += 200 * HZ; /* by a guess */
    CHECK_EQ(pass(1), KE_CLIENT_NOTHING);
    CHECK(rig.ke.nts.has_keys);

    begin();
    CHECK(resume(NOON + 100));
    rig.client.set = true;
    ke_client_address(&rig.ke, &server, 0);
    rig.now += 99 * HZ;
    CHECK_EQ(pass(0), KE_CLIENT_NOTHING);
    CHECK(rig.ke.nts.has_keys);
    CHECK_EQ(rig.sessions, 0);
    rig.now += 2 * HZ;
    ke_client_poll(&rig.ke, rig.now);
    CHECK(!rig.ke.nts.has_keys);
    CHECK_EQ(rig.ke.nts.cookies, 0);
    CHECK(strstr(rig.log, "has expired"));
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);

    /* Those of this run were good when they were agreed on. */
    begin();
    CHECK(resume(NOON + YEAR));
    rig.client.set = true;
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_NOTHING);
    ke_client_address(&rig.ke, &elsewhere, 0);
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
    prove();
    CHECK_EQ(rig.ke.not_after, 2000);
    CHECK_EQ(pass(1), KE_CLIENT_NOTHING);
    CHECK(rig.ke.nts.has_keys);
    CHECK_EQ(rig.sessions, 1);
}

/* A server whose time its kept certificate does not cover may have another one
 * by now: it is asked. */
static void test_a_time_outside_of_a_kept_certificate_brings_new_keys(void **s)
{
    (void)s;
    begin();
    CHECK(resume(NOON + YEAR));
    ke_client_address(&rig.ke, &server, 0);
    CHECK_EQ(pass(1), KE_CLIENT_NOTHING);
    rig.ke.nts.outside = true;
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
    /* Of a certificate that was shown just now, it is a lie. */
    rig.ke.nts.outside = true;
    CHECK_EQ(pass(1), KE_CLIENT_NOTHING);
    CHECK(rig.ke.nts.has_keys);
    CHECK_EQ(rig.sessions, 1);
}

/* A NAK is told once, with the time at which there is something to be done. */
static void test_a_nak_is_told_with_the_next_try(void **state)
{
    (void)state;
    begin();
    meet();
    prove();
    rig.ke.ask_ticks = rig.now + 64 * HZ;
    rig.ke.nts.nak = true;
    pass(0);
    CHECK(strstr(rig.log, "nts ke.test: "));
    CHECK(strstr(rig.log, "; next try in 64 s"));
    rig.log[0] = 0;
    rig.ke.nts.nak = false;
    rig.ke.nts.refused = true;
    CHECK_EQ(pass(1), KE_CLIENT_AGREED);
    CHECK(!strstr(rig.log, "NAK"));

    /* Nothing was gained by those: it is asked less often. */
    pass(0);
    rig.ke.ask_ticks = rig.now + HZ;
    rig.ke.nts.nak = true;
    pass(0);
    CHECK(strstr(rig.log, "; next try in 10 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_cookies_and_the_server_come_of_a_session),
        cmocka_unit_test(test_a_copy_keeps_nothing_and_asks_at_once),
        cmocka_unit_test(test_the_server_may_be_elsewhere),
        cmocka_unit_test(test_failures_are_repeated_ever_less_often),
        cmocka_unit_test(test_success_counts_only_once_it_was_of_use),
        cmocka_unit_test(test_what_is_of_no_use_is_forgotten),
        cmocka_unit_test(test_a_server_that_says_nothing_is_given_up),
        cmocka_unit_test(test_a_bad_answer_leaves_nothing_behind),
        cmocka_unit_test(test_old_keys_stay_until_there_are_new_ones),
        cmocka_unit_test(test_sessions_are_waited_for_without_a_penalty),
        cmocka_unit_test(test_nobody_is_asked_before_there_is_entropy),
        cmocka_unit_test(test_another_address_brings_other_keys),
        cmocka_unit_test(test_other_addresses_are_tried_without_a_pause),
        cmocka_unit_test(test_keys_are_refreshed_in_time),
        cmocka_unit_test(test_without_anybody_to_trust_nobody_is_asked),
        cmocka_unit_test(test_the_validity_of_the_certificate_is_kept),
        cmocka_unit_test(test_expired_keys_are_not_resumed),
        cmocka_unit_test(test_resumed_keys_end_with_their_certificate),
        cmocka_unit_test(
            test_a_time_outside_of_a_kept_certificate_brings_new_keys),
        cmocka_unit_test(test_a_nak_is_told_with_the_next_try),
        cmocka_unit_test(test_before_the_first_set_dates_have_one_bound),
        cmocka_unit_test(test_nocerttimecheck_counts_updates_of_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
