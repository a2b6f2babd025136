/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings put together piece by piece in a buffer of fixed size.  Level of all:
 * any. */
#ifndef BOOT_CONFIG_TEXT_H
#define BOOT_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Always ends in a zero; what does not fit is cut off. */
struct text {
    char *buffer;
    size_t size; /* at least 1 */
    size_t len;
};

/* An empty text in that buffer. */
struct text text_in(char *buffer, size_t size);

/* Add to its end: a string as it is, a character, a number in decimal. */
void text_add(struct text *t, const char *string);
void text_add_char(struct text *t, char c);
void text_add_number(struct text *t, int64_t number);

/* Number / 10^places, without the zeros at its end. */
void text_add_decimal(struct text *t, int64_t number, unsigned places);

/* Bytes from outside: what is not printable ASCII becomes \xNN; when it does
 * not fit, it ends in "...". */
void text_add_bytes(struct text *t, const char *bytes, size_t len);

#endif
