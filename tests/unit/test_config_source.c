/* SPDX-License-Identifier: BSD-2-Clause */
/* `server`, `pool` and `peer`: names, options, ranges. */
#include "tests/config_read.h"

/* The one source of a configuration with that line. */
static const struct config_source *source(const char *line)
{
    const struct config *c = accept(line);

    CHECK_EQ(c->source_count, 1);
    return &c->source[0];
}

/* The one error of that line begins so, after its place. */
static void refuse(const char *line, unsigned column, const char *found)
{
    char start[200], error[REPORT_LINE_MAX];

    CHECK(read_chrony(line)->refused);
    if (builder.report.errors != 1)
        print_report();
    CHECK_EQ(builder.report.errors, 1);
    CHECK(report_error_line(&builder.report, 0, error));
    snprintf(start, sizeof(start), "chrony.conf:1:%u: found %s, expected ",
             column, found);
    if (strncmp(error, start, strlen(start)) != 0)
        CHECK_TEXT(error, start);
}

static void test_defaults_are_those_of_chrony(void **state)
{
    const struct config_source *s = source("server a.example");

    (void)state;
    CHECK_TEXT(s->name, "a.example");
    CHECK_EQ(s->port, 123);
    CHECK_EQ(s->family, FAMILY_ANY);
    CHECK(!s->pool);
    CHECK_EQ(s->max_sources, 1);
    CHECK_EQ(s->key_id, 0);
    CHECK_EQ(s->ntp.minpoll, 6);
    CHECK_EQ(s->ntp.maxpoll, 10);
    CHECK_EQ(s->ntp.version, 0);
    CHECK_EQ(s->ntp.minstratum, 0);
    CHECK_EQ(s->ntp.maxdelay_ns, 3000000000);
    CHECK_EQ(s->ntp.offset_ns, 0);
    CHECK(!s->ntp.iburst && !s->ntp.burst && !s->ntp.prefer);
    CHECK(!s->ntp.noselect && !s->ntp.trust && !s->ntp.require);
    CHECK_EQ(builder.report.notes, 1); /* about access */
}

static void test_every_option_has_its_field(void **state)
{
    const struct config_source *s =
        source("SERVER A.Example iburst BURST prefer noselect trust require "
               "minpoll 3 maxpoll 9 version 3 port 1123 minstratum 4 "
               "offset -0.000001 maxdelay 0.25 ipv6\n");

    (void)state;
    CHECK_TEXT(s->name, "A.Example");
    CHECK(s->ntp.iburst && s->ntp.burst && s->ntp.prefer);
    CHECK(s->ntp.noselect && s->ntp.trust && s->ntp.require);
    CHECK_EQ(s->ntp.minpoll, 3);
    CHECK_EQ(s->ntp.maxpoll, 9);
    CHECK_EQ(s->ntp.version, 3);
    CHECK_EQ(s->port, 1123);
    CHECK_EQ(s->ntp.minstratum, 4);
    CHECK_EQ(s->ntp.offset_ns, -1000);
    CHECK_EQ(s->ntp.maxdelay_ns, 250000000);
    CHECK_EQ(s->family, FAMILY_IPV6);
}

static void test_every_tuning_option_has_its_field(void **state)
{
    const struct config_source *s = source(
        "server a maxdelayratio 2.5 maxdelaydevratio 4 "
        "maxdelayquant 0.3 mindelay 1e-4 asymmetry -0.25 filter 5 "
        "maxsamples 10 maxunreach 7 polltarget 60 presend 9 xleave copy\n");

    (void)state;
    CHECK_EQ(s->ntp.maxdelayratio_permille, 2500);
    CHECK_EQ(s->ntp.maxdelaydevratio_permille, 4000);
    CHECK_EQ(s->ntp.maxdelayquant_permille, 300);
    CHECK_EQ(s->ntp.mindelay_ns, 100000);
    CHECK_EQ(s->ntp.asymmetry_permille, -250);
    CHECK_EQ(s->ntp.filter, 5);
    CHECK_EQ(s->ntp.maxsamples, 10);
    CHECK_EQ(s->ntp.maxunreach, 7);
    CHECK_EQ(s->ntp.polltarget, 60);
    CHECK_EQ(s->ntp.presend, 9);
    CHECK(s->ntp.xleave && s->ntp.copy);
    CHECK_EQ(builder.report.notes, 1); /* about access */
}

