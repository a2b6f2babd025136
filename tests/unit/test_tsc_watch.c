/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the watch over the counter, on an invented machine. */
/* links: arch/tsc arch/tsc_measure arch/tsc_watch tests/fake/cpuid */
#include "arch/tsc_watch.h"

#include "arch/cpu.h"
#include "arch/log.h"
#include "tests/check.h"

#define FS_PER_S  1000000000000000ll
#define FS_PER_MS (FS_PER_S / 1000)
#define FS_PER_US (FS_PER_MS / 1000)
#define HZ        2500000000.0

__extension__ typedef __int128 i128;

/* Each clock has a time of its own, in fs, and runs at a rate of its own. */
static struct {
    struct check_random random;
    i128 now_fs;
    i128 tsc_fs; /* that the counter is ahead of true time */
    double tsc_rate;
    double away_chance;
    int64_t away_fs;
} machine;

static double chance(void)
{
    return (double)(check_random(&machine.random) >> 11) * 0x1p-53;
}

struct fake_clock {
    uint64_t period_fs;
    uint64_t mask;
    i128 ahead_fs;
    double rate;
    double glitch_chance;
    uint64_t latched;
};

static struct fake_clock hpet, pmtimer, pit;
static struct fake_clock *const clocks[] = {&hpet, &pmtimer, &pit};
static struct counter_reference refs[3];

/* Let true time pass. */
static void pass(int64_t fs)
{
    machine.now_fs += fs;
    machine.tsc_fs += (i128)((double)fs * (machine.tsc_rate - 1));
    for (unsigned i = 0; i < 3; i++)
        clocks[i]->ahead_fs += (i128)((double)fs * (clocks[i]->rate - 1));
}

/* An access, during which the virtual CPU may be away. */
static void spend(int64_t fs)
{
    pass(fs + (int64_t)(chance() * (double)fs));
    if (chance() < machine.away_chance)
        pass((int64_t)(chance() * (double)machine.away_fs));
}

uint64_t counter_read(void)
{
    spend(FS_PER_US / 50);
    return (uint64_t)((long double)(machine.now_fs + machine.tsc_fs) * HZ /
                      FS_PER_S);
}

void log_line(const char *fmt, ...)
{
    (void)fmt;
}

static void latch(void *self)
{
    struct fake_clock *c = self;

    spend(2 * FS_PER_US);
    c->latched =
        (uint64_t)((machine.now_fs + c->ahead_fs) / (int64_t)c->period_fs);
    spend(2 * FS_PER_US);
}

static bool fetch(void *self, uint64_t *count)
{
    struct fake_clock *c = self;

    *count = c->latched & c->mask;
    return chance() >= c->glitch_chance;
}

static struct tsc tsc;
static struct tsc_watch watch;
static struct tsc_leap leap;
static const char *odd;

static void add(unsigned i, const char *name, uint64_t period_fs, uint64_t mask)
{
    *clocks[i] =
        (struct fake_clock){.period_fs = period_fs, .mask = mask, .rate = 1};
    refs[i] = (struct counter_reference){name,  period_fs, 100,      mask,
                                         latch, fetch,     clocks[i]};
}

/* With so many of HPET, PM timer and PIT, from `first` on. */
static void begin(struct check_random *random, unsigned first, unsigned count)
{
    memset(&machine, 0, sizeof(machine));
    machine.random.state = check_random(random);
    machine.now_fs = (i128)FS_PER_S * 1000;
    machine.tsc_rate = 1;
    add(0, "hpet", 10000000, UINT32_MAX);
    add(1, "pmtimer", 279365115, 0xffffff);
    add(2, "pit", 838095110, 0xffff);
    tsc_init(&tsc);
    CHECK(tsc_measure(&tsc, refs + first, count));
    tsc_watch_start(&watch, &tsc);
}

static bool look(void)
{
    return tsc_watch_look(&watch, &tsc, &leap, &odd);
}

/* The loop comes round each second or so; returns how often it was told. */
static unsigned run(unsigned seconds)
{
    unsigned told = 0;
    uint64_t again;

    for (unsigned i = 0; i < seconds; i++) {
        pass((int64_t)((0.5 + chance()) * FS_PER_S));
        (void)tsc_refine(&tsc, &again);
        told += look();
        CHECK(odd == NULL);
    }
    return told;
}

