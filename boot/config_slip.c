/* SPDX-License-Identifier: BSD-2-Clause */
/* A misspelt word, and which one it could have been. */
#include "boot/config_slip.h"

#include <string.h>

/* Longer words are no slip of a known one. */
#define SLIP_LEN_MAX 24

/* Edit distance (insert, delete, replace), or more than `max`. */
static unsigned distance(struct word a, const char *b)
{
    unsigned row[SLIP_LEN_MAX + 1];
    size_t len = strlen(b);

    if (a.len > SLIP_LEN_MAX || len > SLIP_LEN_MAX)
        return SLIP_LEN_MAX;
    for (unsigned i = 0; i <= len; i++)
        row[i] = i;
    for (size_t i = 0; i < a.len; i++) {
        unsigned diagonal = row[0]++;

        for (size_t j = 0; j < len; j++) {
            struct word one = {a.at + i, 1}, other = {b + j, 1};
            unsigned best = diagonal + !word_equal(one, other);

            diagonal = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (diagonal + 1 < best)
                best = diagonal + 1;
            row[j + 1] = best;
        }
    }
    return row[len];
}

struct slip slip_of(struct word word)
{
    return (struct slip){word, NULL, word.len < 5 ? 2 : 3};
}

void slip_compare(struct slip *slip, const char *name)
{
    size_t len = strlen(name), least = slip->least;

    if (len + least <= slip->word.len || slip->word.len + least <= len)
        return;

    unsigned d = distance(slip->word, name);

    if (d < slip->least) {
        slip->least = d;
        slip->nearest = name;
    }
}

void slip_suggest(const struct slip *slip, struct text *t)
{
    if (!slip->nearest)
        return;
    text_add(t, "; is it `");
    text_add(t, slip->nearest);
    text_add(t, "`?");
}
