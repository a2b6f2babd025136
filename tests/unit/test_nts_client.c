/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS on the client's side: what is sent, what is believed, what is kept. */
#include "nts/client.h"

#include "nts/fields.h"

#include "tests/check.h"

#define RANDOM 0x0123456789abcdefu
#define NOW    0xe9a7b2c800000000u /* 2024-03-21, s since 1900 */
#define UNIX   (int64_t)((NOW >> 32) - 2208988800)

#define COOKIE_LEN 100

/* A client, and the server that it talks to. */
struct rig {
    struct nts_client client;
    struct nts_client_keys keys;
    struct check_random random;
    uint8_t request[PEER_REQUEST_MAX];
    size_t request_len;
    struct nts_fields asked; /* lent from the request */
    uint8_t reply[PEER_REQUEST_MAX * 2];
    size_t reply_len;
    uint8_t plain[PEER_REQUEST_MAX];
    size_t plain_len;
};

static struct rig rig;

static void random_bytes(void *context, void *bytes, size_t len)
{
    check_random_bytes(context, bytes, len);
}

static void give_cookies(unsigned count, size_t len)
{
    uint8_t bytes[NTS_CLIENT_COOKIE_MAX];

    for (unsigned i = 0; i < count; i++) {
        memset(bytes, (int)(i + 1), sizeof(bytes));
        CHECK(nts_client_add_cookie(&rig.client, bytes, len));
    }
}

static void begin(enum aead_id aead)
{
    memset(&rig, 0, sizeof(rig));
    rig.random.state = 7;
    rig.keys.aead = aead;
    check_random_bytes(&rig.random, rig.keys.c2s, AEAD_KEY_MAX);
    check_random_bytes(&rig.random, rig.keys.s2c, AEAD_KEY_MAX);
    nts_client_init(&rig.client, &aes_ct, random_bytes, &rig.random);
    nts_client_set_keys(&rig.client, &rig.keys);
}

/* The client asks; returns whether it did. */
static bool ask(void)
{
    struct ntp_packet p = {.version = 4, .mode = 3, .transmit_ts = RANDOM};

    ntp_packet_write(rig.request, &p);
    rig.request_len =
        rig.client.auth.protect(rig.client.auth.context, rig.request,
                                NTP_HEADER_LEN, sizeof(rig.request));
    if (rig.request_len == 0)
        return false;
    CHECK_EQ(nts_fields_read(&rig.asked, rig.request, rig.request_len),
             NTS_FIELDS_PROTECTED);
    return true;
}

/* With so many cookies, and a request under way. */
static void begin_asked(enum aead_id aead, unsigned cookies)
{
    begin(aead);
    give_cookies(cookies, COOKIE_LEN);
    CHECK(ask());
}

static void begin_reply(void)
{
    struct ntp_packet p = {
        .version = 4,
        .mode = 4,
        .stratum = 1,
        .origin_ts = RANDOM,
        .receive_ts = NOW,
        .transmit_ts = NOW,
    };

    ntp_packet_write(rig.reply, &p);
    rig.reply_len = NTP_HEADER_LEN;
    rig.plain_len = 0;
}

static void reply_identifier(void)
{
    rig.reply_len += nts_field_put(
        rig.reply + rig.reply_len, NTP_UNIQUE_IDENTIFIER,
        rig.asked.unique_identifier, rig.asked.unique_identifier_len);
}

/* To the request that was made. */
static void begin_own_reply(void)
{
    begin_reply();
    reply_identifier();
}

/* `count` cookies of that length into what will be encrypted. */
static void plain_cookies(unsigned count, size_t len)
{
    uint8_t bytes[NTS_CLIENT_COOKIE_MAX + 4];

    memset(bytes, 0xcc, sizeof(bytes));
    for (unsigned i = 0; i < count; i++)
        rig.plain_len +=
            nts_field_put(rig.plain + rig.plain_len, NTS_COOKIE, bytes, len);
}

