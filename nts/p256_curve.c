/* SPDX-License-Identifier: BSD-2-Clause */
/* Points of the curve P-256, and multiples of them. */
#include "nts/p256_curve.h"

#include <string.h>

/* Jacobian coordinates: x / z^2 and y / z^3; infinity has z = 0. */
struct jacobian {
    struct num x, y, z;
};

/* Montgomery's forms of 1, of the curve's b, and of the generator.  SEC 2,
 * 2.4.2. */
static const struct num one = {{0x0000000000000001, 0xffffffff00000000,
                                0xffffffffffffffff, 0x00000000fffffffe}};
static const struct num curve_b = {{0xd89cdf6229c4bddf, 0xacf005cd78843090,
                                    0xe5a220abf7212ed6, 0xdc30061d04874834}};
static const struct point generator = {
    {{0x79e730d418a9143c, 0x75ba95fc5fedb601, 0x79fb732b77622510,
      0x18905f76a53755c6}},
    {{0xddf25357ce95560a, 0x8b4ab8e4ba19e45c, 0xd2e88688dd21f325,
      0x8571ff1825885d85}}};

static void mul(struct num *r, const struct num *a, const struct num *b)
{
    num_mul_p(r, a, b);
}

static void square(struct num *r, const struct num *a)
{
    num_mul_p(r, a, a);
}

static void add(struct num *r, const struct num *a, const struct num *b)
{
    num_add(r, a, b, &num_p);
}

static void sub(struct num *r, const struct num *a, const struct num *b)
{
    num_sub(r, a, b, &num_p);
}

/* y^2 = x^3 - 3 x + b? */
static bool is_on_curve(const struct point *p)
{
    struct num left, right, three_x;

    square(&left, &p->y);
    square(&right, &p->x);
    mul(&right, &right, &p->x);
    add(&three_x, &p->x, &p->x);
    add(&three_x, &three_x, &p->x);
    sub(&right, &right, &three_x);
    add(&right, &right, &curve_b);
    sub(&left, &left, &right);
    return num_is_zero(&left) != 0;
}

bool point_read(struct point *p, const uint8_t bytes[POINT_LEN])
{
    if (bytes[0] != 4 || !num_read(&p->x, bytes + 1, &num_p) ||
        !num_read(&p->y, bytes + 1 + NUM_LEN, &num_p))
        return false;
    num_enter_p(&p->x, &p->x);
    num_enter_p(&p->y, &p->y);
    return is_on_curve(p);
}

void point_write(uint8_t bytes[POINT_LEN], const struct point *p)
{
    struct num x, y;

    num_leave_p(&x, &p->x);
    num_leave_p(&y, &p->y);
    bytes[0] = 4;
    num_write(bytes + 1, &x);
    num_write(bytes + 1 + NUM_LEN, &y);
}

static void to_affine(struct point *r, const struct jacobian *p)
{
    struct num inverse, square_of;

    num_invert_p(&inverse, &p->z);
    square(&square_of, &inverse);
    mul(&r->x, &p->x, &square_of);
    mul(&square_of, &square_of, &inverse);
    mul(&r->y, &p->y, &square_of);
}

static struct jacobian to_jacobian(const struct point *p)
{
    return (struct jacobian){p->x, p->y, one};
}

static void select_point(struct jacobian *r, uint64_t mask,
                         const struct jacobian *a, const struct jacobian *b)
{
    num_select(&r->x, mask, &a->x, &b->x);
    num_select(&r->y, mask, &a->y, &b->y);
    num_select(&r->z, mask, &a->z, &b->z);
}

