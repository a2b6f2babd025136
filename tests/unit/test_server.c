/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of a request becoming a reply. */
#include "ntp/server.h"

#include "ntp/packet.h"
#include "tests/check.h"

#define RX_TICKS 1000
#define TX_TICKS 1003
#define BASE_TS  0xe93c7b0180000000u

/* A clock of one second a tick stands in for ntp/clock.c. */
ntp_date clock_at(const struct clock_line *line, uint64_t ticks)
{
    return line->base_date +
           ntp_date_from_seconds((int64_t)(ticks - line->base_ticks));
}

struct clock_status clock_status(const struct clock_line *line, uint64_t ticks)
{
    (void)ticks;
    return (struct clock_status){
        .leap = line->leap,
        .stratum = line->stratum,
        .root_delay = line->root_delay,
        .root_dispersion = 0x4c7,
        .reference_id = line->reference_id,
        .reference_ts = line->reference_ts,
    };
}

static struct clock_line line = {
    .base_ticks = RX_TICKS,
    .base_date = (ntp_date)BASE_TS << 32,
    .root_delay = 0x250,
    .reference_ts = 0xe93c7a105d2f0001,
    .reference_id = 0xc000027b,
    .leap = LEAP_INSERT,
    .stratum = 2,
};

static const struct ntp_keys keys = {
    .count = 4,
    .key =
        {
            {.id = 1, .type = MAC_MD5, .secret = "dial", .secret_len = 4},
            {.id = 2, .type = MAC_SHA1, .secret = "style", .secret_len = 5},
            {.id = 3, .type = MAC_SHA256, .secret = "shadow", .secret_len = 6},
            {.id = UINT32_MAX,
             .type = MAC_AES128_CMAC,
             .secret = "0123456789abcdef",
             .secret_len = 16},
        },
};

static const struct ntp_server server = {.keys = &keys, .precision = -25};

/* Room after the longest packet shows what is written past its end. */
static uint8_t packet[1600];

/* A client request, its fields all different from those of an answer. */
static size_t ask(uint8_t version, uint8_t mode)
{
    const struct ntp_packet p = {
        .leap = LEAP_UNKNOWN,
        .version = version,
        .mode = mode,
        .stratum = 7,
        .poll = 6,
        .precision = -6,
        .root_delay = 0x11111111,
        .root_dispersion = 0x22222222,
        .reference_id = 0x33333333,
        .reference_ts = 0x4444444444444444,
        .origin_ts = 0x5555555555555555,
        .receive_ts = 0x6666666666666666,
        .transmit_ts = 0x0123456789abcdef,
    };

    memset(packet, 0xee, sizeof(packet));
    ntp_packet_write(packet, &p);
    return NTP_HEADER_LEN;
}

/* Adds `n` bytes of extension field. */
static size_t add_field(size_t len, uint16_t type, uint16_t n)
{
    put_u16(packet + len, type);
    put_u16(packet + len + 2, n);
    return len + n;
}

/* Adds a MAC with `n` bytes of digest. */
static size_t add_mac(size_t len, const struct ntp_key *key, size_t n)
{
    uint8_t digest[NTP_DIGEST_MAX];

    ntp_mac_make(key, packet, len, digest);
    put_u32(packet + len, key->id);
    memcpy(packet + len + 4, digest, n);
    return len + 4 + n;
}

static enum ntp_verdict answer(uint16_t port, size_t len,
                               struct ntp_reply *reply)
{
    enum ntp_verdict verdict =
        ntp_server_reply(&server, &line, RX_TICKS, port, packet, len, reply);

    if (verdict == NTP_OK)
        ntp_server_finish(reply, &line, TX_TICKS);
    return verdict;
}

/* The header of the answer to the `len` bytes of `packet`. */
static struct ntp_packet answered(uint16_t port, size_t len)
{
    struct ntp_reply reply;
    struct ntp_packet p;

    CHECK_EQ(answer(port, len, &reply), NTP_OK);
    CHECK(reply.data == packet);
    CHECK(reply.len <= len);
    CHECK_EQ(ntp_packet_parse(&p, reply.data, reply.len), NTP_OK);
    return p;
}