static void seal_reply(const uint8_t *key)
{
    uint8_t *nonce;
    uint8_t *sealed;
    size_t nonce_len = aead_nonce_max(rig.keys.aead);
    struct aead s2c;
    size_t ad_len = rig.reply_len;

    rig.reply_len +=
        nts_authenticator_put(rig.reply + ad_len, nonce_len,
                              rig.plain_len + AEAD_TAG_LEN, &nonce, &sealed);
    check_random_bytes(&rig.random, nonce, nonce_len);
    aead_init(&s2c, &aes_ct, rig.keys.aead, key);
    aead_seal(&s2c, nonce, nonce_len, rig.reply, ad_len, rig.plain,
              rig.plain_len, sealed);
}

static void good_reply(unsigned cookies)
{
    begin_own_reply();
    plain_cookies(cookies, COOKIE_LEN);
    seal_reply(rig.keys.s2c);
}

static enum source_verdict answer(void)
{
    /* A copy of that very size, so that a byte too far is noticed. */
    uint8_t *copy = malloc(rig.reply_len);

    memcpy(copy, rig.reply, rig.reply_len);
    enum source_verdict v =
        rig.client.auth.check(rig.client.auth.context, copy, rig.reply_len);
    free(copy);
    return v;
}

static void nak_reply(void)
{
    begin_reply();
    rig.reply[1] = 0;
    memcpy(rig.reply + 12, "NTSN", 4);
    reply_identifier();
}

static const enum aead_id both[] = {AEAD_AES_SIV_CMAC_256,
                                    AEAD_AES_128_GCM_SIV};

/* Requests. */

static void test_a_request_has_identifier_cookie_and_authenticator(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t none[1];
        struct aead c2s;

        begin_asked(both[i], 8);
        CHECK_EQ(rig.asked.unique_identifiers, 1);
        CHECK_EQ(rig.asked.unique_identifier_len, 32);
        CHECK_EQ(rig.asked.cookies, 1);
        CHECK_EQ(rig.asked.cookie_len, COOKIE_LEN);
        CHECK_EQ(rig.asked.cookie[0], 1);
        CHECK_EQ(rig.asked.placeholders, 0);
        CHECK_EQ(rig.asked.nonce_len, aead_nonce_max(both[i]));
        CHECK_EQ(rig.asked.sealed_len, AEAD_TAG_LEN);
        CHECK_EQ(rig.asked.ad_len, NTP_HEADER_LEN + 36 + 4 + COOKIE_LEN);
        aead_init(&c2s, &aes_ct, both[i], rig.keys.c2s);
        CHECK(aead_open(&c2s, rig.asked.nonce, rig.asked.nonce_len, rig.request,
                        rig.asked.ad_len, rig.asked.sealed,
                        rig.asked.sealed_len, none));
    }
}

static void test_identifiers_and_nonces_are_new_each_time(void **state)
{
    (void)state;
    uint8_t identifier[32], nonce[16];

    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    memcpy(identifier, rig.asked.unique_identifier, 32);
    memcpy(nonce, rig.asked.nonce, 16);
    CHECK(ask());
    CHECK(memcmp(identifier, rig.asked.unique_identifier, 32) != 0);
    CHECK(memcmp(nonce, rig.asked.nonce, 16) != 0);
}

static void test_no_cookie_is_used_twice(void **state)
{
    (void)state;
    begin(AEAD_AES_SIV_CMAC_256);
    give_cookies(8, COOKIE_LEN);
    for (int i = 1; i <= 8; i++) {
        CHECK(ask());
        CHECK_EQ(rig.asked.cookie[0], i);
        CHECK(!nts_client_wants_keys(&rig.client));
    }
    CHECK(!ask());
    CHECK(nts_client_wants_keys(&rig.client));
}

static void test_placeholders_are_as_many_as_cookies_are_missing(void **state)
{
    (void)state;
    for (unsigned have = 1; have <= 8; have++) {
        begin_asked(AEAD_AES_128_GCM_SIV, have);
        CHECK_EQ(rig.asked.placeholders, 8 - have);
        CHECK_EQ(rig.request_len, NTP_HEADER_LEN + 36 +
                                      (9 - have) * (4 + COOKIE_LEN) + 4 + 4 +
                                      12 + 16);
        good_reply(9 - have);
        CHECK_EQ(answer(), SOURCE_OK);
        CHECK_EQ(rig.client.cookies, 8);
    }
}

