/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of key establishment on the server's side. */
#include "nts/ke.h"
#include "tests/check.h"

#define NTPV4     "8001 0002 0000"
#define SIV       "8004 0002 000f"
#define GCM_SIV   "8004 0002 001e"
#define BOTH      "8004 0004 001e000f"
#define COMPLIANT "0400 0000"
#define END       "8000 0000"

static const enum aead_id both[] = {AEAD_AES_128_GCM_SIV,
                                    AEAD_AES_SIV_CMAC_256};

static uint8_t data[NTS_KE_MESSAGE_MAX + 100];
static struct nts_ke_terms terms;

/* Judge bytes in an object of just their size. */
static void judge_bytes(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len + 1);

    memcpy(exact, bytes, len);
    memset(&terms, 0xff, sizeof(terms));
    nts_ke_judge(exact, len, both, 2, &terms);
    free(exact);
}

static void judge(const char *hex)
{
    judge_bytes(data, check_hex(hex, data, sizeof(data)));
}

static void refused(const char *hex, enum nts_ke_error error)
{
    judge(hex);
    if (terms.ok)
        fail_msg("accepted: %s", hex);
    CHECK_EQ(terms.error, error);
    CHECK(!terms.has_aead);
}

static void test_what_chronyd_asks_is_granted(void **state)
{
    (void)state;
    /* 4.3 */
    judge(NTPV4 SIV END);
    CHECK(terms.ok && terms.ntpv4 && terms.has_aead);
    CHECK_EQ(terms.aead, AEAD_AES_SIV_CMAC_256);
    CHECK_EQ(terms.exporter_aead, 15);
    CHECK(!terms.compliant_gcm_siv);
    /* 4.4 to 4.6.0: 30 is exported as 15 */
    judge(NTPV4 BOTH END);
    CHECK(terms.ok && terms.ntpv4 && terms.has_aead);
    CHECK_EQ(terms.aead, AEAD_AES_128_GCM_SIV);
    CHECK_EQ(terms.exporter_aead, 15);
    CHECK(!terms.compliant_gcm_siv);
    /* 4.6.1 and later */
    judge(NTPV4 BOTH COMPLIANT END);
    CHECK(terms.ok && terms.ntpv4 && terms.has_aead);
    CHECK_EQ(terms.aead, AEAD_AES_128_GCM_SIV);
    CHECK_EQ(terms.exporter_aead, 30);
    CHECK(terms.compliant_gcm_siv);
}

static void test_record_1024_means_nothing_for_another_aead(void **state)
{
    (void)state;
    judge(NTPV4 SIV COMPLIANT END);
    CHECK(terms.ok && terms.has_aead);
    CHECK_EQ(terms.aead, AEAD_AES_SIV_CMAC_256);
    CHECK_EQ(terms.exporter_aead, 15);
    CHECK(!terms.compliant_gcm_siv);
}

static void test_the_servers_order_of_preference_counts(void **state)
{
    static const enum aead_id siv_first[] = {AEAD_AES_SIV_CMAC_256,
                                             AEAD_AES_128_GCM_SIV};
    size_t len =
        check_hex(NTPV4 "8004 0006 0011000f001e" END, data, sizeof(data));

    (void)state;
    nts_ke_judge(data, len, both, 2, &terms);
    CHECK_EQ(terms.aead, AEAD_AES_128_GCM_SIV);
    nts_ke_judge(data, len, siv_first, 2, &terms);
    CHECK_EQ(terms.aead, AEAD_AES_SIV_CMAC_256);
    nts_ke_judge(data, len, both, 1, &terms);
    CHECK_EQ(terms.aead, AEAD_AES_128_GCM_SIV);
}

