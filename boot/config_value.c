/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a configuration as numbers, addresses and names. */
#include "boot/config_value.h"

#include "ntp/hex.h"

#include <string.h>

#define HOST_NAME_MAX 253 /* RFC 1035, 2.3.4 */
#define LABEL_MAX     63

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A word being read from its front. */
struct front {
    const char *at;
    const char *end;
};

static struct front front_of(struct word word)
{
    return (struct front){word.at, word.at + word.len};
}

static bool take(struct front *f, char c)
{
    if (f->at == f->end || *f->at != c)
        return false;
    f->at++;
    return true;
}

/* A minus or plus sign, if there is one; true for minus. */
static bool take_sign(struct front *f)
{
    if (take(f, '-'))
        return true;
    take(f, '+');
    return false;
}

/*
 * Decimal digits up to `max`; no zero before others, which some would read as
 * octal.
 */
static bool take_number(struct front *f, uint32_t max, uint32_t *number)
{
    const char *start = f->at;
    uint32_t value = 0;

    if (take(f, '0')) {
        *number = 0;
        return f->at == f->end || !is_digit(*f->at);
    }

    while (f->at < f->end && is_digit(*f->at)) {
        value = value * 10 + (uint32_t)(*f->at++ - '0');
        if (value > max)
            return false;
    }
    *number = value;
    return f->at > start;
}

/* value = digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
    unsigned count; /* of digits read */
};

/* Digits past the nineteenth only count for the exponent. */
static void take_digits(struct front *f, struct decimal *d, int each)
{
    const uint64_t room = (UINT64_MAX - 9) / 10;

    for (; f->at < f->end && is_digit(*f->at); f->at++) {
        d->count++;
        if (d->digits > room) {
            d->exponent += 1 + each;
            continue;
        }
        d->digits = d->digits * 10 + (uint64_t)(*f->at - '0');
        d->exponent += each;
    }
}

/* e, a sign and digits; an exponent past any use is only large. */
static bool take_exponent(struct front *f, struct decimal *d)
{
    if (!take(f, 'e') && !take(f, 'E'))
        return true;

    bool negative = take_sign(f);
    const char *start = f->at;
    int exponent = 0;

    for (; f->at < f->end && is_digit(*f->at); f->at++)
        if (exponent < 10000)
            exponent = exponent * 10 + (*f->at - '0');
    d->exponent += negative ? -exponent : exponent;
    return f->at > start;
}

static int64_t decimal_round(struct decimal d, bool negative)
{
    const uint64_t largest = INT64_MAX;
    bool half = false;

    for (; d.exponent > 0 && d.digits > 0 && d.digits <= largest; d.exponent--)
        d.digits = d.digits > largest / 10 ? UINT64_MAX : d.digits * 10;
    for (; d.exponent < 0 && d.digits > 0; d.exponent++) {
        half = d.digits % 10 >= 5;
        d.digits /= 10;
    }
    if (d.exponent == 0 && half)
        d.digits++;
    if (d.digits > largest)
        d.digits = largest;
    return negative ? -(int64_t)d.digits : (int64_t)d.digits;
}

bool value_decimal(struct word word, unsigned places, int64_t *value)
{
    struct front f = front_of(word);
    struct decimal d = {0, (int)places, 0};
    bool negative = take_sign(&f);

    take_digits(&f, &d, 0);
    if (take(&f, '.'))
        take_digits(&f, &d, -1);
    if (d.count == 0 || !take_exponent(&f, &d) || f.at != f.end)
        return false;
    *value = decimal_round(d, negative);
    return true;
}

bool value_integer(struct word word, int64_t *value)
{
    struct front f = front_of(word);
    struct decimal d = {0, 0, 0};
    bool negative = take_sign(&f);

    take_digits(&f, &d, 0);
    if (d.count == 0 || f.at != f.end)
        return false;
    *value = decimal_round(d, negative);
    return true;
}

/* One to four numbers with points between them; how many, or 0. */
static unsigned take_ipv4(struct front *f, uint8_t byte[4])
{
    unsigned count = 0;

    memset(byte, 0, 4);
    do {
        uint32_t number;

        if (!take_number(f, 255, &number))
            return 0;
        byte[count++] = (uint8_t)number;
    } while (count < 4 && take(f, '.'));
    return count;
}

static bool take_hex_group(struct front *f, uint8_t group[2])
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *start = f->at;
    uint32_t value = 0;

    for (; f->at < f->end && f->at < start + 4; f->at++) {
        const char *digit = *f->at ? strchr(digits, *f->at) : NULL;

        if (!digit)
            break;
        value = value << 4 | (uint32_t)((digit - digits) & 15);
    }
    group[0] = (uint8_t)(value >> 8);
    group[1] = (uint8_t)value;
    return f->at > start;
}

static bool at_end(const struct front *f)
{
    return f->at == f->end || *f->at == '/';
}

/* The bytes of an IPv6 address as written, without what "::" stands for. */
struct groups {
    uint8_t byte[16];
    unsigned len;
    unsigned gap; /* len at "::" */
    bool has_gap;
};

/* The last 32 bits may be written as IPv4.  RFC 4291, 2.2, 3. */
static bool take_group(struct front *f, struct groups *g)
{
    struct front ahead = *f;

    if (g->len <= 12 && take_ipv4(&ahead, g->byte + g->len) == 4 &&
        at_end(&ahead)) {
        g->len += 4;
        *f = ahead;
        return true;
    }
    if (g->len > 14 || !take_hex_group(f, g->byte + g->len))
        return false;
    g->len += 2;
    return true;
}

/* The second colon of two; it may be there once. */
static bool take_gap(struct front *f, struct groups *g)
{
    if (!take(f, ':'))
        return true;
    if (g->has_gap)
        return false;
    g->has_gap = true;
    g->gap = g->len;
    return true;
}

