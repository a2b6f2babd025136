/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of where cookie keys come from, and of their rotation. */
/* links: boot/nts */
#include "boot/nts.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/log.h"
#include "tests/check.h"

#define HZ     1000u
#define S(n)   ((uint64_t)(n)*HZ)
#define WEEK_S 604800

/* The machine: a counter, entropy that counts, a log. */
static uint64_t ticks;
static uint8_t entropy;
static bool seeded;
static unsigned changes;
static char said[1000];

uint64_t counter_read(void)
{
    return ticks;
}

void entropy_fill(void *buf, size_t len)
{
    memset(buf, ++entropy, len);
}

void entropy_draw(struct rng *r, void *buf, size_t len)
{
    static const uint64_t fresh[RNG_FRESH];

    rng_fill(r, fresh, buf, len);
}

void entropy_seed(struct rng *r)
{
    rng_mix(r, &entropy, 1);
    rng_ready(r);
}

struct entropy_state entropy_state(void)
{
    return (struct entropy_state){.seeded = seeded};
}

void log_line(const char *fmt, ...)
{
    va_list args;
    size_t at = strlen(said);

    va_start(args, fmt);
    vsnprintf(said + at, sizeof(said) - at, fmt, args);
    va_end(args);
}

static void changed(void *arg)
{
    CHECK(arg == &changes);
    changes++;
}

static struct config config;
static struct state_data kept;
static struct nts_service service;
static const struct ntp_server plain;

static int start(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&kept, 0, sizeof(kept));
    config.port = 123;
    config.nts.server = true;
    config.nts.rotate_s = WEEK_S;
    ticks = S(10);
    entropy = 0;
    seeded = true;
    changes = 0;
    said[0] = '\0';
    return 0;
}

static void begin(void)
{
    const struct nts_setup setup = {.config = &config,
                                    .kept = &kept,
                                    .ntp = &plain,
                                    .cipher = &aes_ct,
                                    .ticks_per_s = HZ,
                                    .changed = changed,
                                    .arg = &changes};

    nts_service_start(&service, &setup, ticks);
}

static struct nts_key_bytes key_of(uint32_t id)
{
    return (struct nts_key_bytes){.id = id, .key = {(uint8_t)id}};
}

/* The id of the key so many rotations before the newest; 0: there is none. */
static uint32_t id_of(unsigned age)
{
    struct nts_key_bytes bytes[NTS_KEYS_KEPT];

    return age < nts_keys_save(&service.keys, bytes) ? bytes[age].id : 0;
}

static void test_the_first_key_is_random_and_to_be_kept(void **state)
{
    (void)state;
    begin();
    CHECK(service.on);
    CHECK_EQ(id_of(0), 0x01010101);
    CHECK_EQ(id_of(1), 0);
    CHECK_EQ(changes, 1);
    CHECK(strstr(said, "a new cookie key"));
}

static void test_kept_keys_are_used_again(void **state)
{
    (void)state;
    kept.nts.count = 2;
    kept.nts.key[0] = key_of(9);
    kept.nts.key[1] = key_of(8);
    begin();
    CHECK_EQ(id_of(0), 9);
    CHECK_EQ(id_of(1), 8);
    CHECK_EQ(id_of(2), 0);
    CHECK_EQ(changes, 0);
}

static void test_given_keys_come_first_and_stay(void **state)
{
    (void)state;
    kept.nts.count = 1;
    kept.nts.key[0] = key_of(9);
    config.nts.given_count = 2;
    config.nts.given[0] = key_of(21);
    config.nts.given[1] = key_of(20);
    config.nts.server = false; /* key establishment is another machine's */
    begin();
    CHECK(service.on);
    CHECK_EQ(id_of(0), 21);
    CHECK_EQ(id_of(1), 20);
    CHECK(nts_service_next(&service) == UINT64_MAX);
    ticks += S(10 * WEEK_S);
    nts_service_poll(&service, ticks);
    CHECK_EQ(id_of(0), 21);

    /* They are not ours to keep: those of before still are. */
    nts_service_collect(&service, &kept);
    CHECK_EQ(kept.nts.key[0].id, 9);
}

static void test_keys_rotate_when_they_are_old_enough(void **state)
{
    (void)state;
    begin();
    for (unsigned n = 1; n <= 4; n++) {
        uint32_t newest = id_of(0);
        uint64_t due = nts_service_next(&service);

        CHECK_EQ(due, S(10) + n * S(WEEK_S));
        nts_service_poll(&service, due - 1);
        CHECK_EQ(id_of(0), newest);
        nts_service_poll(&service, due);
        CHECK(id_of(0) != newest);
        CHECK_EQ(id_of(1), newest);
        CHECK_EQ(changes, 1 + n);

        /* The retired one is wiped soon after. */
        CHECK(nts_service_next(&service) > due);
        CHECK(nts_service_next(&service) < due + S(60));
        nts_service_poll(&service, nts_service_next(&service));
    }
}

