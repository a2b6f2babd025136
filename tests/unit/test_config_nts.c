/* SPDX-License-Identifier: BSD-2-Clause */
/* NTS: its directives, and the files that they name. */
#include "tests/config_read.h"

#define CERT                                                                   \
    "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n"
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* That text with the files c.pem, k.pem, ca.pem and `keys` beside it. */
static const struct config *read_with(const char *name, const char *text,
                                      const char *keys)
{
    archive.len = 0;
    make_file(&archive, name, text);
    make_file(&archive, "etc/c.pem", CERT);
    make_file(&archive, "etc/k.pem", KEY);
    make_file(&archive, "etc/ca.pem", CERT CERT);
    make_file(&archive, "etc/keys", keys);
    make_file(&archive, "etc/cut.pem", "-----BEGIN CERTIFICATE-----\nMAMC");
    make_file(&archive, "etc/locked.pem",
              "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n"
              "-----END ENCRYPTED PRIVATE KEY-----\n");
    return read_archive();
}

static const struct config *read_nts(const char *text)
{
    return read_with("chrony.conf", text, "7 " HEX "\n");
}

static const struct config_nts *accept_nts(const char *text)
{
    return &check_accepted(read_nts(text))->nts;
}

/* Its one error. */
static void check_refused(const char *text, const char *error)
{
    CHECK(read_nts(text)->refused);
    if (builder.report.errors != 1)
        print_report();
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, error);
}

static bool is_required(const struct config_nts *n, const char *address)
{
    struct ip_addr6 a;

    CHECK(value_address(word_of(address), &a));
    return access_allowed(&n->require, &a);
}

static void test_defaults_are_those_of_chrony(void **state)
{
    const struct config_nts *n = accept_nts("");

    (void)state;
    CHECK(n->server);
    CHECK_EQ(n->port, 4460);
    CHECK_EQ(n->certs, 0);
    CHECK_TEXT(n->ntp_server, "");
    CHECK_EQ(n->rotate_s, 604800);
    CHECK_EQ(n->refresh_s, 2419200);
    CHECK_EQ(n->aeads, 2);
    CHECK_EQ(n->aead[0], 30);
    CHECK_EQ(n->aead[1], 15);
    CHECK_EQ(n->max_connections, 100);
    CHECK(!n->ratelimit.enabled);
    CHECK_EQ(n->given_count, 0);
    CHECK(!n->require_any);
    CHECK_EQ(n->trusteds, 0);
    CHECK_EQ(n->no_cert_time_check, 0);
    CHECK(n->state_wanted);
    CHECK_TEXT(n->state, "");
}

static void test_directives_reach_their_fields(void **state)
{
    const struct config_nts *n = accept_nts("ntsport 14460\n"
                                            "ntsntpserver ntp.example\n"
                                            "ntsrotate 0\n"
                                            "ntsrefresh 3600\n"
                                            "ntsaeads 15 30 15\n"
                                            "maxntsconnections 9\n"
                                            "ntsratelimit burst 4\n"
                                            "nosystemcert\n"
                                            "nocerttimecheck -1\n"
                                            "state disk-0\n");

    (void)state;
    CHECK_EQ(n->port, 14460);
    CHECK_TEXT(n->ntp_server, "ntp.example");
    CHECK_EQ(n->rotate_s, 0);
    CHECK_EQ(n->refresh_s, 3600);
    CHECK_EQ(n->aeads, 2);
    CHECK_EQ(n->aead[0], 15);
    CHECK_EQ(n->aead[1], 30);
    CHECK_EQ(n->max_connections, 9);
    CHECK(n->ratelimit.enabled);
    CHECK_EQ(n->ratelimit.interval, 6);
    CHECK_EQ(n->ratelimit.burst, 4);
    CHECK_EQ(n->no_cert_time_check, -1);
    CHECK(n->state_wanted);
    CHECK_TEXT(n->state, "disk-0");

    CHECK_TEXT(accept_nts("ntsntpserver 2001:db8::1\n")->ntp_server,
               "2001:db8::1");
    CHECK_EQ(accept_nts("ntsaeads 17 30\n")->aeads, 1);
    CHECK(!accept_nts("state off\n")->state_wanted);
    n = accept_nts("state x\nstate auto\n");
    CHECK(n->state_wanted);
    CHECK_TEXT(n->state, "");
}

