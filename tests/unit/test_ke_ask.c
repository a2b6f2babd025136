/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of key establishment on the client's side. */
#include "nts/ke_ask.h"
#include "tests/check.h"

#define NTPV4     "8001 0002 0000"
#define SIV       "8004 0002 000f"
#define GCM_SIV   "8004 0002 001e"
#define COMPLIANT "0400 0000"
#define COOKIE    "0005 0008 0102030405060708"
#define END       "8000 0000"

static const enum aead_id both[] = {AEAD_AES_128_GCM_SIV,
                                    AEAD_AES_SIV_CMAC_256};

static uint8_t data[NTS_KE_RESPONSE_MAX + 100];
static struct nts_ke_result result;

/* The same bytes, in pieces of `step`, each of them an object of its own. */
static enum nts_ke_verdict read_in_pieces(const uint8_t *bytes, size_t len,
                                          size_t step)
{
    struct nts_ke_reading r;

    nts_ke_read_begin(&r, both, 2, &result);
    for (size_t at = 0; at < len; at += step) {
        size_t n = len - at < step ? len - at : step;
        uint8_t *piece = malloc(n);

        memcpy(piece, bytes + at, n);
        nts_ke_read_feed(&r, piece, n);
        free(piece);
    }
    return nts_ke_read_end(&r);
}

/* What is said of a response, whole or in pieces. */
static enum nts_ke_verdict verdict(const char *hex)
{
    struct nts_ke_result whole;
    size_t len = check_hex(hex, data, sizeof(data));
    enum nts_ke_verdict v = nts_ke_read(data, len, both, 2, &whole);

    for (size_t step = 1; step < 20; step++) {
        CHECK_EQ(read_in_pieces(data, len, step), v);
        CHECK_BYTES(&result, &whole, sizeof(whole));
    }
    return v;
}

static void test_a_request_is_what_chronyd_sends(void **state)
{
    uint8_t out[64], expected[64];
    size_t len = check_hex(NTPV4 "8004 0004 001e000f" COMPLIANT END, expected,
                           sizeof(expected));

    (void)state;
    CHECK_EQ(nts_ke_request(both, 2, out, sizeof(out)), len);
    CHECK_BYTES(out, expected, len);
    len = check_hex(NTPV4 SIV END, expected, sizeof(expected));
    CHECK_EQ(nts_ke_request(both + 1, 1, out, sizeof(out)), len);
    CHECK_BYTES(out, expected, len);
}

static void test_a_request_that_does_not_fit_is_none(void **state)
{
    static const enum aead_id many[NTS_KE_AEADS_MAX + 1] = {
        AEAD_AES_SIV_CMAC_256};
    uint8_t out[64];

    (void)state;
    for (size_t room = 0; room < 22; room++)
        CHECK_EQ(nts_ke_request(both, 2, out, room), 0);
    CHECK_EQ(nts_ke_request(both, 2, out, 22), 22);
    CHECK_EQ(nts_ke_request(both, 0, out, sizeof(out)), 0);
    CHECK_EQ(nts_ke_request(many, NTS_KE_AEADS_MAX, out, sizeof(out)), 30);
    CHECK_EQ(nts_ke_request(many, NTS_KE_AEADS_MAX + 1, out, sizeof(out)), 0);
}

static void test_our_server_grants_what_our_client_asks(void **state)
{
    struct nts_ke_answer a = {.cookies = 8,
                              .cookie_len = 68,
                              .cookie = data,
                              .server = "2001:db8::1",
                              .port = 1123};
    uint8_t request[64], reply[NTS_KE_REPLY_MAX];
    size_t len = nts_ke_request(both, 2, request, sizeof(request));

    (void)state;
    for (size_t i = 0; i < 8 * 68; i++)
        data[i] = (uint8_t)(i * 5);
    CHECK_EQ(nts_ke_scan(request, len), NTS_KE_WHOLE);
    nts_ke_judge(request, len, both, 2, &a.terms);
    len = nts_ke_answer(&a, reply);
    CHECK_EQ(nts_ke_read(reply, len, both, 2, &result), NTS_KE_OK);
    CHECK_EQ(result.aead, AEAD_AES_128_GCM_SIV);
    CHECK(result.compliant_gcm_siv);
    CHECK_EQ(result.exporter_aead, a.terms.exporter_aead);
    CHECK_EQ(result.cookies, 8);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(result.cookie[i].len, 68);
        CHECK_BYTES(result.cookie[i].bytes, data + i * 68, 68);
    }
    CHECK_TEXT(result.server, "2001:db8::1");
    CHECK_EQ(result.port, 1123);
}

