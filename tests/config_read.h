/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads configurations for tests, and looks at what was said of them. */
#ifndef TESTS_CONFIG_READ_H
#define TESTS_CONFIG_READ_H

#include "boot/config_builder.h"
#include "boot/config_value.h"
#include "tests/check.h"
#include "tests/cpio_make.h"

static struct config_builder builder;
static struct cpio_make archive;

/* The text of one file, as its only layer. */
static inline const struct config *read_as(const char *name, const char *text)
{
    config_init(&builder);
    config_add_text(&builder, name, text, strlen(text));
    return config_finish(&builder);
}

static inline const struct config *read_chrony(const char *text)
{
    return read_as("chrony.conf", text);
}

static inline void print_report(void)
{
    char line[REPORT_LINE_MAX];

    for (unsigned i = 0; report_error_line(&builder.report, i, line); i++)
        print_message("%s\n", line);
    for (unsigned i = 0; report_note_line(&builder.report, i, line); i++)
        print_message("%s\n", line);
}

/* Nothing was wrong with it. */
static inline const struct config *check_accepted(const struct config *c)
{
    if (c->refused)
        print_report();
    CHECK(!c->refused);
    CHECK_EQ(builder.report.errors, 0);
    return c;
}

static inline const struct config *accept(const char *text)
{
    return check_accepted(read_chrony(text));
}

/* Error number `i` is that line. */
static inline void check_error(unsigned i, const char *expected)
{
    char line[REPORT_LINE_MAX];

    if (!report_error_line(&builder.report, i, line))
        fail_msg("only %u errors", builder.report.errors);
    CHECK_TEXT(line, expected);
}

/* One of the notes begins so. */
static inline void check_note(const char *start)
{
    char line[REPORT_LINE_MAX];

    for (unsigned i = 0; report_note_line(&builder.report, i, line); i++)
        if (strncmp(line, start, strlen(start)) == 0)
            return;
    print_report();
    fail_msg("no note begins: %s", start);
}

static inline bool may_ask(const struct config *c, const char *address)
{
    struct ip_addr6 a;

    CHECK(value_address(word_of(address), &a));
    return access_allowed(&c->access, &a);
}

/* The archive that was made, as the only layer, or as one of several. */
static inline void add_archive(void)
{
    make_trailer(&archive);
    config_add_archive(&builder, "boot archive", archive.bytes, archive.len);
}

static inline const struct config *read_archive(void)
{
    config_init(&builder);
    add_archive();
    return config_finish(&builder);
}

#endif
