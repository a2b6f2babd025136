/* SPDX-License-Identifier: BSD-2-Clause */
/* Layers, what is left of a refused configuration, checks of the whole. */
#include "tests/config_read.h"

static int start(void **state)
{
    (void)state;
    archive.len = 0;
    config_init(&builder);
    return 0;
}

static void add_text(const char *name, const char *text)
{
    config_add_text(&builder, name, text, strlen(text));
}

/* With no configuration at all it does the useful thing. */
static void test_nothing_said_is_useful(void **state)
{
    const struct config *c = check_accepted(config_finish(&builder));

    (void)state;
    CHECK(c->dhcp_sources);
    CHECK(c->client.local.enabled);
    CHECK_EQ(c->client.local.stratum, 10);
    CHECK_EQ(c->client.local.waitunsynced_ns, 10000000000);
    CHECK_EQ(c->port, 123);
    CHECK_EQ(c->source_count, 0);
    CHECK_EQ(c->address_count, 0);
    CHECK(c->client_log);
    CHECK_EQ(c->client_log_bytes, 524288);
    CHECK(!c->ratelimit.enabled);
    CHECK_EQ(c->logstats_s, 0);
    check_note("configuration: no source is given");
    check_note("configuration: neither `allow` nor `deny` is given");
}

/* A source of one's own removes the built-in ones, and the own clock. */
static void test_a_source_removes_the_built_in_ones(void **state)
{
    (void)state;
    const struct config *c = accept("server 192.0.2.1\n");

    CHECK(!c->dhcp_sources);
    CHECK(!c->client.local.enabled);

    c = accept("server 192.0.2.1\nlocal stratum 7\n");
    CHECK(c->client.local.enabled);
    CHECK_EQ(c->client.local.stratum, 7);

    c = accept("pool a.example\nsourcedir /run/chrony-dhcp\n");
    CHECK(c->dhcp_sources);
    CHECK(!c->client.local.enabled);

    c = accept("sourcedir /run/chrony-dhcp/\n");
    CHECK(c->dhcp_sources);
    CHECK(!c->client.local.enabled);

    c = accept("allow\n");
    CHECK(c->dhcp_sources);
    CHECK(c->client.local.enabled);
}

/* Lists grow from layer to layer, single values are those of the last. */
static void test_layers_add_and_override(void **state)
{
    (void)state;
    make_file(&archive, "gnomon.conf",
              "server a.example\nallow 10\nmakestep 1 3\nport 1123\n"
              "address 10.0.0.1/24\ngateway 10.0.0.254\nlocal stratum 3\n");
    add_archive();
    add_text("opt/gnomon/conf", "server b.example\ndeny 10.1\nport 2123\n");
    config_add_command_line(&builder,
                            "server c.example; makestep 0.5 -1; "
                            "address 10.0.0.2/24; gateway 10.0.0.253; "
                            "gateway fe80::1; local stratum 4");

    const struct config *c = check_accepted(config_finish(&builder));

    CHECK_EQ(c->source_count, 3);
    CHECK_TEXT(c->source[0].name, "a.example");
    CHECK_TEXT(c->source[2].name, "c.example");
    CHECK(may_ask(c, "10.2.0.1"));
    CHECK(!may_ask(c, "10.1.0.1"));
    CHECK_EQ(c->client.makestep_ns, 500000000);
    CHECK_EQ(c->client.makestep_count, -1);
    CHECK_EQ(c->port, 2123);
    CHECK_EQ(c->address_count, 2);
    CHECK_EQ(c->gateway_count, 2);
    CHECK_EQ(c->gateway[0].byte[15], 253);
    CHECK_EQ(c->client.local.stratum, 4);
}

/* Three errors are three messages, each with its place. */
static void test_all_errors_are_said(void **state)
{
    (void)state;
    const struct config *c = read_chrony("# three slips\n"
                                         "server 192.0.2.1 iburst\n"
                                         "alow 10.0.0.0/8\n"
                                         "makestep 1.0\n"
                                         "  local  stratum 16\n");

    CHECK(c->refused);
    CHECK_EQ(builder.report.errors, 3);
    check_error(0, "chrony.conf:3:1: found \"alow\", expected a directive; is "
                   "it `allow`?");
    check_error(1, "chrony.conf:4:13: found the end of the line behind "
                   "`makestep`, expected a whole number from -2147483648 "
                   "to 2147483647");
    check_error(2, "chrony.conf:5:18: found \"16\", expected a whole number "
                   "from 1 to 15");
}

