/* SPDX-License-Identifier: BSD-2-Clause */
/* The on-wire protocol: which replies are believed, and which are not. */
#include "ntp/peer.h"

#include "ntp/clock.h"

#include "tests/check.h"

#define RANDOM 0x0123456789abcdefu
#define NOW    0xe9a7b2c800000000u

static const struct ntp_key key = {
    .id = 7, .type = MAC_SHA1, .secret = "secret", .secret_len = 6};
static const uint32_t our_id = 0xc0000207;
static const struct peer_names ours = {&our_id, 1};

struct exchange {
    struct peer peer;
    struct ntp_packet reply; /* to be changed by a test */
    uint8_t request[PEER_REQUEST_MAX];
    size_t request_len;
    struct peer_reply result;
};

static void ask(struct exchange *x, const struct ntp_key *with, uint8_t version)
{
    peer_init(&x->peer, with, version);
    x->request_len = peer_request(&x->peer, RANDOM, x->request);
    peer_sent(&x->peer, 1000);
    x->reply = (struct ntp_packet){
        .version = x->peer.version,
        .mode = MODE_SERVER,
        .stratum = 2,
        .precision = -20,
        .root_delay = 0x100,
        .root_dispersion = 0x200,
        .reference_id = 0xc0000201,
        .reference_ts = NOW - 0x1000000000u,
        .origin_ts = RANDOM,
        .receive_ts = NOW,
        .transmit_ts = NOW + 0x1000,
    };
}

static enum source_verdict answer(struct exchange *x)
{
    uint8_t data[NTP_HEADER_LEN];

    ntp_packet_write(data, &x->reply);
    return peer_receive(&x->peer, data, sizeof(data), 2000, &ours, &x->result);
}

static void test_a_request_tells_nothing_of_our_clock(void **state)
{
    (void)state;
    struct exchange x;
    struct ntp_packet p;

    ask(&x, NULL, 0);
    CHECK_EQ(x.request_len, 48);
    CHECK_EQ(ntp_packet_parse(&p, x.request, x.request_len), NTP_OK);
    CHECK_EQ(p.version, 4);
    CHECK_EQ(p.mode, MODE_CLIENT);
    CHECK_EQ(p.transmit_ts, RANDOM);
    for (size_t i = 4; i < NTP_TRANSMIT_AT; i++)
        CHECK_EQ(x.request[i], 0);
}

static void test_a_good_reply_is_taken_once(void **state)
{
    (void)state;
    struct exchange x;

    ask(&x, NULL, 0);
    CHECK_EQ(answer(&x), SOURCE_OK);
    CHECK_EQ(x.result.sent_ticks, 1000);
    CHECK_EQ(x.result.received_ticks, 2000);
    CHECK_EQ(x.result.header.receive_ts, NOW);
    CHECK_EQ(x.result.header.transmit_ts, NOW + 0x1000);
    CHECK_EQ(answer(&x), SOURCE_DUPLICATE);
}

static void test_a_reply_to_nothing_is_refused(void **state)
{
    (void)state;
    struct exchange x;

    ask(&x, NULL, 0);
    x.reply.origin_ts = RANDOM + 1;
    CHECK_EQ(answer(&x), SOURCE_BOGUS);
    /* It does not keep the true answer out. */
    x.reply.origin_ts = RANDOM;
    CHECK_EQ(answer(&x), SOURCE_OK);

    x.reply.origin_ts = RANDOM + 1;
    CHECK_EQ(answer(&x), SOURCE_UNASKED);
    peer_init(&x.peer, NULL, 0);
    x.reply.origin_ts = 0;
    CHECK_EQ(answer(&x), SOURCE_UNASKED);
}

static void test_an_answer_to_the_request_before_is_refused(void **state)
{
    (void)state;
    struct exchange x;

    ask(&x, NULL, 0);
    peer_request(&x.peer, RANDOM + 1, x.request);
    CHECK_EQ(answer(&x), SOURCE_BOGUS);
}

