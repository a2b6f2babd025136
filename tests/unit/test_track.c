/* SPDX-License-Identifier: BSD-2-Clause */
/* One hypothesis: prediction, and learning from each kind of measurement. */
#include "ntp/track.h"

#include "tests/check.h"

#include <math.h>

#define NO_STRAYS 1e3 /* reach: they are too thin to matter */

static const struct track_wander still;

static void test_prediction_follows_the_line_and_its_doubt_grows(void **state)
{
    (void)state;
    const struct track_wander wander = {1e-4, 1e-6};
    struct track t = {.weight = 1};

    track_start(&t, 1, 0.1, 2, 0.01, 0.001);
    t.drift = 0.5;
    CHECK_NEAR(track_variance(&t, &still, 10),
               0.01 + 1e-4 * 100 + 1e-6 * 1e4 / 4, 1e-12);
    double foretold = track_variance(&t, &wander, 10);
    track_predict(&t, &wander, 10);
    CHECK_NEAR(t.offset, 1 + 20 + 25, 1e-12);
    CHECK_NEAR(t.frequency, 7, 1e-12);
    CHECK_NEAR(t.drift, 0.5, 1e-12);
    CHECK_NEAR(t.p00, foretold, 1e-12);
    CHECK_NEAR(t.p11, 1e-4 + 1e-6 * 100 + 1e-3 + 1e-6 * 1000 / 3, 1e-12);
    CHECK_NEAR(t.p22, 1e-6 + 1e-5, 1e-12);
}

/* In two steps as in one. */
static void test_prediction_may_be_divided(void **state)
{
    (void)state;
    const struct track_wander wander = {1e-4, 1e-6};
    struct track a = {.weight = 1};
    track_start(&a, 1, 0.1, 2, 0.01, 0.001);
    struct track b = a;

    track_predict(&a, &wander, 10);
    track_predict(&b, &wander, 3);
    track_predict(&b, &wander, 7);
    CHECK_NEAR(a.offset, b.offset, 1e-12);
    CHECK_NEAR(a.p00, b.p00, 1e-12);
    CHECK_NEAR(a.p01, b.p01, 1e-12);
    CHECK_NEAR(a.p02, b.p02, 1e-12);
    CHECK_NEAR(a.p11, b.p11, 1e-12);
    CHECK_NEAR(a.p12, b.p12, 1e-12);
    CHECK_NEAR(a.p22, b.p22, 1e-12);
}

static void test_a_normal_measurement_is_weighed_by_its_variance(void **state)
{
    (void)state;
    const struct track_likelihood l = {.offset = 0.3, .half = 0, .sigma = 0.2};
    struct track t = {.weight = 1};

    track_start(&t, 0, 0.1, 0, 0.01, 0);
    t.p01 = 0.0005;
    CHECK_NEAR(track_update(&t, &l, NO_STRAYS), 1, 1e-2);
    CHECK_NEAR(t.offset, 0.3 * 0.01 / 0.05, 1e-3);
    CHECK_NEAR(t.frequency, 0.3 * 0.0005 / 0.05, 1e-4);
    CHECK_NEAR(t.p00, 0.01 * 0.04 / 0.05, 1e-4);
}

/* The mean of a truncated normal distribution, by adding it up. */
static void test_a_uniform_measurement_cuts_the_doubt_off(void **state)
{
    (void)state;
    static const double middles[] = {0, 0.5, -0.5, 1, 3};

    for (size_t i = 0; i < sizeof(middles) / sizeof(*middles); i++) {
        double middle = middles[i];
        const struct track_likelihood l = {
            .offset = middle, .half = 0.7, .sigma = 0.05};
        struct track t = {.weight = 1};
        double sum = 0, first = 0, second = 0;

        for (double x = -10; x < 10; x += 1e-3) {
            double edge = 0.05 * sqrt(2);
            double p = exp(-x * x / 2) * (erf((x - middle + 0.7) / edge) -
                                          erf((x - middle - 0.7) / edge));
            sum += p;
            first += p * x;
            second += p * x * x;
        }
        double mean = first / sum;

        track_start(&t, 0, 1, 0, 0, 0);
        track_update(&t, &l, NO_STRAYS);
        CHECK_NEAR(t.offset, mean, 1e-3);
        CHECK_NEAR(t.p00, second / sum - mean * mean, 1e-2);
    }
}

static void test_a_stray_teaches_nothing(void **state)
{
    (void)state;
    const struct track_likelihood l = {.offset = 5, .half = 0.1, .sigma = 0.1};
    struct track t = {.weight = 1};

    track_start(&t, 0, 0.1, 0, 0.01, 0);
    CHECK(track_update(&t, &l, 10) < 1e-6);
    CHECK_NEAR(t.offset, 0, 1e-6);
    CHECK_NEAR(t.p00, 0.01, 1e-6);
    CHECK(t.weight > 0);
    CHECK(t.weight < 1e-3);
}

static void test_a_mixture_has_the_mean_and_the_spread(void **state)
{
    (void)state;
    struct track t[2] = {{.weight = 1}, {.weight = 3}};
    struct track m;

    track_start(&t[0], 0, 1, 4, 0, 0);
    track_start(&t[1], 4, 2, 0, 0, 0);
    track_mix(&m, t, 2);
    CHECK_NEAR(m.weight, 4, 1e-12);
    CHECK_NEAR(m.offset, 3, 1e-12);
    CHECK_NEAR(m.frequency, 1, 1e-12);
    CHECK_NEAR(m.p00, 0.25 * (1 + 9) + 0.75 * (4 + 1), 1e-12);
    CHECK_NEAR(m.p01, 0.25 * -3 * 3 + 0.75 * 1 * -1, 1e-12);
}

static void test_blending_draws_the_lost_back(void **state)
{
    (void)state;
    struct track lost = {.weight = 1e-9};
    struct track mean = {.weight = 1};

    track_start(&lost, 100, 0.1, 1, 0, 0.5);
    track_start(&mean, 0, 0.1, 0, 0, 0);
    struct track kept = lost;
    track_blend(&lost, &mean, 1, true);
    CHECK_NEAR(lost.offset, 0, 1e-9);
    CHECK_NEAR(lost.p00, 0.01, 1e-9);
    CHECK_NEAR(lost.p22, 0.25, 1e-9); /* steady: its drift is its own */
    track_blend(&kept, &mean, 0, false);
    CHECK_NEAR(kept.offset, 100, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prediction_follows_the_line_and_its_doubt_grows),
        cmocka_unit_test(test_prediction_may_be_divided),
        cmocka_unit_test(test_a_normal_measurement_is_weighed_by_its_variance),
        cmocka_unit_test(test_a_uniform_measurement_cuts_the_doubt_off),
        cmocka_unit_test(test_a_stray_teaches_nothing),
        cmocka_unit_test(test_a_mixture_has_the_mean_and_the_spread),
        cmocka_unit_test(test_blending_draws_the_lost_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
