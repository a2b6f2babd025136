/* SPDX-License-Identifier: BSD-2-Clause */
/* Words as numbers, addresses, networks and names. */
#include "boot/config_value.h"
#include "tests/check.h"

#include <arpa/inet.h>

#define NONE INT64_MIN /* it is no number */

/* Decimal numbers mean what they say, to the last digit that is kept. */
static void test_decimals_are_exact(void **state)
{
    static const struct {
        const char *word;
        unsigned places;
        int64_t value;
    } table[] = {
        {"0", 9, 0},
        {"1", 9, 1000000000},
        {"-5", 9, -5000000000},
        {"+3", 0, 3},
        {"1e-4", 9, 100000},
        {"0.1", 9, 100000000},
        {".5", 3, 500},
        {"5.", 3, 5000},
        {"-0.000000001", 9, -1},
        {"0.0000000004", 9, 0},
        {"0.0000000005", 9, 1},
        {"-0.0000000005", 9, -1},
        {"0.49999", 0, 0},
        {"1.5e-3", 9, 1500000},
        {"1E3", 0, 1000},
        {"1e+3", 0, 1000},
        {"123456789.123456789", 9, 123456789123456789},
        {"0.00000000000000000000000000001e29", 0, 1},
        {"10000000000000000000000000000e-28", 0, 1},
        {"9223372036854775807", 0, INT64_MAX},
        {"9223372036854775808", 0, INT64_MAX},
        {"99999999999999999999999", 0, INT64_MAX},
        {"-99999999999999999999999", 0, -INT64_MAX},
        {"1e99999999999", 9, INT64_MAX},
        {"0e99999999999", 9, 0},
        {"1e-99999999999", 9, 0},
        {"", 9, NONE},
        {".", 9, NONE},
        {"-", 9, NONE},
        {"e5", 9, NONE},
        {"1e", 9, NONE},
        {"1e-", 9, NONE},
        {"1.5s", 9, NONE},
        {"1,5", 9, NONE},
        {"--1", 9, NONE},
        {"1.2.3", 9, NONE},
        {"0x10", 9, NONE},
        {"inf", 9, NONE},
        {"nan", 9, NONE},
        {" 1", 9, NONE},
        {"1 ", 9, NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int64_t value = NONE;
        bool valid =
            value_decimal(word_of(table[i].word), table[i].places, &value);

        CHECK_EQ(valid, table[i].value != NONE);
        CHECK_EQ(value, table[i].value);
    }
}

/* Whole numbers have neither point nor exponent. */
static void test_integers_are_whole(void **state)
{
    static const char *const wrong[] = {"", "1.0", "1e3", "-", "0x1", "1a"};
    int64_t value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!value_integer(word_of(wrong[i]), &value));
    CHECK_EQ(value, 7);
    CHECK(value_integer(word_of("-00012"), &value));
    CHECK_EQ(value, -12);
    CHECK(value_integer(word_of("99999999999999999999"), &value));
    CHECK_EQ(value, INT64_MAX);
}

/* inet_pton() takes the same words for addresses, and finds the same bytes. */
static void check_address(const char *text)
{
    struct ip_addr6 ours = {{0}}, theirs = {{0}};
    uint8_t v4[4];
    bool valid = inet_pton(AF_INET6, text, theirs.byte) == 1;

    if (!valid && inet_pton(AF_INET, text, v4) == 1) {
        theirs = ip_from_v4(v4);
        valid = true;
    }
    if (value_address(word_of(text), &ours) != valid)
        fail_msg("%s: inet_pton says %d", text, valid);
    if (valid && !ip_equal(&ours, &theirs))
        fail_msg("%s: another address", text);
}

static void test_addresses_are_what_inet_pton_says(void **state)
{
    static const char *const table[] = {
        "1.2.3.4",
        "255.255.255.255",
        "0.0.0.0",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.00",
        "1..2.3",
        "1.2.3.",
        ".1.2.3",
        "1.2.3.4 ",
        "a.b.c.d",
        "::",
        "::1",
        "1::",
        "1::2",
        ":::",
        "1:::2",
        "1::2::3",
        ":1",
        "1:",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "1::3:4:5:6:7:8",
        "1:2:3::4:5:6:7:8",
        "12345::",
        "fe80::1%eth0",
        "FE80::abCD",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1.2.3.4::",
        "::1.2.3",
        "::1.2.3.4:5",
        "::1.2.3.256",
        "g::",
        "",
        ":",
        "1",
        "abcd",
        "1:2",
        "::1/64",
        "2001:db8::10.1.2.3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        check_address(table[i]);
}

/* So for words made at random of what addresses are made of. */
static void test_random_addresses_are_what_inet_pton_says(void **state)
{
    static const char parts[] = "0123456789abcdef::::::::::....";
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[24];
        size_t len = check_random_below(&random, sizeof(text));

        for (size_t j = 0; j < len; j++)
            text[j] = parts[check_random_below(&random, sizeof(parts) - 1)];
        text[len] = 0;
        check_address(text);
    }
}

