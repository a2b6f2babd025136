/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the extension fields of NTS, read and written. */
#include "nts/fields.h"

#include "tests/check.h"

static uint8_t packet[1600];
static struct nts_fields f;

static size_t header(void)
{
    memset(packet, 0xee, sizeof(packet));
    memset(packet, 0, NTP_HEADER_LEN);
    return NTP_HEADER_LEN;
}

/* Adds a field of `n` bytes, header included. */
static size_t add(size_t len, uint16_t type, uint16_t n)
{
    memset(packet + len, 0x11, n);
    put_u16(packet + len, type);
    put_u16(packet + len + 2, n);
    return len + n;
}

/* Adds an authenticator of `n` bytes that says those lengths. */
static size_t add_auth(size_t len, uint16_t n, uint16_t nonce_len,
                       uint16_t sealed_len)
{
    size_t end = add(len, NTS_AUTHENTICATOR, n);

    put_u16(packet + len + 4, nonce_len);
    put_u16(packet + len + 6, sealed_len);
    return end;
}

static void test_a_request_is_read(void **state)
{
    size_t uid = header();
    size_t cookie = add(uid, NTP_UNIQUE_IDENTIFIER, 36);
    size_t placeholder = add(cookie, NTS_COOKIE, 104);
    size_t auth = add(placeholder, NTS_PLACEHOLDER, 104);
    size_t len = add_auth(auth, 40, 16, 16);

    (void)state;
    CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_PROTECTED);
    CHECK_EQ(f.unique_identifiers, 1);
    CHECK(f.unique_identifier == packet + uid + 4);
    CHECK_EQ(f.unique_identifier_len, 32);
    CHECK_EQ(f.cookies, 1);
    CHECK(f.cookie == packet + cookie + 4);
    CHECK_EQ(f.cookie_len, 100);
    CHECK_EQ(f.placeholders, 1);
    CHECK_EQ(f.ad_len, auth);
    CHECK(f.nonce == packet + auth + 8);
    CHECK_EQ(f.nonce_len, 16);
    CHECK(f.sealed == packet + auth + 24);
    CHECK_EQ(f.sealed_len, 16);
    CHECK_EQ(f.room_len, 16);
}

/* RFC 8915, figure 4: both fields padded, then more padding. */
static void test_the_authenticator_is_taken_apart(void **state)
{
    static const struct {
        uint16_t len, nonce, sealed;
        bool ok;
        size_t sealed_at, room;
    } row[] = {
        {40, 16, 16, true, 24, 16},        {36, 12, 16, true, 20, 12},
        {40, 13, 16, true, 24, 16},        {40, 16, 13, true, 24, 16},
        {48, 12, 17, true, 20, 20},        {60, 16, 16, true, 24, 36},
        {28, 0, 20, true, 8, 0},           {28, 20, 0, true, 28, 20},
        {28, 0, 0, true, 8, 20},           {40, 17, 16, false, 0, 0},
        {40, 16, 17, false, 0, 0},         {40, 33, 0, false, 0, 0},
        {40, 0, 33, false, 0, 0},          {40, 0xffff, 0, false, 0, 0},
        {40, 0, 0xffff, false, 0, 0},      {40, 0xffff, 0xffff, false, 0, 0},
        {40, 0xfffd, 0xfffd, false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        size_t at = header();
        size_t len = add_auth(at, row[i].len, row[i].nonce, row[i].sealed);

        if (!row[i].ok) {
            CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_MALFORMED);
            continue;
        }
        CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_PROTECTED);
        CHECK_EQ(f.nonce_len, row[i].nonce);
        CHECK_EQ(f.sealed_len, row[i].sealed);
        CHECK(f.sealed == packet + at + row[i].sealed_at);
        CHECK_EQ(f.room_len, row[i].room);
    }
}

/* A kiss, or a plain reply. */
static void
test_without_authenticator_the_unique_identifier_is_found(void **state)
{
    size_t len = add(header(), NTP_UNIQUE_IDENTIFIER, 36);

    (void)state;
    CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_NONE);
    CHECK_EQ(f.unique_identifiers, 1);
    CHECK(f.unique_identifier == packet + NTP_HEADER_LEN + 4);
    CHECK_EQ(nts_fields_read(&f, packet, NTP_HEADER_LEN), NTS_FIELDS_NONE);
    CHECK_EQ(f.unique_identifiers, 0);
    CHECK(f.unique_identifier == NULL);
}

static void test_nothing_after_the_authenticator_counts(void **state)
{
    size_t len = add_auth(header(), 40, 16, 16);

    (void)state;
    len = add(len, NTP_UNIQUE_IDENTIFIER, 36);
    len = add(len, NTS_COOKIE, 104);
    len = add(len, NTS_PLACEHOLDER, 104);
    len = add_auth(len, 40, 17, 16); /* malformed, and not looked at */
    CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_PROTECTED);
    CHECK_EQ(f.ad_len, NTP_HEADER_LEN);
    CHECK_EQ(f.unique_identifiers, 0);
    CHECK_EQ(f.cookies, 0);
    CHECK_EQ(f.placeholders, 0);
}

static void test_all_are_counted_and_the_first_is_lent(void **state)
{
    size_t len = header();

    (void)state;
    for (uint16_t i = 0; i < 3; i++) {
        len = add(len, NTS_PLACEHOLDER, 40);
        len = add(len, NTP_UNIQUE_IDENTIFIER, (uint16_t)(36 + 4 * i));
        len = add(len, NTS_COOKIE, (uint16_t)(40 + 4 * i));
        len = add(len, 0x4321, 16);
    }
    len = add(len, NTS_PLACEHOLDER, 44);
    len = add_auth(len, 40, 16, 16);
    CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_PROTECTED);
    CHECK_EQ(f.unique_identifiers, 3);
    CHECK_EQ(f.unique_identifier_len, 32);
    CHECK_EQ(f.cookies, 3);
    CHECK_EQ(f.cookie_len, 36);
    CHECK_EQ(f.placeholders, 3); /* those before it as well */
}