/* RFC 8915, 4.1.5: whoever offers NTPv4 and AEAD 15 gets both. */
static void test_aead_15_is_found_wherever_it_is_listed(void **state)
{
    struct check_random r = check_random_start();

    (void)state;
    for (int i = 0; i < 200; i++) {
        size_t count = 1 + check_random_below(&r, 4000);
        struct nts_record_writer w = nts_record_writer_of(data, sizeof(data));
        static uint8_t list[8000];

        check_random_bytes(&r, list, 2 * count);
        for (size_t k = 0; k < 2 * count; k += 2)
            list[k] |= 0x80; /* none that we know */
        nts_record_write_number(&w, true, NTS_RECORD_NEXT_PROTOCOL, 0);
        nts_record_write(&w, &(struct nts_record){false, NTS_RECORD_AEAD,
                                                  (uint16_t)(2 * count), list});
        nts_record_write_empty(&w, true, NTS_RECORD_END);
        judge_bytes(data, w.len);
        CHECK(terms.ok && terms.ntpv4 && !terms.has_aead);
        put_u16(data + 10 + 2 * check_random_below(&r, count), 15);
        judge_bytes(data, w.len);
        CHECK(terms.ok && terms.ntpv4 && terms.has_aead);
        CHECK_EQ(terms.aead, AEAD_AES_SIV_CMAC_256);
    }
}

static void test_order_and_unknown_records_do_not_matter(void **state)
{
    (void)state;
    judge("7000 0003 aabbcc" SIV "0008 0000" NTPV4 "4001 0001 00" END);
    CHECK(terms.ok && terms.ntpv4 && terms.has_aead);
    CHECK_EQ(terms.aead, AEAD_AES_SIV_CMAC_256);
}

static void test_the_aead_record_need_not_be_critical(void **state)
{
    (void)state;
    judge(NTPV4 "0004 0002 000f" END);
    CHECK(terms.ok && terms.has_aead);
}

static void test_another_protocol_is_not_ours(void **state)
{
    (void)state;
    judge("8001 0002 0001" END);
    CHECK(terms.ok && !terms.ntpv4 && !terms.has_aead);
    judge("8001 0002 0001" SIV END);
    CHECK(terms.ok && !terms.ntpv4 && !terms.has_aead);
    judge("8001 0004 80010000" SIV END);
    CHECK(terms.ok && terms.ntpv4 && terms.has_aead);
}

static void test_no_algorithm_in_common_is_no_error(void **state)
{
    (void)state;
    judge(NTPV4 "8004 0002 0011" END);
    CHECK(terms.ok && terms.ntpv4 && !terms.has_aead);
}

static void test_a_wish_for_a_server_is_heard(void **state)
{
    (void)state;
    judge(NTPV4 SIV "0006 0003 612e62"
                    "0007 0002 007b" END);
    CHECK(terms.ok && terms.has_aead);
    judge(NTPV4 SIV "8006 0003 612e62"
                    "8007 0002 007b" END);
    CHECK(terms.ok && terms.has_aead);
}

static void test_a_critical_record_that_is_not_known_is_told(void **state)
{
    (void)state;
    refused("c000 0000" NTPV4 SIV END, NTS_KE_UNRECOGNIZED_CRITICAL);
    refused(NTPV4 SIV "8008 0001 00" END, NTS_KE_UNRECOGNIZED_CRITICAL);
    refused(NTPV4 "ffff 0000" SIV END, NTS_KE_UNRECOGNIZED_CRITICAL);
    refused(NTPV4 "8401 0000" SIV END, NTS_KE_UNRECOGNIZED_CRITICAL);
}

