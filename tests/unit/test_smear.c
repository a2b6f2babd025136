/* SPDX-License-Identifier: BSD-2-Clause */
/* The curve by which a leap second is smeared. */
#include "ntp/smear.h"

#include "tests/check.h"

/* As chrony's manual has it: `smoothtime 400 0.001024 leaponly`. */
static const struct smear usual = {
    .frequency = 400e-6, .wander = 1.024e-9, .size = 1};

static double slope(const struct smear *s, double age)
{
    return smear_offset(s, age + 1) - smear_offset(s, age);
}

static void test_it_goes_from_the_whole_to_nothing(void **state)
{
    (void)state;
    CHECK_NEAR(smear_offset(&usual, -5), 1, 0);
    CHECK_NEAR(smear_offset(&usual, 0), 1, 0);
    CHECK_NEAR(smear_offset(&usual, smear_seconds(&usual)), 0, 1e-12);
    CHECK_NEAR(smear_offset(&usual, 1e9), 0, 0);
    /* 2 * sqrt(1 / 1.024e-9), and by half in the middle. */
    CHECK_NEAR(smear_seconds(&usual), 62500, 1e-6);
    CHECK_NEAR(smear_offset(&usual, 31250), 0.5, 1e-12);
    CHECK_NEAR(slope(&usual, 31250), -32e-6, 1e-8);
}

static void test_neither_limit_is_exceeded(void **state)
{
    static const struct smear table[] = {
        {.frequency = 400e-6, .wander = 1.024e-9, .size = 1},
        {.frequency = 10e-6, .wander = 1.024e-9, .size = 1},
        {.frequency = 10e-6, .wander = 1e-6, .size = -1},
        {.frequency = 1e-3, .wander = 1e-8, .size = -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct smear *s = &table[i];
        double all = smear_seconds(s);
        double last = 0;

        for (double age = 0; age < all + 3; age += 1) {
            double now = slope(s, age);
            double sign = s->size > 0 ? -1 : 1;

            CHECK(now * sign >= -1e-15);
            CHECK(now * sign <= s->frequency + 1e-15);
            CHECK(now - last <= s->wander + 1e-15);
            CHECK(last - now <= s->wander + 1e-15);
            last = now;
        }
    }
}

static void test_with_one_limit_only_it_is_a_straight_line(void **state)
{
    const struct smear s = {.frequency = 1e-3, .size = -1};

    (void)state;
    CHECK_NEAR(smear_seconds(&s), 1000, 1e-9);
    CHECK_NEAR(smear_offset(&s, 250), -0.75, 1e-12);
    CHECK_NEAR(smear_offset(&s, 1000), 0, 1e-12);
}

static void test_a_deletion_is_the_mirror_of_an_insertion(void **state)
{
    struct smear other = usual;

    (void)state;
    other.size = -1;
    for (double age = 0; age < 70000; age += 111)
        CHECK_NEAR(smear_offset(&usual, age), -smear_offset(&other, age), 0);
}

/* A chord from curve to curve is never farther than 0.1 us from it. */
static void test_chords_are_near_the_curve(void **state)
{
    static const double wander[] = {1e-10, 1.024e-9, 1e-7, 1e-6};

    (void)state;
    for (size_t i = 0; i < sizeof(wander) / sizeof(wander[0]); i++) {
        struct smear s = {.frequency = 1e-3, .wander = wander[i], .size = 1};
        double chord = smear_chord(&s);

        for (double age = 0; age < smear_seconds(&s); age += chord) {
            double middle =
                (smear_offset(&s, age) + smear_offset(&s, age + chord)) / 2;
            CHECK_NEAR(smear_offset(&s, age + chord / 2), middle, 1e-7);
        }
    }
}

static void test_nothing_is_smeared_by_default(void **state)
{
    struct smear s = {0};

    (void)state;
    smear_begin(&s, 0, 1);
    CHECK_NEAR(smear_seconds(&s), 0, 0);
    CHECK_NEAR(smear_offset(&s, 1), 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_goes_from_the_whole_to_nothing),
        cmocka_unit_test(test_neither_limit_is_exceeded),
        cmocka_unit_test(test_with_one_limit_only_it_is_a_straight_line),
        cmocka_unit_test(test_a_deletion_is_the_mirror_of_an_insertion),
        cmocka_unit_test(test_chords_are_near_the_curve),
        cmocka_unit_test(test_nothing_is_smeared_by_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
