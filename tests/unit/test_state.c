/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the state region: which disk, what is written, what is found. */
/* links: boot/state boot/state_find drivers/blk */
/* links: tests/fake/disk tests/fake/keeper tests/fake/machine */
#include "boot/state.h"
#include "tests/check.h"
#include "tests/fake/disk.h"
#include "tests/fake/keeper.h"
#include "tests/fake/machine.h"
#include "tests/gpt_make.h"

#include <mbedtls/sha256.h>

#define HZ 1000000

static struct pci pci;
static struct state st;
static struct state_data data;

static void disks(unsigned count)
{
    fake_reset();
    fake.counter_step = 10;
    fake_disks_reset(&pci, count);
    fake_keeper.keep = NULL;
}

static int start(void **state)
{
    (void)state;
    disks(1);
    memset(&data, 0, sizeof(data));
    return 0;
}

static void boot_named(const char *name)
{
    const struct state_setup setup = {
        .pci = &pci, .wanted = true, .name = name, .ticks_per_s = HZ};

    uint64_t now = fake.counter;

    fake_keeper.keep = NULL;
    fake_reset(); /* what was allocated before */
    fake.counter = now;
    fake.counter_step = 10;
    for (unsigned i = 0; i < FAKE_DISKS; i++)
        fake_disk[i].stopped = false;
    state_init(&st, &setup);
}

static void boot(void)
{
    boot_named("");
}

/* The loop, until there is nothing left to do or `limit` s have passed. */
static void run(unsigned limit)
{
    uint64_t until = fake.counter + (uint64_t)limit * HZ;

    while (state_next(&st) < until) {
        if (fake.counter < state_next(&st))
            fake.counter = state_next(&st);
        state_poll(&st, fake.counter);
        fake.counter += 10;
    }
}

static void save(uint64_t seconds)
{
    data.unix_seconds = seconds;
    state_save(&st, &data);
    run(10);
}

/* After a disruption that did so, what is retired must not wait for hours. */
static void test_saves_go_on_when_the_counter_is_set_back(void **state)
{
    (void)state;
    boot();
    fake.counter += 7200ull * HZ;
    save(5);
    CHECK_EQ(st.saves, 1);
    fake.counter -= 7200ull * HZ;
    state_save_twice(&st, &data);
    for (int i = 0; i < 10000; i++) {
        state_poll(&st, fake.counter);
        fake.counter += HZ / 1000;
    }
    CHECK_EQ(st.saves, 3);
}

/* A blank disk is made ours, by its header alone, and said. */
static void test_blank_disk_is_taken(void **state)
{
    (void)state;
    boot();
    CHECK(state_usable(&st));
    CHECK(fake_said("blank disk"));
    CHECK_EQ(fake_disk[0].writes, 2);
    CHECK_EQ(fake_disk[0].write[0].offset, 0);
    CHECK_EQ(fake_disk[0].write[0].len, STATE_PAGE_BYTES);
    CHECK_EQ(fake_disk[0].write[1].len, 0);
    CHECK_EQ(state_loaded(&st)->unix_seconds, 0);
    boot();
    CHECK(state_usable(&st));
    CHECK(fake_said("nothing was saved yet"));
    CHECK_EQ(fake_disk[0].writes, 2);
}

/* What was saved is found, the latest of it, however often. */
static void test_latest_save_is_found(void **state)
{
    (void)state;
    boot();
    for (unsigned i = 1; i <= 5; i++) {
        save(1000 + i);
        boot();
        CHECK_EQ(state_loaded(&st)->unix_seconds, 1000 + i);
        save(2000 + i);
        save(3000 + i);
        boot();
        CHECK_EQ(state_loaded(&st)->unix_seconds, 3000 + i);
    }
}

/* A key that is retired later would stay where it was loaded to. */
static void test_keys_are_forgotten_where_they_were_found(void **state)
{
    (void)state;
    static const struct nts_key_bytes none;

    boot();
    data.nts.count = 1;
    memset(&data.nts.key[0], 0x77, sizeof(none));
    data.upstreams = 1;
    strcpy(data.upstream[0].name, "a.example");
    memset(data.upstream[0].c2s, 0x77, STATE_KEY_MAX);
    data.upstream[0].cookies = 1;
    data.upstream[0].cookie[0].len = 100;
    save(5);
    boot();
    CHECK_EQ(state_loaded(&st)->nts.key[0].key[0], 0x77);
    CHECK_EQ(state_loaded(&st)->upstream[0].c2s[0], 0x77);
    state_save(&st, &data);
    CHECK_EQ(memcmp(&state_loaded(&st)->nts.key[0], &none, sizeof(none)), 0);
    CHECK_EQ(state_loaded(&st)->nts.count, 0);
    CHECK_EQ(state_loaded(&st)->upstream[0].c2s[0], 0);
    CHECK_EQ(state_loaded(&st)->upstreams, 0);
    CHECK_EQ(state_loaded(&st)->unix_seconds, 5);
}