static void test_only_a_servers_reply_will_do(void **state)
{
    (void)state;
    struct exchange x;

    for (uint8_t mode = 0; mode < 8; mode++) {
        ask(&x, NULL, 0);
        x.reply.mode = mode;
        CHECK_EQ(answer(&x), mode == MODE_SERVER ? SOURCE_OK : SOURCE_MODE);
    }
    ask(&x, NULL, 3);
    x.reply.version = 4;
    CHECK_EQ(answer(&x), SOURCE_VERSION);
    ask(&x, NULL, 4);
    x.reply.version = 3; /* as Windows does */
    CHECK_EQ(answer(&x), SOURCE_OK);
    CHECK_EQ(peer_receive(&x.peer, x.request, 47, 0, &ours, &x.result),
             SOURCE_SHORT);
}

static void test_an_unsynchronised_server_is_refused(void **state)
{
    (void)state;
    struct exchange x;

    ask(&x, NULL, 0);
    x.reply.leap = LEAP_UNKNOWN;
    CHECK_EQ(answer(&x), SOURCE_BAD_LEAP);
    /* That was its answer. */
    CHECK_EQ(answer(&x), SOURCE_DUPLICATE);

    ask(&x, NULL, 0);
    x.reply.stratum = 16;
    CHECK_EQ(answer(&x), SOURCE_BAD_STRATUM);
    ask(&x, NULL, 0);
    x.reply.stratum = 15;
    CHECK_EQ(answer(&x), SOURCE_OK);
    ask(&x, NULL, 0);
    x.reply.leap = LEAP_UNKNOWN;
    x.reply.stratum = 0;
    x.reply.reference_id = 0;
    CHECK_EQ(answer(&x), SOURCE_BAD_LEAP);
}

static void test_root_distance_has_a_limit(void **state)
{
    (void)state;
    struct exchange x;

    ask(&x, NULL, 0);
    x.reply.root_delay = 16 << 16;
    x.reply.root_dispersion = (8 << 16) - 1;
    CHECK_EQ(answer(&x), SOURCE_OK);
    ask(&x, NULL, 0);
    x.reply.root_delay = 16 << 16;
    x.reply.root_dispersion = 8 << 16;
    CHECK_EQ(answer(&x), SOURCE_BAD_DISTANCE);
    ask(&x, NULL, 0);
    x.reply.root_delay = UINT32_MAX;
    x.reply.root_dispersion = UINT32_MAX;
    CHECK_EQ(answer(&x), SOURCE_BAD_DISTANCE);
}

static void test_timestamps_must_be_in_order(void **state)
{
    (void)state;
    struct exchange x;

    ask(&x, NULL, 0);
    x.reply.transmit_ts = NOW - 1;
    CHECK_EQ(answer(&x), SOURCE_BAD_TIMES);
    ask(&x, NULL, 0);
    x.reply.reference_ts = x.reply.transmit_ts + 1;
    CHECK_EQ(answer(&x), SOURCE_BAD_TIMES);
    ask(&x, NULL, 0);
    x.reply.reference_ts = 0;
    CHECK_EQ(answer(&x), SOURCE_OK);
    ask(&x, NULL, 0);
    x.reply.receive_ts = 0;
    CHECK_EQ(answer(&x), SOURCE_BAD_TIMES);
    ask(&x, NULL, 0);
    x.reply.transmit_ts = 0;
    CHECK_EQ(answer(&x), SOURCE_BAD_TIMES);
    /* An era may end between. */
    ask(&x, NULL, 0);
    x.reply.reference_ts = 0xfffffff000000000u;
    x.reply.receive_ts = 0xffffffffffffffffu;
    x.reply.transmit_ts = 5;
    CHECK_EQ(answer(&x), SOURCE_OK);
}

