/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of how often one client may ask. */
#include "ntp/limit.h"
#include "tests/check.h"

#define SETS 64

_Alignas(16) static struct limit_client memory[SETS * LIMIT_WAYS];
static struct limit limit;

static void start(const struct limit_config *config, uint64_t seed)
{
    limit_init(&limit, config, memory, sizeof(memory), seed);
}

/* Not to be configured, but it makes a bucket exact: one in 2^31 leaks. */
#define NO_LEAK 31

/* 8 s, 8 in a row. */
static const struct limit_config usual = {
    .enabled = true, .interval = 3, .burst = 8, .leak = 2};

static struct ip_addr6 host(uint32_t number)
{
    uint8_t v4[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                     (uint8_t)number};

    return ip_from_v4(v4);
}

static enum limit_verdict ask(uint32_t number, uint64_t now_ms)
{
    struct ip_addr6 from = host(number);

    return limit_check(&limit, &from, now_ms);
}

/* What the table has of that client, or NULL. */
static const struct limit_client *entry(uint32_t number)
{
    struct ip_addr6 addr = host(number);

    for (size_t i = 0; i < SETS * LIMIT_WAYS; i++) {
        if (memory[i].hits > 0 && ip_equal(&memory[i].addr, &addr))
            return &memory[i];
    }
    return NULL;
}

static void test_a_burst_passes_and_then_it_is_over(void **state)
{
    int passed = 0;

    (void)state;
    start(&usual, 1);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(ask(1, 1000), LIMIT_PASS);
    for (int i = 0; i < 4000; i++)
        passed += ask(1, 1000) == LIMIT_PASS;

    /* Only what leaks: a quarter of them, four standard deviations wide. */
    CHECK_NEAR(passed, 1000, 110);
    CHECK_EQ(entry(1)->hits, 4008);
    CHECK_EQ(entry(1)->drops, 4000 - passed);
}

/* For each interval that can be configured: its rate is exactly that. */
static void test_who_asks_at_the_interval_is_always_answered(void **state)
{
    (void)state;
    for (int8_t interval = 0; interval <= 12; interval++) {
        struct limit_config config = usual;
        uint64_t now_ms = 12345;

        config.interval = interval;
        config.burst = 1;
        start(&config, 2);
        for (int i = 0; i < 1000; i++, now_ms += 1000u << interval)
            CHECK_EQ(ask(1, now_ms), LIMIT_PASS);
    }
}

/* Asking more often does not earn more: tokens are neither lost nor made. */
static void test_the_long_run_rate_is_the_interval(void **state)
{
    static const struct {
        int8_t interval;
        uint64_t step_ms;
        uint64_t for_ms;
        int answers;
    } row[] = {{0, 1, 100000, 100},      {0, 7, 700000, 700},
               {-3, 1, 100000, 800},     {-2, 3, 300000, 1200},
               {-4, 1, 100000, 1600},    {-6, 1, 100000, 6400},
               {12, 1000, 40960000, 10}, {3, 77, 8000000, 1000}};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct limit_config config = usual;
        int answers = 0;

        config.interval = row[i].interval;
        config.burst = 2;
        config.leak = NO_LEAK;
        start(&config, 3);
        for (uint64_t t = 0; t < row[i].for_ms; t += row[i].step_ms)
            answers += ask(1, 1000 + t) == LIMIT_PASS;
        CHECK_NEAR(answers, row[i].answers, 2);
    }
}

static void test_idling_fills_the_bucket_but_not_more(void **state)
{
    (void)state;
    start(&usual, 4);
    for (int i = 0; i < 100; i++)
        ask(1, 1000);
    CHECK(entry(1)->tokens < limit.cost);
    ask(1, 1000 + 3 * 8000);
    CHECK_NEAR(entry(1)->tokens, 2 * limit.cost, limit.cost);
    for (uint64_t more_ms = 0; more_ms < 200000; more_ms += 999) {
        start(&usual, 4);
        for (int i = 0; i < 8; i++)
            ask(1, 1000);
        ask(1, 1000 + 8 * 8000 + more_ms);
        CHECK_EQ(entry(1)->tokens, limit.full - limit.cost);
    }
    ask(1, UINT64_MAX);
    CHECK_EQ(entry(1)->tokens, limit.full - limit.cost);
}

static void test_the_shortest_intervals_allow_bursts_of_a_millisecond(void **s)
{
    (void)s;
    for (int8_t interval = -19; interval < -3; interval++) {
        struct limit_config config = usual;
        int per_ms = 0;

        config.interval = interval;
        config.burst = 1;
        start(&config, 5);
        ask(1, 1000);
        ask(1, 1001);
        while (entry(1)->tokens >= limit.cost && per_ms < 100000) {
            CHECK_EQ(ask(1, 1001), LIMIT_PASS);
            per_ms++;
        }
        /* 2^-interval a second, of which one is gone; at least one. */
        CHECK_NEAR(per_ms, (1 << -interval) / 1000, 1);
    }
}