static void test_no_request_is_longer_than_a_network_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t len = 12; len <= NTS_CLIENT_COOKIE_MAX; len += 4) {
            begin(both[i]);
            give_cookies(1, len);
            CHECK(ask());
            CHECK(rig.request_len <= 1232);
            /* And one more would have been too long. */
            CHECK(rig.asked.placeholders == 7 ||
                  rig.request_len + 4 + len > 1232);
        }
    }
    /* No room for so much as a cookie: not asked, and nothing is lost. */
    begin(AEAD_AES_SIV_CMAC_256);
    give_cookies(1, COOKIE_LEN);
    CHECK_EQ(nts_client_protect(&rig.client, rig.request, 48, 227), 0);
    CHECK_EQ(rig.client.cookies, 1);
    CHECK_EQ(nts_client_protect(&rig.client, rig.request, 48, 228), 228);
}

static void test_without_keys_nothing_is_asked(void **state)
{
    (void)state;
    begin(AEAD_AES_SIV_CMAC_256);
    give_cookies(8, COOKIE_LEN);
    nts_client_forget(&rig.client);
    CHECK(nts_client_wants_keys(&rig.client));
    CHECK(!ask());
    give_cookies(1, COOKIE_LEN);
    CHECK(!ask());
}

static void test_odd_cookies_are_not_kept(void **state)
{
    (void)state;
    uint8_t bytes[NTS_CLIENT_COOKIE_MAX + 4] = {0};

    begin(AEAD_AES_SIV_CMAC_256);
    CHECK(!nts_client_add_cookie(&rig.client, bytes, 0));
    CHECK(!nts_client_add_cookie(&rig.client, bytes, 8));
    CHECK(!nts_client_add_cookie(&rig.client, bytes, 101));
    CHECK(
        !nts_client_add_cookie(&rig.client, bytes, NTS_CLIENT_COOKIE_MAX + 4));
    CHECK(nts_client_add_cookie(&rig.client, bytes, NTS_CLIENT_COOKIE_MAX));
    give_cookies(7, COOKIE_LEN);
    CHECK(!nts_client_add_cookie(&rig.client, bytes, COOKIE_LEN));
}

static void test_new_keys_put_an_end_to_old_cookies(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    good_reply(1);
    nts_client_set_keys(&rig.client, &rig.keys);
    CHECK_EQ(rig.client.cookies, 0);
    /* The answer to a request from before is none any more. */
    CHECK_EQ(answer(), SOURCE_AUTH);
    CHECK(!ask());
}

/* Replies. */

static void test_a_good_reply_is_believed_and_brings_its_cookie(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        begin_asked(both[i], 8);
        CHECK(!rig.client.proven);
        good_reply(1);
        CHECK_EQ(answer(), SOURCE_OK);
        CHECK_EQ(rig.client.cookies, 8);
        CHECK_EQ(rig.client.cookie[7].len, COOKIE_LEN);
        CHECK_EQ(rig.client.cookie[7].bytes[99], 0xcc);
        CHECK(rig.client.proven);
        /* Once. */
        CHECK_EQ(answer(), SOURCE_AUTH);
        CHECK_EQ(rig.client.cookies, 8);
    }
}

