/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what lwIP must not hear, and of what it says too often. */
#include "net/sieve.h"
#include "ntp/bytes.h"
#include "tests/check.h"
#include "tests/frames.h"

static uint8_t data[256];
static struct ip_addr6 source;

/* A request from 192.0.2.7 or 2001:db8::7; returns its length. */
static size_t make(bool ipv6)
{
    static const uint8_t payload[48] = {0x23};
    struct frames_udp u = frames_request(ipv6, payload);

    memset(data, 0xee, sizeof(data));
    return frames_make(data, &u);
}

static bool passes(size_t len)
{
    uint8_t *exact = malloc(len + 1); /* so that reads past it are seen */
    bool result;

    memcpy(exact, data, len);
    result = sieve_passes(exact, len, &source);
    free(exact);
    return result;
}

static size_t tag(size_t len)
{
    return frames_tag(data, len, 5);
}

static void test_what_is_in_order_passes_with_its_source(void **state)
{
    static const uint8_t v4[4] = {192, 0, 2, 7};
    struct ip_addr6 expected = ip_from_v4(v4);

    (void)state;
    CHECK(passes(make(false)));
    CHECK(ip_equal(&source, &expected));
    CHECK(passes(tag(make(false))));
    CHECK(ip_equal(&source, &expected));
    CHECK(passes(make(true)));
    CHECK_EQ(get_u32(source.byte), 0x20010db8);
    CHECK_EQ(source.byte[15], 7);
}

static void test_what_is_not_ip_passes_without_a_source(void **state)
{
    static const struct ip_addr6 none;

    (void)state;
    for (size_t len = 0; len < 34; len++) {
        make(false);
        CHECK(passes(len));
        CHECK(ip_equal(&source, &none));
    }
    make(false);
    put_u16(data + 12, 0x0806);
    CHECK(passes(60));
    CHECK(ip_equal(&source, &none));
}

static void test_sources_that_no_host_has_are_held_back(void **state)
{
    static const uint8_t v4[][4] = {{0, 0, 0, 0},   {127, 0, 0, 1},
                                    {224, 0, 0, 1}, {240, 0, 0, 1},
                                    {0, 1, 2, 3},   {255, 255, 255, 255}};
    static const char *const v6[] = {
        "00000000000000000000000000000000", "00000000000000000000000000000001",
        "ff020000000000000000000000000001", "00000000000000000000ffffc0000207"};

    (void)state;
    for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
        size_t len = make(false);

        memcpy(data + 26, v4[i], 4);
        CHECK(!passes(len));
        CHECK(!passes(tag(len)));
    }
    for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
        size_t len = make(true);

        check_hex(v6[i], data + 22, 16);
        CHECK(!passes(len));
        CHECK(!passes(tag(len)));
    }
}

static void test_a_probe_for_an_address_has_no_source(void **state)
{
    size_t len = make(true);

    (void)state;
    memset(data + 22, 0, 16);
    data[20] = 58;
    data[54] = 135;
    CHECK(passes(len));
    data[54] = 128;
    CHECK(!passes(len));
    CHECK(!passes(54));
}

static void test_unicast_in_a_frame_to_a_group_is_held_back(void **state)
{
    size_t len;

    (void)state;
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        len = make(ipv6);
        memset(data, 0xff, 6);
        CHECK(!passes(len));
        memset(data, 0x03, 6);
        CHECK(!passes(len));
        CHECK(!passes(tag(len)));
    }
    len = make(false);
    data[0] = 0x01;
    data[30] = 224;
    CHECK(passes(len));
    memset(data + 30, 0xff, 4);
    CHECK(passes(len));
    len = make(true);
    data[0] = 0x33;
    data[38] = 0xff;
    CHECK(passes(len));
}

static void test_an_answer_of_dhcp_may_be_broadcast(void **state)
{
    size_t len = make(false);

    (void)state;
    memset(data, 0xff, 6);
    put_u16(data + 36, 68);
    CHECK(passes(len));
    CHECK(!passes(37)); /* cut off amid the port */
    data[23] = 6;
    CHECK(!passes(len));
}

/* A request with these options. */
static size_t with_options(const char *hex)
{
    size_t len = make(false);
    size_t n = check_hex(hex, data + 128, 64);

    memmove(data + 34 + n, data + 34, len - 34);
    memcpy(data + 34, data + 128, n);
    data[14] = (uint8_t)(0x45 + n / 4);
    return len + n;
}

static void test_options_that_do_no_harm_pass(void **state)
{
    static const char *const good[] = {"01010101", "00000000",
                                       "00ffffff", "94040000",
                                       "1e020000", "44080500 00000000"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(passes(with_options(good[i])));
}

static void test_source_routes_and_broken_options_are_held_back(void **state)
{
    static const char *const bad[] = {"83070400 00000000", "89070800 00000000",
                                      "01830704 00000000", "1e000000",
                                      "1e010000",          "1e050000",
                                      "1eff0000",          "0101011e"};
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!passes(with_options(bad[i])));
    /* The header is longer than the frame, or shorter than any. */
    len = make(false);
    data[14] = 0x4f;
    CHECK(!passes(60));
    data[14] = 0x44;
    CHECK(!passes(len));
}

static void test_errors_are_told_from_answers(void **state)
{
    static const uint8_t errors4[] = {3, 4, 11, 12};
    static const uint8_t others4[] = {0, 8, 13, 14};

    (void)state;
    size_t len = make(false);
    CHECK(!sieve_is_error(data, len));
    data[23] = 1;
    for (size_t i = 0; i < 4; i++) {
        data[34] = errors4[i];
        CHECK(sieve_is_error(data, len));
        data[34] = others4[i];
        CHECK(!sieve_is_error(data, len));
    }
    data[34] = 3;
    CHECK(!sieve_is_error(data, 34));
    put_u16(data + 20, 1); /* a later fragment has no type */
    CHECK(!sieve_is_error(data, len));

    len = make(true);
    data[54] = 1;
    CHECK(!sieve_is_error(data, len));
    data[20] = 58;
    CHECK(sieve_is_error(data, len));
    CHECK(!sieve_is_error(data, 54));
    data[54] = 127;
    CHECK(sieve_is_error(data, len));
    data[54] = 128;
    CHECK(!sieve_is_error(data, len));
}

static void test_any_bytes_at_all_are_taken(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t len = check_random_below(&random, 100);
        size_t at = check_random_below(&random, 60);

        check_random_bytes(&random, data, len);
        if (i % 2 == 0 && at < len) {
            make(i % 4 == 0);
            data[at] = (uint8_t)check_random_below(&random, 256);
        }
        (void)passes(len);
        (void)sieve_is_error(data, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_in_order_passes_with_its_source),
        cmocka_unit_test(test_what_is_not_ip_passes_without_a_source),
        cmocka_unit_test(test_sources_that_no_host_has_are_held_back),
        cmocka_unit_test(test_a_probe_for_an_address_has_no_source),
        cmocka_unit_test(test_unicast_in_a_frame_to_a_group_is_held_back),
        cmocka_unit_test(test_an_answer_of_dhcp_may_be_broadcast),
        cmocka_unit_test(test_options_that_do_no_harm_pass),
        cmocka_unit_test(test_source_routes_and_broken_options_are_held_back),
        cmocka_unit_test(test_errors_are_told_from_answers),
        cmocka_unit_test(test_any_bytes_at_all_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
