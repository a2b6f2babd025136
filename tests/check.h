/* SPDX-License-Identifier: BSD-2-Clause */
/* What unit tests say with: checks that print both sides, seeded numbers. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* It holds. */
#define CHECK(condition) assert_true(condition)

/* Two integers of up to 64 bits are equal; both are printed if not. */
#define CHECK_EQ(a, b)                                                         \
    check_eq((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)

static inline void check_eq(long long a, long long b, const char *text,
                            const char *file, int line)
{
    if (a != b) {
        print_error("%s: %lld (0x%llx) is not %lld (0x%llx)\n", text, a,
                    (unsigned long long)a, b, (unsigned long long)b);
        _fail(file, line);
    }
}

/* Two numbers are at most `within` apart. */
#define CHECK_NEAR(a, b, within)                                               \
    check_near((double)(a), (double)(b), (double)(within), #a " is near " #b,  \
               __FILE__, __LINE__)

static inline void check_near(double a, double b, double within,
                              const char *text, const char *file, int line)
{
    /* Written so that a NaN fails. */
    if (!(a - b <= within && b - a <= within)) {
        print_error("%s: %.12g and %.12g differ by more than %.12g\n", text, a,
                    b, within);
        _fail(file, line);
    }
}

/* `len` bytes are equal. */
#define CHECK_BYTES(a, b, len) assert_memory_equal(a, b, len)

/* Two strings are equal. */
#define CHECK_TEXT(a, b) assert_string_equal(a, b)

/* Numbers for random tests: splitmix64. */
struct check_random {
    uint64_t state;
};

/* Seeded by CHECK_SEED if that is set, else by the time; prints the seed. */
static inline struct check_random check_random_start(void)
{
    const char *given = getenv("CHECK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

    print_message("# CHECK_SEED=%llu\n", (unsigned long long)seed);
    return (struct check_random){seed};
}

static inline uint64_t check_random(struct check_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 to `below` - 1. */
static inline uint64_t check_random_below(struct check_random *r,
                                          uint64_t below)
{
    return check_random(r) % below;
}

static inline void check_random_bytes(struct check_random *r, void *to,
                                      size_t len)
{
    for (uint8_t *p = to; len > 0; len--)
        *p++ = (uint8_t)check_random(r);
}

/* Bytes from hexadecimal text, spaces ignored; returns how many. */
static inline size_t check_hex(const char *text, uint8_t *to, size_t room)
{
    size_t nibbles = 0;

    for (; *text; text++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, *text);

        if (*text == ' ')
            continue;
        if (!digit || nibbles / 2 >= room)
            fail_msg("bad hexadecimal text at \"%s\"", text);
        uint8_t value = (uint8_t)(digit - digits);
        to[nibbles / 2] = nibbles % 2 ? (uint8_t)(to[nibbles / 2] | value)
                                      : (uint8_t)(value << 4);
        nibbles++;
    }
    return nibbles / 2;
}

#endif