static void test_maxsamples_of_all_is_for_those_that_do_not_say(void **state)
{
    const struct config *c = accept("server a\nserver b maxsamples 9\n"
                                    "server c maxsamples 0\nmaxsamples 20\n");

    (void)state;
    CHECK_EQ(c->source[0].ntp.maxsamples, 20);
    CHECK_EQ(c->source[1].ntp.maxsamples, 9);
    CHECK_EQ(c->source[2].ntp.maxsamples, 0);
    CHECK_EQ(source("server a maxsamples 1000\n")->ntp.maxsamples, 0);
    CHECK_EQ(source("server a maxsamples 2\n")->ntp.maxsamples, 4);
    check_note("chrony.conf:1:1: \"server a maxsamples 2\": maxsamples 4");
    CHECK_EQ(source("server a presend 1000\n")->ntp.presend, 100);
    CHECK_EQ(source("server a presend -4\n")->ntp.presend, 0);
}

static void test_pools_have_four_sources(void **state)
{
    (void)state;
    CHECK(source("pool p.example")->pool);
    CHECK_EQ(source("pool p.example")->max_sources, 4);
    CHECK_EQ(source("pool p.example maxsources 16")->max_sources, 16);
    CHECK_EQ(source("server a.example maxsources 9")->max_sources, 1);
}

/* One server named twice would be a majority of two. */
static void test_a_source_named_twice_is_one(void **state)
{
    const struct config *c = accept("server a iburst\nserver b\n"
                                    "server A minpoll 4\n");

    (void)state;
    CHECK_EQ(c->source_count, 2);
    CHECK_EQ(c->source[0].ntp.minpoll, 4);
    CHECK(!c->source[0].ntp.iburst);
    check_note("chrony.conf:3:8: \"A\": named before");
    CHECK(read_chrony("server a\nserver a\nminsources 2\n")->refused);
    accept(
        "pool a maxsources 16\npool a maxsources 16\npool b maxsources 16\n");
}

static void test_a_peer_is_a_server_and_said_so(void **state)
{
    (void)state;
    CHECK(!source("peer 192.0.2.1 iburst")->pool);
    check_note("chrony.conf:1:1: \"peer 192.0.2.1 iburst\": followed as a "
               "server");
}

