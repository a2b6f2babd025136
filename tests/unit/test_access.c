/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of allow and deny. */
#include "ntp/access.h"
#include "tests/check.h"

#include <arpa/inet.h>

static struct access rules;

static struct ip_addr6 ip(const char *text)
{
    struct ip_addr6 a;
    uint8_t v4[4];

    if (inet_pton(AF_INET, text, v4) == 1)
        return ip_from_v4(v4);
    CHECK(inet_pton(AF_INET6, text, a.byte) == 1);
    return a;
}

/* `bits` as in a configuration, after an address of its own family. */
static void add(const char *text, int bits, bool allow, bool all)
{
    struct ip_addr6 prefix = ip(text);

    CHECK(access_add(&rules, &prefix,
                     (uint8_t)(ip_is_v4(&prefix) ? 96 + bits : bits), allow,
                     all));
}

static void allow(const char *text, int bits)
{
    add(text, bits, true, false);
}

static void deny(const char *text, int bits)
{
    add(text, bits, false, false);
}

static bool may(const char *text)
{
    struct ip_addr6 from = ip(text);

    return access_allowed(&rules, &from);
}

static int setup(void **state)
{
    (void)state;
    memset(&rules, 0, sizeof(rules));
    return 0;
}

static void test_nobody_may_without_a_rule(void **state)
{
    (void)state;
    CHECK(!may("10.0.0.1"));
    CHECK(!may("2001:db8::1"));
}

static void test_the_longest_prefix_wins_in_any_order(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        setup(NULL);
        if (order == 0)
            allow("10.0.0.0", 8);
        deny("10.1.0.0", 16);
        allow("10.1.2.3", 32);
        if (order == 1)
            allow("10.0.0.0", 8);

        CHECK(may("10.0.0.1"));
        CHECK(!may("10.1.2.2"));
        CHECK(may("10.1.2.3"));
        CHECK(!may("10.1.2.4"));
        CHECK(!may("11.0.0.1"));
    }
}

