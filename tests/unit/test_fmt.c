/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the formatter, most of them against the host's snprintf(). */
#include "arch/fmt.h"

#include "tests/check.h"

#include <limits.h>

/* What snprintf() says is what must come out. */
#define SAME(...)                                                              \
    do {                                                                       \
        char ours[128], theirs[128];                                           \
        size_t len = fmt_print(ours, sizeof ours, __VA_ARGS__);                \
        CHECK_EQ(len, snprintf(theirs, sizeof theirs, __VA_ARGS__));           \
        CHECK_TEXT(ours, theirs);                                              \
    } while (0)

static void test_text_is_copied(void **state)
{
    (void)state;
    SAME("%s", "");
    SAME("plain, 100%% plain");
    SAME("%s and %s", "one", "another");
    SAME("%.*s|", 3, "abcdef");
    SAME("%.2s|%.9s|", "abcdef", "abc");
    SAME("%8s|%-8s|%*s|%-*s|", "ab", "cd", 5, "ef", 5, "gh");
    SAME("%c%c%3c|", 'x', 'y', 'z');
}

static void test_precision_reads_no_further(void **state)
{
    const char three[3] = {'a', 'b', 'c'};
    char out[8];

    (void)state;
    CHECK_EQ(fmt_print(out, sizeof out, "%.3s", three), 3);
    CHECK_EQ(fmt_print(out, sizeof out, "%.*s", 2, three), 2);
    CHECK_TEXT(out, "ab");
}

static void test_numbers_of_every_size(void **state)
{
    (void)state;
    SAME("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
    SAME("%u %x %X", UINT_MAX, 0xbeefu, 0xbeefu);
    SAME("%ld %ld %lu %lx", LONG_MAX, LONG_MIN, ULONG_MAX, 0x1234ul);
    SAME("%lld %lld %llu %llx", LLONG_MAX, LLONG_MIN, ULLONG_MAX, 0xfull);
    SAME("%zu %zx", (size_t)12345, SIZE_MAX);
    SAME("%hu %hd %hhu %hhd", (unsigned short)65535, (short)-3,
         (unsigned char)255, (signed char)-128);
}

static void test_numbers_are_padded(void **state)
{
    (void)state;
    SAME("%5d|%-5d|%05d|", 42, 42, 42);
    SAME("%5d|%-5d|%05d|", -42, -42, -42);
    SAME("%016lx|%2x|%08x|", 0x10ul, 0x12345u, 0u);
    SAME("%*d|%-*d|", 7, 1, 7, 2);
    SAME("%*d|", -7, 3);
}

static void test_pointers_are_hexadecimal(void **state)
{
    char out[32];

    (void)state;
    fmt_print(out, sizeof out, "%p", (void *)0xfee00000);
    CHECK_TEXT(out, "0xfee00000");
}

static void test_a_missing_string_is_said(void **state)
{
    char out[32];
    const char *volatile none = NULL;

    (void)state;
    fmt_print(out, sizeof out, "%s", none);
    CHECK_TEXT(out, "(null)");
}

static void test_what_does_not_fit_is_cut_and_terminated(void **state)
{
    char out[8];

    (void)state;
    memset(out, 'x', sizeof out);
    CHECK_EQ(fmt_print(out, 5, "%s", "abcdefgh"), 4);
    CHECK_TEXT(out, "abcd");
    CHECK_EQ(out[5], 'x');
    CHECK_EQ(fmt_print(out, 1, "%d", 12345), 0);
    CHECK_EQ(out[0], '\0');
    out[0] = 'x';
    CHECK_EQ(fmt_print(out, 0, "%d", 12345), 0);
    CHECK_EQ(out[0], 'x');
    CHECK_EQ(fmt_print(out, 6, "%9999d", 1), 5);
    CHECK_TEXT(out, "     ");
}

static size_t unchecked(char *out, size_t room, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);

    size_t len = fmt_line(out, room, fmt, args);

    va_end(args);
    return len;
}

static void test_an_unknown_directive_stands_as_it_is(void **state)
{
    char out[32];

    (void)state;
    unchecked(out, sizeof out, "%d %q %d", 1, 2);
    CHECK_TEXT(out, "1 %q %d");
    unchecked(out, sizeof out, "100%");
    CHECK_TEXT(out, "100%");
    unchecked(out, sizeof out, "%-5");
    CHECK_TEXT(out, "%-5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_copied),
        cmocka_unit_test(test_precision_reads_no_further),
        cmocka_unit_test(test_numbers_of_every_size),
        cmocka_unit_test(test_numbers_are_padded),
        cmocka_unit_test(test_pointers_are_hexadecimal),
        cmocka_unit_test(test_a_missing_string_is_said),
        cmocka_unit_test(test_what_does_not_fit_is_cut_and_terminated),
        cmocka_unit_test(test_an_unknown_directive_stands_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
