/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of connections that are not spoken of any more. */
#include "net/gone.h"

#include "net/frame.h"
#include "ntp/bytes.h"
#include "tests/check.h"

#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static struct gone gone;
static uint8_t data[100];

static struct ip_addr6 address(bool ipv6, uint8_t last)
{
    const uint8_t v4[4] = {192, 0, 2, last};
    struct ip_addr6 v6 = {.byte = {0x20, 0x01, 0x0d, 0xb8}};

    v6.byte[15] = last;
    return ipv6 ? v6 : ip_from_v4(v4);
}

static struct gone_connection connection(bool ipv6, uint8_t last, uint16_t own,
                                         uint16_t peer)
{
    return (struct gone_connection){address(ipv6, last), own, peer};
}

/* A segment from port `own` to that peer; returns its length. */
static size_t make(const struct gone_connection *c, uint8_t flags)
{
    uint8_t *ip = data + FRAME_ETHERNET_LEN;
    uint8_t *tcp = ip + FRAME_IPV4_LEN;

    memset(data, 0, sizeof(data));
    if (ip_is_v4(&c->peer)) {
        put_u16(data + 12, FRAME_TYPE_IPV4);
        ip[0] = 0x45;
        ip[9] = 6;
        memcpy(ip + 16, c->peer.byte + 12, 4);
    } else {
        put_u16(data + 12, FRAME_TYPE_IPV6);
        ip[0] = 0x60;
        ip[6] = 6;
        memcpy(ip + 24, c->peer.byte, 16);
        tcp = ip + FRAME_IPV6_LEN;
    }
    put_u16(tcp, c->own_port);
    put_u16(tcp + 2, c->peer_port);
    tcp[13] = flags;
    return (size_t)(tcp - data) + 20;
}

static bool passes(const struct gone_connection *c, uint8_t flags)
{
    return gone_passes(&gone, data, make(c, flags));
}

static void test_no_reset_leaves_of_what_is_gone(void **state)
{
    (void)state;
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct gone_connection c = connection(ipv6, 7, 4460, 40000);
        struct gone_connection other[] = {
            connection(ipv6, 8, 4460, 40000),
            connection(ipv6, 7, 4461, 40000),
            connection(ipv6, 7, 4460, 40001),
            connection(!ipv6, 7, 4460, 40000),
        };

        gone = (struct gone){0};
        CHECK(passes(&c, RST | ACK));
        gone_add(&gone, &c);
        CHECK(!passes(&c, RST | ACK));
        CHECK(!passes(&c, RST));
        CHECK(passes(&c, ACK));
        for (unsigned i = 0; i < 4; i++)
            CHECK(passes(&other[i], RST | ACK));
    }
}

static void test_one_that_begins_anew_may_be_reset(void **state)
{
    struct gone_connection c = connection(false, 7, 4460, 40000);

    (void)state;
    gone = (struct gone){0};
    gone_add(&gone, &c);
    CHECK(passes(&c, SYN | ACK));
    CHECK(passes(&c, RST | ACK));
}

static void test_the_oldest_is_forgotten_when_there_are_too_many(void **state)
{
    (void)state;
    gone = (struct gone){0};
    for (unsigned i = 0; i <= GONE_MAX; i++) {
        struct gone_connection c =
            connection(false, 7, 4460, (uint16_t)(40000 + i));

        gone_add(&gone, &c);
    }
    for (unsigned i = 0; i <= GONE_MAX; i++) {
        struct gone_connection c =
            connection(false, 7, 4460, (uint16_t)(40000 + i));

        CHECK_EQ(passes(&c, RST), i == 0);
    }
}

static void test_what_is_cut_off_or_no_tcp_passes(void **state)
{
    struct gone_connection c = connection(false, 7, 4460, 40000);
    size_t len = make(&c, RST);

    (void)state;
    gone = (struct gone){0};
    gone_add(&gone, &c);
    for (size_t n = 0; n < FRAME_ETHERNET_LEN + FRAME_IPV4_LEN + 14; n++)
        CHECK(gone_passes(&gone, data, n));
    CHECK(!gone_passes(&gone, data, len));
    data[FRAME_ETHERNET_LEN + 9] = 17;
    CHECK(gone_passes(&gone, data, len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_reset_leaves_of_what_is_gone),
        cmocka_unit_test(test_one_that_begins_anew_may_be_reset),
        cmocka_unit_test(test_the_oldest_is_forgotten_when_there_are_too_many),
        cmocka_unit_test(test_what_is_cut_off_or_no_tcp_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