/* A network is shown as chrony understands it: masked, and IPv4 in part. */
static void test_networks_may_be_in_part(void **state)
{
    static const struct {
        const char *word;
        const char *prefix; /* NULL: no network */
        uint8_t bits;
    } table[] = {
        {"10.0.0.0/8", "::ffff:10.0.0.0", 104},
        {"10", "::ffff:10.0.0.0", 104},
        {"10.1", "::ffff:10.1.0.0", 112},
        {"10.1.2", "::ffff:10.1.2.0", 120},
        {"10.1.2.3", "::ffff:10.1.2.3", 128},
        {"10.1/16", "::ffff:10.1.0.0", 112},
        {"10/24", "::ffff:10.0.0.0", 120},
        {"10.1.2.3/8", "::ffff:10.0.0.0", 104},
        {"10.1.2.3/31", "::ffff:10.1.2.2", 127},
        {"0/0", "::ffff:0.0.0.0", 96},
        {"::/0", "::", 0},
        {"2001:db8::1/32", "2001:db8::", 32},
        {"2001:db8::1", "2001:db8::1", 128},
        {"2001:db8:ffff::/33", "2001:db8:8000::", 33},
        {"10.0.0.0/33", NULL, 0},
        {"::/129", NULL, 0},
        {"10.0.0.0/", NULL, 0},
        {"10.0.0.0/8x", NULL, 0},
        {"10.0.0.0/-1", NULL, 0},
        {"10.0.0.0/8/8", NULL, 0},
        {"10./8", NULL, 0},
        {"256", NULL, 0},
        {"/8", NULL, 0},
        {"", NULL, 0},
        {"host", NULL, 0},
        {"10.0.0.0.0", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ip_addr6 prefix, expected;
        uint8_t bits = 0;
        bool valid = value_network(word_of(table[i].word), &prefix, &bits);

        CHECK_EQ(valid, table[i].prefix != NULL);
        CHECK_EQ(bits, table[i].bits);
        if (!valid)
            continue;
        CHECK_EQ(inet_pton(AF_INET6, table[i].prefix, expected.byte), 1);
        CHECK(ip_equal(&prefix, &expected));
    }
}

/* An interface keeps its host bits, and has to say its network's length. */
static void test_an_interface_keeps_its_host_bits(void **state)
{
    struct ip_addr6 a;
    uint8_t bits;

    (void)state;
    CHECK(value_interface(word_of("10.0.2.15/24"), &a, &bits));
    CHECK_EQ(bits, 120);
    CHECK_EQ(a.byte[15], 15);
    CHECK(value_interface(word_of("2001:db8::5/64"), &a, &bits));
    CHECK_EQ(bits, 64);
    CHECK_EQ(a.byte[15], 5);
    CHECK(!value_interface(word_of("10.0.2.15"), &a, &bits));
    CHECK(!value_interface(word_of("10.0.2/24"), &a, &bits));
    CHECK(!value_interface(word_of("10.0.2.15/33"), &a, &bits));
}

static void test_in_network_compares_leading_bits(void **state)
{
    struct ip_addr6 a, prefix;
    uint8_t bits;

    (void)state;
    CHECK(value_network(word_of("10.1.2.0/23"), &prefix, &bits));
    CHECK(value_address(word_of("10.1.3.255"), &a));
    CHECK(value_in_network(&a, &prefix, bits));
    CHECK(value_address(word_of("10.1.4.0"), &a));
    CHECK(!value_in_network(&a, &prefix, bits));
    CHECK(value_in_network(&a, &prefix, 0));
    CHECK(value_in_network(&prefix, &prefix, 128));
}

static bool is_name(const char *text)
{
    return value_host_name(word_of(text));
}

static void test_host_names_are_of_labels(void **state)
{
    char label[65], name[260];

    (void)state;
    CHECK(is_name("a"));
    CHECK(is_name("2.debian.pool.ntp.org"));
    CHECK(is_name("time.example."));
    CHECK(is_name("_ntp._udp.example"));
    CHECK(is_name("3com"));
    CHECK(!is_name(""));
    CHECK(!is_name("."));
    CHECK(!is_name("a..b"));
    CHECK(!is_name("-a"));
    CHECK(!is_name("a-"));
    CHECK(!is_name("a b"));
    CHECK(!is_name("a/b"));
    CHECK(!is_name("10.0.0.256"));
    CHECK(!is_name("10.0.0.99999999999999999999"));
    CHECK(!is_name("\xc3\xa9.example"));

    memset(label, 'a', 64);
    label[64] = 0;
    CHECK(!is_name(label));
    label[63] = 0;
    CHECK(is_name(label));

    memset(name, 0, sizeof(name));
    for (int i = 0; i < 127; i++)
        memcpy(name + 2 * i, "a.", 2);
    name[253] = 0;
    CHECK(is_name(name));
    name[253] = '.';
    CHECK(!is_name(name));
}

/* What packets cannot be sent to is no host. */
static void test_unicast_is_what_one_host_has(void **state)
{
    static const struct {
        const char *text;
        bool unicast, loopback, unspecified;
    } table[] = {
        {"192.0.2.1", true, false, false},
        {"127.0.0.1", true, true, false},
        {"0.0.0.0", false, false, true},
        {"0.1.2.3", false, false, false},
        {"224.0.1.1", false, false, false},
        {"255.255.255.255", false, false, false},
        {"2001:db8::1", true, false, false},
        {"::1", true, true, false},
        {"::", false, false, true},
        {"ff02::101", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ip_addr6 a;

        CHECK(value_address(word_of(table[i].text), &a));
        CHECK_EQ(value_is_unicast(&a), table[i].unicast);
        CHECK_EQ(value_is_loopback(&a), table[i].loopback);
        CHECK_EQ(value_is_unspecified(&a), table[i].unspecified);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals_are_exact),
        cmocka_unit_test(test_integers_are_whole),
        cmocka_unit_test(test_addresses_are_what_inet_pton_says),
        cmocka_unit_test(test_random_addresses_are_what_inet_pton_says),
        cmocka_unit_test(test_networks_may_be_in_part),
        cmocka_unit_test(test_an_interface_keeps_its_host_bits),
        cmocka_unit_test(test_in_network_compares_leading_bits),
        cmocka_unit_test(test_host_names_are_of_labels),
        cmocka_unit_test(test_unicast_is_what_one_host_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