/* Twice the point, infinity too: no point of a group of odd order has y = 0. */
static void twice(struct jacobian *r, const struct jacobian *p)
{
    struct num delta, gamma, beta, alpha, t;

    square(&delta, &p->z);
    square(&gamma, &p->y);
    mul(&beta, &p->x, &gamma);

    /* alpha = 3 (x - delta) (x + delta), the slope where a is -3 */
    sub(&t, &p->x, &delta);
    add(&alpha, &p->x, &delta);
    mul(&t, &t, &alpha);
    add(&alpha, &t, &t);
    add(&alpha, &alpha, &t);

    /* z = 2 y z */
    mul(&t, &p->y, &p->z);
    add(&r->z, &t, &t);

    /* x = alpha^2 - 8 beta */
    add(&beta, &beta, &beta);
    add(&beta, &beta, &beta);
    square(&t, &alpha);
    sub(&t, &t, &beta);
    sub(&r->x, &t, &beta);

    /* y = alpha (4 beta - x) - 8 gamma^2 */
    sub(&beta, &beta, &r->x);
    mul(&beta, &alpha, &beta);
    add(&gamma, &gamma, &gamma);
    square(&gamma, &gamma);
    add(&gamma, &gamma, &gamma);
    sub(&r->y, &beta, &gamma);
}

/*
 * The sum of two points given as u = x / z^2 and s = y / z^3 over a common z,
 * which are not the same point.
 */
static void join(struct jacobian *r, const struct num *u1, const struct num *s1,
                 const struct num *u2, const struct num *s2,
                 const struct num *z)
{
    struct num h, slope, hh, hhh, v;

    sub(&h, u2, u1);
    sub(&slope, s2, s1);
    square(&hh, &h);
    mul(&hhh, &h, &hh);
    mul(&v, u1, &hh);

    mul(&r->z, z, &h);
    square(&hh, &slope);
    sub(&hh, &hh, &hhh);
    sub(&hh, &hh, &v);
    sub(&r->x, &hh, &v);

    sub(&v, &v, &r->x);
    mul(&v, &v, &slope);
    mul(&hhh, &hhh, s1);
    sub(&r->y, &v, &hhh);
}

/* The sum; either may be infinity, but they are not the same point. */
static void plus(struct jacobian *r, const struct jacobian *p,
                 const struct jacobian *q)
{
    struct num zz, u1, s1, u2, s2, z;
    struct jacobian sum;

    square(&zz, &q->z);
    mul(&u1, &p->x, &zz);
    mul(&s1, &p->y, &q->z);
    mul(&s1, &s1, &zz);
    square(&zz, &p->z);
    mul(&u2, &q->x, &zz);
    mul(&s2, &q->y, &p->z);
    mul(&s2, &s2, &zz);
    mul(&z, &p->z, &q->z);
    join(&sum, &u1, &s1, &u2, &s2, &z);

    uint64_t p_is_none = num_is_zero(&p->z), q_is_none = num_is_zero(&q->z);
    select_point(&sum, p_is_none, q, &sum);
    select_point(r, q_is_none, p, &sum);
}

/* The same, where q is affine, or infinity by that mask. */
static void plus_affine(struct jacobian *r, const struct jacobian *p,
                        const struct point *q, uint64_t q_is_none)
{
    struct jacobian sum, alone = to_jacobian(q);
    struct num zz, u2, s2;

    square(&zz, &p->z);
    mul(&u2, &q->x, &zz);
    mul(&s2, &q->y, &p->z);
    mul(&s2, &s2, &zz);
    join(&sum, &p->x, &p->y, &u2, &s2, &p->z);

    select_point(&sum, num_is_zero(&p->z), &alone, &sum);
    select_point(r, q_is_none, p, &sum);
}

/* All ones if they are equal, else zero. */
static uint64_t mask_equal(unsigned a, unsigned b)
{
    return (uint64_t)((int64_t)((uint64_t)(a ^ b) - 1) >> 63);
}

/*
 * A window of four bits at a time.  What is added is below 16 and what it is
 * added to a multiple of 16 that is below the order, so the two are never the
 * same point, and their sum is not infinity.
 */
void point_multiply(struct point *r, const struct num *k, const struct point *p)
{
    struct jacobian multiple[16] = {{one, one, {{0}}}}, sum = multiple[0];

    multiple[1] = to_jacobian(p);
    for (unsigned i = 2; i < 16; i += 2) {
        twice(&multiple[i], &multiple[i / 2]);
        plus(&multiple[i + 1], &multiple[i], &multiple[1]);
    }

    for (unsigned i = 64; i-- > 0;) {
        unsigned digit = k->word[i / 16] >> 4 * (i % 16) & 15;
        struct jacobian chosen = multiple[0];

        for (unsigned j = 1; j < 16; j++)
            select_point(&chosen, mask_equal(j, digit), &multiple[j], &chosen);
        for (unsigned j = 0; j < 4; j++)
            twice(&sum, &sum);
        plus(&sum, &sum, &chosen);
    }
    to_affine(r, &sum);
}

