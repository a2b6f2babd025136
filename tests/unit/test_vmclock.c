/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of vmclock against a page that is made up here, byte by byte. */
/* links: drivers/vmclock drivers/hypervisor_pages drivers/acpi drivers/aml
 * tests/fake/machine */
#include "drivers/vmclock.h"

#include "tests/check.h"
#include "tests/fake/machine.h"

#define HZ      2000000000u
#define SECONDS 1795390496u

static uint8_t page[4096];
static unsigned moves; /* so many times it moves between two reads */

static uint64_t read_page(void *self, size_t offset, unsigned width)
{
    uint64_t value = 0;

    (void)self;
    memcpy(&value, page + offset, width);
    return value;
}

static void write_page(void *self, size_t offset, unsigned width,
                       uint64_t value)
{
    (void)self, (void)offset, (void)width, (void)value;
    fail_msg("the page is the host's to write");
}

static struct fake_registers registers = {.physical = 0xfeffb000,
                                          .len = sizeof(page),
                                          .read = read_page,
                                          .write = write_page};
static struct vmclock vm;
static struct refclock clock_ = {.driver = &vmclock_driver, .state = &vm};

static void put(size_t at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        page[at + i] = (uint8_t)(value >> 8 * i);
}

/* A clock that is ahead of nothing, at half a second past SECONDS. */
static void fresh(void)
{
    memset(page, 0, sizeof(page));
    put(0, 0x4b4c4356, 4);
    put(4, sizeof(page), 4);
    put(8, 1, 2);
    put(10, 1, 1);                      /* TSC */
    put(12, 2, 4);                      /* sequence */
    put(24, 1u << 4 | 1u << 6, 8);      /* both largest errors are valid */
    put(34, 2, 1);                      /* synchronised */
    put(40, 5000000000, 8);             /* counter */
    put(39, 1, 1);                      /* shift */
    put(48, UINT64_MAX / HZ * 2, 8);    /* period */
    put(64, UINT64_MAX / HZ / 5000, 8); /* 100 ppm */
    put(72, SECONDS, 8);
    put(80, 1ull << 63, 8);
    put(88, 7, 8);
    put(96, 40000, 8); /* 40 us */
    moves = 0;
    fake_reset();
    fake_registers_add(&registers);
    fake.counter = 5000000000;
    vm.place =
        (struct vmclock_place){.page = registers.at, .bytes = sizeof(page)};
}

static bool read(struct refclock_sample *s)
{
    *s = (struct refclock_sample){0};
    return vmclock_driver.sample(&clock_, s);
}

static void test_time_is_that_of_the_counter(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    CHECK(read(&s));
    CHECK_EQ(s.ticks, 5000000000);
    CHECK_EQ(s.seconds, SECONDS);
    CHECK_EQ(s.nanoseconds, 500000000);
    CHECK(s.bound_ns >= 40000 && s.bound_ns <= 40002);
    CHECK_EQ(s.bound_ticks, 0);

    /* 10.75 s later, the bound has grown by 100 ppm. */
    fake.counter += 10ull * HZ + HZ / 4 * 3;
    CHECK(read(&s));
    CHECK_EQ(s.seconds, SECONDS + 11);
    CHECK_NEAR(s.nanoseconds, 250000000, 2);
    CHECK_NEAR(s.bound_ns, 40000 + 1075000, 1000);
}

static void test_counter_before_the_page_is_ordinary(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    fake.counter -= HZ;
    CHECK(read(&s));
    CHECK_EQ(s.seconds, SECONDS - 1);
    CHECK_NEAR(s.nanoseconds, 500000000, 2);
    CHECK_NEAR(s.bound_ns, 40000 + 100000, 100);
}

static void test_without_a_period_error_the_bound_grows_all_the_same(void **s_)
{
    struct refclock_sample s;

    (void)s_;
    fresh();
    put(24, 1u << 6, 8);
    fake.counter += 100ull * HZ;
    CHECK(read(&s));
    CHECK_NEAR(s.bound_ns, 40000 + 1500000, 10000);
}

/* What keeps it from being followed, and how it is put. */
static void test_what_it_does_not_vouch_for_is_no_reading(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        unsigned width;
        const char *why;
    } bad[] = {
        {0, 0x4b4c4355, 4, "no vmclock page"},
        {4, 103, 4, "it tells of disruptions only, not of time"},
        {8, 2, 2, "its page is of another version"},
        {10, 255, 1, "it tells of disruptions only, not of time"},
        {10, 0, 1, "it tells of disruptions only, not of time"},
        {11, 1, 1, "it is TAI, and its offset from UTC is not said"},
        {11, 2, 1, "it is smeared, or no time of day"},
        {11, 4, 1, "it is smeared, or no time of day"},
        {24, 1u << 4, 8, "the host states no largest error"},
        {34, 0, 1, "the host does not say that it is synchronised"},
        {34, 1, 1, "the host does not say that it is synchronised"},
        {34, 4, 1, "the host says that it is unreliable"},
        {38, 3, 1, "it is in a leap second"},
        {39, 64, 1, "its counter has no rate"},
        {48, 0, 8, "its counter has no rate"},
        {64, UINT64_MAX / HZ / 100, 8,
         "the error that the host states is huge"},
        {72, UINT64_MAX, 8, "no date"},
        {96, UINT64_MAX, 8, "the error that the host states is huge"},
        {40, 1ull << 63, 8, "its counter is not ours"},
    };
    struct refclock_sample s;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fresh();
        put(bad[i].at, bad[i].value, bad[i].width);
        CHECK(!read(&s));
        CHECK_TEXT(clock_.failed, bad[i].why);
        fresh();
        CHECK(read(&s));
        CHECK(clock_.failed == NULL);
    }
}