/* Of a refused configuration only the way to reach the appliance is left. */
static void test_a_refused_configuration_keeps_the_network(void **state)
{
    (void)state;
    const struct config *c = read_chrony("address 10.0.2.15/24\n"
                                         "gateway 10.0.2.2\n"
                                         "nameserver 10.0.2.3\n"
                                         "hostname gnomon\n"
                                         "address 10.0.2.16\n"
                                         "server 192.0.2.1\n"
                                         "allow\n"
                                         "port 0\n"
                                         "local\n"
                                         "sourcedir /run/chrony-dhcp\n"
                                         "ratelimit\n");

    CHECK(c->refused);
    CHECK_EQ(builder.report.errors, 1);
    CHECK_EQ(c->address_count, 1);
    CHECK_EQ(c->address[0].bits, 120);
    CHECK_EQ(c->gateway_count, 1);
    CHECK_EQ(c->nameserver_count, 1);
    CHECK_TEXT(c->hostname, "gnomon");
    CHECK_EQ(c->source_count, 0);
    CHECK(!c->dhcp_sources);
    CHECK(!c->client.local.enabled);
    CHECK_EQ(c->port, 123);
    CHECK(!c->ratelimit.enabled);
    CHECK(!may_ask(c, "8.8.8.8"));
    CHECK(may_ask(c, "10.0.2.2"));
}

/* Without allow and deny, only private and link-local networks may ask. */
static void test_private_networks_may_ask_by_default(void **state)
{
    static const char *const in[] = {
        "10.0.0.1",     "10.255.255.255",  "172.16.0.1", "172.31.255.255",
        "192.168.0.1",  "192.168.255.255", "100.64.0.1", "100.127.255.255",
        "169.254.0.1",  "fc00::1",         "fdff::1",    "fe80::1",
        "febf:ffff::1",
    };
    static const char *const out[] = {
        "8.8.8.8",     "9.255.255.255", "11.0.0.0",    "172.15.255.255",
        "172.32.0.0",  "192.167.1.1",   "192.169.0.0", "100.63.255.255",
        "100.128.0.0", "169.253.0.1",   "2001:db8::1", "fec0::1",
        "fbff::1",     "::1",
    };
    const struct config *c = accept("server 192.0.2.1\n");

    (void)state;
    for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
        CHECK(may_ask(c, in[i]));
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
        CHECK(!may_ask(c, out[i]));
}

/* More sources to agree than there are would mean: never. */
static void test_minsources_needs_sources(void **state)
{
    (void)state;
    CHECK(read_chrony("minsources 3\nserver 192.0.2.1\n")->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "chrony.conf:1:1: found minsources 3 but 1 source, expected "
                   "at least that many sources, or the clock is never set");
    CHECK(read_chrony("minsources 2\nserver a.example\n"
                      "server b.example noselect\n")
              ->refused);
    accept("minsources 5\nserver 192.0.2.1\npool a.example\n");
    CHECK(read_chrony("minsources 6\nserver 192.0.2.1\npool a.example\n")
              ->refused);
    accept("minsources 3\nserver 192.0.2.1\nsourcedir /run/chrony-dhcp\n");
    accept("minsources 1\nallow\n");

    /* A source with a slip in it may have been the third. */
    read_chrony("minsources 2\nserver a.example\nserver b.example ibust\n");
    CHECK_EQ(builder.report.errors, 1);
}

