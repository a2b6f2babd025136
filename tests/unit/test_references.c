/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of HPET, PM timer and PIT against devices that are made up here. */
/* links: drivers/hpet drivers/pmtimer drivers/pit */
#include "drivers/hpet.h"
#include "drivers/pit.h"
#include "drivers/pmtimer.h"

#include "arch/io.h"
#include "tests/check.h"

static struct counter_reference ref;

static uint64_t take(void)
{
    uint64_t count;

    ref.latch(ref.self);
    CHECK(ref.fetch(ref.self, &count));
    CHECK_EQ(count & ~ref.mask, 0);
    return count;
}

/* An HPET is plain memory. */

static _Alignas(8) uint8_t registers[HPET_LEN];
static struct hpet hpet;

static void put32(unsigned at, uint32_t value)
{
    memcpy(registers + at, &value, 4);
}

static uint32_t get32(unsigned at)
{
    uint32_t value;

    memcpy(&value, registers + at, 4);
    return value;
}

static bool attach_hpet(uint32_t period_fs)
{
    const char *why;

    memset(registers, 0, sizeof registers);
    put32(0, 0x8086a201);
    put32(4, period_fs);
    put32(0x10, 0x2);

    bool ok = hpet_attach(&hpet, registers, &ref, &why);

    CHECK(ok == (why == NULL));
    return ok;
}

static void test_hpet_is_started_without_its_legacy_routing(void **state)
{
    (void)state;
    CHECK(attach_hpet(10000000));
    CHECK_EQ(get32(0x10), 1);
    CHECK_EQ(ref.period_fs, 10000000);
}

static void test_hpet_count_is_the_low_half(void **state)
{
    (void)state;
    CHECK(attach_hpet(69841279));
    put32(0xf0, 0xfffffffe);
    put32(0xf4, 0x12345678);
    CHECK_EQ(take(), 0xfffffffe);
    put32(0xf0, 3);
    CHECK_EQ((take() - 0xfffffffe) & ref.mask, 5);
}

static void test_hpet_of_impossible_period_is_none(void **state)
{
    const char *why;

    (void)state;
    CHECK(!attach_hpet(0));
    CHECK(!attach_hpet(100000001));
    CHECK(!attach_hpet(UINT32_MAX));
    CHECK(attach_hpet(100000000));
    CHECK(!hpet_attach(&hpet, NULL, &ref, &why));
    CHECK_TEXT(why, "no HPET");
}

/* A PM timer is a list of what reads from its port. */

static const uint32_t *pm_reads;
static struct pmtimer pmtimer;

uint32_t in32(uint16_t port)
{
    CHECK_EQ(port, 0x608);
    return *pm_reads++;
}

static void test_pm_timer_of_24_bits(void **state)
{
    static const uint32_t reads[] = {1, 0xff123456, 0xff123457, 0xffffff,
                                     0x01000000};

    (void)state;
    pm_reads = reads;
    CHECK(pmtimer_attach(&pmtimer, 0x608, false, &ref));
    CHECK_EQ(ref.mask, 0xffffff);
    CHECK_EQ(take(), 0x123456);
    CHECK_EQ(take(), 0xffffff);
}

static void test_pm_timer_of_32_bits(void **state)
{
    static const uint32_t reads[] = {1, 0xff123456, 0xff123457, 0xffffffff, 2};

    (void)state;
    pm_reads = reads;
    CHECK(pmtimer_attach(&pmtimer, 0x608, true, &ref));
    CHECK_EQ(ref.mask, 0xffffffff);
    CHECK_EQ(take(), 0xff123456);
    CHECK_EQ(take(), 0xffffffff);
}

/* A count with bits of the next one in it: 0x7fff on its way to 0x8000. */
static void test_pm_timer_glitch_is_not_believed(void **state)
{
    static const uint32_t reads[] = {1, 0xffff, 0x8000, 0x0, 0x800000};
    uint64_t count;

    (void)state;
    pm_reads = reads;
    CHECK(pmtimer_attach(&pmtimer, 0x608, false, &ref));
    ref.latch(ref.self);
    CHECK(!ref.fetch(ref.self, &count));
    ref.latch(ref.self);
    CHECK(!ref.fetch(ref.self, &count));
}

