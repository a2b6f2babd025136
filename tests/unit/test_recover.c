/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what is done after a disruption, and in which order. */
/* links: boot/recover boot/generation drivers/disruption drivers/rtc
 * drivers/rtc_edge */
/* links: arch/fmt arch/tsc arch/tsc_measure arch/tsc_watch tests/fake/cpuid */
#include "boot/recover.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/io.h"
#include "arch/log.h"
#include "net/tls.h"
#include "tests/check.h"

#define HZ 1000000000ull

static struct recover r;
static struct clock clock_of_client;
static struct client client;
static struct client_config config;
static struct net net;
static struct nts_service nts;
static struct upstream upstream;
static struct tsc tsc;
static struct refclocks refclocks;
static uint8_t id[16];
static uint64_t now;
static char did[200];  /* what was done, in order */
static char text[500]; /* the last line of the log */
static uint8_t saved[16];

static void done(const char *what)
{
    strncat(did, what, sizeof(did) - strlen(did) - 1);
}

uint64_t counter_read(void)
{
    return now;
}

/* There is no RTC, no state and no kvm-clock. */

bool kvmclock_changed(struct kvmclock *k)
{
    (void)k;
    fail_msg("it is looked at");
    return false;
}

void kvmclock_anchor(struct kvmclock *k)
{
    (void)k;
    fail_msg("it is looked at");
}

bool kvmclock_kept_up(struct kvmclock *k, uint64_t ticks_per_s)
{
    (void)k, (void)ticks_per_s;
    fail_msg("it is looked at");
    return false;
}

uint8_t in8(uint16_t port)
{
    (void)port;
    fail_msg("a port is read");
    return 0;
}

void out8(uint16_t port, uint8_t value)
{
    (void)port, (void)value;
    fail_msg("a port is written");
}

const struct state_data *state_loaded(const struct state *s)
{
    return &s->loaded;
}

void state_drop_upstreams(struct state *s)
{
    (void)s;
    fail_msg("nothing was loaded");
}

void log_line(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
}

void fastpath_disown(struct fastpath *fp)
{
    fp->stale = true;
    client.lost = true;
}

bool fastpath_disrupted(struct fastpath *fp)
{
    if (disruption_look(&r.watch, now)) {
        fastpath_disown(fp);
        return true;
    }
    return fp->stale;
}

bool net_is_stale(struct net *n)
{
    return fastpath_disrupted(&n->fast);
}

void entropy_watch(uint32_t (*epoch)(void *arg), void *arg)
{
    (void)epoch, (void)arg;
}

void entropy_renew(void)
{
    done("entropy ");
}

void nts_service_renew(struct nts_service *s)
{
    (void)s;
    done("nts ");
}

void tls_abort_all(void)
{
    done("tls ");
}

void net_silence(struct net *n)
{
    (void)n;
    done("silence ");
}

void net_renew(struct net *n)
{
    (void)n;
    done("net ");
}

void upstream_renew(struct upstream *u, uint64_t now_ticks)
{
    (void)u, (void)now_ticks;
    done("upstream ");
}

void refclocks_renew(struct refclocks *c)
{
    (void)c;
    done("refclocks ");
}

/* What boot/remember.c would save then. */
static void dropped(void *arg)
{
    struct state_data data = {0};

    (void)arg;
    generation_collect(&r.generation, &data);
    CHECK(data.has_generation_id);
    memcpy(saved, data.generation_id, sizeof(saved));
    done("dropped ");
}

static void random_bytes(void *context, void *bytes, size_t len)
{
    (void)context;
    memset(bytes, 1, len);
}

static bool ask_clocks(struct client_start *start, bool hosts)
{
    (void)start, (void)hosts;
    return false;
}

static void tell_rates(struct tsc *t)
{
    tsc_tell(t, "the test", HZ);
}

static void boot(bool has_id)
{
    const struct recover_setup setup = {
        .places = {.vmgenid = {.id = has_id ? id : NULL},
                   .invariant = true,
                   .ticks_per_s = HZ},
        .client = &client,
        .net = &net,
        .nts = &nts,
        .upstream = &upstream,
        .tsc = &tsc,
        .tell_rates = tell_rates,
        .refclocks = &refclocks,
        .ask_clocks = ask_clocks,
        .dropped = dropped,
        .ticks_per_s = HZ,
    };

    const struct client_start start = {.rate = (uint64_t)(0x1p80 / (double)HZ),
                                       .random = random_bytes};

    now = HZ;
    did[0] = 0;
    memset(saved, 0, sizeof(saved));
    memset(&net, 0, sizeof(net));
    client_config_default(&config);
    client_init(&client, &config, &clock_of_client, &start);
    memset(id, 1, sizeof(id));
    tsc_init(&tsc);
    tell_rates(&tsc);
    CHECK(tsc_measure(&tsc, NULL, 0));
    recover_start(&r, &setup, now);
    text[0] = 0;
}

