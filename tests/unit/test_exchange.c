/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the load generator: what it takes for an answer, and its figures. */
/* links: tests/bench/exchange */
#include "tests/bench/exchange.h"

#include "ntp/bytes.h"
#include "ntp/ts.h"
#include "tests/bench/now.h"
#include "tests/check.h"

/* A link that keeps what is sent, and delivers what a test puts there. */

static struct {
    uint8_t sent[LINK_BATCH][48];
    unsigned queued;
    unsigned refuse; /* so many of the next batch */
    uint8_t reply[64];
    size_t len; /* 0: nothing arrives */
    uint32_t flow;
} wire;

uint8_t *link_add(struct link *l, size_t len, uint32_t *flow)
{
    (void)l;
    CHECK_EQ(len, 48);
    *flow = 7;
    return wire.sent[wire.queued++];
}

unsigned link_flush(struct link *l)
{
    unsigned n = wire.queued - wire.refuse;

    (void)l;
    wire.queued = 0;
    return n;
}

unsigned link_receive(struct link *l, unsigned batches, link_taker *take,
                      void *self)
{
    (void)l;
    (void)batches;
    if (wire.len == 0)
        return 0;
    take(self, wire.flow, wire.reply, wire.len);
    return 1;
}

static struct exchange x;
static struct link link_of_test;

static void begin(void)
{
    memset(&wire, 0, sizeof wire);
    memset(&x, 0, sizeof x);
    x.link = &link_of_test;
    x.version = 4;
    x.timeout_ns = 1000000000;
    x.until_ns = UINT64_MAX;
    CHECK_EQ(exchange_ask(&x, 1), 1);
}

static ntp_ts host_ts(double ahead_s)
{
    uint64_t ns = now_unix_ns() + (uint64_t)(int64_t)(ahead_s * 1e9);

    return ntp_ts_from_date(ntp_date_from_unix((int64_t)(ns / 1000000000),
                                               (uint32_t)(ns % 1000000000)));
}

/* A right answer to the first request, of a clock so far ahead. */
static void answer(double ahead_s)
{
    uint8_t *p = wire.reply;
    ntp_ts ts = host_ts(ahead_s);

    memset(p, 0, sizeof wire.reply);
    p[0] = 4 << 3 | 4;
    p[1] = 2;
    put_u32(p + 4, 0x0000199a); /* 100 ms of root delay */
    put_u32(p + 8, 0x00000ccd); /* 50 ms of root dispersion */
    put_u32(p + 12, 0x0a000202);
    memcpy(p + 24, wire.sent[0] + 40, 8);
    put_u64(p + 32, ts);
    put_u64(p + 40, ts);
    wire.len = 48;
    wire.flow = 7;
}

static void test_request_is_a_client_request_with_a_random_timestamp(void **s)
{
    (void)s;
    begin();
    CHECK_EQ(wire.sent[0][0], 0x23);
    CHECK(get_u64(wire.sent[0] + 40) != 0);
    CHECK_EQ(exchange_ask(&x, 2), 2);
    CHECK(get_u64(wire.sent[0] + 40) != get_u64(wire.sent[1] + 40));
    CHECK_EQ(x.waiting, 3);
}

static void test_right_answer_counts_and_is_measured(void **s)
{
    (void)s;
    begin();
    answer(0.25);
    CHECK_EQ(exchange_receive(&x, 1), 1);
    CHECK_EQ(x.count.answered, 1);
    CHECK_EQ(x.count.valid, 1);
    CHECK_EQ(x.waiting, 0);
    CHECK(x.reply.fresh);
    CHECK_EQ(x.reply.stratum, 2);
    CHECK_EQ(x.reply.reference_id, 0x0a000202);
    CHECK_NEAR(x.reply.offset_ns, 250e6, x.reply.delay_ns / 2 + 10);
    CHECK_NEAR(x.reply.bound_ns, 100e6, 1e5);
    CHECK(x.reply.delay_ns >= 0);
}

static void test_second_answer_is_late(void **s)
{
    (void)s;
    begin();
    answer(0);
    exchange_receive(&x, 1);
    exchange_receive(&x, 1);
    CHECK_EQ(x.count.answered, 1);
    CHECK_EQ(x.count.late, 1);
}

