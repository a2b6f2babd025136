/* SPDX-License-Identifier: BSD-2-Clause */
/* `allow` and `deny`, as chrony means them. */
#include "tests/config_read.h"

static void test_no_argument_is_everybody(void **state)
{
    const struct config *c = accept("allow\n");

    (void)state;
    CHECK(may_ask(c, "8.8.8.8"));
    CHECK(may_ask(c, "2001:db8::1"));
    c = accept("allow\ndeny all\n");
    CHECK(!may_ask(c, "8.8.8.8"));
    CHECK(!may_ask(c, "2001:db8::1"));
}

static void test_networks_may_be_in_part(void **state)
{
    const struct config *c =
        accept("ALLOW 10\nallow 192.168\nallow 172.16/12\n");

    (void)state;
    CHECK(may_ask(c, "10.255.0.1"));
    CHECK(may_ask(c, "192.168.9.9"));
    CHECK(may_ask(c, "172.31.0.1"));
    CHECK(!may_ask(c, "11.0.0.1"));
    CHECK(!may_ask(c, "192.169.0.1"));
    CHECK(!may_ask(c, "172.32.0.1"));
    CHECK(!may_ask(c, "2001:db8::1"));
}

/* The more specific network decides, in whichever order they come. */
static void test_the_longest_prefix_decides(void **state)
{
    const struct config *c = accept("deny 10.1.2.0/24\nallow 10.0.0.0/8\n");

    (void)state;
    CHECK(may_ask(c, "10.1.1.1"));
    CHECK(!may_ask(c, "10.1.2.1"));
    c = accept("allow 2001:db8::/32\ndeny 2001:db8:1::/48\n");
    CHECK(may_ask(c, "2001:db8:2::1"));
    CHECK(!may_ask(c, "2001:db8:1::1"));
}

/* `all` takes back what was said of parts before, not after. */
static void test_all_removes_earlier_parts(void **state)
{
    const struct config *c = accept("deny 10.1\nallow all 10\n");

    (void)state;
    CHECK(may_ask(c, "10.1.0.1"));
    c = accept("allow all 10\ndeny 10.1\n");
    CHECK(!may_ask(c, "10.1.0.1"));
    c = accept("deny 10.1\nallow all\n");
    CHECK(may_ask(c, "10.1.0.1"));
}

/* One family says nothing about the other. */
static void test_families_are_apart(void **state)
{
    const struct config *c = accept("allow ::/0\n");

    (void)state;
    CHECK(may_ask(c, "2001:db8::1"));
    CHECK(!may_ask(c, "10.0.0.1"));
    c = accept("allow 0/0\n");
    CHECK(!may_ask(c, "2001:db8::1"));
    CHECK(may_ask(c, "10.0.0.1"));
    c = accept("deny 10.1\nallow all ::/0\nallow 10\n");
    CHECK(!may_ask(c, "10.1.0.1"));
}

/* A deny alone leaves nobody, as in chrony: the default is to deny. */
static void test_deny_alone_allows_nobody(void **state)
{
    const struct config *c = accept("deny 10.1\n");

    (void)state;
    CHECK(!may_ask(c, "10.2.0.1"));
    CHECK(!may_ask(c, "192.168.0.1"));
}

static void test_names_are_refused(void **state)
{
    static const char *const words[] = {
        "host.example", "10.0.0.0/33", "10.", "all all", "10/8 11/8", "::/129"};
    char line[100];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(line, sizeof(line), "deny %s\n", words[i]);
        CHECK(read_chrony(line)->refused);
        CHECK_EQ(builder.report.errors, 1);
    }
}

/* What concerns chronyc is checked, noted, and changes nothing. */
static void test_command_access_is_noted(void **state)
{
    const struct config *c = accept("allow 10\ncmdallow all\ncmddeny 10.1\n");

    (void)state;
    CHECK(!may_ask(c, "8.8.8.8"));
    CHECK(may_ask(c, "10.1.0.1"));
    check_note("chrony.conf:2:1: \"cmdallow all\"");
    check_note("chrony.conf:3:1: \"cmddeny 10.1\"");
    CHECK(read_chrony("cmdallow host.example\n")->refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_argument_is_everybody),
        cmocka_unit_test(test_networks_may_be_in_part),
        cmocka_unit_test(test_the_longest_prefix_decides),
        cmocka_unit_test(test_all_removes_earlier_parts),
        cmocka_unit_test(test_families_are_apart),
        cmocka_unit_test(test_deny_alone_allows_nobody),
        cmocka_unit_test(test_names_are_refused),
        cmocka_unit_test(test_command_access_is_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
