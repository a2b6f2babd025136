/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of ARP and neighbour discovery: who asks, and what he is told. */
#include "net/neighbour.h"
#include "ntp/bytes.h"
#include "tests/check.h"
#include "tests/frames.h"

static uint8_t data[256];

/* 192.0.2.7 at 52:54:00:aa:bb:cc asks who has 192.0.2.1. */
static const char arp_request[] = "ffffffffffff 525400aabbcc 0806"
                                  "0001 0800 06 04 0001"
                                  "525400aabbcc c0000207"
                                  "000000000000 c0000201";

/* The same in reply, from 192.0.2.1 at 52:54:00:12:34:56. */
static const char arp_reply[] = "525400aabbcc 525400123456 0806"
                                "0001 0800 06 04 0002"
                                "525400123456 c0000201"
                                "525400aabbcc c0000207";

/* 2001:db8::7 asks for 2001:db8::1, saying where it is. */
static const char solicitation[] = "3333ff000001 525400aabbcc 86dd"
                                   "60000000 0020 3a ff"
                                   "20010db8000000000000000000000007"
                                   "ff0200000000000000000001ff000001"
                                   "87 00 0000 00000000"
                                   "20010db8000000000000000000000001"
                                   "01 01 525400aabbcc";

static size_t load(const char *hex)
{
    memset(data, 0xee, sizeof(data));
    return check_hex(hex, data, sizeof(data));
}

/* RFC 4443, 2.3, over `len` bytes of ICMPv6 after an IPv6 header at `ip`. */
static unsigned icmp_sum(const uint8_t *ip, size_t len)
{
    unsigned long sum = 58 + (unsigned long)len;

    for (size_t i = 8; i < 40; i += 2)
        sum += frames_get(ip + i);
    return frames_sum(ip + 40, len, sum);
}

static void fix_sum(size_t at, size_t len)
{
    put_u16(data + at + 42, 0);
    put_u16(data + at + 42, (uint16_t)icmp_sum(data + at, len));
}

static size_t load_solicitation(void)
{
    size_t len = load(solicitation);

    fix_sum(14, 32);
    return len;
}

static size_t tag(size_t len)
{
    return frames_tag(data, len, 0x6005);
}

static void test_an_arp_request_is_answered(void **state)
{
    struct neighbour n;
    uint8_t expected[64];
    size_t len;

    (void)state;
    check_hex(arp_reply, expected, sizeof(expected));
    len = load(arp_request);
    CHECK_EQ(neighbour_parse(&n, data, len + 18), NEIGHBOUR_REQUEST);
    CHECK(!n.ipv6);
    CHECK_BYTES(n.source.byte + 12, expected + 38, 4);
    CHECK_BYTES(n.target.byte + 12, expected + 28, 4);
    CHECK_EQ(neighbour_answer(&n, data, frames_ours), 42);
    CHECK_BYTES(data, expected, 42);
}

static void test_a_tagged_request_is_answered_with_its_tag(void **state)
{
    struct neighbour n;
    size_t len = tag(load(arp_request));

    (void)state;
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_REQUEST);
    CHECK_EQ(neighbour_answer(&n, data, frames_ours), 46);
    CHECK_EQ(get_u32(data + 12), 0x81006005);
    CHECK_EQ(get_u16(data + 16), 0x0806);
    CHECK_EQ(get_u16(data + 24), 2);
}

static void test_an_arp_reply_says_who(void **state)
{
    struct neighbour n;
    size_t len = load(arp_reply);

    (void)state;
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_REPLY);
    CHECK_BYTES(n.target.byte + 12, data + 28, 4);
}

static void test_arp_of_another_shape_is_not_believed(void **state)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } wrong[] = {{15, 6},  {16, 0x86}, {17, 1}, {18, 8},
                 {19, 16}, {20, 1},    {21, 3}, {22, 0xff}};
    struct neighbour n;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t len = load(arp_request);

        data[wrong[i].at] = wrong[i].value;
        CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    }
    for (size_t len = 14; len < 42; len++) {
        load(arp_request);
        CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    }
}

static void test_a_solicitation_is_answered(void **state)
{
    struct neighbour n;
    size_t len = load_solicitation();

    (void)state;
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_REQUEST);
    CHECK(n.ipv6);
    CHECK_EQ(n.target.byte[15], 1);
    CHECK_EQ(n.source.byte[15], 7);
    CHECK_EQ(neighbour_answer(&n, data, frames_ours), 14 + 40 + 32);
    CHECK_BYTES(data, frames_theirs, 6);
    CHECK_BYTES(data + 6, frames_ours, 6);
    CHECK_EQ(get_u16(data + 18), 32);
    CHECK_EQ(data[21], 255);
    CHECK_BYTES(data + 22, n.target.byte, 16);
    CHECK_BYTES(data + 38, n.source.byte, 16);
    CHECK_EQ(data[54], 136);
    CHECK_EQ(data[58], 0x60); /* solicited, override, not a router */
    CHECK_BYTES(data + 62, n.target.byte, 16);
    CHECK_EQ(get_u16(data + 78), 0x0201);
    CHECK_BYTES(data + 80, frames_ours, 6);
    CHECK_EQ(icmp_sum(data + 14, 32), 0);
}

static void test_a_solicitation_without_option_is_answered_too(void **state)
{
    struct neighbour n;
    size_t len = load(solicitation) - 8;

    (void)state;
    put_u16(data + 18, 24);
    fix_sum(14, 24);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_REQUEST);
    CHECK_EQ(neighbour_answer(&n, data, frames_ours), 14 + 40 + 32);
    CHECK_EQ(icmp_sum(data + 14, 32), 0);
}