/* Each spoils a right answer, and is counted by its name. */
static void test_wrong_answers_are_told_apart(void **s)
{
    (void)s;
    for (int i = 0; i < 9; i++) {
        begin();
        answer(0);
        const uint64_t *count = &x.count.malformed;

        switch (i) {
        case 0:
            wire.len = 47;
            break;
        case 1:
            wire.reply[0] = 4 << 3 | 3; /* our own request */
            break;
        case 2:
            wire.reply[0] = 3 << 3 | 4; /* another version */
            break;
        case 3:
            wire.reply[24] ^= 1;
            count = &x.count.wrong_origin;
            break;
        case 4:
            wire.flow = 8; /* to another client */
            count = &x.count.wrong_origin;
            break;
        case 5:
            wire.reply[0] |= 0xc0; /* RATE */
            wire.reply[1] = 0;
            put_u32(wire.reply + 12, 0x52415445);
            count = &x.count.kiss;
            break;
        case 6:
            wire.reply[0] |= 0xc0;
            count = &x.count.unsynchronised;
            break;
        case 7:
            wire.reply[1] = 16;
            count = &x.count.unsynchronised;
            break;
        case 8:
            wire.reply[0] |= 0xc0; /* as this server says it */
            wire.reply[1] = 0;
            put_u32(wire.reply + 12, 0);
            count = &x.count.unsynchronised;
            break;
        }
        exchange_receive(&x, 1);
        CHECK_EQ(*count, 1);
        CHECK_EQ(x.count.answered, 0);
        CHECK(!x.reply.fresh);
    }
}

static void test_what_the_kernel_refuses_is_not_waited_for(void **s)
{
    (void)s;
    begin();
    wire.refuse = 20;
    CHECK_EQ(exchange_ask(&x, 32), 12);
    CHECK_EQ(x.waiting, 13);
    CHECK_EQ(x.count.sent, 13);
}

static void test_waiting_longer_than_the_timeout_is_a_loss(void **s)
{
    (void)s;
    begin();
    exchange_expire(&x, now_ns());
    CHECK_EQ(x.count.lost, 0);
    exchange_expire(&x, now_ns() + 2000000000);
    CHECK_EQ(x.count.lost, 1);
    CHECK_EQ(x.waiting, 0);
}

static void test_oldest_are_given_up_when_all_slots_wait(void **s)
{
    (void)s;
    begin();
    for (unsigned i = 0; i < EXCHANGE_SLOTS; i++)
        CHECK_EQ(exchange_ask(&x, LINK_BATCH), LINK_BATCH);
    CHECK(x.waiting < EXCHANGE_SLOTS);
    CHECK(x.waiting > EXCHANGE_SLOTS / 2);
    CHECK_EQ(x.count.sent, x.count.lost + x.waiting);
}

static void test_quantiles_are_within_a_bucket(void **s)
{
    static struct histogram h;

    (void)s;
    for (uint64_t ns = 1; ns <= 100000; ns++)
        histogram_add(&h, ns * 1000);
    CHECK_NEAR(histogram_quantile(&h, 0.5), 50e6, 50e6 / 64);
    CHECK_NEAR(histogram_quantile(&h, 0.99), 99e6, 99e6 / 64);
    CHECK_EQ(h.max, 100000000);
    histogram_add(&h, UINT64_MAX);
    CHECK_NEAR(histogram_quantile(&h, 1), 0x1p64, 0x1p58);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_request_is_a_client_request_with_a_random_timestamp),
        cmocka_unit_test(test_right_answer_counts_and_is_measured),
        cmocka_unit_test(test_second_answer_is_late),
        cmocka_unit_test(test_wrong_answers_are_told_apart),
        cmocka_unit_test(test_what_the_kernel_refuses_is_not_waited_for),
        cmocka_unit_test(test_waiting_longer_than_the_timeout_is_a_loss),
        cmocka_unit_test(test_oldest_are_given_up_when_all_slots_wait),
        cmocka_unit_test(test_quantiles_are_within_a_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
