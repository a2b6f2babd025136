/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, addresses and dates of certificates. */
#include "net/tls_verify.h"
#include "nts/cert.h"
#include "tests/check.h"

#include <psa/crypto.h>

#define DAY   86400
#define SINCE 1767225600 /* 2026-01-01 */
#define UNTIL (SINCE + 90 * DAY)

static const uint8_t v4[4] = {192, 0, 2, 1};
static const struct ip_addr6 v6 = {{0x20, 1, 0xd, 0xb8, [15] = 1}};
static mbedtls_x509_crt crt;

/* A certificate for a name and `addresses` of the two. */
static void read_with(const char *name, unsigned addresses)
{
    struct ip_addr6 addrs[] = {ip_from_v4(v4), v6};
    struct nts_cert_subject subject = {
        .name = name,
        .addrs = addrs,
        .count = addresses,
        .not_before = SINCE,
        .not_after = UNTIL,
    };
    struct nts_cert made;

    mbedtls_x509_crt_init(&crt);
    CHECK(nts_cert_make(&subject, &made));
    CHECK_EQ(mbedtls_x509_crt_parse_der(&crt, made.cert, made.cert_len), 0);
}

static void read_one(const char *name)
{
    read_with(name, 2);
}

static int set_up(void **state)
{
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    mbedtls_x509_crt_free(&crt);
    return 0;
}

static bool named(const char *name)
{
    return tls_verify_name(&crt, name, strlen(name));
}

static void test_name_is_the_same_in_any_case(void **state)
{
    (void)state;
    read_one("time.Example.org");
    CHECK(named("time.example.org"));
    CHECK(named("TIME.EXAMPLE.ORG"));
    CHECK(!named("time.example.or"));
    CHECK(!named("time.example.orgs"));
    CHECK(!named("ime.example.org"));
    CHECK(!named("a.time.example.org"));
    CHECK(!named(""));
}

static void test_star_stands_for_one_whole_label(void **state)
{
    (void)state;
    read_one("x.example.org");
    for (mbedtls_x509_sequence *san = &crt.subject_alt_names; san != NULL;
         san = san->next)
        if (san->buf.len == strlen("x.example.org"))
            san->buf.p[0] = '*';
    CHECK(named("a.example.org"));
    CHECK(named("B.Example.org"));
    CHECK(!named("a.b.example.org"));
    CHECK(!named("example.org"));
    CHECK(!named(".example.org"));
    CHECK(!named("a.example.com"));
}

static void test_addresses_are_found_whole(void **state)
{
    struct ip_addr6 other = v6;
    struct ip_addr6 addr = ip_from_v4(v4);

    (void)state;
    read_one("time.example.org");
    CHECK(tls_verify_addr(&crt, &addr));
    CHECK(tls_verify_addr(&crt, &v6));
    other.byte[0]++;
    CHECK(!tls_verify_addr(&crt, &other));
    addr.byte[15]++;
    CHECK(!tls_verify_addr(&crt, &addr));
    /* The same four bytes, but no IPv4 address. */
    memset(other.byte, 0, sizeof(other.byte));
    memcpy(other.byte + 12, v4, 4);
    CHECK(!tls_verify_addr(&crt, &other));
    /* An address is not a name. */
    CHECK(!named("192.0.2.1"));
}

/* The common name, which all have, is none. */
static void test_a_certificate_may_have_no_names(void **state)
{
    (void)state;
    read_with(NULL, 0);
    CHECK(!tls_verify_has_names(&crt));
    mbedtls_x509_crt_free(&crt);
    read_with("time.example.org", 0);
    CHECK(tls_verify_has_names(&crt));
    mbedtls_x509_crt_free(&crt);
    read_with(NULL, 1);
    CHECK(tls_verify_has_names(&crt));
}

static void test_validity_is_refused_only_where_it_is_sure_not_to_be(void **s)
{
    (void)s;
    read_one("time.example.org");
    CHECK_EQ(tls_verify_dates(&crt, SINCE, SINCE), 0);
    CHECK_EQ(tls_verify_dates(&crt, UNTIL, UNTIL), 0);
    CHECK_EQ(tls_verify_dates(&crt, UNTIL + 1, UNTIL + 1),
             MBEDTLS_X509_BADCERT_EXPIRED);
    CHECK_EQ(tls_verify_dates(&crt, SINCE - 1, SINCE - 1),
             MBEDTLS_X509_BADCERT_FUTURE);
    /* Perhaps it is valid now. */
    CHECK_EQ(tls_verify_dates(&crt, SINCE - DAY, UNTIL + DAY), 0);
    CHECK_EQ(tls_verify_dates(&crt, INT64_MIN, INT64_MAX), 0);
    CHECK_EQ(tls_verify_dates(&crt, UNTIL + 1, INT64_MAX),
             MBEDTLS_X509_BADCERT_EXPIRED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_name_is_the_same_in_any_case, tear_down),
        cmocka_unit_test_teardown(test_star_stands_for_one_whole_label,
                                  tear_down),
        cmocka_unit_test_teardown(test_addresses_are_found_whole, tear_down),
        cmocka_unit_test_teardown(test_a_certificate_may_have_no_names,
                                  tear_down),
        cmocka_unit_test_teardown(
            test_validity_is_refused_only_where_it_is_sure_not_to_be,
            tear_down),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
