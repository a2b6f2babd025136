/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of requests under NTS becoming replies. */
#include "nts/server.h"

#include "tests/check.h"
#include "tests/nts_ask.h"

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
    return (struct clock_status){.leap = line->leap, .stratum = line->stratum};
}

static const struct clock_line line = {
    .base_ticks = RX_TICKS, .base_date = (ntp_date)BASE_TS << 32, .stratum = 2};

static struct check_random dice;

static void random_bytes(void *context, void *bytes, size_t len)
{
    (void)context;
    check_random_bytes(&dice, bytes, len);
}

static const enum aead_id both[] = {AEAD_AES_SIV_CMAC_256,
                                    AEAD_AES_128_GCM_SIV};

static const struct ntp_server plain = {.precision = -25};
static struct nts_keys keys;
static const struct nts_server server = {
    .ntp = &plain, .keys = &keys, .cipher = &aes_ct, .random = random_bytes};
static struct nts_cookie client;
static uint8_t cookie[NTS_COOKIE_MAX];
static size_t cookie_len;
static uint8_t packet[1600];
static struct nts_reply reply;

/* A client that agreed on `aead`, with a fresh cookie. */
static void agree(enum aead_id aead)
{
    uint8_t nonce[NTS_COOKIE_NONCE_LEN];

    client.aead = aead;
    check_random_bytes(&dice, client.c2s, sizeof(client.c2s));
    check_random_bytes(&dice, client.s2c, sizeof(client.s2c));
    check_random_bytes(&dice, nonce, sizeof(nonce));
    cookie_len = nts_cookie_seal(&keys, &client, nonce, cookie);
}

static int throw_dice(void **state)
{
    (void)state;
    dice = check_random_start();
    return 0;
}

static int start(void **state)
{
    struct nts_key_bytes key = {.id = 7};

    (void)state;
    check_random_bytes(&dice, key.key, sizeof(key.key));
    nts_keys_init(&keys, &aes_ct);
    nts_keys_load(&keys, &key, 1);
    memset(packet, 0xee, sizeof(packet));
    agree(AEAD_AES_SIV_CMAC_256);
    return 0;
}

static size_t make(const struct nts_ask *ask)
{
    memset(packet, 0xee, sizeof(packet));
    return nts_ask_make(packet, ask, &client, cookie, cookie_len);
}

/* What becomes of the `len` bytes of `packet`, finished if answered. */
static enum ntp_verdict answer(size_t len)
{
    enum ntp_verdict verdict =
        nts_server_reply(&server, &line, RX_TICKS, packet, len, &reply);

    if (ntp_is_answer(verdict)) {
        nts_server_finish(&reply, &line, TX_TICKS);
        CHECK(reply.len <= len);
        CHECK_EQ(packet[len], 0xee);
    }
    return verdict;
}

static enum ntp_verdict fate(const struct nts_ask *ask)
{
    return answer(make(ask));
}

/* It is answered, authentically, with so many cookies. */
static void answered(const struct nts_ask *ask, unsigned cookies)
{
    struct nts_got got;

    CHECK_EQ(fate(ask), NTS_OK);
    CHECK(reply.protected);
    CHECK(nts_ask_open(&got, packet, reply.len, ask, &client));
    CHECK_EQ(got.cookies, cookies);
    for (unsigned i = 0; i < got.cookies; i++) {
        struct nts_cookie c;

        CHECK(nts_cookie_open(&keys, got.cookie + i * NTS_COOKIE_MAX,
                              got.cookie_len, &c));
        CHECK_EQ(c.aead, client.aead);
        CHECK_BYTES(c.c2s, client.c2s, aead_key_len(c.aead));
        CHECK_BYTES(c.s2c, client.s2c, aead_key_len(c.aead));
        for (unsigned j = 0; j < i; j++)
            CHECK(memcmp(got.cookie + i * NTS_COOKIE_MAX,
                         got.cookie + j * NTS_COOKIE_MAX, got.cookie_len));
    }
}

static void nak(size_t len)
{
    struct ntp_packet p;

    CHECK_EQ(answer(len), NTS_NAK);
    CHECK(!reply.protected);
    CHECK_EQ(ntp_packet_parse(&p, packet, reply.len), NTP_OK);
    CHECK_EQ(p.stratum, 0);
    CHECK_EQ(p.leap, LEAP_UNKNOWN);
    CHECK_EQ(p.mode, MODE_SERVER);
    CHECK_EQ(p.origin_ts, NTS_ASK_TRANSMIT);
    CHECK_BYTES(packet + 12, "NTSN", 4);
}

