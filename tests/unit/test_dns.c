/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of DNS messages: what is asked, and which answers are believed. */
#include "net/dns.h"
#include "ntp/bytes.h"
#include "tests/check.h"

static const struct dns_question ask_a = {0x1234, DNS_TYPE_A, "ntp.Example"};
static const struct dns_question ask_aaaa = {0x1234, DNS_TYPE_AAAA,
                                             "ntp.example."};

/* Header of a reply: id, flags, one question, so many answers. */
#define HEAD(flags, answers) "1234" flags "0001" answers "0000 0000"
#define NAME                 "03 6e7470 07 6578616d706c65 00"
#define QUESTION             NAME "0001 0001"
#define A(last)              "c00c 0001 0001 00000e10 0004 c00002" last

static uint8_t data[4096];
static struct dns_addrs addrs;

static enum dns_result reply(const char *hex)
{
    uint8_t *exact;
    enum dns_result result;
    size_t len = check_hex(hex, data, sizeof(data));

    memset(&addrs, 0, sizeof(addrs));
    exact = malloc(len + 1); /* so that reads past the end are seen */
    memcpy(exact, data, len);
    result = dns_reply(&ask_a, exact, len, &addrs);
    free(exact);
    return result;
}

static void test_a_question_is_written_as_the_rfc_shows(void **state)
{
    uint8_t expected[64], out[DNS_MESSAGE_MAX];
    size_t len = check_hex("1234 0100 0001 0000 0000 0000"
                           "03 6e7470 07 6578616d706c65 00 001c 0001",
                           expected, sizeof(expected));

    (void)state;
    CHECK_EQ(dns_query(&ask_aaaa, out), len);
    CHECK_BYTES(out, expected, len);
}

static void test_what_cannot_be_a_name_is_not_asked(void **state)
{
    uint8_t out[DNS_MESSAGE_MAX];
    char name[300];
    struct dns_question q = {1, DNS_TYPE_A, name};

    (void)state;
    strcpy(name, "");
    CHECK_EQ(dns_query(&q, out), 0);
    strcpy(name, ".");
    CHECK_EQ(dns_query(&q, out), 0);
    strcpy(name, "a..b");
    CHECK_EQ(dns_query(&q, out), 0);
    memset(name, 'x', 64);
    name[64] = '\0';
    CHECK_EQ(dns_query(&q, out), 0);
    name[63] = '\0';
    CHECK(dns_query(&q, out) > 0);
    /* 253 characters are the most: 255 bytes on the wire. */
    for (int i = 0; i < 299; i++)
        name[i] = i % 2 ? '.' : 'a';
    name[255] = '\0';
    CHECK_EQ(dns_query(&q, out), 0);
    name[253] = '\0';
    CHECK_EQ(dns_query(&q, out), 12 + 255 + 4);
}

static void test_all_addresses_are_taken(void **state)
{
    (void)state;
    CHECK_EQ(reply(HEAD("8180", "0003") QUESTION A("01") A("02") A("03")),
             DNS_OK);
    CHECK_EQ(addrs.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(ip_is_v4(&addrs.addr[i]));
        CHECK_EQ(get_u32(addrs.addr[i].byte + 12), 0xc0000201 + i);
    }
}

static void test_more_addresses_than_fit_are_left_out(void **state)
{
    char hex[2048] = HEAD("8180", "0014") QUESTION;

    (void)state;
    for (int i = 0; i < 20; i++)
        strcat(hex, A("05"));
    CHECK_EQ(reply(hex), DNS_OK);
    CHECK_EQ(addrs.count, DNS_ADDRS_MAX);
}

static void test_ipv6_addresses_are_taken(void **state)
{
    size_t len =
        check_hex(HEAD("8180", "0002") NAME "001c 0001"
                                            "c00c 001c 0001 00000000 0010"
                                            "20010db8000000000000000000000001"
                                            "c00c 001c 0001 00000000 0010"
                                            "00000000000000000000ffff0a000001",
                  data, sizeof(data));

    (void)state;
    CHECK_EQ(dns_reply(&ask_aaaa, data, len, &addrs), DNS_OK);
    CHECK_EQ(addrs.count, 1); /* the other is IPv4 in IPv6's clothes */
    CHECK_EQ(addrs.addr[0].byte[0], 0x20);
    CHECK_EQ(addrs.addr[0].byte[15], 1);
}

static void test_aliases_are_followed(void **state)
{
    (void)state;
    CHECK_EQ(reply(HEAD("8180", "0003") QUESTION
                   "c00c 0005 0001 00000000 0004 01 61 c010" /* a.example */
                   "c029 0001 0001 00000000 0004 c0000209"   /* its address */
                   "01 62 c010 0001 0001 00000000 0004 c00002ff"), /* b's */
             DNS_OK);
    CHECK_EQ(addrs.count, 1);
    CHECK_EQ(addrs.addr[0].byte[15], 9);
}

static void test_addresses_of_another_name_are_not_ours(void **state)
{
    (void)state;
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "04 6576696c 00 0001 0001 00000000 0004 c0000201"),
             DNS_NO_ADDR);
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "c00c 0001 0003 00000000 0004 c0000201"),
             DNS_NO_ADDR); /* of another class */
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "c00c 001c 0001 00000000 0010"
                   "20010db8000000000000000000000001"),
             DNS_NO_ADDR); /* of another type */
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "c00c 0001 0001 00000000 0003 c00002"),
             DNS_NO_ADDR); /* of an impossible length */
}

