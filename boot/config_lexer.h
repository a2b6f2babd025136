/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines and words of a configuration.  Level of all: any. */
#ifndef BOOT_CONFIG_LEXER_H
#define BOOT_CONFIG_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Some bytes of the configuration, without a zero at the end. */
struct word {
    const char *at;
    size_t len;
};

/* Text being taken apart into lines. */
struct lexer {
    const char *at;
    const char *end;
    const char *origin; /* where columns of the current line count from */
    uint32_t number;    /* of the line last given out, from 1 */
    char separator;     /* ends a line beside '\n': ';' on a command line */
};

/* One line being taken apart into words. */
struct line {
    const char *at;
    const char *end;
    const char *origin; /* column 1 */
    uint32_t number;
};

/* At the first line of any bytes, which are lent to all that follows. */
struct lexer lexer_of(const char *text, size_t len);

/* The next line, which may be empty.  CR before LF counts as white space. */
bool lexer_line(struct lexer *l, struct line *line);

/* The next word; false at the end of the line. */
bool line_word(struct line *line, struct word *word);

/* The rest of the line without white space at its ends. */
struct word line_rest(const struct line *line);

/* Nothing, or one of ! ; # % first. */
bool line_is_comment(const struct line *line);

/* What follows `#` is no part of the line: so ntp.conf has it. */
void line_strip_comment(struct line *line);

/* Column of a byte of that line, from 1; 65535 when it is farther. */
uint16_t line_column(const struct line *line, const char *at);

/* Is the word that name?  Letters match in either case. */
bool word_is(struct word word, const char *name);

/* The same for two words. */
bool word_equal(struct word a, struct word b);

/* Cut that off the front of the word.  False: it does not begin with it. */
bool word_cut(struct word *word, const char *prefix);

/* A string that lives long enough, as a word. */
struct word word_of(const char *string);

#endif