static void test_a_protected_request_gets_a_protected_reply(void **state)
{
    static const struct nts_ask ask;
    struct ntp_packet p;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        agree(both[i]);
        answered(&ask, 1);
        CHECK_EQ(ntp_packet_parse(&p, packet, reply.len), NTP_OK);
        CHECK_EQ(p.mode, MODE_SERVER);
        CHECK_EQ(p.stratum, 2);
        CHECK_EQ(p.precision, -25);
        CHECK_EQ(p.origin_ts, NTS_ASK_TRANSMIT);
        CHECK_EQ(p.receive_ts, BASE_TS);
        CHECK_EQ(p.transmit_ts, BASE_TS + (3ull << 32));
    }
}

static void test_the_reply_is_as_long_as_the_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (unsigned n = 0; n < NTS_COOKIES_MAX; n++) {
            const struct nts_ask ask = {.placeholders = n};

            agree(both[i]);
            size_t len = make(&ask);

            CHECK_EQ(answer(len), NTS_OK);
            CHECK_EQ(reply.len, len);
        }
}

static void test_each_placeholder_gets_a_cookie_up_to_eight(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (unsigned n = 0; n < 11; n++) {
            unsigned cookies = 1 + n < 8 ? 1 + n : 8;

            agree(both[i]);
            answered(&(struct nts_ask){.placeholders = n}, cookies);
            answered(&(struct nts_ask){.inner_placeholders = n}, cookies);
            answered(&(struct nts_ask){.placeholders = n / 2,
                                       .inner_placeholders = n - n / 2},
                     cookies);
        }
}

static void test_a_placeholder_of_another_length_is_none(void **state)
{
    (void)state;
    for (size_t len = 60; len <= 140; len += 8)
        if (len != cookie_len)
            answered(
                &(struct nts_ask){.placeholders = 3, .placeholder_len = len},
                1);
}

static void test_encrypted_fields_of_other_types_ask_for_nothing(void **state)
{
    (void)state;
    answered(&(struct nts_ask){.inner_placeholders = 2, .inner_type = 0x4321},
             1);
    answered(
        &(struct nts_ask){.inner_placeholders = 2, .inner_type = NTS_COOKIE},
        1);
}

static void test_fields_may_come_in_any_order(void **state)
{
    (void)state;
    answered(&(struct nts_ask){.cookie_first = true, .placeholders = 2}, 3);
}

static void test_long_unique_identifiers_are_echoed_whole(void **state)
{
    (void)state;
    for (size_t len = 32; len < 900; len += 52) {
        answered(&(struct nts_ask){.unique_identifier = len}, 1);
        answered(
            &(struct nts_ask){.unique_identifier = len, .cookie_first = true},
            1);
    }
}

/* RFC 8915, 5.7: exactly one of each, and 32 bytes of unique identifier. */
static void test_a_field_too_few_or_too_many_is_not_answered(void **state)
{
    (void)state;
    CHECK_EQ(fate(&(struct nts_ask){.without = NTS_COOKIE}), NTP_DROP_FORMAT);
    CHECK_EQ(fate(&(struct nts_ask){.without = NTP_UNIQUE_IDENTIFIER}),
             NTP_DROP_FORMAT);
    CHECK_EQ(fate(&(struct nts_ask){.twice = NTS_COOKIE}), NTP_DROP_FORMAT);
    CHECK_EQ(fate(&(struct nts_ask){.twice = NTP_UNIQUE_IDENTIFIER}),
             NTP_DROP_FORMAT);
    CHECK_EQ(fate(&(struct nts_ask){.unique_identifier = 28}), NTP_DROP_FORMAT);
}

static void test_without_authenticator_it_is_no_request_under_nts(void **state)
{
    static uint8_t before[sizeof(packet)];
    size_t len = make(&(struct nts_ask){.without = NTS_AUTHENTICATOR});

    (void)state;
    memcpy(before, packet, sizeof(packet));
    CHECK_EQ(answer(len), NTP_PASS);
    CHECK_EQ(answer(NTP_HEADER_LEN), NTP_PASS);
    CHECK_EQ(answer(20), NTP_PASS);
    CHECK_BYTES(before, packet, sizeof(packet));
}

static void test_other_versions_and_modes_know_no_nts(void **state)
{
    (void)state;
    for (unsigned first = 1; first < 256; first++)
        if ((first & 0x3f) != (4 << 3 | MODE_CLIENT))
            CHECK_EQ(fate(&(struct nts_ask){.first_byte = (uint8_t)first}),
                     NTP_PASS);
}

