/* SPDX-License-Identifier: BSD-2-Clause */
/* What the directives have in common: words, numbers, options, errors. */
#include "boot/config_builder.h"
#include "boot/config_slip.h"
#include "boot/config_value.h"

#include <string.h>

const struct kind *kind_find(const struct kinds *kinds, struct word name)
{
    for (size_t i = 0; i < kinds->count; i++)
        if (word_is(name, kinds->kind[i].name))
            return &kinds->kind[i];
    return NULL;
}

/* No line of text has a zero in it, and none goes on for ever. */
static bool check_line(struct directive *d)
{
    size_t len = (size_t)(d->line.end - d->line.at);
    const char *zero = memchr(d->line.at, 0, len);

    if (zero)
        return directive_refuse(d, (struct word){zero, 1},
                                "text, which has no bytes of zero");
    if (len <= CONFIG_LINE_MAX)
        return true;
    report_wrong(&d->b->report, directive_place(d, d->line.at), "a longer line",
                 "at most 2047 bytes");
    return false;
}

bool directive_begin(struct directive *d)
{
    struct line first;

    d->name = (struct word){d->line.at, 0};
    if (d->b->lines++ >= CONFIG_LINES_MAX) {
        if (d->b->lines == CONFIG_LINES_MAX + 1)
            report_wrong(&d->b->report, directive_place(d, d->line.at),
                         "more lines", "at most 4096 in all files together");
        return false;
    }
    if (!check_line(d))
        return true;
    if (d->dialect == DIALECT_NTP)
        line_strip_comment(&d->line);
    first = d->line;
    if (!line_is_comment(&d->line))
        line_word(&first, &d->name);
    return true;
}

void read_records(struct config_builder *b, const struct cpio_entry *e,
                  enum dialect dialect, void (*read)(struct directive *d))
{
    uint8_t file = report_file(&b->report, e->name, e->name_len);
    struct lexer lexer = lexer_of((const char *)e->data, e->len);
    struct line line;

    while (lexer_line(&lexer, &line)) {
        struct directive d = {b, line, {NULL, 0}, file, dialect};

        if (!directive_begin(&d))
            return;
        if (d.name.len > 0)
            read(&d);
    }
}

struct place directive_place(const struct directive *d, const char *at)
{
    return (struct place){.file = d->file,
                          .column = line_column(&d->line, at),
                          .line = d->line.number};
}

/* The end of the line came too early; whose line it is says more than where. */
static void refuse_end(const struct directive *d, struct place at,
                       const char *expected)
{
    char found[REPORT_FOUND_MAX + 1];
    struct text t = text_in(found, sizeof(found));

    text_add(&t, "the end of the line behind `");
    text_add_bytes(&t, d->name.at, d->name.len);
    text_add_char(&t, '`');
    report_wrong(&d->b->report, at, found, expected);
}

bool directive_refuse(const struct directive *d, struct word found,
                      const char *expected)
{
    struct place at = directive_place(d, found.at);

    if (found.len == 0)
        refuse_end(d, at, expected);
    else
        report_error(&d->b->report, at, found, expected);
    return false;
}

void directive_note_word(const struct directive *d, struct word found,
                         const char *done)
{
    report_note(&d->b->report, directive_place(d, found.at), found, done);
}

void directive_note(const struct directive *d, const char *done)
{
    struct line whole = d->line;

    whole.at = d->name.at;
    directive_note_word(d, line_rest(&whole), done);
}

bool directive_word(struct directive *d, struct word *word,
                    const char *expected)
{
    return line_word(&d->line, word) || directive_refuse(d, *word, expected);
}

bool directive_end(struct directive *d)
{
    struct word more;

    if (!line_word(&d->line, &more))
        return true;
    if (strchr("!;#%", more.at[0]))
        return directive_refuse(
            d, more, "the end of the line; a comment has a line of its own");
    return directive_refuse(d, more, "the end of the line");
}