/* Is there, in either slot, a secret of make_secrets()? */
static bool has_secrets(void)
{
    unsigned row = 0;

    for (size_t i = STATE_SLOT_AT(0); i < STATE_REGION_BYTES; i++) {
        row = fake_disk[0].medium[i] == 0x7e ? row + 1 : 0;
        if (row == 8)
            return true;
    }
    return false;
}

static void make_secrets(void)
{
    data.nts.count = 3;
    memset(data.nts.key, 0x7e, sizeof(data.nts.key));
    data.upstreams = 16;
    for (unsigned i = 0; i < data.upstreams; i++) {
        strcpy(data.upstream[i].name, "a.example");
        memset(data.upstream[i].c2s, 0x7e, STATE_KEY_MAX);
        data.upstream[i].cookies = 1;
        data.upstream[i].cookie[0].len = 256;
        memset(data.upstream[i].cookie[0].bytes, 0x7e, 256);
    }
    save(1);
    save(2);
    CHECK(has_secrets());
}

static void retire_secrets(void)
{
    memset(data.nts.key, 0x11, sizeof(data.nts.key));
    data.upstreams = 0;
}

/* What is saved twice is all that is left in the slots; saved once, what was
 * there before is in the older one, and behind what is shorter. */
static void test_what_is_retired_is_in_no_slot(void **state)
{
    (void)state;
    boot();
    make_secrets();
    retire_secrets();
    save(3);
    CHECK(has_secrets());
    save(4);
    CHECK(has_secrets());
    state_save_twice(&st, &data);
    run(10);
    CHECK(!has_secrets());
    CHECK_EQ(st.saves, 6);
    CHECK(state_next(&st) == UINT64_MAX);
    save(5);
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 5);
}

/* ... whatever else is saved meanwhile, and where a disk refuses some of it. */
static void test_retired_secrets_go_whatever_happens(void **state)
{
    for (unsigned i = 0; i < 200; i++) {
        start(state);
        boot();
        make_secrets();
        data.unix_seconds = 3;
        if (i & 1)
            state_save(&st, &data); /* they are under way when ... */
        for (unsigned j = 0; j < i % 5; j++)
            state_poll(&st, fake.counter += 10);
        retire_secrets(); /* ... they are retired */
        state_save_twice(&st, &data);
        for (unsigned j = 0; j < i / 5 % 10; j++) {
            if (fake.counter + 10 * HZ < state_next(&st))
                break;
            if (fake.counter < state_next(&st))
                fake.counter = state_next(&st);
            state_poll(&st, fake.counter);
        }
        fake_disk[0].refuses_writes = i & 2;
        fake_disk[0].refuses_flushes = i & 4;
        data.unix_seconds = 4;
        if (i & 8)
            state_save(&st, &data);
        run(10);
        fake_disk[0].refuses_writes = fake_disk[0].refuses_flushes = false;
        run(200);
        CHECK(!has_secrets());
        CHECK(state_next(&st) == UINT64_MAX);
        boot();
        CHECK_EQ(state_loaded(&st)->unix_seconds, i & 8 ? 4 : 3);
    }
}

/* Make a header or slot one of the next version, otherwise sound. */
static void vouch_for_version_2(uint8_t *at)
{
    mbedtls_sha256_context sha256;

    at[11] = 2;
    mbedtls_sha256_init(&sha256);
    mbedtls_sha256_starts(&sha256, 0);
    mbedtls_sha256_update(&sha256, at, 24);
    mbedtls_sha256_update(&sha256, at + 56, at[15]);
    mbedtls_sha256_finish(&sha256, at + 24);
}

/* Many changes at once are one write; the last counts. */
static void test_changes_are_coalesced(void **state)
{
    (void)state;
    boot();
    save(1);
    unsigned writes = fake_disk[0].writes;
    for (unsigned i = 0; i < 100; i++) {
        data.unix_seconds = 100 + i;
        state_save(&st, &data);
        state_poll(&st, fake.counter++);
    }
    run(10);
    CHECK(fake_disk[0].writes - writes <= 4);
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 199);
}

/* Nothing to do, nothing to wake for. */
static void test_idle_state_wakes_nobody(void **state)
{
    (void)state;
    boot();
    CHECK(state_next(&st) == UINT64_MAX);
    save(1);
    CHECK(state_next(&st) == UINT64_MAX);
    disks(0);
    boot();
    CHECK(!state_usable(&st));
    CHECK(fake_said("forgotten at power-off"));
    state_save(&st, &data);
    state_poll(&st, fake.counter);
    CHECK(state_next(&st) == UINT64_MAX);
}