static void test_pm_timer_that_is_not_there(void **state)
{
    static const uint32_t reads[] = {UINT32_MAX, UINT32_MAX};

    (void)state;
    CHECK(!pmtimer_attach(&pmtimer, 0, true, &ref));
    pm_reads = reads;
    CHECK(!pmtimer_attach(&pmtimer, 0x608, true, &ref));
}

/* A PIT: channel 2 alone, by its data sheet. */

static struct {
    bool absent, gate_needed;
    uint8_t speaker;
    uint8_t control;
    uint32_t start;   /* the count loaded */
    uint32_t elapsed; /* counts since */
    uint16_t latched;
    unsigned written, read;
} pit;

uint8_t in8(uint16_t port)
{
    if (pit.absent)
        return 0xff;
    if (port == 0x61)
        return pit.speaker;
    CHECK_EQ(port, 0x42);
    return (uint8_t)(pit.latched >> (pit.read++ % 2 == 0 ? 0 : 8));
}

static bool pit_runs(void)
{
    return pit.written == 2 && (!pit.gate_needed || (pit.speaker & 1));
}

void out8(uint16_t port, uint8_t value)
{
    if (port == 0x61) {
        pit.speaker = value;
    } else if (port == 0x43 && (value & 0x30) == 0) {
        CHECK_EQ(value, 0x80);
        CHECK_EQ(pit.read % 2, 0);
        pit.elapsed += pit_runs() ? 5 : 0;
        pit.latched = (uint16_t)(pit.start - pit.elapsed);
    } else if (port == 0x43) {
        CHECK_EQ(value, 0xb0); /* channel 2, both bytes, mode 0, binary */
        pit.control = value;
        pit.written = 0;
    } else {
        CHECK_EQ(port, 0x42);
        pit.start |= (uint32_t)value << 8 * pit.written++;
        if (pit.written == 2 && pit.start == 0)
            pit.start = 65536;
    }
}

static void test_pit_counts_up_through_every_wrap(void **state)
{
    (void)state;
    memset(&pit, 0, sizeof pit);
    CHECK(pit_attach(&ref));

    uint64_t last = take();

    for (int i = 0; i < 40000; i++) {
        uint64_t now = take();

        CHECK_EQ((now - last) & ref.mask, 5);
        last = now;
    }
}

static void test_pit_gets_its_gate_but_no_speaker(void **state)
{
    (void)state;
    memset(&pit, 0, sizeof pit);
    pit.gate_needed = true;
    pit.speaker = 0x32;
    CHECK(pit_attach(&ref));
    CHECK_EQ(pit.speaker, 0x31);
}

static void test_pit_that_is_not_there(void **state)
{
    (void)state;
    memset(&pit, 0, sizeof pit);
    pit.absent = true;
    CHECK(!pit_attach(&ref));
}

/* Both what custom says and what crystals are made for are within. */
static void test_periods_cover_both_frequencies(void **state)
{
    static const uint32_t reads[] = {1};

    (void)state;
    memset(&pit, 0, sizeof pit);
    CHECK(pit_attach(&ref));
    CHECK_NEAR(1e15 / 1193182, ref.period_fs,
               ref.period_fs * 1e-9 * ref.period_ppb);
    CHECK_NEAR(1e15 / (105e6 / 88), ref.period_fs,
               ref.period_fs * 1e-9 * ref.period_ppb);
    pm_reads = reads;
    CHECK(pmtimer_attach(&pmtimer, 0x608, true, &ref));
    CHECK_NEAR(1e15 / 3579545, ref.period_fs,
               ref.period_fs * 1e-9 * ref.period_ppb);
    CHECK_NEAR(1e15 / (315e6 / 88), ref.period_fs,
               ref.period_fs * 1e-9 * ref.period_ppb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hpet_is_started_without_its_legacy_routing),
        cmocka_unit_test(test_hpet_count_is_the_low_half),
        cmocka_unit_test(test_hpet_of_impossible_period_is_none),
        cmocka_unit_test(test_pm_timer_of_24_bits),
        cmocka_unit_test(test_pm_timer_of_32_bits),
        cmocka_unit_test(test_pm_timer_glitch_is_not_believed),
        cmocka_unit_test(test_pm_timer_that_is_not_there),
        cmocka_unit_test(test_pit_counts_up_through_every_wrap),
        cmocka_unit_test(test_pit_gets_its_gate_but_no_speaker),
        cmocka_unit_test(test_pit_that_is_not_there),
        cmocka_unit_test(test_periods_cover_both_frequencies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
