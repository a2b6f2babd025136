/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the watch, on an RTC and on pages that are the test's. */
/* links: drivers/disruption drivers/rtc drivers/rtc_edge */
#include "drivers/disruption.h"

#include "arch/cpu.h"
#include "arch/io.h"
#include "tests/check.h"

#define HZ 1000000000ull

/* A clock that begins some days after 2026-01-01, and runs on in pauses. */
static struct {
    uint64_t counter_ms; /* what the counter has seen */
    uint64_t date_ms;    /* since 2026-01-01 */
    uint8_t index;
    unsigned reads;
    unsigned garbled; /* so many readings of data are no digits */
    bool jumps;       /* the second turns between two readings */
} world;

static uint8_t bcd(uint64_t value)
{
    return (uint8_t)(value / 10 * 16 + value % 10);
}

uint8_t in8(uint16_t port)
{
    uint64_t s = world.date_ms / 1000;

    CHECK_EQ(port, 0x71);
    world.reads++;
    if (world.garbled > 0) {
        world.garbled--;
        return 0xff;
    }
    if (world.jumps)
        world.date_ms += world.reads % 3 == 0 ? 1 : 0;
    switch (world.index) {
    case 0x00:
        return bcd(s % 60);
    case 0x02:
        return bcd(s / 60 % 60);
    case 0x04:
        return bcd(s / 3600 % 24);
    case 0x07:
        return bcd(s / 86400 + 1);
    case 0x08:
        return 0x01;
    case 0x09:
        return 0x26;
    case 0x32:
        return 0x20;
    case 0x0b:
        return 0x02;
    default:
        return 0;
    }
}

void out8(uint16_t port, uint8_t value)
{
    CHECK_EQ(port, 0x70);
    world.index = value;
}

uint64_t counter_read(void)
{
    return world.counter_ms * (HZ / 1000);
}

static struct rtc rtc;
static struct disruption watch;
static uint8_t page[4096];
static uint8_t id[16];

static void pass(uint64_t ms)
{
    world.counter_ms += ms;
    world.date_ms += ms;
}

static bool look(void)
{
    return disruption_look(&watch, counter_read());
}

/* What the loop does, for some time. */
static void loop(uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) {
        pass(1);
        if (counter_read() < disruption_next(&watch))
            continue;
        CHECK(!look());
        disruption_poll(&watch, counter_read());
    }
}

/* The same, and questions all the time. */
static void quiet(uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 10) {
        loop(10);
        CHECK(!look());
    }
}

static void begin(struct disruption_places *places)
{
    static const struct refclock_machine machine;
    struct refclock clock = {.driver = &rtc_driver, .state = &rtc};

    memset(&world, 0, sizeof(world));
    world.date_ms = 5 * 86400000ull + 43200400;
    CHECK(rtc_driver.attach(&clock, &machine));
    places->ticks_per_s = HZ;
    disruption_init(&watch, places, counter_read());
}

static void begin_rtc(void)
{
    begin(&(struct disruption_places){.rtc = &rtc});
    loop(1500);
    CHECK(watch.anchor.width_ms <= 6);
}

static void test_pauses_of_two_seconds_and_more_are_noticed(void **state)
{
    static const uint64_t pauses[] = {
        2000,     2500,     3000,     6000,      59000,     60000,
        61000,    120000,   3600000,  3599000,   3602000,   86400000,
        86401000, 86399000, 90000000, 172800000, 864000000, 1000000000};
    (void)state;
    for (unsigned i = 0; i < sizeof(pauses) / sizeof(*pauses); i++)
        for (unsigned at = 0; at < 1000; at += 90) {
            begin_rtc();
            pass(at);
            CHECK(!look());
            world.date_ms += pauses[i];
            CHECK(look());
            CHECK_EQ(watch.noticed, 1u << DISRUPTION_RTC);
            CHECK_EQ(watch.count, 1);
            CHECK(!look()); /* told once */
            loop(3000);
            CHECK(!look());
            CHECK(watch.anchor.width_ms <= 6);
            world.date_ms += pauses[i];
            CHECK(look());
        }
}

static void test_a_clock_that_goes_back_is_noticed(void **state)
{
    (void)state;
    begin_rtc();
    world.date_ms -= 2800;
    CHECK(look());
}

/* The kernel of a host that follows NTP sets its clock back by one. */
static void test_a_leap_second_of_the_host_is_no_disruption(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 1000; at += 90) {
        begin_rtc();
        pass(at);
        world.date_ms -= 1000;
        quiet(3000);
        for (unsigned i = 0; i < 3600; i++) {
            pass(1000);
            CHECK(!look());
            if (counter_read() >= disruption_next(&watch))
                quiet(2000); /* for an anchor that knows of it */
        }
        world.date_ms += 2000;
        CHECK(look());
    }
}

