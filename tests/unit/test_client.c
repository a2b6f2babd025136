/* SPDX-License-Identifier: BSD-2-Clause */
/* The client as a whole: polling, first set, steps, loss, `local`, leaps. */
#include "tests/client_rig.h"

/* First set. */

static void test_the_first_valid_reply_of_one_source_sets(void **state)
{
    (void)state;
    follow_one(NULL);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    CHECK_EQ(status().stratum, 0);
    CHECK_NEAR(error(), -100, 1e-6);

    pass(0.001);
    CHECK_EQ(rig.server[0].asked, 1);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_EQ(status().stratum, 2);
    CHECK_EQ(status().reference_id, 0xc0000201);
    CHECK_NEAR(error(), 0, 1e-6);
    CHECK(client_is_set(&rig.client));
    CHECK_EQ(rig.events[CLIENT_FIRST_SET], 1);
    CHECK_NEAR(rig.last[CLIENT_FIRST_SET].offset, 100, 1e-3);
    CHECK_EQ(rig.events[CLIENT_SELECTED], 1);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
}

static void test_root_distance_is_that_of_the_path(void **state)
{
    (void)state;
    follow_one(NULL);
    rig.server[0].stratum = 3;
    rig.server[0].root_delay = 0x1000;      /* 62.5 ms */
    rig.server[0].root_dispersion = 0x0800; /* 31.25 ms */
    pass(0.01);
    CHECK_EQ(status().stratum, 4);
    CHECK_NEAR(ntp_short_seconds(status().root_delay), 0.0625 + 200e-6, 20e-6);
    CHECK(ntp_short_seconds(status().root_dispersion) > 0.03125);
    CHECK(ntp_short_seconds(status().root_dispersion) < 0.0325);
}

static void test_a_liar_that_answers_first_is_not_followed(void **state)
{
    (void)state;
    for (unsigned liar = 0; liar < 3; liar++) {
        begin();
        start(3, NULL);
        rig.server[liar].ahead = 10;
        rig.server[liar].delay_us = 100;
        pass(0.000150);
        CHECK(!client_is_set(&rig.client));
        pass(0.01);
        CHECK(client_is_set(&rig.client));
        CHECK_EQ(rig.events[CLIENT_FIRST_SET], 1);
        CHECK_EQ(rig.events[CLIENT_FALSETICKER], 1);
        CHECK_EQ(rig.last[CLIENT_FALSETICKER].slot, liar);
        CHECK_NEAR(rig.last[CLIENT_FALSETICKER].offset, 10, 100.1);
        CHECK_NEAR(error(), 0, 1e-4);
        pass(600);
        CHECK_NEAR(error(), 0, 1e-4);
        CHECK_EQ(state_of((int)liar), SOURCE_FALSETICKER);
        CHECK_EQ(rig.events[CLIENT_STEP], 0);
    }
}

static void test_after_a_second_fewer_than_a_majority_will_do(void **state)
{
    (void)state;
    begin();
    start(3, NULL);
    rig.server[1].silent = rig.server[2].silent = true;
    pass(0.99);
    CHECK(!client_is_set(&rig.client));
    pass(0.02);
    CHECK(client_is_set(&rig.client));
    CHECK_EQ(rig.events[CLIENT_PROVISIONAL_SET], 1);
    CHECK_EQ(status().stratum, 2);
    CHECK(tracking().provisional);
    CHECK_NEAR(error(), 0, 1e-5);

    /* A majority that agrees confirms it. */
    rig.server[1].silent = false;
    pass(200);
    CHECK_EQ(rig.events[CLIENT_CONFIRMED], 1);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
    CHECK(!tracking().provisional);
}

static void test_the_first_majority_steps_a_provisional_set(void **state)
{
    (void)state;
    begin();
    start(3, NULL);
    rig.server[0].ahead = 10; /* the only one that answers, and a liar */
    rig.server[1].silent = rig.server[2].silent = true;
    pass(2);
    CHECK_EQ(rig.events[CLIENT_PROVISIONAL_SET], 1);
    CHECK_NEAR(error(), 10, 1e-3);
    rig.server[1].silent = rig.server[2].silent = false;
    pass(200);
    CHECK_EQ(rig.events[CLIENT_STEP], 1);
    CHECK_NEAR(rig.last[CLIENT_STEP].offset, -10, 1e-3);
    CHECK_NEAR(error(), 0, 1e-4);
    CHECK_EQ(state_of(0), SOURCE_FALSETICKER);
}

static void test_two_that_disagree_set_nothing(void **state)
{
    (void)state;
    begin();
    start(2, NULL);
    rig.server[0].ahead = 10;
    pass(300);
    CHECK(!client_is_set(&rig.client));
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
}

static void test_minsources_holds_for_the_first_set_too(void **state)
{
    (void)state;
    begin();
    rig.config.minsources = 2;
    start(3, NULL);
    rig.server[1].silent = rig.server[2].silent = true;
    pass(100);
    CHECK(!client_is_set(&rig.client));
    CHECK_EQ(state_of(0), SOURCE_WAITS_SOURCES);
    rig.server[2].silent = false;
    pass(100);
    CHECK(client_is_set(&rig.client));
}

static void test_noselect_sources_neither_vote_nor_lead(void **state)
{
    (void)state;
    struct source_config config = plain();

    begin();
    config.noselect = true;
    start(1, &config);
    pass(100);
    CHECK(!client_is_set(&rig.client));
    CHECK_EQ(state_of(0), SOURCE_NOSELECT);
}

static void test_the_time_may_be_in_the_next_era(void **state)
{
    (void)state;
    begin();
    rig.date = ntp_date_from_seconds(0x100000000) - 50 * SECOND;
    start(1, NULL);
    pass(200);
    CHECK_NEAR(error(), 0, 1e-5);
    CHECK(ntp_date_seconds(truth(rig.now)) > 0x100000000);
    CHECK_EQ(status().stratum, 2);
}

/* Polling. */

static void test_iburst_asks_four_to_eight_times_two_seconds_apart(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.iburst = true;
    follow_one(&config);
    rig.server[0].silent = true;
    pass(15);
    CHECK_EQ(rig.server[0].asked, 8);
    for (int i = 1; i < 8; i++)
        CHECK_NEAR((double)(rig.server[0].asked_ticks[i] -
                            rig.server[0].asked_ticks[i - 1]),
                   2.0 * HZ, 1e6);

    follow_one(&config);
    pass(15);
    CHECK(rig.server[0].asked >= 4 && rig.server[0].asked <= 8);

    follow_one(NULL);
    pass(63);
    CHECK_EQ(rig.server[0].asked, 1);
    pass(3);
    CHECK_EQ(rig.server[0].asked, 2);
}

static void test_the_poll_stays_within_its_limits(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.minpoll = 5;
    config.maxpoll = 7;
    follow_one(&config);
    pass(100000);
    CHECK_EQ(report(0).poll, 7);
    CHECK(rig.server[0].asked < 100000 / 120);
    CHECK(rig.server[0].asked > 100000 / 132);
    for (int i = 0; i < 16; i++) {
        uint64_t a = rig.server[0].asked_ticks[(rig.server[0].asked + i) % 16];
        CHECK(i == 15 || rig.now - a > 100 * (uint64_t)HZ);
    }
}