static void test_other_discovery_is_told_apart(void **state)
{
    struct neighbour n;
    size_t len = load(solicitation);

    (void)state;
    data[54] = 136;
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_REPLY);
    CHECK_EQ(n.target.byte[15], 1);
    data[54] = 137; /* redirect */
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    data[54] = 128; /* echo request */
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_NONE);
}

static void test_a_probe_has_no_sender_to_tell(void **state)
{
    struct neighbour n;
    size_t len = load(solicitation);

    (void)state;
    memset(data + 22, 0, 16);
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    put_u16(data + 18, 24);
    fix_sum(14, 24);
    CHECK_EQ(neighbour_parse(&n, data, len - 8), NEIGHBOUR_PROBE);
    data[14 + 39] = 2; /* the group of somebody else's address */
    fix_sum(14, 24);
    CHECK_EQ(neighbour_parse(&n, data, len - 8), NEIGHBOUR_BAD);
}

static void test_a_solicitation_is_sent_to_its_target_or_group(void **state)
{
    struct neighbour n;
    size_t len = load_solicitation();

    (void)state;
    memcpy(data + 38, data + 62, 16);
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_REQUEST);
    data[53] ^= 2;
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
}

static void test_options_have_a_length_and_are_whole(void **state)
{
    struct neighbour n;
    size_t len = load_solicitation();

    (void)state;
    data[79] = 0;
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    data[79] = 2;
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    load_solicitation();
    put_u16(data + 18, 25);
    fix_sum(14, 25);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
}

/* fe80::7 is a router, and announces 2001:db8::/64. */
static const char advertisement[] = "333300000001 525400aabbcc 86dd"
                                    "60000000 0030 3a ff"
                                    "fe800000000000000000000000000007"
                                    "ff020000000000000000000000000001"
                                    "86 00 0000 4000 0708 00000000 00000000"
                                    "03 04 40 c0 00000e10 00000708 00000000"
                                    "20010db8000000000000000000000000";

static void test_a_sound_router_is_left_to_slaac(void **state)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } wrong[] = {
        {21, 64},   /* from beyond the link */
        {22, 0x20}, /* not from a link-local address */
        {55, 1},    /* code */
        {71, 0},    /* an option without length */
        {71, 3},    /* half of one is left over */
        {71, 5},    /* more than there is */
        {86, 0xff}, /* a prefix of groups */
    };
    struct neighbour n;
    size_t len = load(advertisement);

    (void)state;
    fix_sum(14, 48);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_ROUTER);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        load(advertisement);
        data[wrong[i].at] = wrong[i].value;
        fix_sum(14, 48);
        CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    }
    load(advertisement);
    fix_sum(14, 48);
    data[57] ^= 1;
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    load(advertisement);
    put_u16(data + 18, 15);
    fix_sum(14, 15);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
}

static void test_discovery_from_afar_or_broken_is_not_believed(void **state)
{
    struct neighbour n;
    size_t len = load_solicitation();

    (void)state;
    data[21] = 254; /* a router has passed it on */
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    load_solicitation();
    data[60] ^= 1;
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    load_solicitation();
    data[55] = 1;
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    load_solicitation();
    data[62] = 0xff; /* a group has no neighbour */
    fix_sum(14, 32);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    load_solicitation();
    put_u16(data + 18, 23);
    fix_sum(14, 23);
    CHECK_EQ(neighbour_parse(&n, data, len), NEIGHBOUR_BAD);
    load_solicitation();
    CHECK_EQ(neighbour_parse(&n, data, len - 1), NEIGHBOUR_BAD);
}

static void test_everything_else_is_nobodys_business(void **state)
{
    struct check_random random = check_random_start();
    struct neighbour n;

    (void)state;
    CHECK_EQ(neighbour_parse(&n, data, 0), NEIGHBOUR_NONE);
    for (int i = 0; i < 20000; i++) {
        size_t len = check_random_below(&random, 120);
        uint8_t *exact = malloc(len + 1); /* so that reads past it are seen */

        check_random_bytes(&random, exact, len);
        if (len > 14)
            put_u16(exact + 12, i % 3 == 0   ? 0x0806
                                : i % 3 == 1 ? 0x86dd
                                             : 0x8100);
        (void)neighbour_parse(&n, exact, len);
        free(exact);
    }
    frames_put(data + 12, 0x0800);
    CHECK_EQ(neighbour_parse(&n, data, sizeof(data)), NEIGHBOUR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_arp_request_is_answered),
        cmocka_unit_test(test_a_tagged_request_is_answered_with_its_tag),
        cmocka_unit_test(test_an_arp_reply_says_who),
        cmocka_unit_test(test_arp_of_another_shape_is_not_believed),
        cmocka_unit_test(test_a_solicitation_is_answered),
        cmocka_unit_test(test_a_solicitation_without_option_is_answered_too),
        cmocka_unit_test(test_other_discovery_is_told_apart),
        cmocka_unit_test(test_a_probe_has_no_sender_to_tell),
        cmocka_unit_test(test_a_solicitation_is_sent_to_its_target_or_group),
        cmocka_unit_test(test_options_have_a_length_and_are_whole),
        cmocka_unit_test(test_a_sound_router_is_left_to_slaac),
        cmocka_unit_test(test_discovery_from_afar_or_broken_is_not_believed),
        cmocka_unit_test(test_everything_else_is_nobodys_business),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
