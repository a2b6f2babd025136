/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of whose state it is, by the VM generation ID. */
/* links: boot/generation boot/state boot/state_find drivers/blk */
/* links: tests/fake/disk tests/fake/keeper tests/fake/machine */
#include "boot/generation.h"
#include "tests/check.h"
#include "tests/fake/disk.h"
#include "tests/fake/keeper.h"
#include "tests/fake/machine.h"

#define HZ 1000000

static struct pci pci;
static struct state st;

static int start(void **state)
{
    (void)state;
    fake_disks_reset(&pci, 1);
    fake_reset();
    return 0;
}

/* A machine whose ID is made of that byte; 0: it has none. */
static struct generation machine_of(uint8_t byte)
{
    struct generation g = {.known = byte != 0};

    memset(g.id, byte, sizeof(g.id));
    return g;
}

static void boot(void)
{
    const struct state_setup setup = {
        .pci = &pci, .wanted = true, .name = "", .ticks_per_s = HZ};

    fake_reset();
    fake.counter_step = 10;
    fake_disk[0].stopped = false;
    state_init(&st, &setup);
}

/* A run on that machine, which learns cookies of as many servers. */
static void run(uint8_t byte, unsigned servers)
{
    static struct state_data data;
    struct generation g = machine_of(byte);

    boot();
    data = *state_loaded(&st);
    data.unix_seconds = 1763832000;
    data.nts.count = 1;
    data.nts.key[0].id = 7;
    data.own.cert_len = data.own.key_len = 100;
    data.upstreams = servers;
    for (unsigned i = 0; i < servers; i++) {
        strcpy(data.upstream[i].name, "a.example");
        memset(data.upstream[i].c2s, 0x5a, STATE_KEY_MAX);
        data.upstream[i].cookies = 1;
        data.upstream[i].cookie[0].len = 100;
    }
    generation_collect(&g, &data);
    state_save(&st, &data);
    while (state_next(&st) != UINT64_MAX) {
        fake.counter = state_next(&st) + 1;
        state_poll(&st, fake.counter);
    }
}

/* The next boot, on that one; returns whether it is a copy. */
static bool boot_on(uint8_t byte)
{
    struct generation g = machine_of(byte);

    boot();
    fake.log[0] = 0;
    return generation_judge(&g, &st);
}

/* Another machine's cookies, and its keys, are not found any more; all else
 * that was kept is. */
static void test_a_copy_drops_the_cookies_and_says_so(void **state)
{
    static const struct state_upstream none;

    (void)state;
    run(1, 2);
    CHECK(boot_on(2));
    CHECK(fake_said("a copy"));
    CHECK(fake_said("VM generation ID"));
    CHECK(fake_said("the cookies of 2 servers are dropped"));
    CHECK_EQ(state_loaded(&st)->upstreams, 0);
    CHECK_EQ(memcmp(&state_loaded(&st)->upstream[0], &none, sizeof(none)), 0);
    CHECK_EQ(memcmp(&state_loaded(&st)->upstream[1], &none, sizeof(none)), 0);
    CHECK_EQ(state_loaded(&st)->unix_seconds, 1763832000);
    CHECK_EQ(state_loaded(&st)->nts.key[0].id, 7);
    CHECK_EQ(state_loaded(&st)->own.cert_len, 100);
}

/* A single differing bit, wherever it is, makes another ID. */
static void test_any_bit_makes_another_id(void **state)
{
    (void)state;
    run(1, 1);
    for (unsigned bit = 0; bit < 8 * STATE_GENERATION_ID; bit++) {
        struct generation g = machine_of(1);

        boot();
        g.id[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(generation_judge(&g, &st));
        CHECK(fake_said("the cookies of 1 server are dropped"));
        CHECK_EQ(state_loaded(&st)->upstreams, 0);
    }
}

/* It is a copy without cookies, too. */
static void test_a_copy_is_said_without_cookies(void **state)
{
    (void)state;
    run(1, 0);
    CHECK(boot_on(2));
    CHECK(fake_said("a copy"));
    CHECK(fake_said("the cookies of 0 servers are dropped"));
}

static void test_the_same_machine_keeps_its_cookies_in_silence(void **state)
{
    (void)state;
    run(1, 2);
    CHECK(!boot_on(1));
    CHECK_TEXT(fake.log, "");
    CHECK_EQ(state_loaded(&st)->upstreams, 2);
    CHECK_EQ(state_loaded(&st)->upstream[1].c2s[0], 0x5a);
}

static void test_without_an_id_now_nothing_is_dropped(void **state)
{
    (void)state;
    run(1, 2);
    CHECK(!boot_on(0));
    CHECK_TEXT(fake.log, "");
    CHECK_EQ(state_loaded(&st)->upstreams, 2);
}

static void test_without_an_id_stored_nothing_is_dropped(void **state)
{
    (void)state;
    run(0, 2);
    CHECK(!boot_on(1));
    CHECK_TEXT(fake.log, "");
    CHECK_EQ(state_loaded(&st)->upstreams, 2);
}

static void test_a_blank_disk_is_no_copy(void **state)
{
    (void)state;
    CHECK(!boot_on(1));
    CHECK_TEXT(fake.log, "");
}

/* What is saved next is of the ID that the machine has then, or of none. */
static void test_the_next_save_has_the_id_of_its_machine(void **state)
{
    (void)state;
    run(0, 1);
    CHECK(!state_loaded(&st)->has_generation_id);
    run(3, 1);
    CHECK(!boot_on(3));
    CHECK(state_loaded(&st)->has_generation_id);
    CHECK_EQ(state_loaded(&st)->generation_id[15], 3);
    CHECK(boot_on(4));
    run(4, 1);
    CHECK(!boot_on(4));
    CHECK(boot_on(3));
    run(0, 1);
    CHECK(!boot_on(3));
    CHECK(!state_loaded(&st)->has_generation_id);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(test_##name, start, fake_keeper_end)
    const struct CMUnitTest tests[] = {
        TEST(a_copy_drops_the_cookies_and_says_so),
        TEST(any_bit_makes_another_id),
        TEST(a_copy_is_said_without_cookies),
        TEST(the_same_machine_keeps_its_cookies_in_silence),
        TEST(without_an_id_now_nothing_is_dropped),
        TEST(without_an_id_stored_nothing_is_dropped),
        TEST(a_blank_disk_is_no_copy),
        TEST(the_next_save_has_the_id_of_its_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
