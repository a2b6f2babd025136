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

void text_add_number(struct text *t, int64_t number)
{
    char digits[20];
    unsigned count = 0;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

    if (number < 0)
        text_add_char(t, '-');
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    while (count > 0)
        text_add_char(t, digits[--count]);
}

void text_add_decimal(struct text *t, int64_t number, unsigned places)
{
    uint64_t unit = 1;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

    for (unsigned i = 0; i < places; i++)
        unit *= 10;
    if (number < 0)
        text_add_char(t, '-');
    text_add_number(t, (int64_t)(left / unit));
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