/* There is no answer, for that reason, and not a byte was touched. */
static void refused(enum ntp_verdict why, uint16_t port, size_t len)
{
    static uint8_t before[sizeof(packet)];
    struct ntp_reply reply;

    memcpy(before, packet, sizeof(packet));
    CHECK_EQ(answer(port, len, &reply), why);
    CHECK_EQ(
        ntp_server_kiss(&server, &line, RX_TICKS, port, packet, len, &reply),
        why);
    CHECK_BYTES(before, packet, sizeof(packet));
}

static void test_a_reply_says_what_the_clock_says(void **state)
{
    struct ntp_packet p = answered(40000, ask(4, MODE_CLIENT));

    (void)state;
    CHECK_EQ(p.leap, LEAP_INSERT);
    CHECK_EQ(p.version, 4);
    CHECK_EQ(p.mode, MODE_SERVER);
    CHECK_EQ(p.stratum, 2);
    CHECK_EQ(p.poll, 6);
    CHECK_EQ(p.precision, -25);
    CHECK_EQ(p.root_delay, 0x250);
    CHECK_EQ(p.root_dispersion, 0x4c7);
    CHECK_EQ(p.reference_id, 0xc000027b);
    CHECK_EQ(p.reference_ts, 0xe93c7a105d2f0001);
    CHECK_EQ(p.origin_ts, 0x0123456789abcdef);
    CHECK_EQ(p.receive_ts, BASE_TS);
    CHECK_EQ(p.transmit_ts, BASE_TS + (3ULL << 32));
}

static void test_a_clock_that_is_lost_says_so(void **state)
{
    struct clock_line known = line;

    (void)state;
    line.leap = LEAP_UNKNOWN;
    line.stratum = 0;
    struct ntp_packet p = answered(40000, ask(4, MODE_CLIENT));
    line = known;

    CHECK_EQ(p.leap, LEAP_UNKNOWN);
    CHECK_EQ(p.stratum, 0);
    CHECK_EQ(p.origin_ts, 0x0123456789abcdef);
}

static void test_version_and_mode_decide_who_is_answered(void **state)
{
    (void)state;
    for (uint8_t version = 0; version < 8; version++) {
        for (uint8_t mode = 0; mode < 8; mode++) {
            size_t len = ask(version, mode);

            if (version < 1 || version > 4) {
                refused(NTP_DROP_VERSION, 40000, len);
            } else if (mode == MODE_CLIENT || mode == MODE_ACTIVE ||
                       (mode == MODE_RESERVED && version == 1)) {
                struct ntp_packet p = answered(40000, len);

                CHECK_EQ(p.version, version);
                CHECK_EQ(p.mode,
                         mode == MODE_ACTIVE ? MODE_PASSIVE : MODE_SERVER);
            } else {
                refused(NTP_DROP_MODE, 40000, len);
            }
        }
    }
}

/* From port 123, NTPv1's mode 0 is a peer, which we are not. */
static void test_only_a_client_of_version_1_needs_another_port(void **state)
{
    (void)state;
    refused(NTP_DROP_MODE, NTP_PORT, ask(1, MODE_RESERVED));
    CHECK_EQ(answered(124, ask(1, MODE_RESERVED)).mode, MODE_SERVER);
    CHECK_EQ(answered(NTP_PORT, ask(1, MODE_CLIENT)).mode, MODE_SERVER);
    CHECK_EQ(answered(NTP_PORT, ask(4, MODE_CLIENT)).mode, MODE_SERVER);
    CHECK_EQ(answered(NTP_PORT, ask(3, MODE_ACTIVE)).mode, MODE_PASSIVE);
}

/* Two servers cannot be made to answer each other. */
static void test_no_reply_is_itself_answered(void **state)
{
    (void)state;
    for (uint8_t version = 1; version <= 4; version++) {
        for (uint8_t mode = 0; mode < 8; mode++) {
            struct ntp_reply reply;

            if (answer(40000, ask(version, mode), &reply) == NTP_OK)
                refused(NTP_DROP_MODE, NTP_PORT, reply.len);
        }
    }
}