static void test_a_server_that_follows_us_is_a_loop(void **state)
{
    (void)state;
    struct exchange x;

    ask(&x, NULL, 0);
    x.reply.reference_id = our_id;
    CHECK_EQ(answer(&x), SOURCE_BAD_LOOP);
    ask(&x, NULL, 0);
    x.reply.reference_id = our_id; /* letters, at stratum 1 */
    x.reply.stratum = 1;
    CHECK_EQ(answer(&x), SOURCE_OK);
}

static void test_kisses_count_only_as_answers(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum source_verdict verdict;
    } kisses[] = {{"RATE", SOURCE_KISS_RATE},
                  {"DENY", SOURCE_KISS_STOP},
                  {"RSTR", SOURCE_KISS_STOP},
                  {"INIT", SOURCE_KISS_OTHER}};
    struct exchange x;

    for (size_t i = 0; i < sizeof(kisses) / sizeof(*kisses); i++) {
        ask(&x, NULL, 0);
        x.reply.leap = LEAP_UNKNOWN;
        x.reply.stratum = 0;
        x.reply.reference_id = get_u32((const uint8_t *)kisses[i].code);
        x.reply.origin_ts = 0;
        CHECK_EQ(answer(&x), SOURCE_BOGUS);
        x.reply.origin_ts = RANDOM;
        CHECK_EQ(answer(&x), kisses[i].verdict);
    }
}

static size_t authenticated(const struct exchange *x,
                            const struct ntp_key *with, uint8_t *data)
{
    uint8_t digest[NTP_DIGEST_MAX];

    ntp_packet_write(data, &x->reply);
    size_t n = ntp_mac_make(with, data, NTP_HEADER_LEN, digest);
    put_u32(data + NTP_HEADER_LEN, with->id);
    memcpy(data + NTP_HEADER_LEN + 4, digest, n);
    return NTP_HEADER_LEN + 4 + n;
}

static void test_authentication_is_what_was_asked_for(void **state)
{
    (void)state;
    struct exchange x;
    uint8_t data[128];

    ask(&x, &key, 0);
    CHECK_EQ(x.request_len, 48 + 24);
    CHECK(ntp_mac_verify(&key, x.request, 48, x.request + 52, 20));
    CHECK_EQ(answer(&x), SOURCE_AUTH);
    size_t len = authenticated(&x, &key, data);
    data[20] ^= 1;
    CHECK_EQ(peer_receive(&x.peer, data, len, 0, &ours, &x.result),
             SOURCE_AUTH);
    data[20] ^= 1;

    struct ntp_key other = key;
    other.id = 8;
    uint8_t wrong[128];
    authenticated(&x, &other, wrong);
    CHECK_EQ(peer_receive(&x.peer, wrong, len, 0, &ours, &x.result),
             SOURCE_AUTH);
    /* A crypto-NAK is no authentication, either. */
    CHECK_EQ(peer_receive(&x.peer, data, 52, 0, &ours, &x.result), SOURCE_AUTH);
    CHECK_EQ(peer_receive(&x.peer, data, len - 1, 0, &ours, &x.result),
             SOURCE_FORMAT);
    /* After all that, the true answer still counts. */
    CHECK_EQ(peer_receive(&x.peer, data, len, 0, &ours, &x.result), SOURCE_OK);

    ask(&x, NULL, 0);
    CHECK_EQ(peer_receive(&x.peer, data, len, 0, &ours, &x.result),
             SOURCE_AUTH);
}

/* Stands for NTS: appends four bytes if it may, says what it is told to say. */
struct witness {
    bool refuses;
    enum source_verdict says;
    unsigned asked;
};

static size_t protect(void *context, uint8_t *data, size_t len, size_t room)
{
    struct witness *w = context;

    CHECK_EQ(len, NTP_HEADER_LEN);
    CHECK_EQ(room, PEER_REQUEST_MAX);
    if (w->refuses)
        return 0;
    memcpy(data + len, "mine", 4);
    return len + 4;
}

static enum source_verdict check(void *context, const uint8_t *data, size_t len)
{
    struct witness *w = context;

