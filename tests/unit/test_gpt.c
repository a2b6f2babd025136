/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of partition tables: sound, damaged, impossible. */
#include "boot/gpt.h"
#include "tests/check.h"
#include "tests/gpt_make.h"

#define BLOCK  512
#define BLOCKS 2048

static uint8_t disk[BLOCKS * BLOCK];
static const struct gpt_disk shape = {BLOCK, BLOCKS};
static struct gpt gpt;

static uint8_t *entry(unsigned i)
{
    return disk + 2 * BLOCK + 128 * i;
}

static void seal(void)
{
    gpt_make_seal(disk + BLOCK, entry(0), 128 * 128);
}

static int start(void **state)
{
    (void)state;
    memset(disk, 0, sizeof(disk));
    memset(&gpt, 0, sizeof(gpt));
    gpt_make_entry(entry(0), gpt_make_type, 40, 100, "first");
    gpt_make_entry(entry(7), gpt_make_type, 101, 2014, "last");
    gpt_make_header(disk, BLOCK, BLOCKS, 1, 2);
    return 0;
}

static enum gpt_verdict parse(void)
{
    return gpt_header_read(&gpt, &shape, 1, disk + BLOCK, BLOCK);
}

/* The partitions of a sound table, and no others. */
static void test_partitions_are_found(void **state)
{
    struct gpt_partition p;
    uint32_t at = 0;

    (void)state;
    CHECK_EQ(parse(), GPT_OK);
    CHECK_EQ(gpt.entries, 2);
    CHECK_EQ(gpt_entries_bytes(&gpt), 16384);
    CHECK(gpt_entries_ok(&gpt, entry(0)));
    CHECK(gpt_next(&gpt, entry(0), &at, &p));
    CHECK_TEXT(p.name, "first");
    CHECK_EQ(p.first, 40);
    CHECK_EQ(p.last, 100);
    CHECK_BYTES(p.type, gpt_make_type, 16);
    CHECK(gpt_next(&gpt, entry(0), &at, &p));
    CHECK_TEXT(p.name, "last");
    CHECK(!gpt_next(&gpt, entry(0), &at, &p));
    CHECK(!gpt_next(&gpt, entry(0), &at, &p));
}

/* A name of 36 characters has no end of its own; strange ones are marked. */
static void test_names_are_bounded(void **state)
{
    struct gpt_partition p;
    uint32_t at = 0;

    (void)state;
    gpt_make_entry(entry(0), gpt_make_type, 40, 100,
                   "123456789012345678901234567890123456789");
    entry(0)[56 + 1] = 4;
    gpt_make_put(entry(0) + 58, 27, 2);
    seal();
    CHECK_EQ(parse(), GPT_OK);
    CHECK(gpt_next(&gpt, entry(0), &at, &p));
    CHECK_TEXT(p.name, "\?\?3456789012345678901234567890123456");
}

/* Partitions that leave what is usable are none. */
static void test_impossible_partitions_are_passed_over(void **state)
{
    static const uint64_t bad[][2] = {{0, 100},
                                      {33, 100},
                                      {40, 2015},
                                      {40, UINT64_MAX},
                                      {100, 99},
                                      {UINT64_MAX, 40},
                                      {UINT64_MAX, UINT64_MAX}};
    struct gpt_partition p;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t at = 0;

        gpt_make_entry(entry(0), gpt_make_type, bad[i][0], bad[i][1], "bad");
        seal();
        CHECK_EQ(parse(), GPT_OK);
        CHECK(gpt_next(&gpt, entry(0), &at, &p));
        CHECK_TEXT(p.name, "last");
    }
}

/* A disk without a table is not a damaged one. */
static void test_no_table_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    disk[BLOCK] ^= 1;
    CHECK_EQ(parse(), GPT_NONE);
    disk[BLOCK] ^= 1;
    CHECK_EQ(gpt_header_read(&gpt, &shape, 1, disk + BLOCK, 91), GPT_NONE);
    for (unsigned bit = 8 * 8; bit < 92 * 8; bit++) {
        disk[BLOCK + bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK_EQ(parse(), GPT_DAMAGED);
        disk[BLOCK + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK_EQ(gpt_header_read(&gpt, &shape, 2, disk + BLOCK, BLOCK),
             GPT_DAMAGED);
    CHECK_EQ(parse(), GPT_OK);
    entry(100)[5] ^= 1;
    CHECK(!gpt_entries_ok(&gpt, entry(0)));
}

/* Headers that are vouched for, and still make no sense. */
static void test_impossible_headers_are_damaged(void **state)
{
    static const struct {
        unsigned at, len;
        uint64_t value;
    } bad[] = {
        {12, 4, 91},   {12, 4, 513},        {12, 4, UINT32_MAX},
        {40, 8, 1},    {40, 8, 3000},       {48, 8, 33},
        {48, 8, 2048}, {48, 8, UINT64_MAX}, {72, 8, 1},
        {72, 8, 2047}, {72, 8, UINT64_MAX}, {80, 4, 0},
        {80, 4, 257},  {80, 4, UINT32_MAX}, {84, 4, 0},
        {84, 4, 64},   {84, 4, 129},        {84, 4, 1u << 31},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start(state);
        gpt_make_put(disk + BLOCK + bad[i].at, bad[i].value, bad[i].len);
        seal();
        CHECK_EQ(parse(), GPT_DAMAGED);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
    const struct CMUnitTest tests[] = {
        TEST(partitions_are_found),
        TEST(names_are_bounded),
        TEST(impossible_partitions_are_passed_over),
        TEST(no_table_is_told_from_a_damaged_one),
        TEST(impossible_headers_are_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