/*
 * A comb over the generator: its multiples by sums of 2^0, 2^64, 2^128 and
 * 2^192, and the same times 2^16, 2^32 and 2^48.  One set of bits that are 64
 * apart picks one of them.
 */
#define COMBS  4
#define SPACED (64 / COMBS)

struct combs {
    struct point at[COMBS][16]; /* that at 0 is not used */
};

/* The points are affine once their z are inverted, all of them at a time. */
static void make_affine(struct combs *c, struct jacobian at[COMBS * 16])
{
    struct num before[COMBS * 16], inverse = one, zz;

    for (unsigned i = 0; i < COMBS * 16; i++) {
        before[i] = inverse;
        if (i % 16 != 0)
            mul(&inverse, &inverse, &at[i].z);
    }
    num_invert_p(&inverse, &inverse);
    for (unsigned i = COMBS * 16; i-- > 0;) {
        struct point *to = &c->at[i / 16][i % 16];

        if (i % 16 == 0)
            continue;
        mul(&before[i], &before[i], &inverse);
        mul(&inverse, &inverse, &at[i].z);
        square(&zz, &before[i]);
        mul(&to->x, &at[i].x, &zz);
        mul(&zz, &zz, &before[i]);
        mul(&to->y, &at[i].y, &zz);
    }
}

static void make_combs(struct combs *c)
{
    struct jacobian at[COMBS * 16], power = to_jacobian(&generator);

    for (unsigned i = 0; i < 4; i++) {
        for (unsigned comb = 0; comb < COMBS; comb++) {
            struct jacobian *row = at + 16 * comb;

            if (i == 0)
                row[0] = (struct jacobian){one, one, {{0}}};
            for (unsigned j = 0; j < 1u << i; j++)
                plus(&row[j + (1u << i)], &row[j], &power);
            for (unsigned j = 0; j < SPACED; j++)
                twice(&power, &power);
        }
    }
    make_affine(c, at);
}

/*
 * As in point_multiply(), no two points are the same that are added: they are
 * multiples by numbers below the order, of which one has a bit that the other
 * has not.
 */
static void multiply_by_combs(struct point *r, const struct num *k,
                              const struct combs *c)
{
    struct jacobian sum = {one, one, {{0}}};

    for (unsigned bit = SPACED; bit-- > 0;) {
        twice(&sum, &sum);
        for (unsigned comb = 0; comb < COMBS; comb++) {
            unsigned shift = SPACED * comb + bit;
            unsigned digit =
                (k->word[0] >> shift & 1) | (k->word[1] >> shift & 1) << 1 |
                (k->word[2] >> shift & 1) << 2 | (k->word[3] >> shift & 1) << 3;
            struct point chosen = generator;

            for (unsigned j = 1; j < 16; j++) {
                uint64_t mask = mask_equal(j, digit);

                num_select(&chosen.x, mask, &c->at[comb][j].x, &chosen.x);
                num_select(&chosen.y, mask, &c->at[comb][j].y, &chosen.y);
            }
            plus_affine(&sum, &sum, &chosen, mask_equal(digit, 0));
        }
    }
    to_affine(r, &sum);
}

void point_multiply_base(struct point *r, const struct num *k)
{
    /* Constants, which take less time to find than room to write down; and
     * PSA has nowhere to hand them in. */
    static struct combs combs;
    static bool ready;

    if (!ready)
        make_combs(&combs);
    ready = true;
    multiply_by_combs(r, k, &combs);
}

bool point_add_public(struct point *r, const struct point *a,
                      const struct point *b)
{
    struct jacobian p = to_jacobian(a), q = to_jacobian(b);

    if (memcmp(&a->x, &b->x, sizeof(a->x)) != 0)
        plus(&p, &p, &q);
    else if (memcmp(&a->y, &b->y, sizeof(a->y)) == 0)
        twice(&p, &p);
    else
        return false;
    to_affine(r, &p);
    return true;
}
