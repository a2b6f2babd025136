/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for the addresses in a back trace; tools/symbols writes the table. */
#ifndef ARCH_SYMBOLS_H
#define ARCH_SYMBOLS_H

#include <stdint.h>

struct symbol {
    uint32_t address; /* of a function; the table is ascending */
    uint32_t name;    /* where in symbol_text its name starts */
};

/* The image is linked twice: in the first link the table is empty. */
extern const uint32_t symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_text[];

#endif
