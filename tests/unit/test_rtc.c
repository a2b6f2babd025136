/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the real-time clock, on a CMOS RAM made of an array. */
/* links: drivers/rtc drivers/rtc_edge */
#include "drivers/rtc.h"

#include "arch/cpu.h"
#include "arch/io.h"
#include "tests/check.h"

static struct {
    uint8_t byte[128];
    uint8_t index;
    unsigned reads;         /* of data */
    unsigned busy;          /* so many readings of register A with UIP */
    unsigned tick_at;       /* after so many reads, the ... */
    const uint8_t *tick_to; /* ... registers become these */
    bool absent;
    uint64_t passed; /* ticks */
} cmos;

uint8_t in8(uint16_t port)
{
    CHECK_EQ(port, 0x71);
    if (cmos.absent)
        return 0xff;
    if (++cmos.reads == cmos.tick_at)
        memcpy(cmos.byte, cmos.tick_to, 10);
    if (cmos.index == 0x0a && cmos.busy > 0) {
        cmos.busy--;
        return 0x26 | 0x80;
    }
    return cmos.byte[cmos.index];
}

void out8(uint16_t port, uint8_t value)
{
    CHECK_EQ(port, 0x70);
    CHECK(value < sizeof cmos.byte);
    cmos.index = value;
}

uint64_t counter_read(void)
{
    return 1000 + cmos.reads + cmos.passed;
}

/* second, minute, hour, day, month, year, century and register B. */
static void set(const char *text)
{
    static const uint8_t at[] = {0, 2, 4, 7, 8, 9, 0x32, 0x0b};
    uint8_t value[8];

    memset(&cmos, 0, sizeof cmos);
    CHECK_EQ(check_hex(text, value, sizeof value), 8);
    for (unsigned i = 0; i < 8; i++)
        cmos.byte[at[i]] = value[i];
    cmos.byte[0x0a] = 0x26;
    cmos.byte[0x0d] = 0x80;
}

static const struct refclock_machine plain;
static struct rtc rtc;
static struct refclock clock_ = {.driver = &rtc_driver, .state = &rtc};

/* The second it shows; -1 if there is no reading. */
static int64_t shown(void)
{
    struct refclock_sample s;

    if (!rtc_driver.probe(&plain) || !rtc_driver.attach(&clock_, &plain) ||
        !rtc_driver.sample(&clock_, &s))
        return -1;
    CHECK(clock_.failed == NULL);
    CHECK_EQ(s.bound_ns, 1000000000);
    CHECK_EQ(s.nanoseconds, 0);
    return s.seconds - 1;
}

static void test_bcd_and_24_hours(void **state)
{
    (void)state;
    set("56 34 23 22 11 26 20 02");
    CHECK_EQ(shown(), 1795390496);
}

static void test_binary_and_24_hours(void **state)
{
    (void)state;
    set("38 22 17 16 0b 1a 14 06");
    CHECK_EQ(shown(), 1795390496);
}

static void test_hours_of_twelve(void **state)
{
    static const struct {
        uint8_t bcd;
        uint8_t binary;
        int hour;
    } hours[] = {
        {0x12, 0x0c, 0},  {0x01, 0x01, 1},  {0x11, 0x0b, 11},
        {0x92, 0x8c, 12}, {0x81, 0x81, 13}, {0x91, 0x8b, 23},
    };

    (void)state;
    for (size_t i = 0; i < sizeof hours / sizeof *hours; i++) {
        set("00 00 00 01 01 70 20 00");
        cmos.byte[4] = hours[i].bcd;
        CHECK_EQ(shown() % 86400, hours[i].hour * 3600);
        set("00 00 00 01 01 46 14 04");
        cmos.byte[4] = hours[i].binary;
        CHECK_EQ(shown() % 86400, hours[i].hour * 3600);
    }
}

static void test_century_is_kept_or_guessed(void **state)
{
    (void)state;
    set("00 00 00 01 01 00 21 02"); /* 2100-01-01 */
    CHECK_EQ(shown(), 4102444800);
    set("00 00 00 01 01 00 20 02"); /* 2000-01-01 */
    CHECK_EQ(shown(), 946684800);
    set("00 00 00 01 01 00 00 02");
    CHECK_EQ(shown(), 946684800);
    set("00 00 00 01 01 00 ff 02");
    CHECK_EQ(shown(), 946684800);
    set("00 00 00 01 01 00 19 02"); /* not 1900 */
    CHECK_EQ(shown(), 946684800);
    set("00 00 00 01 01 00 15 06"); /* 21, in binary */
    CHECK_EQ(shown(), 4102444800);
}

static void test_century_is_where_the_firmware_says(void **state)
{
    static const struct refclock_machine elsewhere = {.rtc_century = 0x37};
    struct refclock_sample s;

    (void)state;
    set("00 00 00 01 01 00 20 02");
    cmos.byte[0x37] = 0x21;
    CHECK(rtc_driver.attach(&clock_, &elsewhere));
    CHECK(rtc_driver.sample(&clock_, &s));
    CHECK_EQ(s.seconds - 1, 4102444800);
}

