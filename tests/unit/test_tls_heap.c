/* SPDX-License-Identifier: BSD-2-Clause */
/* A heap for each session: what it gives out, takes back and forgets. */
#include "net/tls_heap.h"
#include "tests/check.h"

#include <string.h>

#define SIZE 4096

static _Alignas(16) uint8_t memory[SIZE];
static struct tls_heap heap;

static int set_up(void **state)
{
    (void)state;
    memset(memory, 0xa5, sizeof(memory));
    tls_heap_init(&heap, memory, sizeof(memory));
    return 0;
}

static void test_what_is_given_is_zero_and_aligned(void **state)
{
    (void)state;
    for (size_t size = 0; size < 40; size++) {
        uint8_t *p = tls_heap_alloc(&heap, size);

        CHECK(p != NULL && (uintptr_t)p % 16 == 0);
        for (size_t i = 0; i < size; i++)
            CHECK(p[i] == 0);
        memset(p, 0xff, size);
    }
}

static void test_blocks_do_not_overlap(void **state)
{
    uint8_t *block[64];
    unsigned count = 0;

    (void)state;
    while (count < 64 && (block[count] = tls_heap_alloc(&heap, 100)) != NULL) {
        memset(block[count], (int)count, 100);
        count++;
    }
    CHECK(count == SIZE / 128);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < 100; j++)
            CHECK(block[i][j] == i);
}

static void test_what_came_back_is_whole_again(void **state)
{
    void *block[SIZE / 64];

    (void)state;
    for (unsigned i = 0; i < SIZE / 64; i++)
        CHECK((block[i] = tls_heap_alloc(&heap, 48)) != NULL);
    CHECK(tls_heap_alloc(&heap, 1) == NULL);
    for (unsigned i = 0; i < SIZE / 64; i += 2)
        CHECK(tls_heap_free(&heap, block[i]));
    CHECK(tls_heap_alloc(&heap, 49) == NULL);
    for (unsigned i = 1; i < SIZE / 64; i += 2)
        CHECK(tls_heap_free(&heap, block[i]));
    CHECK(heap.used == 0 && heap.max == SIZE);
    CHECK(tls_heap_alloc(&heap, SIZE - 16) != NULL);
}

static void test_more_than_there_is_is_refused(void **state)
{
    (void)state;
    CHECK(tls_heap_alloc(&heap, SIZE) == NULL);
    CHECK(tls_heap_alloc(&heap, SIZE - 15) == NULL);
    CHECK(tls_heap_alloc(&heap, SIZE_MAX) == NULL);
    CHECK(tls_heap_alloc(&heap, SIZE_MAX - 20) == NULL);
    CHECK(heap.used == 0);
}

static void test_what_is_no_block_is_not_taken_back(void **state)
{
    uint8_t *p = tls_heap_alloc(&heap, 64);
    uint8_t other[64];

    (void)state;
    CHECK(!tls_heap_free(&heap, other));
    CHECK(!tls_heap_free(&heap, memory));
    CHECK(!tls_heap_free(&heap, p + 1));
    CHECK(!tls_heap_free(&heap, p + 16));
    CHECK(tls_heap_free(&heap, p));
    CHECK(!tls_heap_free(&heap, p));
    CHECK(heap.used == 0);
}

static void test_nothing_is_left_of_what_was_wiped(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    tls_heap_init(&heap, memory, sizeof(memory));
    for (unsigned i = 0; i < 3; i++)
        memset(tls_heap_alloc(&heap, 500), 0x5a, 500);
    tls_heap_wipe(&heap);
    for (unsigned i = 16; i < sizeof(memory); i++)
        CHECK(memory[i] == 0);
    CHECK(heap.used == 0);
    CHECK(tls_heap_alloc(&heap, SIZE - 16) != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_is_given_is_zero_and_aligned, set_up),
        cmocka_unit_test_setup(test_blocks_do_not_overlap, set_up),
        cmocka_unit_test_setup(test_what_came_back_is_whole_again, set_up),
        cmocka_unit_test_setup(test_more_than_there_is_is_refused, set_up),
        cmocka_unit_test_setup(test_what_is_no_block_is_not_taken_back, set_up),
        cmocka_unit_test_setup(test_nothing_is_left_of_what_was_wiped, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
