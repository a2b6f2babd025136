/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of Hyper-V's rate of the counter, on a host that is made up here. */
/* links: drivers/hyperv */
#include "drivers/hyperv.h"

#include "arch/cpu.h"
#include "tests/check.h"

static struct {
    uint32_t base, interface, eax, edx;
    uint64_t frequency; /* MSR 0x40000022 */
    uint64_t page_msr;  /* MSR 0x40000021 */
    uint32_t sequence;
    uint64_t scale;
    unsigned turned_on;
} host;

uint32_t cpuid_hypervisor(const char *signature)
{
    return memcmp(signature, "Microsoft Hv", 12) == 0 ? host.base : 0;
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r = {0};

    (void)subleaf;
    if (leaf == host.base + 1)
        r.eax = host.interface;
    if (leaf == host.base + 3) {
        r.eax = host.eax;
        r.edx = host.edx;
    }
    return r;
}

uint64_t msr_read(uint32_t msr)
{
    CHECK(msr == 0x40000021 || (msr == 0x40000022 && host.eax & 1 << 11));
    return msr == 0x40000022 ? host.frequency : host.page_msr;
}

void msr_write(uint32_t msr, uint64_t value)
{
    CHECK_EQ(msr, 0x40000021);
    CHECK(host.eax & 1 << 9);
    host.page_msr = value;
    if (!(value & 1))
        return;
    CHECK_EQ(value & 4095, 1);
    host.turned_on++;

    uint8_t *page = (uint8_t *)(uintptr_t)(value - 1);
    memset(page, 0, 24);
    memcpy(page, &host.sequence, 4);
    memcpy(page + 8, &host.scale, 8);
}

static void fresh(void)
{
    memset(&host, 0, sizeof(host));
    host.base = 0x40000000;
    host.interface = 0x31237648;
    host.eax = 1 << 9 | 1 << 11;
    host.edx = 1 << 8;
    host.frequency = 2445430000;
    host.sequence = 1;
    /* 10^7 * 2^64 / 2 500 000 000 */
    host.scale = UINT64_MAX / 250;
}

static void test_the_register_says_it(void **state)
{
    (void)state;
    fresh();
    CHECK_EQ(hyperv_hz(), 2445430000);
    CHECK_EQ(host.turned_on, 0);
}

static void test_else_the_page_does_and_is_turned_off_again(void **state)
{
    (void)state;
    fresh();
    host.edx = 0;
    CHECK_NEAR(hyperv_hz(), 2500000000, 2);
    CHECK_EQ(host.turned_on, 1);
    CHECK_EQ(host.page_msr & 1, 0);

    fresh();
    host.eax = 1 << 9;
    CHECK_NEAR(hyperv_hz(), 2500000000, 2);
    fresh();
    host.frequency = 0;
    CHECK_NEAR(hyperv_hz(), 2500000000, 2);
}

static void test_a_page_that_is_not_to_be_used_says_nothing(void **state)
{
    (void)state;
    fresh();
    host.edx = 0;
    host.sequence = 0;
    CHECK_EQ(hyperv_hz(), 0);
    CHECK_EQ(host.page_msr & 1, 0);
    fresh();
    host.edx = 0;
    host.scale = 0;
    CHECK_EQ(hyperv_hz(), 0);
}

/* Registers that are not announced are not touched: they may fault. */
static void test_without_the_features_nothing_is_touched(void **state)
{
    (void)state;
    fresh();
    host.eax = 0;
    CHECK_EQ(hyperv_hz(), 0);
    fresh();
    host.base = 0;
    CHECK_EQ(hyperv_hz(), 0);
    fresh();
    host.interface = 0;
    CHECK_EQ(hyperv_hz(), 0);
    CHECK_EQ(host.turned_on, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_register_says_it),
        cmocka_unit_test(test_else_the_page_does_and_is_turned_off_again),
        cmocka_unit_test(test_a_page_that_is_not_to_be_used_says_nothing),
        cmocka_unit_test(test_without_the_features_nothing_is_touched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
