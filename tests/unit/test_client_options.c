/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's options: what a source is asked, and how long it is followed. */
#include "tests/client_rig.h"

#include <math.h>

/* Who we are, as others see us. */
static void be(uint8_t last)
{
    uint8_t v4[4] = {192, 0, 2, last};
    struct ip_addr6 ip = ip_from_v4(v4);

    client_own_addresses(&rig.client, &ip, 1);
}

static void test_corrtimeratio_slows_corrections(void **state)
{
    double left[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source_config config = polled(6);

        begin();
        rig.config.corrtimeratio_permille = i == 0 ? 3000 : 12000;
        start(1, &config);
        pass(1000);
        shift_truth(0.004);
        while (fabs(tracking().offset) < 1e-4)
            pass(1);
        pass(6);
        left[i] = fabs(tracking().offset);
    }
    CHECK(left[1] > left[0] + 5e-4);
}

/* Polls of a second do not make a correction of 0.4 s take a minute. */
static void test_frequent_polls_do_not_delay_a_correction(void **state)
{
    struct source_config config = polled(1);

    (void)state;
    follow_one(&config);
    pass(300);
    shift_truth(0.4);
    pass(40);
    CHECK_NEAR(error(), 0, 1e-3);
}

/* The rate of the line against the counter's, s/s. */
static double bend(void)
{
    struct clock_line line = clock_read(&rig.clock);
    bool slews = (int64_t)(line.slew_end_ticks - rig.now) > 0;

    return (double)(slews ? line.rate : line.rate_after) / (0x1p80 / HZ) - 1;
}

static void test_maxslewrate_bounds_corrections(void **state)
{
    struct source_config config = polled(4);
    double most = 0;

    (void)state;
    begin();
    rig.config.maxslewrate_ppb = 200000;
    start(1, &config);
    pass(500);
    shift_truth(0.1);
    for (int i = 0; i < 400; i++) {
        pass(1);
        most = fmax(most, fabs(bend() - tracking().frequency));
    }
    CHECK_NEAR(most, 200e-6, 1e-6);
    CHECK(fabs(tracking().offset) > 0.01);
    pass(300);
    CHECK_NEAR(error(), 0, 1e-3);
}

/* Our counter loses 200 ppm, as the source sees it. */
static void lose(int seconds)
{
    for (int i = 0; i < 10 * seconds; i++) {
        pass(0.1);
        shift_truth(20e-6);
    }
}

static void test_maxdrift_bounds_the_frequency(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source_config config = polled(4);

        begin();
        if (i == 1)
            rig.config.maxdrift_ppb = 100000;
        start(1, &config);
        lose(1000);
        CHECK_NEAR(tracking().frequency, i == 1 ? 100e-6 : 200e-6, 2e-6);
    }
}

static void test_maxupdateskew_wants_a_frequency_that_is_known(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source_config config = polled(4);

        begin();
        if (i == 1)
            rig.config.maxupdateskew_ppb = 1;
        start(1, &config);
        rig.server[0].delay_us = 20000;
        lose(200);
        CHECK_EQ(fabs(tracking().frequency) > 1e-6, i == 0);
    }
}

static void test_maxstratum_leaves_sources_far_from_the_time(void **state)
{
    (void)state;
    begin();
    rig.config.maxstratum = 3;
    start(2, NULL);
    rig.server[0].stratum = 4;
    rig.server[1].stratum = 3;
    pass(5);
    CHECK_EQ(state_of(0), SOURCE_STRATUM);
    CHECK_EQ(state_of(1), SOURCE_SELECTED);
}

/* As of a server that runs on the machine of its own source. */
static void
test_copy_serves_the_stratum_and_reference_of_the_source(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source_config config = plain();

        config.copy = i == 1;
        begin();
        start(1, &config);
        rig.server[0].stratum = 3;
        rig.server[0].reference_id = 0xc6336401;
        pass(60);
        CHECK_EQ(status().stratum, i == 1 ? 3 : 4);
        CHECK_EQ(status().reference_id, i == 1 ? 0xc6336401 : 0xc0000201);
    }
}

static void test_polltarget_asks_more_often(void **state)
{
    unsigned asked[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source_config config = plain();

        config.minpoll = 2;
        config.maxpoll = 12;
        config.polltarget = i == 0 ? 8 : 32;
        follow_one(&config);
        pass(40000);
        asked[i] = rig.server[0].asked;
    }
    CHECK(asked[1] > 3 * asked[0]);
}

