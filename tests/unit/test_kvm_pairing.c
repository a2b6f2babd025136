/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of KVM's clock pairing against a host that is made up here. */
/* links: drivers/kvm_pairing */
#include "drivers/kvm_pairing.h"

#include "arch/cpu.h"
#include "tests/check.h"

static struct {
    bool kvm;
    int64_t result;
    uint8_t pair[64]; /* what it writes */
    unsigned calls;
} host;

uint32_t cpuid_hypervisor(const char *signature)
{
    return host.kvm && memcmp(signature, "KVMKVMKVM\0\0", 12) == 0 ? 0x40000000
                                                                   : 0;
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)leaf, (void)subleaf;
    return (struct cpuid){0};
}

static struct kvm_pairing kvm;
static struct refclock clock_ = {.driver = &kvm_pairing_driver, .state = &kvm};
static const struct refclock_machine machine;

/* KVM_HC_CLOCK_PAIRING is 9, and the only kind of clock 0. */
static int64_t hypercall(uint64_t number, uint64_t a, uint64_t b)
{
    host.calls++;
    CHECK_EQ(number, 9);
    CHECK_EQ(a, (uintptr_t)kvm.page);
    CHECK_EQ(a % 64, 0);
    CHECK_EQ(b, 0);
    if (host.result == 0)
        memcpy((uint8_t *)(uintptr_t)a, host.pair, sizeof(host.pair));
    return host.result;
}

static void put(size_t at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        host.pair[at + i] = (uint8_t)(value >> 8 * i);
}

static void fresh(void)
{
    memset(&host, 0, sizeof(host));
    memset(&kvm, 0, sizeof(kvm));
    host.kvm = true;
    kvm.call = hypercall;
    put(0, 1795390496);
    put(8, 123456789);
    put(16, 77777777777);
}

static void test_a_pair_is_a_reading(void **state)
{
    struct refclock_sample s = {0};

    (void)state;
    fresh();
    CHECK(kvm_pairing_driver.probe(&machine));
    CHECK(kvm_pairing_driver.attach(&clock_, &machine));
    CHECK(kvm_pairing_driver.sample(&clock_, &s));
    CHECK_EQ(s.ticks, 77777777777);
    CHECK_EQ(s.seconds, 1795390496);
    CHECK_EQ(s.nanoseconds, 123456789);
    CHECK_EQ(s.bound_ns, 1000000);
    CHECK(clock_.failed == NULL);
}

/* Elsewhere a hypercall may hang: not even one is made. */
static void test_without_kvm_nothing_is_called(void **state)
{
    (void)state;
    fresh();
    host.kvm = false;
    CHECK(!kvm_pairing_driver.probe(&machine));
    CHECK_EQ(host.calls, 0);

    fresh();
    CHECK(kvm_pairing_driver.probe(&machine));
    CHECK_EQ(host.calls, 0);
}

static void test_a_host_that_does_not_know_it_is_told_so(void **state)
{
    (void)state;
    fresh();
    host.result = -1000; /* ENOSYS */
    CHECK(!kvm_pairing_driver.attach(&clock_, &machine));
    CHECK_TEXT(clock_.failed, "the host knows of no clock pairing");
}

static void test_a_host_that_cannot_now_may_later(void **state)
{
    static const struct {
        int64_t result;
        const char *why;
    } answers[] = {
        {-95, "the host's own clock is not its TSC"},
        {-14, "the host refuses clock pairing"},
        {-1, "the host refuses clock pairing"},
    };
    struct refclock_sample s = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        fresh();
        host.result = answers[i].result;
        CHECK(kvm_pairing_driver.attach(&clock_, &machine));
        CHECK(!kvm_pairing_driver.sample(&clock_, &s));
        CHECK_TEXT(clock_.failed, answers[i].why);
        host.result = 0;
        CHECK(kvm_pairing_driver.sample(&clock_, &s));
    }
}

static void test_what_is_no_date_is_no_reading(void **state)
{
    struct refclock_sample s = {0};

    (void)state;
    fresh();
    CHECK(kvm_pairing_driver.attach(&clock_, &machine));
    put(8, 1000000000);
    CHECK(!kvm_pairing_driver.sample(&clock_, &s));
    put(8, 0);
    put(0, 0);
    CHECK(!kvm_pairing_driver.sample(&clock_, &s));
    put(0, UINT64_MAX);
    CHECK(!kvm_pairing_driver.sample(&clock_, &s));
    put(0, 253402300800);
    CHECK(!kvm_pairing_driver.sample(&clock_, &s));
    CHECK_TEXT(clock_.failed, "the host gives no date");
    put(0, 4294967296);
    CHECK(kvm_pairing_driver.sample(&clock_, &s));
}

/* What an earlier call left is not taken for an answer. */
static void test_a_host_that_writes_nothing_gives_no_date(void **state)
{
    struct refclock_sample s = {0};

    (void)state;
    fresh();
    CHECK(kvm_pairing_driver.attach(&clock_, &machine));
    CHECK(kvm_pairing_driver.sample(&clock_, &s));
    memset(host.pair, 0, sizeof(host.pair));
    CHECK(!kvm_pairing_driver.sample(&clock_, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_is_a_reading),
        cmocka_unit_test(test_without_kvm_nothing_is_called),
        cmocka_unit_test(test_a_host_that_does_not_know_it_is_told_so),
        cmocka_unit_test(test_a_host_that_cannot_now_may_later),
        cmocka_unit_test(test_what_is_no_date_is_no_reading),
        cmocka_unit_test(test_a_host_that_writes_nothing_gives_no_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