static void test_nothing_is_noticed_in_days(void **state)
{
    (void)state;
    begin_rtc();
    for (unsigned i = 0; i < 3 * 86400 * 4; i++) {
        pass(251);
        CHECK(!look());
        if (counter_read() >= disruption_next(&watch))
            loop(1);
    }
}

static void test_drift_of_an_hour_is_no_disruption(void **state)
{
    (void)state;
    begin_rtc();
    for (unsigned i = 0; i < 3590; i++) {
        pass(1000);
        world.date_ms += i % 5 == 0; /* 200 ppm */
        CHECK(!look());
    }
}

/* The rate of a short window was 400 ppm off, which was found out later. */
static void test_a_rate_that_is_known_better_is_no_disruption(void **state)
{
    (void)state;
    begin(&(struct disruption_places){.rtc = &rtc});
    disruption_rate(&watch, HZ / 10000 * 10004, counter_read());
    loop(5000);
    disruption_refined(&watch, HZ);
    for (unsigned i = 0; i < 3590; i++) {
        pass(1000);
        CHECK(!look());
    }
}

static void test_a_turn_between_two_registers_is_no_disruption(void **state)
{
    (void)state;
    begin_rtc();
    world.jumps = true;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t before = world.date_ms;

        CHECK(!look());
        world.counter_ms += world.date_ms - before;
    }
}

static void test_an_unreadable_clock_is_no_disruption(void **state)
{
    (void)state;
    begin_rtc();
    for (unsigned n = 1; n < 200; n++) {
        world.garbled = n;
        CHECK(!look());
        world.garbled = 0;
        CHECK(!look());
    }
    world.garbled = 3;
    world.date_ms += 5000;
    CHECK(look());
}

static void test_a_plain_look_takes_four_readings(void **state)
{
    (void)state;
    begin_rtc();
    world.reads = 0;
    CHECK(!look());
    CHECK_EQ(world.reads, 4);
}

static void test_an_invariant_counter_is_checked_every_10_ms(void **state)
{
    (void)state;
    begin(&(struct disruption_places){.rtc = &rtc, .invariant = true});
    loop(1500);
    CHECK(!look());
    world.date_ms += 6000;
    pass(9);
    CHECK(!look());
    pass(1);
    CHECK(look());
}

/* That of another host, say, which has not been on for as long. */
static void test_a_counter_that_was_set_back_is_checked_at_once(void **state)
{
    (void)state;
    begin(&(struct disruption_places){.rtc = &rtc, .invariant = true});
    loop(60000);
    CHECK(!look());
    world.counter_ms -= 40000;
    CHECK(look());
    CHECK_EQ(watch.noticed, 1u << DISRUPTION_RTC);
}

/* Between two looks that are 10 ms apart, and while a turn is looked for. */
static void test_a_pause_is_not_taken_for_the_turn_of_a_second(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 500; at += 15) {
        begin(&(struct disruption_places){.rtc = &rtc, .invariant = true});
        loop(at);
        pass(10);
        CHECK(!look());
        disruption_poll(&watch, counter_read());
        world.date_ms += 6000;
        pass(4);
        CHECK(!look());
        disruption_poll(&watch, counter_read());
        pass(6);
        CHECK(look());
    }
}

/* Before the turn of a second was seen an anchor is as wide as a second. */
static void test_pauses_soon_after_another_are_noticed(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 1000; at += 35)
        for (unsigned after = 250; after < 1500; after += 45) {
            begin_rtc();
            pass(at);
            world.date_ms += 6000;
            CHECK(look());
            for (unsigned ms = 0; ms < after; ms += 5) {
                pass(5);
                CHECK(!look());
            }
            world.date_ms += 2000;
            CHECK(look());
        }
}

static void put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void test_vmclocks_marker_is_noticed_and_the_rtc_left_alone(void **state)
{
    (void)state;
    memset(page, 0, sizeof(page));
    put32(page + 12, 2);
    page[16] = 1;
    begin(&(struct disruption_places){
        .vmclock = {.page = page, .bytes = sizeof(page)},
        .rtc = &rtc,
        .invariant = true});
    world.reads = 0;
    CHECK(!look());
    put32(page + 12, 4);
    CHECK(!look()); /* time was updated: no disruption */
    page[23] = 1;
    put32(page + 12, 6);
    CHECK(look());
    CHECK_EQ(watch.noticed, 1u << DISRUPTION_MARKER);
    CHECK(!look());
    world.date_ms += 60000;
    CHECK(!look());
    CHECK_EQ(world.reads, 0);
    CHECK_EQ(disruption_next(&watch), UINT64_MAX);
    put32(page + 12, 7); /* for ever in an update */
    CHECK(!look());
    page[16] = 2;
    CHECK(look());
    CHECK(!look());
}

