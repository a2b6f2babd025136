/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of boot-time memory. */
/* links: arch/mem */
#include "arch/mem.h"

#include "arch/fmt.h"
#include "arch/panic.h"
#include "tests/check.h"

#include <sys/mman.h>

#define MIB (1ull << 20)

/* The host's image is far above; the tests reserve ranges instead. */
extern const uint8_t image_start[], image_end[];
const uint8_t image_start[16] = {0};
const uint8_t image_end[16] = {0};

static jmp_buf panicked;
static char message[128];

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fmt_line(message, sizeof message, fmt, args);
    va_end(args);
    longjmp(panicked, 1);
}

/* Real memory below 4 GiB, because it is zeroed when given out. */
static uint8_t *arena;
#define ARENA_SIZE (4 * MIB)

static int start(void **state)
{
    (void)state;
    if (arena == NULL)
        arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    return arena == MAP_FAILED;
}

static struct mem_range part(uint64_t from, uint64_t to)
{
    return (struct mem_range){(uintptr_t)arena + from, (uintptr_t)arena + to};
}

static bool panics(size_t size)
{
    if (setjmp(panicked) != 0)
        return true;
    mem_alloc(size, 0);
    return false;
}

static void test_only_ram_between_one_mib_and_four_gib_counts(void **state)
{
    const struct mem_range ram[] = {
        {0, 0x9fc00},
        {0x80000, 2 * MIB},
        {0xfff00000, 0x100000000 + 5 * MIB},
        {0x200000000, 0x300000000},
    };

    (void)state;
    mem_setup(ram, 4, NULL, 0);
    CHECK_EQ(mem_total(), 2 * MIB);
}

static void test_ranges_that_overlap_count_once(void **state)
{
    const struct mem_range ram[] = {
        {8 * MIB, 9 * MIB}, {2 * MIB, 4 * MIB},  {3 * MIB, 5 * MIB},
        {2 * MIB, 3 * MIB}, {7 * MIB, 10 * MIB}, {6 * MIB, 6 * MIB},
        {7 * MIB, 6 * MIB},
    };

    (void)state;
    mem_setup(ram, 7, NULL, 0);
    CHECK_EQ(mem_total(), 6 * MIB);
}

static void test_reserved_ranges_are_left_out(void **state)
{
    const struct mem_range ram[] = {{2 * MIB, 10 * MIB}};
    const struct mem_range reserved[] = {
        {1 * MIB, 3 * MIB},   /* the start, */
        {9 * MIB, 12 * MIB},  /* the end, */
        {5 * MIB, 6 * MIB},   /* the middle, */
        {5 * MIB, 5 * MIB},   /* nothing, */
        {20 * MIB, 21 * MIB}, /* something else */
    };

    (void)state;
    mem_setup(ram, 1, reserved, 5);
    CHECK_EQ(mem_total(), 5 * MIB);

    const struct mem_range all[] = {{0, 1ull << 40}};

    mem_setup(ram, 1, all, 1);
    CHECK_EQ(mem_total(), 0);
}

static void test_nothing_reserved_is_ever_given_out(void **state)
{
    const struct mem_range ram[] = {part(0, ARENA_SIZE)};
    struct check_random r = check_random_start();

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        struct mem_range reserved[16];

        memset(arena, 0xee, ARENA_SIZE);
        for (unsigned i = 0; i < 16; i++) {
            uint64_t from = check_random_below(&r, ARENA_SIZE);
            uint64_t len = check_random_below(&r, ARENA_SIZE / 32);

            reserved[i] = part(from, from + len);
        }
        mem_setup(ram, 1, reserved, 16);
        if (setjmp(panicked) == 0)
            for (;;)
                mem_alloc(check_random_below(&r, 65536),
                          (size_t)1 << check_random_below(&r, 13));
        for (unsigned i = 0; i < 16; i++)
            for (uint64_t at = reserved[i].start;
                 at < reserved[i].end && at < ram[0].end; at++)
                CHECK_EQ(*(const uint8_t *)at, 0xee);
    }
}

static void test_what_is_given_out_is_zero_aligned_and_apart(void **state)
{
    const struct mem_range ram[] = {part(1, ARENA_SIZE)};
    struct check_random r = check_random_start();
    const uint8_t *last = NULL;
    uint64_t given = 0;

    (void)state;
    memset(arena, 0xee, ARENA_SIZE);
    mem_setup(ram, 1, NULL, 0);
    for (unsigned i = 0; i < 200; i++) {
        size_t size = 1 + check_random_below(&r, 5000);
        size_t align = (size_t)1 << check_random_below(&r, 13);
        uint8_t *p = mem_alloc(size, align);

        CHECK_EQ((uintptr_t)p % align, 0);
        CHECK(p >= arena + 1 && p + size <= arena + ARENA_SIZE);
        for (size_t at = 0; at < size; at++)
            CHECK_EQ(p[at], 0);
        memset(p, 0x11, size);
        CHECK(last != p);
        last = p;
        given += size;
    }
    CHECK_EQ(mem_available() <= mem_total() - given, true);
}

static void test_alignment_wastes_nothing(void **state)
{
    const struct mem_range ram[] = {part(0, 3 * 4096)};

    (void)state;
    mem_setup(ram, 1, NULL, 0);
    mem_alloc(16, 16);
    mem_alloc(4096, 4096);
    CHECK_EQ(mem_available(), 3 * 4096 - 16 - 4096);
    /* The rest of the first page is still to be had. */
    CHECK((uint8_t *)mem_alloc(4080, 16) == arena + 16);
    mem_alloc(4096, 16);
    CHECK_EQ(mem_available(), 0);
}

static void test_too_much_is_a_panic(void **state)
{
    const struct mem_range ram[] = {part(0, MIB)};

    (void)state;
    mem_setup(ram, 1, NULL, 0);
    CHECK(panics(MIB + 1));
    CHECK(panics(SIZE_MAX));
    CHECK(!panics(MIB));
    CHECK(panics(1));
    CHECK_TEXT(message, "out of memory: 1 bytes wanted, 0 left");
}

static void test_after_the_seal_it_is_a_panic(void **state)
{
    const struct mem_range ram[] = {part(0, MIB)};

    (void)state;
    mem_setup(ram, 1, NULL, 0);
    CHECK(!panics(16));
    mem_seal();
    CHECK(panics(16));
}

/* More pieces than there are places for: the smallest are let go. */
static void test_too_many_pieces_leave_the_largest(void **state)
{
    struct mem_range ram[MEM_RANGES_MAX + 8];

    (void)state;
    for (unsigned i = 0; i < MEM_RANGES_MAX + 8; i++) {
        ram[i].start = (2 + i) * MIB;
        ram[i].end = ram[i].start + (i < 8 ? 4096 : 65536);
    }
    mem_setup(ram, MEM_RANGES_MAX + 8, NULL, 0);
    CHECK_EQ(mem_total(), MEM_RANGES_MAX * 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_ram_between_one_mib_and_four_gib_counts),
        cmocka_unit_test(test_ranges_that_overlap_count_once),
        cmocka_unit_test(test_reserved_ranges_are_left_out),
        cmocka_unit_test_setup(test_nothing_reserved_is_ever_given_out, start),
        cmocka_unit_test_setup(test_what_is_given_out_is_zero_aligned_and_apart,
                               start),
        cmocka_unit_test_setup(test_alignment_wastes_nothing, start),
        cmocka_unit_test_setup(test_too_much_is_a_panic, start),
        cmocka_unit_test_setup(test_after_the_seal_it_is_a_panic, start),
        cmocka_unit_test(test_too_many_pieces_leave_the_largest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
