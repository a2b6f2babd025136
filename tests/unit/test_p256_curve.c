/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the points of P-256; against another implementation, test_p256. */
#include "nts/p256_curve.h"
#include "tests/check.h"

static struct num num_of(const char *hex)
{
    uint8_t bytes[NUM_LEN];
    struct num k;

    CHECK_EQ(check_hex(hex, bytes, sizeof(bytes)), NUM_LEN);
    CHECK(num_read(&k, bytes, &num_n));
    return k;
}

static struct num random_scalar(struct check_random *r)
{
    uint8_t bytes[NUM_LEN];
    struct num k;

    do {
        check_random_bytes(r, bytes, sizeof(bytes));
    } while (!num_read(&k, bytes, &num_n) || num_is_zero(&k));
    return k;
}

static struct point times_base(const struct num *k)
{
    struct point p;

    point_multiply_base(&p, k);
    return p;
}

static void check_same(const struct point *a, const struct point *b)
{
    CHECK_BYTES(a, b, sizeof(*a));
}

/* The generator's multiples by 1, 2, ... and by the order less those. */
static void test_small_multiples_are_sums_of_the_generator(void **state)
{
    struct num k = {{1}}, opposite, x;
    const struct point base = times_base(&k), *const p = &base;
    struct point sum = base, q;

    (void)state;
    for (k.word[0] = 2; k.word[0] < 70; k.word[0]++) {
        CHECK(point_add_public(&sum, &sum, p));
        q = times_base(&k);
        check_same(&q, &sum);
        point_multiply(&q, &k, p);
        check_same(&q, &sum);

        num_sub(&opposite, &num_n, &k, &num_n);
        q = times_base(&opposite);
        num_sub(&x, &(struct num){{0}}, &q.y, &num_p);
        CHECK_BYTES(&x, &sum.y, sizeof(x));
        CHECK_BYTES(&q.x, &sum.x, sizeof(x));
        CHECK(!point_add_public(&q, &q, &sum));
    }
}

/* Each bit alone, and each with all bits below it. */
static void test_both_ways_to_multiply_agree_on_every_bit(void **state)
{
    struct num k = {{1}};
    const struct point base = times_base(&k);

    (void)state;
    for (unsigned bit = 0; bit < 255; bit++) {
        struct num ones = {{0}}, one = {{0}};
        struct point a, b;

        one.word[bit / 64] = (uint64_t)1 << bit % 64;
        for (unsigned i = 0; i <= bit; i++)
            ones.word[i / 64] |= (uint64_t)1 << i % 64;
        point_multiply(&a, &one, &base);
        b = times_base(&one);
        check_same(&a, &b);
        point_multiply(&a, &ones, &base);
        b = times_base(&ones);
        check_same(&a, &b);
    }
}

static void test_multiplying_distributes_over_sums(void **state)
{
    struct check_random r = check_random_start();

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct num a = random_scalar(&r), b = random_scalar(&r), sum;
        struct point p = times_base(&a), q = times_base(&b), both;

        num_add(&sum, &a, &b, &num_n);
        CHECK(point_add_public(&both, &p, &q));
        struct point want = times_base(&sum);
        check_same(&both, &want);

        /* a (b G) = b (a G) */
        point_multiply(&p, &b, &p);
        point_multiply(&q, &a, &q);
        check_same(&p, &q);
    }
}

static void test_points_come_back_as_they_were_written(void **state)
{
    struct check_random r = check_random_start();

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        struct num k = random_scalar(&r);
        struct point p = times_base(&k), q;
        uint8_t bytes[POINT_LEN];

        point_write(bytes, &p);
        CHECK(point_read(&q, bytes));
        check_same(&p, &q);

        /* No other first byte, and no other bit of the rest. */
        for (unsigned first = 0; first < 256; first++) {
            bytes[0] = (uint8_t)first;
            CHECK_EQ(point_read(&q, bytes), first == 4);
        }
        bytes[0] = 4;
        unsigned bit = 8 + (unsigned)check_random_below(&r, 512);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!point_read(&q, bytes));
    }
}

/* SEC 2, 2.4.2: the order times the generator is infinity. */
static void test_the_order_is_that_of_the_generator(void **state)
{
    struct num less = num_of(
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550");
    struct num one = {{1}};
    struct point p = times_base(&less), base = times_base(&one), q;

    (void)state;
    CHECK(!point_add_public(&q, &p, &base));
    CHECK_BYTES(&p.x, &base.x, sizeof(p.x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_multiples_are_sums_of_the_generator),
        cmocka_unit_test(test_both_ways_to_multiply_agree_on_every_bit),
        cmocka_unit_test(test_multiplying_distributes_over_sums),
        cmocka_unit_test(test_points_come_back_as_they_were_written),
        cmocka_unit_test(test_the_order_is_that_of_the_generator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
