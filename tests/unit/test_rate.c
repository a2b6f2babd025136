/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the counter's rate from one run to the next. */
/* links: boot/rate boot/remember boot/state boot/state_find drivers/blk */
/* links: tests/fake/disk tests/fake/keeper tests/fake/machine */
#include "boot/rate.h"
#include "tests/check.h"
#include "tests/fake/disk.h"
#include "tests/fake/keeper.h"
#include "tests/fake/machine.h"

#include <math.h>

#define HZ  2500000000u
#define PPM 1e-6

static struct pci pci;
static struct state st;
static struct clock clock_of_client;
static struct client client;
static struct remember r;
static struct rate rate;

static struct tsc measured(uint64_t hz, uint64_t bound_ppb)
{
    return (struct tsc){
        .best = {
            .name = "hpet", .hz = hz, .bound_ppb = bound_ppb, .valid = true}};
}

static double hz_of(const struct client_start *start)
{
    return 0x1p80 / (double)start->rate;
}

static int start(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

static void test_without_a_kept_rate_the_measured_one_is_taken(void **state)
{
    static const struct state_data nothing;
    struct tsc tsc = measured(HZ, 40000);
    struct client_start s = {0};

    (void)state;
    rate_choose(&nothing, &tsc, &s);
    CHECK_NEAR(hz_of(&s), HZ, 1e-3);
    CHECK_EQ(s.rate_error_ppb, 40000);
    CHECK_EQ(s.kept_error_ppb, 0);
    CHECK(fake.log[0] == 0);
}

/* Whatever the calibration of this boot is off by, within its bound. */
static void test_a_kept_rate_that_agrees_is_taken(void **state)
{
    static struct state_data kept;
    struct client_start s = {0};

    (void)state;
    kept.counter_hz = HZ + 0.25;
    kept.counter_skew = 2 * PPM;
    for (int ppm = -40; ppm <= 40; ppm += 10) {
        struct tsc tsc =
            measured(HZ + (uint64_t)((double)HZ * ppm * PPM), 40000);

        rate_choose(&kept, &tsc, &s);
        CHECK_NEAR(hz_of(&s), HZ + 0.25, 1e-3);
        CHECK_NEAR(s.rate_error_ppb, 40000 + 1000 * abs(ppm), 2);
        CHECK_EQ(s.kept_error_ppb, 1500);
        CHECK(fake_said("the rate of the last run is used"));
    }
}

static void test_a_rate_of_another_host_is_said_and_ignored(void **state)
{
    static struct state_data kept;
    struct tsc tsc = measured(HZ, 40000);
    struct client_start s = {0};

    (void)state;
    kept.counter_hz = HZ * (1 + 50 * PPM);
    rate_choose(&kept, &tsc, &s);
    CHECK_NEAR(hz_of(&s), HZ, 1e-3);
    CHECK_EQ(s.kept_error_ppb, 0);
    CHECK(fake_said(
        "WARNING: not the rate of the last run, this is another host"));
    CHECK(fake_said("50.000 ppm from the measured rate"));
}

static void boot(void)
{
    const struct state_setup setup = {
        .pci = &pci, .wanted = true, .name = "", .ticks_per_s = 1000000};

    fake_reset();
    fake.counter_step = 1;
    memset(&client, 0, sizeof(client));
    client.clock = &clock_of_client;
    fake_disk[0].stopped = false;
    state_init(&st, &setup);
    remember_start(&r, &st, &client, 1000000);
    rate_start(&rate, &r);
}

static void pass(unsigned seconds)
{
    for (unsigned i = 0; i < 100 * seconds; i++) {
        rate_poll(&rate, fake.counter);
        remember_poll(&r, fake.counter);
        fake.counter += 10000;
    }
}

/* It is kept once it is known, and again and again as it is known better. */
static void test_the_rate_is_kept_as_soon_as_it_is_known(void **state)
{
    (void)state;
    fake_disks_reset(&pci, 1);
    boot();
    client.set = true;
    client.skew = 6 * PPM;
    client.discipline.line.rate_after = (uint64_t)(0x1p80 / 2500000100.0);
    pass(100);
    CHECK_EQ(st.saves, 0);
    client.skew = 4 * PPM;
    pass(10);
    CHECK_EQ(st.saves, 1);
    CHECK(fake_said("by the sources: 2500000100 Hz +- 4.000 ppm"));
    pass(25);
    CHECK_EQ(st.saves, 2);
    client.skew = 0.5 * PPM;
    client.discipline.line.rate_after = (uint64_t)(0x1p80 / 2500000123.0);
    pass(60);
    CHECK_EQ(st.saves, 3);
    pass(4000);
    CHECK(st.saves <= 9);
    boot();
    CHECK_NEAR(state_loaded(&st)->counter_hz, 2500000123.0, 1e-3);
    CHECK_NEAR(state_loaded(&st)->counter_skew, 0.5 * PPM, 1e-9);

    /* A run that learns nothing forgets nothing. */
    remember_soon(&r);
    pass(10);
    CHECK_EQ(st.saves, 1);
    boot();
    CHECK_NEAR(state_loaded(&st)->counter_hz, 2500000123.0, 1e-3);
}

static void test_a_rate_that_a_majority_does_not_back_is_not_kept(void **state)
{
    (void)state;
    fake_disks_reset(&pci, 1);
    boot();
    client.set = client.provisional = true;
    client.discipline.line.rate_after = (uint64_t)(0x1p80 / 2500000123.0);
    pass(10);
    client.provisional = false;
    client.lost = true;
    pass(10);
    client.lost = false;
    client.local = true;
    pass(10);
    boot();
    CHECK(state_loaded(&st)->counter_hz == 0);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(test_##name, start, fake_keeper_end)
    const struct CMUnitTest tests[] = {
        TEST(without_a_kept_rate_the_measured_one_is_taken),
        TEST(a_kept_rate_that_agrees_is_taken),
        TEST(a_rate_of_another_host_is_said_and_ignored),
        TEST(the_rate_is_kept_as_soon_as_it_is_known),
        TEST(a_rate_that_a_majority_does_not_back_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