/* A request goes ahead by 2 s, and its reply is nothing. */
static void test_presend_warms_the_path_up(void **state)
{
    struct source_config config = polled(6);
    struct server *s = &rig.server[0];

    (void)state;
    config.presend = 6;
    follow_one(&config);
    pass(1);
    CHECK_EQ(s->asked, 1);
    CHECK(!client_is_set(&rig.client));
    pass(1.5);
    CHECK_EQ(s->asked, 2);
    CHECK(client_is_set(&rig.client));
    CHECK_EQ(s->asked_ticks[1] - s->asked_ticks[0], 2 * (uint64_t)HZ + 1);
    pass(640);
    CHECK_EQ(report(0).samples, s->asked / 2);
    CHECK_EQ(report(0).verdicts[SOURCE_UNASKED], (s->asked + 1) / 2);
    CHECK_EQ(report(0).verdicts[SOURCE_BOGUS], 0);
    CHECK_EQ(report(0).reach, 0xff);

    /* Not below that interval. */
    config.presend = 7;
    follow_one(&config);
    pass(640);
    CHECK_EQ(report(0).samples, s->asked);
}

static void test_filter_makes_one_sample_of_several(void **state)
{
    struct source_config config = polled(2);

    (void)state;
    config.filter = 5;
    follow_one(&config);
    pass(400);
    CHECK(rig.server[0].asked >= 95);
    CHECK(report(0).samples >= 22 && report(0).samples <= 26);
    CHECK_EQ(report(0).reach, 0xff);
    CHECK_NEAR(error(), 0, 1e-5);
}

/* A step of whole seconds between the samples that it is made of. */
static void test_filter_survives_a_step(void **state)
{
    struct source_config config = polled(2);

    (void)state;
    config.filter = 5;
    begin();
    rig.config.makestep_ns = 1000000000;
    rig.config.makestep_count = -1;
    start(1, &config);
    pass(400);
    shift_truth(30);
    pass(400);
    CHECK_NEAR(error(), 0, 1e-3);
    CHECK_EQ(rig.events[CLIENT_STEP], 1);
}

/* Of two, the one that answers is followed as soon as the other has had its
 * time; without `maxunreach`, that is after 8 requests. */
static void test_maxunreach_keeps_a_source_that_does_not_answer(void **state)
{
    struct source_config config = polled(4);

    (void)state;
    follow_one(&config);
    pass(500);
    rig.server[0].silent = true;
    pass(16 * 11);
    CHECK_EQ(state_of(0), SOURCE_UNREACHABLE);
    CHECK_EQ(tracking().slot, -1);

    config.maxunreach = 10;
    follow_one(&config);
    pass(500);
    rig.server[0].silent = true;
    pass(16 * 12);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
    CHECK_EQ(tracking().slot, 0);
    CHECK_EQ(rig.events[CLIENT_UNREACHABLE], 1);
    pass(32 * 14);
    CHECK_EQ(state_of(0), SOURCE_UNREACHABLE);
    CHECK_EQ(rig.events[CLIENT_LOST], 1);

    /* One that answers again is followed as before. */
    rig.server[0].silent = false;
    pass(100);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
}

static void test_maxunreach_ends_when_all_others_know_better(void **state)
{
    struct source_config config = polled(0);

    (void)state;
    config.maxunreach = 100000;
    begin();
    start(2, &config);
    pass(100);
    rig.server[0].silent = true;
    pass(40);
    CHECK(state_of(0) >= SOURCE_OUTLIER);
    pass(100);
    CHECK_EQ(state_of(0), SOURCE_UNREACHABLE);
    CHECK_EQ(state_of(1), SOURCE_SELECTED);
}

/* One that is only remembered does not keep `local` from its work. */
static void
test_local_begins_though_an_unreachable_one_is_selected(void **state)
{
    struct source_config config = polled(4);

    (void)state;
    config.maxunreach = 100000;
    begin();
    rig.config.local.enabled = true;
    rig.config.local.distance_ns = 10000000;
    rig.config.maxdistance_ns = 1000000000;
    start(1, &config);
    pass(500);
    rig.server[0].silent = true;
    pass(2000);
    CHECK_EQ(rig.events[CLIENT_LOCAL], 1);
    CHECK_EQ(status().stratum, 10);
}

