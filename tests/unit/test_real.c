/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own roots and exponentials, beside the C library's. */
#include "ntp/real.h"

#include "tests/check.h"

#include <math.h>

static void near_part(double got, double want, double part)
{
    CHECK_NEAR(got, want, part * fabs(want));
}

static void test_square_roots_are_exact_to_the_last_digits(void **state)
{
    (void)state;
    for (double x = 1e-300; x < 1e300; x *= 1.37)
        near_part(real_sqrt(x), sqrt(x), 1e-15);
    CHECK(real_sqrt(0) == 0);
    CHECK(real_sqrt(-1) == 0);
    CHECK(real_sqrt(NAN) == 0);
}

static void test_exponentials_agree(void **state)
{
    (void)state;
    for (double x = -699; x < 699; x += 0.137)
        near_part(real_exp(x), exp(x), 1e-12);
    CHECK(real_exp(-1e300) == 0);
    CHECK(real_exp(1e300) < INFINITY);
    for (int n = -100; n < 100; n++)
        CHECK(real_exp2i(n) == exp2(n));
}

static void test_the_normal_distribution_keeps_its_tails(void **state)
{
    (void)state;
    for (double x = -30; x < 30; x += 0.0137)
        near_part(real_normal_below(x), 0.5 * erfc(-x / sqrt(2)), 1e-11);
    near_part(real_normal_between(8, 9),
              0.5 * erfc(8 / sqrt(2)) - 0.5 * erfc(9 / sqrt(2)), 1e-11);
    near_part(real_normal_between(-9, -8), real_normal_between(8, 9), 1e-12);
    CHECK(real_normal(1000) == 0);
}

static void test_sorting_sorts(void **state)
{
    (void)state;
    struct check_random r = check_random_start();
    double x[65];

    for (unsigned n = 0; n <= 65; n++) {
        for (unsigned i = 0; i < n; i++)
            x[i] = (double)check_random_below(&r, 20);
        real_sort(x, n);
        for (unsigned i = 1; i < n; i++)
            CHECK(x[i - 1] <= x[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_square_roots_are_exact_to_the_last_digits),
        cmocka_unit_test(test_exponentials_agree),
        cmocka_unit_test(test_the_normal_distribution_keeps_its_tails),
        cmocka_unit_test(test_sorting_sorts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
