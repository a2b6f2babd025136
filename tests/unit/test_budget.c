/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of how much of the processor interrupt level gets. */
#include "arch/budget.h"

#include "tests/check.h"

#define RATE 1000000000 /* a tick is a nanosecond */
#define MS   1000000

/* For each interrupt, when it began and how long it took. */
struct busy {
    uint64_t start[20000];
    uint64_t len[20000];
    unsigned count;
};

static struct busy busy;

/* The most time that interrupts took of any 20 ms that begin with one. */
static uint64_t worst_window(void)
{
    uint64_t worst = 0;

    for (unsigned i = 0; i < busy.count; i++) {
        uint64_t end = busy.start[i] + 20 * MS;
        uint64_t sum = 0;

        for (unsigned k = i; k < busy.count && busy.start[k] < end; k++) {
            uint64_t stop = busy.start[k] + busy.len[k];

            sum += (stop < end ? stop : end) - busy.start[k];
        }
        if (sum > worst)
            worst = sum;
    }
    return worst;
}

static void test_greed_gets_ninety_percent_of_any_20_ms(void **state)
{
    struct check_random r = check_random_start();
    struct budget b = {0};
    uint64_t now = 5;

    (void)state;
    budget_start(&b, RATE, now);
    while (busy.count < 20000) {
        budget_fill(&b, now);

        /* It takes all there is, or a random part of it, in bites. */
        uint64_t most = 1 + check_random_below(&r, 3 * MS);
        uint64_t took = 0;

        while (budget_left(&b, took) > 0 && took < most)
            took += 1000;
        budget_spend(&b, took);
        busy.start[busy.count] = now;
        busy.len[busy.count++] = took;
        now += took + check_random_below(&r, 100000);
    }
    /* One bite may pass the limit. */
    CHECK(worst_window() <= 18 * MS + 2000);
    CHECK(worst_window() > 16 * MS);
}

static void test_there_is_no_limit_before_the_rate_is_known(void **state)
{
    struct budget b = {0};

    (void)state;
    budget_fill(&b, 77);
    CHECK_EQ(budget_left(&b, 1000), INT64_MAX);
    budget_spend(&b, 1000);
    budget_fill(&b, UINT64_MAX);
    CHECK_EQ(budget_left(&b, UINT64_MAX), INT64_MAX);
}

static void test_a_pause_is_forgiven_within_30_ms(void **state)
{
    struct budget b = {0};
    uint64_t hour = 3600ull * RATE;

    (void)state;
    budget_start(&b, RATE, 0);
    /* Stopped for an hour in the middle of an interrupt. */
    CHECK(budget_left(&b, hour) < 0);
    budget_spend(&b, hour);
    budget_fill(&b, hour);
    CHECK(budget_left(&b, 0) <= 2 * MS);
    budget_spend(&b, 0);
    budget_fill(&b, hour + 30 * MS);
    CHECK(budget_left(&b, 0) > 0);
}

static void test_idleness_saves_no_more_than_the_bucket(void **state)
{
    struct budget b = {0};

    (void)state;
    budget_start(&b, RATE, 0);
    budget_fill(&b, 3600ull * RATE);
    CHECK_EQ(budget_left(&b, 0), 2 * MS);
}

/* The counter was set back: it is taken for a long time, no more. */
static void test_a_counter_set_back_does_no_harm(void **state)
{
    struct budget b = {0};

    (void)state;
    budget_start(&b, RATE, 1000 * MS);
    budget_spend(&b, 5 * MS);
    budget_fill(&b, 10);
    CHECK_EQ(budget_left(&b, 0), 2 * MS);
    CHECK(budget_left(&b, UINT64_MAX - 5) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greed_gets_ninety_percent_of_any_20_ms),
        cmocka_unit_test(test_there_is_no_limit_before_the_rate_is_known),
        cmocka_unit_test(test_a_pause_is_forgiven_within_30_ms),
        cmocka_unit_test(test_idleness_saves_no_more_than_the_bucket),
        cmocka_unit_test(test_a_counter_set_back_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
