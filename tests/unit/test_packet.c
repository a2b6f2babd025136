/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the NTP header, extension fields, and the search for the MAC. */
#include "ntp/packet.h"
#include "tests/check.h"

/* As a stratum 2 server answered in 2024; fields in order, one a line. */
static const char sample[] = "24 02 06 e9"
                             "00 00 02 50"
                             "00 00 04 c7"
                             "c0 00 02 7b"
                             "e9 3c 7a 10 5d 2f 00 01"
                             "e9 3c 7b 01 00 00 00 02"
                             "e9 3c 7b 02 00 00 00 03"
                             "e9 3c 7b 03 ff ff ff ff";

static uint8_t packet[2048];

/* A header of that version, then what the text says; returns the length. */
static size_t make(uint8_t version, const char *rest)
{
    memset(packet, 0, sizeof(packet));
    packet[0] = (uint8_t)(version << 3 | MODE_CLIENT);
    return NTP_HEADER_LEN + check_hex(rest, packet + NTP_HEADER_LEN,
                                      sizeof(packet) - NTP_HEADER_LEN);
}

static void test_header_is_read_down_the_figure(void **state)
{
    struct ntp_packet p;

    (void)state;
    CHECK_EQ(check_hex(sample, packet, sizeof(packet)), NTP_HEADER_LEN);
    CHECK_EQ(ntp_packet_parse(&p, packet, NTP_HEADER_LEN), NTP_OK);
    CHECK_EQ(p.leap, 0);
    CHECK_EQ(p.version, 4);
    CHECK_EQ(p.mode, MODE_SERVER);
    CHECK_EQ(p.stratum, 2);
    CHECK_EQ(p.poll, 6);
    CHECK_EQ(p.precision, -23);
    CHECK_EQ(p.root_delay, 0x250);
    CHECK_EQ(p.root_dispersion, 0x4c7);
    CHECK_EQ(p.reference_id, 0xc000027b);
    CHECK_EQ(p.reference_ts, 0xe93c7a105d2f0001);
    CHECK_EQ(p.origin_ts, 0xe93c7b0100000002);
    CHECK_EQ(p.receive_ts, 0xe93c7b0200000003);
    CHECK_EQ(p.transmit_ts, 0xe93c7b03ffffffff);
}

static void test_what_is_written_is_read_again(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint8_t in[NTP_HEADER_LEN], out[NTP_HEADER_LEN];
        struct ntp_packet p;

        check_random_bytes(&random, in, sizeof(in));
        in[0] = (uint8_t)((in[0] & 0xc7) | (1 + i % 4) << 3);
        CHECK_EQ(ntp_packet_parse(&p, in, sizeof(in)), NTP_OK);
        ntp_packet_write(out, &p);
        CHECK_BYTES(in, out, sizeof(in));
    }
}

static void test_fewer_than_48_bytes_are_too_short(void **state)
{
    struct ntp_packet p;

    (void)state;
    make(4, "");
    for (size_t len = 0; len < NTP_HEADER_LEN; len++)
        CHECK_EQ(ntp_packet_parse(&p, packet, len), NTP_DROP_SHORT);
}

static void test_versions_1_to_4_are_spoken(void **state)
{
    (void)state;
    for (uint8_t version = 0; version < 8; version++) {
        struct ntp_packet p;
        bool spoken = version >= 1 && version <= 4;
        size_t len = make(version, "");

        CHECK_EQ(ntp_packet_parse(&p, packet, len),
                 spoken ? NTP_OK : NTP_DROP_VERSION);
    }
}

static void test_a_bare_header_has_no_tail(void **state)
{
    (void)state;
    for (uint8_t version = 1; version <= 4; version++) {
        struct ntp_tail tail;
        size_t len = make(version, "");

        CHECK_EQ(ntp_packet_tail(&tail, packet, len, version), NTP_OK);
        CHECK_EQ(tail.fields.left, 0);
        CHECK(tail.fields.ok);
        CHECK(tail.mac == NULL);
        CHECK_EQ(tail.mac_len, 0);
        CHECK_EQ(tail.mac_at, NTP_HEADER_LEN);
    }
}

/* After the header of an NTPv4 packet: zero bytes of that number. */
static void test_length_alone_tells_mac_from_field(void **state)
{
    static const struct {
        size_t after;
        enum ntp_verdict verdict;
        size_t mac_len;
    } row[] = {
        {4, NTP_OK, 4},           /* crypto-NAK */
        {8, NTP_DROP_FORMAT, 0},  /* neither */
        {12, NTP_DROP_FORMAT, 0}, /* neither: the old DES digest */
        {16, NTP_DROP_FORMAT, 0}, /* a field, but alone it needs 28 */
        {20, NTP_OK, 20},         /* MAC of 128 bits */
        {24, NTP_OK, 24},         /* MAC of 160 bits */
        {28, NTP_DROP_FORMAT, 0}, /* a field, and its length of 0 is wrong */
        {21, NTP_DROP_FORMAT, 0}, {22, NTP_DROP_FORMAT, 0},
        {23, NTP_DROP_FORMAT, 0},
    };

    (void)state;
    make(4, "");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct ntp_tail tail;
        size_t len = NTP_HEADER_LEN + row[i].after;

        CHECK_EQ(ntp_packet_tail(&tail, packet, len, 4), row[i].verdict);
        if (row[i].verdict != NTP_OK)
            continue;
        CHECK(tail.mac == packet + NTP_HEADER_LEN);
        CHECK_EQ(tail.mac_len, row[i].mac_len);
        CHECK_EQ(tail.mac_at, NTP_HEADER_LEN);
        CHECK_EQ(tail.fields.left, 0);
    }
}