static void test_what_follows_the_authenticator_is_not_there(void **state)
{
    static const struct nts_ask ask;
    struct nts_got got;
    size_t len = make(&ask);

    (void)state;
    /* A second cookie, a placeholder, a second authenticator, a MAC. */
    size_t more = len;

    more += nts_field_put(packet + more, NTS_COOKIE, cookie, cookie_len);
    more += nts_field_put(packet + more, NTS_PLACEHOLDER, NULL, cookie_len);
    more += nts_field_put(packet + more, NTS_AUTHENTICATOR, NULL, 40);
    memset(packet + more, 0, 20);
    CHECK_EQ(answer(more + 20), NTS_OK);
    CHECK(nts_ask_open(&got, packet, reply.len, &ask, &client));
    CHECK_EQ(got.cookies, 1);
    CHECK_EQ(reply.len, len);
}

static void test_any_flipped_bit_is_noticed(void **state)
{
    static const struct nts_ask ask = {.placeholders = 1,
                                       .inner_placeholders = 1};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        agree(both[i]);
        size_t len = make(&ask);

        for (size_t bit = 0; bit < 8 * len; bit++) {
            make(&ask);
            packet[bit / 8] ^= (uint8_t)(1 << bit % 8);

            enum ntp_verdict verdict = answer(len);

            /* Where the fields begin and end, it may also be malformed. */
            CHECK(verdict != NTS_OK);
            CHECK(verdict == NTS_NAK || verdict == NTP_DROP_FORMAT ||
                  verdict == NTP_PASS);
        }
        make(&ask);
        packet[NTP_HEADER_LEN + 4 + 32 + 4 + 50] ^= 1; /* in the cookie */
        nak(len);
        make(&ask);
        packet[20] ^= 1;
        nak(len);
        make(&ask);
        packet[len - 1] ^= 1;
        nak(len);
    }
}

static void test_a_nak_has_the_unique_identifier_and_no_more(void **state)
{
    static const struct nts_ask ask = {.unique_identifier = 44};
    size_t len = make(&ask);
    uint8_t uid[44];

    (void)state;
    packet[len - 1] ^= 1;
    nak(len);
    nts_ask_unique_identifier(uid, sizeof(uid));
    CHECK_EQ(reply.len, NTP_HEADER_LEN + 4 + 44);
    CHECK_EQ(get_u16(packet + 48), NTP_UNIQUE_IDENTIFIER);
    CHECK_EQ(get_u16(packet + 50), 48);
    CHECK_BYTES(packet + 52, uid, sizeof(uid));
}

static void test_cookies_that_are_not_ours_get_a_nak(void **state)
{
    static const struct nts_ask ask;

    (void)state;
    for (cookie_len = 16; cookie_len < 300; cookie_len += 4) {
        check_random_bytes(&dice, packet, cookie_len);
        memset(packet, 0xee, sizeof(packet));
        uint8_t other[300];

        check_random_bytes(&dice, other, cookie_len);
        put_u32(other, 7);
        nak(nts_ask_make(packet, &ask, &client, other, cookie_len));
    }
}

static void test_cookies_of_retired_keys_get_a_nak(void **state)
{
    static const struct nts_ask ask;

    (void)state;
    for (uint32_t i = 0; i < NTS_KEYS_KEPT; i++) {
        struct nts_key_bytes fresh = {.id = 100 + i};

        answered(&ask, 1);
        check_random_bytes(&dice, fresh.key, sizeof(fresh.key));
        nts_keys_rotate(&keys, &fresh);
    }
    nak(make(&ask));
}

/* The cookies of a reply are of the newest key, whatever asked for them. */
static void test_an_old_cookie_is_replaced_by_a_new_one(void **state)
{
    static const struct nts_ask ask;
    struct nts_key_bytes fresh = {.id = 100};
    struct nts_got got;

    (void)state;
    nts_keys_rotate(&keys, &fresh);
    answered(&ask, 1);
    CHECK(nts_ask_open(&got, packet, reply.len, &ask, &client));
    CHECK_EQ(get_u32(got.cookie), 100);
}

static void test_without_any_key_there_is_a_nak(void **state)
{
    size_t len = make(&(struct nts_ask){0});

    (void)state;
    nts_keys_init(&keys, &aes_ct);
    nak(len);
}