/* Every write is to one of three places, none of which is outside. */
static void test_nothing_is_written_outside_of_the_region(void **state)
{
    struct check_random r = check_random_start();

    (void)state;
    boot();
    for (unsigned i = 0; i < 20; i++) {
        data.upstreams = (unsigned)check_random_below(&r, 17);
        for (unsigned j = 0; j < data.upstreams; j++) {
            data.upstream[j].cookies = 8;
            for (unsigned k = 0; k < 8; k++)
                data.upstream[j].cookie[k].len = 256;
        }
        save(i + 1);
    }
    for (unsigned i = 0; i < fake_disk[0].writes; i++) {
        const struct fake_write *w = &fake_disk[0].write[i];
        uint64_t slot = w->offset / STATE_SLOT_BYTES;

        if (w->len == 0 || i == 0)
            continue;
        CHECK(slot == 1 || slot == 2);
        CHECK_EQ(w->offset % STATE_SLOT_BYTES, 0);
        CHECK(w->len <= STATE_SLOT_BYTES);
    }
}

/* The slot that holds the latest save is never the one that is written. */
static void test_slots_take_turns(void **state)
{
    (void)state;
    boot();
    for (unsigned i = 0; i < 10; i++) {
        unsigned from = fake_disk[0].writes;

        save(i + 1);
        CHECK_EQ(fake_disk[0].write[from].offset, STATE_SLOT_AT(i % 2));
        CHECK_EQ(fake_disk[0].write[from + 1].len, 0); /* the flush */
        if (i % 3 == 0)
            boot();
    }
}

/* Every disk that a power failure may leave behind. */

static uint8_t history[FAKE_DISK_BYTES];
static struct fake_write done[FAKE_WRITES_MAX];
static unsigned done_count;

/* Take what was written so far as the history; nothing else will be. */
static void take_history(void)
{
    memset(history, 0, sizeof(history));
    done_count = fake_disk[0].writes;
    memcpy(done, fake_disk[0].write, sizeof(done));
    fake_disk[0].writes = 0;
}

static void drop_history(void)
{
    for (unsigned i = 0; i < done_count; i++)
        free(done[i].data);
    done_count = 0;
}

/*
 * Which save must be found at least, when the first `count` writes were made:
 * each is one write and one flush, after those of the header.
 */
static uint64_t least_after(unsigned count)
{
    return count < 4 ? 0 : (count - 2) / 2;
}

static void boot_from_history(unsigned count, uint64_t most)
{
    memcpy(fake_disk[0].medium, history, sizeof(history));
    fake_disk_forget(&fake_disk[0]);
    boot();
    CHECK(state_usable(&st));
    CHECK(state_loaded(&st)->unix_seconds >= least_after(count));
    CHECK(state_loaded(&st)->unix_seconds <= most);
}

static void make_history(unsigned saves)
{
    boot();
    for (unsigned i = 0; i < saves; i++) {
        data.upstreams = i % 4;
        for (unsigned j = 0; j < data.upstreams; j++) {
            strcpy(data.upstream[j].name, "a.example");
            data.upstream[j].cookies = 8;
            for (unsigned k = 0; k < 8; k++) {
                data.upstream[j].cookie[k].len = 256;
                memset(data.upstream[j].cookie[k].bytes, (int)i, 256);
            }
        }
        save(i + 1);
    }
    take_history();
}

/* With the last write cut off at any sector, and nothing flushed missing. */
static void test_right_after_every_prefix_of_the_writes(void **state)
{
    (void)state;
    make_history(12);
    for (unsigned i = 0; i < done_count; i++) {
        const struct fake_write *w = &done[i];

        for (size_t at = 0; at < w->len; at += 512) {
            boot_from_history(i, (i + 1) / 2);
            memcpy(history + w->offset + at, w->data + at, 512);
        }
        boot_from_history(i + 1, (i + 1) / 2);
    }
    CHECK_EQ(state_loaded(&st)->unix_seconds, 12);
    drop_history();
}

/* With any of the sectors since the last flush there, and the others not; as
 * well as rubbish instead. */
static void test_right_with_unflushed_sectors_lost(void **state)
{
    struct check_random r = check_random_start();
    static uint8_t flushed[FAKE_DISK_BYTES];

    (void)state;
    make_history(12);
    for (unsigned i = 0; i < done_count; i++) {
        const struct fake_write *w = &done[i];

        memcpy(flushed, history, sizeof(flushed));
        for (unsigned round = 0; w->len > 0 && round < 60; round++) {
            bool rubbish = check_random_below(&r, 4) == 0;

            if (i == 0 && rubbish)
                continue; /* a header of rubbish is nobody's disk */
            memcpy(history, flushed, sizeof(history));
            for (size_t at = 0; at < w->len; at += 512) {
                if (check_random_below(&r, 2))
                    memcpy(history + w->offset + at, w->data + at, 512);
                else if (rubbish)
                    check_random_bytes(&r, history + w->offset + at, 512);
            }
            boot_from_history(i, (i + 1) / 2);
        }
        memcpy(history, flushed, sizeof(history));
        if (w->len > 0)
            memcpy(history + w->offset, w->data, w->len);
    }
    drop_history();
}

