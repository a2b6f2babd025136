/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of certificates: what ours says, and how others' troubles are told. */
#include "nts/cert.h"
#include "tests/check.h"

#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>

/* 2026-03-01 12:34:56 and ten years later, 2036-02-29 00:00:00. */
#define FROM 1772368496
#define TO   2087856000

static const struct ip_addr6 addrs[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}},
    {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}}};
static const struct nts_cert_subject subject = {"ntp.example", addrs, 2, FROM,
                                                TO};

static struct nts_cert made;
static mbedtls_x509_crt crt;

static int begin(void **state)
{
    (void)state;
    mbedtls_x509_crt_init(&crt);
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    mbedtls_x509_crt_free(&crt);
    return 0;
}

/* Make one, and read it back into `crt`. */
static void make(const struct nts_cert_subject *s)
{
    mbedtls_x509_crt_free(&crt);
    mbedtls_x509_crt_init(&crt);
    CHECK(nts_cert_make(s, &made));
    CHECK_EQ(mbedtls_x509_crt_parse_der(&crt, made.cert, made.cert_len), 0);
}

/* What a client that trusts it, and expects `name`, says of it. */
static uint32_t flags_for(const char *name)
{
    uint32_t flags = 0;

    mbedtls_x509_crt_verify(&crt, &crt, NULL, name, &flags, NULL, NULL);
    return flags;
}

static void test_our_certificate_is_accepted_by_who_trusts_it(void **state)
{
    (void)state;
    make(&subject);
    CHECK_EQ(flags_for("ntp.example"), 0);
    CHECK_EQ(flags_for("192.0.2.7"), 0);
    CHECK_EQ(flags_for("2001:db8::9"), 0);
    CHECK_EQ(flags_for("other.example"), MBEDTLS_X509_BADCERT_CN_MISMATCH);
    CHECK_EQ(flags_for("192.0.2.8"), MBEDTLS_X509_BADCERT_CN_MISMATCH);
    CHECK_EQ(flags_for("2001:db8::a"), MBEDTLS_X509_BADCERT_CN_MISMATCH);
}

static void test_our_certificate_is_not_accepted_by_others(void **state)
{
    mbedtls_x509_crt other;
    struct nts_cert second;
    uint32_t flags = 0;

    (void)state;
    make(&subject);
    CHECK(nts_cert_make(&subject, &second));
    mbedtls_x509_crt_init(&other);
    CHECK_EQ(mbedtls_x509_crt_parse_der(&other, second.cert, second.cert_len),
             0);
    mbedtls_x509_crt_verify(&crt, &other, NULL, NULL, &flags, NULL, NULL);
    CHECK_EQ(flags, MBEDTLS_X509_BADCERT_NOT_TRUSTED);
    mbedtls_x509_crt_free(&other);
}