static void test_rate_raises_the_poll(void **state)
{
    (void)state;

    follow_one(NULL);
    pass(1);
    rig.server[0].kiss = 0x52415445;
    pass(64 * 1.03);
    CHECK_EQ(rig.events[CLIENT_KISS_RATE], 1);
    rig.server[0].kiss = 0;
    unsigned asked = rig.server[0].asked;
    pass(120);
    CHECK_EQ(rig.server[0].asked, asked);
    pass(20);
    CHECK_EQ(rig.server[0].asked, asked + 1);
    CHECK(report(0).poll >= 7);
}

static void test_rate_ends_a_burst(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.iburst = true;
    follow_one(&config);
    rig.server[0].kiss = 0x52415445;
    pass(100);
    CHECK_EQ(rig.server[0].asked, 1);
}

static void test_deny_stops_a_source_for_good(void **state)
{
    (void)state;
    begin();
    start(2, NULL);
    rig.server[1].kiss = 0x44454e59;
    pass(1);
    CHECK_EQ(rig.events[CLIENT_KISS_STOP], 1);
    CHECK_EQ(rig.last[CLIENT_KISS_STOP].slot, 1);
    rig.server[1].kiss = 0;
    client_burst(&rig.client, rig.now);
    pass(5000);
    CHECK_EQ(rig.server[1].asked, 1);
    CHECK_EQ(state_of(1), SOURCE_STOPPED);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
    CHECK(!tracking().provisional); /* it is not counted any more */
}

static void test_rate_never_asks_more_than_36_hours_of_patience(void **state)
{
    (void)state;

    follow_one(NULL);
    rig.server[0].kiss = 0x52415445;
    pass(1e6);
    CHECK_EQ(report(0).poll, 17);
    CHECK(rig.server[0].asked < 25);
}

static void test_burst_asks_again_only_when_a_reply_is_missing(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.burst = true;
    config.maxpoll = 6;
    follow_one(&config);
    pass(1000);
    unsigned asked = rig.server[0].asked;
    CHECK(asked <= 17);
    rig.server[0].silent = true;
    pass(130); /* one is lost, which the next one notices: a burst */
    CHECK_EQ(rig.server[0].asked, asked + 1 + 4);
}

static void test_an_iburst_has_at_least_four_requests(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.iburst = true;
    follow_one(&config);
    /* Even where the path hides all that our rate may be off by. */
    rig.server[0].delay_us = 2000000;
    rig.config.maxjitter_ns = rig.config.maxdistance_ns = 100000000000;
    pass(12);
    CHECK(rig.server[0].asked >= 4);
}

static void test_the_poll_comes_down_when_the_clock_gets_worse(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.minpoll = 4;
    follow_one(&config);
    pass(20000);
    int8_t before = report(0).poll;
    /* An oscillator that is not one any more. */
    for (int i = 0; i < 4000; i++) {
        shift_truth((i % 60 < 30 ? 1 : -1) * 20e-6);
        pass(1);
    }
    CHECK(report(0).poll < before);
}

static void test_transmit_timestamps_never_repeat(void **state)
{
    (void)state;
    static uint64_t seen[200];
    struct client_request request;

    follow_one(NULL);
    for (int i = 0; i < 200; i++) {
        rig.now += 2000 * (uint64_t)HZ;
        CHECK(client_poll(&rig.client, rig.now, &request));
        seen[i] = get_u64(request.data + NTP_TRANSMIT_AT);
        for (int j = 0; j < i; j++)
            CHECK(seen[i] != seen[j]);
    }
}

/* Stands for NTS: can ask while there are cookies, and believes everything or
 * nothing. */
struct witness {
    unsigned cookies;
    bool believes;
};

static size_t protect(void *context, uint8_t *data, size_t len, size_t room)
{
    struct witness *w = context;

    (void)data;
    CHECK(room >= len);
    return w->cookies > 0 ? w->cookies--, len : 0;
}

static enum source_verdict check(void *context, const uint8_t *data, size_t len)
{
    struct witness *w = context;

    (void)data;
    (void)len;
    return w->believes ? SOURCE_OK : SOURCE_AUTH;
}

static void test_without_a_cookie_nothing_is_asked_until_there_is_one(void **s)
{
    (void)s;
    struct witness w = {.believes = true};
    struct peer_auth auth = {&w, protect, check};
    struct source_config config = plain();

    config.iburst = true;
    config.authenticated = true;
    follow_one(&config);
    client_authenticate(&rig.client, 0, &auth);
    pass(40);
    CHECK_EQ(rig.server[0].asked, 0);
    CHECK_EQ(rig.events[CLIENT_UNREACHABLE], 1);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);

    w.cookies = 100;
    client_enabled(&rig.client, 0, rig.now);
    pass(1);
    CHECK_EQ(rig.server[0].asked, 1);
    CHECK_EQ(rig.events[CLIENT_FIRST_SET], 1);
    pass(10);
    CHECK(rig.server[0].asked >= 4);

    /* That it could be asked before makes no difference. */
    unsigned asked = rig.server[0].asked;
    pass(20);
    client_enabled(&rig.client, 0, rig.now);
    pass(1);
    CHECK(rig.server[0].asked <= asked + 2);
}

static void test_what_is_not_proven_is_never_followed(void **state)
{
    (void)state;
    struct witness w = {.cookies = 1000};
    struct peer_auth auth = {&w, protect, check};
    struct source_config config = plain();

    config.iburst = true;
    config.authenticated = true;
    follow_one(&config);
    client_authenticate(&rig.client, 0, &auth);
    rig.server[0].kiss = 0x44454e59; /* nor is it obeyed */
    pass(10);
    rig.server[0].kiss = 0;
    pass(5000);
    CHECK(rig.server[0].asked > 10);
    CHECK(!client_is_set(&rig.client));
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    CHECK_EQ(rig.events[CLIENT_REACHABLE], 0);
    CHECK_EQ(rig.events[CLIENT_KISS_STOP], 0);
    CHECK_EQ(report(0).last_verdict, SOURCE_AUTH);
    CHECK(report(0).authenticated);
}

/* Loss and recovery. */

/* A wrong address is told, and so is that somebody came to live there. */
static void test_a_source_that_never_answers_is_told_once(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.iburst = true;
    follow_one(&config);
    rig.server[0].silent = true;
    pass(15);
    CHECK_EQ(rig.events[CLIENT_UNREACHABLE], 0);
    pass(20);
    CHECK_EQ(rig.events[CLIENT_UNREACHABLE], 1);
    CHECK_EQ(state_of(0), SOURCE_UNREACHABLE);
    pass(5000);
    CHECK_EQ(rig.events[CLIENT_UNREACHABLE], 1);
    CHECK_EQ(rig.events[CLIENT_REACHABLE], 0);
    rig.server[0].silent = false;
    pass(1100);
    CHECK_EQ(rig.events[CLIENT_REACHABLE], 1);
    CHECK_EQ(rig.events[CLIENT_UNREACHABLE], 1);
}