/* To require what is not there would mean: never. */
static void test_require_needs_an_authenticated_source(void **state)
{
    (void)state;
    CHECK(read_chrony("server 192.0.2.1\nauthselectmode require\n")->refused);
    check_error(0, "chrony.conf:2:1: found authselectmode require without an "
                   "authenticated source, expected a source with `nts` or "
                   "`key`, or the clock is never set");
    CHECK(read_chrony("authselectmode require\nallow\n")->refused);
    accept("server 192.0.2.1\nauthselectmode prefer\n");

    make_file(&archive, "chrony.conf",
              "server 192.0.2.1 key 1\nkeyfile keys\n"
              "authselectmode require\n");
    make_file(&archive, "keys", "1 SHA1 secret\n");
    check_accepted(read_archive());
}

/* An address to bind to is no loss if there is no other. */
static void test_bindaddress_must_be_the_only_one(void **state)
{
    (void)state;
    accept("bindaddress 0.0.0.0\nbindaddress ::\nallow\n");
    accept("bindaddress 10.0.0.1\naddress 10.0.0.1/24\naddress fe80::5/64\n");
    CHECK(read_chrony("address 10.0.0.1/24\nbindaddress 10.0.0.2\n")->refused);
    CHECK(read_chrony("bindaddress 10.0.0.1\naddress 10.0.0.1/24\n"
                      "address 10.0.0.2/24\n")
              ->refused);
    CHECK(read_chrony("bindaddress 127.0.0.1\n")->refused);
    check_error(0, "chrony.conf:1:13: found \"127.0.0.1\", expected the only "
                   "`address` of its family: this release answers on every "
                   "address it has");
}

/* Every bound is an error that names it. */
static void test_bounds_are_named(void **state)
{
    static char text[CONFIG_FILE_MAX + 1];

    (void)state;
    memset(text, '\n', sizeof(text));
    config_add_text(&builder, "big", text, CONFIG_FILE_MAX + 1);
    check_error(0, "big: found a larger file, expected at most 262144 bytes");

    config_init(&builder);
    config_add_text(&builder, "long", text, CONFIG_LINES_MAX + 1);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "long:4097:1: found more lines, expected at most 4096 in "
                   "all files together");

    config_init(&builder);
    config_add_text(&builder, "just", text, CONFIG_LINES_MAX);
    CHECK_EQ(builder.report.errors, 0);

    memset(text, 'a', sizeof(text));
    config_init(&builder);
    config_add_text(&builder, "wide", text, CONFIG_LINE_MAX + 1);
    check_error(0, "wide:1:1: found a longer line, expected at most 2047 "
                   "bytes");

    memset(text, '#', sizeof(text));
    config_init(&builder);
    config_add_text(&builder, "just", text, CONFIG_LINE_MAX);
    CHECK_EQ(builder.report.errors, 0);
}

/* The lines of a list that is one too long, the last of them refused. */
static void check_list(unsigned most, const char *format, const char *expected)
{
    static char text[32 * 1024];
    struct text t = text_in(text, sizeof(text));
    char line[100];

    for (unsigned i = 0; i <= most; i++) {
        snprintf(line, sizeof(line), format, i / 200 + 1, i % 200 + 1);
        text_add(&t, line);
    }
    CHECK(read_chrony(text)->refused);
    CHECK_EQ(builder.report.errors, 1);
    CHECK_EQ(builder.report.error[0].at.line, most + 1);
    CHECK_TEXT(builder.report.error[0].text, expected);
}

static void test_lists_are_bounded(void **state)
{
    (void)state;
    check_list(32, "server 192.0.%u.%u\n",
               "at most 32 sources, counting maxsources of each pool");
    check_list(8, "pool p%u.%u.example\n",
               "at most 32 sources, counting maxsources of each pool");
    check_list(256, "allow 10.0.%u.%u\n", "at most 256 in `allow` and `deny`");
    check_list(8, "address 10.0.%u.%u/8\n", "at most 8 lines with `address`");
    check_list(4, "nameserver 10.0.%u.%u\n",
               "at most 4 lines with `nameserver`");
    check_list(8, "bindaddress 0.0.0.0\n",
               "at most 8 lines with "
               "`bindaddress`");
}

