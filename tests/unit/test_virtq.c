/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the split virtqueue, from the device's side of its memory. */
/* links: drivers/virtq */
#include "drivers/virtq.h"
#include "tests/check.h"

#define SIZE 8

static struct virtq q;
static uint8_t *memory;

static int start(void **state)
{
    (void)state;
    memory = aligned_alloc(VIRTQ_ALIGN, 2 * VIRTQ_ALIGN);
    memset(memory, 0, 2 * VIRTQ_ALIGN);
    virtq_init(&q, SIZE, true, memory);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

/* The device's side: 2.7.6 and 2.7.8. */

static uint16_t *available(unsigned i)
{
    return (uint16_t *)(void *)(memory + 16 * SIZE) + i;
}

static uint16_t *used_index(void)
{
    return (uint16_t *)(void *)(memory + VIRTQ_ALIGN + 2);
}

static uint16_t *avail_event(void)
{
    return (uint16_t *)(void *)(memory + VIRTQ_ALIGN + 4 + 8 * SIZE);
}

static void use(uint32_t id, uint32_t len)
{
    uint32_t entry[2] = {id, len};

    memcpy(memory + VIRTQ_ALIGN + 4 + 8 * (*used_index() % SIZE), entry, 8);
    ++*used_index();
}

/* Bring all indices to one place. */
static void go_to(uint16_t index)
{
    q.offered = q.published = q.seen = q.taken = index;
    *available(1) = *used_index() = *avail_event() = index;
}

static void test_memory_is_laid_out_as_the_figure(void **state)
{
    (void)state;
    /* 2.7.2: descriptors, 6 + 2n bytes available, aligned, 6 + 8n used. */
    CHECK_EQ(virtq_bytes(SIZE), VIRTQ_ALIGN + 6 + 8 * SIZE);
    CHECK_EQ(virtq_bytes(256), 2 * VIRTQ_ALIGN + 6 + 8 * 256);
    CHECK((uint8_t *)q.desc == memory);
    CHECK((uint8_t *)q.available == memory + 16 * SIZE);
    CHECK(q.used == memory + VIRTQ_ALIGN);

    virtq_describe(&q, 3, memory, 0x12345, VIRTQ_DESC_F_WRITE);
    uint64_t addr = (uintptr_t)memory;
    CHECK_BYTES(memory + 16 * 3, &addr, 8);
    CHECK_BYTES(memory + 16 * 3 + 8, "\x45\x23\x01\0\2\0\0\0", 8);
}

static void test_buffers_are_shown_by_publishing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        go_to((uint16_t)(65534 + i));
        virtq_offer(&q, 5);
        virtq_offer(&q, 6);
        CHECK_EQ(*available(1), (uint16_t)(65534 + i));
        virtq_publish(&q);
        CHECK_EQ(*available(1), (uint16_t)(65536 + i));
        CHECK_EQ(*available(2 + (65534 + i) % SIZE), 5);
        CHECK_EQ(*available(2 + (65535 + i) % SIZE), 6);
        CHECK_EQ(virtq_held(&q), 2);
    }
}

static void test_doorbell_is_wanted_when_the_event_was_passed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        uint16_t from = (uint16_t)(65533 + i);

        for (int event = -2; event < 4; event++) {
            go_to(from);
            *avail_event() = (uint16_t)(from + event);
            virtq_offer(&q, 0);
            virtq_offer(&q, 1);
            CHECK_EQ(virtq_publish(&q), event == 0 || event == 1);
            CHECK(!virtq_publish(&q)); /* nothing new */
        }
    }
}

static void test_without_event_index_flags_say_it(void **state)
{
    (void)state;
    q.event_index = false;
    virtq_offer(&q, 0);
    CHECK(virtq_publish(&q));
    memory[VIRTQ_ALIGN] = 1; /* VIRTQ_USED_F_NO_NOTIFY */
    virtq_offer(&q, 1);
    CHECK(!virtq_publish(&q));

    virtq_disarm(&q);
    CHECK_EQ(*available(0), 1);
    CHECK(!virtq_arm(&q, 1));
    CHECK_EQ(*available(0), 0);
}

static void test_used_entries_are_taken_in_order(void **state)
{
    struct virtq_used used;

    (void)state;
    go_to(65535);
    for (uint16_t i = 0; i < SIZE; i++)
        virtq_offer(&q, i);
    virtq_publish(&q);
    use(3, 100);
    use(1, 0xffffffff);
    CHECK(!virtq_take(&q, &used)); /* not looked yet */
    CHECK(virtq_refresh(&q));
    use(2, 7);
    CHECK(virtq_take(&q, &used));
    CHECK_EQ(used.id, 3);
    CHECK_EQ(used.len, 100);
    CHECK(virtq_take(&q, &used));
    CHECK_EQ(used.id, 1);
    CHECK_EQ(used.len, 0xffffffff);
    CHECK(!virtq_take(&q, &used));
    CHECK_EQ(virtq_held(&q), SIZE - 2);
}

/* What was used before the device could see the wish is noticed by arming. */
static void test_arming_notices_what_has_been_used_meanwhile(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        go_to((uint16_t)(65534 + i));
        for (uint16_t id = 0; id < SIZE; id++)
            virtq_offer(&q, id);
        virtq_publish(&q);
        CHECK(virtq_refresh(&q));
        CHECK(!virtq_arm(&q, 1));
        CHECK_EQ(*available(2 + SIZE), (uint16_t)(65534 + i));
        CHECK(!virtq_arm(&q, 3));
        CHECK_EQ(*available(2 + SIZE), (uint16_t)(65536 + i));
        use(0, 1);
        CHECK(virtq_arm(&q, 1));
        CHECK(!virtq_arm(&q, 2));
        use(1, 1);
        CHECK(virtq_arm(&q, 2));
    }
}

static void test_an_index_outside_what_was_offered_breaks_it(void **state)
{
    struct virtq_used used;

    (void)state;
    for (unsigned used_up = 0; used_up <= SIZE + 2; used_up++) {
        virtq_init(&q, SIZE, true, memory);
        go_to(65533);
        virtq_offer(&q, 0);
        virtq_offer(&q, 1);
        virtq_publish(&q);
        virtq_offer(&q, 2); /* the device has not been shown this one */
        *used_index() = (uint16_t)(65533 + used_up);
        CHECK_EQ(virtq_refresh(&q), used_up <= 2);
        CHECK_EQ(q.broken != NULL, used_up > 2);

        /* Broken is for ever. */
        *used_index() = (uint16_t)(65533 + 1);
        if (used_up > 2) {
            CHECK(!virtq_refresh(&q));
            CHECK(!virtq_take(&q, &used));
        } else {
            CHECK_EQ(virtq_refresh(&q), used_up <= 1); /* it went back */
        }
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        T(test_memory_is_laid_out_as_the_figure),
        T(test_buffers_are_shown_by_publishing),
        T(test_doorbell_is_wanted_when_the_event_was_passed),
        T(test_without_event_index_flags_say_it),
        T(test_used_entries_are_taken_in_order),
        T(test_arming_notices_what_has_been_used_meanwhile),
        T(test_an_index_outside_what_was_offered_breaks_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