/* A host that is busy, and steers its clocks by 500 ppm now and then. */
static void test_nothing_is_told_where_nothing_happened(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned first = 0; first < 2; first++)
        for (int i = 0; i < 10; i++) {
            begin(&random, first, 3 - first);
            machine.away_chance = 0.002;
            machine.away_fs = 30 * FS_PER_MS;
            for (int k = 0; k < 20; k++) {
                CHECK_EQ(run(100), 0);
                hpet.rate = pmtimer.rate = pit.rate =
                    1 + (chance() - 0.5) * 1000e-6;
            }
        }
}

static void test_a_loop_that_comes_late_is_no_leap(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        begin(&random, first, 3 - first);
        for (int i = 0; i < 300; i++) {
            pass((int64_t)(chance() * 300 * FS_PER_S));
            CHECK(!look());
        }
        pass(9000 * FS_PER_S);
        CHECK(!look());
        machine.tsc_fs -= 5 * FS_PER_MS;
        CHECK_EQ(run(6), 1);
    }
}

static void test_time_that_the_counter_missed_is_told(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 300; i++) {
        int64_t lost;

        begin(&random, i % 2, 3 - i % 2);
        lost = (int64_t)((0.004 + 2 * chance()) * FS_PER_S);
        CHECK_EQ(run((unsigned)(i % 100)), 0);
        machine.tsc_fs -= lost;
        CHECK_EQ(run(8), 1);
        CHECK_NEAR((double)leap.ns, (double)lost / 1e6, 1.5e6);
        CHECK_TEXT(leap.by, i % 2 ? "pmtimer" : "hpet");
        CHECK_EQ(run(100), 0);
    }
}

static void test_time_that_the_others_missed_is_of_the_other_sign(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    begin(&random, 0, 3);
    CHECK_EQ(run(10), 0);
    for (unsigned i = 0; i < 3; i++)
        clocks[i]->ahead_fs -= 6 * FS_PER_S;
    CHECK_EQ(run(6), 1);
    CHECK_NEAR((double)leap.ns, -6e9, 2e6);
}

static void test_a_counter_that_goes_back_is_told(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    begin(&random, 0, 2);
    CHECK_EQ(run(10), 0);
    machine.tsc_fs -= 900 * FS_PER_S;
    CHECK(look());
    CHECK_EQ(run(100), 0);
}

/* The PM timer sees nothing of four whole wraps, the HPET does. */
static void test_a_leap_of_whole_wraps_is_seen_by_who_wraps_later(void **state)
{
    struct check_random random = check_random_start();
    i128 wrap = (i128)0x1000000 * 279365115;

    (void)state;
    begin(&random, 0, 2);
    CHECK_EQ(run(10), 0);
    machine.tsc_fs -= 4 * wrap;
    CHECK_EQ(run(6), 1);
    CHECK_NEAR((double)leap.ns, (double)(4 * wrap) / 1e6, 2e6);
}

static void test_another_rate_is_told(void **state)
{
    static const double rates[] = {0.8, 0.99, 0.998, 1.002, 1.01, 1.2};
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        begin(&random, 0, 2);
        CHECK_EQ(run(120), 0);
        machine.tsc_rate = rates[i];
        CHECK(run(8) > 0);
    }
    begin(&random, 0, 2);
    CHECK_EQ(run(120), 0);
    machine.tsc_rate = 1.0008; /* adds up */
    CHECK(run(80) > 0);
}

/* Nor is the new rate taken for the old one by what goes on measuring. */
static void test_another_rate_in_the_first_seconds_is_told(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        begin(&random, 0, 2);
        CHECK_EQ(run(i), 0);
        machine.tsc_rate = 1.1;
        CHECK(run(8) > 0);
    }
}

