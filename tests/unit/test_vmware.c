/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of VMware's backdoor against a host that is made up here. */
/* links: drivers/vmware */
#include "drivers/vmware.h"

#include "arch/cpu.h"
#include "tests/check.h"

#define MAGIC 0x564d5868

static struct {
    bool vmware;
    bool closed;     /* nobody listens at the port */
    uint32_t newest; /* of the commands for the time that it knows */
    uint64_t seconds;
    uint32_t us, lag_us;
    uint64_t counter;
    uint32_t asked; /* the last one */
    unsigned calls;
} host;

uint64_t counter_read(void)
{
    return host.counter;
}

uint32_t cpuid_hypervisor(const char *signature)
{
    return host.vmware && memcmp(signature, "VMwareVMware", 12) == 0
               ? 0x40000000
               : 0;
}

/* All six registers may change. */
static void backdoor(struct vmware_registers *r)
{
    uint32_t command = r->ecx;

    CHECK_EQ(r->eax, MAGIC);
    CHECK_EQ(r->edx, 0x5658);
    host.calls++;
    host.counter += 1000;
    host.asked = command;
    *r = (struct vmware_registers){UINT32_MAX, UINT32_MAX, 1, 2, 3, 4};
    if (host.closed)
        return;
    if (command == 10) {
        *r = (struct vmware_registers){6, MAGIC, 2, 0x5658, 0, 0};
    } else if (command <= host.newest && command == 23) {
        *r = (struct vmware_registers){
            (uint32_t)host.seconds, host.us, host.lag_us, 0x5658, 0, 0};
    } else if (command <= host.newest && (command == 46 || command == 55)) {
        *r = (struct vmware_registers){MAGIC,
                                       host.us,
                                       host.lag_us,
                                       (uint32_t)host.seconds,
                                       (uint32_t)(host.seconds >> 32),
                                       9};
    }
}

static struct vmware vmware;
static struct refclock clock_ = {.driver = &vmware_driver, .state = &vmware};
static const struct refclock_machine machine;

static void fresh(void)
{
    memset(&host, 0, sizeof(host));
    memset(&vmware, 0, sizeof(vmware));
    host.vmware = true;
    host.newest = 55;
    host.seconds = 1795390496;
    host.us = 250001;
    host.lag_us = 37;
    host.counter = 5000;
    vmware.call = backdoor;
}

static void test_time_is_that_of_the_middle_of_the_call(void **state)
{
    struct refclock_sample s = {0};

    (void)state;
    fresh();
    CHECK(vmware_driver.probe(&machine));
    CHECK(vmware_driver.attach(&clock_, &machine));
    host.counter = 5000;
    CHECK(vmware_driver.sample(&clock_, &s));
    CHECK_EQ(host.asked, 55);
    CHECK_EQ(s.seconds, 1795390496);
    CHECK_EQ(s.nanoseconds, 250001000);
    CHECK_EQ(s.ticks, 5500);
    CHECK_EQ(s.bound_ticks, 500);
    CHECK_EQ(s.bound_ns, 1000000 + 1000 + 37000);
}

static void test_older_hosts_are_asked_in_older_ways(void **state)
{
    static const uint32_t newest[] = {23, 46, 55};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct refclock_sample s = {0};

        fresh();
        host.newest = newest[i];
        CHECK(vmware_driver.attach(&clock_, &machine));
        CHECK(vmware_driver.sample(&clock_, &s));
        CHECK_EQ(host.asked, newest[i]);
        CHECK_EQ(s.seconds, 1795390496);
        CHECK_EQ(s.nanoseconds, 250001000);
    }
}

static void test_dates_past_2106_are_ordinary(void **state)
{
    struct refclock_sample s = {0};

    (void)state;
    fresh();
    host.seconds = 0x123456789;
    CHECK(vmware_driver.attach(&clock_, &machine));
    CHECK(vmware_driver.sample(&clock_, &s));
    CHECK_EQ(s.seconds, 0x123456789);
}

/* QEMU's vmport knows the version, and not the time. */
static void test_a_backdoor_without_the_time_is_no_clock(void **state)
{
    (void)state;
    fresh();
    host.newest = 0;
    CHECK(!vmware_driver.attach(&clock_, &machine));
    CHECK_TEXT(clock_.failed, "its backdoor does not tell the time");
    fresh();
    host.closed = true;
    CHECK(!vmware_driver.attach(&clock_, &machine));
    CHECK_TEXT(clock_.failed, "its backdoor is closed");
}

static void test_elsewhere_the_port_is_not_touched(void **state)
{
    (void)state;
    fresh();
    host.vmware = false;
    CHECK(!vmware_driver.probe(&machine));
    CHECK_EQ(host.calls, 0);
}

static void test_what_is_no_date_is_no_reading(void **state)
{
    struct refclock_sample s = {0};

    (void)state;
    fresh();
    CHECK(vmware_driver.attach(&clock_, &machine));
    host.us = 1000000;
    CHECK(!vmware_driver.sample(&clock_, &s));
    host.us = 0;
    host.seconds = 0;
    CHECK(!vmware_driver.sample(&clock_, &s));
    host.seconds = UINT64_MAX;
    CHECK(!vmware_driver.sample(&clock_, &s));
    CHECK_TEXT(clock_.failed, "the host gives no date");
    host.seconds = 1795390496;
    CHECK(vmware_driver.sample(&clock_, &s));
    CHECK(clock_.failed == NULL);
    host.closed = true;
    CHECK(!vmware_driver.sample(&clock_, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_is_that_of_the_middle_of_the_call),
        cmocka_unit_test(test_older_hosts_are_asked_in_older_ways),
        cmocka_unit_test(test_dates_past_2106_are_ordinary),
        cmocka_unit_test(test_a_backdoor_without_the_time_is_no_clock),
        cmocka_unit_test(test_elsewhere_the_port_is_not_touched),
        cmocka_unit_test(test_what_is_no_date_is_no_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