/* RFC 5905, 13: unreach counts, then the poll interval grows to maxpoll. */
static void test_an_unreachable_source_is_asked_ever_less_often(void **state)
{
    (void)state;

    follow_one(NULL);
    rig.server[0].silent = true;
    pass(18 * 66);
    CHECK_EQ(report(0).poll, 6);
    pass(5 * 132);
    CHECK(report(0).poll > 6);
    pass(20000);
    CHECK_EQ(report(0).poll, 10);
}

static void
test_without_replies_it_serves_on_with_growing_dispersion(void **state)
{
    (void)state;
    follow_one(NULL);
    pass(1000);
    rig.server[0].silent = true;
    pass(1100); /* a reply is missing by now */
    ntp_short before = status().root_dispersion;
    CHECK_EQ(status().stratum, 2);
    pass(1000);
    double grown = ntp_short_seconds(status().root_dispersion - before);
    CHECK(grown > 15e-3 - 1e-4);
    CHECK(grown < 17e-3);
    pass(20000);
    CHECK_EQ(status().stratum, 2);
    CHECK_EQ(status().reference_id, 0xc0000201);
    CHECK_EQ(rig.events[CLIENT_UNREACHABLE], 1);
    CHECK_EQ(rig.events[CLIENT_LOST], 1);
    CHECK_EQ(state_of(0), SOURCE_UNREACHABLE);

    rig.server[0].silent = false;
    pass(1100);
    CHECK_EQ(rig.events[CLIENT_REACHABLE], 2);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
    CHECK(ntp_short_seconds(status().root_dispersion) < 5e-3);
    CHECK_NEAR(error(), 0, 1e-4);
}

static void test_a_counter_that_may_wander_disperses_faster(void **state)
{
    (void)state;
    follow_one(NULL);
    rig.client.start.wander_ppb = 100000;
    pass(1000);
    rig.server[0].silent = true;
    pass(1100);

    ntp_short before = status().root_dispersion;

    pass(1000);

    double grown = ntp_short_seconds(status().root_dispersion - before);

    CHECK(grown > 115e-3 - 1e-4);
    CHECK(grown < 117e-3);
}

/* Left alone, it goes on at the rate that it was taught. */
static void test_the_rate_is_learned(void **state)
{
    (void)state;
    follow_one(NULL);
    for (int i = 0; i < 1000; i++) {
        pass(1);
        shift_truth(-50e-6); /* our counter is 50 ppm fast */
    }
    rig.server[0].silent = true;
    for (int i = 0; i < 1000; i++) {
        pass(1);
        shift_truth(-50e-6);
    }
    CHECK_NEAR(error(), 0, 1e-3);
    CHECK_NEAR(tracking().frequency, -50e-6, 1e-6);
}

static void test_a_clock_left_alone_too_long_expires(void **state)
{
    (void)state;
    follow_one(NULL);
    pass(1000);
    rig.server[0].silent = true;
    pass(1000000);
    CHECK_EQ(status().stratum, 2);
    pass(100000);
    CHECK_EQ(status().stratum, 0);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
}

static void test_a_server_that_loses_its_time_is_left(void **state)
{
    (void)state;
    follow_one(NULL);
    pass(300);
    rig.server[0].leap = LEAP_UNKNOWN;
    pass(1000);
    CHECK_EQ(state_of(0), SOURCE_UNSYNCHRONISED);
    CHECK_EQ(rig.events[CLIENT_UNUSABLE], 1);
    CHECK_EQ(rig.events[CLIENT_LOST], 1);
    rig.server[0].leap = LEAP_NONE;
    pass(1100);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
}

static void test_every_reason_not_to_follow_is_told(void **state)
{
    (void)state;
    uint8_t v4[4] = {10, 0, 0, 1};
    struct ip_addr6 own = ip_from_v4(v4);

    begin();
    start(4, NULL);
    client_own_addresses(&rig.client, &own, 1);
    rig.server[0].stratum = 2;
    rig.server[0].reference_id = 0x0a000001;
    rig.server[1].stratum = 15;
    rig.server[2].root_dispersion = 4 << 16;
    pass(1);
    CHECK_EQ(state_of(0), SOURCE_LOOP);
    CHECK_EQ(state_of(1), SOURCE_STRATUM);
    CHECK_EQ(state_of(2), SOURCE_DISTANCE);
    pass(2);
    CHECK_EQ(state_of(3), SOURCE_SELECTED);
    CHECK_EQ(rig.events[CLIENT_UNUSABLE], 3);
}

static void test_jittery_and_stale_sources_are_told(void **state)
{
    (void)state;
    struct source_report r;

    begin();
    rig.config.maxjitter_ns = 100000;
    start(1, NULL);
    rig.server[0].delay_us = 20000; /* nothing is known of it yet */
    pass(1);
    CHECK_EQ(state_of(0), SOURCE_JITTERY);

    /* Its distance grows by 15 ppm as long as it is silent. */
    follow_one(NULL);
    pass(5000);
    client_source(&rig.client, 0, rig.now, &r);
    double before = r.root_distance - r.age * 15e-6;
    rig.server[0].silent = true;
    pass(5000);
    client_source(&rig.client, 0, rig.now, &r);
    CHECK(r.age > 4000);
    CHECK(r.root_distance - before > 15e-6 * r.age);
}

static void test_a_reply_that_took_longer_than_we_waited_is_none(void **state)
{
    (void)state;
    struct client_request request;
    struct ntp_packet asked;
    uint8_t data[NTP_HEADER_LEN];

    follow_one(NULL);
    CHECK(client_poll(&rig.client, rig.now, &request));
    ntp_packet_parse(&asked, request.data, request.len);
    make_reply(&rig.server[0], &asked, rig.now, data);
    put_u64(data + 40, get_u64(data + 32) + 0x800000); /* T3: 2 ms later */
    CHECK_EQ(client_receive(&rig.client, 0, data, sizeof(data), rig.now + MS),
             SOURCE_BAD_TIMES);
    client_tick(&rig.client, rig.now);
    CHECK(!client_is_set(&rig.client));
}

static void test_lost_epochs_are_set_anew(void **state)
{
    (void)state;
    follow_one(NULL);
    pass(500);
    clock_disown(&rig.clock);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    rig.date += 3600 * SECOND; /* as after a pause */
    pass(0.1);
    CHECK_EQ(status().stratum, 2);
    CHECK_NEAR(error(), 0, 1e-5);
    CHECK_EQ(rig.events[CLIENT_FIRST_SET], 2);
}

static void
test_a_second_loss_voids_what_was_measured_after_the_first(void **state)
{
    (void)state;
    follow_one(NULL);
    pass(500);
    clock_disown(&rig.clock);
    rig.date += 3600 * SECOND;
    /* Asked between both, answered after. */
    client_tick(&rig.client, rig.now);
    clock_disown(&rig.clock);
    rig.date += 3600 * SECOND;
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    pass(0.1);
    CHECK_EQ(status().stratum, 2);
    CHECK_NEAR(error(), 0, 1e-5);
}

