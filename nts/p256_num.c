/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of 256 bits, modulo the prime of P-256 or the order of its group. */
#include "nts/p256_num.h"

#include "ntp/bytes.h"

#include <immintrin.h>

typedef unsigned __int128 wide;

/* SEC 2, 2.4.2. */
const struct num num_p = {{0xffffffffffffffff, 0x00000000ffffffff,
                           0x0000000000000000, 0xffffffff00000001}};
const struct num num_n = {{0xf3b9cac2fc632551, 0xbce6faada7179e84,
                           0xffffffffffffffff, 0xffffffff00000000}};

#define MINUS_INVERSE_N 0xccd1c8aaee00bc4f /* -1 / n, modulo 2^64 */

uint64_t num_is_zero(const struct num *a)
{
    uint64_t any = a->word[0] | a->word[1] | a->word[2] | a->word[3];

    return ((any | -any) >> 63) - 1;
}

void num_select(struct num *r, uint64_t mask, const struct num *a,
                const struct num *b)
{
    r->word[0] = (a->word[0] & mask) | (b->word[0] & ~mask);
    r->word[1] = (a->word[1] & mask) | (b->word[1] & ~mask);
    r->word[2] = (a->word[2] & mask) | (b->word[2] & ~mask);
    r->word[3] = (a->word[3] & mask) | (b->word[3] & ~mask);
}

/* r = a + (b & mask), returns the carry. */
static inline uint64_t add(struct num *r, const struct num *a,
                           const struct num *b, uint64_t mask)
{
    unsigned long long w0, w1, w2, w3;
    unsigned char carry;

    carry = _addcarry_u64(0, a->word[0], b->word[0] & mask, &w0);
    carry = _addcarry_u64(carry, a->word[1], b->word[1] & mask, &w1);
    carry = _addcarry_u64(carry, a->word[2], b->word[2] & mask, &w2);
    carry = _addcarry_u64(carry, a->word[3], b->word[3] & mask, &w3);
    *r = (struct num){{w0, w1, w2, w3}};
    return carry;
}

/* r = a - b, returns the borrow. */
static inline uint64_t subtract(struct num *r, const struct num *a,
                                const struct num *b)
{
    unsigned long long w0, w1, w2, w3;
    unsigned char borrow;

    borrow = _subborrow_u64(0, a->word[0], b->word[0], &w0);
    borrow = _subborrow_u64(borrow, a->word[1], b->word[1], &w1);
    borrow = _subborrow_u64(borrow, a->word[2], b->word[2], &w2);
    borrow = _subborrow_u64(borrow, a->word[3], b->word[3], &w3);
    *r = (struct num){{w0, w1, w2, w3}};
    return borrow;
}

/* What is below twice the modulus, with a 257th bit, made below once. */
static inline void settle(struct num *r, uint64_t carry,
                          const struct num *modulus)
{
    uint64_t borrow = subtract(r, r, modulus);

    /* It was below already if that borrowed and no carry can pay. */
    add(r, r, modulus, carry - borrow);
}

void num_reduce_once(struct num *r, const struct num *modulus)
{
    settle(r, 0, modulus);
}

bool num_read(struct num *r, const uint8_t bytes[NUM_LEN],
              const struct num *modulus)
{
    struct num less;

    for (unsigned i = 0; i < 4; i++)
        r->word[3 - i] = get_u64(bytes + 8 * i);
    return subtract(&less, r, modulus) == 1;
}

void num_write(uint8_t bytes[NUM_LEN], const struct num *a)
{
    for (unsigned i = 0; i < 4; i++)
        put_u64(bytes + 8 * i, a->word[3 - i]);
}

void num_add(struct num *r, const struct num *a, const struct num *b,
             const struct num *modulus)
{
    uint64_t carry = add(r, a, b, ~(uint64_t)0);

    settle(r, carry, modulus);
}

void num_sub(struct num *r, const struct num *a, const struct num *b,
             const struct num *modulus)
{
    uint64_t borrow = subtract(r, a, b);

    add(r, r, modulus, -borrow);
}

/*
 * From here to the end of num_mul_n() the steps are written out and not looped
 * over: gcc at -O2 leaves the loops, and is half as fast.
 */

/* t + a b + carry, and the carry out of it. */
static inline uint64_t mul_add(uint64_t *t, uint64_t a, uint64_t b,
                               uint64_t carry)
{
    wide sum = (wide)a * b + *t + carry;

    *t = (uint64_t)sum;
    return (uint64_t)(sum >> 64);
}

/* Four words of t, plus a times a word. */
static inline uint64_t mul_row(uint64_t *t, const struct num *a, uint64_t by)
{
    uint64_t carry = mul_add(&t[0], a->word[0], by, 0);

    carry = mul_add(&t[1], a->word[1], by, carry);
    carry = mul_add(&t[2], a->word[2], by, carry);
    return mul_add(&t[3], a->word[3], by, carry);
}

