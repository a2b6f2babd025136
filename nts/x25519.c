/* SPDX-License-Identifier: BSD-2-Clause */
/* The key agreement X25519, in constant time. */
#include "nts/x25519.h"

#include <mbedtls/platform_util.h>

#include <string.h>

__extension__ typedef unsigned __int128 u128;

/*
 * A number modulo p = 2^255 - 19 in five limbs of 51 bits and a little more: a
 * product leaves less than 2^51 + 2^13 in each, and takes up to 2^54.
 */
struct field {
    uint64_t limb[5];
};

#define MASK51 ((1ull << 51) - 1)
#define A24    121665 /* (486662 - 2) / 4 */

static uint64_t get_le64(const uint8_t *p)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

static void put_le64(uint8_t *p, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

/* The highest bit does not count: RFC 7748, 5. */
static struct field field_read(const uint8_t *p)
{
    uint64_t w[4];

    for (int i = 0; i < 4; i++)
        w[i] = get_le64(p + 8 * i);
    return (struct field){{
        w[0] & MASK51,
        (w[0] >> 51 | w[1] << 13) & MASK51,
        (w[1] >> 38 | w[2] << 26) & MASK51,
        (w[2] >> 25 | w[3] << 39) & MASK51,
        w[3] >> 12 & MASK51,
    }};
}

static struct field add(const struct field *a, const struct field *b)
{
    struct field sum;

    for (int i = 0; i < 5; i++)
        sum.limb[i] = a->limb[i] + b->limb[i];
    return sum;
}

/* 2 p is added, so that no limb goes below zero. */
static struct field subtract(const struct field *a, const struct field *b)
{
    struct field difference;

    for (int i = 0; i < 5; i++)
        difference.limb[i] =
            a->limb[i] + 2 * (MASK51 - (i == 0 ? 18 : 0)) - b->limb[i];
    return difference;
}

/* 2^255 is 19. */
static struct field carry(u128 wide[5])
{
    struct field f;
    uint64_t over = 0;

    for (int i = 0; i < 5; i++) {
        wide[i] += over;
        f.limb[i] = (uint64_t)wide[i] & MASK51;
        over = (uint64_t)(wide[i] >> 51);
    }

    u128 low = f.limb[0] + (u128)over * 19;

    f.limb[0] = (uint64_t)low & MASK51;
    f.limb[1] += (uint64_t)(low >> 51);
    return f;
}

static struct field multiply(const struct field *x, const struct field *y)
{
    const uint64_t *a = x->limb;
    const uint64_t *b = y->limb;
    uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];
    u128 wide[5] = {
        (u128)a[0] * b[0] + (u128)a[1] * b4 + (u128)a[2] * b3 +
            (u128)a[3] * b2 + (u128)a[4] * b1,
        (u128)a[0] * b[1] + (u128)a[1] * b[0] + (u128)a[2] * b4 +
            (u128)a[3] * b3 + (u128)a[4] * b2,
        (u128)a[0] * b[2] + (u128)a[1] * b[1] + (u128)a[2] * b[0] +
            (u128)a[3] * b4 + (u128)a[4] * b3,
        (u128)a[0] * b[3] + (u128)a[1] * b[2] + (u128)a[2] * b[1] +
            (u128)a[3] * b[0] + (u128)a[4] * b4,
        (u128)a[0] * b[4] + (u128)a[1] * b[3] + (u128)a[2] * b[2] +
            (u128)a[3] * b[1] + (u128)a[4] * b[0],
    };

    return carry(wide);
}

static struct field square(const struct field *x)
{
    const uint64_t *a = x->limb;
    uint64_t a0 = 2 * a[0], a1 = 2 * a[1];
    uint64_t a3 = 19 * a[3], a4 = 19 * a[4];
    u128 wide[5] = {
        (u128)a[0] * a[0] + (u128)a1 * a4 + (u128)(2 * a[2]) * a3,
        (u128)a0 * a[1] + (u128)(2 * a[2]) * a4 + (u128)a[3] * a3,
        (u128)a0 * a[2] + (u128)a[1] * a[1] + (u128)(2 * a[3]) * a4,
        (u128)a0 * a[3] + (u128)a1 * a[2] + (u128)a[4] * a4,
        (u128)a0 * a[4] + (u128)a1 * a[3] + (u128)a[2] * a[2],
    };

    return carry(wide);
}

static struct field multiply_a24(const struct field *x)
{
    u128 wide[5];

    for (int i = 0; i < 5; i++)
        wide[i] = (u128)x->limb[i] * A24;
    return carry(wide);
}

static struct field square_times(struct field x, int times)
{
    while (times-- > 0)
        x = square(&x);
    return x;
}

