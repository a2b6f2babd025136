/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what is kept of sources by NTS, and gone on with. */
/* links: boot/nts_sources */
#include "boot/nts_sources.h"

#include "arch/log.h"
#include "tests/check.h"

#define HZ   1000000ull
#define NOON 1800000000 /* 2027-01-15, s since 1970 */

static struct clock clock_of_client;
static struct client client;
static struct ke_clients all;
static struct upstream up;
static struct ke_client ke[3];
static struct state_data data;
static bool expired;          /* ke_client_resume() finds it so */
static int64_t not_after[3];  /* as it was asked */
static struct ip_addr6 at[3]; /* chosen */
static char text[300];        /* the last line of the log */
static const uint64_t now = 100000 * HZ;

static const uint8_t server_v4[4] = {192, 0, 2, 9};

void log_line(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
}

bool ke_clients_trust(struct ke_clients *k, uint32_t id, const uint8_t *bytes,
                      size_t len, const char **why)
{
    (void)id, (void)bytes;
    CHECK(k == &all);
    *why = "it is no certificate";
    return len > 1;
}

bool resolve_literal(const char *name, struct ip_addr6 *addr)
{
    *addr = ip_from_v4(server_v4);
    return strcmp(name, "192.0.2.9") == 0;
}

bool ke_client_resume(struct ke_client *k, const struct nts_client_keys *keys,
                      int64_t from, int64_t until, uint64_t now_ticks)
{
    CHECK_EQ(now_ticks, now);
    CHECK_EQ(from, NOON - 50);
    not_after[k - ke] = until;
    if (expired)
        return false;
    nts_client_set_keys(&k->nts, keys);
    k->not_before = from;
    k->not_after = until;
    return true;
}

void ke_client_chose(struct ke_client *k, const struct ip_addr6 *addr)
{
    at[k - ke] = *addr;
    k->ntp_addrs = 1;
}

/* Sources of these names, the second of which has two: nothing is agreed on. */
static int start(void **state)
{
    static const char *const name[] = {"a.example", "b.example", "b.example"};
    const struct clock_line line = {
        .base_ticks = now,
        .base_date = ntp_date_from_unix(NOON, 0),
        .rate = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .rate_after = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .leap_date = NTP_DATE_NEVER,
        .epoch = 1,
    };

    (void)state;
    memset(&clock_of_client, 0, sizeof(clock_of_client));
    clock_publish(&clock_of_client, &line);
    client.clock = &clock_of_client;
    all = (struct ke_clients){.client = &client, .refresh_ticks = 1000 * HZ};
    memset(&up, 0, sizeof(up));
    up.client = &client;
    up.ke = &all;
    up.ticks_per_s = HZ;
    memset(ke, 0, sizeof(ke));
    memset(not_after, 0, sizeof(not_after));
    memset(at, 0, sizeof(at));
    for (unsigned i = 0; i < 3; i++) {
        ke[i].all = &all;
        ke[i].name = name[i];
        ke[i].port = 4460;
        up.slot[3 * i] =
            (struct upstream_slot){.upstream = &up, .used = true, .ke = &ke[i]};
    }
    expired = false;
    text[0] = 0;
    return 0;
}

/* Each has keys and as many cookies, agreed on `age` s ago. */
static void agree(unsigned cookies, uint64_t age)
{
    for (unsigned i = 0; i < 3; i++) {
        struct nts_client_keys keys = {.aead = AEAD_AES_SIV_CMAC_256};
        uint8_t cookie[100];

        memset(keys.c2s, 0x10 + (int)i, sizeof(keys.c2s));
        memset(keys.s2c, 0x20 + (int)i, sizeof(keys.s2c));
        nts_client_set_keys(&ke[i].nts, &keys);
        for (unsigned c = 0; c < cookies; c++) {
            memset(cookie, (int)(16 * i + c), sizeof(cookie));
            CHECK(nts_client_add_cookie(&ke[i].nts, cookie, sizeof(cookie)));
        }
        ke[i].nts.proven = true;
        ke[i].agreed_ticks = now - age * HZ;
        ke[i].not_before = NOON - 50;
        ke[i].not_after = NOON + 500 + i;
        up.slot[3 * i].has_ntp = true;
        up.slot[3 * i].ntp_addr = ip_from_v4(server_v4);
        up.slot[3 * i].ntp_port = 123;
    }
}