/* After a torn save the next one goes where the torn one is. */
static void test_torn_save_is_replaced(void **state)
{
    (void)state;
    boot();
    save(1);
    save(2);
    fake_disk[0].medium[STATE_SLOT_AT(1) + 60] ^= 1;
    boot();
    CHECK(
        fake_said("slot 1 is damaged, torn or rotten; the other one is used"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 1);
    save(3);
    boot();
    CHECK(!fake_said("damaged"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 3);
}

/* With both slots rotten it starts afresh, and says so. */
static void test_both_slots_rotten(void **state)
{
    (void)state;
    boot();
    save(1);
    save(2);
    fake_disk[0].medium[STATE_SLOT_AT(0) + 60] ^= 1;
    fake_disk[0].medium[STATE_SLOT_AT(1) + 60] ^= 1;
    boot();
    CHECK(fake_said("slot 0 is damaged") && fake_said("slot 1 is damaged"));
    CHECK(state_usable(&st));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 0);
    save(3);
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 3);
}

/* Headers. */

static uint8_t header_page[STATE_PAGE_BYTES];

/* A region in whose slots are saves 1 and 2; it was just looked at. */
static void make_region(void)
{
    disks(2);
    boot();
    save(1);
    save(2);
    fake_disk_forget(&fake_disk[0]);
    state_header_write(header_page);
}