static void test_poll_is_echoed_within_reason(void **state)
{
    static const struct {
        int8_t asked, min_poll, told;
    } row[] = {{6, 0, 6},   {0, 0, 0},   {-3, 0, 0},   {-3, -4, -3},
               {17, 0, 17}, {18, 0, 17}, {127, 0, 17}, {-128, 0, 0},
               {3, 5, 5},   {6, 5, 6}};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct ntp_server limited = server;
        struct ntp_reply reply;
        size_t len = ask(4, MODE_CLIENT);

        packet[2] = (uint8_t)row[i].asked;
        limited.min_poll = row[i].min_poll;
        CHECK_EQ(ntp_server_reply(&limited, &line, RX_TICKS, 40000, packet, len,
                                  &reply),
                 NTP_OK);
        CHECK_EQ((int8_t)packet[2], row[i].told);
    }
}

static void test_a_kiss_is_no_time(void **state)
{
    struct ntp_reply reply;
    struct ntp_packet p;
    size_t len = ask(4, MODE_CLIENT);

    (void)state;
    CHECK_EQ(
        ntp_server_kiss(&server, &line, RX_TICKS, 40000, packet, len, &reply),
        NTP_KISS_RATE);
    ntp_server_finish(&reply, &line, TX_TICKS);
    CHECK_EQ(reply.len, len);
    CHECK_EQ(ntp_packet_parse(&p, reply.data, reply.len), NTP_OK);
    CHECK_EQ(p.leap, LEAP_UNKNOWN);
    CHECK_EQ(p.stratum, 0);
    CHECK_BYTES(packet + 12, "RATE", 4);
    CHECK_EQ(p.mode, MODE_SERVER);
    CHECK_EQ(p.origin_ts, 0x0123456789abcdef);
}

static void test_unknown_fields_are_skipped_and_not_echoed(void **state)
{
    struct ntp_reply reply;
    size_t len = ask(4, MODE_CLIENT);

    (void)state;
    len = add_field(len, 0xf323, 16);
    len = add_field(len, 0x0105, 400);
    CHECK_EQ(answer(40000, len, &reply), NTP_OK);
    CHECK_EQ(reply.len, NTP_HEADER_LEN);
    CHECK(reply.key == NULL);
}

/* RFC 8915, 5.3: with or without NTS. */
static void test_a_unique_identifier_is_echoed(void **state)
{
    (void)state;
    for (size_t n = 32; n <= 600; n += 4) {
        struct ntp_reply reply;
        size_t len = ask(4, MODE_CLIENT);

        len = add_field(len, 0xf323, 16);
        len = add_field(len, 0x0104, (uint16_t)(4 + n));
        packet[len - 1] = 0x17;
        len = add_field(len, 0x0105, 32);
        CHECK_EQ(answer(40000, len, &reply), NTP_OK);
        CHECK_EQ(reply.len, NTP_HEADER_LEN + 4 + n);
        CHECK_EQ(get_u16(packet + 48), 0x0104);
        CHECK_EQ(get_u16(packet + 50), 4 + n);
        CHECK_EQ(packet[52], 0xee);
        CHECK_EQ(packet[reply.len - 1], 0x17);
    }
}

static void test_an_echo_is_covered_by_the_mac(void **state)
{
    const struct ntp_key *key = &keys.key[3];
    struct ntp_reply reply;
    size_t len = ask(4, MODE_CLIENT);

    (void)state;
    len = add_field(len, 0xf323, 28);
    len = add_field(len, 0x0104, 36);
    len = add_mac(len, key, 16);
    CHECK_EQ(answer(40000, len, &reply), NTP_OK);
    CHECK_EQ(reply.mac_at, NTP_HEADER_LEN + 36);
    CHECK_EQ(reply.len, NTP_HEADER_LEN + 36 + 20);
    CHECK_EQ(get_u16(packet + 48), 0x0104);
    CHECK_EQ(get_u32(packet + reply.mac_at), key->id);
    CHECK(ntp_mac_verify(key, packet, reply.mac_at, packet + reply.mac_at + 4,
                         16));
}

