/* SPDX-License-Identifier: BSD-2-Clause */
/* What distributions ship and guides advise, in tests/configs. */
#include "tests/config_read.h"

static const struct config *read_sample(const char *name)
{
    static char text[4096];
    char path[100];

    snprintf(path, sizeof(path), "tests/configs/%s", name);

    FILE *f = fopen(path, "r");

    CHECK(f != NULL);
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    return read_as(name, text);
}

/* Each line has one note at most. */
static void check_one_note_a_line(void)
{
    const struct report *r = &builder.report;

    for (unsigned i = 1; i < r->notes; i++)
        if (r->note[i].at.line > 0 &&
            r->note[i].at.line == r->note[i - 1].at.line) {
            print_report();
            fail_msg("two notes for line %u", r->note[i].at.line);
        }
}

/* Files that are shipped boot as they are: what is ignored has one note. */
static void test_shipped_files_are_accepted(void **state)
{
    static const struct {
        const char *name;
        unsigned sources;
        bool dhcp;
        unsigned notes;
    } table[] = {
        {"debian12.chrony.conf", 1, true, 9},
        {"ubuntu2404.chrony.conf", 4, true, 9},
        {"rhel9.chrony.conf", 1, true, 7},
        {"rhel7.chrony.conf", 4, false, 4},
        {"amazon2.chrony.conf", 2, false, 7},
        {"amazon2023.chrony.conf", 2, false, 10},
        {"debian.ntp.conf", 4, false, 11},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct config *c = check_accepted(read_sample(table[i].name));

        print_message("# %s\n", table[i].name);
        CHECK_EQ(c->source_count, table[i].sources);
        CHECK_EQ(c->dhcp_sources, table[i].dhcp);
        CHECK_EQ(builder.report.notes, table[i].notes);
        CHECK(!c->client.local.enabled);
        check_one_note_a_line();
    }
}

static void test_amazon_prefers_its_own_service(void **state)
{
    const struct config *c = read_sample("amazon2023.chrony.conf");

    (void)state;
    CHECK_TEXT(c->source[0].name, "169.254.169.123");
    CHECK(c->source[0].ntp.prefer && c->source[0].ntp.iburst);
    CHECK_EQ(c->source[0].ntp.minpoll, 4);
    CHECK_EQ(c->source[0].ntp.maxpoll, 4);
    CHECK_EQ(c->client.makestep_ns, 1000000000);
    CHECK_EQ(c->client.makestep_count, 3);
}

static void test_a_lab_server_serves_its_lab(void **state)
{
    const struct config *c =
        check_accepted(read_sample("lab_server.chrony.conf"));

    (void)state;
    CHECK_EQ(c->client.local.stratum, 10);
    CHECK(may_ask(c, "10.12.0.1"));
    CHECK(!may_ask(c, "10.13.0.1"));
    CHECK(c->ratelimit.enabled);
    CHECK(!c->client_log);
    CHECK_EQ(c->client_log_bytes, 1048576);
}

/* Sources that would be missing or not authenticated are no detail. */
static void test_missing_security_is_refused(void **state)
{
    (void)state;
    CHECK(read_sample("amazon_phc.chrony.conf")->refused);
    CHECK_EQ(builder.report.errors, 1);
    CHECK_EQ(builder.report.error[0].at.line, 4);
    CHECK(read_sample("nts_client.chrony.conf")->refused);
    CHECK_EQ(builder.report.errors, 2);
    CHECK_EQ(builder.report.error[0].at.line, 3);
    CHECK_EQ(builder.report.error[1].at.line, 4);
}

static void test_ntp_conf_serves_as_ntpd_would(void **state)
{
    const struct config *c = check_accepted(read_sample("ntpsec.ntp.conf"));

    (void)state;
    CHECK_EQ(c->source_count, 5);
    CHECK_EQ(c->client.minsources, 3);
    CHECK(may_ask(c, "8.8.8.8"));
    CHECK(c->ratelimit.enabled);

    c = check_accepted(read_sample("offline.ntp.conf"));
    CHECK_EQ(c->source_count, 0);
    CHECK(!c->dhcp_sources);
    CHECK(c->client.local.enabled);
    CHECK_EQ(c->client.local.stratum, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_files_are_accepted),
        cmocka_unit_test(test_amazon_prefers_its_own_service),
        cmocka_unit_test(test_a_lab_server_serves_its_lab),
        cmocka_unit_test(test_missing_security_is_refused),
        cmocka_unit_test(test_ntp_conf_serves_as_ntpd_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