static bool take_groups(struct front *f, struct groups *g)
{
    if (take(f, ':')) {
        if (!take_gap(f, g) || !g->has_gap)
            return false;
        if (at_end(f))
            return true;
    }
    while (take_group(f, g)) {
        if (at_end(f))
            return true;
        if (!take(f, ':') || !take_gap(f, g))
            return false;
        if (at_end(f))
            return g->has_gap && g->gap == g->len && f->at[-2] == ':';
    }
    return false;
}

static bool take_ipv6(struct front *f, struct ip_addr6 *address)
{
    struct groups g = {.len = 0};

    if (!take_groups(f, &g))
        return false;
    if (g.has_gap ? g.len > 14 : g.len != 16)
        return false;
    if (!g.has_gap)
        g.gap = 16;

    unsigned after = g.len - g.gap;

    memset(address, 0, sizeof(*address));
    memcpy(address->byte, g.byte, g.gap);
    memcpy(address->byte + 16 - after, g.byte + g.gap, after);
    return true;
}

/* How many bits that spelling of an address gives; 0: it is none. */
static unsigned take_address(struct front *f, struct ip_addr6 *address)
{
    struct front ahead = *f;
    uint8_t v4[4];
    unsigned count = take_ipv4(&ahead, v4);

    if (count > 0 && at_end(&ahead)) {
        *address = ip_from_v4(v4);
        *f = ahead;
        return 96 + 8 * count;
    }
    return take_ipv6(f, address) ? 128 : 0;
}

bool value_address(struct word word, struct ip_addr6 *address)
{
    struct front f = front_of(word);
    struct ip_addr6 found;

    if (take_address(&f, &found) != 128 || f.at != f.end)
        return false;
    *address = found;
    return true;
}

/* A slash and how many bits count, of those that the family has. */
static bool take_bits(struct front *f, const struct ip_addr6 *address,
                      uint8_t *bits)
{
    unsigned family = ip_is_v4(address) ? 96 : 0;
    uint32_t number;

    if (!take(f, '/') || !take_number(f, 128 - family, &number))
        return false;
    *bits = (uint8_t)(family + number);
    return f->at == f->end;
}

bool value_network(struct word word, struct ip_addr6 *prefix, uint8_t *bits)
{
    struct front f = front_of(word);
    struct ip_addr6 found;
    uint8_t given = (uint8_t)take_address(&f, &found);

    if (given == 0)
        return false;
    if (f.at != f.end && !take_bits(&f, &found, &given))
        return false;
    value_mask(&found, given);
    *prefix = found;
    *bits = given;
    return true;
}

bool value_interface(struct word word, struct ip_addr6 *address, uint8_t *bits)
{
    struct front f = front_of(word);
    struct ip_addr6 found;

    if (take_address(&f, &found) != 128 || !take_bits(&f, &found, bits))
        return false;
    *address = found;
    return true;
}

void value_mask(struct ip_addr6 *address, uint8_t bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

        if (kept < 8)
            address->byte[i] &= (uint8_t)(0xff00 >> kept);
    }
}

bool value_in_network(const struct ip_addr6 *address,
                      const struct ip_addr6 *prefix, uint8_t bits)
{
    struct ip_addr6 a = *address, b = *prefix;

    value_mask(&a, bits);
    value_mask(&b, bits);
    return ip_equal(&a, &b);
}

static bool is_label_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '_' || c == '-';
}

/* Letters, digits and inner hyphens, up to a point or the end. */
static struct word take_label(struct front *f)
{
    struct word label = {f->at, 0};

    while (f->at < f->end && is_label_char(*f->at))
        f->at++;
    label.len = (size_t)(f->at - label.at);
    return label;
}

static bool label_is_valid(struct word label)
{
    return label.len > 0 && label.len <= LABEL_MAX && label.at[0] != '-' &&
           label.at[label.len - 1] != '-';
}

static bool is_all_digits(struct word word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!is_digit(word.at[i]))
            return false;
    return true;
}

bool value_host_name(struct word word)
{
    struct front f = front_of(word);
    struct word label;

    if (word.len > HOST_NAME_MAX)
        return false;
    do {
        label = take_label(&f);
        if (!label_is_valid(label))
            return false;
    } while (take(&f, '.') && f.at < f.end);

    /* All digits at the end: an address with a slip in it. */
    return f.at == f.end && !is_all_digits(label);
}

bool value_is_unspecified(const struct ip_addr6 *address)
{
    static const struct ip_addr6 none;
    struct ip_addr6 none_v4 = ip_from_v4(none.byte);

    return ip_equal(address, &none) || ip_equal(address, &none_v4);
}

bool value_is_loopback(const struct ip_addr6 *address)
{
    static const struct ip_addr6 self = {.byte[15] = 1};

    return ip_equal(address, &self) ||
           (ip_is_v4(address) && address->byte[12] == 127);
}

bool value_is_unicast(const struct ip_addr6 *address)
{
    /* 224.0.0.0/4 and, with broadcast, 240.0.0.0/4; ff00::/8. */
    if (ip_is_v4(address))
        return address->byte[12] != 0 && address->byte[12] < 224;
    return address->byte[0] != 0xff && !value_is_unspecified(address);
}

size_t value_hex(struct word word, uint8_t *bytes, size_t max)
{
    if (word.len % 2 || word.len / 2 > max)
        return 0;
    for (size_t i = 0; i < word.len; i += 2) {
        int high = hex_digit(word.at[i]), low = hex_digit(word.at[i + 1]);

        if (high < 0 || low < 0)
            return 0;
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return word.len / 2;
}