/* Type 0104 of 16 bytes, type 0204 of 28, then 20 bytes of MAC. */
static void test_fields_are_walked_up_to_the_mac(void **state)
{
    struct ntp_field f;
    struct ntp_tail tail;
    size_t len = make(4, "0104 0010 010101010101010101010101"
                         "0204 001c 020202020202020202020202"
                         "          020202020202020202020202"
                         "0000002a  33333333333333333333333333333333");

    (void)state;
    CHECK_EQ(ntp_packet_tail(&tail, packet, len, 4), NTP_OK);
    CHECK_EQ(tail.mac_at, 48 + 16 + 28);
    CHECK_EQ(tail.mac_len, 20);
    CHECK(tail.mac == packet + 48 + 16 + 28);

    CHECK(ntp_field_next(&tail.fields, &f));
    CHECK_EQ(f.type, 0x0104);
    CHECK_EQ(f.body_len, 12);
    CHECK(f.body == packet + 48 + 4);
    CHECK(ntp_field_next(&tail.fields, &f));
    CHECK_EQ(f.type, 0x0204);
    CHECK_EQ(f.body_len, 24);
    CHECK(f.body == packet + 48 + 16 + 4);
    CHECK(!ntp_field_next(&tail.fields, &f));
    CHECK(tail.fields.ok);
}

static void test_the_last_field_needs_no_mac(void **state)
{
    struct ntp_tail tail;
    size_t len = make(4, "0104 001c 010101010101010101010101"
                         "          010101010101010101010101");

    (void)state;
    CHECK_EQ(ntp_packet_tail(&tail, packet, len, 4), NTP_OK);
    CHECK_EQ(tail.fields.left, 28);
    CHECK(tail.mac == NULL);
    CHECK_EQ(tail.mac_at, len);
}

/* The first field of 32 bytes after the header has that length. */
static void test_malformed_fields_are_refused(void **state)
{
    static const uint16_t bad[] = {0,  1,  4,  12, 15, 17, 18,
                                   19, 30, 33, 34, 36, 64, 65535};
    struct ntp_field f;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ntp_tail tail;
        size_t len = make(4, "") + 32;

        put_u16(packet + 50, bad[i]);
        CHECK_EQ(ntp_packet_tail(&tail, packet, len, 4), NTP_DROP_FORMAT);

        struct reader r = reader_of(packet + 48, 32);
        CHECK(!ntp_field_next(&r, &f));
        CHECK(!r.ok);
        CHECK(!ntp_field_next(&r, &f));
    }
}

/* A field of 20 bytes in the middle leaves 12 bytes: neither field nor MAC. */
static void test_an_ending_must_be_a_mac(void **state)
{
    struct ntp_tail tail;
    size_t len = make(4, "") + 32;

    (void)state;
    put_u16(packet + 50, 20);
    CHECK_EQ(ntp_packet_tail(&tail, packet, len, 4), NTP_DROP_FORMAT);
}

/* NTPv3 with SHA-256 sends 36 bytes, which in NTPv4 begin with a field. */
static void test_before_version_4_all_is_mac(void **state)
{
    (void)state;
    for (uint8_t version = 1; version <= 3; version++) {
        for (size_t after = 1; after <= 72; after++) {
            struct ntp_tail tail;
            size_t len = make(version, "") + after;
            bool whole = after % 4 == 0;

            CHECK_EQ(ntp_packet_tail(&tail, packet, len, version),
                     whole ? NTP_OK : NTP_DROP_FORMAT);
            if (whole)
                CHECK_EQ(tail.mac_len, after);
            if (whole)
                CHECK_EQ(tail.fields.left, 0);
        }
    }
}

/* Whatever the bytes, all of a packet is header, fields or MAC. */
static void test_a_tail_accounts_for_every_byte(void **state)
{
    struct check_random random = check_random_start();
    int found = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct ntp_field f;
        struct ntp_tail tail;
        size_t len = 48 + check_random_below(&random, 200);

        check_random_bytes(&random, packet, len);
        for (size_t at = 48; at + 4 <= len; at += packet[at + 3]) {
            put_u16(packet + at + 2,
                    (uint16_t)(16 + 4 * check_random_below(&random, 9)));
        }
        if (ntp_packet_tail(&tail, packet, len, 4) != NTP_OK)
            continue;

        size_t sum = NTP_HEADER_LEN + tail.mac_len;
        while (ntp_field_next(&tail.fields, &f))
            sum += 4 + f.body_len;
        CHECK(tail.fields.ok);
        CHECK_EQ(sum, len);
        found++;
    }
    CHECK(found > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_is_read_down_the_figure),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_fewer_than_48_bytes_are_too_short),
        cmocka_unit_test(test_versions_1_to_4_are_spoken),
        cmocka_unit_test(test_a_bare_header_has_no_tail),
        cmocka_unit_test(test_length_alone_tells_mac_from_field),
        cmocka_unit_test(test_fields_are_walked_up_to_the_mac),
        cmocka_unit_test(test_the_last_field_needs_no_mac),
        cmocka_unit_test(test_malformed_fields_are_refused),
        cmocka_unit_test(test_an_ending_must_be_a_mac),
        cmocka_unit_test(test_before_version_4_all_is_mac),
        cmocka_unit_test(test_a_tail_accounts_for_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