/* 1 / x is x^(p - 2), and p - 2 is 2^255 - 21; 0 stays 0. */
static struct field invert(const struct field *x)
{
    struct field x2 = square(x);
    struct field x8 = square_times(x2, 2);
    struct field x9 = multiply(&x8, x);
    struct field x11 = multiply(&x9, &x2);
    struct field power = square(&x11);
    struct field ones5, ones10, ones20, ones50, ones100;

    /* onesN is x^(2^N - 1). */
    ones5 = multiply(&power, &x9);
    power = square_times(ones5, 5);
    ones10 = multiply(&power, &ones5);
    power = square_times(ones10, 10);
    ones20 = multiply(&power, &ones10);
    power = square_times(ones20, 20);
    power = multiply(&power, &ones20);
    power = square_times(power, 10);
    ones50 = multiply(&power, &ones10);
    power = square_times(ones50, 50);
    ones100 = multiply(&power, &ones50);
    power = square_times(ones100, 100);
    power = multiply(&power, &ones100);
    power = square_times(power, 50);
    power = multiply(&power, &ones50);
    power = square_times(power, 5);
    return multiply(&power, &x11);
}

static void field_write(uint8_t *p, struct field f)
{
    uint64_t *l = f.limb;

    /* Each limb below 2^51. */
    for (int round = 0; round < 2; round++) {
        u128 wide[5] = {l[0], l[1], l[2], l[3], l[4]};

        f = carry(wide);
    }

    /* p goes into it once if f + 19 reaches 2^255. */
    uint64_t over = 19;

    for (int i = 0; i < 5; i++)
        over = (l[i] + over) >> 51;
    over *= 19;
    for (int i = 0; i < 5; i++) {
        l[i] += over;
        over = l[i] >> 51;
        l[i] &= MASK51;
    }

    put_le64(p, l[0] | l[1] << 51);
    put_le64(p + 8, l[1] >> 13 | l[2] << 38);
    put_le64(p + 16, l[2] >> 26 | l[3] << 25);
    put_le64(p + 24, l[3] >> 39 | l[4] << 12);
}

/* Exchange them if `swap` is 1, without a branch. */
static void swap_if(struct field *a, struct field *b, uint64_t swap)
{
    uint64_t mask = 0 - swap;

    for (int i = 0; i < 5; i++) {
        uint64_t both = (a->limb[i] ^ b->limb[i]) & mask;

        a->limb[i] ^= both;
        b->limb[i] ^= both;
    }
}

/* The points of the ladder: multiples of x1, as fractions. */
struct ladder {
    struct field x1, x2, z2, x3, z3;
};

/* One rung, in the names of RFC 7748, 5. */
static void climb(struct ladder *l)
{
    struct field a = add(&l->x2, &l->z2);
    struct field aa = square(&a);
    struct field b = subtract(&l->x2, &l->z2);
    struct field bb = square(&b);
    struct field e = subtract(&aa, &bb);
    struct field c = add(&l->x3, &l->z3);
    struct field d = subtract(&l->x3, &l->z3);
    struct field da = multiply(&d, &a);
    struct field cb = multiply(&c, &b);
    struct field sum = add(&da, &cb);
    struct field difference = subtract(&da, &cb);

    l->x3 = square(&sum);
    difference = square(&difference);
    l->z3 = multiply(&l->x1, &difference);
    l->x2 = multiply(&aa, &bb);
    sum = multiply_a24(&e);
    sum = add(&aa, &sum);
    l->z2 = multiply(&e, &sum);
}

bool x25519(uint8_t out[X25519_LEN], const uint8_t scalar[X25519_LEN],
            const uint8_t u[X25519_LEN])
{
    struct ladder l = {
        .x1 = field_read(u),
        .x2 = {{1}},
        .z3 = {{1}},
    };
    uint8_t k[X25519_LEN];
    uint64_t swap = 0;
    uint8_t any = 0;

    memcpy(k, scalar, sizeof(k));
    k[0] &= 248;
    k[31] = (uint8_t)((k[31] & 127) | 64);
    l.x3 = l.x1;
    for (int t = 254; t >= 0; t--) {
        uint64_t bit = k[t / 8] >> t % 8 & 1;

        swap_if(&l.x2, &l.x3, swap ^ bit);
        swap_if(&l.z2, &l.z3, swap ^ bit);
        swap = bit;
        climb(&l);
    }
    swap_if(&l.x2, &l.x3, swap);
    swap_if(&l.z2, &l.z3, swap);
    l.z2 = invert(&l.z2);
    field_write(out, multiply(&l.x2, &l.z2));
    mbedtls_platform_zeroize(&l, sizeof(l));
    mbedtls_platform_zeroize(k, sizeof(k));
    for (int i = 0; i < X25519_LEN; i++)
        any |= out[i];
    return any != 0;
}

void x25519_base(uint8_t out[X25519_LEN], const uint8_t scalar[X25519_LEN])
{
    static const uint8_t base[X25519_LEN] = {9};

    (void)x25519(out, scalar, base);
}
