/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong with a configuration, and what in it is not followed. */
#include "boot/config_report.h"

#include <string.h>

uint8_t report_file(struct report *r, const char *name, size_t len)
{
    if (r->files >= REPORT_FILES_MAX)
        return REPORT_FILES_MAX - 1;

    uint8_t number = (uint8_t)r->files++;
    struct text t = text_in(r->file[number], sizeof(r->file[number]));

    if (len > REPORT_NAME_MAX) {
        const size_t shown = REPORT_NAME_MAX - 10;

        text_add(&t, "...");
        name += len - shown;
        len = shown;
    }
    text_add_bytes(&t, name, len);
    return number;
}

/* Room for one more message, or NULL: only counted. */
static struct report_message *more(struct report_message *table, unsigned max,
                                   unsigned *count)
{
    struct report_message *m = *count < max ? &table[*count] : NULL;

    (*count)++;
    return m;
}

static void fill(struct report_message *m, struct place at, const char *text)
{
    struct text t = text_in(m->text, sizeof(m->text));

    m->at = at;
    text_add(&t, text);
}

static void quote(struct report_message *m, struct word found)
{
    struct text t = text_in(m->found, sizeof(m->found) - 1);

    text_add_char(&t, '"');
    text_add_bytes(&t, found.at, found.len);
    t.size++;
    text_add_char(&t, '"');
}

void report_error(struct report *r, struct place at, struct word found,
                  const char *expected)
{
    struct report_message *m = more(r->error, REPORT_ERRORS_MAX, &r->errors);

    if (!m)
        return;
    fill(m, at, expected);
    quote(m, found);
}

void report_wrong(struct report *r, struct place at, const char *found,
                  const char *expected)
{
    struct report_message *m = more(r->error, REPORT_ERRORS_MAX, &r->errors);

    if (!m)
        return;
    fill(m, at, expected);

    struct text t = text_in(m->found, sizeof(m->found));

    text_add(&t, found);
}

void report_note(struct report *r, struct place at, struct word found,
                 const char *done)
{
    struct report_message *m = more(r->note, REPORT_NOTES_MAX, &r->notes);

    if (!m)
        return;
    fill(m, at, done);
    if (found.len > 0)
        quote(m, found);
    else
        m->found[0] = 0;
}

static bool is_before(const struct place *a, const struct place *b)
{
    if (a->file != b->file)
        return a->file < b->file;
    if (a->line != b->line)
        return a->line < b->line;
    return a->column < b->column;
}

/* By insertion: the tables are small and nearly in order. */
static void sort(struct report_message *table, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct report_message m = table[i];
        unsigned j = i;

        for (; j > 0 && is_before(&m.at, &table[j - 1].at); j--)
            table[j] = table[j - 1];
        table[j] = m;
    }
}

void report_sort(struct report *r)
{
    sort(r->error,
         r->errors < REPORT_ERRORS_MAX ? r->errors : REPORT_ERRORS_MAX);
    sort(r->note, r->notes < REPORT_NOTES_MAX ? r->notes : REPORT_NOTES_MAX);
}

/* file:line:column: */
static struct text begin_line(const struct report *r, const struct place *at,
                              char line[REPORT_LINE_MAX])
{
    struct text t = text_in(line, REPORT_LINE_MAX);

    text_add(&t, r->file[at->file]);
    if (at->line > 0) {
        text_add_char(&t, ':');
        text_add_number(&t, at->line);
        text_add_char(&t, ':');
        text_add_number(&t, at->column);
    }
    text_add(&t, ": ");
    return t;
}

bool report_error_line(const struct report *r, unsigned i,
                       char line[REPORT_LINE_MAX])
{
    if (i >= r->errors || i >= REPORT_ERRORS_MAX)
        return false;

    const struct report_message *m = &r->error[i];
    struct text t = begin_line(r, &m->at, line);

    text_add(&t, "found ");
    text_add(&t, m->found);
    text_add(&t, ", expected ");
    text_add(&t, m->text);
    return true;
}

bool report_note_line(const struct report *r, unsigned i,
                      char line[REPORT_LINE_MAX])
{
    if (i >= r->notes || i >= REPORT_NOTES_MAX)
        return false;

    const struct report_message *m = &r->note[i];
    struct text t = begin_line(r, &m->at, line);

    text_add(&t, m->found);
    if (m->found[0])
        text_add(&t, ": ");
    text_add(&t, m->text);
    return true;
}