    CHECK_EQ(len, NTP_HEADER_LEN);
    CHECK(data != NULL);
    w->asked++;
    return w->says;
}

static struct peer_auth by(struct witness *w)
{
    return (struct peer_auth){w, protect, check};
}

static void ask_by(struct exchange *x, const struct peer_auth *auth)
{
    ask(x, &key, 3);
    peer_authenticate(&x->peer, auth);
    x->request_len = peer_request(&x->peer, RANDOM, x->request);
    x->reply.version = 4;
}

static void test_other_authentication_goes_before_a_key(void **state)
{
    (void)state;
    struct exchange x;
    struct witness w = {.says = SOURCE_OK};
    struct peer_auth auth = by(&w);

    ask_by(&x, &auth);
    CHECK_EQ(x.request_len, NTP_HEADER_LEN + 4);
    CHECK_BYTES(x.request + NTP_HEADER_LEN, "mine", 4);
    CHECK_EQ(x.request[0] >> 3 & 7, 4);
    CHECK_EQ(answer(&x), SOURCE_OK);
    CHECK_EQ(w.asked, 1);
}

static void test_an_unproven_answer_does_not_keep_the_proven_one_out(void **s)
{
    (void)s;
    static const enum source_verdict no[] = {SOURCE_AUTH, SOURCE_NAK,
                                             SOURCE_FORMAT, SOURCE_EXPIRED};
    struct exchange x;
    struct witness w = {.refuses = false};
    struct peer_auth auth = by(&w);

    ask_by(&x, &auth);
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
        w.says = no[i];
        CHECK_EQ(answer(&x), no[i]);
    }
    /* Not even a kiss counts. */
    x.reply.stratum = 0;
    x.reply.reference_id = 0x44454e59;
    CHECK_EQ(answer(&x), SOURCE_EXPIRED);
    x.reply.stratum = 2;
    w.says = SOURCE_OK;
    CHECK_EQ(answer(&x), SOURCE_OK);
    CHECK_EQ(answer(&x), SOURCE_DUPLICATE);
    CHECK_EQ(w.asked, 6);
}

static void test_only_our_answers_of_version_4_are_checked(void **state)
{
    (void)state;
    struct exchange x;
    struct witness w = {.says = SOURCE_OK};
    struct peer_auth auth = by(&w);

    ask_by(&x, &auth);
    x.reply.version = 3;
    CHECK_EQ(answer(&x), SOURCE_VERSION);
    x.reply.version = 4;
    x.reply.origin_ts = RANDOM + 1;
    CHECK_EQ(answer(&x), SOURCE_BOGUS);
    CHECK_EQ(w.asked, 0);
}

static void test_what_cannot_be_proven_is_not_asked(void **state)
{
    (void)state;
    struct exchange x;
    struct witness w = {.refuses = true, .says = SOURCE_OK};
    struct peer_auth auth = by(&w);

    ask_by(&x, &auth);
    CHECK_EQ(x.request_len, 0);
    CHECK_EQ(answer(&x), SOURCE_UNASKED);
}

static void test_long_digests_are_sent_whole_in_version_3(void **state)
{
    (void)state;
    struct exchange x;
    struct ntp_key sha256 = key;

    sha256.type = MAC_SHA256;
    ask(&x, &sha256, 0);
    CHECK_EQ(x.peer.version, 3);
    CHECK_EQ(x.request_len, 48 + 4 + 32);
    ask(&x, &sha256, 4);
    CHECK_EQ(x.request_len, 48 + 4 + 20);
}

static void test_reference_ids_of_addresses(void **state)
{
    (void)state;
    uint8_t v4[4] = {192, 0, 2, 7};
    struct ip_addr6 a = ip_from_v4(v4);
    struct ip_addr6 zero = {{0}};

    CHECK_EQ(peer_reference_id(&a), our_id);
    /* MD5 of 16 zero bytes: 4ae71336e44bf9bf79d2752e234818a5. */
    CHECK_EQ(peer_reference_id(&zero), 0x4ae71336);
}

