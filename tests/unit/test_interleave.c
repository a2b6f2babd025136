/* SPDX-License-Identifier: BSD-2-Clause */
/* Interleaved mode of the server: who is told when the answer before left. */
#include "ntp/interleave.h"

#include "ntp/packet.h"

#include "tests/check.h"

#define RX 0xe9a7b2c800000000u
#define S  0x100000000u

static struct ntp_pair pair;
static uint8_t packet[NTP_HEADER_LEN];

/* A request, and the receive timestamp of its answer; returns the transmit
 * timestamp that the answer is to have. */
static ntp_ts ask(uint8_t mode, ntp_ts origin, ntp_ts receive, ntp_ts transmit,
                  ntp_ts received)
{
    struct ntp_packet p = {
        .version = 4,
        .mode = mode,
        .origin_ts = origin,
        .receive_ts = receive,
        .transmit_ts = transmit,
    };

    ntp_packet_write(packet, &p);
    struct ntp_asked asked = ntp_interleave_asked(packet);
    p.mode = MODE_SERVER;
    p.origin_ts = transmit;
    p.receive_ts = received;
    ntp_packet_write(packet, &p);
    return ntp_interleave_reply(&pair, &asked, packet);
}

static ntp_ts origin(void)
{
    return get_u64(packet + 24);
}

static ntp_ts receive(void)
{
    return get_u64(packet + 32);
}

/* The first answer left at RX + 5. */
static void begin(void)
{
    memset(&pair, 0, sizeof(pair));
    CHECK_EQ(ask(MODE_CLIENT, 0, 0, 77, RX), 0);
    CHECK_EQ(origin(), 77);
    CHECK_EQ(pair.receive_ts, RX);
    CHECK_EQ(pair.transmit_ts, 0);
    pair.transmit_ts = RX + 5;
}

static void test_an_interleaved_request_is_told_when_the_last_one_left(void **s)
{
    (void)s;
    begin();
    for (unsigned i = 1; i < 5; i++) {
        ntp_ts last = pair.receive_ts;
        ntp_ts left = pair.transmit_ts;

        CHECK_EQ(ask(MODE_CLIENT, last, 100 + i, 200 + i, RX + i * S), left);
        CHECK_EQ(origin(), 100 + i);
        CHECK_EQ(receive(), RX + i * S);
        pair.transmit_ts = RX + i * S + 7;
    }
}

static void test_any_other_request_has_a_plain_answer(void **state)
{
    (void)state;
    static const struct {
        uint8_t mode;
        ntp_ts origin, receive, transmit;
    } asked[] = {
        {MODE_CLIENT, 0, 0, 300},        /* a plain one */
        {MODE_CLIENT, RX + 1, 200, 300}, /* of another answer */
        {MODE_CLIENT, RX - S, 200, 300}, /* of one before that */
        {MODE_CLIENT, RX, 300, 300},     /* RFC 5905 may have that by chance */
        {MODE_ACTIVE, RX, 200, 300},     /* not of a client */
    };

    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        begin();
        CHECK_EQ(ask(asked[i].mode, asked[i].origin, asked[i].receive,
                     asked[i].transmit, RX + S),
                 0);
        CHECK_EQ(origin(), 300);
        CHECK_EQ(pair.receive_ts, RX + S);
        CHECK_EQ(pair.transmit_ts, 0);
    }
}

/* An answer that never left, or whose departure is not known, is none. */
static void test_without_a_departure_the_answer_is_plain(void **state)
{
    (void)state;
    begin();
    pair.transmit_ts = 0;
    CHECK_EQ(ask(MODE_CLIENT, RX, 100, 200, RX + S), 0);
    CHECK_EQ(origin(), 200);

    /* A client that nothing is known of. */
    memset(&pair, 0, sizeof(pair));
    CHECK_EQ(ask(MODE_CLIENT, 0, 100, 200, RX), 0);
    CHECK_EQ(origin(), 200);
}

/* Frames that came at once, behind one address, are told apart. */
static void test_receive_timestamps_do_not_repeat(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 1; i < 40; i++) {
        CHECK_EQ(ask(MODE_CLIENT, 0, 0, 88, RX), 0);
        CHECK_EQ(receive(), RX + i);
        CHECK_EQ(pair.receive_ts, RX + i);
    }
    pair.transmit_ts = RX + 9;
    CHECK_EQ(ask(MODE_CLIENT, RX, 100, 200, RX + S), 0);

    /* After a step back there is nothing to be raised to. */
    begin();
    CHECK_EQ(ask(MODE_CLIENT, 0, 0, 88, RX - S), 0);
    CHECK_EQ(receive(), RX - S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_an_interleaved_request_is_told_when_the_last_one_left),
        cmocka_unit_test(test_any_other_request_has_a_plain_answer),
        cmocka_unit_test(test_without_a_departure_the_answer_is_plain),
        cmocka_unit_test(test_receive_timestamps_do_not_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
