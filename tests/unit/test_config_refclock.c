/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of `refclock`. */
#include "tests/config_read.h"

static const struct config_refclock *only(const char *line)
{
    char text[300];

    snprintf(text, sizeof(text), "allow\n%s\n", line);
    const struct config *c = accept(text);

    CHECK_EQ(c->refclock_count, 1);
    CHECK(!c->dhcp_sources);
    return &c->refclock[0];
}

static void test_each_clock_is_known(void **state)
{
    (void)state;
    CHECK_EQ(only("refclock PHC /dev/ptp_kvm")->kind, REFCLOCK_KVM);
    CHECK_EQ(only("refclock PHC /dev/vmclock0")->kind, REFCLOCK_VMCLOCK);
    CHECK_EQ(only("refclock PHC /dev/vmclock0:nocrossts")->kind,
             REFCLOCK_VMCLOCK);
    CHECK_EQ(only("refclock VMWARE")->kind, REFCLOCK_VMWARE);
    CHECK_EQ(only("refclock RTC")->kind, REFCLOCK_RTC);
    CHECK_EQ(only("refclock RTC /dev/rtc0:utc poll 5")->kind, REFCLOCK_RTC);
    CHECK_EQ(builder.report.notes, 0);
}

static void test_defaults_are_those_of_chrony(void **state)
{
    const struct config_refclock *r = only("refclock PHC /dev/ptp_kvm");

    (void)state;
    CHECK_EQ(r->ntp.source.minpoll, 4);
    CHECK_EQ(r->ntp.source.maxpoll, 4);
    CHECK_EQ(r->ntp.stratum, 0);
    CHECK_EQ(r->ntp.reference_id, 0x50484330); /* PHC0 */
    CHECK_EQ(r->ntp.maxdispersion_ns, 0);
    CHECK_EQ(r->ntp.delay_ns, 0);
    CHECK_TEXT(r->name, "PHC /dev/ptp_kvm");
}

static void test_options_are_heeded(void **state)
{
    const struct config_refclock *r =
        only("refclock VMWARE poll 3 refid HOST offset -0.0025 delay 0.01 "
             "stratum 2 precision 1e-6 maxdispersion 0.5 maxsamples 16 "
             "prefer trust require noselect");

    (void)state;
    CHECK_EQ(r->ntp.source.minpoll, 3);
    CHECK_EQ(r->ntp.reference_id, 0x484f5354);
    CHECK_EQ(r->ntp.source.offset_ns, -2500000);
    CHECK_EQ(r->ntp.delay_ns, 10000000);
    CHECK_EQ(r->ntp.stratum, 2);
    CHECK_EQ(r->ntp.precision_ns, 1000);
    CHECK_EQ(r->ntp.maxdispersion_ns, 500000000);
    CHECK_EQ(r->ntp.source.maxsamples, 16);
    CHECK(r->ntp.source.prefer && r->ntp.source.trust);
    CHECK(r->ntp.source.require && r->ntp.source.noselect);
    CHECK_EQ(only("refclock RTC refid A")->ntp.reference_id, 0x41000000);
}

static void test_clocks_are_numbered_and_there_once(void **state)
{
    (void)state;
    const struct config *c = accept("refclock RTC\n"
                                    "refclock PHC /dev/vmclock0\n"
                                    "refclock RTC poll 6 refid CMOS\n");
    CHECK_EQ(c->refclock_count, 2);
    CHECK_EQ(c->refclock[0].ntp.source.minpoll, 6);
    CHECK_EQ(c->refclock[0].ntp.reference_id, 0x434d4f53);
    CHECK_EQ(c->refclock[1].ntp.reference_id, 0x50484331); /* PHC1 */
    check_note("chrony.conf:3:10: \"RTC\": named before");
}

static void test_a_poll_out_of_reach_is_clamped(void **state)
{
    (void)state;
    CHECK_EQ(only("refclock RTC poll -2")->ntp.source.minpoll, 0);
    CHECK_EQ(builder.report.notes, 1);
    CHECK_EQ(only("refclock RTC poll 30")->ntp.source.minpoll, 17);
    CHECK_EQ(builder.report.notes, 1);
}

static void test_options_of_other_machines_are_noted(void **state)
{
    (void)state;
    only("refclock PHC /dev/ptp_kvm dpoll -2 filter 16 rate 1 minsamples 3");
    CHECK_EQ(builder.report.notes, 4);
}

static void test_what_would_vanish_silently_is_refused(void **state)
{
    static const char *const bad[] = {
        "refclock",
        "refclock PHC",
        "refclock PHC /dev/ptp0",
        "refclock SHM 0",
        "refclock SOCK /run/gps",
        "refclock PPS /dev/pps0",
        "refclock XYZ",
        "refclock RTC tai",
        "refclock RTC pps",
        "refclock RTC local",
        "refclock RTC refid GNOMON",
        "refclock RTC poll 33",
        "refclock RTC stratum 16",
        "refclock RTC prefr",
        "refclock VMWARE delay -1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct config *c = read_chrony(bad[i]);

        if (!c->refused)
            print_message("%s\n", bad[i]);
        CHECK(c->refused);
        CHECK_EQ(builder.report.errors, 1);
        CHECK_EQ(c->refclock_count, 0);
    }
}

static void test_what_is_never_selected_cannot_be_missed(void **state)
{
    (void)state;
    CHECK_EQ(accept("refclock PHC /dev/ptp0 noselect")->refclock_count, 0);
    CHECK_EQ(builder.report.notes > 0, true);
    CHECK_EQ(accept("refclock SHM 0 noselect")->refclock_count, 0);
    CHECK_EQ(accept("refclock RTC noselect")->refclock_count, 1);
}

static void test_they_count_among_the_sources(void **state)
{
    (void)state;
    accept("server a\nrefclock RTC\nminsources 2");
    CHECK(
        read_chrony("server a\nrefclock RTC noselect\nminsources 2")->refused);
    accept("server a\nrefclock RTC\nauthselectmode require");
    accept("pool a maxsources 16\npool b maxsources 15\nrefclock RTC");
    CHECK(read_chrony("pool a maxsources 16\npool b maxsources 16\n"
                      "refclock RTC")
              ->refused);
    CHECK(!accept("refclock RTC")->client.local.enabled);
    CHECK_EQ(only("maxsamples 20\nrefclock RTC")->ntp.source.maxsamples, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_clock_is_known),
        cmocka_unit_test(test_defaults_are_those_of_chrony),
        cmocka_unit_test(test_options_are_heeded),
        cmocka_unit_test(test_clocks_are_numbered_and_there_once),
        cmocka_unit_test(test_a_poll_out_of_reach_is_clamped),
        cmocka_unit_test(test_options_of_other_machines_are_noted),
        cmocka_unit_test(test_what_would_vanish_silently_is_refused),
        cmocka_unit_test(test_what_is_never_selected_cannot_be_missed),
        cmocka_unit_test(test_they_count_among_the_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
