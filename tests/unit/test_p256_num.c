/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of arithmetic modulo the prime and the order of P-256, against
 * mbedTLS's numbers. */
#include "nts/p256_num.h"
#include "tests/check.h"

#include <mbedtls/bignum.h>

#define ROUNDS 20000

struct field {
    const struct num *modulus;
    void (*mul)(struct num *r, const struct num *a, const struct num *b);
    void (*enter)(struct num *r, const struct num *a);
    void (*leave)(struct num *r, const struct num *a);
    void (*invert)(struct num *r, const struct num *a);
};

static struct field of_p = {&num_p, num_mul_p, num_enter_p, num_leave_p,
                            num_invert_p};
static struct field of_n = {&num_n, num_mul_n, num_enter_n, num_leave_n,
                            num_invert_n};

/* Words at which carries are made, and any others. */
static uint64_t random_word(struct check_random *r)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     0xffffffff,
                                     0x100000000,
                                     0xffffffff00000000,
                                     0xffffffff00000001,
                                     0xfffffffffffffffe,
                                     0xffffffffffffffff};
    uint64_t which = check_random_below(r, 12);

    return which < 9 ? edges[which] : check_random(r);
}

static struct num random_num(struct check_random *r, const struct num *modulus)
{
    struct num a;
    uint8_t bytes[NUM_LEN];

    do {
        for (unsigned i = 0; i < 4; i++)
            a.word[i] =
                check_random_below(r, 4) ? random_word(r) : modulus->word[i];
        a.word[0] -= check_random_below(r, 3);
        num_write(bytes, &a);
    } while (!num_read(&a, bytes, modulus));
    return a;
}

static void to_mpi(mbedtls_mpi *m, const struct num *a)
{
    uint8_t bytes[NUM_LEN];

    num_write(bytes, a);
    CHECK_EQ(mbedtls_mpi_read_binary(m, bytes, sizeof(bytes)), 0);
}

static void check_mpi(const struct num *a, const mbedtls_mpi *m)
{
    uint8_t ours[NUM_LEN], theirs[NUM_LEN];

    num_write(ours, a);
    CHECK_EQ(mbedtls_mpi_write_binary(m, theirs, sizeof(theirs)), 0);
    CHECK_BYTES(ours, theirs, NUM_LEN);
}

/* Sum, difference and product of two. */
static void check_pair(const struct field *f, const struct num *a,
                       const struct num *b)
{
    mbedtls_mpi ma, mb, mm, m;
    struct num r, x, y;

    mbedtls_mpi_init(&ma);
    mbedtls_mpi_init(&mb);
    mbedtls_mpi_init(&mm);
    mbedtls_mpi_init(&m);
    to_mpi(&ma, a);
    to_mpi(&mb, b);
    to_mpi(&mm, f->modulus);

    num_add(&r, a, b, f->modulus);
    CHECK_EQ(mbedtls_mpi_add_mpi(&m, &ma, &mb), 0);
    CHECK_EQ(mbedtls_mpi_mod_mpi(&m, &m, &mm), 0);
    check_mpi(&r, &m);

    num_sub(&r, a, b, f->modulus);
    CHECK_EQ(mbedtls_mpi_sub_mpi(&m, &ma, &mb), 0);
    CHECK_EQ(mbedtls_mpi_mod_mpi(&m, &m, &mm), 0);
    check_mpi(&r, &m);

    /* The product of x 2^256 and y 2^256, over 2^256, is x y 2^256; and
     * that of the numbers as they are is what it says in the header. */
    f->enter(&x, a);
    f->enter(&y, b);
    f->mul(&r, &x, &y);
    f->leave(&r, &r);
    CHECK_EQ(mbedtls_mpi_mul_mpi(&m, &ma, &mb), 0);
    CHECK_EQ(mbedtls_mpi_mod_mpi(&m, &m, &mm), 0);
    check_mpi(&r, &m);
    f->mul(&r, a, b);
    f->enter(&r, &r);
    check_mpi(&r, &m);

    mbedtls_mpi_free(&ma);
    mbedtls_mpi_free(&mb);
    mbedtls_mpi_free(&mm);
    mbedtls_mpi_free(&m);
}

static void test_numbers_add_subtract_and_multiply(void **state)
{
    const struct field *f = *state;
    struct check_random r = check_random_start();

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct num a = random_num(&r, f->modulus);
        struct num b = random_num(&r, f->modulus);

        check_pair(f, &a, &b);
    }
}

static void test_an_inverse_times_its_number_is_one(void **state)
{
    const struct field *f = *state;
    struct check_random r = check_random_start();
    const struct num zero = {{0}};
    struct num a;

    for (unsigned i = 0; i < 500; i++) {
        struct num inverse, one;

        a = random_num(&r, f->modulus);
        if (num_is_zero(&a))
            continue;
        f->invert(&inverse, &a);
        f->mul(&one, &inverse, &a);
        f->leave(&one, &one);
        CHECK_EQ(one.word[0], 1);
        CHECK_EQ(one.word[1] | one.word[2] | one.word[3], 0);
    }
    f->invert(&a, &zero);
    CHECK(num_is_zero(&a));
}

static void test_the_modulus_and_what_is_above_are_not_read(void **state)
{
    const struct field *f = *state;
    uint8_t bytes[NUM_LEN];
    struct num a = *f->modulus, b;

    num_write(bytes, &a);
    CHECK(!num_read(&b, bytes, f->modulus));
    memset(bytes, 0xff, sizeof(bytes));
    CHECK(!num_read(&b, bytes, f->modulus));
    a.word[0]--;
    num_write(bytes, &a);
    CHECK(num_read(&b, bytes, f->modulus));
    CHECK_BYTES(&a, &b, sizeof(a));
    memset(bytes, 0, sizeof(bytes));
    CHECK(num_read(&b, bytes, f->modulus));
    CHECK(num_is_zero(&b));
}

static void test_one_subtraction_is_made_if_it_can_be(void **state)
{
    const struct field *f = *state;
    struct num a = *f->modulus;

    num_reduce_once(&a, f->modulus);
    CHECK(num_is_zero(&a));
    num_reduce_once(&a, f->modulus);
    CHECK(num_is_zero(&a));
    a = *f->modulus;
    a.word[0]--;
    struct num less = a;
    num_reduce_once(&a, f->modulus);
    CHECK_BYTES(&a, &less, sizeof(a));
}

static void test_only_zero_is_zero(void **state)
{
    struct num a = {{0}};

    (void)state;
    CHECK_EQ(num_is_zero(&a), ~(uint64_t)0);
    for (unsigned bit = 0; bit < 256; bit++) {
        a.word[bit / 64] = (uint64_t)1 << bit % 64;
        CHECK_EQ(num_is_zero(&a), 0);
        a.word[bit / 64] = 0;
    }
}

#define BOTH(test)                                                             \
    {#test " (p)", test, NULL, NULL, &of_p},                                   \
    {                                                                          \
#test " (n)", test, NULL, NULL, &of_n                                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_numbers_add_subtract_and_multiply),
        BOTH(test_an_inverse_times_its_number_is_one),
        BOTH(test_the_modulus_and_what_is_above_are_not_read),
        BOTH(test_one_subtraction_is_made_if_it_can_be),
        cmocka_unit_test(test_only_zero_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
