/* SPDX-License-Identifier: BSD-2-Clause */
/* A look into a client's hello. */
#include "ntp/bytes.h"
#include "net/tls_hello.h"
#include "tests/check.h"

#define CHACHA 0x1303
#define RANDOM 32

/* A hello with these suites, and `behind` more bytes; returns its length. */
static size_t make(uint8_t *out, const uint16_t *suites, unsigned count,
                   size_t session, size_t behind)
{
    size_t body = 2 + RANDOM + 1 + session + 2 + 2 * count + behind;
    size_t at = 0;

    memset(out, 0, 9 + body);
    out[at++] = 22;
    put_u16(out + at, 0x0301);
    put_u16(out + at + 2, (uint16_t)(4 + body));
    at += 4;
    out[at++] = 1;
    out[at++] = 0;
    put_u16(out + at, (uint16_t)body);
    put_u16(out + at + 2, 0x0303);
    at += 4 + RANDOM;
    out[at++] = (uint8_t)session;
    at += session;
    put_u16(out + at, (uint16_t)(2 * count));
    at += 2;
    for (unsigned i = 0; i < count; i++, at += 2)
        put_u16(out + at, suites[i]);
    return at + behind;
}

static void test_suite_is_found_wherever_it_stands(void **state)
{
    static const uint16_t suites[] = {0x1302, 0x1301, 0x1303, 0x00ff};
    uint8_t hello[512];

    (void)state;
    for (size_t session = 0; session <= 32; session += 32) {
        size_t len = make(hello, suites, 4, session, 100);

        for (unsigned i = 0; i < 4; i++)
            CHECK_EQ(tls_hello_offers(hello, len, suites[i]),
                     TLS_HELLO_OFFERED);
        CHECK_EQ(tls_hello_offers(hello, len, 0x1304), TLS_HELLO_OTHER);
        CHECK_EQ(tls_hello_offers(hello, len, 0x0213), TLS_HELLO_OTHER);
    }
}

static void test_prefix_asks_for_more_until_the_suites_are_there(void **state)
{
    static const uint16_t suites[] = {0x1301, 0x1303};
    uint8_t hello[512];
    size_t len = make(hello, suites, 2, 32, 100);

    (void)state;
    for (size_t n = 0; n < len; n++)
        CHECK_EQ(tls_hello_offers(hello, n, CHACHA),
                 n < len - 100 ? TLS_HELLO_MORE : TLS_HELLO_OFFERED);
}

static void test_what_is_no_hello_is_told_by_its_first_bytes(void **state)
{
    static const uint16_t suites[] = {0x1303};
    uint8_t hello[512];
    size_t len = make(hello, suites, 1, 0, 0);

    (void)state;
    hello[0] = 23;
    CHECK_EQ(tls_hello_offers(hello, 1, CHACHA), TLS_HELLO_OTHER);
    hello[0] = 22;
    hello[5] = 2;
    CHECK_EQ(tls_hello_offers(hello, len, CHACHA), TLS_HELLO_OTHER);
}

/* Whoever cuts his hello into such records gets what he likes best. */
static void test_hello_is_not_followed_into_a_second_record(void **state)
{
    static const uint16_t suites[] = {0x1301, 0x1303};
    uint8_t hello[512];
    size_t len = make(hello, suites, 2, 0, 0);

    (void)state;
    put_u16(hello + 3, 20);
    CHECK_EQ(tls_hello_offers(hello, len, CHACHA), TLS_HELLO_OTHER);
    CHECK_EQ(tls_hello_offers(hello, 24, CHACHA), TLS_HELLO_MORE);
}

static void test_odd_suites_are_read_as_far_as_they_go(void **state)
{
    static const uint16_t suites[] = {0x1301, 0x1303};
    uint8_t hello[512];
    size_t len = make(hello, suites, 2, 0, 10);

    (void)state;
    put_u16(hello + 9 + 2 + RANDOM + 1, 3);
    CHECK_EQ(tls_hello_offers(hello, len, CHACHA), TLS_HELLO_OTHER);
    put_u16(hello + 9 + 2 + RANDOM + 1, 5);
    CHECK_EQ(tls_hello_offers(hello, len, CHACHA), TLS_HELLO_OFFERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suite_is_found_wherever_it_stands),
        cmocka_unit_test(test_prefix_asks_for_more_until_the_suites_are_there),
        cmocka_unit_test(test_what_is_no_hello_is_told_by_its_first_bytes),
        cmocka_unit_test(test_hello_is_not_followed_into_a_second_record),
        cmocka_unit_test(test_odd_suites_are_read_as_far_as_they_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