/* RFC 8915, 5.6: room for a nonce of ours, or the packet is discarded. */
static void test_a_short_nonce_needs_padding(void **state)
{
    (void)state;
    for (size_t n = 1; n < 16; n++) {
        size_t missing = 16 - (n + 3) / 4 * 4;

        answered(&(struct nts_ask){.nonce_len = n, .padding = missing}, 1);
        if (missing > 0)
            CHECK_EQ(
                fate(&(struct nts_ask){.nonce_len = n, .padding = missing - 4}),
                NTP_DROP_FORMAT);
    }
    answered(&(struct nts_ask){.nonce_len = 64}, 1);
    answered(&(struct nts_ask){.padding = 200}, 1);
}

static void test_gcm_siv_has_nonces_of_twelve_bytes(void **state)
{
    (void)state;
    agree(AEAD_AES_128_GCM_SIV);
    answered(&(struct nts_ask){.nonce_len = 12}, 1);
    answered(&(struct nts_ask){.nonce_len = 12, .padding = 4}, 1);
    nak(make(&(struct nts_ask){.nonce_len = 16}));
}

static void test_a_malformed_plaintext_is_not_answered(void **state)
{
    static const struct {
        uint16_t type, len;
        enum ntp_verdict verdict;
    } row[] = {{0x1234, 4, NTS_OK},          {0x1234, 8, NTS_OK},
               {0x1234, 0, NTP_DROP_FORMAT}, {0x1234, 3, NTP_DROP_FORMAT},
               {0x1234, 6, NTP_DROP_FORMAT}, {0x1234, 12, NTP_DROP_FORMAT}};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        uint8_t inner[8] = {0};
        uint8_t *nonce, *sealed;
        struct aead aead;
        size_t at = make(&(struct nts_ask){.without = NTS_AUTHENTICATOR});
        size_t plain_len = row[i].len == 4 ? 4 : 8;
        size_t len = at + nts_authenticator_put(packet + at, 16, 16 + plain_len,
                                                &nonce, &sealed);

        put_u16(inner, row[i].type);
        put_u16(inner + 2, row[i].len);
        aead_init(&aead, &aes_ct, client.aead, client.c2s);
        aead_seal(&aead, nonce, 16, packet, at, inner, plain_len, sealed);
        CHECK_EQ(answer(len), row[i].verdict);
    }
}

static void test_finishing_again_makes_it_later_and_is_authentic(void **state)
{
    static const struct nts_ask ask = {.placeholders = 7};
    struct ntp_packet p;
    struct nts_got got, again;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        agree(both[i]);
        answered(&ask, 8);
        CHECK(nts_ask_open(&got, packet, reply.len, &ask, &client));
        for (uint64_t n = 1; n < 4; n++) {
            nts_server_finish(&reply, &line, TX_TICKS + n);
            CHECK_EQ(ntp_packet_parse(&p, packet, reply.len), NTP_OK);
            CHECK_EQ(p.transmit_ts, BASE_TS + ((3 + n) << 32));
            CHECK(nts_ask_open(&again, packet, reply.len, &ask, &client));
            CHECK_EQ(memcmp(&got, &again, sizeof(got)), 0);
        }
    }
}

/* As two restores of one snapshot do that was taken just before. */
static void test_no_nonce_protects_two_times(void **state)
{
    static const struct nts_ask ask = {.placeholders = 1};
    uint8_t nonce[4][16];
    struct nts_got got;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        agree(both[i]);
        CHECK_EQ(nts_server_reply(&server, &line, RX_TICKS, packet, make(&ask),
                                  &reply),
                 NTS_OK);

        struct nts_reply copy = reply;
        uint8_t bytes[sizeof(packet)];

        memcpy(bytes, packet, sizeof(bytes));
        for (unsigned n = 0; n < 4; n++) {
            memcpy(packet, bytes, sizeof(bytes));
            reply = copy;
            nts_server_finish(&reply, &line, TX_TICKS + n);
            CHECK(nts_ask_open(&got, packet, reply.len, &ask, &client));
            memcpy(nonce[n], reply.nonce, reply.nonce_len);
            for (unsigned m = 0; m < n; m++)
                CHECK(memcmp(nonce[m], nonce[n], reply.nonce_len) != 0);
        }
    }
}