/* With or without iburst, and soon: one packet is easily lost just then. */
static void test_after_a_loss_each_source_is_asked_in_a_burst(void **state)
{
    (void)state;
    struct source_config config = polled(6);

    follow_one(&config);
    pass(500);
    clock_disown(&rig.clock);
    rig.date += 3600 * SECOND;
    rig.server[0].silent = true;
    pass(1.5);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    rig.server[0].silent = false;
    pass(1);
    CHECK_EQ(status().stratum, 2);
    CHECK_NEAR(error(), 0, 1e-5);
    unsigned asked = rig.server[0].asked;
    pass(50);
    CHECK(rig.server[0].asked >= asked + 3);
    pass(200);
    asked = rig.server[0].asked;
    pass(640);
    CHECK(rig.server[0].asked <= asked + 11);
}

/* What was sent to us during a pause comes before it. */
static void
test_after_a_loss_a_reply_that_had_to_wait_is_asked_for_again(void **state)
{
    (void)state;
    follow_one(NULL);
    pass(500);
    clock_disown(&rig.clock);
    rig.date += 3600 * SECOND;
    rig.server[0].late_us = 250000;
    pass(0.2);
    rig.server[0].late_us = 0;
    pass(0.3);
    CHECK_EQ(status().stratum, 2);
    CHECK_NEAR(error(), 0, 1e-5);
    CHECK_NEAR(rig.client.set_offset, 3600, 1e-3);
}

/* The path may have become longer for good. */
static void test_after_a_loss_a_longer_path_is_believed_soon(void **state)
{
    (void)state;
    follow_one(NULL);
    pass(500);
    clock_disown(&rig.clock);
    rig.date += 3600 * SECOND;
    rig.server[0].delay_us = 300000;
    pass(1.5);
    CHECK_EQ(status().stratum, 2);
    CHECK_NEAR(error(), 0, 1e-3);
}

static void
test_with_local_alone_a_clock_of_the_platform_is_enough(void **state)
{
    (void)state;
    begin();
    rig.config.local.enabled = true;
    start(0, NULL);
    pass(20);
    CHECK_EQ(status().stratum, 10);
    clock_disown(&rig.clock);
    rig.date += 3600 * SECOND;
    pass(60);
    CHECK_EQ(status().leap, LEAP_UNKNOWN); /* nobody knows the time */
    client_told(&rig.client, rig.now, rig.date + 80 * SECOND, 1);
    pass(0.1);
    CHECK_EQ(status().stratum, 10);
    CHECK_NEAR(error(), 0, 1e-3);
    CHECK_NEAR(rig.client.set_offset, 100 + 3600, 1);
}

/* Steps. */

static void test_without_makestep_an_offset_is_slewed(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.maxpoll = 6;
    follow_one(&config);
    pass(1000);
    shift_truth(0.5);
    ntp_date before = 0;
    for (int i = 0; i < 10000; i++) {
        struct clock_line line = clock_read(&rig.clock);
        ntp_date date = clock_at(&line, rig.now);
        double seconds = ntp_span_seconds(date - before);
        CHECK(i == 0 || (seconds > 0.09 && seconds < 0.11));
        before = date;
        pass(0.1);
    }
    CHECK_NEAR(error(), 0, 1e-4);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
}

static void test_makestep_counts_from_the_first_set(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.maxpoll = 6;
    begin();
    rig.config.makestep_ns = 1000000000;
    rig.config.makestep_count = 6;
    start(1, &config);
    pass(66);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
    shift_truth(5);
    pass(300);
    CHECK_EQ(rig.events[CLIENT_STEP], 1);
    CHECK_NEAR(error(), 0, 1e-3);
    pass(300);
    shift_truth(5);
    pass(300);
    CHECK_EQ(rig.events[CLIENT_STEP], 1);

    begin();
    rig.config.makestep_ns = 1000000000;
    rig.config.makestep_count = -1;
    start(1, &config);
    pass(3000);
    shift_truth(-5);
    pass(400);
    CHECK_EQ(rig.events[CLIENT_STEP], 1);
    CHECK_NEAR(error(), 0, 1e-3);
}

/* So much after `updates` is refused `ignored` times, and then the end. */
static void start_with_maxchange(double seconds, int updates, int ignored)
{
    struct source_config config = plain();

    config.maxpoll = 6;
    begin();
    rig.config.maxchange_ns = (int64_t)(seconds * 1e9);
    rig.config.maxchange_start = updates;
    rig.config.maxchange_ignore = ignored;
    start(1, &config);
    pass(1000);
}

static void test_maxchange_alarms_and_unsynchronises(void **state)
{
    (void)state;
    start_with_maxchange(1, 1, 1);
    CHECK_EQ(status().stratum, 2);
    shift_truth(5);
    pass(66 * 6);
    CHECK(rig.events[CLIENT_STEP_REFUSED] >= 2);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    CHECK_NEAR(error(), -5, 1e-3);

    /* It is over when the offset is. */
    shift_truth(-5);
    pass(66 * 10);
    CHECK_EQ(status().stratum, 2);
}

/* What is set anew is followed, whatever was refused before. */
static void test_a_loss_of_time_ends_the_alarm(void **state)
{
    (void)state;
    start_with_maxchange(1, 1, 0);
    shift_truth(5);
    pass(66 * 6);
    CHECK_EQ(status().leap, LEAP_UNKNOWN);
    clock_disown(&rig.clock);
    pass(0.1);
    CHECK_EQ(status().stratum, 2);
    CHECK_NEAR(error(), 0, 1e-3);
}

static void test_maxchange_begins_after_its_start(void **state)
{
    (void)state;
    start_with_maxchange(1e-3, 1000, 0);
    shift_truth(0.01);
    pass(66 * 8);
    CHECK_EQ(rig.events[CLIENT_STEP_REFUSED], 0);
    CHECK_NEAR(error(), 0, 1e-3);
}

static void test_maxchange_ignores_as_often_as_it_says(void **state)
{
    (void)state;
    start_with_maxchange(1e-3, 1, 2);
    shift_truth(0.01);
    for (int i = 0; i < 60 && rig.events[CLIENT_STEP_REFUSED] < 3; i++) {
        CHECK_EQ(status().stratum, 2);
        pass(10);
    }
    CHECK_EQ(rig.events[CLIENT_STEP_REFUSED], 3);
    CHECK_EQ(status().stratum, 0);
}

/* Options. */

static void test_offset_is_added_and_maxdelay_refuses(void **state)
{
    (void)state;
    struct source_config config = plain();

    config.offset_ns = 3000000;
    config.maxdelay_ns = 100000000;
    follow_one(&config);
    pass(1);
    CHECK_NEAR(error(), 0.003, 1e-5);

    follow_one(&config);
    rig.server[0].delay_us = 150000;
    pass(1);
    CHECK(!client_is_set(&rig.client));
    CHECK_EQ(report(0).last_verdict, SOURCE_BAD_DELAY);
}