static void test_who_is_alone_with_its_leaps_is_left_out(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (unsigned bad = 0; bad < 2; bad++) {
        begin(&random, 0, 2);
        for (unsigned i = 0; i < 3; i++) {
            CHECK_EQ(run(5), 0);
            clocks[bad]->ahead_fs += 300 * FS_PER_MS;
            pass(3 * FS_PER_S);
            CHECK(!look());
            CHECK(i < 2 ? odd == NULL : odd == refs[bad].name);
        }
        clocks[bad]->ahead_fs += 300 * FS_PER_MS;
        CHECK_EQ(run(5), 0);
        machine.tsc_fs -= 300 * FS_PER_MS;
        CHECK_EQ(run(6), 1);
        CHECK_TEXT(leap.by, refs[1 - bad].name);
    }
}

static void test_leaps_of_its_own_are_forgotten_after_an_hour(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    begin(&random, 0, 2);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(run(3800), 0);
        pmtimer.ahead_fs += 300 * FS_PER_MS;
        pass(3 * FS_PER_S);
        CHECK(!look());
        CHECK(odd == NULL);
    }
    CHECK_EQ(watch.count, 2);
}

/* As those of a host do that gives us little of its processor. */
static void test_timers_that_make_up_for_a_lag_are_no_leap(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 100; i++) {
        unsigned seconds = 10 + (unsigned)(chance() * 40);

        begin(&random, (unsigned)i % 2, 3 - (unsigned)i % 2);
        CHECK_EQ(run(150 + (unsigned)(chance() * 64)), 0);
        for (int k = 0; k < 3; k++) {
            i128 behind = machine.now_fs;

            hpet.rate = pmtimer.rate = 1 - 400e-6;
            CHECK_EQ(run(seconds), 0);
            hpet.rate = pmtimer.rate = 1;
            behind = (machine.now_fs - behind) / 2500;
            hpet.ahead_fs += behind;
            pmtimer.ahead_fs += behind;
            CHECK_EQ(run(3), 0);
        }
        machine.tsc_fs -= 300 * FS_PER_MS;
        CHECK_EQ(run(6), 1);
    }
}

static void test_readings_not_believed_say_nothing(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    begin(&random, 0, 2);
    pmtimer.glitch_chance = 0.9;
    CHECK_EQ(run(200), 0);
    hpet.glitch_chance = 1;
    pmtimer.glitch_chance = 1;
    machine.tsc_fs -= 300 * FS_PER_MS;
    CHECK_EQ(run(10), 0);
}

static void test_without_clocks_there_is_nothing_to_see(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    begin(&random, 2, 1);
    CHECK_EQ(watch.count, 0);
    machine.tsc_fs -= 100 * FS_PER_MS;
    CHECK_EQ(run(10), 0);
    machine.tsc_fs -= 10 * FS_PER_S; /* but this is plain */
    CHECK_EQ(run(10), 1);
    CHECK_TEXT(leap.by, "itself");
}

static void test_a_look_is_made_every_two_seconds(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    begin(&random, 0, 2);
    machine.tsc_fs -= 100 * FS_PER_MS;
    pass(1900 * FS_PER_MS);
    CHECK(!look());
    pass(300 * FS_PER_MS);
    CHECK(look());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_told_where_nothing_happened),
        cmocka_unit_test(test_a_loop_that_comes_late_is_no_leap),
        cmocka_unit_test(test_time_that_the_counter_missed_is_told),
        cmocka_unit_test(test_time_that_the_others_missed_is_of_the_other_sign),
        cmocka_unit_test(test_a_counter_that_goes_back_is_told),
        cmocka_unit_test(test_a_leap_of_whole_wraps_is_seen_by_who_wraps_later),
        cmocka_unit_test(test_another_rate_is_told),
        cmocka_unit_test(test_another_rate_in_the_first_seconds_is_told),
        cmocka_unit_test(test_who_is_alone_with_its_leaps_is_left_out),
        cmocka_unit_test(test_leaps_of_its_own_are_forgotten_after_an_hour),
        cmocka_unit_test(test_timers_that_make_up_for_a_lag_are_no_leap),
        cmocka_unit_test(test_readings_not_believed_say_nothing),
        cmocka_unit_test(test_without_clocks_there_is_nothing_to_see),
        cmocka_unit_test(test_a_look_is_made_every_two_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
