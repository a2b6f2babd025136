/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of frame headers: what is read, refused, left to others, answered. */
#include "net/frame.h"
#include "ntp/bytes.h"
#include "tests/check.h"
#include "tests/frames.h"

static uint8_t data[2048];
static uint8_t payload[1472];

static size_t request(bool ipv6)
{
    struct frames_udp u = frames_request(ipv6, payload);

    payload[0] = 0x23;
    return frames_make(data, &u);
}

static void fix_ipv4_sum(void)
{
    frames_put(data + 24, 0);
    frames_put(data + 24, frames_sum(data + 14, 20, 0));
}

static void test_a_plain_datagram_is_read(void **state)
{
    struct frame f;
    size_t len = request(false);

    (void)state;
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    CHECK(!f.ipv6 && !f.group);
    CHECK_BYTES(f.source.byte + 12, data + 26, 4);
    CHECK_BYTES(f.destination.byte + 12, data + 30, 4);
    CHECK(ip_is_v4(&f.source) && ip_is_v4(&f.destination));
    CHECK_EQ(f.source_port, 40000);
    CHECK_EQ(f.destination_port, 123);
    CHECK_EQ(f.udp_offset, 34);
    CHECK_EQ(f.payload_len, 48);
    CHECK(frame_checksum_ok(&f, data));

    len = request(true);
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    CHECK(f.ipv6);
    CHECK_BYTES(f.source.byte, data + 22, 16);
    CHECK_BYTES(f.destination.byte, data + 38, 16);
    CHECK_EQ(f.udp_offset, 54);
    CHECK_EQ(f.payload_len, 48);
    CHECK(frame_checksum_ok(&f, data));
}

static void test_a_frame_cut_short_is_never_read(void **state)
{
    (void)state;
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        size_t len = request(ipv6);

        for (size_t n = 0; n < len; n++) {
            struct frame f;
            uint8_t *exact = malloc(n + 1); /* so that reads past n are seen */

            memcpy(exact, data, n);
            CHECK(frame_parse(&f, exact, n) != NTP_OK);
            if (n < 14)
                CHECK_EQ(frame_parse(&f, exact, n), NTP_DROP_FRAME);
            else
                CHECK_EQ(frame_parse(&f, exact, n), NTP_DROP_IP);
            free(exact);
        }
    }
}

static void test_padding_is_not_payload(void **state)
{
    struct frame f;
    size_t len = request(false);

    (void)state;
    memset(data + len, 0xff, 100);
    CHECK_EQ(frame_parse(&f, data, len + 100), NTP_OK);
    CHECK_EQ(f.payload_len, 48);
    len = request(true);
    CHECK_EQ(frame_parse(&f, data, len + 100), NTP_OK);
    CHECK_EQ(f.payload_len, 48);
}

static void test_udp_may_be_shorter_than_ip_says_but_not_longer(void **state)
{
    struct frame f;
    size_t len = request(false);

    (void)state;
    put_u16(data + 38, 8 + 47);
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    CHECK_EQ(f.payload_len, 47);
    put_u16(data + 38, 8);
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    CHECK_EQ(f.payload_len, 0);
    put_u16(data + 38, 8 + 49);
    CHECK_EQ(frame_parse(&f, data, len + 100), NTP_DROP_UDP);
    put_u16(data + 38, 7);
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_UDP);
    put_u16(data + 38, 0);
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_UDP);

    /* No room for a UDP header at all. */
    request(false);
    put_u16(data + 16, 27);
    fix_ipv4_sum();
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_UDP);
    len = request(true);
    put_u16(data + 18, 7);
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_UDP);
}

static void test_impossible_ip_headers_are_refused(void **state)
{
    struct frame f;
    size_t len = request(false);

    (void)state;
    data[14] = 0x44;
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);
    data[14] = 0x65;
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);
    request(false);
    put_u16(data + 16, 19);
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);
    request(false);
    put_u16(data + 16, (uint16_t)(len - 14 + 1));
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);

    len = request(true);
    data[14] = 0x40;
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);
    request(true);
    put_u16(data + 18, 57);
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);
}