static void test_a_kiss_echoes_a_unique_identifier(void **state)
{
    struct ntp_reply reply;
    size_t len = add_field(ask(4, MODE_CLIENT), 0x0104, 36);

    (void)state;
    CHECK_EQ(
        ntp_server_kiss(&server, &line, RX_TICKS, 40000, packet, len, &reply),
        NTP_KISS_RATE);
    CHECK_EQ(reply.len, len);
}

/* Too short for one, of another mode, of a version without fields. */
static void test_other_unique_identifiers_are_not_echoed(void **state)
{
    struct ntp_reply reply;

    (void)state;
    size_t len = add_field(ask(4, MODE_CLIENT), 0x0104, 32);

    CHECK_EQ(answer(40000, len, &reply), NTP_OK);
    CHECK_EQ(reply.len, NTP_HEADER_LEN);
    len = add_field(ask(4, MODE_ACTIVE), 0x0104, 36);
    CHECK_EQ(answer(40000, len, &reply), NTP_OK);
    CHECK_EQ(reply.len, NTP_HEADER_LEN);
    refused(NTP_DROP_AUTH, 40000, add_field(ask(3, MODE_CLIENT), 0x0104, 36));
}

static void test_malformed_packets_are_refused(void **state)
{
    size_t len;

    (void)state;
    for (len = 0; len < NTP_HEADER_LEN; len++) {
        ask(4, MODE_CLIENT);
        refused(NTP_DROP_SHORT, 40000, len);
    }
    for (len = 49; len < 52; len++) {
        ask(4, MODE_CLIENT);
        refused(NTP_DROP_FORMAT, 40000, len);
    }
    len = ask(4, MODE_CLIENT);
    refused(NTP_DROP_FORMAT, 40000, add_field(len, 0xf323, 24) + 12);
    len = ask(4, MODE_CLIENT);
    add_field(len, 0xf323, 32);
    refused(NTP_DROP_FORMAT, 40000, len + 28);
}

/* One row per way in which peers write a MAC. */
static const struct {
    size_t key;
    uint8_t version;
    size_t digest;
} macs[] = {{0, 4, 16}, {1, 4, 20}, {2, 4, 20}, {3, 4, 16}, {0, 3, 16},
            {1, 3, 20}, {2, 3, 32}, {2, 3, 20}, {3, 3, 16}, {0, 2, 16}};

#define MACS (sizeof(macs) / sizeof(macs[0]))

static void test_a_mac_is_answered_with_a_mac(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACS; i++) {
        const struct ntp_key *key = &keys.key[macs[i].key];
        struct ntp_reply reply;
        size_t len = ask(macs[i].version, MODE_CLIENT);

        len = add_mac(len, key, macs[i].digest);
        CHECK_EQ(answer(40000, len, &reply), NTP_OK);
        CHECK_EQ(reply.len, len);
        CHECK_EQ(reply.mac_at, NTP_HEADER_LEN);
        CHECK(reply.key == key);
        CHECK_EQ(get_u32(packet + NTP_HEADER_LEN), key->id);
        CHECK(ntp_mac_verify(key, packet, NTP_HEADER_LEN,
                             packet + NTP_HEADER_LEN + 4, macs[i].digest));
        CHECK_EQ(packet[len], 0xee);
    }
}

