/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines and words of a configuration. */
#include "boot/config_lexer.h"

#include <string.h>

/* isspace() of the C locale, without the line feed: that ends a line. */
static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

struct lexer lexer_of(const char *text, size_t len)
{
    return (struct lexer){text, text + len, text, 0, '\n'};
}

bool lexer_line(struct lexer *l, struct line *line)
{
    if (l->at == l->end)
        return false;

    const char *end = l->at;

    while (end < l->end && *end != '\n' && *end != l->separator)
        end++;

    if (l->separator == '\n') {
        l->origin = l->at;
        l->number++;
    } else if (l->number == 0) {
        l->number = 1;
    }
    *line = (struct line){l->at, end, l->origin, l->number};
    l->at = end < l->end ? end + 1 : end;
    return true;
}

static void skip_space(struct line *line)
{
    while (line->at < line->end && is_space(*line->at))
        line->at++;
}

bool line_word(struct line *line, struct word *word)
{
    skip_space(line);
    word->at = line->at;
    while (line->at < line->end && !is_space(*line->at))
        line->at++;
    word->len = (size_t)(line->at - word->at);
    return word->len > 0;
}

struct word line_rest(const struct line *line)
{
    struct line rest = *line;

    skip_space(&rest);
    while (rest.end > rest.at && is_space(rest.end[-1]))
        rest.end--;
    return (struct word){rest.at, (size_t)(rest.end - rest.at)};
}

bool line_is_comment(const struct line *line)
{
    struct word rest = line_rest(line);

    return rest.len == 0 || memchr("!;#%", rest.at[0], 4) != NULL;
}

void line_strip_comment(struct line *line)
{
    const char *hash = memchr(line->at, '#', (size_t)(line->end - line->at));

    if (hash)
        line->end = hash;
}

uint16_t line_column(const struct line *line, const char *at)
{
    size_t column = (size_t)(at - line->origin) + 1;

    return column > UINT16_MAX ? UINT16_MAX : (uint16_t)column;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool word_equal(struct word a, struct word b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool word_is(struct word word, const char *name)
{
    size_t i = 0;

    /* Most names differ in the first letter: strlen() would be a waste. */
    for (; i < word.len && name[i]; i++)
        if (lower(word.at[i]) != lower(name[i]))
            return false;
    return i == word.len && !name[i];
}

bool word_cut(struct word *word, const char *prefix)
{
    size_t len = strlen(prefix);

    if (word->len < len || memcmp(word->at, prefix, len) != 0)
        return false;
    word->at += len;
    word->len -= len;
    return true;
}

struct word word_of(const char *string)
{
    return (struct word){string, strlen(string)};
}