static void test_each_byte_of_the_generation_id_counts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        begin(&(struct disruption_places){.vmgenid = {.id = id}, .rtc = &rtc});
        CHECK(!look());
        id[i]++;
        CHECK(look());
        CHECK_EQ(watch.noticed, 1u << DISRUPTION_GENERATION);
        CHECK(!look());
    }
}

/* The RTC ran on, whatever it was noticed by. */
static void test_one_disruption_is_noticed_once(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms < 3000; ms += 50) {
        begin(&(struct disruption_places){.vmgenid = {.id = id}, .rtc = &rtc});
        loop(1500);
        id[0]++;
        world.date_ms += ms;
        CHECK(look());
        quiet(4000);
        world.date_ms += ms;
        disruption_tell(&watch, DISRUPTION_COUNTER, counter_read());
        quiet(4000);
        CHECK_EQ(watch.count, 2);
    }
}

static void test_kvm_clocks_flag_is_noticed_and_cleared(void **state)
{
    uint8_t flags = 1;

    (void)state;
    begin(&(struct disruption_places){.kvm_flags = &flags, .rtc = &rtc});
    CHECK(!look());
    flags = 3;
    CHECK(look());
    CHECK_EQ(flags, 1);
    CHECK(!look());
}

static bool kept_up;

static bool answer_kept_up(void *kvm, uint64_t ticks_per_s)
{
    CHECK(kvm == &kept_up);
    CHECK_EQ(ticks_per_s, HZ);
    return kept_up;
}

static void test_a_pause_that_the_counter_ran_through_is_none(void **state)
{
    uint8_t flags = 1;

    (void)state;
    begin(&(struct disruption_places){.kvm_flags = &flags,
                                      .kept_up = answer_kept_up,
                                      .kvm = &kept_up,
                                      .rtc = &rtc});
    kept_up = true;
    flags = 3;
    CHECK(!look());
    CHECK_EQ(flags, 1);
    kept_up = false;
    CHECK(!look());
    flags = 3;
    CHECK(look());
    CHECK_EQ(watch.noticed, 1u << DISRUPTION_STOPPED);
    CHECK_EQ(flags, 1);
}

static void test_what_the_background_tells_is_noticed(void **state)
{
    (void)state;
    begin_rtc();
    disruption_tell(&watch, DISRUPTION_COUNTER, counter_read());
    CHECK_EQ(watch.noticed, 1u << DISRUPTION_COUNTER);
    CHECK_EQ(watch.count, 1);
    CHECK_EQ(watch.notice_ticks, counter_read());
}

/* A pause too short for the tolerance, that something else has told of. */
static bool runs_through(uint64_t ran_ms, unsigned hours)
{
    begin_rtc();
    for (unsigned i = 0; i < hours * 3500; i++) {
        pass(1000);
        CHECK(!look());
    }
    pass(130);
    world.date_ms += ran_ms;
    CHECK(!look());
    disruption_tell(&watch, DISRUPTION_MARKER, counter_read());
    CHECK(watch.weighing);
    CHECK_EQ(watch.count, 1);
    for (unsigned i = 0; i < 1500 && watch.weighing; i++)
        loop(1);
    CHECK(!watch.weighing);
    CHECK(watch.anchor.width_ms <= 6);
    return watch.rtc_ran;
}

static void test_an_rtc_that_leapt_ran_through_a_short_pause(void **state)
{
    (void)state;
    CHECK(runs_through(150, 0));
    CHECK(runs_through(700, 0));
    CHECK(runs_through(740, 0));
    CHECK(runs_through(300, 1));
    CHECK(!runs_through(0, 0));
    CHECK(runs_through(50, 0)); /* the pause of a copy */
    CHECK(!runs_through(20, 0));
    CHECK(!runs_through(0, 1));
    CHECK(!runs_through(150, 1)); /* may be drift */
}

