/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: their order, their bounds, and what they show. */
#include "boot/config_report.h"
#include "tests/check.h"

static struct report report;

static int start(void **state)
{
    (void)state;
    memset(&report, 0, sizeof(report));
    return 0;
}

static uint8_t file(const char *name)
{
    return report_file(&report, name, strlen(name));
}

static const char *error(unsigned i)
{
    static char line[REPORT_LINE_MAX];

    CHECK(report_error_line(&report, i, line));
    return line;
}

static void test_lines_have_place_found_and_expected(void **state)
{
    struct place at = {file("a.conf"), 7, 3};
    char line[REPORT_LINE_MAX];

    (void)state;
    report_error(&report, at, word_of("x"), "y");
    report_wrong(&report, at, "nothing", "something");
    report_wrong(&report, (struct place){at.file, 0, 0}, "more", "less");
    CHECK_TEXT(error(0), "a.conf:3:7: found \"x\", expected y");
    CHECK_TEXT(error(1), "a.conf:3:7: found nothing, expected something");
    CHECK_TEXT(error(2), "a.conf: found more, expected less");
    CHECK(!report_error_line(&report, 3, line));

    report_note(&report, at, word_of("x y"), "done");
    report_note(&report, at, word_of(""), "done");
    CHECK(report_note_line(&report, 0, line));
    CHECK_TEXT(line, "a.conf:3:7: \"x y\": done");
    CHECK(report_note_line(&report, 1, line));
    CHECK_TEXT(line, "a.conf:3:7: done");
    CHECK(!report_note_line(&report, 2, line));
}

/* What comes from outside is shown in printable characters, and in part. */
static void test_found_is_printable_and_short(void **state)
{
    static char text[500];
    struct place at = {file("a"), 1, 1};

    (void)state;
    report_error(&report, at, (struct word){"\0\n\x1b[1m\xff", 7}, "text");
    CHECK_TEXT(error(0),
               "a:1:1: found \"\\x00\\x0a\\x1b[1m\\xff\", expected text");
    memset(text, 'x', sizeof(text));
    report_error(&report, at, (struct word){text, sizeof(text)}, "less");
    CHECK(strstr(error(1), "xxx...\", expected less") != NULL);
    CHECK(strlen(report.error[1].found) <= REPORT_FOUND_MAX);
    memset(text, 0xff, sizeof(text));
    report_error(&report, at, (struct word){text, sizeof(text)}, "less");
    CHECK(strstr(error(2), "\\xff...\", expected less") != NULL);
}

/* Of a long name the end is shown, which tells more. */
static void test_long_file_names_keep_their_end(void **state)
{
    char name[200];

    (void)state;
    memset(name, 'd', sizeof(name));
    memcpy(name + sizeof(name) - 12, "/chrony.conf", 12);
    report_wrong(&report,
                 (struct place){report_file(&report, name, sizeof(name)), 1, 1},
                 "a", "b");
    CHECK(strncmp(error(0), "...ddd", 6) == 0);
    CHECK(strstr(error(0), "d/chrony.conf:1:1: found a") != NULL);
}

static void test_messages_are_put_in_order(void **state)
{
    uint8_t a = file("a"), b = file("b");
    static const struct place order[] = {
        {0, 0, 0}, {0, 1, 1}, {0, 5, 1}, {0, 1, 2}, {1, 1, 1},
    };

    (void)state;
    CHECK_EQ(a, 0);
    CHECK_EQ(b, 1);
    for (size_t i = 5; i > 0; i--) {
        report_wrong(&report, order[i - 1], "", "");
        report_note(&report, order[i - 1], word_of(""), "");
    }
    report_sort(&report);
    for (size_t i = 0; i < 5; i++) {
        CHECK_BYTES(&report.error[i].at, &order[i], sizeof(order[i]));
        CHECK_BYTES(&report.note[i].at, &order[i], sizeof(order[i]));
    }
}

/* Full tables go on counting. */
static void test_full_tables_go_on_counting(void **state)
{
    struct place at = {file("a"), 1, 1};
    char line[REPORT_LINE_MAX];

    (void)state;
    for (int i = 0; i < 300; i++) {
        report_wrong(&report, at, "", "");
        report_error(&report, at, word_of(""), "");
        report_note(&report, at, word_of(""), "");
        file("more");
    }
    report_sort(&report);
    CHECK_EQ(report.errors, 600);
    CHECK_EQ(report.notes, 300);
    CHECK_EQ(report.files, REPORT_FILES_MAX);
    CHECK(!report_error_line(&report, REPORT_ERRORS_MAX, line));
    CHECK(!report_note_line(&report, REPORT_NOTES_MAX, line));
    CHECK_EQ(file("one more"), REPORT_FILES_MAX - 1);
}

static void test_numbers_are_written_out(void **state)
{
    static const struct {
        int64_t number;
        unsigned places;
        const char *text;
    } table[] = {
        {0, 0, "0"},
        {-1, 0, "-1"},
        {INT64_MAX, 0, "9223372036854775807"},
        {INT64_MIN, 0, "-9223372036854775808"},
        {1500000000, 9, "1.5"},
        {1, 9, "0.000000001"},
        {-250, 3, "-0.25"},
        {3000, 3, "3"},
        {1000001, 6, "1.000001"},
    };
    char buffer[40];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct text t = text_in(buffer, sizeof(buffer));

        text_add_decimal(&t, table[i].number, table[i].places);
        CHECK_TEXT(buffer, table[i].text);
    }
}

/* What does not fit is cut off, and nothing behind it is written. */
static void test_texts_stay_in_their_buffer(void **state)
{
    char buffer[8] = "#######";
    struct text t = text_in(buffer, 5);

    (void)state;
    text_add(&t, "abcdefgh");
    text_add_number(&t, 1);
    CHECK_TEXT(buffer, "abcd");
    CHECK_EQ(buffer[5], '#');
    t = text_in(buffer, 1);
    text_add(&t, "x");
    text_add_bytes(&t, "abc", 3);
    CHECK_TEXT(buffer, "");
    CHECK_EQ(buffer[1], 'b');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lines_have_place_found_and_expected, start),
        cmocka_unit_test_setup(test_found_is_printable_and_short, start),
        cmocka_unit_test_setup(test_long_file_names_keep_their_end, start),
        cmocka_unit_test_setup(test_messages_are_put_in_order, start),
        cmocka_unit_test_setup(test_full_tables_go_on_counting, start),
        cmocka_unit_test_setup(test_numbers_are_written_out, start),
        cmocka_unit_test_setup(test_texts_stay_in_their_buffer, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