/* Requests of chronyd 4.6.1, one for each way in which it makes a MAC. */
static void test_what_chronyd_sends_is_answered(void **state)
{
    static const struct ntp_keys theirs = {
        .count = 4,
        .key = {{.id = 1,
                 .type = MAC_MD5,
                 .secret = "dialdialdial",
                 .secret_len = 12},
                {.id = 2,
                 .type = MAC_SHA1,
                 .secret = "stylestylestyle",
                 .secret_len = 15},
                {.id = 3,
                 .type = MAC_SHA256,
                 .secret = "shadowshadowshadow",
                 .secret_len = 18},
                {.id = 4,
                 .type = MAC_AES128_CMAC,
                 .secret = "0123456789abcdef",
                 .secret_len = 16}}};
    static const struct ntp_server served = {.keys = &theirs};
    static const char zeros[] = "000000000000000000000000000000000000"
                                "000000000000000000000000000000000000";
    /* After the zeros: transmit timestamp, extension field, MAC. */
    static const struct {
        const char *begin, *end;
        size_t reply_len;
    } row[] = {
        {"23000620",
         "f3dddbc283a50dc7"
         "00000001 e17f87385368f497fb22a3fa078ba65e",
         68},
        {"23000620",
         "c2ef4a78a417b50a"
         "00000002 c4cb7ad0c1f4b5b23f2cf8540a8b9a5ecedbac20",
         72},
        {"1b000620",
         "1c1bc3a80abde996"
         "00000003 702c294e9cb5fba941cdd2f3e7362ec6"
         "         4e48d4a76ffa0bf3558defbf42710d6e",
         84},
        {"23000620",
         "c6ab5cdb2aaa13a9"
         "00000003 83c9db771a0b0ef052ccf9c92e4c8a62a8137907",
         72},
        {"23000620",
         "f9685a4842da9760"
         "00000004 60d6ea9052679e29222e1b896abccfcf",
         68},
        {"1b000620",
         "a3bf236b4df8b27e"
         "00000001 6380cdec889641f07fe27e2bcb7ede4c",
         68},
        {"23000620",
         "51f2d343c0bc14c1"
         "f323001c f5bedd9a000000000000000000000000"
         "         0000000000000000"
         "00000004 19969b9a4a9b309e66e11d87e6654a66",
         68},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct ntp_reply reply;
        size_t len = check_hex(row[i].begin, packet, 4);

        len += check_hex(zeros, packet + len, 36);
        len += check_hex(row[i].end, packet + len, 100);
        CHECK_EQ(ntp_server_reply(&served, &line, RX_TICKS, 40000, packet, len,
                                  &reply),
                 NTP_OK);
        CHECK(reply.key != NULL);
        CHECK_EQ(reply.len, row[i].reply_len);
    }
}

static void test_the_mac_covers_the_fields(void **state)
{
    const struct ntp_key *key = &keys.key[3];
    struct ntp_reply reply;
    size_t fields = ask(4, MODE_CLIENT);

    (void)state;
    fields = add_field(fields, 0xf323, 16);
    CHECK_EQ(answer(40000, add_mac(fields, key, 16), &reply), NTP_OK);
    CHECK_EQ(reply.len, NTP_HEADER_LEN + 20);
    CHECK(ntp_mac_verify(key, packet, NTP_HEADER_LEN, packet + 52, 16));

    fields = ask(4, MODE_CLIENT);
    fields = add_field(fields, 0xf323, 16);
    size_t len = add_mac(fields, key, 16);
    packet[fields - 1] ^= 1;
    refused(NTP_DROP_AUTH, 40000, len);
}

static void test_a_wrong_mac_is_not_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < MACS; i++) {
        const struct ntp_key *key = &keys.key[macs[i].key];
        size_t len = ask(macs[i].version, MODE_CLIENT);

        len = add_mac(len, key, macs[i].digest);
        for (size_t at = 40; at < len; at++) {
            packet[at] ^= 0x10;
            refused(NTP_DROP_AUTH, 40000, len);
            packet[at] ^= 0x10;
        }
    }
}

static void test_an_unknown_key_is_not_answered(void **state)
{
    struct ntp_server keyless = server;
    struct ntp_reply reply;
    size_t len = add_mac(ask(4, MODE_CLIENT), &keys.key[0], 16);

    (void)state;
    keyless.keys = NULL;
    CHECK_EQ(
        ntp_server_reply(&keyless, &line, RX_TICKS, 40000, packet, len, &reply),
        NTP_DROP_AUTH);
    put_u32(packet + NTP_HEADER_LEN, 99);
    refused(NTP_DROP_AUTH, 40000, len);
}