static void test_authselectmode_decides_who_counts(void **state)
{
    (void)state;
    static const struct {
        enum authselectmode mode;
        bool noselect, trust, require;
    } want[] = {
        {AUTHSELECT_REQUIRE, true, false, false},
        {AUTHSELECT_PREFER, true, false, false},
        {AUTHSELECT_MIX, false, true, true},
        {AUTHSELECT_IGNORE, false, false, false},
    };
    struct source_config config = plain();

    for (size_t i = 0; i < 4; i++) {
        begin();
        rig.config.authselectmode = want[i].mode;
        start(1, NULL);
        config.authenticated = true;
        CHECK_EQ(client_add(&rig.client, &config), 1);
        CHECK_EQ(rig.client.source[0].noselect, want[i].noselect);
        CHECK(!rig.client.source[0].trust);
        CHECK(!rig.client.source[1].noselect);
        CHECK_EQ(rig.client.source[1].trust, want[i].trust);
        CHECK_EQ(rig.client.source[1].require, want[i].require);

        /* Alone, they are all the same, but under `require`. */
        client_remove(&rig.client, 1);
        CHECK_EQ(rig.client.source[0].noselect,
                 want[i].mode == AUTHSELECT_REQUIRE);
    }
}

static void test_a_full_table_of_sources_refuses_more(void **state)
{
    (void)state;
    struct source_config config = plain();

    begin();
    start(0, NULL);
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++)
        CHECK_EQ(client_add(&rig.client, &config), i);
    CHECK_EQ(client_add(&rig.client, &config), -1);
    client_remove(&rig.client, 5);
    CHECK_EQ(client_add(&rig.client, &config), 5);
}

static void test_unfetched_events_lose_the_oldest(void **state)
{
    (void)state;
    struct client_event e;

    follow_one(NULL);
    for (int i = 0; i < 200; i++) {
        client_unresolved(&rig.client, 0);
        client_tick(&rig.client, rig.now);
        uint8_t v4[4] = {192, 0, 2, (uint8_t)i};
        struct ip_addr6 ip = ip_from_v4(v4);
        client_resolved(&rig.client, 0, &ip, rig.now);
        struct client_request request;
        struct ntp_packet asked;
        uint8_t data[NTP_HEADER_LEN];
        CHECK(client_poll(&rig.client, rig.now, &request));
        ntp_packet_parse(&asked, request.data, request.len);
        make_reply(&rig.server[0], &asked, rig.now, data);
        client_receive(&rig.client, 0, data, sizeof(data), rig.now + MS);
        rig.now += 2 * MS;
        client_tick(&rig.client, rig.now);
    }
    unsigned n = 0;
    uint64_t last = 0;
    while (client_event(&rig.client, &e)) {
        CHECK(e.ticks >= last);
        last = e.ticks;
        n++;
    }
    CHECK_EQ(n, CLIENT_EVENTS_MAX);
    CHECK(rig.now - last < 10 * MS);
}

/* `local`. */

static void test_local_after_ten_seconds_without_a_source(void **state)
{
    (void)state;
    begin();
    rig.config.local.enabled = true;
    start(1, NULL);
    rig.server[0].silent = true;
    pass(9.9);
    CHECK_EQ(status().stratum, 0);
    pass(0.2);
    CHECK_EQ(status().stratum, 10);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_EQ(status().reference_id, 0x7f7f0101);
    CHECK(ntp_short_seconds(status().root_dispersion) >= 1);
    CHECK_EQ(rig.events[CLIENT_LOCAL], 1);
    CHECK_NEAR(error(), -100, 1e-3);
    pass(2000000);
    CHECK_EQ(status().stratum, 10);

    /* A source ends it, by a set and not by a step. */
    rig.server[0].silent = false;
    pass(1100);
    CHECK_EQ(status().stratum, 2);
    CHECK_NEAR(error(), 0, 1e-4);
    CHECK_EQ(rig.events[CLIENT_FIRST_SET], 1);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
}

static void test_local_takes_over_when_the_distance_grows(void **state)
{
    (void)state;
    begin();
    rig.config.local.enabled = true;
    rig.config.local.distance_ns = 100000000;
    start(1, NULL);
    pass(1000);
    rig.server[0].silent = true;
    pass(4000);
    CHECK_EQ(status().stratum, 2);
    pass(6000);
    CHECK_EQ(status().stratum, 10);
    CHECK_EQ(status().reference_id, 0x7f7f0101);
    rig.server[0].silent = false;
    pass(1100);
    CHECK_EQ(status().stratum, 2);
}

static void test_a_date_that_nobody_told_is_not_served(void **state)
{
    (void)state;
    begin();
    rig.config.local.enabled = true;
    start(1, NULL);
    rig.client.start.date = 0;
    rig.server[0].silent = true;
    pass(1000);
    CHECK_EQ(status().stratum, 0);
}

static void test_the_era_is_told_without_any_guess(void **state)
{
    (void)state;
    static const ntp_date dates[] = {
        /* 2026-11-22, 2036-02-07 06:28:20 and 2080-01-01 */
        ((ntp_date)4004294400) * SECOND,
        ((ntp_date)4294967300) * SECOND,
        ((ntp_date)5680281600) * SECOND,
    };

    for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
        begin();
        rig.date = 100 * SECOND; /* what start() takes for a guess: 0 */
        start(1, NULL);
        rig.date = dates[i];
        pass(70);
        CHECK(client_is_set(&rig.client));
        CHECK_NEAR(error(), 0, 1e-4);
    }
}

static void test_local_with_activate_waits_for_a_source_first(void **state)
{
    (void)state;
    begin();
    rig.config.local.enabled = true;
    rig.config.local.activate_ns = 500000000;
    start(1, NULL);
    rig.server[0].silent = true;
    pass(1000);
    CHECK_EQ(status().stratum, 0);
}

/* Leap seconds. */

static void pass_leap(enum ntp_leap leap, bool from_table)
{
    const struct leap_list leaps = {
        .entry = {{3644697600, 36},
                  {3692217600, leap == LEAP_INSERT ? 37 : 35}},
        .count = 2,
    };
    double to_midnight = 43200;

    follow_one(NULL);
    if (from_table)
        client_leaps(&rig.client, &leaps);
    else
        rig.server[0].leap = (uint8_t)leap;
    pass(3600);
    CHECK_EQ(rig.events[CLIENT_LEAP], 1);
    CHECK_EQ(status().leap, leap);
    pass(to_midnight - 3600 - 10);
    CHECK_EQ(status().leap, leap);
    CHECK_NEAR(error(), 0, 1e-4);

    /* Ours goes through it by itself; the server follows. */
    pass(12);
    rig.leapt = leap == LEAP_INSERT ? -SECOND : SECOND;
    rig.server[0].leap = LEAP_NONE;
    CHECK_NEAR(error(), 0, 1e-4);
    pass(20);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 1);
    CHECK_NEAR(error(), 0, 1e-4);
    pass(5000);
    CHECK_NEAR(error(), 0, 1e-4);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
    CHECK_EQ(rig.events[CLIENT_LEAP], 1);
}

static void test_announced_leap_seconds_are_gone_through(void **state)
{
    (void)state;
    pass_leap(LEAP_INSERT, false);
    pass_leap(LEAP_DELETE, false);
}

static void test_leap_seconds_of_the_table_need_no_announcement(void **state)
{
    (void)state;
    pass_leap(LEAP_INSERT, true);
    pass_leap(LEAP_DELETE, true);
}