/* An exchange, and the request after it, which refers to it. */
static void ask_interleaved(struct exchange *x)
{
    ask(x, NULL, 0);
    CHECK_EQ(answer(x), SOURCE_OK);
    peer_interleave(&x->peer, RANDOM + 2);
    x->request_len = peer_request(&x->peer, RANDOM + 1, x->request);
    peer_sent(&x->peer, 11000);
    /* T3 as it was: not quite what that answer said. */
    x->reply.origin_ts = RANDOM + 2;
    x->reply.receive_ts = NOW + 0x1000000000u;
    x->reply.transmit_ts = NOW + 0x3000;
    x->reply.reference_ts = NOW + 0x800000000u;
}

static enum source_verdict answer_at(struct exchange *x, uint64_t ticks)
{
    uint8_t data[NTP_HEADER_LEN];

    ntp_packet_write(data, &x->reply);
    return peer_receive(&x->peer, data, sizeof(data), ticks, &ours, &x->result);
}

static void test_an_interleaved_request_refers_to_the_last_reply(void **state)
{
    (void)state;
    struct exchange x;
    struct ntp_packet p;

    ask_interleaved(&x);
    CHECK_EQ(ntp_packet_parse(&p, x.request, x.request_len), NTP_OK);
    CHECK_EQ(p.origin_ts, NOW);
    CHECK_EQ(p.receive_ts, RANDOM + 2);
    CHECK_EQ(p.transmit_ts, RANDOM + 1);

    /* The first one has nothing to refer to; nor has one that was not told. */
    peer_init(&x.peer, NULL, 0);
    peer_interleave(&x.peer, RANDOM + 2);
    peer_request(&x.peer, RANDOM, x.request);
    CHECK_EQ(get_u64(x.request + 24), 0);
    CHECK_EQ(get_u64(x.request + 32), 0);
    ask_interleaved(&x);
    peer_request(&x.peer, RANDOM + 3, x.request);
    CHECK_EQ(get_u64(x.request + 24), 0);

    /* Alike, the two numbers would be those of a plain request. */
    ask_interleaved(&x);
    peer_interleave(&x.peer, RANDOM + 4);
    peer_request(&x.peer, RANDOM + 4, x.request);
    CHECK_EQ(get_u64(x.request + 24), 0);
    CHECK_EQ(get_u64(x.request + 32), 0);
}

static void test_an_interleaved_reply_is_of_the_exchange_before(void **state)
{
    (void)state;
    struct exchange x;

    ask_interleaved(&x);
    CHECK_EQ(answer_at(&x, 12000), SOURCE_OK);
    CHECK(x.result.interleaved);
    CHECK(x.result.measured); /* by its plain reply */
    CHECK_EQ(x.result.sent_ticks, 1000);
    CHECK_EQ(x.result.received_ticks, 2000);
    CHECK_EQ(x.result.header.receive_ts, NOW);
    CHECK_EQ(x.result.header.transmit_ts, NOW + 0x3000);
    CHECK_EQ(answer_at(&x, 13000), SOURCE_DUPLICATE);

    /* The next one tells of this exchange, and is all that does. */
    peer_interleave(&x.peer, RANDOM + 6);
    peer_request(&x.peer, RANDOM + 5, x.request);
    CHECK_EQ(get_u64(x.request + 24), NOW + 0x1000000000u);
    peer_sent(&x.peer, 21000);
    x.reply.origin_ts = RANDOM + 6;
    x.reply.receive_ts = NOW + 0x2000000000u;
    x.reply.transmit_ts = NOW + 0x1000004000u;
    CHECK_EQ(answer_at(&x, 22000), SOURCE_OK);
    CHECK(x.result.interleaved && !x.result.measured);
    CHECK_EQ(x.result.sent_ticks, 11000);
    CHECK_EQ(x.result.received_ticks, 12000);
    CHECK_EQ(x.result.header.receive_ts, NOW + 0x1000000000u);
}

