/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings put together piece by piece in a buffer of fixed size. */
#include "boot/config_text.h"

struct text text_in(char *buffer, size_t size)
{
    buffer[0] = 0;
    return (struct text){buffer, size, 0};
}

void text_add_char(struct text *t, char c)
{
    if (t->len + 1 >= t->size)
        return;
    t->buffer[t->len++] = c;
    t->buffer[t->len] = 0;
}

void text_add(struct text *t, const char *string)
{
    while (*string)
        text_add_char(t, *string++);
}

static void add_unsigned(struct text *t, uint64_t number)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        text_add_char(t, digits[--count]);
}

/* The sign goes into the text, what is left comes back. */
static uint64_t add_sign(struct text *t, int64_t number)
{
    if (number >= 0)
        return (uint64_t)number;
    text_add_char(t, '-');
    return -(uint64_t)number;
}

void text_add_number(struct text *t, int64_t number)
{
    add_unsigned(t, add_sign(t, number));
}

void text_add_decimal(struct text *t, int64_t number, unsigned places)
{
    uint64_t left = add_sign(t, number);
    uint64_t unit = 1;

    for (unsigned i = 0; i < places; i++)
        unit *= 10;
    add_unsigned(t, left / unit);
    left %= unit;
    if (left > 0)
        text_add_char(t, '.');
    while (left > 0) {
        unit /= 10;
        text_add_char(t, (char)('0' + left / unit));
        left %= unit;
    }
}

static void add_byte(struct text *t, char c)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t byte = (uint8_t)c;

    if (byte >= 0x20 && byte < 0x7f) {
        text_add_char(t, c);
        return;
    }
    text_add(t, "\\x");
    text_add_char(t, hex[byte >> 4]);
    text_add_char(t, hex[byte & 15]);
}

void text_add_bytes(struct text *t, const char *bytes, size_t len)
{
    const size_t widest = 4; /* \xNN */
    const size_t dots = 3;

    for (size_t i = 0; i < len; i++) {
        if (t->len + widest + dots + 1 > t->size) {
            text_add(t, "...");
            return;
        }
        add_byte(t, bytes[i]);
    }
}