static void test_a_retired_key_is_wiped(void **state)
{
    unsigned wiped = 0;

    (void)state;
    kept.nts.count = 3;
    for (uint32_t i = 0; i < 3; i++)
        kept.nts.key[i] = key_of(30 - i);
    begin();
    nts_service_poll(&service, nts_service_next(&service));
    for (unsigned i = 0; i < NTS_KEYS_SLOTS; i++)
        CHECK(service.keys.slot[i].bytes.id != 0);
    nts_service_poll(&service, nts_service_next(&service));
    for (unsigned i = 0; i < NTS_KEYS_SLOTS; i++)
        wiped += service.keys.slot[i].bytes.id == 0;
    CHECK_EQ(wiped, 1);
    CHECK_EQ(id_of(2), 29);
}

/* The age goes on where it was: the time that the machine was off is left
 * out. */
static void test_the_age_is_operating_time(void **state)
{
    (void)state;
    begin();
    ticks += S(400000);
    nts_service_collect(&service, &kept);
    CHECK_EQ(kept.nts.count, 1);
    CHECK_EQ(kept.nts.age_s, 400000);

    ticks = S(3);
    begin();
    CHECK_EQ(nts_service_next(&service), S(3 + WEEK_S - 400000));
    ticks += S(1000);
    nts_service_collect(&service, &kept);
    CHECK_EQ(kept.nts.age_s, 401000);

    kept.nts.age_s = 2 * WEEK_S;
    begin();
    CHECK_EQ(nts_service_next(&service), ticks);
}

static void test_rotation_goes_on_when_the_counter_is_set_back(void **state)
{
    (void)state;
    ticks = S(10 * WEEK_S);
    begin();
    uint32_t first = id_of(0);

    ticks = S(5);
    nts_service_collect(&service, &kept);
    CHECK_EQ(kept.nts.age_s, 0);
    for (int i = 0; i < WEEK_S / 3600 + 2; i++) {
        nts_service_poll(&service, ticks);
        ticks += S(3600);
    }
    CHECK(id_of(0) != first);
    CHECK(service.due_ticks <= ticks + S(WEEK_S));
}

static void test_a_long_pause_retires_one_key_only(void **state)
{
    (void)state;
    begin();
    uint32_t first = id_of(0);

    ticks += S(20 * WEEK_S);
    for (int i = 0; i < 10; i++) {
        nts_service_poll(&service, ticks);
        ticks += S(1);
    }
    CHECK_EQ(id_of(1), first);
    CHECK_EQ(id_of(2), 0);
}

static void test_rotation_may_be_off(void **state)
{
    (void)state;
    config.nts.rotate_s = 0;
    begin();
    CHECK(nts_service_next(&service) == UINT64_MAX);
    ticks += S(500 * WEEK_S);
    nts_service_poll(&service, ticks);
    CHECK_EQ(id_of(1), 0);
    nts_service_collect(&service, &kept);
    CHECK_EQ(kept.nts.age_s, (uint64_t)500 * WEEK_S);
}

static void test_too_little_entropy_refuses_nts(void **state)
{
    (void)state;
    seeded = false;
    kept.nts.count = 1;
    begin();
    CHECK(!service.on);
    CHECK(nts_keys_newest(&service.keys) == NULL);
    CHECK_TEXT(said, "nts: refused: too little entropy");
    CHECK(nts_service_next(&service) == UINT64_MAX);
    nts_service_poll(&service, ticks + S(10 * WEEK_S));
    nts_service_renew(&service);
    CHECK(nts_keys_newest(&service.keys) == NULL);

    /* What was kept is still there for a better day. */
    nts_service_collect(&service, &kept);
    CHECK_EQ(kept.nts.count, 1);
}

static void test_who_serves_nobody_has_no_keys(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        start(NULL);
        config.port = i == 0 ? 0 : 123;
        config.nts.server = i != 1;
        config.refused = i == 2;
        begin();
        CHECK(!service.on);
        CHECK_TEXT(said, "");
    }
}

static void test_each_level_has_a_generator_of_its_own(void **state)
{
    uint8_t fast[32], again[32], slow[32];

    (void)state;
    begin();
    CHECK(service.fast.keys == &service.keys);
    CHECK(service.slow.keys == &service.keys);
    service.fast.random(service.fast.context, fast, sizeof(fast));
    service.slow.random(service.slow.context, slow, sizeof(slow));
    CHECK(memcmp(fast, slow, sizeof(fast)) != 0);
    CHECK_EQ(slow[0], entropy);

    /* Renewed, it goes another way. */
    struct rng before = service.rng;

    service.fast.random(service.fast.context, fast, sizeof(fast));
    service.rng = before;
    nts_service_renew(&service);
    service.fast.random(service.fast.context, again, sizeof(again));
    CHECK(memcmp(fast, again, sizeof(fast)) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
        TEST(the_first_key_is_random_and_to_be_kept),
        TEST(kept_keys_are_used_again),
        TEST(given_keys_come_first_and_stay),
        TEST(keys_rotate_when_they_are_old_enough),
        TEST(a_retired_key_is_wiped),
        TEST(the_age_is_operating_time),
        TEST(rotation_goes_on_when_the_counter_is_set_back),
        TEST(a_long_pause_retires_one_key_only),
        TEST(rotation_may_be_off),
        TEST(too_little_entropy_refuses_nts),
        TEST(who_serves_nobody_has_no_keys),
        TEST(each_level_has_a_generator_of_its_own),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