static void test_every_bit_of_the_ipv4_header_counts(void **state)
{
    size_t len = request(false);

    (void)state;
    for (size_t bit = 0; bit < 20 * 8; bit++) {
        struct frame f;

        data[14 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(frame_parse(&f, data, len) != NTP_OK);
        data[14 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void test_every_bit_that_udp_sums_counts(void **state)
{
    (void)state;
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct frame f;
        size_t len = request(ipv6);
        size_t first = ipv6 ? 22 : 26;

        CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
        for (size_t bit = first * 8; bit < len * 8; bit++) {
            if (bit / 8 / 2 * 2 == (size_t)f.udp_offset + 4)
                continue; /* the length, which frame_parse() has read */
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(!frame_checksum_ok(&f, data));
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void test_no_checksum_is_for_ipv4_alone(void **state)
{
    struct frame f;
    size_t len = request(false);

    (void)state;
    put_u16(data + 40, 0);
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    CHECK(frame_checksum_ok(&f, data));
    len = request(true);
    put_u16(data + 60, 0);
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    CHECK(!frame_checksum_ok(&f, data));
}

static void test_what_is_not_plain_udp_is_left_to_others(void **state)
{
    struct frame f;
    size_t len = request(false);

    (void)state;
    data[14] = 0x46; /* an option */
    CHECK_EQ(frame_parse(&f, data, len), NTP_PASS);
    request(false);
    put_u16(data + 20, 0x2000); /* more fragments */
    CHECK_EQ(frame_parse(&f, data, len), NTP_PASS);
    put_u16(data + 20, 0x0001); /* a later one */
    CHECK_EQ(frame_parse(&f, data, len), NTP_PASS);
    request(false);
    put_u16(data + 20, 0x4000); /* may not be fragmented, and is not */
    fix_ipv4_sum();
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    request(false);
    data[23] = 6; /* TCP */
    CHECK_EQ(frame_parse(&f, data, len), NTP_PASS);

    len = request(true);
    data[20] = 0; /* hop-by-hop options */
    CHECK_EQ(frame_parse(&f, data, len), NTP_PASS);

    static const uint16_t types[] = {0x0806, 0x8100, 0x88a8, 0, 0x05dc, 0xffff};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        put_u16(data + 12, types[i]);
        CHECK_EQ(frame_parse(&f, data, len), NTP_PASS);
    }
}

static void test_groups_and_strangers_are_told_apart(void **state)
{
    struct frame f;
    size_t len = request(false);

    (void)state;
    CHECK(frame_is_for(data, frames_ours));
    CHECK(!frame_is_for(data, frames_theirs));
    data[0] |= 1;
    CHECK(frame_is_for(data, frames_theirs));
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    CHECK(f.group);
    data[6] |= 1; /* nobody's own address */
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_FRAME);
}

static void test_ipv4_in_ipv6s_clothes_is_refused(void **state)
{
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
    struct frame f;
    size_t len = request(true);

    (void)state;
    memcpy(data + 22, mapped, 16);
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);
    request(true);
    memcpy(data + 38, mapped, 16);
    CHECK_EQ(frame_parse(&f, data, len), NTP_DROP_IP);
}

static void check_answer(bool ipv6, uint16_t payload_len, uint8_t dscp)
{
    uint8_t before[2048];
    struct frame f, g;
    struct frame_answer answer = {.dscp = dscp, .payload_len = payload_len};
    size_t len = request(ipv6);

    memcpy(before, data, len);
    CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
    len = frame_answer(&f, data, &answer);
    frame_seal(&f, data, payload_len);

    CHECK_EQ(len, f.udp_offset + 8 + payload_len);
    CHECK_BYTES(data, before + 6, 6);
    CHECK_BYTES(data + 6, before, 6);
    CHECK_EQ(frame_parse(&g, data, len), NTP_OK);
    CHECK(ip_equal(&g.source, &f.destination));
    CHECK(ip_equal(&g.destination, &f.source));
    CHECK_EQ(g.source_port, f.destination_port);
    CHECK_EQ(g.destination_port, f.source_port);
    CHECK_EQ(g.payload_len, payload_len);
    CHECK_EQ(get_u16(data + f.udp_offset + 6),
             frames_udp_sum(data + 14, ipv6, data + f.udp_offset));
    if (ipv6) {
        CHECK_EQ(get_u32(data + 14), 6u << 28 | (uint32_t)dscp << 22);
        CHECK_EQ(data[21], 64);
    } else {
        CHECK_EQ(data[15], dscp << 2);
        CHECK_EQ(get_u32(data + 18), 0x4000);
        CHECK_EQ(data[22], 64);
        CHECK_EQ(frames_sum(data + 14, 20, 0), 0);
    }
}

static void test_an_answer_goes_back_with_fresh_headers(void **state)
{
    (void)state;
    for (int ipv6 = 0; ipv6 < 2; ipv6++)
        for (uint16_t len = 0; len <= 48; len++) {
            check_answer(ipv6, len, 0);
            check_answer(ipv6, len, 46);
        }
}

/* RFC 768: a sum of zero is sent as all ones. */
static void test_a_checksum_is_never_sent_as_none(void **state)
{
    bool met = false;

    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        struct frame f;

        put_u16(payload + 46, (uint16_t)i);
        size_t len = request(true);

        CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
        frame_seal(&f, data, 48);
        CHECK(get_u16(data + 60) != 0);
        met |= get_u16(data + 60) == 0xffff;
    }
    CHECK(met);
}

static void test_random_datagrams_keep_their_checksum(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct frames_udp u = frames_request(i % 2, payload);
        struct frame f;

        u.payload_len = check_random_below(&random, sizeof(payload));
        check_random_bytes(&random, payload, u.payload_len);
        size_t len = frames_make(data, &u);
        CHECK_EQ(frame_parse(&f, data, len), NTP_OK);
        CHECK(frame_checksum_ok(&f, data));
        put_u16(data + f.udp_offset + 6, 0);
        frame_seal(&f, data, f.payload_len);
        CHECK_EQ(get_u16(data + f.udp_offset + 6),
                 frames_udp_sum(data + 14, u.ipv6, data + f.udp_offset));
    }
}

static struct ip_addr6 v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const uint8_t bytes[4] = {a, b, c, d};

    return ip_from_v4(bytes);
}