/* Cookies are for those who may ask for time. */
static void test_it_is_served_where_time_is(void **state)
{
    (void)state;
    CHECK(!accept_nts("port 0\n")->server);
    CHECK(!accept_nts("ntsport 0\n")->server);
    CHECK(!accept_nts("deny\n")->server);
    CHECK(accept_nts("deny\nallow 10\n")->server);
    CHECK(!read_nts("nonsense\n")->nts.server);
    CHECK(!builder.config.nts.state_wanted);
}

static void test_certificates_and_keys_are_pairs(void **state)
{
    const struct config_nts *n =
        accept_nts("ntsservercert /etc/c.pem\nntsserverkey /etc/k.pem\n"
                   "ntsservercert ca.pem\nntsserverkey k.pem\n");

    (void)state;
    CHECK_EQ(n->certs, 2);
    CHECK_TEXT(n->cert[0].name, "etc/c.pem");
    CHECK_EQ(n->cert[0].len, strlen(CERT));
    CHECK_BYTES(n->cert[0].at, CERT, strlen(CERT));
    CHECK_TEXT(n->key[1].name, "etc/k.pem");
    CHECK_BYTES(n->key[1].at, KEY, strlen(KEY));
    CHECK_TEXT(n->cert[1].name, "etc/ca.pem");

    check_refused("ntsservercert c.pem\n",
                  "chrony.conf:1:15: found \"c.pem\", expected an "
                  "`ntsserverkey` for each `ntsservercert`, in the same order");
    check_refused("ntsservercert c.pem\nntsserverkey k.pem\n"
                  "ntsserverkey k.pem\n",
                  "chrony.conf:3:14: found \"k.pem\", expected an "
                  "`ntsservercert` for each `ntsserverkey`, in the same order");
}

/* A server that comes up with another certificate is of use to nobody. */
static void test_unusable_files_are_named(void **state)
{
    (void)state;
    check_refused("ntsservercert no.pem\nntsserverkey k.pem\n",
                  "chrony.conf:1:15: found \"no.pem\", expected a file of the "
                  "boot archive");
    check_refused("ntsservercert cut.pem\nntsserverkey k.pem\n",
                  "chrony.conf:1:15: found \"cut.pem\", expected a certificate "
                  "in PEM, and whole");
    check_refused(
        "ntsservercert c.pem\nntsserverkey c.pem\n",
        "chrony.conf:2:14: found \"c.pem\", expected a private key in "
        "PEM, and whole");
    check_refused("ntsservercert c.pem\nntsserverkey locked.pem\n",
                  "chrony.conf:2:14: found \"locked.pem\", expected a private "
                  "key that needs no password");
    check_refused("ntskeys no\n", "chrony.conf:1:9: found \"no\", expected a "
                                  "file of the boot archive");
    check_refused("server a nts\nntstrustedcerts cut.pem\n",
                  "chrony.conf:2:17: found \"cut.pem\", expected certificates "
                  "in PEM, and each of them whole");
    check_refused("server a nts\nntstrustedcerts no.pem\n",
                  "chrony.conf:2:17: found \"no.pem\", expected a file of the "
                  "boot archive");
}

/* What nothing needs is no reason to refuse. */
static void test_files_that_nothing_needs_are_noted(void **state)
{
    (void)state;
    accept_nts("ntsport 0\nntsservercert no.pem\n");
    check_note("chrony.conf:2:15: \"no.pem\": it is not needed");
    CHECK_EQ(accept_nts("server a\nntstrustedcerts no.pem\n")->trusteds, 0);
    check_note("chrony.conf:2:17: \"no.pem\": no source needs");
}

static void test_files_are_bounded(void **state)
{
    char text[20 * 30] = "";

    (void)state;
    for (int i = 0; i < 9; i++)
        strcat(text, i % 2 ? "ntsserverkey k.pem\n" : "ntsservercert c.pem\n");
    CHECK(read_nts(text)->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "chrony.conf:9:1: found \"ntsservercert\", expected at most "
                   "4 of these");
    strcpy(text, "server a nts\n");
    for (int i = 0; i < 17; i++)
        strcat(text, "ntstrustedcerts ca.pem\n");
    check_refused(text, "chrony.conf:18:1: found \"ntstrustedcerts\", expected "
                        "at most 16 of these");
}