static void test_what_is_not_told_is_empty(void **state)
{
    (void)state;
    CHECK_EQ(verdict(NTPV4 SIV COOKIE END), NTS_KE_OK);
    CHECK_EQ(result.aead, AEAD_AES_SIV_CMAC_256);
    CHECK_EQ(result.exporter_aead, 15);
    CHECK_EQ(result.cookies, 1);
    CHECK_TEXT(result.server, "");
    CHECK_EQ(result.port, 0);
}

static void test_aead_30_without_record_1024_is_exported_as_15(void **state)
{
    (void)state;
    CHECK_EQ(verdict(NTPV4 GCM_SIV COOKIE END), NTS_KE_OK);
    CHECK_EQ(result.aead, AEAD_AES_128_GCM_SIV);
    CHECK(!result.compliant_gcm_siv);
    CHECK_EQ(result.exporter_aead, 15);
    CHECK_EQ(verdict(NTPV4 GCM_SIV COMPLIANT COOKIE END), NTS_KE_OK);
    CHECK_EQ(result.exporter_aead, 30);
}

static void test_order_and_unknown_records_do_not_matter(void **state)
{
    (void)state;
    CHECK_EQ(verdict("7000 0003 aabbcc" COOKIE SIV "0008 0000" NTPV4 COOKIE
                     "4001 0001 00" END),
             NTS_KE_OK);
    CHECK_EQ(result.cookies, 2);
}

static void test_each_failed_rule_has_a_verdict_of_its_own(void **state)
{
    static const struct {
        const char *hex;
        enum nts_ke_verdict verdict;
    } table[] = {
        {"", NTS_KE_NOT_WHOLE},
        {NTPV4 SIV COOKIE, NTS_KE_NOT_WHOLE},
        {NTPV4 SIV COOKIE "8000 00", NTS_KE_NOT_WHOLE},
        {NTPV4 SIV COOKIE "0005 ffff 00", NTS_KE_NOT_WHOLE},
        {NTPV4 SIV COOKIE END "00", NTS_KE_AFTER_END},
        {NTPV4 SIV COOKIE END END, NTS_KE_AFTER_END},
        {NTPV4 SIV COOKIE "0000 0000", NTS_KE_BAD_RECORD},
        {NTPV4 SIV COOKIE "8000 0001 00", NTS_KE_BAD_RECORD},
        {"0001 0002 0000" SIV COOKIE END, NTS_KE_BAD_RECORD},
        {"8001 0001 00" SIV COOKIE END, NTS_KE_BAD_RECORD},
        {NTPV4 "8004 0001 00" COOKIE END, NTS_KE_BAD_RECORD},
        {NTPV4 "8004 0004 000f001e" COOKIE END, NTS_KE_BAD_RECORD},
        {"8002 0001 00" END, NTS_KE_BAD_RECORD},
        {"8003 0003 000000" END, NTS_KE_BAD_RECORD},
        {NTPV4 GCM_SIV "0400 0001 00" COOKIE END, NTS_KE_BAD_RECORD},
        {NTPV4 NTPV4 SIV COOKIE END, NTS_KE_TWICE},
        {NTPV4 SIV SIV COOKIE END, NTS_KE_TWICE},
        {NTPV4 SIV COOKIE "0006 0001 61 0006 0001 61" END, NTS_KE_TWICE},
        {NTPV4 SIV COOKIE "c000 0000" END, NTS_KE_UNKNOWN_CRITICAL},
        {"8002 0002 0001" END, NTS_KE_ERROR},
        {NTPV4 SIV COOKIE "8002 0002 0002" END, NTS_KE_ERROR},
        {NTPV4 SIV COOKIE "8003 0002 1234" END, NTS_KE_WARNING},
        {END, NTS_KE_NO_PROTOCOL},
        {SIV COOKIE END, NTS_KE_NO_PROTOCOL},
        {"8001 0002 0001" SIV COOKIE END, NTS_KE_FOREIGN_PROTOCOL},
        {"8001 0004 00000001" SIV COOKIE END, NTS_KE_FOREIGN_PROTOCOL},
        {"8001 0000" END, NTS_KE_NO_NTPV4},
        {NTPV4 END, NTS_KE_NO_AEAD},
        {NTPV4 "8004 0000" END, NTS_KE_NO_AEAD},
        {NTPV4 "8004 0002 0011" COOKIE END, NTS_KE_FOREIGN_AEAD},
        {NTPV4 SIV END, NTS_KE_NO_COOKIE},
        {NTPV4 SIV "0005 0000" END, NTS_KE_ODD_COOKIE},
        {NTPV4 SIV "0005 0003 010203" END, NTS_KE_ODD_COOKIE},
        {NTPV4 SIV COOKIE "0006 0000" END, NTS_KE_BAD_SERVER},
        {NTPV4 SIV COOKIE "0006 0003 612562" END, NTS_KE_BAD_SERVER},
        {NTPV4 SIV COOKIE "0006 0003 610062" END, NTS_KE_BAD_SERVER},
        {NTPV4 SIV COOKIE "0006 0002 c3a4" END, NTS_KE_BAD_SERVER},
        {NTPV4 SIV COOKIE "0007 0001 7b" END, NTS_KE_BAD_PORT},
        {NTPV4 SIV COOKIE "0007 0002 0000" END, NTS_KE_BAD_PORT},
    };
    unsigned long tried = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        enum nts_ke_verdict v = verdict(table[i].hex);

        if (v != table[i].verdict)
            fail_msg("%s: %s", table[i].hex, nts_ke_text(v));
        tried |= 1ul << v;
    }
    /* All but success and a response that is too long. */
    CHECK_EQ(tried | 1ul << NTS_KE_OK | 1ul << NTS_KE_LONG,
             (2ul << NTS_KE_BAD_PORT) - 1);
}

