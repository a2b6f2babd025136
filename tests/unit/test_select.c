/* SPDX-License-Identifier: BSD-2-Clause */
/* Selection: who is right, who leads, what they say together. */
#include "ntp/select.h"

#include "tests/check.h"

struct setting {
    struct client_config config;
    struct candidate c[CLIENT_SOURCES_MAX];
    unsigned n;
    int last;
    bool required;
    struct selection s;
};

static void begin(struct setting *t)
{
    memset(t, 0, sizeof(*t));
    client_config_default(&t->config);
    t->last = -1;
}

static struct candidate *add(struct setting *t, double offset, double distance)
{
    struct candidate *c = &t->c[t->n];

    *c = (struct candidate){
        .slot = (int)t->n++,
        .stratum = 2,
        .offset = offset,
        .distance = distance,
        .error = distance / 10,
        .frequency = offset * 1e-3,
        .frequency_error = 1e-6,
    };
    return c;
}

static void choose(struct setting *t)
{
    select_sources(t->c, t->n, &t->config, t->last, t->required, &t->s);
}

static void test_nobody_to_follow(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    choose(&t);
    CHECK_EQ(t.s.leader, -1);
}

static void test_a_single_source_is_followed(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0.5, 0.01);
    choose(&t);
    CHECK_EQ(t.s.leader, 0);
    CHECK_EQ(t.s.agree, 1);
    CHECK_EQ(t.c[0].state, SOURCE_SELECTED);
    CHECK_NEAR(t.s.offset, 0.5, 1e-12);
    CHECK_NEAR(t.c[0].weight, 1, 1e-12);
}

static void test_two_that_disagree_are_both_doubted(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 0.01);
    add(&t, 1, 0.01);
    choose(&t);
    CHECK_EQ(t.s.leader, -1);
    CHECK_EQ(t.c[0].state, SOURCE_FALSETICKER);
    CHECK_EQ(t.c[1].state, SOURCE_FALSETICKER);
}

static void test_a_minority_lies_wherever_it_stands(void **state)
{
    (void)state;
    struct setting t;

    for (unsigned liar = 0; liar < 3; liar++) {
        begin(&t);
        for (unsigned i = 0; i < 3; i++)
            add(&t, i == liar ? 10 : 0.001 * i, 0.01);
        choose(&t);
        CHECK(t.s.leader >= 0);
        CHECK_EQ(t.s.agree, 2);
        for (unsigned i = 0; i < 3; i++)
            CHECK_EQ(t.c[i].state == SOURCE_FALSETICKER, i == liar);
        CHECK_NEAR(t.s.offset, 0, 0.01);
    }
}

static void test_intervals_that_touch_agree(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 1);
    add(&t, 2, 1);
    choose(&t);
    CHECK_EQ(t.s.agree, 0); /* but neither middle is within: no majority */

    begin(&t);
    add(&t, 0, 2);
    add(&t, 2, 2);
    choose(&t);
    CHECK_EQ(t.s.agree, 2);
}

/* However the sources lie, one of a majority that is right is never called a
 * falseticker while the rest is scattered far away. */
static void test_a_majority_is_always_found(void **state)
{
    (void)state;
    struct check_random r = check_random_start();

    for (int round = 0; round < 2000; round++) {
        struct setting t;
        unsigned right = 2 + (unsigned)check_random_below(&r, 10);
        unsigned wrong = (unsigned)check_random_below(&r, right);
        unsigned at = (unsigned)check_random_below(&r, right + wrong);

        begin(&t);
        for (unsigned i = 0; i < right + wrong; i++) {
            bool liar = (i + at) % (right + wrong) < wrong;
            double noise = (double)check_random_below(&r, 1000) * 1e-6;
            struct candidate *c = add(&t, liar ? 100.0 * (i + 1) : noise, 0.01);
            c->require = liar; /* to know them again */
        }
        choose(&t);
        CHECK_EQ(t.s.agree, right);
        for (unsigned i = 0; i < t.n; i++)
            CHECK_EQ(t.c[i].state == SOURCE_FALSETICKER, t.c[i].require);
        CHECK_NEAR(t.s.offset, 0.0005, 0.0006);
    }
}

static void test_minsources_is_waited_for(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    t.config.minsources = 3;
    add(&t, 0, 0.01);
    add(&t, 0, 0.01);
    choose(&t);
    CHECK_EQ(t.s.leader, -1);
    CHECK_EQ(t.s.agree, 2);
    CHECK_EQ(t.c[0].state, SOURCE_WAITS_SOURCES);
    add(&t, 0, 0.01);
    choose(&t);
    CHECK(t.s.leader >= 0);
}