/* It was announced before, and has happened while the machine stood still. */
static void pause_over_leap(enum ntp_leap leap, double after)
{
    double longer = leap == LEAP_INSERT ? 1 : -1;

    follow_one(NULL);
    rig.server[0].leap = (uint8_t)leap;
    pass(43200 - 600);
    CHECK_EQ(status().leap, leap);
    shift_truth(600 + longer + after);
    rig.leapt = leap == LEAP_INSERT ? -SECOND : SECOND;
    rig.server[0].leap = LEAP_NONE;
    clock_disown(&rig.clock);
    for (int i = 0; i < 20; i++) {
        pass(1);
        if (status().leap == LEAP_UNKNOWN)
            continue;
        CHECK_EQ(status().leap, LEAP_NONE);
        CHECK_NEAR(error(), 0, 1e-3);
    }
    CHECK_EQ(status().stratum, 2);
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 0);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
}

static void
test_a_leap_second_in_a_pause_is_not_gone_through_again(void **state)
{
    (void)state;
    pause_over_leap(LEAP_INSERT, 0.5);
    pause_over_leap(LEAP_INSERT, 3);
    pause_over_leap(LEAP_INSERT, 3600);
    pause_over_leap(LEAP_DELETE, 3);
    pause_over_leap(LEAP_DELETE, 3600);
}

static void test_samples_around_a_leap_are_left_out(void **state)
{
    (void)state;
    struct source_config config = polled(0);

    follow_one(&config);
    rig.server[0].leap = LEAP_INSERT;
    pass(43200 - 6);
    uint32_t before = rig.client.source[0].filter.total;
    pass(5.5); /* the server is late, or early, or smears */
    CHECK(rig.client.source[0].filter.total <= before + 1);
    rig.leapt = -SECOND;
    rig.server[0].leap = LEAP_NONE;
    pass(5);
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 1);
    CHECK(rig.client.source[0].filter.total <= before + 1);
    pass(20);
    CHECK(rig.client.source[0].filter.total > before + 10);
    CHECK_NEAR(error(), 0, 1e-4);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
}

static void test_the_end_of_the_list_is_told_28_days_ahead(void **state)
{
    const int64_t noon = 3692174400; /* of the rig */
    const struct leap_list leaps = {
        .entry = {{3644697600, 36}},
        .count = 1,
        .expires = noon + 28 * 86400 + 6 * 3600,
    };

    (void)state;
    follow_one(NULL);
    client_leaps(&rig.client, &leaps);
    pass(3 * 3600);
    CHECK_EQ(rig.events[CLIENT_LIST_EXPIRING], 0);
    pass(6 * 3600);
    CHECK_EQ(rig.events[CLIENT_LIST_EXPIRING], 1);
    CHECK_NEAR(rig.last[CLIENT_LIST_EXPIRING].offset, 28 * 86400, 2000);
    pass(27 * 86400);
    CHECK_EQ(rig.events[CLIENT_LIST_EXPIRED], 0);
    pass(2 * 86400);
    CHECK_EQ(rig.events[CLIENT_LIST_EXPIRING], 1);
    CHECK_EQ(rig.events[CLIENT_LIST_EXPIRED], 1);
}

/* While nobody knows the date, nothing is said of it. */
static void test_the_end_of_the_list_waits_for_the_date(void **state)
{
    const struct leap_list leaps = {.entry = {{3644697600, 36}}, .count = 1};

    (void)state;
    follow_one(NULL);
    client_leaps(&rig.client, &leaps);
    rig.server[0].silent = true;
    pass(100);
    CHECK_EQ(rig.events[CLIENT_LIST_EXPIRED], 0);
    rig.server[0].silent = false;
    pass(2000);
    CHECK_EQ(rig.events[CLIENT_LIST_EXPIRED], 1);
}

/* Served time minus true UTC, and nothing of it is a jump. */
static void smear_leap(enum ntp_leap leap, bool smooth)
{
    double size = leap == LEAP_INSERT ? 1 : -1;
    double all = smooth ? 62500 : 1000;
    double jump = leap == LEAP_INSERT ? 0 : -1;

    begin();
    rig.config.leapsecmode = LEAPSEC_SLEW;
    rig.config.maxslewrate_ppb = 1000000;
    if (smooth) {
        rig.config.smooth_frequency_ppb = 400000;
        rig.config.smooth_wander_fs = 1024000;
    }
    start(1, NULL);
    rig.server[0].leap = (uint8_t)leap;
    pass(43200 - 10);
    CHECK_EQ(rig.events[CLIENT_LEAP], 1);
    CHECK_EQ(status().leap, LEAP_NONE);
    CHECK(status().reference_id != SMEAR_REFERENCE_ID);
    pass(10 + jump - 0.001);
    CHECK_NEAR(error(), 0, 1e-4);
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 0);

    pass(0.002);
    rig.leapt = leap == LEAP_INSERT ? -SECOND : SECOND;
    rig.server[0].leap = LEAP_NONE;
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 1);
    CHECK_NEAR(error(), size, 1e-4);
    CHECK_EQ(status().reference_id, SMEAR_REFERENCE_ID);

    struct smear curve = rig.client.discipline.smear;
    double age = 0.001;
    for (; age < all - 100; age += all / 25) {
        CHECK_NEAR(error(), smear_offset(&curve, age), 2e-4);
        CHECK_EQ(status().leap, LEAP_NONE);
        CHECK_EQ(status().reference_id, SMEAR_REFERENCE_ID);
        pass(all / 25);
    }
    pass(all - age + 1);
    CHECK_EQ(rig.events[CLIENT_SMEARED], 1);
    CHECK_NEAR(error(), 0, 1e-4);
    CHECK(status().reference_id != SMEAR_REFERENCE_ID);
    CHECK_EQ(rig.events[CLIENT_STEP], 0);
    CHECK_EQ(rig.events[CLIENT_FALSETICKER], 0);
}

static void test_a_leap_second_is_smeared_as_smoothtime_says(void **state)
{
    (void)state;
    smear_leap(LEAP_INSERT, true);
    smear_leap(LEAP_DELETE, true);
}

static void test_without_smoothtime_it_is_slewed_by_maxslewrate(void **state)
{
    (void)state;
    smear_leap(LEAP_INSERT, false);
    smear_leap(LEAP_DELETE, false);
}

/* From chord to chord, and at the start: no jump that a client would see. */
static void test_a_smear_never_breaks(void **state)
{
    (void)state;
    begin();
    rig.config.leapsecmode = LEAPSEC_SLEW;
    rig.config.smooth_frequency_ppb = 100000;
    rig.config.smooth_wander_fs = 100000000;
    start(1, NULL);
    rig.server[0].leap = LEAP_INSERT;
    pass(43200 - 2);
    for (int i = 0; i < 15000; i++) {
        struct clock_line before = clock_read(&rig.clock);

        if (i == 2)
            rig.leapt = -SECOND;
        rig.server[0].leap = LEAP_NONE;
        pass(1);
        struct clock_line now = clock_read(&rig.clock);
        CHECK_NEAR(ntp_span_seconds(clock_at(&now, now.base_ticks) -
                                    clock_at(&before, now.base_ticks)),
                   0, 1e-6);
    }
}