/* "a whole number from 0 to 65535", "a number from ... to ..." */
static void name_range(struct text *t, const struct setting *setting)
{
    text_add(t, setting->places ? "a number from " : "a whole number from ");
    text_add_decimal(t, setting->min, setting->places);
    text_add(t, " to ");
    text_add_decimal(t, setting->max, setting->places);
}

bool directive_number(struct directive *d, const struct setting *setting,
                      int64_t *value)
{
    struct word word;
    int64_t number = 0;
    bool valid = line_word(&d->line, &word);

    if (valid && setting->places)
        valid = value_decimal(word, setting->places, &number);
    else if (valid)
        valid = value_integer(word, &number);

    if (!valid || number < setting->min || number > setting->max) {
        char expected[REPORT_TEXT_MAX + 1];
        struct text t = text_in(expected, sizeof(expected));

        name_range(&t, setting);
        return directive_refuse(d, word, expected);
    }
    *value = number;
    return true;
}

void setting_store(void *base, const struct setting *setting, int64_t value)
{
    /* Little-endian: the low bytes come first, whatever the sign. */
    memcpy((char *)base + setting->offset, &value, setting->size);
}

static const struct option *option_find(const struct option *option,
                                        size_t count, struct word name)
{
    for (size_t i = 0; i < count; i++)
        if (word_is(name, option[i].name))
            return &option[i];
    return NULL;
}

/* "an option of `server`; is it `iburst`?" */
static bool refuse_option(struct directive *d, struct word found,
                          const struct option *option, size_t count)
{
    struct slip slip = slip_of(found);
    char expected[REPORT_TEXT_MAX + 1];
    struct text t = text_in(expected, sizeof(expected));

    if (strchr("!;#%", found.at[0]))
        return directive_refuse(d, found,
                                "an option; a comment has a line of its own");
    for (size_t i = 0; i < count; i++)
        slip_compare(&slip, option[i].name);
    text_add(&t, "an option of `");
    text_add_bytes(&t, d->name.at, d->name.len);
    text_add_char(&t, '`');
    slip_suggest(&slip, &t);
    return directive_refuse(d, found, expected);
}

static bool apply_option(struct directive *d, const struct option *option,
                         struct word name, void *base)
{
    struct word argument;
    int64_t value;
    bool set = true;

    switch (option->kind) {
    case OPTION_FLAG:
        memcpy((char *)base + option->setting.offset, &set, sizeof(set));
        return true;
    case OPTION_NUMBER:
        if (!directive_number(d, &option->setting, &value))
            return false;
        setting_store(base, &option->setting, value);
        return true;
    case OPTION_WORD:
        if (!directive_word(d, &argument, "an argument of that option"))
            return false;
        memcpy((char *)base + option->setting.offset, &argument,
               sizeof(argument));
        if (option->note)
            break;
        return true;
    case OPTION_SKIP_ARG:
        if (!directive_word(d, &argument, "an argument of that option"))
            return false;
        if (!value_decimal(argument, 0, &value))
            return directive_refuse(d, argument, "a number");
        break;
    case OPTION_SKIP:
        break;
    }
    directive_note_word(d, name, option->note);
    return true;
}

bool directive_options(struct directive *d, const struct option *option,
                       size_t count, void *base)
{
    struct word name;

    while (line_word(&d->line, &name)) {
        const struct option *found = option_find(option, count, name);

        if (!found)
            return refuse_option(d, name, option, count);
        if (!apply_option(d, found, name, base))
            return false;
    }
    return true;
}

void read_number(struct directive *d, const struct kind *kind)
{
    int64_t value;

    if (directive_number(d, &kind->setting, &value) && directive_end(d))
        setting_store(&d->b->config, &kind->setting, value);
}

void read_note(struct directive *d, const struct kind *kind)
{
    directive_note(d, kind->note);
}

void read_refused(struct directive *d, const struct kind *kind)
{
    struct line whole = d->line;

    whole.at = d->name.at;
    directive_refuse(d, line_rest(&whole), kind->note);
}
