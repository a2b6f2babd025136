/* SPDX-License-Identifier: BSD-2-Clause */
/* What little of the mathematical library the background needs. */
#include "ntp/real.h"

#include <stdint.h>
#include <string.h>

#define EXP_MAX    700.0
#define LN2        0.69314718055994530942
#define SQRT_2PI   2.50662827463100050242
#define TAIL_AT    3.0 /* from here the continued fraction is the faster one */
#define TAIL_TERMS 60
#define HUGE_SIGMA 38.0 /* beyond it the density is zero */

double real_exp2i(int n)
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

double real_sqrt(double x)
{
    if (!(x > 0))
        return 0;

    /* Half the exponent is within a factor of 1.5; Newton doubles the digits.
     * The difference of the two exponents' biases is kept. */
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    bits = (bits >> 1) + ((uint64_t)1023 << 51);
    double y;
    memcpy(&y, &bits, sizeof(y));
    for (int i = 0; i < 5; i++)
        y = 0.5 * (y + x / y);
    return y;
}

double real_exp(double x)
{
    if (x < -EXP_MAX)
        return 0;
    if (x > EXP_MAX)
        x = EXP_MAX;

    /* x = n ln 2 + r, |r| at most ln 2 / 2: the series ends at 2^-60. */
    int n = (int)(x / LN2 + (x < 0 ? -0.5 : 0.5));
    double r = x - n * LN2;
    double sum = 1;
    for (int k = 15; k > 0; k--)
        sum = 1 + sum * r / k;
    return sum * real_exp2i(n);
}

double real_normal(double x)
{
    if (real_abs(x) > HUGE_SIGMA)
        return 0;
    return real_exp(-0.5 * x * x) / SQRT_2PI;
}

/* Above x, for x at least TAIL_AT: Abramowitz and Stegun, 26.2.14. */
static double tail(double x)
{
    double fraction = x;

    for (int k = TAIL_TERMS; k > 0; k--)
        fraction = x + k / fraction;
    return real_normal(x) / fraction;
}

double real_normal_below(double x)
{
    if (x < -TAIL_AT)
        return tail(-x);
    if (x > TAIL_AT)
        return 1 - tail(x);

    /* Abramowitz and Stegun, 26.2.11. */
    double term = x;
    double sum = x;
    for (int k = 3; real_abs(term) > 1e-17 && k < 200; k += 2) {
        term *= x * x / k;
        sum += term;
    }
    return 0.5 + real_normal(x) * sum;
}

double real_normal_between(double a, double b)
{
    if (a > 0)
        return real_normal_below(-a) - real_normal_below(-b);
    return real_normal_below(b) - real_normal_below(a);
}

void real_sort(double *x, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        double v = x[i];
        unsigned j = i;

        for (; j > 0 && x[j - 1] > v; j--)
            x[j] = x[j - 1];
        x[j] = v;
    }
}