static void test_a_plain_reply_to_an_interleaved_request_will_do(void **state)
{
    (void)state;
    struct exchange x;

    ask_interleaved(&x);
    x.reply.origin_ts = RANDOM + 1;
    x.reply.transmit_ts = x.reply.receive_ts + 0x1000;
    CHECK_EQ(answer_at(&x, 12000), SOURCE_OK);
    CHECK(!x.result.interleaved && !x.result.measured);
    CHECK_EQ(x.result.sent_ticks, 11000);
    CHECK_EQ(x.result.received_ticks, 12000);
}

static void test_interleaved_times_are_in_order(void **state)
{
    (void)state;
    struct exchange x;

    /* It cannot have sent that reply after it received this request, ... */
    ask_interleaved(&x);
    x.reply.transmit_ts = x.reply.receive_ts + 1;
    CHECK_EQ(answer_at(&x, 12000), SOURCE_BAD_TIMES);
    /* ... nor before it received the one before, ... */
    ask_interleaved(&x);
    x.reply.transmit_ts = NOW - 1;
    CHECK_EQ(answer_at(&x, 12000), SOURCE_BAD_TIMES);
    /* ... nor have been set after that. */
    ask_interleaved(&x);
    x.reply.reference_ts = x.reply.receive_ts + 1;
    CHECK_EQ(answer_at(&x, 12000), SOURCE_BAD_TIMES);

    /* Such an exchange is not referred to. */
    peer_interleave(&x.peer, RANDOM + 8);
    peer_request(&x.peer, RANDOM + 7, x.request);
    CHECK_EQ(get_u64(x.request + 24), 0);
}

/* The number of a request that was plain is nobody's origin. */
static void test_an_interleaved_reply_must_have_been_asked_for(void **state)
{
    (void)state;
    struct exchange x;

    ask_interleaved(&x);
    peer_request(&x.peer, RANDOM + 3, x.request);
    CHECK_EQ(answer_at(&x, 12000), SOURCE_BOGUS);
    x.reply.origin_ts = 0;
    CHECK_EQ(answer_at(&x, 12000), SOURCE_BOGUS);

    ask_interleaved(&x);
    peer_forget_exchange(&x.peer);
    CHECK_EQ(answer_at(&x, 12000), SOURCE_BOGUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_tells_nothing_of_our_clock),
        cmocka_unit_test(test_a_good_reply_is_taken_once),
        cmocka_unit_test(test_a_reply_to_nothing_is_refused),
        cmocka_unit_test(test_an_answer_to_the_request_before_is_refused),
        cmocka_unit_test(test_only_a_servers_reply_will_do),
        cmocka_unit_test(test_an_unsynchronised_server_is_refused),
        cmocka_unit_test(test_root_distance_has_a_limit),
        cmocka_unit_test(test_timestamps_must_be_in_order),
        cmocka_unit_test(test_a_server_that_follows_us_is_a_loop),
        cmocka_unit_test(test_kisses_count_only_as_answers),
        cmocka_unit_test(test_authentication_is_what_was_asked_for),
        cmocka_unit_test(test_other_authentication_goes_before_a_key),
        cmocka_unit_test(
            test_an_unproven_answer_does_not_keep_the_proven_one_out),
        cmocka_unit_test(test_only_our_answers_of_version_4_are_checked),
        cmocka_unit_test(test_what_cannot_be_proven_is_not_asked),
        cmocka_unit_test(test_long_digests_are_sent_whole_in_version_3),
        cmocka_unit_test(test_reference_ids_of_addresses),
        cmocka_unit_test(test_an_interleaved_request_refers_to_the_last_reply),
        cmocka_unit_test(test_an_interleaved_reply_is_of_the_exchange_before),
        cmocka_unit_test(test_a_plain_reply_to_an_interleaved_request_will_do),
        cmocka_unit_test(test_interleaved_times_are_in_order),
        cmocka_unit_test(test_an_interleaved_reply_must_have_been_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
