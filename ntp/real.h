/* SPDX-License-Identifier: BSD-2-Clause */
/* What little of the mathematical library the background needs. */
#ifndef NTP_REAL_H
#define NTP_REAL_H

static inline double real_abs(double x)
{
    return x < 0 ? -x : x;
}

static inline double real_min(double a, double b)
{
    return a < b ? a : b;
}

static inline double real_max(double a, double b)
{
    return a > b ? a : b;
}

/* Square root; 0 of what is not above 0. */
double real_sqrt(double x);

/* e to the power of x; 0 below -700, at most e^700. */
double real_exp(double x);

/* 2 to the power of n, |n| below 1000. */
double real_exp2i(int n);

/* Density of the standard normal distribution at x. */
double real_normal(double x);

/* How much of the standard normal distribution is below x. */
double real_normal_below(double x);

/* How much of it is between a and b, a < b, without loss in either tail. */
double real_normal_between(double a, double b);

/* Sort n numbers, the smallest first. */
void real_sort(double *x, unsigned n);

#endif