/* RFC 8915, 5.7: a client under NTS believes no other kiss. */
static void test_a_kiss_is_authentic(void **state)
{
    static const struct nts_ask ask = {.placeholders = 1};
    struct ntp_packet p;
    struct nts_got got;
    size_t len = make(&ask);

    (void)state;
    CHECK_EQ(nts_server_kiss(&server, &line, RX_TICKS, packet, len, &reply),
             NTP_KISS_RATE);
    nts_server_finish(&reply, &line, TX_TICKS);
    CHECK(nts_ask_open(&got, packet, reply.len, &ask, &client));
    CHECK_EQ(got.cookies, 2);
    CHECK_EQ(ntp_packet_parse(&p, packet, reply.len), NTP_OK);
    CHECK_EQ(p.stratum, 0);
    CHECK_BYTES(packet + 12, "RATE", 4);

    make(&ask);
    packet[30] ^= 1;
    CHECK_EQ(nts_server_kiss(&server, &line, RX_TICKS, packet, len, &reply),
             NTS_NAK);
}

static void test_no_two_cookies_and_nonces_are_alike(void **state)
{
    static const struct nts_ask ask;
    struct nts_got first, second;
    uint8_t nonce[16];

    (void)state;
    answered(&ask, 1);
    CHECK(nts_ask_open(&first, packet, reply.len, &ask, &client));
    memcpy(nonce, reply.nonce, sizeof(nonce));
    answered(&ask, 1);
    CHECK(nts_ask_open(&second, packet, reply.len, &ask, &client));
    CHECK(memcmp(nonce, reply.nonce, sizeof(nonce)) != 0);
    CHECK(memcmp(first.cookie, second.cookie, first.cookie_len) != 0);
}

/* Both keys of a client are wanted: the other one opens nothing. */
static void test_the_directions_have_keys_of_their_own(void **state)
{
    static const struct nts_ask ask;
    struct nts_cookie swapped;

    (void)state;
    size_t len = make(&ask);

    swapped = client;
    memcpy(swapped.c2s, client.s2c, sizeof(swapped.c2s));
    memset(packet, 0xee, sizeof(packet));
    nts_ask_make(packet, &ask, &swapped, cookie, cookie_len);
    nak(len);
}

static void test_forgetting_wipes_the_key(void **state)
{
    static const struct aead zero;

    (void)state;
    answered(&(struct nts_ask){0}, 1);
    nts_server_forget(&reply);
    CHECK_EQ(memcmp(&reply.s2c, &zero, sizeof(zero)), 0);
}

/* Cookies are seen by all: who sends another's must not bring his keys here to
 * stay. */
static void test_what_is_not_authentic_leaves_no_key(void **state)
{
    static const struct nts_ask ask, short_nonce = {.nonce_len = 4};
    static const struct aead zero;

    (void)state;
    size_t len = make(&ask);

    packet[len - 1] ^= 1;
    memset(&reply.s2c, 0xee, sizeof(reply.s2c));
    nak(len);
    CHECK_EQ(memcmp(&reply.s2c, &zero, sizeof(zero)), 0);

    memset(&reply.s2c, 0xee, sizeof(reply.s2c));
    CHECK_EQ(fate(&short_nonce), NTP_DROP_FORMAT);
    CHECK_EQ(memcmp(&reply.s2c, &zero, sizeof(zero)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
        TEST(a_protected_request_gets_a_protected_reply),
        TEST(the_reply_is_as_long_as_the_request),
        TEST(each_placeholder_gets_a_cookie_up_to_eight),
        TEST(a_placeholder_of_another_length_is_none),
        TEST(encrypted_fields_of_other_types_ask_for_nothing),
        TEST(fields_may_come_in_any_order),
        TEST(long_unique_identifiers_are_echoed_whole),
        TEST(a_field_too_few_or_too_many_is_not_answered),
        TEST(without_authenticator_it_is_no_request_under_nts),
        TEST(other_versions_and_modes_know_no_nts),
        TEST(what_follows_the_authenticator_is_not_there),
        TEST(any_flipped_bit_is_noticed),
        TEST(a_nak_has_the_unique_identifier_and_no_more),
        TEST(cookies_that_are_not_ours_get_a_nak),
        TEST(cookies_of_retired_keys_get_a_nak),
        TEST(an_old_cookie_is_replaced_by_a_new_one),
        TEST(without_any_key_there_is_a_nak),
        TEST(a_short_nonce_needs_padding),
        TEST(gcm_siv_has_nonces_of_twelve_bytes),
        TEST(a_malformed_plaintext_is_not_answered),
        TEST(finishing_again_makes_it_later_and_is_authentic),
        TEST(no_nonce_protects_two_times),
        TEST(a_kiss_is_authentic),
        TEST(no_two_cookies_and_nonces_are_alike),
        TEST(the_directions_have_keys_of_their_own),
        TEST(forgetting_wipes_the_key),
        TEST(what_is_not_authentic_leaves_no_key),
#undef TEST
    };

    return cmocka_run_group_tests(tests, throw_dice, NULL);
}
