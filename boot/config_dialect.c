/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines in one of the two languages, and which of them a file speaks. */
#include "boot/config_builder.h"
#include "boot/config_slip.h"

#include <string.h>

/* What a file is written in, by the directives that only one language has. */
struct language {
    enum dialect dialect;
    uint32_t line; /* that says so; 0: the name of the file */
    bool mixed;    /* a line of the other language was met */
};

static enum dialect directive_dialect(struct word name)
{
    bool chrony = kind_find(&chrony_kinds, name);
    bool ntp = kind_find(&ntpconf_kinds, name);

    if (chrony == ntp)
        return DIALECT_ANY;
    return chrony ? DIALECT_CHRONY : DIALECT_NTP;
}

static struct language find_language(struct lexer lexer, enum dialect dialect)
{
    struct line line;
    struct word name;

    while (dialect != DIALECT_SOURCES && lexer_line(&lexer, &line)) {
        if (line_is_comment(&line) || !line_word(&line, &name))
            continue;

        enum dialect found = directive_dialect(name);

        if (found != DIALECT_ANY)
            return (struct language){found, line.number, false};
    }
    return (struct language){dialect, 0, false};
}

/* `deny=10.0.0.0/8` is not one of the words for a Linux kernel. */
static bool is_assignment(const struct directive *d)
{
    const char *equals = memchr(d->name.at, '=', d->name.len);
    struct word name = {d->name.at, equals ? (size_t)(equals - d->name.at) : 0};

    return equals &&
           (kind_find(&own_kinds, name) || kind_find(&chrony_kinds, name));
}

static void compare_kinds(struct slip *slip, const struct kinds *kinds)
{
    for (size_t i = 0; i < kinds->count; i++)
        slip_compare(slip, kinds->kind[i].name);
}

static void refuse_unknown(struct directive *d)
{
    struct slip slip = slip_of(d->name);
    char expected[REPORT_TEXT_MAX + 1];
    struct text t = text_in(expected, sizeof(expected));

    text_add(&t, "a directive");
    compare_kinds(&slip, &own_kinds);
    compare_kinds(&slip,
                  d->dialect == DIALECT_NTP ? &ntpconf_kinds : &chrony_kinds);
    if (is_assignment(d))
        text_add(&t, " and a space in place of `=`");
    else
        slip_suggest(&slip, &t);
    directive_refuse(d, d->name, expected);
}

/* The two languages have words in common that mean different things. */
static void refuse_mixture(struct directive *d, struct language language)
{
    bool ntp = language.dialect == DIALECT_NTP;
    char expected[REPORT_TEXT_MAX + 1];
    struct text t = text_in(expected, sizeof(expected));

    text_add(&t, "a directive of ");
    text_add(&t, ntp ? "ntp.conf" : "chrony.conf");
    text_add(&t, ", whose language line ");
    text_add_number(&t, language.line);
    text_add(&t, " speaks: one language a file");
    directive_refuse(d, d->name, expected);
}

static const struct kind *find_kind(const struct directive *d)
{
    const struct kind *own = kind_find(&own_kinds, d->name);

    if (d->dialect == DIALECT_NTP)
        return own ? own : kind_find(&ntpconf_kinds, d->name);
    return own ? own : kind_find(&chrony_kinds, d->name);
}

/* The files of a `sourcedir` may come from a DHCP server. */
static bool is_out_of_place(const struct directive *d, const struct kind *kind)
{
    return d->dialect == DIALECT_SOURCES &&
           (!kind || kind->read != read_source);
}

static void read_directive(struct directive *d, struct language *language)
{
    const struct kind *kind = find_kind(d);

    if (is_out_of_place(d, kind)) {
        directive_refuse(d, d->name,
                         "server, pool or peer: nothing else may stand in "
                         "such a file");
    } else if (kind) {
        kind->read(d, kind);
    } else if (directive_dialect(d->name) == DIALECT_ANY) {
        refuse_unknown(d);
    } else if (!language->mixed) {
        language->mixed = true;
        refuse_mixture(d, *language);
    }
}

void read_lines(struct config_builder *b, uint8_t file, struct lexer lexer,
                enum dialect dialect)
{
    struct language language = find_language(lexer, dialect);
    bool finish = language.dialect == DIALECT_NTP &&
                  (dialect != DIALECT_NTP || b->depth == 0);
    struct line line;

    while (lexer_line(&lexer, &line)) {
        struct directive d = {b, line, {NULL, 0}, file, language.dialect};

        if (!directive_begin(&d))
            break;
        if (d.name.len > 0 && line_word(&d.line, &d.name))
            read_directive(&d, &language);
    }
    if (finish)
        ntpconf_finish(b);
}