static void test_freerunning_and_past_leap_seconds_are_followed(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    put(34, 3, 1);
    CHECK(read(&s));
    put(38, 4, 1);
    CHECK(read(&s));
}

/* UAPI.13: TAI is ahead by the offset, if that is said to be valid. */
static void test_tai_becomes_utc(void **state)
{
    static const struct {
        uint16_t offset;
        bool valid, good;
    } table[] = {
        {37, true, true},    {37, false, false},    {10, true, true},
        {0, true, false},    {0xffdb, true, false}, /* -37 */
        {1000, true, false}, {38, true, true},
    };
    struct refclock_sample s;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        fresh();
        put(11, 1, 1);
        put(24, 1u << 4 | 1u << 6 | table[i].valid, 8);
        put(36, table[i].offset, 2);
        CHECK_EQ(read(&s), table[i].good);
        if (table[i].good) {
            CHECK_EQ(s.seconds, SECONDS - table[i].offset);
            CHECK_EQ(s.leap_from, SECONDS - table[i].offset);
            CHECK_EQ(s.nanoseconds, 500000000);
        } else {
            CHECK_TEXT(clock_.failed,
                       "it is TAI, and its offset from UTC is not said");
        }
        /* UTC needs none. */
        put(11, 0, 1);
        CHECK(read(&s));
        CHECK_EQ(s.seconds, SECONDS);
    }
    fresh();
    put(11, 1, 1);
    put(24, 1u << 6 | 1, 8);
    put(36, 37, 2);
    put(72, 36, 8);
    CHECK(!read(&s));
    CHECK_TEXT(clock_.failed, "no date");
}

static void test_a_leap_second_to_come_is_told(void **state)
{
    static const int8_t leap[] = {0, 1, -1, 2, 0, 0, 0};
    struct refclock_sample s;

    (void)state;
    for (unsigned i = 0; i < sizeof(leap); i++) {
        fresh();
        put(38, i, 1);
        CHECK_EQ(read(&s), i != 3);
        if (i != 3) {
            CHECK_EQ(s.leap, leap[i]);
            CHECK_EQ(s.leap_from, SECONDS);
        }
    }
}

static void change_page(void)
{
    if (moves == 0)
        return;
    moves--;
    put(12, (uint64_t)page[12] + 2, 1);
    put(72, (uint64_t)SECONDS + page[12], 8);
}

static void test_a_page_that_changed_is_read_again(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    fake.on_counter = change_page;
    moves = 5;
    CHECK(read(&s));
    CHECK_EQ(moves, 0);
    CHECK_EQ(s.seconds, SECONDS + 12);
}

static void test_a_host_that_never_finishes_is_given_up(void **state)
{
    struct refclock_sample s;

    (void)state;
    fresh();
    put(12, 3, 4);
    CHECK(!read(&s));
    CHECK_TEXT(clock_.failed, "the host never finishes its page");
}

/* Cut anywhere, it says nothing, and nothing past the end is read. */
static void test_a_short_page_is_none(void **state)
{
    struct vmclock_time t;

    (void)state;
    fresh();
    for (size_t len = 0; len < 112; len++) {
        uint8_t *cut = malloc(len ? len : 1);
        memcpy(cut, page, len);
        CHECK((vmclock_parse(view_of(cut, len), &t) == NULL) == (len >= 104));
        free(cut);
    }
}

static void test_without_a_page_there_is_none(void **state)
{
    static const struct acpi empty;
    struct refclock_machine machine = {0};

    (void)state;
    CHECK(!vmclock_driver.probe(&machine));
    machine.acpi = &empty;
    CHECK(!vmclock_driver.probe(&machine));
    CHECK(!vmclock_driver.attach(&clock_, &machine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_is_that_of_the_counter),
        cmocka_unit_test(test_counter_before_the_page_is_ordinary),
        cmocka_unit_test(
            test_without_a_period_error_the_bound_grows_all_the_same),
        cmocka_unit_test(test_what_it_does_not_vouch_for_is_no_reading),
        cmocka_unit_test(test_freerunning_and_past_leap_seconds_are_followed),
        cmocka_unit_test(test_tai_becomes_utc),
        cmocka_unit_test(test_a_leap_second_to_come_is_told),
        cmocka_unit_test(test_a_page_that_changed_is_read_again),
        cmocka_unit_test(test_a_host_that_never_finishes_is_given_up),
        cmocka_unit_test(test_a_short_page_is_none),
        cmocka_unit_test(test_without_a_page_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