static void test_remarkable_dates(void **state)
{
    static const struct {
        const char *registers;
        int64_t seconds;
    } dates[] = {
        {"59 59 23 31 12 99 20 02", 4102444799}, /* 2099-12-31 23:59:59 */
        {"00 00 00 01 03 00 20 02", 951868800},  /* 2000-03-01 */
        {"00 00 00 29 02 00 20 02", 951782400},  /* 2000-02-29 */
        {"00 00 00 29 02 24 20 02", 1709164800}, /* 2024-02-29 */
        {"15 28 06 07 02 36 20 02", 2085978495}, /* 2036-02-07, era 0 ends */
        {"16 28 06 07 02 36 20 02", 2085978496}, /* ... and era 1 begins */
        {"07 14 03 19 01 38 20 02", 2147483647}, /* 2038-01-19 */
        {"08 14 03 19 01 38 20 02", 2147483648},
        {"00 00 00 01 03 00 21 02", 4107542400}, /* 2100-03-01 */
        {"15 28 06 07 02 06 21 02", 4294967295 /* 2106-02-07 06:28:15 */},
    };

    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        set(dates[i].registers);
        CHECK_EQ(shown(), dates[i].seconds);
    }
}

/* Day after day from 2000 to 2199, each 86400 s after the one before. */
static void test_days_follow_each_other(void **state)
{
    int64_t expected = 946684800;

    (void)state;
    for (unsigned year = 2000; year < 2200; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year == 2000;

        for (unsigned month = 1; month <= 12; month++) {
            unsigned days =
                month == 2 ? (leap ? 29 : 28)
                : (month == 4 || month == 6 || month == 9 || month == 11) ? 30
                                                                          : 31;

            for (unsigned day = 1; day <= days + 1; day++) {
                struct rtc_registers r = {
                    .day = (uint8_t)day,
                    .month = (uint8_t)month,
                    .year = (uint8_t)(year % 100),
                    .century = (uint8_t)(year / 100),
                    .b = 0x06,
                };
                int64_t seconds = -1;

                if (day > days) {
                    CHECK(rtc_decode(&r, &seconds) != NULL);
                    CHECK_EQ(seconds, -1);
                    continue;
                }
                CHECK(rtc_decode(&r, &seconds) == NULL);
                CHECK_EQ(seconds, expected);
                expected += 86400;
            }
        }
    }
    CHECK_EQ(expected, 7258118400);
}

static void test_impossible_values_are_refused_with_a_reason(void **state)
{
    static const char *const bad[][2] = {
        {"60 00 00 01 01 26 20 02", "second out of range"},
        {"0a 00 00 01 01 26 20 02", "second out of range"},
        {"00 60 00 01 01 26 20 02", "minute out of range"},
        {"00 00 24 01 01 26 20 02", "hour out of range"},
        {"00 00 00 01 01 26 20 00", "hour out of range"},
        {"00 00 13 01 01 26 20 00", "hour out of range"},
        {"00 00 93 01 01 26 20 00", "hour out of range"},
        {"00 00 00 00 01 26 20 02", "day out of range"},
        {"00 00 00 32 01 26 20 02", "day out of range"},
        {"00 00 00 29 02 26 20 02", "day out of range"},
        {"00 00 00 29 02 00 21 02", "day out of range"},
        {"00 00 00 01 00 26 20 02", "month out of range"},
        {"00 00 00 01 13 26 20 02", "month out of range"},
        {"00 00 00 01 01 f0 20 02", "year out of range"},
        {"00 00 00 01 01 64 14 06", "year out of range"},
        {"00 00 00 01 01 26 20 82", "it is stopped (register B, bit 7)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set(bad[i][0]);
        CHECK_EQ(shown(), -1);
        CHECK_TEXT(clock_.failed, bad[i][1]);
    }
}

/* Any bytes at all give a date in range, or a reason. */
static void test_any_registers_are_survived(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct rtc_registers r;
        int64_t seconds = -1;

        check_random_bytes(&random, &r, sizeof r);
        if (i % 2 == 0)
            r.b &= 0x7f;
        if (rtc_decode(&r, &seconds) == NULL)
            CHECK(seconds >= 946684800 && seconds < 7258118400);
        else
            CHECK_EQ(seconds, -1);
    }
}

static void test_update_in_progress_is_waited_for(void **state)
{
    (void)state;
    set("56 34 23 22 11 26 20 02");
    cmos.busy = 300;
    CHECK_EQ(shown(), 1795390496);
    CHECK_EQ(cmos.busy, 0);
}

static void test_update_without_end_is_given_up(void **state)
{
    (void)state;
    set("56 34 23 22 11 26 20 02");
    cmos.busy = UINT32_MAX;
    CHECK_EQ(shown(), -1);
    CHECK_TEXT(clock_.failed, "its update never ends");
}

/* Wherever the second ends, the reading is of one side of it or the other. */
static void test_update_amid_a_reading_is_not_torn(void **state)
{
    static const uint8_t next[10] = {0x00, 0, 0x00, 0,    0x00,
                                     0,    0, 0x01, 0x01, 0x27};

    (void)state;
    for (unsigned at = 1; at < 40; at++) {
        set("59 59 23 31 12 26 20 02");
        cmos.tick_at = at;
        cmos.tick_to = next;
        memcpy(cmos.byte + 0x0a, (uint8_t[]){0x26, 0x02}, 2);

        int64_t second = shown();

        CHECK(second == 1798761599 || second == 1798761600);
    }
}