/* A number of a set chooses who is believed about that source. */
static void test_sources_trust_their_set(void **state)
{
    const struct config *c = check_accepted(
        read_nts("server a nts\n"
                 "pool b iburst certset 4294967295 nts ntsport 14460\n"
                 "server c\n"
                 "ntstrustedcerts ca.pem\n"
                 "ntstrustedcerts 4294967295 /etc/c.pem\n"
                 "ntstrustedcerts 4294967295 /etc/ca.pem\n"));

    (void)state;
    CHECK(c->source[0].nts);
    CHECK_EQ(c->source[0].nts_port, 4460);
    CHECK_EQ(c->source[0].certset, 0);
    CHECK(c->source[1].nts && c->source[1].pool);
    CHECK_EQ(c->source[1].nts_port, 14460);
    CHECK_EQ(c->source[1].certset, 4294967295);
    CHECK(!c->source[2].nts);
    CHECK_EQ(c->nts.trusteds, 3);
    CHECK_EQ(c->nts.trusted[0].id, 0);
    CHECK_TEXT(c->nts.trusted[0].file.name, "etc/ca.pem");
    CHECK_EQ(c->nts.trusted[2].id, 4294967295);

    check_refused("server a nts certset 1\nntstrustedcerts ca.pem\n",
                  "chrony.conf:1:8: found nts without a certificate to trust "
                  "in certset 1, expected `ntstrustedcerts` with a file of the "
                  "boot archive, since there is no system store");
}

static void
test_a_file_that_is_not_there_excuses_its_own_certset_only(void **state)
{
    (void)state;
    read_nts("server a nts\nserver b nts certset 5\nntstrustedcerts none\n");
    CHECK_EQ(builder.report.errors, 2);
    check_error(0, "chrony.conf:2:8: found nts without a certificate to trust "
                   "in certset 5, expected `ntstrustedcerts` with a file of "
                   "the boot archive, since there is no system store");
    check_error(1, "chrony.conf:3:17: found \"none\", expected a file of the "
                   "boot archive");
}

/* A later line may change how it is asked, not whether it is believed. */
static void test_nts_is_not_lost_to_a_later_line(void **state)
{
    const struct config *c = check_accepted(
        read_nts("server a\nserver a nts\nserver a nts minpoll 4\n"
                 "ntstrustedcerts ca.pem\n"));

    (void)state;
    CHECK_EQ(c->source_count, 1);
    CHECK(c->source[0].nts);
    check_refused("server a nts\nserver a iburst\nntstrustedcerts ca.pem\n",
                  "chrony.conf:2:8: found \"a\", expected `nts` here too: it "
                  "was named with it before");
}

static void test_authenticated_sources_are_enough_for_require(void **state)
{
    (void)state;
    accept_nts("server a nts\nntstrustedcerts ca.pem\n"
               "authselectmode require\n");
    check_refused("server a nts noselect\nserver b\nntstrustedcerts ca.pem\n"
                  "authselectmode require\n",
                  "chrony.conf:4:1: found authselectmode require without an "
                  "authenticated source, expected a source with `nts` or "
                  "`key`, or the clock is never set");
}

static const struct config *read_keys(const char *keys)
{
    return read_with("chrony.conf", "ntskeys /etc/keys\n", keys);
}

/* Replicas that are given the same keys never change them. */
static void test_keys_of_cookies_can_be_given(void **state)
{
    const struct config_nts *n =
        &check_accepted(read_keys("# the newest first\n"
                                  "4294967295 " HEX "\r\n"
                                  "\n  0\t" HEX "\n"))
             ->nts;

    (void)state;
    CHECK_EQ(n->given_count, 2);
    CHECK_EQ(n->given[0].id, 4294967295);
    CHECK_EQ(n->given[1].id, 0);
    for (unsigned i = 0; i < 32; i++)
        CHECK_EQ(n->given[0].key[i], i);
    CHECK_EQ(n->rotate_s, 0);
    CHECK_EQ(builder.report.notes, 2); /* about access and sources */
    CHECK_EQ(accept_nts("ntsrotate 60\nntskeys keys\n")->rotate_s, 0);
    check_note("chrony.conf:1:1: \"ntsrotate\": keys that `ntskeys` gives");
}

/* A line with a slip in it may be the key, all of it. */
static void test_wrong_keys_show_no_secret(void **state)
{
    static const char *const lines[] = {
        HEX,           "x " HEX,         "-1 " HEX, "4294967296 " HEX,
        "1 " HEX "00", "1 " HEX "0",     "1 00",    "1",
        "1 HEX:" HEX,  "1 " HEX " " HEX, "5 " HEX,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[300], line[REPORT_LINE_MAX];

        snprintf(text, sizeof(text), "5 " HEX "\n%s\n", lines[i]);
        CHECK(read_keys(text)->refused);
        CHECK_EQ(builder.report.errors, 1);
        CHECK(report_error_line(&builder.report, 0, line));
        CHECK(strstr(line, "0102") == NULL);
        CHECK_EQ(builder.report.error[0].at.line, 2);
    }
    CHECK(read_keys("")->refused);
    check_error(0, "chrony.conf:1:9: found \"/etc/keys\", expected a file "
                   "with a key in it");
    CHECK(read_keys("1 " HEX "\n2 " HEX "\n3 " HEX "\n4 " HEX "\n")->refused);
    check_error(0, "etc/keys:4:1: found another line, expected at most 3 "
                   "keys, the newest first");
}

