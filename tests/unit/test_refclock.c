/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of reference clocks as sources of the client. */
#include "ntp/refclock.h"
#include "tests/client_rig.h"

#include <math.h>

#define CLOCKS 2

/* Clocks of a platform, as a test wants them to be. */
static struct platform_clock {
    int slot;
    bool broken;
    double ahead; /* s */
    double bound; /* s, as it says */
    double noise; /* s, either way, in turn */
    unsigned reads;
    enum ntp_leap leap;
} platform[CLOCKS];

static struct refclock_config usual(void)
{
    return (struct refclock_config){
        .source = polled(4),
        .precision_ns = 1000,
        .reference_id = 0x50484330, /* PHC0 */
    };
}

static struct platform_clock *add(const struct refclock_config *config)
{
    int slot = client_add_refclock(&rig.client, config);
    struct platform_clock *p = platform[0].slot < 0 ? platform : platform + 1;

    CHECK(slot >= 0);
    *p = (struct platform_clock){.slot = slot, .bound = 1e-5};
    return p;
}

static void read_clocks(void)
{
    int slot;

    while ((slot = client_refclock_due(&rig.client, rig.now)) >= 0) {
        struct platform_clock *p = platform;

        while (p->slot != slot)
            CHECK(++p < platform + CLOCKS);
        double off = p->ahead + (p->reads++ % 2 ? p->noise : -p->noise);
        client_refclock_leap(&rig.client, slot, p->leap);
        if (p->broken)
            client_refclock_failed(&rig.client, slot, rig.now);
        else
            client_refclock_sample(&rig.client, slot, rig.now,
                                   truth(rig.now) + ntp_span_from_seconds(off),
                                   p->bound);
    }
}

static void with_servers(unsigned servers)
{
    platform[0].slot = platform[1].slot = -1;
    begin();
    rig.also = read_clocks;
    start(servers, NULL);
}

static void test_one_clock_alone_is_followed_within_its_bound(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(0);
    struct platform_clock *p = add(&config);
    pass(0);
    CHECK_EQ(p->reads, 1);
    CHECK(client_is_set(&rig.client));
    CHECK_NEAR(error(), 0, 1e-4);
    pass(300);
    CHECK_EQ(state_of(p->slot), SOURCE_SELECTED);
    CHECK_NEAR(error(), 0, 1e-6);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_EQ(status().stratum, 1);
    CHECK_EQ(status().reference_id, 0x50484330);
    CHECK(tracking().root_distance >= 1e-5);
    CHECK(tracking().root_distance < 2e-4);
}

static void test_it_is_read_fast_at_first_and_then_as_it_says(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(0);
    struct platform_clock *p = add(&config);
    pass(7.5);
    CHECK_EQ(p->reads, 8);
    pass(160);
    CHECK(p->reads >= 18 && p->reads <= 19);

    /* And again when the time was lost. */
    client_burst(&rig.client, rig.now);
    unsigned before = p->reads;
    pass(3.5);
    CHECK_EQ(p->reads - before, 4);
}

static void test_its_bound_is_part_of_the_root_distance(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    config.delay_ns = 400000000;
    with_servers(0);
    struct platform_clock *p = add(&config);
    p->bound = 0.5;
    pass(100);
    CHECK(tracking().root_distance >= 0.7);
    CHECK(tracking().root_distance < 0.71);
}

static void test_offset_and_stratum_are_as_configured(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    config.source.offset_ns = 2500000;
    config.stratum = 5;
    with_servers(0);
    struct platform_clock *p = add(&config);
    p->ahead = -0.0025;
    pass(100);
    CHECK_NEAR(error(), 0, 1e-5);
    CHECK_EQ(status().stratum, 6);
}

/* What the clock announces is served, and gone through. */
static void test_its_leap_second_is_ours(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(0);
    struct platform_clock *p = add(&config);
    p->leap = LEAP_INSERT;
    pass(3600);
    CHECK_EQ(status().leap, LEAP_INSERT);
    pass(43200 - 3600 + 1.001);
    rig.leapt = -SECOND;
    p->leap = LEAP_NONE;
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 1);
    pass(3600);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_NEAR(error(), 0, 1e-5);
    CHECK_EQ(rig.events[CLIENT_LEAP], 1);
}

/* A clock of whole seconds, read at any time. */
static void test_a_coarse_clock_is_followed_to_within_its_coarseness(void **s)
{
    struct refclock_config config = usual();

    (void)s;
    config.precision_ns = 300000000;
    with_servers(0);
    struct platform_clock *p = add(&config);
    p->bound = 1;
    p->noise = 0.4;
    pass(1000);
    CHECK_EQ(state_of(p->slot), SOURCE_SELECTED);
    CHECK(fabs(error()) < 0.5);
    CHECK(fabs(error()) < tracking().root_distance);
}

/* One that is 10 s ahead of three servers. */
static struct platform_clock *falseticker(void)
{
    struct refclock_config config = usual();

    with_servers(3);
    struct platform_clock *p = add(&config);
    p->ahead = 10;
    pass(300);
    CHECK_EQ(state_of(p->slot), SOURCE_FALSETICKER);
    return p;
}

static void test_one_that_is_wrong_is_outvoted(void **state)
{
    (void)state;
    falseticker();
    CHECK_EQ(rig.events[CLIENT_FALSETICKER], 1);
    CHECK_NEAR(error(), 0, 1e-3);
}

static void test_one_that_does_not_vouch_is_not_followed(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(1);
    struct platform_clock *p = add(&config);
    p->broken = true;
    pass(100);
    CHECK_EQ(state_of(p->slot), SOURCE_UNSYNCHRONISED);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);

    p->broken = false;
    pass(100);
    CHECK(state_of(p->slot) >= SOURCE_OUTLIER);
    p->broken = true;
    pass(20);
    CHECK_EQ(state_of(p->slot), SOURCE_UNSYNCHRONISED);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
}