static void test_waitsynced_delays_local(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source_config config = plain();

        config.maxpoll = 6;
        begin();
        rig.config.local.enabled = true;
        rig.config.local.distance_ns = 0;
        rig.config.local.waitsynced_ns = i == 0 ? 0 : 3000000000000;
        start(1, &config);
        pass(300);
        rig.server[0].silent = true;
        pass(1500);
        CHECK_EQ(rig.events[CLIENT_LOCAL], i == 0);
        pass(2000);
        CHECK_EQ(rig.events[CLIENT_LOCAL], 1);
        CHECK_EQ(status().stratum, 10);
    }
}

static void begin_orphan(unsigned servers)
{
    struct source_config config = polled(4);

    begin();
    rig.config.local.enabled = true;
    rig.config.local.orphan = true;
    rig.config.local.stratum = 8;
    rig.config.local.waitunsynced_ns = 300000000000;
    start(servers, &config);
    for (unsigned i = 0; i < servers; i++)
        rig.server[i].stratum = 8;
}

/* The least address leads, and the others are one stratum below it. */
static void test_orphans_follow_the_least_among_them(void **state)
{
    (void)state;
    begin_orphan(3);
    be(200);
    pass(100);
    CHECK_EQ(tracking().slot, 0);
    CHECK_EQ(status().stratum, 9);
    CHECK_EQ(status().reference_id, 0xc0000201);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
    CHECK_EQ(state_of(1), SOURCE_ORPHAN);
    pass(1000);
    CHECK_EQ(rig.events[CLIENT_LOCAL], 0);

    /* It goes: the next one leads. */
    rig.server[0].silent = true;
    pass(200);
    CHECK_EQ(tracking().slot, 1);
}

static void test_the_least_orphan_serves_its_own_time(void **state)
{
    (void)state;
    begin_orphan(2);
    be(0);
    pass(290);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    pass(20);
    CHECK_EQ(status().stratum, 8);
    CHECK_EQ(status().reference_id, 0x7f7f0101);
    CHECK_EQ(tracking().slot, -1);
    CHECK_EQ(state_of(0), SOURCE_ORPHAN);
}

static void test_an_orphan_gives_way_to_real_time(void **state)
{
    (void)state;
    begin_orphan(2);
    be(200);
    pass(100);
    CHECK_EQ(tracking().slot, 0);
    rig.server[1].stratum = 3;
    pass(100);
    CHECK_EQ(tracking().slot, 1);
    CHECK_EQ(status().stratum, 4);
    CHECK_EQ(state_of(0), SOURCE_ORPHAN);

    /* Who follows one that is alone is alone as well. */
    rig.server[1].stratum = 9;
    pass(100);
    CHECK_EQ(tracking().slot, 0);
    CHECK_EQ(state_of(1), SOURCE_ORPHAN);

    /* Without `orphan`, they are sources like any other. */
    begin_orphan(2);
    rig.config.local.orphan = false;
    be(0);
    pass(100);
    CHECK(state_of(0) >= SOURCE_COMBINED);
    CHECK(state_of(1) >= SOURCE_COMBINED);
}

/* What we are called by those of another family says nothing. */
static void test_orphans_of_another_family_are_not_compared(void **state)
{
    struct ip_addr6 v6 = {{0x20, 0x01}};

    (void)state;
    begin_orphan(1);
    client_own_addresses(&rig.client, &v6, 1);
    pass(100);
    CHECK_EQ(tracking().slot, -1);
    CHECK_EQ(state_of(0), SOURCE_ORPHAN);
}

/* RFC 9769: when a reply truly left is told with the next one. */
static void test_xleave_sees_when_replies_truly_left(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source_config config = polled(4);

        config.xleave = i == 1;
        follow_one(&config);
        rig.server[0].xleave = true;
        rig.server[0].late_us = 600;
        pass(0.01);
        CHECK_NEAR(error(), -300e-6, 10e-6);
        pass(1000);
        CHECK_NEAR(error(), i == 1 ? 0 : -300e-6, 5e-6);
        CHECK_EQ(rig.server[0].interleaved > 50, i == 1);
        CHECK_EQ(report(0).interleaved, i == 1);
        CHECK_EQ(report(0).verdicts[SOURCE_OK], report(0).received);
        CHECK_EQ(report(0).reach, 0xff);
    }
}