static void save(void)
{
    memset(&data, 0xee, sizeof(data)); /* what was kept before */
    nts_sources_collect(&up, &data);
}

/* Another run, which goes on with what was saved. */
static void reboot(void)
{
    start(NULL);
    nts_sources_resume(&up, &data, now);
}

/* Each source goes on with its own keys and cookies, those of one name too, and
 * with what is known of them. */
static void test_what_is_kept_is_gone_on_with(void **state)
{
    (void)state;
    agree(8, 100);
    save();
    CHECK_EQ(data.upstreams, 3);
    reboot();
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(ke[i].nts.cookies, 8);
        CHECK_EQ(ke[i].nts.cookie[7].bytes[99], 16 * i + 7);
        CHECK_EQ(ke[i].nts.keys.aead, AEAD_AES_SIV_CMAC_256);
        CHECK_EQ(ke[i].nts.keys.c2s[0], 0x10 + i);
        CHECK_EQ(ke[i].nts.keys.s2c[0], 0x20 + i);
        CHECK_EQ(not_after[i], NOON + 500 + i);
        CHECK_EQ(ke[i].agreed_ticks, now - 100 * HZ);
        CHECK_EQ(ke[i].ntp_port, 123);
        CHECK_EQ(at[i].byte[15], 9);
    }
    CHECK_TEXT(text, "nts b.example: 8 cookies were kept, for 192.0.2.9");
    agree(1, 0);
    save();
    reboot();
    CHECK_TEXT(text, "nts b.example: 1 cookie was kept, for 192.0.2.9");
}

/* What never brought an answer, or has no cookie left, is not worth keeping;
 * nothing of what was kept before is left then. */
static void test_what_is_of_no_use_is_not_kept(void **state)
{
    static const struct state_upstream none;

    (void)state;
    agree(8, 0);
    ke[0].nts.proven = false;
    ke[1].nts.cookies = 0;
    up.slot[6].has_ntp = false;
    save();
    CHECK_EQ(data.upstreams, 0);
    for (unsigned i = 0; i < STATE_UPSTREAMS_MAX; i++)
        CHECK_EQ(memcmp(&data.upstream[i], &none, sizeof(none)), 0);
}

/* Of a certificate that has expired nothing is taken. */
static void test_an_expired_certificate_ends_it(void **state)
{
    (void)state;
    agree(8, 0);
    save();
    start(NULL);
    expired = true;
    nts_sources_resume(&up, &data, now);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(ke[i].nts.cookies, 0);
        CHECK_EQ(ke[i].ntp_addrs, 0);
    }
    CHECK(strstr(text, "certificate has expired") != NULL);
}

/* Keys as old as they may get, of a date that is not known or has not come,
 * of another algorithm, server or port are not used. */
static void test_odd_keys_are_not_gone_on_with(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        start(NULL);
        agree(8, i == 0 ? 1000 : i == 1 ? 999 : 0);
        save();
        struct state_upstream *u = &data.upstream[0];

        if (i == 2 || i == 7)
            u->unix_seconds = 0;
        if (i == 3 || i == 8)
            u->unix_seconds = NOON + 1;
        if (i == 4)
            u->aead = 77;
        if (i == 5)
            strcpy(u->server, "ntp.example");
        if (i == 6)
            u->ke_port = 4461;
        start(NULL);
        if (i >= 7)
            all.refresh_ticks = 0; /* of any age */
        nts_sources_resume(&up, &data, now);
        CHECK_EQ(ke[0].nts.has_keys, i == 1);
        CHECK_EQ(ke[0].nts.cookies, i == 1 ? 8 : 0);
    }
}

/* Files that are no anchors are named. */
static void test_who_cannot_be_trusted_is_told(void **state)
{
    static struct config config;

    (void)state;
    config.nts.trusteds = 2;
    config.nts.trusted[0].file =
        (struct config_file){(const uint8_t *)"x", 1, "a.pem"};
    config.nts.trusted[1].file =
        (struct config_file){(const uint8_t *)"xx", 2, "b.pem"};
    nts_sources_trust(&all, &config);
    CHECK_TEXT(text, "nts: nobody is trusted by a.pem: it is no certificate");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_is_gone_on_with),
        TEST(what_is_of_no_use_is_not_kept),
        TEST(an_expired_certificate_ends_it),
        TEST(odd_keys_are_not_gone_on_with),
        TEST(who_cannot_be_trusted_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