/* What it holds is found, and its header is written anew, once. */
static void check_mended(void)
{
    boot();
    CHECK(state_usable(&st));
    CHECK_EQ(st.region.disk.pci->slot, 0);
    CHECK(
        fake_said("the header is damaged, torn or rotten; it is written anew"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 2);
    CHECK_EQ(fake_disk[0].writes, 2);
    CHECK_EQ(fake_disk[0].write[0].offset, 0);
    CHECK_EQ(fake_disk[0].write[0].len, STATE_PAGE_BYTES);
    CHECK_EQ(fake_disk[0].write[1].len, 0);
    CHECK_BYTES(fake_disk[0].medium, header_page, sizeof(header_page));
    boot();
    CHECK(!fake_said("header"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 2);
    CHECK_EQ(fake_disk[0].writes, 2);
    fake_disk_forget(&fake_disk[0]);
}

/* A disk is known by its slots when any bit of its header is another, or all
 * of it is lost; whatever is in the way of that is not ours. */
static void test_rotten_header_is_written_anew(void **state)
{
    (void)state;
    make_region();
    for (unsigned bit = 0; bit < 56 * 8; bit += 3) {
        fake_disk[0].medium[bit / 8] ^= (uint8_t)(1u << bit % 8);
        check_mended();
    }
    memset(fake_disk[0].medium, 0, STATE_PAGE_BYTES);
    check_mended();
    memset(fake_disk[0].medium + 20, 0, 12); /* torn */
    check_mended();
    /* One good slot will do. */
    fake_disk[0].medium[3] ^= 1;
    fake_disk[0].medium[STATE_SLOT_AT(0) + 60] ^= 1;
    boot();
    CHECK(fake_said("it is written anew") && fake_said("slot 0 is damaged"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 2);
    save(3);
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 3);
}

/* The disk is not what it was: it is not touched. */
static void check_foreign(void)
{
    static uint8_t before[FAKE_DISK_BYTES];

    memcpy(before, fake_disk[0].medium, sizeof(before));
    boot();
    CHECK(!state_usable(&st) || st.region.disk.pci->slot == 1);
    CHECK(
        fake_said("virtio-blk at 00:00.0 is not for state, and is left alone"));
    CHECK_EQ(fake_disk[0].writes, 0);
    CHECK(fake_disk[0].stopped);
    CHECK_BYTES(fake_disk[0].medium, before, sizeof(before));
}

/* Slots that somebody else's data lies around are what is left of a region. */
static void test_remains_of_a_region_are_left_alone(void **state)
{
    static const uint8_t boot_sector[] = {0x55, 0xaa};
    static const char label[] = "LABELONE";
    struct check_random r = check_random_start();

    (void)state;
    make_region();
    memset(fake_disk[0].medium, 0, 512);
    memcpy(fake_disk[0].medium + 510, boot_sector, 2);
    check_foreign();
    make_region();
    memset(fake_disk[0].medium, 0, STATE_PAGE_BYTES);
    memcpy(fake_disk[0].medium + 512, label, sizeof(label));
    check_foreign();
    for (unsigned i = 0; i < 40; i++) {
        uint64_t at = i % 2 ? check_random_below(&r, STATE_SLOT_BYTES - 512)
                            : check_random_below(&r, 56);

        make_region();
        memset(fake_disk[0].medium, 0, STATE_PAGE_BYTES);
        check_random_bytes(&r, fake_disk[0].medium + at, 512);
        check_foreign();
    }
    /* Without any slot that vouches for it, neither is a header that was. */
    make_region();
    fake_disk[0].medium[3] ^= 1;
    fake_disk[0].medium[STATE_SLOT_AT(0) + 60] ^= 1;
    fake_disk[0].medium[STATE_SLOT_AT(1) + 60] ^= 1;
    check_foreign();
    make_region();
    fake_disk[0].medium[3] ^= 1;
    fake_disk[0].bytes = STATE_REGION_BYTES - 512;
    check_foreign();
}

/* Where it may not be written to, or holds what a later version saved, it stays
 * as it is. */
static void test_rotten_header_stays_where_it_must(void **state)
{
    (void)state;
    make_region();
    fake_disk[0].medium[3] ^= 1;
    fake_disk[0].read_only = true;
    boot();
    CHECK(fake_said("it stays as it is"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 2);
    CHECK_EQ(fake_disk[0].writes, 0);
    make_region();
    fake_disk[0].medium[3] ^= 1;
    vouch_for_version_2(fake_disk[0].medium + STATE_SLOT_AT(0));
    boot();
    CHECK(fake_said("it stays as it is"));
    CHECK(!state_usable(&st));
    CHECK_EQ(fake_disk[0].writes, 0);
    vouch_for_version_2(fake_disk[0].medium + STATE_SLOT_AT(1));
    check_foreign();
    make_region();
    fake_disk[0].medium[3] ^= 1;
    fake_disk[0].refuses_writes = true;
    boot();
    CHECK(fake_said("it stays as it is"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 2);
}

/* It is the last choice but for a blank disk. */
static void test_whole_region_is_preferred_to_a_rotten_one(void **state)
{
    (void)state;
    make_region();
    fake_disk[0].medium[3] ^= 1;
    state_header_write(fake_disk[1].medium);
    boot();
    CHECK_EQ(st.region.disk.pci->slot, 1);
    CHECK_EQ(fake_disk[0].writes, 0);
    make_region();
    memcpy(fake_disk[1].medium, fake_disk[0].medium, FAKE_DISK_BYTES);
    fake_disk[1].medium[3] ^= 1;
    memset(fake_disk[0].medium, 0, FAKE_DISK_BYTES);
    boot();
    CHECK_EQ(st.region.disk.pci->slot, 1);
    CHECK_EQ(state_loaded(&st)->unix_seconds, 2);
    CHECK_EQ(fake_disk[0].writes, 0);
}

/* A disk of anything else is not written to. */
static void test_foreign_disks_are_left_alone(void **state)
{
    static const size_t places[] = {0, 511, 4096, 65536, (1 << 20) - 1};

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        disks(1);
        fake_disk[0].medium[places[i]] = 1;
        boot();
        CHECK(!state_usable(&st));
        CHECK(fake_said("is not for state, and is left alone"));
        CHECK_EQ(fake_disk[0].writes, 0);
        CHECK(fake_disk[0].stopped);
    }
    disks(1);
    fake_disk[0].bytes = (64ull << 20) + 4096;
    boot();
    CHECK(!state_usable(&st));
    CHECK_EQ(fake_disk[0].writes, 0);
    disks(1);
    fake_disk[0].bytes = STATE_REGION_BYTES - 512;
    boot();
    CHECK(!state_usable(&st));
    CHECK_EQ(fake_disk[0].writes, 0);
    disks(1);
    fake_disk[0].bytes = 512;
    boot();
    CHECK(!state_usable(&st));
}

/* A large disk that begins with our header is ours. */
static void test_large_disk_with_a_header_is_taken(void **state)
{
    (void)state;
    fake_disk[0].bytes = 1ull << 40;
    state_header_write(fake_disk[0].medium);
    boot();
    CHECK(state_usable(&st));
    save(7);
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 7);
}

/* The region is found on whichever disk it is, blank ones before it left. */
static void test_region_is_preferred_to_a_blank_disk(void **state)
{
    (void)state;
    disks(3);
    fake_disk[0].medium[0] = 'x';
    state_header_write(fake_disk[2].medium);
    boot();
    CHECK(state_usable(&st));
    CHECK_EQ(st.region.disk.pci->slot, 2);
    CHECK_EQ(fake_disk[0].writes + fake_disk[1].writes, 0);
    CHECK(fake_disk[0].stopped && fake_disk[1].stopped);
    CHECK(!fake_disk[2].stopped);
}

/* Of two blank disks one is taken. */
static void test_one_of_two_blank_disks_is_taken(void **state)
{
    (void)state;
    disks(2);
    boot();
    CHECK(state_usable(&st));
    CHECK_EQ(st.region.disk.pci->slot, 0);
    CHECK_EQ(fake_disk[1].writes, 0);
}

/* With a name, only the disk of that name is. */
static void test_disk_is_found_by_its_serial(void **state)
{
    (void)state;
    disks(3);
    fake_disk[1].serial = "ours";
    state_header_write(fake_disk[2].medium);
    boot_named("ours");
    CHECK(state_usable(&st));
    CHECK_EQ(st.region.disk.pci->slot, 1);
    CHECK_EQ(fake_disk[0].writes, 0);
    CHECK_EQ(fake_disk[2].writes, 0);
    boot_named("theirs");
    CHECK(!state_usable(&st));
    CHECK(fake_said("of that name"));
}

/* Partitions. */

static const uint8_t other_type[16] = {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84,
                                       0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69,
                                       0xd8, 0x47, 0x7d, 0xe4};

/* A table with a partition of somebody else's, and one of ours at 512 KiB. */
static void partition(uint32_t block)
{
    struct fake_disk *d = &fake_disk[0];
    uint64_t blocks = d->bytes / block;
    uint64_t table = 16384 / block;

    d->sector = block;
    gpt_make_entry(d->medium + 2 * block, other_type, 34, 100, "other");
    gpt_make_entry(d->medium + 2 * block + 128, gpt_make_type, 524288 / block,
                   851968 / block - 1, "state");
    memcpy(d->medium + (blocks - 1 - table) * block, d->medium + 2 * block,
           16384);
    gpt_make_header(d->medium, block, blocks, 1, 2);
    gpt_make_header(d->medium, block, blocks, blocks - 1, blocks - 1 - table);
}

static void check_partition_is_used(void)
{
    CHECK(state_usable(&st));
    CHECK_EQ(st.region.offset, 524288);
    CHECK(fake_said("the blank partition at"));
    save(9);
    for (unsigned i = 0; i < fake_disk[0].writes; i++) {
        const struct fake_write *w = &fake_disk[0].write[i];

        CHECK(w->len == 0 ||
              (w->offset >= 524288 && w->offset + w->len <= 851968));
    }
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 9);
}

/* Our partition is found by its type, with blocks of either size, and nothing
 * is written outside of it. */
static void test_partition_is_found_by_its_type(void **state)
{
    (void)state;
    for (uint32_t block = 512; block <= 4096; block *= 8) {
        disks(1);
        partition(block);
        boot();
        check_partition_is_used();
    }
}

/* In a partition as on a disk, and nothing outside of it is written. */
static void test_rotten_header_of_a_partition_is_written_anew(void **state)
{
    (void)state;
    partition(512);
    boot();
    check_partition_is_used();
    fake_disk_forget(&fake_disk[0]);
    fake_disk[0].medium[524288 + 10] ^= 1;
    boot();
    CHECK(fake_said("it is written anew"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 9);
    CHECK_EQ(fake_disk[0].writes, 2);
    CHECK_EQ(fake_disk[0].write[0].offset, 524288);
    CHECK_EQ(fake_disk[0].write[0].len, STATE_PAGE_BYTES);
    fake_disk_forget(&fake_disk[0]);
    memset(fake_disk[0].medium + 524288, 0x33, 64);
    boot();
    CHECK(!state_usable(&st));
    CHECK(fake_said("holds something else"));
    CHECK_EQ(fake_disk[0].writes, 0);
}

/* A partition is found by its name as well, and not by another. */
static void test_partition_is_found_by_its_name(void **state)
{
    (void)state;
    partition(512);
    boot_named("states");
    CHECK(!state_usable(&st));
    boot_named("other");
    CHECK(!state_usable(&st));
    CHECK_EQ(fake_disk[0].writes, 0);
    boot_named("state");
    CHECK(state_usable(&st));
}

/* When the first table is damaged, its copy is used. */
static void test_copy_of_a_damaged_table_is_used(void **state)
{
    (void)state;
    partition(512);
    fake_disk[0].medium[512 + 60] ^= 1;
    boot();
    check_partition_is_used();
}

/* A table without a partition of ours, or with one that holds something else
 * or is too small, is a foreign disk. */
static void test_other_partitions_are_left_alone(void **state)
{
    struct fake_disk *d = &fake_disk[0];

    (void)state;
    partition(512);
    memcpy(d->medium + 1024 + 128, other_type, 16);
    gpt_make_header(d->medium, 512, d->bytes / 512, 1, 2);
    boot();
    CHECK(!state_usable(&st));
    partition(512);
    d->medium[524288 + 5000] = 1;
    boot();
    CHECK(!state_usable(&st));
    CHECK(fake_said("holds something else"));
    d->medium[524288 + 5000] = 0;
    gpt_make_put(d->medium + 1024 + 128 + 40, 1024 + 383 - 1, 8);
    gpt_make_header(d->medium, 512, d->bytes / 512, 1, 2);
    boot();
    CHECK(!state_usable(&st));
    CHECK(fake_said("too small"));
    CHECK_EQ(d->writes, 0);
}

/* A disk whose first MiB is zeros, but whose last block has a table, has
 * partitions. */
static void test_disk_with_a_table_at_its_end_is_not_blank(void **state)
{
    struct fake_disk *d = &fake_disk[0];

    (void)state;
    d->bytes = 2 << 20;
    partition(512);
    memset(d->medium, 0, 1 << 20);
    memcpy(d->medium + (2 << 20) - 512 - 16384 + 128, other_type, 16);
    gpt_make_header(d->medium, 512, 4096, 4095, 4095 - 32);
    boot();
    CHECK(!state_usable(&st));
    CHECK_EQ(d->writes, 0);
}

/* Disks that fail. */

/* A disk that does not answer costs a second, and is then without. */
static void test_hanging_disk_costs_a_second(void **state)
{
    (void)state;
    disks(2);
    fake_disk[0].hangs = fake_disk[1].hangs = true;
    uint64_t before = fake.counter;
    boot();
    CHECK(!state_usable(&st));
    CHECK(fake_said("does not answer"));
    CHECK(fake.counter - before < HZ + HZ / 10);
    CHECK(state_next(&st) == UINT64_MAX);
}

/* A disk that hangs later is given up, and said once. */
static void test_disk_that_hangs_later_is_given_up(void **state)
{
    (void)state;
    boot();
    fake.log[0] = 0;
    fake_disk[0].hangs = true;
    save(1);
    CHECK(state_usable(&st));
    run(600);
    CHECK(!state_usable(&st));
    CHECK(fake_said("does not answer"));
    CHECK(!fake_disk[0].stopped);
    CHECK(state_next(&st) == UINT64_MAX);
    save(2);
}

/* A disk that breaks a rule is given up. */
static void test_disk_that_breaks_a_rule_is_given_up(void **state)
{
    (void)state;
    boot();
    fake_disk[0].breaks = true;
    save(1);
    CHECK(!state_usable(&st));
    CHECK(fake_said("broke a rule"));
    disks(1);
    fake_disk[0].breaks = true;
    boot();
    CHECK(!state_usable(&st));
    CHECK(fake_said("broke a rule"));
}

/* A save that was refused, or whose flush was, is tried again and does not
 * count before; the newest that counts stays. */
static void test_refused_save_is_tried_again(void **state)
{
    (void)state;
    boot();
    save(1);
    for (unsigned i = 0; i < 2; i++) {
        unsigned writes = fake_disk[0].writes;

        fake_disk[0].refuses_writes = i == 0;
        fake_disk[0].refuses_flushes = i == 1;
        fake.log[0] = 0;
        save(10 + i);
        CHECK(fake_said("tried again"));
        CHECK(state_usable(&st));
        CHECK(state_next(&st) < fake.counter + 61 * HZ);
        fake.log[0] = 0;
        run(200);
        CHECK(!fake_said("tried again"));
        fake_disk[0].refuses_writes = fake_disk[0].refuses_flushes = false;
        run(200);
        CHECK_EQ(st.saves, 2 + i);
        for (unsigned j = writes; j < fake_disk[0].writes; j++)
            CHECK(fake_disk[0].write[j].len == 0 ||
                  fake_disk[0].write[j].offset == STATE_SLOT_AT(1 - i));
    }
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 11);
}

/* A region of a later version, or a slot of one, is not written to. */
static void test_later_versions_are_left_alone(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        start(state);
        boot();
        save(3);
        fake_disk_forget(&fake_disk[0]);
        vouch_for_version_2(fake_disk[0].medium + (i ? STATE_SLOT_AT(0) : 0));
        boot();
        CHECK(!state_usable(&st));
        CHECK(fake_said("of a later version"));
        save(4);
        CHECK_EQ(fake_disk[0].writes, 0);
    }
}