static void test_bad_requests(void **state)
{
    static const char *const table[] = {
        "",
        END,
        "00",
        /* no protocol, or not once */
        SIV END,
        NTPV4 NTPV4 SIV END,
        "8001 0002 0001 8001 0002 0001" END,
        /* a list that is none */
        "8001 0000" SIV END,
        "8001 0001 00" SIV END,
        "8001 0003 000000" SIV END,
        /* not critical */
        "0001 0002 0000" SIV END,
        NTPV4 SIV "0000 0000",
        /* NTPv4 without AEAD, or not once */
        NTPV4 END,
        NTPV4 SIV SIV END,
        NTPV4 "8004 0000" END,
        NTPV4 "8004 0003 000f00" END,
        /* no end, an end with a body, something after it */
        NTPV4 SIV,
        NTPV4 SIV "8000 0001 00",
        NTPV4 SIV END END,
        NTPV4 SIV END "00",
        NTPV4 SIV END "4001 0000",
        NTPV4 END SIV,
        /* cut short */
        NTPV4 SIV "8000 00",
        NTPV4 SIV "4001 0002 00",
        /* what only a server sends */
        NTPV4 SIV "8002 0002 0001" END,
        NTPV4 SIV "0003 0002 0001" END,
        NTPV4 SIV "0005 0004 00000000" END,
        /* malformed in themselves */
        NTPV4 SIV "0006 0000" END,
        NTPV4 SIV "0006 0001 61 0006 0001 61" END,
        NTPV4 SIV "0007 0001 00" END,
        NTPV4 SIV "0007 0003 007b00" END,
        NTPV4 GCM_SIV "0400 0001 00" END,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        refused(table[i], NTS_KE_BAD_REQUEST);
}

static void test_every_prefix_of_a_request_is_a_bad_request(void **state)
{
    size_t len = check_hex(NTPV4 BOTH COMPLIANT "0006 0003 612e62" END, data,
                           sizeof(data));

    (void)state;
    for (size_t n = 0; n < len; n++) {
        judge_bytes(data, n);
        CHECK(!terms.ok);
        CHECK_EQ(terms.error, NTS_KE_BAD_REQUEST);
        CHECK_EQ(nts_ke_scan(data, n), NTS_KE_MORE);
    }
    judge_bytes(data, len);
    CHECK(terms.ok);
    CHECK_EQ(nts_ke_scan(data, len), NTS_KE_WHOLE);
}

static void test_a_request_is_whole_with_its_end(void **state)
{
    size_t len = check_hex(END NTPV4, data, sizeof(data));

    (void)state;
    CHECK_EQ(nts_ke_scan(data, 3), NTS_KE_MORE);
    CHECK_EQ(nts_ke_scan(data, 4), NTS_KE_WHOLE);
    CHECK_EQ(nts_ke_scan(data, len), NTS_KE_WHOLE);
    /* An end that is malformed is one all the same: it is to be judged. */
    len = check_hex("0000 0001 00", data, sizeof(data));
    CHECK_EQ(nts_ke_scan(data, len), NTS_KE_WHOLE);
    CHECK_EQ(nts_ke_scan(data, len - 1), NTS_KE_MORE);
}

/* One record that fills, with the End of Message, `len` bytes. */
static size_t long_request(size_t len)
{
    static uint8_t body[NTS_KE_MESSAGE_MAX];
    struct nts_record_writer w = nts_record_writer_of(data, sizeof(data));

    nts_record_write(
        &w, &(struct nts_record){false, 0x4000, (uint16_t)(len - 8), body});
    nts_record_write_empty(&w, true, NTS_RECORD_END);
    CHECK(w.ok);
    return w.len;
}

static void test_requests_of_16384_octets_are_read(void **state)
{
    (void)state;
    CHECK_EQ(long_request(NTS_KE_MESSAGE_MAX), NTS_KE_MESSAGE_MAX);
    CHECK_EQ(nts_ke_scan(data, NTS_KE_MESSAGE_MAX - 1), NTS_KE_MORE);
    CHECK_EQ(nts_ke_scan(data, NTS_KE_MESSAGE_MAX), NTS_KE_WHOLE);
}

static void test_what_would_be_longer_is_told_at_once(void **state)
{
    (void)state;
    long_request(NTS_KE_MESSAGE_MAX + 1);
    /* With the end beyond the limit, by the header of the record before. */
    CHECK_EQ(nts_ke_scan(data, 4), NTS_KE_MORE);
    CHECK_EQ(nts_ke_scan(data, NTS_KE_MESSAGE_MAX - 4), NTS_KE_MORE);
    CHECK_EQ(nts_ke_scan(data, NTS_KE_MESSAGE_MAX - 3), NTS_KE_TOO_LONG);
    put_u16(data + 2, NTS_KE_MESSAGE_MAX - 4);
    CHECK_EQ(nts_ke_scan(data, 4), NTS_KE_MORE);
    CHECK_EQ(nts_ke_scan(data, NTS_KE_MESSAGE_MAX), NTS_KE_TOO_LONG);
    put_u16(data + 2, NTS_KE_MESSAGE_MAX - 3);
    CHECK_EQ(nts_ke_scan(data, 4), NTS_KE_TOO_LONG);
    put_u16(data + 2, 0xffff);
    CHECK_EQ(nts_ke_scan(data, 4), NTS_KE_TOO_LONG);
    CHECK_EQ(nts_ke_scan(data, 3), NTS_KE_MORE);
}

static uint8_t out[NTS_KE_REPLY_MAX];
static uint8_t cookies[NTS_KE_COOKIES * 256];

/* The answer to a request, with cookies of `len` bytes if it gets any. */
static struct nts_ke_answer answer_to(const char *hex, size_t len)
{
    judge(hex);
    for (size_t i = 0; i < sizeof(cookies); i++)
        cookies[i] = (uint8_t)(i * 7);
    return (struct nts_ke_answer){.terms = terms,
                                  .cookies = NTS_KE_COOKIES,
                                  .cookie_len = len,
                                  .cookie = cookies};
}

/* The answer begins with these bytes; returns how many they are. */
static size_t begins_with(size_t len, const char *hex)
{
    uint8_t expected[512];
    size_t n = check_hex(hex, expected, sizeof(expected));

    CHECK(n <= len);
    CHECK_BYTES(out, expected, n);
    return n;
}

static void is_exactly(size_t len, const char *hex)
{
    CHECK_EQ(begins_with(len, hex), len);
}

/* Eight cookies that are not critical, and the end. */
static void ends_with_cookies(size_t at, size_t len, size_t cookie_len)
{
    struct reader r = reader_of(out + at, len - at);
    struct nts_record rec;

    for (unsigned i = 0; i < NTS_KE_COOKIES; i++) {
        CHECK(nts_record_next(&r, &rec));
        CHECK(!rec.critical);
        CHECK_EQ(rec.type, NTS_RECORD_COOKIE);
        CHECK_EQ(rec.len, cookie_len);
        CHECK_BYTES(rec.body, cookies + i * cookie_len, cookie_len);
    }
    CHECK(nts_record_next(&r, &rec));
    CHECK(rec.critical);
    CHECK_EQ(rec.type, NTS_RECORD_END);
    CHECK_EQ(rec.len, 0);
    CHECK_EQ(r.left, 0);
}

static void test_an_answer_has_the_choice_and_eight_cookies(void **state)
{
    struct nts_ke_answer a = answer_to(NTPV4 SIV END, 100);
    size_t len = nts_ke_answer(&a, out);

    (void)state;
    ends_with_cookies(begins_with(len, NTPV4 SIV), len, 100);
    a = answer_to(NTPV4 BOTH END, 68);
    len = nts_ke_answer(&a, out);
    ends_with_cookies(begins_with(len, NTPV4 GCM_SIV), len, 68);
    a = answer_to(NTPV4 BOTH COMPLIANT END, 68);
    len = nts_ke_answer(&a, out);
    ends_with_cookies(begins_with(len, NTPV4 GCM_SIV COMPLIANT), len, 68);
}

static void test_an_answer_says_where_ntp_is_served(void **state)
{
    struct nts_ke_answer a = answer_to(NTPV4 SIV END, 100);
    size_t len;

    (void)state;
    a.server = "a.b";
    a.port = 1123;
    len = nts_ke_answer(&a, out);
    ends_with_cookies(
        begins_with(len, NTPV4 SIV "8006 0003 612e62 8007 0002 0463"), len,
        100);
    a.server = "";
    a.port = 0;
    len = nts_ke_answer(&a, out);
    ends_with_cookies(begins_with(len, NTPV4 SIV), len, 100);
}

static void test_nothing_in_common_is_said_by_an_empty_record(void **state)
{
    struct nts_ke_answer a = answer_to("8001 0002 0001" END, 0);

    (void)state;
    is_exactly(nts_ke_answer(&a, out), "8001 0000" END);
    a = answer_to(NTPV4 "8004 0002 0011" END, 0);
    a.server = "a.b"; /* which is nobody's business then */
    is_exactly(nts_ke_answer(&a, out), NTPV4 "8004 0000" END);
}

static void test_errors_are_answered_with_nothing_else(void **state)
{
    struct nts_ke_answer a = answer_to("c000 0000" END, 100);

    (void)state;
    is_exactly(nts_ke_answer(&a, out), "8002 0002 0000" END);
    a = answer_to(END, 100);
    is_exactly(nts_ke_answer(&a, out), "8002 0002 0001" END);
    is_exactly(nts_ke_error_answer(NTS_KE_INTERNAL, out), "8002 0002 0002" END);
}

/* RFC 8915, 4.1.6: at least one; without any there is no answer to give. */
static void test_an_answer_that_cannot_be_is_an_internal_error(void **state)
{
    static char name[NTS_KE_NAME_MAX + 1];
    struct nts_ke_answer a = answer_to(NTPV4 SIV END, 100);

    (void)state;
    a.cookies = 0;
    is_exactly(nts_ke_answer(&a, out), "8002 0002 0002" END);
    a.cookies = NTS_KE_COOKIES + 1;
    is_exactly(nts_ke_answer(&a, out), "8002 0002 0002" END);
    a.cookies = 1;
    a.cookie_len = 0x10000 + 100;
    is_exactly(nts_ke_answer(&a, out), "8002 0002 0002" END);
    a.cookie_len = NTS_KE_REPLY_MAX;
    is_exactly(nts_ke_answer(&a, out), "8002 0002 0002" END);
    a.cookie_len = 100;
    memset(name, 'a', NTS_KE_NAME_MAX);
    a.server = name;
    is_exactly(nts_ke_answer(&a, out), "8002 0002 0002" END);
    name[NTS_KE_NAME_MAX - 1] = '\0';
    CHECK(nts_ke_answer(&a, out) > 300);
}

static void test_the_context_of_the_exporter(void **state)
{
    uint8_t context[NTS_KE_EXPORTER_CONTEXT_LEN];

    (void)state;
    nts_ke_exporter_context(15, false, context);
    CHECK_BYTES(context, "\0\0\0\x0f\0", 5);
    nts_ke_exporter_context(30, true, context);
    CHECK_BYTES(context, "\0\0\0\x1e\1", 5);
    CHECK_EQ(nts_ke_exporter_aead(AEAD_AES_SIV_CMAC_256, false), 15);
    CHECK_EQ(nts_ke_exporter_aead(AEAD_AES_SIV_CMAC_256, true), 15);
    CHECK_EQ(nts_ke_exporter_aead(AEAD_AES_128_GCM_SIV, false), 15);
    CHECK_EQ(nts_ke_exporter_aead(AEAD_AES_128_GCM_SIV, true), 30);
    CHECK_TEXT(NTS_KE_EXPORTER_LABEL, "EXPORTER-network-time-security");
    CHECK_TEXT(NTS_KE_ALPN, "ntske/1");
    CHECK_EQ(NTS_KE_PORT, 4460);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_chronyd_asks_is_granted),
        cmocka_unit_test(test_record_1024_means_nothing_for_another_aead),
        cmocka_unit_test(test_the_servers_order_of_preference_counts),
        cmocka_unit_test(test_aead_15_is_found_wherever_it_is_listed),
        cmocka_unit_test(test_order_and_unknown_records_do_not_matter),
        cmocka_unit_test(test_the_aead_record_need_not_be_critical),
        cmocka_unit_test(test_another_protocol_is_not_ours),
        cmocka_unit_test(test_no_algorithm_in_common_is_no_error),
        cmocka_unit_test(test_a_wish_for_a_server_is_heard),
        cmocka_unit_test(test_a_critical_record_that_is_not_known_is_told),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_every_prefix_of_a_request_is_a_bad_request),
        cmocka_unit_test(test_a_request_is_whole_with_its_end),
        cmocka_unit_test(test_requests_of_16384_octets_are_read),
        cmocka_unit_test(test_what_would_be_longer_is_told_at_once),
        cmocka_unit_test(test_an_answer_has_the_choice_and_eight_cookies),
        cmocka_unit_test(test_an_answer_says_where_ntp_is_served),
        cmocka_unit_test(test_nothing_in_common_is_said_by_an_empty_record),
        cmocka_unit_test(test_errors_are_answered_with_nothing_else),
        cmocka_unit_test(test_an_answer_that_cannot_be_is_an_internal_error),
        cmocka_unit_test(test_the_context_of_the_exporter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