static void test_malformed_fields_are_told(void **state)
{
    size_t len = add(header(), NTP_UNIQUE_IDENTIFIER, 36);

    (void)state;
    for (size_t n = 0; n < NTP_HEADER_LEN; n++)
        CHECK_EQ(nts_fields_read(&f, packet, n), NTS_FIELDS_MALFORMED);
    put_u16(packet + 50, 40);
    CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_MALFORMED);
    put_u16(packet + 50, 35);
    CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_MALFORMED);
    put_u16(packet + 50, 12);
    CHECK_EQ(nts_fields_read(&f, packet, len), NTS_FIELDS_MALFORMED);
}

static void test_inner_fields_may_be_as_short_as_their_header(void **state)
{
    static const uint8_t plain[] = {1, 2, 0, 4, 3, 4, 0, 8, 9, 9, 9, 9};
    struct reader r = reader_of(plain, sizeof(plain));
    struct ntp_field field;

    (void)state;
    CHECK(nts_inner_next(&r, &field));
    CHECK_EQ(field.type, 0x0102);
    CHECK_EQ(field.body_len, 0);
    CHECK(nts_inner_next(&r, &field));
    CHECK_EQ(field.type, 0x0304);
    CHECK_EQ(field.body_len, 4);
    CHECK(field.body == plain + 8);
    CHECK(!nts_inner_next(&r, &field));
    CHECK(r.ok);
}

static void test_malformed_inner_fields_are_told(void **state)
{
    static const uint8_t row[][8] = {{1, 2, 0, 0},
                                     {1, 2, 0, 3},
                                     {1, 2, 0, 6},
                                     {1, 2, 0, 12},
                                     {1, 2, 0xff, 0xfc}};
    struct ntp_field field;

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct reader r = reader_of(row[i], sizeof(row[i]));

        CHECK(!nts_inner_next(&r, &field));
        CHECK(!r.ok);
    }
    for (size_t n = 1; n < 4; n++) {
        struct reader r = reader_of(row[0], n);

        CHECK(!nts_inner_next(&r, &field));
        CHECK(!r.ok);
    }
}

static void test_a_field_is_written_with_its_padding(void **state)
{
    uint8_t out[16];

    (void)state;
    for (size_t n = 5; n <= 8; n++) {
        memset(out, 0xee, sizeof(out));
        CHECK_EQ(nts_field_put(out, 0x1234, (const uint8_t *)"abcdefgh", n),
                 12);
        CHECK_EQ(get_u16(out), 0x1234);
        CHECK_EQ(get_u16(out + 2), 12);
        CHECK_BYTES(out + 4, "abcdefgh", n);
        for (size_t i = 4 + n; i < 12; i++)
            CHECK_EQ(out[i], 0);
        CHECK_EQ(out[12], 0xee);
    }
    CHECK_EQ(nts_field_put(out, 0x1234, NULL, 8), 12);
    CHECK_EQ(get_u64(out + 4), 0);
}

/* The body may lie anywhere, also where the header goes. */
static void test_a_field_may_overlap_its_body(void **state)
{
    (void)state;
    for (size_t from = 0; from < 40; from++) {
        uint8_t out[80];

        for (size_t i = 0; i < sizeof(out); i++)
            out[i] = (uint8_t)i;
        CHECK_EQ(nts_field_put(out + 16, 0x1234, out + from, 32), 36);
        for (size_t i = 0; i < 32; i++)
            CHECK_EQ(out[20 + i], from + i);
    }
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t nonce_len = 0; nonce_len < 20; nonce_len++)
        for (size_t sealed_len = 16; sealed_len < 60; sealed_len++) {
            size_t at = header();
            uint8_t *nonce, *sealed;
            size_t len = nts_authenticator_put(packet + at, nonce_len,
                                               sealed_len, &nonce, &sealed);

            CHECK_EQ(len, nts_authenticator_len(nonce_len, sealed_len));
            CHECK_EQ(packet[at + len], 0xee);
            if (len < 28)
                continue;
            CHECK_EQ(nts_fields_read(&f, packet, at + len),
                     NTS_FIELDS_PROTECTED);
            CHECK(f.nonce == nonce && f.sealed == sealed);
            CHECK_EQ(f.nonce_len, nonce_len);
            CHECK_EQ(f.sealed_len, sealed_len);
            CHECK_EQ(f.room_len, (nonce_len + 3) / 4 * 4);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_read),
        cmocka_unit_test(test_the_authenticator_is_taken_apart),
        cmocka_unit_test(
            test_without_authenticator_the_unique_identifier_is_found),
        cmocka_unit_test(test_nothing_after_the_authenticator_counts),
        cmocka_unit_test(test_all_are_counted_and_the_first_is_lent),
        cmocka_unit_test(test_malformed_fields_are_told),
        cmocka_unit_test(test_inner_fields_may_be_as_short_as_their_header),
        cmocka_unit_test(test_malformed_inner_fields_are_told),
        cmocka_unit_test(test_a_field_is_written_with_its_padding),
        cmocka_unit_test(test_a_field_may_overlap_its_body),
        cmocka_unit_test(test_what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