/* A disk that may not be written to is read. */
static void test_read_only_disk_is_read(void **state)
{
    (void)state;
    boot();
    save(5);
    fake_disk_forget(&fake_disk[0]);
    fake_disk[0].read_only = true;
    boot();
    CHECK_EQ(state_loaded(&st)->unix_seconds, 5);
    CHECK(!state_usable(&st));
    CHECK(fake_said("may not be written to"));
    CHECK(fake_keeper.keep == NULL);
    save(6);
    CHECK_EQ(fake_disk[0].writes, 0);
    disks(1);
    fake_disk[0].read_only = true;
    boot();
    CHECK(!state_usable(&st));
    CHECK_EQ(fake_disk[0].writes, 0);
}

/* What cannot be read might be the newest save: nothing is written. */
static void test_unreadable_disk_is_not_written(void **state)
{
    (void)state;
    boot();
    save(5);
    unsigned writes = fake_disk[0].writes;
    fake_disk[0].refuses_reads = true;
    boot();
    CHECK(!state_usable(&st));
    save(6);
    CHECK_EQ(fake_disk[0].writes, writes);
}

/* A driver that cannot attach is said, and the next disk is looked at. */
static void test_next_disk_after_one_without_a_driver(void **state)
{
    (void)state;
    disks(2);
    fake_disk[0].cannot_attach = "legacy";
    boot();
    CHECK(fake_said("legacy"));
    CHECK(state_usable(&st));
    CHECK_EQ(st.region.disk.pci->slot, 1);
}