static void poll(void)
{
    now += HZ / 100;
    recover_poll(&r, now);
}

static void test_nothing_is_done_without_a_disruption(void **state)
{
    (void)state;
    boot(true);
    CHECK(r.generation.known);
    CHECK_EQ(memcmp(r.generation.id, id, 16), 0);
    for (unsigned i = 0; i < 100; i++)
        poll();
    CHECK_TEXT(did, "");
    CHECK_TEXT(text, "");
}

/* Generators first, then what they made; what is dropped is dropped before it
 * is said that it was. */
static void test_all_is_renewed_once_and_in_order(void **state)
{
    (void)state;
    boot(true);
    id[15] = 2;
    poll();
    CHECK_TEXT(did, "entropy nts silence tls net upstream refclocks dropped ");
    CHECK(strstr(text, "noticed by a new VM generation ID") != NULL);
    CHECK(!net.fast.stale);
    poll();
    CHECK_TEXT(did, "entropy nts silence tls net upstream refclocks dropped ");
    client.lost = false;
    client.set = true;
    poll();
    CHECK(strstr(text, "audit: disruption noticed by a new VM generation ID: "
                       "the clock was 0.000000 s behind, service was withheld "
                       "for 0.02") != NULL);
}

static void test_a_counter_set_back_amid_one_is_no_long_one(void **state)
{
    (void)state;
    boot(true);
    now = 1000 * HZ;
    recover_poll(&r, now);
    id[15] = 2;
    poll();
    now = 900 * HZ;
    id[15] = 3;
    poll();
    client.lost = false;
    client.set = true;
    poll();
    CHECK(strstr(text, "service was withheld for 0.01") != NULL);
}

/* A new ID while running is the one that is saved from then on. */
static void test_a_new_id_is_what_is_kept(void **state)
{
    (void)state;
    boot(true);
    for (unsigned i = 2; i < 5; i++) {
        memset(id, (int)i, sizeof(id));
        poll();
        CHECK_EQ(memcmp(saved, id, 16), 0);
        CHECK_EQ(memcmp(r.generation.id, id, 16), 0);
    }
}

/* What was learned before a copy was made is not kept under the copy's ID:
 * that is the one of what was renewed last. */
static void test_an_id_is_taken_with_what_it_was_renewed_for(void **state)
{
    struct state_data data = {0};

    (void)state;
    boot(true);
    id[0] = 9;
    CHECK(disruption_look(&r.watch, now)); /* at interrupt level */
    generation_collect(&r.generation, &data);
    CHECK_EQ(data.generation_id[0], 1);
    poll();
    generation_collect(&r.generation, &data);
    CHECK_EQ(data.generation_id[0], 9);
}

static void test_without_an_id_none_is_kept(void **state)
{
    struct state_data data = {.has_generation_id = true};

    (void)state;
    boot(false);
    generation_collect(&r.generation, &data);
    CHECK(!data.has_generation_id);
}

/* The watch goes by the best rate there is, and by none that is known worse. */
static void test_the_watch_learns_the_rate(void **state)
{
    (void)state;
    boot(true);
    tsc.best.bound_ppb /= 2;
    tsc.best.hz = HZ + 1000;
    poll();
    CHECK_EQ(r.watch.at.ticks_per_s, HZ + 1000);
    tsc.best.bound_ppb *= 2;
    tsc.best.hz = HZ - 1000;
    poll();
    CHECK_EQ(r.watch.at.ticks_per_s, HZ + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_done_without_a_disruption),
        cmocka_unit_test(test_all_is_renewed_once_and_in_order),
        cmocka_unit_test(test_a_counter_set_back_amid_one_is_no_long_one),
        cmocka_unit_test(test_a_new_id_is_what_is_kept),
        cmocka_unit_test(test_an_id_is_taken_with_what_it_was_renewed_for),
        cmocka_unit_test(test_without_an_id_none_is_kept),
        cmocka_unit_test(test_the_watch_learns_the_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