static void test_the_longest_interval_and_burst_fit(void **state)
{
    struct limit_config config = usual;

    (void)state;
    config.interval = 12;
    config.burst = 255;
    start(&config, 6);
    for (int i = 0; i < 255; i++)
        CHECK_EQ(ask(1, 1000), LIMIT_PASS);
    CHECK(entry(1)->tokens < limit.cost);
    CHECK(entry(1)->tokens >= 0);
}

static void test_a_leak_costs_what_was_saved_up(void **state)
{
    struct limit_config config = usual;
    uint64_t now_ms = 1000;

    (void)state;
    config.burst = 1;
    config.leak = 1;
    start(&config, 18);
    ask(1, now_ms);
    for (int leaks = 0; leaks < 100;) {
        int32_t had = entry(1)->tokens;

        if (ask(1, ++now_ms) == LIMIT_PASS) {
            CHECK_EQ(entry(1)->tokens, 0);
            leaks++;
        } else {
            CHECK_EQ(entry(1)->tokens, had + (1 << limit.shift));
        }
    }
}

static void test_kisses_are_one_in_so_many_of_the_refused(void **state)
{
    (void)state;
    for (uint8_t kod = 0; kod <= 4; kod++) {
        struct limit_config config = usual;
        double count[3] = {0};

        config.kod = kod;
        start(&config, 7);
        for (int i = 0; i < 20000; i++)
            count[ask(1, 1000)]++;

        double refused = count[LIMIT_DROP] + count[LIMIT_KISS];

        CHECK_NEAR(refused, 15000, 300);
        CHECK_NEAR(count[LIMIT_KISS], kod ? refused / (1 << kod) : 0, 300);
        CHECK_EQ(entry(1)->drops, count[LIMIT_DROP]);
    }
}

static void test_one_client_does_not_use_up_another(void **state)
{
    struct ip_addr6 a = {{0x20, 1}}, b = {{0x20, 1}};

    (void)state;
    start(&usual, 8);
    a.byte[15] = 1;
    b.byte[15] = 2;
    for (int i = 0; i < 100; i++)
        limit_check(&limit, &a, 1000);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(limit_check(&limit, &b, 1000), LIMIT_PASS);
}

static void test_without_ratelimit_it_only_notes(void **state)
{
    struct limit_config off = usual;

    (void)state;
    off.enabled = false;
    start(&off, 9);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_EQ(ask(1, 1000 + i), LIMIT_PASS);
    CHECK_EQ(entry(1)->hits, 1000);
    CHECK_EQ(entry(1)->drops, 0);
    CHECK_EQ(entry(1)->last_ms, 1999);
}

static void test_without_memory_everything_passes(void **state)
{
    (void)state;
    limit_init(&limit, &usual, memory,
               LIMIT_WAYS * sizeof(struct limit_client) - 1, 10);
    CHECK_EQ(limit.sets, 0);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(ask(1, 1000), LIMIT_PASS);
    limit_init(&limit, &usual, NULL, 0, 10);
    CHECK_EQ(ask(1, 1000), LIMIT_PASS);
}

static void test_the_table_stays_inside_its_memory(void **state)
{
    static const struct {
        size_t bytes;
        uint32_t sets;
    } row[] = {{0, 0},
               {LIMIT_WAYS * sizeof(struct limit_client), 1},
               {3 * LIMIT_WAYS * sizeof(struct limit_client), 2},
               {4 * LIMIT_WAYS * sizeof(struct limit_client) - 1, 2},
               {sizeof(memory), SETS}};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        memset(memory, 0xee, sizeof(memory));
        limit_init(&limit, &usual, memory, row[i].bytes, 11);
        CHECK_EQ(limit.sets, row[i].sets);
        for (uint32_t n = 0; n < 5000; n++)
            ask(n, 1000 + n);

        const uint8_t *end = (const uint8_t *)memory;
        for (size_t at = row[i].sets * LIMIT_WAYS * sizeof(memory[0]);
             at < sizeof(memory); at++)
            CHECK_EQ(end[at], 0xee);
    }
}

static void test_full_table_admits_newcomers(void **state)
{
    (void)state;
    start(&usual, 12);
    for (uint32_t n = 0; n < 10 * SETS * LIMIT_WAYS; n++) {
        CHECK_EQ(ask(n, 1000 + n), LIMIT_PASS);
        CHECK(entry(n) != NULL);
    }
    CHECK_EQ(limit.evicted, 9 * SETS * LIMIT_WAYS);
}