static void test_the_code_of_an_error_is_kept(void **state)
{
    (void)state;
    CHECK_EQ(verdict("8002 0002 0002" END), NTS_KE_ERROR);
    CHECK_EQ(result.code, 2);
    CHECK_TEXT(nts_ke_error_text(0), "unrecognized critical record");
    CHECK_TEXT(nts_ke_error_text(1), "bad request");
    CHECK_TEXT(nts_ke_error_text(2), "internal server error");
    CHECK_TEXT(nts_ke_error_text(3), "unknown error");
    CHECK_TEXT(nts_ke_text(NTS_KE_ERROR), "the server answered with an error");
}

static void test_the_first_eight_cookies_are_kept(void **state)
{
    struct nts_record_writer w = nts_record_writer_of(data, sizeof(data));

    (void)state;
    nts_record_write_number(&w, true, NTS_RECORD_NEXT_PROTOCOL, 0);
    nts_record_write_number(&w, true, NTS_RECORD_AEAD, 15);
    for (uint16_t i = 0; i < 200; i++) {
        uint8_t cookie[NTS_KE_COOKIE_MAX + 4];
        uint16_t len = (uint16_t)(sizeof(cookie) - 4u * (i % 4));

        memset(cookie, i, sizeof(cookie)); /* one in four is too long */
        nts_record_write(
            &w, &(struct nts_record){false, NTS_RECORD_COOKIE, len, cookie});
    }
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    CHECK(w.ok);
    CHECK_EQ(read_in_pieces(data, w.len, 1000), NTS_KE_OK);
    CHECK_EQ(result.cookies, 8);
    CHECK_EQ(result.cookie[0].len, 256);
    CHECK_EQ(result.cookie[0].bytes[255], 1);
    CHECK_EQ(result.cookie[2].len, 248);
    CHECK_EQ(result.cookie[7].bytes[0], 10);
}

static void test_names_and_addresses_are_kept(void **state)
{
    (void)state;
    CHECK_EQ(verdict(NTPV4 SIV COOKIE "8006 0007 612d625f432e39" END),
             NTS_KE_OK);
    CHECK_TEXT(result.server, "a-b_C.9");
    CHECK_EQ(verdict(NTPV4 SIV COOKIE "0006 0003 3a3a31 8007 0002 ffff" END),
             NTS_KE_OK);
    CHECK_TEXT(result.server, "::1");
    CHECK_EQ(result.port, 65535);
}