static inline void multiply(uint64_t t[8], const struct num *a,
                            const struct num *b)
{
    t[0] = t[1] = t[2] = t[3] = 0;
    t[4] = mul_row(t, a, b->word[0]);
    t[5] = mul_row(t + 1, a, b->word[1]);
    t[6] = mul_row(t + 2, a, b->word[2]);
    t[7] = mul_row(t + 3, a, b->word[3]);
}

/* The fifth word of t, plus what is carried into it. */
static inline uint64_t carry_on(uint64_t *t, uint64_t carry, uint64_t top)
{
    wide sum = (wide)t[4] + carry + top;

    t[4] = (uint64_t)sum;
    return (uint64_t)(sum >> 64);
}

/*
 * Clear the lowest word by adding a multiple of p.  -1 / p is 1 modulo 2^64, so
 * the factor is that word, m, itself; and m times the lower half of p is
 * m 2^96 - m.
 */
static inline uint64_t clear_p(uint64_t *t, uint64_t top)
{
    uint64_t m = t[0];
    wide sum = (wide)t[1] + (m << 32);

    t[1] = (uint64_t)sum;
    sum = (sum >> 64) + t[2] + (m >> 32);
    t[2] = (uint64_t)sum;
    return carry_on(t, mul_add(&t[3], m, num_p.word[3], (uint64_t)(sum >> 64)),
                    top);
}

static inline uint64_t clear_n(uint64_t *t, uint64_t top)
{
    return carry_on(t, mul_row(t, &num_n, t[0] * MINUS_INVERSE_N), top);
}

void num_mul_p(struct num *r, const struct num *a, const struct num *b)
{
    uint64_t t[8], top;

    multiply(t, a, b);
    top = clear_p(t, 0);
    top = clear_p(t + 1, top);
    top = clear_p(t + 2, top);
    top = clear_p(t + 3, top);
    *r = (struct num){{t[4], t[5], t[6], t[7]}};
    settle(r, top, &num_p);
}

void num_mul_n(struct num *r, const struct num *a, const struct num *b)
{
    uint64_t t[8], top;

    multiply(t, a, b);
    top = clear_n(t, 0);
    top = clear_n(t + 1, top);
    top = clear_n(t + 2, top);
    top = clear_n(t + 3, top);
    *r = (struct num){{t[4], t[5], t[6], t[7]}};
    settle(r, top, &num_n);
}

/* 2^512, which a product divides by 2^256. */

void num_enter_p(struct num *r, const struct num *a)
{
    static const struct num square_p = {{0x0000000000000003, 0xfffffffbffffffff,
                                         0xfffffffffffffffe,
                                         0x00000004fffffffd}};

    num_mul_p(r, a, &square_p);
}

void num_enter_n(struct num *r, const struct num *a)
{
    static const struct num square_n = {{0x83244c95be79eea2, 0x4699799c49bd6fa6,
                                         0x2845b2392b6bec59,
                                         0x66e12d94f3d95620}};

    num_mul_n(r, a, &square_n);
}

static const struct num one = {{1, 0, 0, 0}};

void num_leave_p(struct num *r, const struct num *a)
{
    num_mul_p(r, a, &one);
}

void num_leave_n(struct num *r, const struct num *a)
{
    num_mul_n(r, a, &one);
}

/* a to the power 2^times, times b. */
static void climb(struct num *r, const struct num *a, unsigned times,
                  const struct num *b)
{
    struct num x = *a;

    while (times-- > 0)
        num_mul_p(&x, &x, &x);
    num_mul_p(r, &x, b);
}

/*
 * Fermat: a to the power p - 2, which is 32 ones, 31 zeros and a one, 96 zeros,
 * 94 ones, a zero and a one.
 */
void num_invert_p(struct num *r, const struct num *a)
{
    struct num x1 = *a, x2, x4, x8, x16, x32, x;

    climb(&x2, &x1, 1, &x1);
    climb(&x4, &x2, 2, &x2);
    climb(&x8, &x4, 4, &x4);
    climb(&x16, &x8, 8, &x8);
    climb(&x32, &x16, 16, &x16);

    climb(&x, &x32, 32, &x1);
    climb(&x, &x, 128, &x32);
    climb(&x, &x, 32, &x32);
    climb(&x, &x, 16, &x16);
    climb(&x, &x, 8, &x8);
    climb(&x, &x, 4, &x4);
    climb(&x, &x, 2, &x2);
    climb(r, &x, 2, &x1);
}

/* a to the power n - 2, which is public, four bits at a time. */
void num_invert_n(struct num *r, const struct num *a)
{
    struct num power[16], x;

    power[1] = *a;
    for (unsigned i = 2; i < 16; i++)
        num_mul_n(&power[i], &power[i - 1], a);

    x = power[15];
    for (unsigned i = 63; i-- > 0;) {
        uint64_t word = num_n.word[i / 16] - (i < 16 ? 2 : 0);
        unsigned digit = word >> 4 * (i % 16) & 15;

        for (unsigned j = 0; j < 4; j++)
            num_mul_n(&x, &x, &x);
        if (digit != 0)
            num_mul_n(&x, &x, &power[digit]);
    }
    *r = x;
}