static void test_every_bit_of_a_reply_is_authenticated(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        begin_asked(both[i], 4);
        good_reply(2);
        for (size_t bit = 0; bit < rig.reply_len * 8; bit++) {
            rig.reply[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(answer() != SOURCE_OK);
            CHECK_EQ(rig.client.cookies, 3);
            rig.reply[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CHECK_EQ(answer(), SOURCE_OK);
        CHECK_EQ(rig.client.cookies, 5);
    }
}

static void test_a_shortened_reply_is_not_believed(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 4);
    good_reply(1);
    for (size_t len = rig.reply_len; rig.reply_len-- > NTP_HEADER_LEN;) {
        CHECK(answer() != SOURCE_OK);
        CHECK(rig.reply_len < len);
    }
}

static void test_a_stripped_reply_is_not_believed(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    begin_reply();
    CHECK_EQ(answer(), SOURCE_AUTH);
    reply_identifier();
    CHECK_EQ(answer(), SOURCE_AUTH);
    CHECK_EQ(rig.client.naks, 0);
}

static void test_only_the_identifier_of_the_request_will_do(void **state)
{
    (void)state;
    uint8_t other[36] = {0};

    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    begin_reply(); /* none */
    seal_reply(rig.keys.s2c);
    CHECK_EQ(answer(), SOURCE_AUTH);
    begin_reply(); /* another */
    rig.reply_len += nts_field_put(rig.reply + rig.reply_len,
                                   NTP_UNIQUE_IDENTIFIER, other, 32);
    seal_reply(rig.keys.s2c);
    CHECK_EQ(answer(), SOURCE_AUTH);
    begin_reply(); /* longer */
    memcpy(other, rig.asked.unique_identifier, 32);
    rig.reply_len += nts_field_put(rig.reply + rig.reply_len,
                                   NTP_UNIQUE_IDENTIFIER, other, 36);
    seal_reply(rig.keys.s2c);
    CHECK_EQ(answer(), SOURCE_AUTH);
    begin_reply(); /* two of them */
    reply_identifier();
    reply_identifier();
    seal_reply(rig.keys.s2c);
    CHECK_EQ(answer(), SOURCE_AUTH);
    begin_reply(); /* after the authenticator */
    seal_reply(rig.keys.s2c);
    reply_identifier();
    CHECK_EQ(answer(), SOURCE_AUTH);
    good_reply(1);
    CHECK_EQ(answer(), SOURCE_OK);
}

static void test_our_own_key_proves_nothing(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    begin_own_reply();
    seal_reply(rig.keys.c2s);
    CHECK_EQ(answer(), SOURCE_AUTH);
    CHECK_EQ(rig.client.failed, 1);
}

static void test_cookies_in_the_clear_are_not_kept(void **state)
{
    (void)state;
    uint8_t bytes[COOKIE_LEN] = {0};

    begin_asked(AEAD_AES_SIV_CMAC_256, 4);
    begin_own_reply();
    rig.reply_len += nts_field_put(rig.reply + rig.reply_len, NTS_COOKIE, bytes,
                                   sizeof(bytes));
    seal_reply(rig.keys.s2c);
    CHECK_EQ(answer(), SOURCE_OK);
    CHECK_EQ(rig.client.cookies, 3);
}

static void test_of_many_cookies_eight_are_kept(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 6);
    good_reply(9);
    CHECK_EQ(answer(), SOURCE_OK);
    CHECK_EQ(rig.client.cookies, 8);
}

static void test_odd_cookies_and_unknown_fields_are_passed_over(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 4);
    begin_own_reply();
    plain_cookies(1, NTS_CLIENT_COOKIE_MAX + 4);
    plain_cookies(1, 0);
    rig.plain_len += nts_field_put(rig.plain + rig.plain_len, 0x7777, NULL, 40);
    plain_cookies(1, COOKIE_LEN);
    seal_reply(rig.keys.s2c);
    CHECK_EQ(answer(), SOURCE_OK);
    CHECK_EQ(rig.client.cookies, 4);
}

static void test_a_malformed_plaintext_is_not_believed(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 4);
    begin_own_reply();
    plain_cookies(2, COOKIE_LEN);
    rig.plain_len -= 4;
    seal_reply(rig.keys.s2c);
    CHECK_EQ(answer(), SOURCE_FORMAT);
    CHECK_EQ(rig.client.cookies, 3);
}

static void test_nothing_was_asked_nothing_is_believed(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 4);
    good_reply(1);
    rig.client.waiting = false;
    CHECK_EQ(answer(), SOURCE_AUTH);
    nak_reply();
    CHECK_EQ(answer(), SOURCE_AUTH);
}

/* NAK. */