/* Last words go to sectors of their own, are found once, and are cleared
 * without touching a slot. */
static void test_last_words_are_found_once(void **state)
{
    static const char report[] =
        "panic: so it went\n  at 0010\nlast log lines:\nlots of log\n";

    (void)state;
    boot();
    save(1);
    save(2);
    CHECK(fake_keeper.keep != NULL);
    unsigned writes = fake_disk[0].writes;
    fake_keeper.keep(fake_keeper.arg, report, sizeof(report) - 1);
    CHECK_EQ(fake_disk[0].writes, writes + 1);
    CHECK_EQ(fake_disk[0].write[writes].offset, STATE_WORDS_AT);
    CHECK_EQ(fake_disk[0].write[writes].len, STATE_PAGE_BYTES);

    boot();
    CHECK(fake_said("last panic: panic: so it went\n"));
    CHECK(!fake_said("lots of log"));
    CHECK_TEXT(state_loaded(&st)->panic, "panic: so it went\n  at 0010\n");
    CHECK_EQ(state_loaded(&st)->unix_seconds, 2);
    writes = fake_disk[0].writes;
    run(10);
    CHECK_EQ(fake_disk[0].writes, writes + 2);
    CHECK_EQ(fake_disk[0].write[writes].offset, STATE_WORDS_AT);
    save(3);
    boot();
    CHECK(!fake_said("panic"));
    CHECK_EQ(state_loaded(&st)->unix_seconds, 3);
}