static void test_a_huge_bound_is_no_reading(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(0);
    struct platform_clock *p = add(&config);
    p->bound = 1e9;
    pass(100);
    CHECK(!client_is_set(&rig.client));
    CHECK_EQ(state_of(p->slot), SOURCE_DISTANCE);

    p->bound = NAN;
    pass(100);
    CHECK(!client_is_set(&rig.client));

    config.maxdispersion_ns = 1000000;
    p->bound = 1e-5;
    p = add(&config);
    p->bound = 0.002;
    pass(100);
    CHECK_EQ(state_of(p->slot), SOURCE_DISTANCE);
    CHECK_EQ(state_of(platform[0].slot), SOURCE_SELECTED);
    p->bound = 0.0005;
    pass(100);
    CHECK(state_of(p->slot) >= SOURCE_OUTLIER);
}

static void test_noselect_and_prefer_hold(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(1);
    config.source.noselect = true;
    CHECK(add(&config));
    config = usual();
    config.source.prefer = true;
    CHECK(add(&config));
    pass(100);
    CHECK_EQ(state_of(platform[0].slot), SOURCE_NOSELECT);
    CHECK_EQ(state_of(platform[1].slot), SOURCE_SELECTED);
    CHECK_EQ(state_of(0), SOURCE_NOT_PREFERRED);
}

/* What `authselectmode require` asks of servers, the platform is trusted with
 * anyhow. */
static void test_authselectmode_trusts_it(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(1);
    rig.config.authselectmode = AUTHSELECT_REQUIRE;
    struct platform_clock *p = add(&config);
    pass(100);
    CHECK_EQ(state_of(0), SOURCE_NOSELECT);
    CHECK_EQ(state_of(p->slot), SOURCE_SELECTED);
    CHECK(!rig.client.source[p->slot].trust);
}

static void test_an_hour_off_is_set_at_once(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(0);
    rig.date += 3600 * SECOND;
    CHECK(add(&config));
    pass(20);
    CHECK_NEAR(error(), 0, 1e-4);
}

static void test_what_is_no_reference_clock_is_left_alone(void **state)
{
    struct client_request request;

    (void)state;
    with_servers(1);
    client_refclock_sample(&rig.client, 0, rig.now, truth(rig.now), 0);
    client_refclock_sample(&rig.client, -1, rig.now, truth(rig.now), 0);
    client_refclock_failed(&rig.client, CLIENT_SOURCES_MAX, rig.now);
    CHECK_EQ(rig.client.source[0].received, 0);
    CHECK_EQ(client_refclock_due(&rig.client, rig.now), -1);

    /* Nor is one asked over the network. */
    struct refclock_config config = usual();
    with_servers(0);
    CHECK(add(&config));
    CHECK(!client_poll(&rig.client, rig.now, &request));
    CHECK_EQ(client_next(&rig.client), START);
}

static bool leaps_by(const struct platform_clock *p, double seconds)
{
    return client_refclock_leapt(
        &rig.client, p->slot, rig.now,
        truth(rig.now) + ntp_span_from_seconds(seconds), p->bound);
}

static void test_one_that_ran_on_while_the_counter_stood_is_seen(void **state)
{
    struct refclock_config config = usual();

    (void)state;
    with_servers(3);
    struct platform_clock *p = add(&config);
    CHECK(!leaps_by(p, 5)); /* there is nothing to compare with */
    pass(300);
    CHECK(p->reads > 10);
    CHECK(!leaps_by(p, 0));
    CHECK(!leaps_by(p, 10e-3));
    CHECK(!leaps_by(p, -5)); /* it was set back, the counter is right */
    CHECK(leaps_by(p, 25e-3));
    CHECK(leaps_by(p, 5));
    p->bound = 1;
    CHECK(!leaps_by(p, 0.9));
    CHECK(leaps_by(p, 1.1));
    pass(20);
    p->bound = 1e-5; /* the sample before was worse */
    CHECK(!leaps_by(p, 0.9));
    CHECK(leaps_by(p, 1.1));
    CHECK(!client_refclock_leapt(&rig.client, 0, rig.now, truth(rig.now), 0));
    CHECK(!client_refclock_leapt(&rig.client, -1, rig.now, truth(rig.now), 0));
}

static void test_one_that_is_not_believed_is_not_heard_of_leaps(void **state)
{
    (void)state;
    CHECK(!leaps_by(falseticker(), 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_clock_alone_is_followed_within_its_bound),
        cmocka_unit_test(test_it_is_read_fast_at_first_and_then_as_it_says),
        cmocka_unit_test(test_its_bound_is_part_of_the_root_distance),
        cmocka_unit_test(test_offset_and_stratum_are_as_configured),
        cmocka_unit_test(test_its_leap_second_is_ours),
        cmocka_unit_test(
            test_a_coarse_clock_is_followed_to_within_its_coarseness),
        cmocka_unit_test(test_one_that_is_wrong_is_outvoted),
        cmocka_unit_test(test_one_that_does_not_vouch_is_not_followed),
        cmocka_unit_test(test_a_huge_bound_is_no_reading),
        cmocka_unit_test(test_noselect_and_prefer_hold),
        cmocka_unit_test(test_authselectmode_trusts_it),
        cmocka_unit_test(test_an_hour_off_is_set_at_once),
        cmocka_unit_test(test_what_is_no_reference_clock_is_left_alone),
        cmocka_unit_test(test_one_that_ran_on_while_the_counter_stood_is_seen),
        cmocka_unit_test(test_one_that_is_not_believed_is_not_heard_of_leaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