/* One leap second, that of the end of 2016. */
#define MIDNIGHT 3692217600
static struct leap_list one_leap(enum ntp_leap leap)
{
    return (struct leap_list){
        .entry = {{3644697600, 36}, {MIDNIGHT, leap == LEAP_INSERT ? 37 : 35}},
        .count = 2,
        .expires = MIDNIGHT + 366 * (int64_t)86400,
    };
}

/* The usual smear; started that long after its beginning, s. */
static void start_in_smear(const struct leap_list *leaps, double age)
{
    bool insert = leaps->entry[1].tai > leaps->entry[0].tai;

    begin();
    rig.config.leapsecmode = LEAPSEC_SLEW;
    rig.config.smooth_frequency_ppb = 400000;
    rig.config.smooth_wander_fs = 1024000;
    rig.config.makestep_ns = 1000000000;
    rig.config.makestep_count = -1;
    rig.date =
        ntp_date_from_seconds(MIDNIGHT - insert) + ntp_span_from_seconds(age);
    start(1, NULL);
    client_leaps(&rig.client, leaps);
}

/* Served time is a function of UTC and the list: all who have both agree. */
static void take_up(enum ntp_leap leap)
{
    const struct leap_list leaps = one_leap(leap);
    const struct smear curve = {.frequency = 400e-6,
                                .wander = 1.024e-9,
                                .size = leap == LEAP_INSERT ? 1 : -1};
    static const double ages[] = {1.1, 1000, 31250, 62000, 62490};

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        start_in_smear(&leaps, ages[i]);
        pass(5);
        CHECK_EQ(rig.events[CLIENT_SMEARING], 1);
        CHECK_NEAR(rig.last[CLIENT_SMEARING].offset,
                   smear_offset(&curve, ages[i]), 1e-3);
        CHECK_NEAR(error(), smear_offset(&curve, ages[i] + 5), 2e-4);
        CHECK_EQ(status().reference_id, SMEAR_REFERENCE_ID);
        CHECK_EQ(status().leap, LEAP_NONE);
        pass(62500 - ages[i]);
        CHECK_EQ(rig.events[CLIENT_SMEARED], 1);
        CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 0);
        CHECK_NEAR(error(), 0, 1e-4);
        CHECK(status().reference_id != SMEAR_REFERENCE_ID);
    }

    static const double outside[] = {-3600, 62501, 1e7};

    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        start_in_smear(&leaps, outside[i]);
        pass(100);
        CHECK_EQ(rig.events[CLIENT_SMEARING], 0);
        CHECK_NEAR(error(), 0, 1e-4);
        CHECK(status().reference_id != SMEAR_REFERENCE_ID);
    }
}

static void test_a_smear_is_taken_up_whenever_we_start(void **state)
{
    (void)state;
    take_up(LEAP_INSERT);
    take_up(LEAP_DELETE);
}

/* Its first half is over; who sets his clock by it would take it for the one
 * before, and go through it once more. */
static void test_a_start_amid_a_leap_second_waits_for_its_end(void **state)
{
    const struct leap_list leaps = one_leap(LEAP_INSERT);

    (void)state;
    for (int listed = 0; listed < 2; listed++) {
        begin();
        rig.date = ntp_date_from_seconds(MIDNIGHT) - SECOND / 2;
        start(1, NULL);
        if (listed)
            client_leaps(&rig.client, &leaps);
        else
            rig.server[0].leap = LEAP_INSERT;
        pass(0.5);
        CHECK(!client_is_set(&rig.client));
        rig.server[0].leap = LEAP_NONE;
        for (int i = 0; i < 100; i++) {
            pass(0.1);
            if (status().stratum != 0)
                CHECK_NEAR(error(), 0, 1e-3);
        }
        CHECK(client_is_set(&rig.client));
        CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 0);
    }
}

/* The first date was wrong: there is no smear yet, and there will be one. */
static void test_a_step_out_of_a_smear_ends_it(void **state)
{
    const struct leap_list leaps = one_leap(LEAP_INSERT);

    (void)state;
    start_in_smear(&leaps, 1000);
    pass(100);
    CHECK_EQ(rig.events[CLIENT_SMEARING], 1);
    shift_truth(-7200);
    pass(3000);
    CHECK_EQ(rig.events[CLIENT_STEP], 1);
    CHECK_EQ(rig.events[CLIENT_SMEARED], 1);
    CHECK_NEAR(error(), 0, 1e-3);
    CHECK(status().reference_id != SMEAR_REFERENCE_ID);

    pass(7200 - 1100 - 3000 - 1);
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 0);
    pass(3);
    rig.leapt = -SECOND;
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 1);
    CHECK_EQ(rig.events[CLIENT_SMEARING], 2);
    CHECK_NEAR(error(), 1, 1e-3);
}

/* Twice the smear would be nobody's time. */
static void test_who_follows_a_smeared_clock_does_not_smear_again(void **state)
{
    const struct leap_list leaps = one_leap(LEAP_INSERT);

    (void)state;
    start_in_smear(&leaps, 31250);
    rig.server[0].reference_id = SMEAR_REFERENCE_ID;
    rig.server[0].ahead = 0.5;
    pass(5);
    CHECK_EQ(rig.events[CLIENT_SMEARING], 0);
    CHECK_NEAR(error(), 0.5, 1e-3);
}

/* What a server said before the leap second is not said of the next month. */
static void test_a_leap_is_not_announced_again_by_old_replies(void **state)
{
    (void)state;
    begin();
    start(3, NULL);
    for (int i = 0; i < 3; i++)
        rig.server[i].leap = LEAP_INSERT;
    pass(43200 + 1.5);
    rig.leapt = -SECOND;
    for (int i = 0; i < 3; i++)
        rig.server[i].leap = LEAP_NONE;
    CHECK_EQ(rig.events[CLIENT_LEAP_DONE], 1);
    pass(5000);
    CHECK_EQ(rig.events[CLIENT_LEAP], 1);
}

static void test_who_smears_among_others_is_named_once(void **state)
{
    (void)state;
    begin();
    start(3, NULL);
    rig.server[2].reference_id = SMEAR_REFERENCE_ID;
    pass(2000);
    CHECK_EQ(rig.events[CLIENT_SMEARER], 1);
    CHECK_EQ(rig.last[CLIENT_SMEARER].slot, 2);
    pass(20000);
    CHECK_EQ(rig.events[CLIENT_SMEARER], 1);

    /* All of them: that is meant. */
    begin();
    start(2, NULL);
    rig.server[0].reference_id = SMEAR_REFERENCE_ID;
    rig.server[1].reference_id = SMEAR_REFERENCE_ID;
    pass(2000);
    CHECK_EQ(rig.events[CLIENT_SMEARER], 0);
}

/* Off by less than a second on the day of a leap second: it is smeared. */
static void test_who_is_off_on_a_leap_day_is_said_to_smear(void **state)
{
    (void)state;
    for (int leaps = 0; leaps < 2; leaps++) {
        begin();
        start(4, NULL);
        for (int i = 0; leaps && i < 3; i++)
            rig.server[i].leap = LEAP_INSERT;
        pass(2000);
        rig.server[3].ahead = 0.2;
        pass(8000);
        CHECK_EQ(rig.events[CLIENT_FALSETICKER], 1);
        CHECK_EQ(rig.events[CLIENT_SMEARER], leaps);
        CHECK(!leaps || rig.last[CLIENT_SMEARER].slot == 3);
    }
}