static void test_networks_can_be_required_to_authenticate(void **state)
{
    const struct config_nts *n =
        accept_nts("ntsrequire 10.0.0.0/8\nntsrequire 2001:db8::/32\n");

    (void)state;
    CHECK(n->require_any);
    CHECK(is_required(n, "10.1.2.3"));
    CHECK(is_required(n, "2001:db8::1"));
    CHECK(!is_required(n, "192.0.2.1"));

    n = accept_nts("ntsrequire\n");
    CHECK(is_required(n, "192.0.2.1"));
    CHECK(is_required(n, "2001:db8::1"));

    accept_nts("ntsport 0\nntskeys keys\nntsrequire\n");
    check_refused("ntsport 0\nntsrequire\n",
                  "chrony.conf:2:1: found ntsrequire where nobody can get a "
                  "cookie, expected `ntskeys`, or NTS-KE being served");
}

static void test_ntp_conf_is_translated(void **state)
{
    const struct config *c = check_accepted(
        read_with("ntp.conf",
                  "nts enable cert /etc/c.pem key /etc/k.pem\n"
                  "nts ca /etc/ca.pem mintls TLS1.3 cookie /var/lib/x\n"
                  "server a nts\n"
                  "server b nts ca /etc/c.pem\n"
                  "restrict default nomodify\n"
                  "restrict 10.0.0.0 mask 255.0.0.0 notrust\n"
                  "restrict 10.1.0.0 mask 255.255.0.0\n",
                  ""));

    (void)state;
    CHECK(c->nts.server);
    CHECK_EQ(c->nts.certs, 1);
    CHECK_TEXT(c->nts.cert[0].name, "etc/c.pem");
    CHECK_TEXT(c->nts.key[0].name, "etc/k.pem");
    CHECK_EQ(c->nts.trusteds, 2);
    CHECK(c->source[0].nts && c->source[1].nts);
    CHECK_EQ(c->source[0].certset, c->nts.trusted[0].id);
    CHECK_EQ(c->source[1].certset, c->nts.trusted[1].id);
    CHECK(c->source[0].certset != c->source[1].certset);
    check_note("ntp.conf:2:20: \"mintls\": TLS 1.3");
    check_note("ntp.conf:1:17: \"/etc/c.pem\": translated to `ntsservercert`");

    CHECK(may_ask(c, "10.2.0.1"));
    CHECK(c->nts.require_any);
    CHECK(is_required(&c->nts, "10.2.0.1"));
    CHECK(!is_required(&c->nts, "10.1.0.1"));
    CHECK(!is_required(&c->nts, "11.0.0.1"));

    CHECK(!check_accepted(read_with("ntp.conf", "nts disable\n", ""))
               ->nts.server);
}

/* Without `nts` what belongs to it is said to have no meaning. */
static void test_options_of_nts_alone_are_noted(void **state)
{
    (void)state;
    check_accepted(
        read_with("ntp.conf", "server a ca x\ndisable kernel\n", ""));
    check_note("ntp.conf:1:10: \"ca\": without `nts`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_chrony),
        cmocka_unit_test(test_directives_reach_their_fields),
        cmocka_unit_test(test_it_is_served_where_time_is),
        cmocka_unit_test(test_certificates_and_keys_are_pairs),
        cmocka_unit_test(test_unusable_files_are_named),
        cmocka_unit_test(test_files_that_nothing_needs_are_noted),
        cmocka_unit_test(test_files_are_bounded),
        cmocka_unit_test(test_sources_trust_their_set),
        cmocka_unit_test(test_nts_is_not_lost_to_a_later_line),
        cmocka_unit_test(
            test_a_file_that_is_not_there_excuses_its_own_certset_only),
        cmocka_unit_test(test_authenticated_sources_are_enough_for_require),
        cmocka_unit_test(test_keys_of_cookies_can_be_given),
        cmocka_unit_test(test_wrong_keys_show_no_secret),
        cmocka_unit_test(test_networks_can_be_required_to_authenticate),
        cmocka_unit_test(test_ntp_conf_is_translated),
        cmocka_unit_test(test_options_of_nts_alone_are_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