static void test_the_stalest_goes_first(void **state)
{
    uint64_t now_ms = 1000;

    (void)state;
    /* One set: eight clients fill it. */
    limit_init(&limit, &usual, memory, LIMIT_WAYS * sizeof(struct limit_client),
               13);
    for (uint32_t n = 0; n < LIMIT_WAYS; n++)
        ask(n, now_ms++);
    CHECK_EQ(limit.evicted, 0);

    ask(0, now_ms++);
    ask(100, now_ms++);
    CHECK_EQ(limit.evicted, 1);
    CHECK(entry(1) == NULL);
    for (uint32_t n = 0; n < LIMIT_WAYS; n++)
        CHECK((entry(n) != NULL) == (n != 1));
    ask(101, now_ms++);
    CHECK(entry(2) == NULL);
    CHECK(entry(0) != NULL);
}

/* Who does not know the seed cannot choose whom to push out. */
static void test_the_seed_decides_who_shares_a_set(void **state)
{
    int shared[2] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        start(&usual, seed);
        ask(1, 1000);
        ask(2, 1000);
        long apart =
            (entry(1) - memory) / LIMIT_WAYS - (entry(2) - memory) / LIMIT_WAYS;
        shared[apart == 0]++;
    }
    CHECK_NEAR(shared[1], 2000.0 / SETS, 25);
}

static void test_sets_are_evenly_used(void **state)
{
    (void)state;
    start(&usual, 14);
    /* Half as many clients as entries, in sequence as in a network. */
    for (uint32_t n = 0; n < SETS * LIMIT_WAYS / 2; n++)
        ask(n, 1000);
    CHECK(limit.evicted < SETS * LIMIT_WAYS / 2 / 20);
}

static void test_the_interval_follows_the_client(void **state)
{
    uint64_t now_ms = 1000;

    (void)state;
    start(&usual, 15);
    ask(1, now_ms);
    CHECK_EQ(entry(1)->interval, LIMIT_INTERVAL_UNKNOWN);
    for (int i = 0; i < 4; i++)
        ask(1, now_ms += 2000);
    CHECK_EQ(entry(1)->interval, 1);
    for (int i = 0; i < 5; i++)
        ask(1, now_ms += 64000);
    CHECK_EQ(entry(1)->interval, 6);
    for (int i = 0; i < 20; i++)
        ask(1, now_ms += 1);
    CHECK_EQ(entry(1)->interval, -10);
    for (int i = 0; i < 20; i++)
        ask(1, now_ms += 3000);
    CHECK_EQ(entry(1)->interval, 2);
    for (int i = 0; i < 20; i++)
        ask(1, now_ms += 2600);
    CHECK_EQ(entry(1)->interval, 1);
    for (int i = 0; i < 20; i++)
        ask(1, now_ms += (uint64_t)1 << 50);
    CHECK_EQ(entry(1)->interval, 30);
}

static void test_an_older_frame_after_a_newer_one_is_harmless(void **state)
{
    (void)state;
    start(&usual, 16);
    ask(1, 5000);
    ask(1, 4000);
    CHECK_EQ(entry(1)->last_ms, 5000);
    CHECK_EQ(entry(1)->tokens, limit.full - 2 * limit.cost);
}

static void test_counts_saturate(void **state)
{
    (void)state;
    start(&usual, 17);
    ask(1, 1000);
    for (size_t i = 0; i < SETS * LIMIT_WAYS; i++) {
        if (memory[i].hits > 0) {
            memory[i].hits = UINT32_MAX;
            memory[i].drops = UINT32_MAX;
            memory[i].tokens = 0;
        }
    }
    for (int i = 0; i < 20; i++)
        ask(1, 1000);
    CHECK_EQ(entry(1)->hits, UINT32_MAX);
    CHECK_EQ(entry(1)->drops, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_passes_and_then_it_is_over),
        cmocka_unit_test(test_who_asks_at_the_interval_is_always_answered),
        cmocka_unit_test(test_the_long_run_rate_is_the_interval),
        cmocka_unit_test(test_idling_fills_the_bucket_but_not_more),
        cmocka_unit_test(
            test_the_shortest_intervals_allow_bursts_of_a_millisecond),
        cmocka_unit_test(test_the_longest_interval_and_burst_fit),
        cmocka_unit_test(test_a_leak_costs_what_was_saved_up),
        cmocka_unit_test(test_kisses_are_one_in_so_many_of_the_refused),
        cmocka_unit_test(test_one_client_does_not_use_up_another),
        cmocka_unit_test(test_without_ratelimit_it_only_notes),
        cmocka_unit_test(test_without_memory_everything_passes),
        cmocka_unit_test(test_the_table_stays_inside_its_memory),
        cmocka_unit_test(test_full_table_admits_newcomers),
        cmocka_unit_test(test_the_stalest_goes_first),
        cmocka_unit_test(test_the_seed_decides_who_shares_a_set),
        cmocka_unit_test(test_sets_are_evenly_used),
        cmocka_unit_test(test_the_interval_follows_the_client),
        cmocka_unit_test(test_an_older_frame_after_a_newer_one_is_harmless),
        cmocka_unit_test(test_counts_saturate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