static void test_a_withdrawn_leap_does_not_happen(void **state)
{
    (void)state;
    follow_one(NULL);
    rig.server[0].leap = LEAP_INSERT;
    pass(3600);
    CHECK_EQ(status().leap, LEAP_INSERT);
    rig.server[0].leap = LEAP_NONE;
    pass(3600);
    CHECK_EQ(status().leap, LEAP_NONE);
    pass(43200);
    CHECK_NEAR(error(), 0, 1e-4);
}

/* Hostile bytes. */

static void test_garbage_changes_nothing(void **state)
{
    (void)state;
    struct check_random r = check_random_start();
    uint8_t data[200];

    follow_one(NULL);
    pass(300);
    for (int i = 0; i < 20000; i++) {
        check_random_bytes(&r, data, sizeof(data));
        data[0] = (uint8_t)(data[0] & 0xc0) | 0x24;
        enum source_verdict v = client_receive(
            &rig.client, 0, data, check_random_below(&r, 200), rig.now);
        CHECK(v != SOURCE_OK && v < SOURCE_KISS_RATE);
    }
    CHECK_EQ(client_receive(&rig.client, -1, data, 48, rig.now),
             SOURCE_UNASKED);
    CHECK_EQ(client_receive(&rig.client, 31, data, 48, rig.now),
             SOURCE_UNASKED);
    pass(300);
    CHECK_NEAR(error(), 0, 1e-5);
    CHECK_EQ(state_of(0), SOURCE_SELECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_valid_reply_of_one_source_sets),
        cmocka_unit_test(test_root_distance_is_that_of_the_path),
        cmocka_unit_test(test_a_liar_that_answers_first_is_not_followed),
        cmocka_unit_test(test_after_a_second_fewer_than_a_majority_will_do),
        cmocka_unit_test(test_the_first_majority_steps_a_provisional_set),
        cmocka_unit_test(test_two_that_disagree_set_nothing),
        cmocka_unit_test(test_minsources_holds_for_the_first_set_too),
        cmocka_unit_test(test_noselect_sources_neither_vote_nor_lead),
        cmocka_unit_test(test_the_time_may_be_in_the_next_era),
        cmocka_unit_test(
            test_iburst_asks_four_to_eight_times_two_seconds_apart),
        cmocka_unit_test(test_the_poll_stays_within_its_limits),
        cmocka_unit_test(test_rate_raises_the_poll),
        cmocka_unit_test(test_rate_ends_a_burst),
        cmocka_unit_test(test_deny_stops_a_source_for_good),
        cmocka_unit_test(test_rate_never_asks_more_than_36_hours_of_patience),
        cmocka_unit_test(test_burst_asks_again_only_when_a_reply_is_missing),
        cmocka_unit_test(test_an_iburst_has_at_least_four_requests),
        cmocka_unit_test(test_the_poll_comes_down_when_the_clock_gets_worse),
        cmocka_unit_test(test_transmit_timestamps_never_repeat),
        cmocka_unit_test(
            test_without_a_cookie_nothing_is_asked_until_there_is_one),
        cmocka_unit_test(test_what_is_not_proven_is_never_followed),
        cmocka_unit_test(test_a_source_that_never_answers_is_told_once),
        cmocka_unit_test(test_an_unreachable_source_is_asked_ever_less_often),
        cmocka_unit_test(
            test_without_replies_it_serves_on_with_growing_dispersion),
        cmocka_unit_test(test_a_counter_that_may_wander_disperses_faster),
        cmocka_unit_test(test_the_rate_is_learned),
        cmocka_unit_test(test_a_clock_left_alone_too_long_expires),
        cmocka_unit_test(test_a_server_that_loses_its_time_is_left),
        cmocka_unit_test(test_every_reason_not_to_follow_is_told),
        cmocka_unit_test(test_jittery_and_stale_sources_are_told),
        cmocka_unit_test(test_a_reply_that_took_longer_than_we_waited_is_none),
        cmocka_unit_test(test_lost_epochs_are_set_anew),
        cmocka_unit_test(test_after_a_loss_each_source_is_asked_in_a_burst),
        cmocka_unit_test(
            test_after_a_loss_a_reply_that_had_to_wait_is_asked_for_again),
        cmocka_unit_test(test_after_a_loss_a_longer_path_is_believed_soon),
        cmocka_unit_test(
            test_with_local_alone_a_clock_of_the_platform_is_enough),
        cmocka_unit_test(
            test_a_second_loss_voids_what_was_measured_after_the_first),
        cmocka_unit_test(test_without_makestep_an_offset_is_slewed),
        cmocka_unit_test(test_makestep_counts_from_the_first_set),
        cmocka_unit_test(test_maxchange_alarms_and_unsynchronises),
        cmocka_unit_test(test_a_loss_of_time_ends_the_alarm),
        cmocka_unit_test(test_maxchange_begins_after_its_start),
        cmocka_unit_test(test_maxchange_ignores_as_often_as_it_says),
        cmocka_unit_test(test_offset_is_added_and_maxdelay_refuses),
        cmocka_unit_test(test_authselectmode_decides_who_counts),
        cmocka_unit_test(test_a_full_table_of_sources_refuses_more),
        cmocka_unit_test(test_unfetched_events_lose_the_oldest),
        cmocka_unit_test(test_local_after_ten_seconds_without_a_source),
        cmocka_unit_test(test_local_takes_over_when_the_distance_grows),
        cmocka_unit_test(test_a_date_that_nobody_told_is_not_served),
        cmocka_unit_test(test_the_era_is_told_without_any_guess),
        cmocka_unit_test(test_local_with_activate_waits_for_a_source_first),
        cmocka_unit_test(test_announced_leap_seconds_are_gone_through),
        cmocka_unit_test(test_leap_seconds_of_the_table_need_no_announcement),
        cmocka_unit_test(
            test_a_leap_second_in_a_pause_is_not_gone_through_again),
        cmocka_unit_test(test_samples_around_a_leap_are_left_out),
        cmocka_unit_test(test_the_end_of_the_list_is_told_28_days_ahead),
        cmocka_unit_test(test_the_end_of_the_list_waits_for_the_date),
        cmocka_unit_test(test_a_leap_second_is_smeared_as_smoothtime_says),
        cmocka_unit_test(test_without_smoothtime_it_is_slewed_by_maxslewrate),
        cmocka_unit_test(test_a_smear_never_breaks),
        cmocka_unit_test(test_a_smear_is_taken_up_whenever_we_start),
        cmocka_unit_test(test_a_start_amid_a_leap_second_waits_for_its_end),
        cmocka_unit_test(test_a_step_out_of_a_smear_ends_it),
        cmocka_unit_test(test_who_follows_a_smeared_clock_does_not_smear_again),
        cmocka_unit_test(test_a_leap_is_not_announced_again_by_old_replies),
        cmocka_unit_test(test_who_smears_among_others_is_named_once),
        cmocka_unit_test(test_who_is_off_on_a_leap_day_is_said_to_smear),
        cmocka_unit_test(test_a_withdrawn_leap_does_not_happen),
        cmocka_unit_test(test_garbage_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