static void test_a_nak_waits_for_the_next_poll(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    nak_reply();
    CHECK_EQ(answer(), SOURCE_NAK);
    CHECK_EQ(answer(), SOURCE_NAK); /* repeated, it counts once */
    CHECK_EQ(rig.client.naks, 1);
    CHECK(!nts_client_wants_keys(&rig.client));

    /* Meanwhile it goes on with what it has. */
    CHECK(ask());
    CHECK(nts_client_wants_keys(&rig.client));
    CHECK(ask());
    CHECK(nts_client_wants_keys(&rig.client));
    /* And if it is answered after all, nothing is wanted. */
    good_reply(1);
    CHECK_EQ(answer(), SOURCE_OK);
    CHECK(!nts_client_wants_keys(&rig.client));
}

static void test_a_proven_answer_makes_a_nak_void(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    nak_reply();
    CHECK_EQ(answer(), SOURCE_NAK);
    good_reply(1);
    CHECK_EQ(answer(), SOURCE_OK);
    CHECK(ask());
    CHECK(!nts_client_wants_keys(&rig.client));
}

static void test_a_nak_needs_the_identifier_of_the_request(void **state)
{
    (void)state;
    begin_asked(AEAD_AES_SIV_CMAC_256, 8);
    nak_reply();
    rig.reply[NTP_HEADER_LEN + 4] ^= 1;
    CHECK_EQ(answer(), SOURCE_AUTH);
    rig.reply_len = NTP_HEADER_LEN;
    CHECK_EQ(answer(), SOURCE_AUTH);
    nak_reply();
    rig.reply[1] = 1;
    CHECK_EQ(answer(), SOURCE_AUTH);
    CHECK_EQ(rig.client.naks, 0);
    CHECK(ask());
    CHECK(!nts_client_wants_keys(&rig.client));
}

/* chrony 4.4 to 4.6.0 and RFC 8915 do not agree on the keys of AEAD 30. */
static void test_after_a_nak_the_other_keys_are_tried_once(void **state)
{
    (void)state;
    struct nts_client_keys other;

    for (int right = 0; right < 2; right++) {
        begin(AEAD_AES_128_GCM_SIV);
        give_cookies(8, COOKIE_LEN);
        other = rig.keys;
        other.c2s[0] ^= 1;
        other.s2c[0] ^= 1;
        nts_client_set_other_keys(&rig.client, &other);
        CHECK(ask());
        nak_reply();
        CHECK_EQ(answer(), SOURCE_NAK);
        CHECK(ask());
        CHECK(!nts_client_wants_keys(&rig.client));
        CHECK_EQ(memcmp(&rig.client.keys, &other, sizeof(other)), 0);
        if (right) {
            rig.keys = other;
            good_reply(1);
            CHECK_EQ(answer(), SOURCE_OK);
        }
        nak_reply();
        CHECK(ask());
        nak_reply();
        CHECK_EQ(answer(), SOURCE_NAK);
        CHECK(ask());
        CHECK(nts_client_wants_keys(&rig.client));
        CHECK_EQ(memcmp(&rig.client.keys, &other, sizeof(other)), 0);
    }
}

static void test_keys_that_brought_an_answer_are_not_exchanged(void **state)
{
    (void)state;
    static const struct nts_client_keys none;
    struct nts_client_keys other;

    begin(AEAD_AES_128_GCM_SIV);
    give_cookies(8, COOKIE_LEN);
    other = rig.keys;
    other.c2s[0] ^= 1;
    nts_client_set_other_keys(&rig.client, &other);
    CHECK(ask());
    good_reply(1);
    CHECK_EQ(answer(), SOURCE_OK);
    CHECK_EQ(memcmp(&rig.client.other, &none, sizeof(none)), 0);
    CHECK(ask());
    nak_reply();
    CHECK_EQ(answer(), SOURCE_NAK);
    CHECK(ask());
    CHECK(nts_client_wants_keys(&rig.client));
    CHECK_EQ(memcmp(&rig.client.keys, &rig.keys, sizeof(other)), 0);
}

/* Dates. */

