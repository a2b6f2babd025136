/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of addresses as people write them. */
#include "net/addr_text.h"
#include "tests/check.h"

#include <arpa/inet.h>

static void test_addresses_are_written_as_rfc_5952_wants(void **state)
{
    static const char *table[] = {
        "::",
        "::1",
        "1::",
        "2001:db8::1",
        "2001:db8:0:1:1:1:1:1",
        "2001:0:0:1::1",
        "2001:db8::1:0:0:1",
        "fe80::5054:ff:fe12:3456",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6::",
        "::3:4:5:6:7:8",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "::ffff:0:1:2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ip_addr6 addr;

        CHECK_EQ(inet_pton(AF_INET6, table[i], addr.byte), 1);
        CHECK_TEXT(addr_text(&addr).text, table[i]);
    }
}

static void test_ipv4_is_dotted(void **state)
{
    static const char *table[] = {"0.0.0.0", "10.0.2.15", "192.0.2.100",
                                  "255.255.255.255"};

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ip_addr6 addr;
        uint8_t v4[4];

        CHECK_EQ(inet_pton(AF_INET, table[i], v4), 1);
        addr = ip_from_v4(v4);
        CHECK_TEXT(addr_text(&addr).text, table[i]);
    }
}

static void test_what_is_written_can_be_read(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct ip_addr6 addr, back;
        char libc[INET6_ADDRSTRLEN];

        for (int k = 0; k < 16; k += 2) {
            uint64_t kind = check_random_below(&random, 3);

            addr.byte[k] = kind > 1 ? (uint8_t)check_random(&random) : 0;
            addr.byte[k + 1] = kind > 0 ? (uint8_t)check_random(&random) : 0;
        }
        if (addr.byte[0] == 0)
            continue; /* libc writes some of those with dots */
        CHECK_EQ(inet_pton(AF_INET6, addr_text(&addr).text, back.byte), 1);
        CHECK_BYTES(addr.byte, back.byte, 16);
        inet_ntop(AF_INET6, addr.byte, libc, sizeof(libc));
        CHECK_TEXT(addr_text(&addr).text, libc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_written_as_rfc_5952_wants),
        cmocka_unit_test(test_ipv4_is_dotted),
        cmocka_unit_test(test_what_is_written_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