static void test_trusted_sources_are_not_outvoted(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 0.01)->trust = true;
    for (int i = 0; i < 5; i++)
        add(&t, 1, 0.01);
    choose(&t);
    CHECK_EQ(t.s.leader, 0);
    CHECK_EQ(t.c[1].state, SOURCE_UNTRUSTED);
    CHECK_NEAR(t.s.offset, 0, 1e-9);

    /* Among themselves they are. */
    begin(&t);
    add(&t, 0, 0.01)->trust = true;
    add(&t, 1, 0.01)->trust = true;
    add(&t, 1, 0.01)->trust = true;
    choose(&t);
    CHECK_EQ(t.c[0].state, SOURCE_FALSETICKER);
    CHECK_NEAR(t.s.offset, 1, 1e-9);
}

static void test_a_required_source_is_waited_for(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    t.required = true;
    add(&t, 0, 0.01);
    choose(&t);
    CHECK_EQ(t.s.leader, -1);
    CHECK_EQ(t.c[0].state, SOURCE_WAITS_REQUIRED);
    add(&t, 0, 0.01)->require = true;
    choose(&t);
    CHECK(t.s.leader >= 0);
    /* That it is there is not enough: it has to agree. */
    t.c[1].offset = 7;
    add(&t, 0, 0.01);
    choose(&t);
    CHECK_EQ(t.s.leader, -1);
}

static void test_preferred_sources_are_followed_alone(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 0.001);
    add(&t, 0.001, 0.02)->prefer = true;
    add(&t, 0, 0.001);
    choose(&t);
    CHECK_EQ(t.s.leader, 1);
    CHECK_EQ(t.c[0].state, SOURCE_NOT_PREFERRED);
    CHECK_NEAR(t.s.offset, 0.001, 1e-9);

    /* Unless it lies. */
    t.c[1].offset = 9;
    choose(&t);
    CHECK(t.s.leader != 1);
    CHECK_NEAR(t.s.offset, 0, 1e-9);
}

static void test_the_nearest_leads_and_the_leader_stays(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 0.0101);
    add(&t, 0, 0.0100);
    choose(&t);
    CHECK_EQ(t.s.leader, 1);
    t.c[1].distance = 0.01015;
    choose(&t);
    CHECK_EQ(t.s.leader, 0);
    t.last = 1;
    choose(&t);
    CHECK_EQ(t.s.leader, 1); /* for 50 us, it stays */

    /* A stratum counts for a millisecond. */
    t.last = -1;
    t.c[0].stratum = 4;
    t.c[1].distance = 0.0119;
    choose(&t);
    CHECK_EQ(t.s.leader, 1);
}

static void test_better_sources_weigh_more(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 0.01);
    add(&t, 0.003, 0.01)->error = 0.003;
    choose(&t);
    CHECK_EQ(t.c[1].state, SOURCE_COMBINED);
    CHECK(t.c[0].weight > 5 * t.c[1].weight);
    CHECK_NEAR(t.c[0].weight + t.c[1].weight, 1, 1e-12);
    CHECK_NEAR(t.s.offset, 0.003 * t.c[1].weight, 1e-12);
    CHECK_NEAR(t.s.spread, t.s.offset, 1e-12);
}

/* No statistics show a path that is longer one way. */
static void test_a_very_steady_source_does_not_outweigh_the_rest(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 0.01)->error = 1e-9;
    add(&t, 0.001, 0.01)->error = 1e-7;
    choose(&t);
    CHECK_NEAR(t.s.offset, 0.0005, 1e-5);
}

static void test_far_sources_are_not_combined(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    add(&t, 0, 0.01);
    add(&t, 0.01, 0.031);
    choose(&t);
    CHECK_EQ(t.c[1].state, SOURCE_OUTLIER);
    CHECK_EQ(t.s.agree, 2);
    CHECK_NEAR(t.s.offset, 0, 1e-12);
}

static void test_a_full_table_is_sorted_out(void **state)
{
    (void)state;
    struct setting t;

    begin(&t);
    for (unsigned i = 0; i < CLIENT_SOURCES_MAX; i++)
        add(&t, i % 4 == 0 ? 5 + i : 0, 0.01);
    choose(&t);
    CHECK_EQ(t.s.agree, CLIENT_SOURCES_MAX / 4 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_to_follow),
        cmocka_unit_test(test_a_single_source_is_followed),
        cmocka_unit_test(test_two_that_disagree_are_both_doubted),
        cmocka_unit_test(test_a_minority_lies_wherever_it_stands),
        cmocka_unit_test(test_intervals_that_touch_agree),
        cmocka_unit_test(test_a_majority_is_always_found),
        cmocka_unit_test(test_minsources_is_waited_for),
        cmocka_unit_test(test_trusted_sources_are_not_outvoted),
        cmocka_unit_test(test_a_required_source_is_waited_for),
        cmocka_unit_test(test_preferred_sources_are_followed_alone),
        cmocka_unit_test(test_the_nearest_leads_and_the_leader_stays),
        cmocka_unit_test(test_better_sources_weigh_more),
        cmocka_unit_test(test_a_very_steady_source_does_not_outweigh_the_rest),
        cmocka_unit_test(test_far_sources_are_not_combined),
        cmocka_unit_test(test_a_full_table_is_sorted_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
