/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines and words. */
#include "boot/config_lexer.h"
#include "tests/check.h"

/* The words of the next line, joined with bars. */
static const char *next(struct lexer *lexer)
{
    static char joined[200];
    struct line line;
    struct word word;
    size_t len = 0;

    if (!lexer_line(lexer, &line))
        return NULL;
    while (line_word(&line, &word)) {
        memcpy(joined + len, word.at, word.len);
        len += word.len;
        joined[len++] = '|';
    }
    CHECK_EQ(word.len, 0);
    CHECK(word.at == line.end);
    joined[len] = 0;
    return joined;
}

static struct lexer lexer_for(const char *text)
{
    return lexer_of(text, strlen(text));
}

static void test_lines_end_with_lf_or_the_text(void **state)
{
    struct lexer l = lexer_for("a b\r\n\n\tc\vd\fe \nlast");

    (void)state;
    CHECK_TEXT(next(&l), "a|b|");
    CHECK_TEXT(next(&l), "");
    CHECK_TEXT(next(&l), "c|d|e|");
    CHECK_EQ(l.number, 3);
    CHECK_TEXT(next(&l), "last|");
    CHECK_EQ(l.number, 4);
    CHECK(next(&l) == NULL);
    l = lexer_for("");
    CHECK(next(&l) == NULL);
    l = lexer_for("\n");
    CHECK_TEXT(next(&l), "");
    CHECK(next(&l) == NULL);
}

/* With a separator it is all line 1, and columns count through. */
static void test_a_separator_keeps_columns(void **state)
{
    struct lexer l = lexer_for("ab; cd;;ef");
    struct line line;
    struct word word;

    (void)state;
    l.separator = ';';
    CHECK(lexer_line(&l, &line) && line_word(&line, &word));
    CHECK_EQ(line_column(&line, word.at), 1);
    CHECK(lexer_line(&l, &line) && line_word(&line, &word));
    CHECK_EQ(line_column(&line, word.at), 5);
    CHECK_EQ(line.number, 1);
    CHECK(lexer_line(&l, &line) && !line_word(&line, &word));
    CHECK(lexer_line(&l, &line) && line_word(&line, &word));
    CHECK_EQ(line_column(&line, word.at), 9);
    CHECK_EQ(line.number, 1);
    CHECK(!lexer_line(&l, &line));
}

static void test_columns_count_from_one(void **state)
{
    static char text[70000];
    struct lexer l;
    struct line line;

    (void)state;
    memset(text, 'a', sizeof(text));
    l = lexer_of(text, sizeof(text));
    CHECK(lexer_line(&l, &line));
    CHECK_EQ(line_column(&line, text), 1);
    CHECK_EQ(line_column(&line, text + 65534), 65535);
    CHECK_EQ(line_column(&line, text + 69999), 65535);
}

static bool is_comment(const char *text)
{
    struct lexer l = lexer_for(text);
    struct line line;

    CHECK(lexer_line(&l, &line));
    return line_is_comment(&line);
}

static void test_comments_have_lines_of_their_own(void **state)
{
    (void)state;
    CHECK(is_comment("# a"));
    CHECK(is_comment("!a"));
    CHECK(is_comment(" ; a"));
    CHECK(is_comment("\t%"));
    CHECK(is_comment("  \r\n"));
    CHECK(!is_comment("a # b"));
    CHECK(!is_comment("*"));
}

/* In ntp.conf they may stand behind. */
static void test_a_comment_is_stripped(void **state)
{
    struct lexer l = lexer_for("a b# c\n");
    struct line line;
    struct word rest;

    (void)state;
    CHECK(lexer_line(&l, &line));
    line_strip_comment(&line);
    rest = line_rest(&line);
    CHECK_EQ(rest.len, 3);
    CHECK_BYTES(rest.at, "a b", 3);
}

static void test_the_rest_has_no_space_around(void **state)
{
    struct lexer l = lexer_for("one  two three \r\n");
    struct line line;
    struct word word;

    (void)state;
    CHECK(lexer_line(&l, &line) && line_word(&line, &word));
    word = line_rest(&line);
    CHECK_EQ(word.len, 9);
    CHECK_BYTES(word.at, "two three", 9);
}

static void test_names_match_in_either_case(void **state)
{
    (void)state;
    CHECK(word_is(word_of("MakeStep"), "makestep"));
    CHECK(word_is(word_of("makestep"), "MAKESTEP"));
    CHECK(!word_is(word_of("makeste"), "makestep"));
    CHECK(!word_is(word_of("makestep1"), "makestep"));
    CHECK(!word_is(word_of("[a"), "{a"));
    CHECK(!word_is(word_of("@"), "`"));
    CHECK(word_is((struct word){"abc", 2}, "ab"));
    CHECK(word_is(word_of(""), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_end_with_lf_or_the_text),
        cmocka_unit_test(test_a_separator_keeps_columns),
        cmocka_unit_test(test_columns_count_from_one),
        cmocka_unit_test(test_comments_have_lines_of_their_own),
        cmocka_unit_test(test_a_comment_is_stripped),
        cmocka_unit_test(test_the_rest_has_no_space_around),
        cmocka_unit_test(test_names_match_in_either_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