/* The plain reply to its first request is one sample; then one an exchange. */
static void test_xleave_takes_each_exchange_once(void **state)
{
    struct source_config config = polled(4);

    (void)state;
    config.xleave = true;
    follow_one(&config);
    rig.server[0].xleave = true;
    pass(20 * 16);
    CHECK_EQ(report(0).samples, rig.server[0].asked - 1);
    CHECK(report(0).age > 16);
}

/* A server without it, or one that forgets now and then: plain replies do. */
static void test_xleave_lives_with_plain_replies(void **state)
{
    struct source_config config = polled(4);

    (void)state;
    config.xleave = true;
    follow_one(&config);
    pass(500);
    CHECK_EQ(report(0).samples, rig.server[0].asked);
    CHECK_NEAR(error(), 0, 5e-6);

    follow_one(&config);
    rig.server[0].xleave = true;
    for (int i = 0; i < 60; i++) {
        rig.server[0].forgetful = i % 3 == 0;
        rig.server[0].silent = i % 7 == 0;
        pass(16.1);
    }
    CHECK(rig.server[0].interleaved > 10);
    CHECK_EQ(report(0).verdicts[SOURCE_OK], report(0).received);
    CHECK_NEAR(error(), 0, 5e-6);
}

/* After four requests without a reply it asks as anybody does. */
static void test_xleave_starts_plainly_with_a_server_that_was_away(void **state)
{
    struct source_config config = polled(4);

    (void)state;
    config.xleave = true;
    follow_one(&config);
    rig.server[0].xleave = true;
    pass(500);
    CHECK(rig.server[0].asked_origin != 0);
    rig.server[0].silent = true;
    pass(16.5 * 6);
    CHECK_EQ(rig.server[0].asked_origin, 0);
    rig.server[0].silent = false;
    pass(100);
    CHECK(rig.server[0].asked_origin != 0);
    CHECK(report(0).interleaved);
}

/* An exchange from before a leap second is not compared with our time after
 * it. */
static void test_xleave_goes_through_a_leap_second(void **state)
{
    struct source_config config = polled(4);

    (void)state;
    config.xleave = true;
    follow_one(&config);
    rig.server[0].xleave = true;
    rig.server[0].leap = LEAP_INSERT;
    pass(43200 - 100);
    CHECK_EQ(status().leap, LEAP_INSERT);
    for (int i = 0; i < 300; i++) {
        pass(1);
        if (i == 99) {
            rig.leapt = -SECOND;
            rig.server[0].leap = LEAP_NONE;
        }
        if (i < 99 || i > 102) {
            CHECK_NEAR(error(), 0, 1e-3);
            CHECK_NEAR(report(0).last_offset, 0, 1e-3);
        }
    }
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corrtimeratio_slows_corrections),
        cmocka_unit_test(test_frequent_polls_do_not_delay_a_correction),
        cmocka_unit_test(test_maxslewrate_bounds_corrections),
        cmocka_unit_test(test_maxdrift_bounds_the_frequency),
        cmocka_unit_test(test_maxupdateskew_wants_a_frequency_that_is_known),
        cmocka_unit_test(test_maxstratum_leaves_sources_far_from_the_time),
        cmocka_unit_test(
            test_copy_serves_the_stratum_and_reference_of_the_source),
        cmocka_unit_test(test_polltarget_asks_more_often),
        cmocka_unit_test(test_presend_warms_the_path_up),
        cmocka_unit_test(test_filter_makes_one_sample_of_several),
        cmocka_unit_test(test_filter_survives_a_step),
        cmocka_unit_test(test_maxunreach_keeps_a_source_that_does_not_answer),
        cmocka_unit_test(test_maxunreach_ends_when_all_others_know_better),
        cmocka_unit_test(
            test_local_begins_though_an_unreachable_one_is_selected),
        cmocka_unit_test(test_waitsynced_delays_local),
        cmocka_unit_test(test_orphans_follow_the_least_among_them),
        cmocka_unit_test(test_the_least_orphan_serves_its_own_time),
        cmocka_unit_test(test_an_orphan_gives_way_to_real_time),
        cmocka_unit_test(test_orphans_of_another_family_are_not_compared),
        cmocka_unit_test(test_xleave_sees_when_replies_truly_left),
        cmocka_unit_test(test_xleave_takes_each_exchange_once),
        cmocka_unit_test(test_xleave_lives_with_plain_replies),
        cmocka_unit_test(
            test_xleave_starts_plainly_with_a_server_that_was_away),
        cmocka_unit_test(test_xleave_goes_through_a_leap_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