static void test_hosts_that_are_never_answered(void **state)
{
    static const struct {
        uint8_t addr[4];
        bool ok;
        bool is_private;
    } table[] = {
        {{0, 0, 0, 0}, false, false},
        {{0, 255, 255, 255}, false, false},
        {{1, 0, 0, 0}, true, false},
        {{9, 255, 255, 255}, true, false},
        {{10, 0, 0, 0}, true, true},
        {{10, 255, 255, 255}, true, true},
        {{11, 0, 0, 0}, true, false},
        {{100, 63, 255, 255}, true, false},
        {{100, 64, 0, 0}, true, true},
        {{100, 127, 255, 255}, true, true},
        {{100, 128, 0, 0}, true, false},
        {{126, 255, 255, 255}, true, false},
        {{127, 0, 0, 0}, false, false},
        {{127, 255, 255, 255}, false, false},
        {{128, 0, 0, 0}, true, false},
        {{169, 253, 255, 255}, true, false},
        {{169, 254, 0, 0}, true, true},
        {{169, 255, 0, 0}, true, false},
        {{172, 15, 255, 255}, true, false},
        {{172, 16, 0, 0}, true, true},
        {{172, 31, 255, 255}, true, true},
        {{172, 32, 0, 0}, true, false},
        {{192, 167, 255, 255}, true, false},
        {{192, 168, 0, 0}, true, true},
        {{192, 168, 255, 255}, true, true},
        {{192, 169, 0, 0}, true, false},
        {{223, 255, 255, 255}, true, false},
        {{224, 0, 0, 0}, false, false},
        {{239, 255, 255, 255}, false, false},
        {{240, 0, 0, 0}, false, false},
        {{255, 255, 255, 255}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const uint8_t *b = table[i].addr;
        struct ip_addr6 addr = v4(b[0], b[1], b[2], b[3]);

        CHECK_EQ(frame_source_ok(&addr), table[i].ok);
        CHECK_EQ(frame_is_private(&addr), table[i].is_private);
    }
}

static void test_ipv6_hosts_that_are_never_answered(void **state)
{
    static const struct {
        struct ip_addr6 addr;
        bool ok;
        bool is_private;
    } table[] = {
        {{{0}}, false, false},
        {{{[15] = 1}}, false, false},
        {{{[15] = 2}}, true, false},
        {{{0x20, 0x01, [15] = 1}}, true, false},
        {{{0xfb, 0xff, [15] = 1}}, true, false},
        {{{0xfc, 0x00, [15] = 1}}, true, true},
        {{{0xfd, 0xff, [15] = 1}}, true, true},
        {{{0xfe, 0x7f, [15] = 1}}, true, false},
        {{{0xfe, 0x80, [15] = 1}}, true, true},
        {{{0xfe, 0xbf, [15] = 1}}, true, true},
        {{{0xfe, 0xc0, [15] = 1}}, true, false},
        {{{0xff, 0x02, [15] = 1}}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        CHECK_EQ(frame_source_ok(&table[i].addr), table[i].ok);
        CHECK_EQ(frame_is_private(&table[i].addr), table[i].is_private);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_datagram_is_read),
        cmocka_unit_test(test_a_frame_cut_short_is_never_read),
        cmocka_unit_test(test_padding_is_not_payload),
        cmocka_unit_test(test_udp_may_be_shorter_than_ip_says_but_not_longer),
        cmocka_unit_test(test_impossible_ip_headers_are_refused),
        cmocka_unit_test(test_every_bit_of_the_ipv4_header_counts),
        cmocka_unit_test(test_every_bit_that_udp_sums_counts),
        cmocka_unit_test(test_no_checksum_is_for_ipv4_alone),
        cmocka_unit_test(test_what_is_not_plain_udp_is_left_to_others),
        cmocka_unit_test(test_groups_and_strangers_are_told_apart),
        cmocka_unit_test(test_ipv4_in_ipv6s_clothes_is_refused),
        cmocka_unit_test(test_an_answer_goes_back_with_fresh_headers),
        cmocka_unit_test(test_a_checksum_is_never_sent_as_none),
        cmocka_unit_test(test_random_datagrams_keep_their_checksum),
        cmocka_unit_test(test_hosts_that_are_never_answered),
        cmocka_unit_test(test_ipv6_hosts_that_are_never_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