/* Last words that were torn are said to have been there. */
static void test_torn_last_words_are_noticed(void **state)
{
    (void)state;
    boot();
    fake_keeper.keep(fake_keeper.arg, "panic: x\n", 9);
    fake_disk[0].medium[STATE_WORDS_AT + 60] ^= 1;
    boot();
    CHECK(fake_said("ended in a panic"));
    run(10);
    boot();
    CHECK(!fake_said("panic"));
}

/* Without `state`, no disk is touched. */
static void test_off_touches_nothing(void **state)
{
    const struct state_setup setup = {
        .pci = &pci, .wanted = false, .name = "", .ticks_per_s = HZ};

    (void)state;
    fake.log[0] = 0;
    state_init(&st, &setup);
    CHECK(!state_usable(&st));
    CHECK(fake_said("state: off"));
    CHECK_EQ(fake_disk[0].reads + fake_disk[0].writes, 0);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(test_##name, start, fake_keeper_end)
    const struct CMUnitTest tests[] = {
        TEST(saves_go_on_when_the_counter_is_set_back),
        TEST(blank_disk_is_taken),
        TEST(latest_save_is_found),
        TEST(keys_are_forgotten_where_they_were_found),
        TEST(what_is_retired_is_in_no_slot),
        TEST(retired_secrets_go_whatever_happens),
        TEST(changes_are_coalesced),
        TEST(idle_state_wakes_nobody),
        TEST(nothing_is_written_outside_of_the_region),
        TEST(slots_take_turns),
        TEST(right_after_every_prefix_of_the_writes),
        TEST(right_with_unflushed_sectors_lost),
        TEST(torn_save_is_replaced),
        TEST(both_slots_rotten),
        TEST(rotten_header_is_written_anew),
        TEST(remains_of_a_region_are_left_alone),
        TEST(rotten_header_stays_where_it_must),
        TEST(whole_region_is_preferred_to_a_rotten_one),
        TEST(rotten_header_of_a_partition_is_written_anew),
        TEST(foreign_disks_are_left_alone),
        TEST(large_disk_with_a_header_is_taken),
        TEST(region_is_preferred_to_a_blank_disk),
        TEST(one_of_two_blank_disks_is_taken),
        TEST(disk_is_found_by_its_serial),
        TEST(partition_is_found_by_its_type),
        TEST(partition_is_found_by_its_name),
        TEST(copy_of_a_damaged_table_is_used),
        TEST(other_partitions_are_left_alone),
        TEST(disk_with_a_table_at_its_end_is_not_blank),
        TEST(hanging_disk_costs_a_second),
        TEST(disk_that_hangs_later_is_given_up),
        TEST(disk_that_breaks_a_rule_is_given_up),
        TEST(refused_save_is_tried_again),
        TEST(later_versions_are_left_alone),
        TEST(read_only_disk_is_read),
        TEST(unreadable_disk_is_not_written),
        TEST(next_disk_after_one_without_a_driver),
        TEST(last_words_are_found_once),
        TEST(torn_last_words_are_noticed),
        TEST(off_touches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
