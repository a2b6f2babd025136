/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of when the clocks of the platform are read. */
/* links: boot/refclocks tests/fake/log */
#include "boot/refclocks.h"

#include "arch/cpu.h"
#include "arch/log.h"
#include "drivers/kvm_pairing.h"
#include "drivers/rtc.h"
#include "drivers/vmclock.h"
#include "drivers/vmware.h"
#include "tests/client_rig.h"

static unsigned looks, renewed;
static uint64_t wait_ticks; /* from one look to the next */

uint64_t counter_read(void)
{
    return rig.now;
}

void upstream_name_clock(struct upstream *u, int slot, const char *name)
{
    (void)u, (void)slot, (void)name;
    fail_msg("nobody is told");
}

static bool probe(const struct refclock_machine *machine)
{
    (void)machine;
    return true;
}

static bool attach(struct refclock *clock,
                   const struct refclock_machine *machine)
{
    (void)clock, (void)machine;
    return true;
}

/* A reading that is under way, and stays so. */
static bool sample(struct refclock *clock, struct refclock_sample *s)
{
    (void)s;
    looks++;
    clock->again_ticks = rig.now + wait_ticks;
    return false;
}

static void renew(struct refclock *clock)
{
    (void)clock;
    renewed++;
}

const struct refclock_driver rtc_driver = {
    .name = "rtc",
    .probe = probe,
    .attach = attach,
    .sample = sample,
    .renew = renew,
};
const struct refclock_driver kvm_pairing_driver, vmclock_driver, vmware_driver;

static struct refclocks clocks;

static void begin_with_rtc(void)
{
    static const struct refclock_machine machine;
    static struct config config;

    config.refclock_count = 1;
    config.refclock[0] = (struct config_refclock){
        .kind = REFCLOCK_RTC,
        .name = "RTC",
        .ntp = {.source = polled(4), .reference_id = 0x52544300},
    };
    begin();
    start(0, NULL);
    looks = renewed = 0;
    wait_ticks = HZ / 64;
    refclocks_start(&clocks, &config, &machine, &rig.client, HZ);
}

static void test_a_reading_goes_on_when_it_said(void **state)
{
    (void)state;
    begin_with_rtc();
    CHECK(refclocks_next(&clocks) == UINT64_MAX);
    refclocks_poll(&clocks, rig.now);
    CHECK_EQ(looks, 1);
    CHECK_EQ(refclocks_next(&clocks), rig.now + wait_ticks);
    rig.now += wait_ticks - 1;
    refclocks_poll(&clocks, rig.now);
    CHECK_EQ(looks, 1);
    rig.now++;
    refclocks_poll(&clocks, rig.now);
    CHECK_EQ(looks, 2);
}

static void test_a_reading_goes_on_when_the_counter_is_set_back(void **state)
{
    (void)state;
    begin_with_rtc();
    rig.now += 7200ull * HZ;
    refclocks_poll(&clocks, rig.now);
    CHECK_EQ(looks, 1);
    rig.now -= 7100ull * HZ;
    refclocks_poll(&clocks, rig.now);
    CHECK_EQ(looks, 2);
    CHECK_EQ(refclocks_next(&clocks), rig.now + wait_ticks);
}

static void test_no_reading_goes_on_after_a_disruption(void **state)
{
    (void)state;
    begin_with_rtc();
    refclocks_poll(&clocks, rig.now);
    CHECK_EQ(looks, 1);
    refclocks_renew(&clocks);
    CHECK_EQ(renewed, 1);
    CHECK(refclocks_next(&clocks) == UINT64_MAX);
    rig.now += wait_ticks;
    refclocks_poll(&clocks, rig.now);
    CHECK_EQ(looks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reading_goes_on_when_it_said),
        cmocka_unit_test(test_a_reading_goes_on_when_the_counter_is_set_back),
        cmocka_unit_test(test_no_reading_goes_on_after_a_disruption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