static void test_the_longest_name_is_kept(void **state)
{
    struct nts_record_writer w = nts_record_writer_of(data, sizeof(data));
    uint8_t name[NTS_KE_NAME_MAX];
    size_t at;

    (void)state;
    memset(name, 'x', sizeof(name));
    nts_record_write_number(&w, true, NTS_RECORD_NEXT_PROTOCOL, 0);
    nts_record_write_number(&w, true, NTS_RECORD_AEAD, 15);
    nts_record_write(&w,
                     &(struct nts_record){false, NTS_RECORD_COOKIE, 8, name});
    at = w.len;
    nts_record_write(&w, &(struct nts_record){true, NTS_RECORD_SERVER,
                                              sizeof(name) - 1, name});
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    CHECK_EQ(read_in_pieces(data, w.len, 7), NTS_KE_OK);
    CHECK_EQ(strlen(result.server), 253);
    w.len = at;
    nts_record_write(
        &w, &(struct nts_record){true, NTS_RECORD_SERVER, sizeof(name), name});
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    CHECK_EQ(read_in_pieces(data, w.len, 7), NTS_KE_BAD_SERVER);
}

/* A good response and an unknown record that makes it `len` bytes long. */
static size_t long_response(size_t len)
{
    static uint8_t body[NTS_KE_RESPONSE_MAX];
    struct nts_record_writer w = nts_record_writer_of(data, sizeof(data));
    size_t first;

    w.len = check_hex(NTPV4 SIV COOKIE, data, sizeof(data));
    first = (len - w.len - 12) / 2;
    nts_record_write(
        &w, &(struct nts_record){false, 0x4000, (uint16_t)first, body});
    nts_record_write(&w, &(struct nts_record){
                             false, 0x4001, (uint16_t)(len - w.len - 8), body});
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    CHECK(w.ok);
    return w.len;
}

static void test_responses_of_65536_octets_are_read(void **state)
{
    (void)state;
    CHECK_EQ(long_response(NTS_KE_RESPONSE_MAX), 65536);
    CHECK_EQ(nts_ke_read(data, 65536, both, 2, &result), NTS_KE_OK);
    CHECK_EQ(read_in_pieces(data, 65536, 1), NTS_KE_OK);
    CHECK_EQ(read_in_pieces(data, 65536, 1460), NTS_KE_OK);
    CHECK_EQ(long_response(NTS_KE_RESPONSE_MAX + 1), 65537);
    CHECK_EQ(nts_ke_read(data, 65537, both, 2, &result), NTS_KE_LONG);
    CHECK_EQ(read_in_pieces(data, 65537, 1460), NTS_KE_LONG);
}

static void test_reading_ends_as_soon_as_nothing_can_change(void **state)
{
    struct nts_ke_reading r;
    size_t len = check_hex(NTPV4 SIV COOKIE END, data, sizeof(data));

    (void)state;
    nts_ke_read_begin(&r, both, 2, &result);
    CHECK_EQ(nts_ke_read_feed(&r, data, len - 1), NTS_KE_MORE);
    CHECK_EQ(nts_ke_read_feed(&r, data + len - 1, 1), NTS_KE_WHOLE);
    CHECK_EQ(nts_ke_read_end(&r), NTS_KE_OK);
    len = check_hex("c000 0000", data, sizeof(data));
    nts_ke_read_begin(&r, both, 2, &result);
    CHECK_EQ(nts_ke_read_feed(&r, data, len), NTS_KE_WHOLE);
    CHECK_EQ(nts_ke_read_end(&r), NTS_KE_UNKNOWN_CRITICAL);
    nts_ke_read_begin(&r, both, 2, &result);
    CHECK_EQ(nts_ke_read_feed(&r, data, NTS_KE_RESPONSE_MAX + 1),
             NTS_KE_TOO_LONG);
    CHECK_EQ(nts_ke_read_end(&r), NTS_KE_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_what_chronyd_sends),
        cmocka_unit_test(test_a_request_that_does_not_fit_is_none),
        cmocka_unit_test(test_our_server_grants_what_our_client_asks),
        cmocka_unit_test(test_what_is_not_told_is_empty),
        cmocka_unit_test(test_aead_30_without_record_1024_is_exported_as_15),
        cmocka_unit_test(test_order_and_unknown_records_do_not_matter),
        cmocka_unit_test(test_each_failed_rule_has_a_verdict_of_its_own),
        cmocka_unit_test(test_the_code_of_an_error_is_kept),
        cmocka_unit_test(test_the_first_eight_cookies_are_kept),
        cmocka_unit_test(test_names_and_addresses_are_kept),
        cmocka_unit_test(test_the_longest_name_is_kept),
        cmocka_unit_test(test_responses_of_65536_octets_are_read),
        cmocka_unit_test(test_reading_ends_as_soon_as_nothing_can_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