/* Intervals that we cannot keep are clamped, with a note. */
static void test_polls_are_clamped(void **state)
{
    static const struct {
        const char *line;
        int minpoll, maxpoll;
        unsigned notes;
    } table[] = {
        {"server a minpoll 0 maxpoll 17", 0, 17, 0},
        {"server a minpoll -1", 0, 10, 1},
        {"server a minpoll -7 maxpoll -5", 0, 0, 2},
        {"server a maxpoll 18", 6, 17, 1},
        {"server a minpoll 24 maxpoll 24", 17, 17, 2},
        {"server a maxpoll 4", 6, 6, 1},
        {"server a minpoll 12", 12, 12, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct config_source *s = source(table[i].line);

        CHECK_EQ(s->ntp.minpoll, table[i].minpoll);
        CHECK_EQ(s->ntp.maxpoll, table[i].maxpoll);
        CHECK_EQ(builder.report.notes, table[i].notes + 1);
    }
    source("server a maxpoll 4");
    check_note("chrony.conf:1:1: \"server a maxpoll 4\": maxpoll 6 is used; it "
               "cannot be below minpoll");
}

static void test_ranges_are_checked(void **state)
{
    (void)state;
    refuse("server a minpoll 33", 18, "\"33\"");
    refuse("server a minpoll 6.5", 18, "\"6.5\"");
    refuse("server a version 0", 18, "\"0\"");
    refuse("server a version 5", 18, "\"5\"");
    refuse("server a port 0", 15, "\"0\"");
    refuse("server a port 65536", 15, "\"65536\"");
    refuse("server a key 0", 14, "\"0\"");
    refuse("server a key 4294967296", 14, "\"4294967296\"");
    refuse("server a minstratum 16", 21, "\"16\"");
    refuse("server a maxdelay 0", 19, "\"0\"");
    refuse("server a maxdelay -1", 19, "\"-1\"");
    refuse("server a maxdelay 1x", 19, "\"1x\"");
    refuse("pool a maxsources 0", 19, "\"0\"");
    refuse("pool a maxsources 17", 19, "\"17\"");
    refuse("server a offset", 16, "the end of the line behind `server`");
    refuse("server a polltarget x", 21, "\"x\"");
}

static void test_names_are_checked(void **state)
{
    (void)state;
    refuse("server", 7, "the end of the line behind `server`");
    refuse("server a_b! iburst", 8, "\"a_b!\"");
    refuse("server 10.0.0.256", 8, "\"10.0.0.256\"");
    refuse("server 0.0.0.0", 8, "\"0.0.0.0\"");
    refuse("server ::", 8, "\"::\"");
    refuse("server 224.0.1.1", 8, "\"224.0.1.1\"");
    refuse("server ff02::101", 8, "\"ff02::101\"");
    refuse("server 127.0.0.1", 8, "\"127.0.0.1\"");
    refuse("server ::1", 8, "\"::1\"");
    refuse("server 127.127.1.0", 8, "\"127.127.1.0\"");
    refuse("server 192.0.2.1 ipv6", 8, "\"192.0.2.1\"");
    refuse("server 2001:db8::1 ipv4", 8, "\"2001:db8::1\"");
    refuse("server a ipv4 ipv6", 1, "\"server\"");
    CHECK_EQ(source("server 192.0.2.1 ipv4")->family, FAMILY_IPV4);
    CHECK_EQ(source("server 2001:db8::1 ipv6")->family, FAMILY_IPV6);
}

static void test_options_are_checked(void **state)
{
    (void)state;
    refuse("server a ibrust", 10, "\"ibrust\"");
    refuse("server a iburst b.example", 17, "\"b.example\"");
    refuse("server a extfield F323", 10, "\"extfield\"");
    refuse("server a # mine", 10, "\"#\"");
    refuse("server a iburst;", 10, "\"iburst;\"");
}

static void test_slips_are_recognised(void **state)
{
    (void)state;
    read_chrony("server a iburst minpol 4\n");
    check_error(0, "chrony.conf:1:17: found \"minpol\", expected an option of "
                   "`server`; is it `minpoll`?");
    read_chrony("local startum 4\n");
    check_error(0, "chrony.conf:1:7: found \"startum\", expected an option of "
                   "`local`; is it `stratum`?");
    read_chrony("pool a frobnicate\n");
    check_error(0, "chrony.conf:1:8: found \"frobnicate\", expected an option "
                   "of `pool`");
}

/* NTS needs somebody to vouch for the server, and has keys of its own. */
static void test_nts_is_checked(void **state)
{
    (void)state;
    refuse("server a iburst nts", 8, "nts without a certificate to trust");
    refuse("server a nts certset 3", 8,
           "nts without a certificate to trust in certset 3");
    refuse("server a nts key 3", 14, "\"key\"");
    refuse("server a nts version 3", 14, "\"version\"");
    refuse("server a nts ntsport 0", 22, "\"0\"");
    refuse("server a nts certset -1", 22, "\"-1\"");
}

/* What is not followed is said, and the rest is taken. */
static void test_options_that_are_not_followed_are_noted(void **state)
{
    static const char *const flags[] = {"auto_offline", "offline"};
    static const char *const numbers[] = {"certset", "minsamples", "ntsport"};
    char line[100];

    (void)state;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        snprintf(line, sizeof(line), "server a %s iburst", flags[i]);
        CHECK(source(line)->ntp.iburst);
        CHECK_EQ(builder.report.notes, 2);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        snprintf(line, sizeof(line), "server a %s 1 iburst", numbers[i]);
        CHECK(source(line)->ntp.iburst);
        CHECK_EQ(builder.report.notes, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_chrony),
        cmocka_unit_test(test_every_option_has_its_field),
        cmocka_unit_test(test_every_tuning_option_has_its_field),
        cmocka_unit_test(test_maxsamples_of_all_is_for_those_that_do_not_say),
        cmocka_unit_test(test_pools_have_four_sources),
        cmocka_unit_test(test_a_source_named_twice_is_one),
        cmocka_unit_test(test_a_peer_is_a_server_and_said_so),
        cmocka_unit_test(test_polls_are_clamped),
        cmocka_unit_test(test_ranges_are_checked),
        cmocka_unit_test(test_names_are_checked),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_slips_are_recognised),
        cmocka_unit_test(test_nts_is_checked),
        cmocka_unit_test(test_options_that_are_not_followed_are_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