/* A crypto-NAK is an answer, never a question. */
static void test_a_bare_key_id_is_not_answered(void **state)
{
    (void)state;
    for (uint8_t version = 1; version <= 4; version++) {
        size_t len = ask(version, MODE_CLIENT);

        put_u32(packet + len, 0);
        refused(NTP_DROP_AUTH, 40000, len + 4);
        put_u32(packet + len, 1);
        refused(NTP_DROP_AUTH, 40000, len + 4);
    }
}

static void test_finishing_again_makes_it_later(void **state)
{
    const struct ntp_key *key = &keys.key[2];
    struct ntp_reply reply;
    size_t len = add_mac(ask(4, MODE_CLIENT), key, 20);

    (void)state;
    CHECK_EQ(answer(40000, len, &reply), NTP_OK);
    ntp_server_finish(&reply, &line, TX_TICKS + 5);
    CHECK_EQ(get_u64(packet + NTP_TRANSMIT_AT), BASE_TS + (8ULL << 32));
    CHECK(ntp_mac_verify(key, packet, NTP_HEADER_LEN, packet + 52, 20));
}

/* Random packets that are nearly right: never longer, never past the end. */
static void test_no_reply_is_longer_than_its_request(void **state)
{
    struct check_random random = check_random_start();
    unsigned count[NTP_VERDICT_COUNT] = {0};

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct ntp_reply reply;
        size_t len = ask((uint8_t)check_random_below(&random, 6),
                         (uint8_t)check_random_below(&random, 6));

        for (uint64_t n = check_random_below(&random, 3); n > 0; n--) {
            len = add_field(len, (uint16_t)check_random(&random),
                            (uint16_t)(12 + check_random_below(&random, 20)));
        }
        if (check_random_below(&random, 2)) {
            uint64_t m = check_random_below(&random, MACS);

            len = add_mac(len, &keys.key[macs[m].key], macs[m].digest);
        }
        enum ntp_verdict verdict =
            answer((uint16_t)check_random(&random), len, &reply);

        count[verdict]++;
        if (verdict == NTP_OK)
            CHECK(reply.len <= len);
        CHECK_EQ(packet[len], 0xee);
    }
    CHECK(count[NTP_OK] > 1000);
    CHECK(count[NTP_DROP_FORMAT] > 1000);
    CHECK(count[NTP_DROP_AUTH] > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reply_says_what_the_clock_says),
        cmocka_unit_test(test_a_clock_that_is_lost_says_so),
        cmocka_unit_test(test_version_and_mode_decide_who_is_answered),
        cmocka_unit_test(test_only_a_client_of_version_1_needs_another_port),
        cmocka_unit_test(test_no_reply_is_itself_answered),
        cmocka_unit_test(test_poll_is_echoed_within_reason),
        cmocka_unit_test(test_a_kiss_is_no_time),
        cmocka_unit_test(test_unknown_fields_are_skipped_and_not_echoed),
        cmocka_unit_test(test_a_unique_identifier_is_echoed),
        cmocka_unit_test(test_an_echo_is_covered_by_the_mac),
        cmocka_unit_test(test_a_kiss_echoes_a_unique_identifier),
        cmocka_unit_test(test_other_unique_identifiers_are_not_echoed),
        cmocka_unit_test(test_malformed_packets_are_refused),
        cmocka_unit_test(test_a_mac_is_answered_with_a_mac),
        cmocka_unit_test(test_what_chronyd_sends_is_answered),
        cmocka_unit_test(test_the_mac_covers_the_fields),
        cmocka_unit_test(test_a_wrong_mac_is_not_answered),
        cmocka_unit_test(test_an_unknown_key_is_not_answered),
        cmocka_unit_test(test_a_bare_key_id_is_not_answered),
        cmocka_unit_test(test_finishing_again_makes_it_later),
        cmocka_unit_test(test_no_reply_is_longer_than_its_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