static void test_our_certificate_is_for_a_server_alone(void **state)
{
    static const char client[] = MBEDTLS_OID_CLIENT_AUTH;
    static const char server[] = MBEDTLS_OID_SERVER_AUTH;

    (void)state;
    make(&subject);
    CHECK_EQ(crt.version, 3);
    CHECK_EQ(mbedtls_x509_crt_check_extended_key_usage(&crt, server,
                                                       sizeof(server) - 1),
             0);
    CHECK(mbedtls_x509_crt_check_extended_key_usage(&crt, client,
                                                    sizeof(client) - 1) != 0);
    CHECK_EQ(mbedtls_x509_crt_check_key_usage(
                 &crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE),
             0);
    CHECK(mbedtls_x509_crt_check_key_usage(&crt,
                                           MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0);
    CHECK_EQ(mbedtls_x509_crt_get_ca_istrue(&crt), 0);
}

static void test_dates_are_those_that_were_asked_for(void **state)
{
    (void)state;
    make(&subject);
    CHECK_EQ(crt.valid_from.year, 2026);
    CHECK_EQ(crt.valid_from.mon, 3);
    CHECK_EQ(crt.valid_from.day, 1);
    CHECK_EQ(crt.valid_from.hour, 12);
    CHECK_EQ(crt.valid_from.min, 34);
    CHECK_EQ(crt.valid_from.sec, 56);
    CHECK_EQ(crt.valid_to.year, 2036);
    CHECK_EQ(crt.valid_to.mon, 2);
    CHECK_EQ(crt.valid_to.day, 29);
    CHECK_EQ(nts_cert_seconds(&crt.valid_from), FROM);
    CHECK_EQ(nts_cert_seconds(&crt.valid_to), TO);
}

static void test_any_day_from_1970_to_2400_comes_back(void **state)
{
    struct check_random r = check_random_start();
    struct nts_cert_subject s = subject;

    (void)state;
    for (int i = 0; i < 20; i++) {
        s.not_before = (int64_t)check_random_below(&r, 13569465600);
        s.not_after = s.not_before + (int64_t)check_random_below(&r, 86400);
        make(&s);
        CHECK_EQ(nts_cert_seconds(&crt.valid_from), s.not_before);
        CHECK_EQ(nts_cert_seconds(&crt.valid_to), s.not_after);
    }
    s.not_before = -1;
    CHECK(!nts_cert_make(&s, &made));
    s.not_before = 2;
    s.not_after = 1;
    CHECK(!nts_cert_make(&s, &made));
    CHECK_EQ(made.cert_len, 0);
}

static void test_seconds_of_dates(void **state)
{
    static const struct {
        mbedtls_x509_time t;
        int64_t seconds;
    } table[] = {
        {{1970, 1, 1, 0, 0, 0}, 0},
        {{1969, 12, 31, 23, 59, 59}, -1},
        {{1972, 2, 29, 0, 0, 0}, 68169600},
        {{1999, 12, 31, 23, 59, 59}, 946684799},
        {{2000, 2, 29, 12, 0, 0}, 951825600},
        {{2000, 3, 1, 0, 0, 0}, 951868800},
        {{2038, 1, 19, 3, 14, 8}, 2147483648},
        {{2100, 3, 1, 0, 0, 0}, 4107542400},
        {{9999, 12, 31, 23, 59, 59}, 253402300799},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        CHECK_EQ(nts_cert_seconds(&table[i].t), table[i].seconds);
}

static void test_the_key_is_that_of_the_certificate(void **state)
{
    mbedtls_pk_context key;

    (void)state;
    make(&subject);
    mbedtls_pk_init(&key);
    CHECK_EQ(mbedtls_pk_parse_key(&key, made.key, made.key_len, NULL, 0,
                                  mbedtls_psa_get_random,
                                  MBEDTLS_PSA_RANDOM_STATE),
             0);
    CHECK_EQ(mbedtls_pk_check_pair(&crt.pk, &key, mbedtls_psa_get_random,
                                   MBEDTLS_PSA_RANDOM_STATE),
             0);
    CHECK_EQ(mbedtls_pk_get_bitlen(&key), 256);
    mbedtls_pk_free(&key);
}

static void test_no_two_are_the_same(void **state)
{
    struct nts_cert other;

    (void)state;
    make(&subject);
    CHECK(crt.serial.len == 16 && crt.serial.p[0] >= 0x40 &&
          crt.serial.p[0] < 0x80);
    CHECK(nts_cert_make(&subject, &other));
    CHECK(other.key_len != made.key_len ||
          memcmp(other.key, made.key, made.key_len) != 0);
    CHECK(other.cert_len != made.cert_len ||
          memcmp(other.cert, made.cert, made.cert_len) != 0);
}

static void test_a_machine_without_a_name_has_a_certificate(void **state)
{
    struct nts_cert_subject s = subject;

    (void)state;
    s.name = NULL;
    make(&s);
    CHECK_EQ(flags_for("192.0.2.7"), 0);
    s.count = 0;
    make(&s);
    CHECK_EQ(flags_for(NULL), 0);
}

static void test_a_name_is_never_taken_for_syntax(void **state)
{
    struct nts_cert_subject s = subject;

    (void)state;
    s.name = "a,CN=b";
    make(&s);
    CHECK_EQ(crt.subject.val.len, 6);
    CHECK_BYTES(crt.subject.val.p, "gnomon", 6);
    CHECK(!crt.subject.next);
}

static void test_addresses_beyond_the_table_are_left_out(void **state)
{
    struct ip_addr6 many[NTS_CERT_ADDRS_MAX + 2];
    struct nts_cert_subject s = {NULL, many, NTS_CERT_ADDRS_MAX + 2, FROM, TO};

    (void)state;
    for (unsigned i = 0; i < s.count; i++)
        many[i] = ip_from_v4((const uint8_t[4]){192, 0, 2, (uint8_t)i});
    make(&s);
    CHECK_EQ(flags_for("192.0.2.7"), 0);
    CHECK_EQ(flags_for("192.0.2.8"), MBEDTLS_X509_BADCERT_CN_MISMATCH);
}

static void test_the_longest_names_fit(void **state)
{
    char name[256];
    struct ip_addr6 many[NTS_CERT_ADDRS_MAX];
    struct nts_cert_subject s = {name, many, NTS_CERT_ADDRS_MAX, FROM, TO};

    (void)state;
    for (unsigned i = 0; i < s.count; i++)
        many[i] = addrs[1];
    for (size_t i = 0; i < 253; i++)
        name[i] = i % 64 == 63 ? '.' : 'x';
    name[253] = '\0';
    make(&s);
    CHECK_EQ(flags_for(name), 0);
    CHECK(made.cert_len < 900);
}

/* FIPS 180-2, B.1. */
static void test_a_fingerprint_is_sha256_in_pairs(void **state)
{
    char text[NTS_CERT_FINGERPRINT_TEXT];

    (void)state;
    nts_cert_fingerprint((const uint8_t *)"abc", 3, text);
    CHECK_TEXT(text, "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:"
                     "B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD");
}

static void test_days_left_are_whole_days(void **state)
{
    (void)state;
    make(&subject);
    CHECK_EQ(nts_cert_days_left(&crt, TO - 28 * 86400), 28);
    CHECK_EQ(nts_cert_days_left(&crt, TO - 28 * 86400 + 1), 27);
    CHECK_EQ(nts_cert_days_left(&crt, TO - 1), 0);
    CHECK_EQ(nts_cert_days_left(&crt, TO), 0);
    CHECK_EQ(nts_cert_days_left(&crt, TO + 1), -1);
    CHECK_EQ(nts_cert_days_left(&crt, TO + 86400), -1);
    CHECK_EQ(nts_cert_days_left(&crt, TO + 86401), -2);
}

static void test_the_first_of_a_chain_to_end_counts(void **state)
{
    struct nts_cert_subject s = subject;

    (void)state;
    make(&subject);
    s.not_after = TO - 86400;
    CHECK(nts_cert_make(&s, &made));
    CHECK_EQ(mbedtls_x509_crt_parse_der(&crt, made.cert, made.cert_len), 0);
    CHECK_EQ(nts_cert_days_left(&crt, TO - 86400), 0);
}

static void test_troubles_are_told_one_after_another(void **state)
{
    uint32_t flags = MBEDTLS_X509_BADCERT_NOT_TRUSTED |
                     MBEDTLS_X509_BADCERT_CN_MISMATCH |
                     MBEDTLS_X509_BADCERT_EXPIRED | 1u << 30;

    (void)state;
    CHECK_TEXT(nts_cert_trouble(&flags), "the certificate is of another name");
    CHECK_TEXT(nts_cert_trouble(&flags), "the certificate has expired");
    CHECK_TEXT(nts_cert_trouble(&flags),
               "the certificate is not signed by an authority that is "
               "trusted");
    CHECK_TEXT(nts_cert_trouble(&flags), "the certificate was not accepted");
    CHECK(!nts_cert_trouble(&flags));
    CHECK_EQ(flags, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_certificate_is_accepted_by_who_trusts_it),
        cmocka_unit_test(test_our_certificate_is_not_accepted_by_others),
        cmocka_unit_test(test_our_certificate_is_for_a_server_alone),
        cmocka_unit_test(test_dates_are_those_that_were_asked_for),
        cmocka_unit_test(test_any_day_from_1970_to_2400_comes_back),
        cmocka_unit_test(test_seconds_of_dates),
        cmocka_unit_test(test_the_key_is_that_of_the_certificate),
        cmocka_unit_test(test_no_two_are_the_same),
        cmocka_unit_test(test_a_machine_without_a_name_has_a_certificate),
        cmocka_unit_test(test_a_name_is_never_taken_for_syntax),
        cmocka_unit_test(test_addresses_beyond_the_table_are_left_out),
        cmocka_unit_test(test_the_longest_names_fit),
        cmocka_unit_test(test_a_fingerprint_is_sha256_in_pairs),
        cmocka_unit_test(test_days_left_are_whole_days),
        cmocka_unit_test(test_the_first_of_a_chain_to_end_counts),
        cmocka_unit_test(test_troubles_are_told_one_after_another),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
