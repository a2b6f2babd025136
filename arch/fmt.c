/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting of text, integers only. */
#include "arch/fmt.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
    char *at;
    size_t room; /* without the terminator */
    size_t len;
};

struct spec {
    bool left, zero, has_precision;
    size_t width, precision;
    int size; /* -2 hh, -1 h, 0 int, 1 l or z, 2 ll */
};

static void put(struct out *o, char c)
{
    if (o->len < o->room)
        o->at[o->len++] = c;
}

static void put_padded(struct out *o, const struct spec *s, const char *text,
                       size_t len)
{
    size_t pad = s->width > len ? s->width - len : 0;

    for (; !s->left && pad > 0; pad--)
        put(o, ' ');
    while (len-- > 0)
        put(o, *text++);
    for (; pad > 0; pad--)
        put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t value,
                       unsigned base, const char *digits, const char *sign)
{
    char text[24];
    size_t at = sizeof text;
    size_t sign_len = 0;

    do {
        text[--at] = digits[value % base];
        value /= base;
    } while (value != 0);
    while (sign[sign_len] != '\0')
        sign_len++;

    size_t len = sizeof text - at + sign_len;
    size_t pad = s->width > len ? s->width - len : 0;

    for (; !s->left && !s->zero && pad > 0; pad--)
        put(o, ' ');
    while (*sign != '\0')
        put(o, *sign++);
    for (; !s->left && pad > 0; pad--)
        put(o, '0');
    while (at < sizeof text)
        put(o, text[at++]);
    for (; pad > 0; pad--)
        put(o, ' ');
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
    size_t len = 0;

    if (text == NULL)
        text = "(null)";
    while ((!s->has_precision || len < s->precision) && text[len] != '\0')
        len++;
    put_padded(o, s, text, len);
}

/* A number in the format, no larger than makes sense. */
static size_t read_count(const char **fmt)
{
    size_t count = 0;

    for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
        if (count < 10000)
            count = count * 10 + (size_t)(**fmt - '0');
    return count;
}

/* Wrapped, so that it can be handed on by address. */
struct arguments {
    va_list list;
};

static size_t count_or_star(const char **fmt, struct arguments *args,
                            bool *negative)
{
    int count;

    *negative = false;
    if (**fmt != '*')
        return read_count(fmt);
    (*fmt)++;
    count = va_arg(args->list, int);
    *negative = count < 0;
    return *negative ? (size_t)0 - (size_t)count : (size_t)count;
}

static struct spec read_spec(const char **fmt, struct arguments *args)
{
    struct spec s = {0};
    bool negative;

    for (;; (*fmt)++) {
        if (**fmt == '-')
            s.left = true;
        else if (**fmt == '0')
            s.zero = true;
        else
            break;
    }
    s.width = count_or_star(fmt, args, &negative);
    s.left |= negative;
    if (**fmt == '.') {
        (*fmt)++;
        s.precision = count_or_star(fmt, args, &negative);
        s.has_precision = !negative;
    }
    for (; **fmt == 'l'; (*fmt)++)
        s.size++;
    for (; **fmt == 'h'; (*fmt)++)
        s.size--;
    if (**fmt == 'z') {
        s.size = 1;
        (*fmt)++;
    }
    return s;
}

static int64_t read_signed(const struct spec *s, struct arguments *args)
{
    if (s->size >= 2)
        return va_arg(args->list, long long);
    if (s->size == 1)
        return va_arg(args->list, long);

    int value = va_arg(args->list, int);

    if (s->size == -1)
        return (short)value;
    return s->size <= -2 ? (signed char)value : value;
}

static uint64_t read_unsigned(const struct spec *s, struct arguments *args)
{
    if (s->size >= 2)
        return va_arg(args->list, unsigned long long);
    if (s->size == 1)
        return va_arg(args->list, unsigned long);

    unsigned value = va_arg(args->list, unsigned);

    if (s->size == -1)
        return (unsigned short)value;
    return s->size <= -2 ? (unsigned char)value : value;
}

static void put_signed(struct out *o, const struct spec *s, int64_t value)
{
    bool negative = value < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)value : (uint64_t)value;

    put_number(o, s, magnitude, 10, "0123456789", negative ? "-" : "");
}

/* One directive, past its '%'; false when it is not one of ours. */
static bool put_directive(struct out *o, const char **fmt,
                          struct arguments *args)
{
    struct spec s = read_spec(fmt, args);
    char c;

    switch (**fmt) {
    case '%':
        put(o, '%');
        break;
    case 'c':
        c = (char)va_arg(args->list, int);
        put_padded(o, &s, &c, 1);
        break;
    case 's':
        put_string(o, &s, va_arg(args->list, const char *));
        break;
    case 'd':
    case 'i':
        put_signed(o, &s, read_signed(&s, args));
        break;
    case 'u':
        put_number(o, &s, read_unsigned(&s, args), 10, "0123456789", "");
        break;
    case 'x':
        put_number(o, &s, read_unsigned(&s, args), 16, "0123456789abcdef", "");
        break;
    case 'X':
        put_number(o, &s, read_unsigned(&s, args), 16, "0123456789ABCDEF", "");
        break;
    case 'p':
        put_number(o, &s, (uintptr_t)va_arg(args->list, void *), 16,
                   "0123456789abcdef", "0x");
        break;
    default:
        return false;
    }
    (*fmt)++;
    return true;
}

size_t fmt_line(char *out, size_t room, const char *fmt, va_list args)
{
    struct out o = {.at = out, .room = room > 0 ? room - 1 : 0};
    struct arguments copy;

    va_copy(copy.list, args);
    while (*fmt != '\0') {
        const char *from = fmt++;

        if (*from != '%') {
            put(&o, *from);
        } else if (!put_directive(&o, &fmt, &copy)) {
            for (fmt = from; *fmt != '\0'; fmt++)
                put(&o, *fmt);
        }
    }
    va_end(copy.list);
    if (room > 0)
        out[o.len] = '\0';
    return o.len;
}

size_t fmt_print(char *out, size_t room, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);

    size_t len = fmt_line(out, room, fmt, args);

    va_end(args);
    return len;
}
