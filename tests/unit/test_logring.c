/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the ring of log lines. */
#include "arch/logring.h"

#include "tests/check.h"

static struct log_ring ring;

static const struct log_time second = {.zero_ticks = 1000,
                                       .ticks_per_second = 1000000000};

static void add(uint64_t ticks, const char *text)
{
    log_ring_add(&ring, ticks, text, strlen(text));
}

static int start(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof ring);
    return 0;
}

static void test_lines_come_back_by_number(void **state)
{
    struct log_entry line;

    (void)state;
    CHECK(!log_ring_read(&ring, 0, &line));
    add(5, "first");
    add(6, "second");
    CHECK(log_ring_read(&ring, 0, &line));
    CHECK_TEXT(line.text, "first");
    CHECK_EQ(line.ticks, 5);
    CHECK_EQ(line.len, 5);
    CHECK(log_ring_read(&ring, 1, &line));
    CHECK_TEXT(line.text, "second");
    CHECK(!log_ring_read(&ring, 2, &line));
}

static void test_the_oldest_make_room(void **state)
{
    struct log_entry line;
    char text[16];

    (void)state;
    for (unsigned i = 0; i < LOG_LINES + 3; i++) {
        snprintf(text, sizeof text, "line %u", i);
        add(i, text);
    }
    CHECK_EQ(log_ring_oldest(&ring), 3);
    CHECK(!log_ring_read(&ring, 2, &line));
    CHECK(log_ring_read(&ring, 3, &line));
    CHECK_TEXT(line.text, "line 3");
    CHECK(log_ring_read(&ring, LOG_LINES + 2, &line));
    CHECK_EQ(line.ticks, LOG_LINES + 2);
}

static void test_a_long_line_is_cut(void **state)
{
    struct log_entry line;
    char text[LOG_LINE_MAX + 50];

    (void)state;
    memset(text, 'a', sizeof text);
    log_ring_add(&ring, 0, text, sizeof text);
    CHECK(log_ring_read(&ring, 0, &line));
    CHECK_EQ(line.len, LOG_LINE_MAX);
    CHECK_EQ(strlen(line.text), LOG_LINE_MAX);
}

static void test_nothing_steers_the_terminal(void **state)
{
    struct log_entry line;

    (void)state;
    add(0, "a\033[2Jb\nc\177d");
    CHECK(log_ring_read(&ring, 0, &line));
    CHECK_TEXT(line.text, "a [2Jb c d");
}

static void test_stamps_are_microseconds_since_entry(void **state)
{
    struct log_time odd = {.zero_ticks = 7, .ticks_per_second = 2893437003};
    struct log_time unknown = {.zero_ticks = 7};

    (void)state;
    CHECK_EQ(log_time_micros(&second, 1000), 0);
    CHECK_EQ(log_time_micros(&second, 1999), 0);
    CHECK_EQ(log_time_micros(&second, 2000), 1);
    CHECK_EQ(log_time_micros(&second, 999), 0);
    CHECK_EQ(log_time_micros(&unknown, 999), 0);
    /* Two hundred years at close to 3 GHz: nothing overflows. */
    CHECK_EQ(log_time_micros(&odd, 18000000000000000007u),
             18000000000000000000.0L / 2893437003.0L * 1000000.0L);
}

static void test_a_line_prints_with_its_stamp(void **state)
{
    struct log_time unknown = {.zero_ticks = 7};
    struct log_entry line;
    char out[LOG_PRINTED_MAX];

    (void)state;
    add(12346000, "here");
    CHECK(log_ring_read(&ring, 0, &line));
    log_print(out, sizeof out, &second, &line, "\r\n");
    CHECK_TEXT(out, "[    12345 us] here\r\n");
    log_print(out, sizeof out, &unknown, &line, "\n");
    CHECK_TEXT(out, "[ 12345993 ticks] here\n");
}

static void test_the_longest_line_fits(void **state)
{
    struct log_time unknown = {0};
    struct log_entry line;
    char text[LOG_LINE_MAX];
    char out[LOG_PRINTED_MAX];

    (void)state;
    memset(text, 'a', sizeof text);
    log_ring_add(&ring, UINT64_MAX, text, sizeof text);
    CHECK(log_ring_read(&ring, 0, &line));
    CHECK(log_print(out, sizeof out, &unknown, &line, "\r\n") < sizeof out - 1);
    CHECK(log_print(out, sizeof out, &second, &line, "\r\n") < sizeof out - 1);
}

static void test_the_tail_has_whole_lines_oldest_first(void **state)
{
    char out[64];

    (void)state;
    add(1000, "one");
    add(2000, "two");
    add(3000, "three");
    CHECK_EQ(log_ring_tail(&ring, &second, out, sizeof out, 2), 19 + 21);
    CHECK_TEXT(out, "[        1 us] two\n[        2 us] three\n");

    /* Room for the last line and not quite for the one before. */
    log_ring_tail(&ring, &second, out, 21 + 19, 9);
    CHECK_TEXT(out, "[        2 us] three\n");
    log_ring_tail(&ring, &second, out, 21 + 19 + 1, 9);
    CHECK_TEXT(out, "[        1 us] two\n[        2 us] three\n");
    CHECK_EQ(log_ring_tail(&ring, &second, out, 3, 9), 0);
    CHECK_TEXT(out, "");
    CHECK_EQ(log_ring_tail(&ring, &second, out, 0, 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lines_come_back_by_number, start),
        cmocka_unit_test_setup(test_the_oldest_make_room, start),
        cmocka_unit_test_setup(test_a_long_line_is_cut, start),
        cmocka_unit_test_setup(test_nothing_steers_the_terminal, start),
        cmocka_unit_test_setup(test_stamps_are_microseconds_since_entry, start),
        cmocka_unit_test_setup(test_a_line_prints_with_its_stamp, start),
        cmocka_unit_test_setup(test_the_longest_line_fits, start),
        cmocka_unit_test_setup(test_the_tail_has_whole_lines_oldest_first,
                               start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