static void test_a_prefix_ends_at_its_last_bit(void **state)
{
    (void)state;
    allow("192.168.128.0", 17);
    allow("2001:db8:8000::", 33);
    allow("2001:db9:0:0:8000::", 65);

    CHECK(may("192.168.128.0"));
    CHECK(may("192.168.255.255"));
    CHECK(!may("192.168.127.255"));
    CHECK(!may("192.169.0.0"));
    CHECK(may("2001:db8:8000::"));
    CHECK(may("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
    CHECK(!may("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
    CHECK(may("2001:db9::8000:0:0:0"));
    CHECK(!may("2001:db9::7fff:ffff:ffff:ffff"));
    CHECK(!may("2001:db9:0:1:8000::"));
}

static void test_a_whole_family_is_only_that_family(void **state)
{
    (void)state;
    allow("::", 0);
    CHECK(may("2001:db8::1"));
    CHECK(may("::1"));
    CHECK(!may("10.0.0.1"));

    setup(NULL);
    allow("0.0.0.0", 0);
    CHECK(may("10.0.0.1"));
    CHECK(!may("2001:db8::1"));
}

static void test_the_same_prefix_again_replaces(void **state)
{
    (void)state;
    allow("10.0.0.0", 8);
    deny("10.9.9.9", 8);
    CHECK_EQ(rules.count, 1);
    CHECK(!may("10.0.0.1"));
    allow("10.0.0.0", 8);
    CHECK_EQ(rules.count, 1);
    CHECK(may("10.0.0.1"));
}

static void test_all_forgets_what_is_more_specific(void **state)
{
    (void)state;
    allow("10.1.0.0", 16);
    allow("10.1.2.0", 24);
    allow("11.0.0.0", 8);
    allow("2001:db8::", 32);
    add("10.0.0.0", 8, false, true);

    CHECK(!may("10.1.2.3"));
    CHECK(!may("10.2.0.0"));
    CHECK(may("11.0.0.1"));
    CHECK(may("2001:db8::1"));

    allow("10.1.2.3", 32);
    CHECK(may("10.1.2.3"));
}

static void test_all_of_one_family_leaves_the_other(void **state)
{
    (void)state;
    allow("10.0.0.0", 8);
    allow("2001:db8::", 32);
    add("::", 0, false, true);
    CHECK(may("10.0.0.1"));
    CHECK(!may("2001:db8::1"));

    allow("2001:db8::", 32);
    add("0.0.0.0", 0, false, true);
    CHECK(!may("10.0.0.1"));
    CHECK(may("2001:db8::1"));
}

static void test_a_full_table_says_so(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ACCESS_RULES_MAX; i++) {
        uint8_t v4[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};
        struct ip_addr6 a = ip_from_v4(v4);

        CHECK(access_add(&rules, &a, 128, true, false));
    }
    struct ip_addr6 more = ip("11.0.0.1");
    struct ip_addr6 there = ip("10.0.0.7");

    CHECK(!access_add(&rules, &more, 128, true, false));
    CHECK(access_add(&rules, &there, 128, false, false));
    CHECK(!may("10.0.0.7"));
    CHECK(may("10.0.0.8"));
    CHECK(!may("11.0.0.1"));
}

/* The rules as they were given, asked one by one. */
static struct access_rule given[64];

static bool covers(const struct access_rule *rule, const struct ip_addr6 *a)
{
    for (unsigned i = 0; i < rule->bits; i++) {
        if ((rule->prefix.byte[i / 8] ^ a->byte[i / 8]) >> (7 - i % 8) & 1)
            return false;
    }
    return true;
}

static bool naive_allowed(int n, const struct ip_addr6 *a)
{
    int longest = -1;
    bool answer = false;

    for (int i = 0; i < n; i++) {
        if (covers(&given[i], a) && given[i].bits >= longest) {
            longest = given[i].bits;
            answer = given[i].allow;
        }
    }
    return answer;
}

static void test_random_rules_do_as_they_say(void **state)
{
    struct check_random random = check_random_start();
    int yes = 0;

    (void)state;
    for (int round = 0; round < 300; round++) {
        setup(NULL);
        for (int i = 0; i < 64; i++) {
            /* Few addresses, so that prefixes lie in each other. */
            struct access_rule *r = &given[i];

            memset(r, 0, sizeof(*r));
            r->prefix.byte[0] = 0x20;
            r->prefix.byte[7] = (uint8_t)check_random_below(&random, 4);
            r->prefix.byte[8] = (uint8_t)(check_random(&random) & 0xc0);
            r->prefix.byte[15] = (uint8_t)check_random_below(&random, 4);
            r->bits = (uint8_t)check_random_below(&random, 129);
            r->allow = check_random_below(&random, 2);
            CHECK(access_add(&rules, &r->prefix, r->bits, r->allow, false));
        }
        for (int i = 0; i < 64; i++) {
            struct ip_addr6 a = given[i].prefix;

            a.byte[check_random_below(&random, 16)] ^=
                (uint8_t)(1 << check_random_below(&random, 8));
            CHECK_EQ(access_allowed(&rules, &a), naive_allowed(64, &a));
            yes += access_allowed(&rules, &a);
        }
    }
    CHECK(yes > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody_may_without_a_rule, setup),
        cmocka_unit_test_setup(test_the_longest_prefix_wins_in_any_order,
                               setup),
        cmocka_unit_test_setup(test_a_prefix_ends_at_its_last_bit, setup),
        cmocka_unit_test_setup(test_a_whole_family_is_only_that_family, setup),
        cmocka_unit_test_setup(test_the_same_prefix_again_replaces, setup),
        cmocka_unit_test_setup(test_all_forgets_what_is_more_specific, setup),
        cmocka_unit_test_setup(test_all_of_one_family_leaves_the_other, setup),
        cmocka_unit_test_setup(test_a_full_table_says_so, setup),
        cmocka_unit_test(test_random_rules_do_as_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
