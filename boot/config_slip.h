/* SPDX-License-Identifier: BSD-2-Clause */
/* A misspelt word, and which one it could have been.  Level of all: any. */
#ifndef BOOT_CONFIG_SLIP_H
#define BOOT_CONFIG_SLIP_H

#include "boot/config_lexer.h"
#include "boot/config_text.h"

struct slip {
    struct word word;
    const char *nearest; /* name so far, or NULL */
    unsigned least;      /* changes to it; as many are too many */
};

/* For that word, not compared with any name yet. */
struct slip slip_of(struct word word);

/* Could that name have been meant? */
void slip_compare(struct slip *slip, const char *name);

/* Add "; is it `name`?", if there is one. */
void slip_suggest(const struct slip *slip, struct text *t);

#endif