/* A look each time, never a wait; then the moment when the second began. */
static void test_the_beginning_of_a_second_is_looked_for(void **state)
{
    static const struct refclock_machine known = {.ticks_per_s = 1000000};
    struct refclock_sample s = {0};
    uint64_t from;

    (void)state;
    set("59 34 23 22 11 26 20 02");
    CHECK(rtc_driver.attach(&clock_, &known));
    CHECK(!rtc_driver.sample(&clock_, &s));
    CHECK_EQ(clock_.again_ticks, counter_read());
    for (int i = 0; i < 20; i++) {
        unsigned before = cmos.reads;

        from = counter_read();
        CHECK(!rtc_driver.sample(&clock_, &s));
        CHECK_EQ(clock_.again_ticks, from + 15625);
        CHECK(cmos.reads - before <= 2);
        cmos.passed += 15625;
    }
    /* In the midst of an update, nothing is read. */
    memcpy(cmos.byte, "\x77\x00\x99", 3);
    cmos.busy = 1;
    CHECK(!rtc_driver.sample(&clock_, &s));
    CHECK(clock_.again_ticks != 0);
    cmos.passed += 1000;
    memcpy(cmos.byte, "\x00\x00\x35", 3);
    CHECK(rtc_driver.sample(&clock_, &s));
    CHECK_EQ(clock_.again_ticks, 0);
    CHECK_EQ(s.seconds, 1795390500);
    CHECK_EQ(s.nanoseconds, 500000000);
    CHECK_EQ(s.bound_ns, 500000000);
    CHECK(s.ticks - s.bound_ticks <= from + 1);
    CHECK(s.ticks + s.bound_ticks >= from + 15625 + 1000);
    CHECK(s.bound_ticks < 10000);

    /* The next time, it is known when to look. */
    cmos.passed += 5500000;
    CHECK(!rtc_driver.sample(&clock_, &s));
    CHECK_NEAR(clock_.again_ticks, s.ticks + 6000000, 20000);
}

/* The counter stood still in a pause between two looks. */
static void test_a_second_that_turned_in_a_disruption_is_none(void **state)
{
    static const struct refclock_machine known = {.ticks_per_s = 1000000};
    struct refclock_sample s = {0};

    (void)state;
    set("59 34 23 22 11 26 20 02");
    CHECK(rtc_driver.attach(&clock_, &known));
    CHECK(!rtc_driver.sample(&clock_, &s));
    CHECK(!rtc_driver.sample(&clock_, &s));
    cmos.passed += 15625;
    memcpy(cmos.byte, "\x00\x00\x35", 3);
    rtc_driver.renew(&clock_);
    for (int i = 0; i < 20; i++) {
        CHECK(!rtc_driver.sample(&clock_, &s));
        cmos.passed += 15625;
    }
    memcpy(cmos.byte, "\x01\x00\x35", 3);
    CHECK(rtc_driver.sample(&clock_, &s));
}

static void test_seconds_that_stand_are_given_up(void **state)
{
    static const struct refclock_machine known = {.ticks_per_s = 1000000};
    struct refclock_sample s = {0};
    unsigned looks = 0;

    (void)state;
    set("59 34 23 22 11 26 20 02");
    CHECK(rtc_driver.attach(&clock_, &known));
    CHECK(!rtc_driver.sample(&clock_, &s));
    while (clock_.again_ticks != 0) {
        cmos.passed += 15625;
        CHECK(!rtc_driver.sample(&clock_, &s));
        CHECK(++looks < 1000);
    }
    CHECK_TEXT(clock_.failed, "its seconds do not change");
}

static void test_absent_clock_is_not_there(void **state)
{
    (void)state;
    set("56 34 23 22 11 26 20 02");
    cmos.absent = true;
    CHECK(!rtc_driver.probe(&plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bcd_and_24_hours),
        cmocka_unit_test(test_binary_and_24_hours),
        cmocka_unit_test(test_hours_of_twelve),
        cmocka_unit_test(test_century_is_kept_or_guessed),
        cmocka_unit_test(test_century_is_where_the_firmware_says),
        cmocka_unit_test(test_remarkable_dates),
        cmocka_unit_test(test_days_follow_each_other),
        cmocka_unit_test(test_impossible_values_are_refused_with_a_reason),
        cmocka_unit_test(test_any_registers_are_survived),
        cmocka_unit_test(test_update_in_progress_is_waited_for),
        cmocka_unit_test(test_update_without_end_is_given_up),
        cmocka_unit_test(test_update_amid_a_reading_is_not_torn),
        cmocka_unit_test(test_the_beginning_of_a_second_is_looked_for),
        cmocka_unit_test(test_a_second_that_turned_in_a_disruption_is_none),
        cmocka_unit_test(test_seconds_that_stand_are_given_up),
        cmocka_unit_test(test_absent_clock_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
