/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of when what is kept is saved, and of what time. */
/* links: boot/remember boot/state boot/state_find drivers/blk */
/* links: tests/fake/disk tests/fake/keeper tests/fake/machine */
#include "boot/remember.h"
#include "tests/check.h"
#include "tests/fake/disk.h"
#include "tests/fake/keeper.h"
#include "tests/fake/machine.h"

#define HZ   1000000
#define HOUR (3600ull * HZ)
#define NOW  1763832000u

static struct pci pci;
static struct state st;
static struct clock clock_of_client;
static struct client client;
static struct remember r;
static uint32_t collected;

static void collect(void *arg, struct state_data *data)
{
    (void)arg;
    data->nts.count = 1;
    data->nts.key[0].id = ++collected;
}

static void boot(void)
{
    const struct state_setup setup = {
        .pci = &pci, .wanted = true, .name = "", .ticks_per_s = HZ};

    fake_reset();
    fake.counter_step = 1;
    memset(&client, 0, sizeof(client));
    client.clock = &clock_of_client;
    fake_disk[0].stopped = false;
    state_init(&st, &setup);
    remember_start(&r, &st, &client, HZ);
    remember_part(&r, collect, NULL);
}

static int start(void **state)
{
    (void)state;
    fake_disks_reset(&pci, 1);
    collected = 0;
    boot();
    return 0;
}

/* The clock shows that time from now on. */
static void set(uint64_t unix_seconds)
{
    struct clock_line line = {
        .base_ticks = fake.counter,
        .base_date = ntp_date_from_unix((int64_t)unix_seconds, 0),
        .rate = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .rate_after = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .leap_date = NTP_DATE_NEVER,
        .expiry_ticks = UINT64_MAX,
    };

    clock_publish(&clock_of_client, &line);
    client.set = true;
}

static void run(uint64_t ticks)
{
    uint64_t until = fake.counter + ticks;

    for (;;) {
        uint64_t next = remember_next(&r);

        if (next > until)
            break;
        if (fake.counter < next)
            fake.counter = next;
        remember_poll(&r, fake.counter);
        fake.counter++;
    }
    fake.counter = until;
    remember_poll(&r, fake.counter);
}

/* Without a time, and with nothing new, nothing is saved. */
static void test_nothing_is_saved_without_a_reason(void **state)
{
    (void)state;
    run(10 * HOUR);
    CHECK_EQ(st.saves, 0);
    CHECK(remember_next(&r) == UINT64_MAX);
}

/* The time is saved when it is known, and every hour from then on. */
static void test_time_is_saved_at_once_and_hourly(void **state)
{
    (void)state;
    run(HOUR);
    set(NOW);
    remember_poll(&r, fake.counter);
    run(10 * HZ);
    CHECK_EQ(st.saves, 1);
    run(HOUR - 20 * HZ);
    CHECK_EQ(st.saves, 1);
    run(20 * HZ);
    CHECK_EQ(st.saves, 2);
    boot();
    CHECK_NEAR(state_loaded(&st)->unix_seconds, NOW + 3600, 1);
    CHECK_EQ(state_loaded(&st)->nts.key[0].id, 2);
}

static void test_it_is_hourly_when_the_counter_is_set_back(void **state)
{
    (void)state;
    run(10 * HOUR);
    set(NOW);
    remember_poll(&r, fake.counter);
    run(10 * HZ);
    CHECK_EQ(st.saves, 1);
    fake.counter -= 9 * HOUR;
    set(NOW);
    for (int i = 0; i < 7300; i++) {
        remember_poll(&r, fake.counter);
        fake.counter += HZ;
    }
    CHECK(st.saves >= 3);
}

/* A time that too few sources agree on is not kept. */
static void test_provisional_time_is_not_saved(void **state)
{
    (void)state;
    set(NOW);
    client.provisional = true;
    remember_poll(&r, fake.counter);
    run(2 * HOUR);
    CHECK_EQ(st.saves, 0);
    client.provisional = false;
    remember_poll(&r, fake.counter);
    run(10 * HZ);
    CHECK_EQ(st.saves, 1);
}

/* What changes is saved soon, and the time of the last run with it. */
static void test_change_is_saved_and_forgets_nothing(void **state)
{
    (void)state;
    set(NOW);
    remember_poll(&r, fake.counter);
    run(10 * HZ);
    boot();
    remember_soon(&r);
    run(10 * HZ);
    CHECK_EQ(st.saves, 1);
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, NOW);
    CHECK_EQ(state_loaded(&st)->nts.key[0].id, 2);
}

/* What must not be found again is in neither slot. */
static void test_what_is_no_more_is_in_no_slot(void **state)
{
    static uint8_t slot[STATE_SLOT_BYTES];
    static struct state_data data;
    uint64_t generation;

    (void)state;
    set(NOW);
    remember_poll(&r, fake.counter);
    run(3 * HOUR);
    collected = 100;
    remember_no_more(&r);
    run(10 * HZ);
    for (unsigned i = 0; i < 2; i++) {
        memcpy(slot, fake_disk[0].medium + STATE_SLOT_AT(i), sizeof(slot));
        CHECK_EQ(state_image_read(slot, sizeof(slot), &data, &generation),
                 STATE_OK);
        CHECK_EQ(data.nts.key[0].id, 101);
    }
    unsigned saves = (unsigned)st.saves;
    run(10 * HZ);
    CHECK_EQ(st.saves, saves);
    remember_soon(&r);
    run(10 * HZ);
    CHECK_EQ(st.saves, saves + 1);
}

/* A time below the last known one is taken, with one warning. */
static void test_time_may_go_back_loudly(void **state)
{
    (void)state;
    set(NOW);
    remember_poll(&r, fake.counter);
    run(10 * HZ);
    boot();
    set(NOW - 1000);
    remember_poll(&r, fake.counter);
    CHECK(fake_said(
        "WARNING: the sources agree on a time that is 1000 s before"));
    fake.log[0] = 0;
    run(3 * HOUR);
    CHECK(!fake_said("WARNING"));
    boot();
    CHECK_NEAR(state_loaded(&st)->unix_seconds, NOW - 1000 + 3 * 3600, 1);
    set(NOW + 20000);
    remember_poll(&r, fake.counter);
    CHECK(!fake_said("WARNING"));
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(test_##name, start, fake_keeper_end)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_saved_without_a_reason),
        TEST(time_is_saved_at_once_and_hourly),
        TEST(it_is_hourly_when_the_counter_is_set_back),
        TEST(provisional_time_is_not_saved),
        TEST(change_is_saved_and_forgets_nothing),
        TEST(what_is_no_more_is_in_no_slot),
        TEST(time_may_go_back_loudly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