/* More errors than are shown are counted. */
static void test_more_errors_are_counted(void **state)
{
    static char text[4 * 200];
    char line[REPORT_LINE_MAX];

    (void)state;
    for (size_t i = 0; i < 200; i++)
        memcpy(text + 4 * i, "xyz\n", 4);
    config_add_text(&builder, "bad", text, sizeof(text));
    CHECK(config_finish(&builder)->refused);
    CHECK_EQ(builder.report.errors, 200);
    CHECK(report_error_line(&builder.report, REPORT_ERRORS_MAX - 1, line));
    CHECK(!report_error_line(&builder.report, REPORT_ERRORS_MAX, line));
}

/* Zeros are no text; CR LF, a byte order mark and UTF-8 in comments are. */
static void test_unusual_bytes(void **state)
{
    static const char zero[] = "allow\0\ndeny 10.0.0.0/8\n";

    (void)state;
    config_add_text(&builder, "zero", zero, sizeof(zero) - 1);
    CHECK(config_finish(&builder)->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "zero:1:6: found \"\\x00\", expected text, which has no "
                   "bytes of zero");

    accept("\xef\xbb\xbf# \xc3\xa9t\xc3\xa9\r\nallow 10\r\n\r\n"
           "server 192.0.2.1 iburst\r\n");
    CHECK(read_chrony("serv\xc3\xa9r 192.0.2.1\n")->refused);
    check_error(0, "chrony.conf:1:1: found \"serv\\xc3\\xa9r\", expected a "
                   "directive; is it `server`?");
}

/* One language a file, said once, at the first line of the other. */
static void test_languages_do_not_mix(void **state)
{
    (void)state;
    CHECK(read_chrony("server a.example\nmakestep 1 3\n"
                      "restrict default ignore\nfudge 127.127.1.0\n")
              ->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "chrony.conf:3:1: found \"restrict\", expected a directive "
                   "of chrony.conf, whose language line 2 speaks: one "
                   "language a file");
    CHECK(read_chrony("restrict default nomodify\nallow\n")->refused);
    CHECK_EQ(builder.report.errors, 1);
    check_error(0, "chrony.conf:2:1: found \"allow\", expected a directive of "
                   "ntp.conf, whose language line 1 speaks: one language a "
                   "file");

    /* But each layer may have its own. */
    config_init(&builder);
    add_text("one", "restrict default nomodify\nserver a.example\n");
    add_text("two", "makestep 1 3\n");
    check_accepted(config_finish(&builder));
}

/* A slip is answered with what it may have been. */
static void test_slips_are_recognised(void **state)
{
    (void)state;
    read_chrony("Servr a.example\n");
    check_error(0, "chrony.conf:1:1: found \"Servr\", expected a directive; "
                   "is it `server`?");
    read_chrony("addres 10.0.0.1/24\n");
    check_error(0, "chrony.conf:1:1: found \"addres\", expected a directive; "
                   "is it `address`?");
    read_chrony("frobnicate\n");
    check_error(0, "chrony.conf:1:1: found \"frobnicate\", expected a "
                   "directive");
    CHECK_EQ(builder.report.notes, 0);
    read_chrony("deny=10.0.0.0/8\n");
    check_error(0, "chrony.conf:1:1: found \"deny=10.0.0.0/8\", expected a "
                   "directive and a space in place of `=`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_said_is_useful, start),
        cmocka_unit_test_setup(test_a_source_removes_the_built_in_ones, start),
        cmocka_unit_test_setup(test_layers_add_and_override, start),
        cmocka_unit_test_setup(test_all_errors_are_said, start),
        cmocka_unit_test_setup(test_a_refused_configuration_keeps_the_network,
                               start),
        cmocka_unit_test_setup(test_private_networks_may_ask_by_default, start),
        cmocka_unit_test_setup(test_minsources_needs_sources, start),
        cmocka_unit_test_setup(test_require_needs_an_authenticated_source,
                               start),
        cmocka_unit_test_setup(test_bindaddress_must_be_the_only_one, start),
        cmocka_unit_test_setup(test_bounds_are_named, start),
        cmocka_unit_test_setup(test_lists_are_bounded, start),
        cmocka_unit_test_setup(test_more_errors_are_counted, start),
        cmocka_unit_test_setup(test_unusual_bytes, start),
        cmocka_unit_test_setup(test_languages_do_not_mix, start),
        cmocka_unit_test_setup(test_slips_are_recognised, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
