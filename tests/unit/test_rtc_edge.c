/* SPDX-License-Identifier: BSD-2-Clause */
/* The edge of a second, looked for on a clock that is made up here. */
/* links: drivers/rtc_edge */
#include "drivers/rtc_edge.h"

#include "tests/check.h"

#define HZ 1000000000ull
#define MS (HZ / 1000)

/* Ticks of a clock, which runs fast by `ppm`, since a second of it began. */
static struct {
    uint64_t now;
    double phase, ppm;
    uint64_t late; /* each look, at most */
    unsigned looks;
} sim;

static double clock_seconds(uint64_t ticks)
{
    return ((double)ticks * (1 + sim.ppm * 1e-6) + sim.phase) / (double)HZ;
}

/* One look; true when the edge was found. */
static bool look(struct rtc_edge *e, struct check_random *random)
{
    uint64_t before = sim.now;
    uint64_t at = before + check_random(random) % 2000;
    uint64_t after = at + check_random(random) % 2000;

    sim.looks++;
    sim.now = after;
    return rtc_edge_see(e, before, (uint8_t)((int64_t)clock_seconds(at) % 60),
                        after);
}

static void find(struct rtc_edge *e, struct check_random *random)
{
    sim.looks = 0;
    sim.now = rtc_edge_begin(e, sim.now);
    while (!look(e, random)) {
        CHECK(!rtc_edge_is_late(e, sim.now));
        sim.now = rtc_edge_again(e, sim.now);
        if (sim.late)
            sim.now += check_random(random) % sim.late;
    }
    CHECK(!e->looking);
}

/* How far from a whole second the clock was at the edge, as it was found; by
 * our counter, as the width is. */
static void check_edge(const struct rtc_edge *e)
{
    double seconds = clock_seconds(e->edge_ticks) + 0.5;
    double off = seconds - (double)(int64_t)seconds - 0.5;
    double ticks = off * (double)HZ / (1 + sim.ppm * 1e-6);

    CHECK(ticks <= (double)e->width + 2);
    CHECK(ticks >= -(double)e->width - 2);
}

static void test_the_edge_is_where_it_is_said_to_be(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct rtc_edge e = {.ticks_per_s = HZ};

        memset(&sim, 0, sizeof(sim));
        sim.now = check_random(&random) % (100 * HZ);
        sim.phase = (double)(check_random(&random) % HZ);
        sim.ppm = (double)(check_random(&random) % 1000) - 500;
        sim.late = i % 3 == 0 ? MS : 0;
        find(&e, &random);
        check_edge(&e);
        CHECK(e.width <= 9 * MS);
        /* Known once, it is found by few looks, and closely. */
        for (int k = 0; k < 6; k++) {
            sim.now += HZ / 2 + check_random(&random) % (20 * HZ);
            find(&e, &random);
            check_edge(&e);
            CHECK(e.width <= 2 * MS);
            CHECK(sim.looks <= 60);
        }
        /* Much later, it is looked for anew. */
        sim.now += 4000 * HZ;
        find(&e, &random);
        check_edge(&e);
    }
}

/* The machine was paused: the clock may be anywhere in its second. */
static void test_a_pause_is_no_edge(void **state)
{
    struct check_random random = check_random_start();
    struct rtc_edge e = {.ticks_per_s = HZ};

    (void)state;
    /* The counter ran on ... */
    CHECK_EQ(rtc_edge_begin(&e, HZ), HZ);
    CHECK(!rtc_edge_see(&e, HZ, 7, HZ + 10));
    CHECK(!rtc_edge_see(&e, HZ + 40 * MS, 8, HZ + 40 * MS + 10));
    CHECK(!e.known && e.looking);
    /* ... or stood still. */
    CHECK(!rtc_edge_see(&e, HZ + 41 * MS, 14, HZ + 41 * MS + 10));
    CHECK(!e.known && e.looking);
    /* The next one is good, also over the minute. */
    CHECK(!rtc_edge_see(&e, HZ + 50 * MS, 59, HZ + 50 * MS + 10));
    CHECK(rtc_edge_see(&e, HZ + 60 * MS, 0, HZ + 60 * MS + 10));
    CHECK_EQ(e.edge_ticks, HZ + 55 * MS + 5);

    /* What was known of it was wrong: it is found all the same. */
    memset(&sim, 0, sizeof(sim));
    sim.now = 3 * HZ;
    sim.phase = 0.3 * HZ;
    find(&e, &random);
    check_edge(&e);
    CHECK(e.width <= 9 * MS);
}

static void test_a_clock_that_stands_is_given_up(void **state)
{
    struct rtc_edge e = {.ticks_per_s = HZ};
    uint64_t now = rtc_edge_begin(&e, 5 * HZ);
    unsigned looks = 0;

    (void)state;
    while (!rtc_edge_is_late(&e, now)) {
        CHECK(!rtc_edge_see(&e, now, 30, now + 100));
        now = rtc_edge_again(&e, now);
        CHECK(++looks < 1000);
    }
    CHECK(now > 8 * HZ && now < 10 * HZ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_edge_is_where_it_is_said_to_be),
        cmocka_unit_test(test_a_pause_is_no_edge),
        cmocka_unit_test(test_a_clock_that_stands_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