/* The last turn that was seen is a minute old, not an hour. */
static void test_drift_does_not_hide_a_leap(void **state)
{
    (void)state;
    for (unsigned ran_ms = 0; ran_ms <= 50; ran_ms += 50) {
        begin_rtc();
        for (unsigned i = 0; i < 33; i++) {
            loop(100000);
            world.date_ms += 5; /* 50 ppm */
        }
        uint64_t anchored = watch.anchor.ticks;
        world.date_ms += ran_ms;
        disruption_tell(&watch, DISRUPTION_MARKER, counter_read());
        for (unsigned i = 0; i < 1500 && watch.weighing; i++)
            loop(1);
        CHECK_EQ(watch.rtc_ran, ran_ms > 0);
        CHECK(anchored < 3 * HZ);
    }
}

static void test_short_pauses_within_an_hour_add_up(void **state)
{
    (void)state;
    begin_rtc();
    for (unsigned i = 0; i < 4; i++) {
        world.date_ms += 600;
        if (watch.count > 0)
            break;
        for (unsigned ms = 0; ms < 300000 && watch.count == 0; ms++) {
            pass(1);
            if (!look() && counter_read() >= disruption_next(&watch))
                disruption_poll(&watch, counter_read());
        }
    }
    CHECK_EQ(watch.count, 1);
}

static void test_a_leap_of_the_rtc_needs_no_second_one(void **state)
{
    (void)state;
    begin_rtc();
    world.date_ms += 6000;
    CHECK(look());
    CHECK(!watch.weighing);
    CHECK(watch.rtc_ran);
}

static void test_an_rtc_that_turns_no_more_ran_through_nothing(void **state)
{
    (void)state;
    begin_rtc();
    disruption_tell(&watch, DISRUPTION_MARKER, counter_read());
    for (unsigned i = 0; i < 5000; i++) {
        world.counter_ms++;
        disruption_poll(&watch, counter_read());
    }
    CHECK(!watch.weighing);
    CHECK(!watch.rtc_ran);
}

/* The counter of another host: what it expects of the RTC is another thing. */
static void test_another_rate_of_the_counter_is_no_leap_of_the_rtc(void **state)
{
    bool known;

    (void)state;
    begin_rtc();
    disruption_rate(&watch, HZ * 5 / 4, counter_read());
    for (unsigned i = 0; i < 3000; i++) {
        world.counter_ms += 125;
        world.date_ms += 100;
        CHECK(!look());
        disruption_poll(&watch, counter_read());
    }
    CHECK(disruption_rtc_agrees(&watch, counter_read(), &known));
    CHECK(known);
    world.date_ms += 3000;
    CHECK(!disruption_rtc_agrees(&watch, counter_read(), &known));
    CHECK(known);
    CHECK(look());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses_of_two_seconds_and_more_are_noticed),
        cmocka_unit_test(test_a_clock_that_goes_back_is_noticed),
        cmocka_unit_test(test_a_leap_second_of_the_host_is_no_disruption),
        cmocka_unit_test(test_nothing_is_noticed_in_days),
        cmocka_unit_test(test_drift_of_an_hour_is_no_disruption),
        cmocka_unit_test(test_a_rate_that_is_known_better_is_no_disruption),
        cmocka_unit_test(test_a_turn_between_two_registers_is_no_disruption),
        cmocka_unit_test(test_an_unreadable_clock_is_no_disruption),
        cmocka_unit_test(test_a_plain_look_takes_four_readings),
        cmocka_unit_test(test_an_invariant_counter_is_checked_every_10_ms),
        cmocka_unit_test(test_a_counter_that_was_set_back_is_checked_at_once),
        cmocka_unit_test(test_a_pause_is_not_taken_for_the_turn_of_a_second),
        cmocka_unit_test(
            test_vmclocks_marker_is_noticed_and_the_rtc_left_alone),
        cmocka_unit_test(test_each_byte_of_the_generation_id_counts),
        cmocka_unit_test(test_pauses_soon_after_another_are_noticed),
        cmocka_unit_test(test_one_disruption_is_noticed_once),
        cmocka_unit_test(test_kvm_clocks_flag_is_noticed_and_cleared),
        cmocka_unit_test(test_a_pause_that_the_counter_ran_through_is_none),
        cmocka_unit_test(test_what_the_background_tells_is_noticed),
        cmocka_unit_test(test_an_rtc_that_leapt_ran_through_a_short_pause),
        cmocka_unit_test(test_drift_does_not_hide_a_leap),
        cmocka_unit_test(test_short_pauses_within_an_hour_add_up),
        cmocka_unit_test(test_a_leap_of_the_rtc_needs_no_second_one),
        cmocka_unit_test(test_an_rtc_that_turns_no_more_ran_through_nothing),
        cmocka_unit_test(
            test_another_rate_of_the_counter_is_no_leap_of_the_rtc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