static void test_time_outside_the_certificates_validity_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t from, until;
        enum source_verdict verdict;
    } want[] = {
        {UNIX - 10, UNIX + 10, SOURCE_OK},
        {UNIX, UNIX, SOURCE_OK},
        {UNIX + 1, UNIX + 10, SOURCE_EXPIRED},
        {UNIX - 10, UNIX - 1, SOURCE_EXPIRED},
        /* The same timestamp, an era later. */
        {UNIX + 4294967296 - 10, UNIX + 4294967296 + 10, SOURCE_OK},
        {0, 0, SOURCE_OK},
    };

    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        begin(AEAD_AES_SIV_CMAC_256);
        give_cookies(8, COOKIE_LEN);
        rig.client.not_before = want[i].from;
        rig.client.not_after = want[i].until;
        CHECK(ask());
        good_reply(1);
        CHECK_EQ(answer(), want[i].verdict);
        CHECK_EQ(rig.client.outside, want[i].verdict == SOURCE_EXPIRED);
        nts_client_forget(&rig.client);
        CHECK(!rig.client.outside);
    }
}

/* Hostile bytes. */

static void test_random_replies_are_never_believed(void **state)
{
    (void)state;
    struct check_random r = check_random_start();

    begin(AEAD_AES_SIV_CMAC_256);
    for (int i = 0; i < 3000; i++) {
        uint8_t good[sizeof(rig.reply)];
        size_t len;

        rig.client.cookies = 0;
        give_cookies(8, COOKIE_LEN);
        CHECK(ask());
        good_reply((unsigned)check_random_below(&r, 9));
        len = rig.reply_len;
        memcpy(good, rig.reply, len);
        for (uint64_t n = 1 + check_random_below(&r, 4); n > 0; n--)
            rig.reply[check_random_below(&r, len)] = (uint8_t)check_random(&r);
        if (check_random_below(&r, 4) == 0)
            rig.reply_len = 48 + check_random_below(&r, len - 47);

        bool same = rig.reply_len == len && memcmp(good, rig.reply, len) == 0;
        CHECK_EQ(answer() == SOURCE_OK, same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_a_request_has_identifier_cookie_and_authenticator),
        cmocka_unit_test(test_identifiers_and_nonces_are_new_each_time),
        cmocka_unit_test(test_no_cookie_is_used_twice),
        cmocka_unit_test(test_placeholders_are_as_many_as_cookies_are_missing),
        cmocka_unit_test(test_no_request_is_longer_than_a_network_takes),
        cmocka_unit_test(test_without_keys_nothing_is_asked),
        cmocka_unit_test(test_odd_cookies_are_not_kept),
        cmocka_unit_test(test_new_keys_put_an_end_to_old_cookies),
        cmocka_unit_test(test_a_good_reply_is_believed_and_brings_its_cookie),
        cmocka_unit_test(test_every_bit_of_a_reply_is_authenticated),
        cmocka_unit_test(test_a_shortened_reply_is_not_believed),
        cmocka_unit_test(test_a_stripped_reply_is_not_believed),
        cmocka_unit_test(test_only_the_identifier_of_the_request_will_do),
        cmocka_unit_test(test_our_own_key_proves_nothing),
        cmocka_unit_test(test_cookies_in_the_clear_are_not_kept),
        cmocka_unit_test(test_of_many_cookies_eight_are_kept),
        cmocka_unit_test(test_odd_cookies_and_unknown_fields_are_passed_over),
        cmocka_unit_test(test_a_malformed_plaintext_is_not_believed),
        cmocka_unit_test(test_nothing_was_asked_nothing_is_believed),
        cmocka_unit_test(test_a_nak_waits_for_the_next_poll),
        cmocka_unit_test(test_a_proven_answer_makes_a_nak_void),
        cmocka_unit_test(test_a_nak_needs_the_identifier_of_the_request),
        cmocka_unit_test(test_after_a_nak_the_other_keys_are_tried_once),
        cmocka_unit_test(test_keys_that_brought_an_answer_are_not_exchanged),
        cmocka_unit_test(
            test_time_outside_the_certificates_validity_is_refused),
        cmocka_unit_test(test_random_replies_are_never_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