static void test_case_does_not_matter(void **state)
{
    (void)state;
    CHECK_EQ(reply(HEAD("8180", "0001") "03 4e5450 07 4558414d504c45 00"
                                        "0001 0001" A("01")),
             DNS_OK);
}

static void test_what_answers_another_question_is_ignored(void **state)
{
    (void)state;
    CHECK_EQ(reply(""), DNS_IGNORED);
    CHECK_EQ(reply("1235 8180 0001 0001 0000 0000" QUESTION A("01")),
             DNS_IGNORED);
    CHECK_EQ(reply(HEAD("0100", "0001") QUESTION A("01")), DNS_IGNORED);
    CHECK_EQ(reply(HEAD("9980", "0001") QUESTION A("01")), DNS_IGNORED);
    CHECK_EQ(reply("1234 8180 0000 0001 0000 0000" A("01")), DNS_IGNORED);
    CHECK_EQ(reply("1234 8180 0002 0001 0000 0000" QUESTION QUESTION A("01")),
             DNS_IGNORED);
    CHECK_EQ(reply(HEAD("8180", "0001") NAME "001c 0001" A("01")), DNS_IGNORED);
    CHECK_EQ(reply(HEAD("8180", "0001") NAME "0001 0003" A("01")), DNS_IGNORED);
    CHECK_EQ(reply(HEAD("8180", "0001") "03 6e7471 07 6578616d706c65 00"
                                        "0001 0001" A("01")),
             DNS_IGNORED);
    CHECK_EQ(reply(HEAD("8180", "0001") "0000"), DNS_IGNORED);
}

static void test_refusals_are_told_apart(void **state)
{
    (void)state;
    CHECK_EQ(reply(HEAD("8183", "0000") QUESTION), DNS_NO_NAME);
    CHECK_EQ(reply(HEAD("8180", "0000") QUESTION), DNS_NO_ADDR);
    CHECK_EQ(reply(HEAD("8182", "0000") QUESTION), DNS_FAILED);
    CHECK_EQ(reply(HEAD("8185", "0001") QUESTION A("01")), DNS_FAILED);
}

static void test_what_was_cut_off_is_left_out(void **state)
{
    (void)state;
    /* Three promised, one whole and half of another there. */
    CHECK_EQ(reply(HEAD("8380", "0003") QUESTION A("01") "c00c 0001 00"),
             DNS_OK);
    CHECK_EQ(addrs.count, 1);
    CHECK_EQ(reply(HEAD("8180", "0003") QUESTION "c00c 0001 00"), DNS_FAILED);
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "c00c 0001 0001 00000000 0005 c0000201"),
             DNS_FAILED);
}

static void test_pointers_cannot_lead_astray(void **state)
{
    (void)state;
    /* To itself, forwards, beyond the end, round in a circle, and too long. */
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "c01d 0001 0001 00000000 0004 c0000201"),
             DNS_FAILED);
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "c020 0001 0001 00000000 0004 c0000201"),
             DNS_FAILED);
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "ffff 0001 0001 00000000 0004 c0000201"),
             DNS_FAILED);
    CHECK_EQ(reply(HEAD("8180", "0002") QUESTION
                   "c00c 0005 0001 00000000 0004 01 61 c029"
                   "c029 0001 0001 00000000 0004 c0000201"),
             DNS_FAILED);
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION
                   "40 0001 0001 00000000 0004 c0000201"),
             DNS_FAILED);
    CHECK_EQ(reply(HEAD("8180", "0001") QUESTION "3f 61"), DNS_FAILED);
}

static void test_any_bytes_can_be_read(void **state)
{
    struct check_random random = check_random_start();
    size_t len = check_hex(HEAD("8180", "0003") QUESTION
                           "c00c 0005 0001 00000000 0004 01 61 c010"
                           "c029 0001 0001 00000000 0004 c0000209" A("01"),
                           data, sizeof(data));

    (void)state;
    for (int i = 0; i < 50000; i++) {
        size_t n = check_random_below(&random, len + 1);
        uint8_t *exact = malloc(n + 1);

        memcpy(exact, data, n);
        for (uint64_t k = check_random_below(&random, 4); k > 0 && n > 12; k--)
            exact[12 + check_random_below(&random, n - 12)] =
                (uint8_t)check_random(&random);
        if (dns_reply(&ask_a, exact, n, &addrs) == DNS_OK)
            CHECK(addrs.count >= 1 && addrs.count <= DNS_ADDRS_MAX);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_question_is_written_as_the_rfc_shows),
        cmocka_unit_test(test_what_cannot_be_a_name_is_not_asked),
        cmocka_unit_test(test_all_addresses_are_taken),
        cmocka_unit_test(test_more_addresses_than_fit_are_left_out),
        cmocka_unit_test(test_ipv6_addresses_are_taken),
        cmocka_unit_test(test_aliases_are_followed),
        cmocka_unit_test(test_addresses_of_another_name_are_not_ours),
        cmocka_unit_test(test_case_does_not_matter),
        cmocka_unit_test(test_what_answers_another_question_is_ignored),
        cmocka_unit_test(test_refusals_are_told_apart),
        cmocka_unit_test(test_what_was_cut_off_is_left_out),
        cmocka_unit_test(test_pointers_cannot_lead_astray),
        cmocka_unit_test(test_any_bytes_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
