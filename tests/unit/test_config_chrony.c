/* SPDX-License-Identifier: BSD-2-Clause */
/* The other directives of chrony.conf, and our own. */
#include "tests/config_read.h"

#define S 1000000000LL

static void test_numbers_reach_their_fields(void **state)
{
    const struct config *c = accept("maxdistance 1.5\n"
                                    "maxjitter 0.1\n"
                                    "reselectdist 1e-5\n"
                                    "stratumweight 0\n"
                                    "combinelimit 2.5\n"
                                    "maxslewrate 500\n"
                                    "maxclockerror 0.5\n"
                                    "maxdrift 100\n"
                                    "maxupdateskew 5\n"
                                    "minsources 2\n"
                                    "maxstratum 7\n"
                                    "makestep 0.1 3\n"
                                    "maxchange 1000 1 -1\n"
                                    "port 1123\n"
                                    "dscp 46\n"
                                    "logstats 60\n"
                                    "pool p.example\n");

    (void)state;
    CHECK_EQ(c->client.maxdistance_ns, 3 * S / 2);
    CHECK_EQ(c->client.maxjitter_ns, S / 10);
    CHECK_EQ(c->client.reselectdist_ns, 10000);
    CHECK_EQ(c->client.stratumweight_ns, 0);
    CHECK_EQ(c->client.combinelimit_permille, 2500);
    CHECK_EQ(c->client.maxslewrate_ppb, 500000);
    CHECK_EQ(c->client.maxclockerror_ppb, 500);
    CHECK_EQ(c->client.maxdrift_ppb, 100000);
    CHECK_EQ(c->client.maxupdateskew_ppb, 5000);
    CHECK_EQ(c->client.minsources, 2);
    CHECK_EQ(c->client.maxstratum, 7);
    CHECK_EQ(c->client.makestep_ns, S / 10);
    CHECK_EQ(c->client.makestep_count, 3);
    CHECK_EQ(c->client.maxchange_ns, 1000 * S);
    CHECK_EQ(c->client.maxchange_start, 1);
    CHECK_EQ(c->client.maxchange_ignore, -1);
    CHECK_EQ(c->port, 1123);
    CHECK_EQ(c->dscp, 46);
    CHECK_EQ(c->logstats_s, 60);
}

static void test_the_last_of_several_counts(void **state)
{
    const struct config *c = accept("port 1\nport 0\nmakestep 1 1\n"
                                    "makestep 2 -1\n");

    (void)state;
    CHECK_EQ(c->port, 0);
    CHECK_EQ(c->client.makestep_ns, 2 * S);
    CHECK_EQ(c->client.makestep_count, -1);
}

/* Each of these lines alone is an error. */
static void test_wrong_arguments_are_refused(void **state)
{
    static const char *const lines[] = {
        "maxdistance",
        "maxdistance -1",
        "maxdistance 1s",
        "maxdistance 1 2",
        "maxdistance inf",
        "maxdistance 0x1",
        "makestep",
        "makestep 1",
        "makestep 1 2 3",
        "makestep -1 3",
        "makestep 1 1.5",
        "maxchange 1 2",
        "maxchange 0 1 1",
        "maxchange 1 -1 1",
        "minsources 0",
        "minsources 256",
        "maxstratum 0",
        "maxstratum 16",
        "minstratum 16",
        "port -1",
        "port 65536",
        "port",
        "dscp 64",
        "local stratum 0",
        "local stratum 16",
        "local 10",
        "local stratum",
        "local distance -1",
        "ratelimit interval -20",
        "ratelimit interval 13",
        "ratelimit burst 0",
        "ratelimit burst 256",
        "ratelimit leak 0",
        "ratelimit leak 5",
        "ratelimit kod 5",
        "ratelimit kod -1",
        "ratelimit 5",
        "ntsratelimit leak 9",
        "clientloglimit -1",
        "clientloglimit 4294967296",
        "noclientlog 1",
        "authselectmode",
        "authselectmode yes",
        "authselectmode mix mix",
        "leapsecmode smear",
        "smoothtime",
        "smoothtime 400",
        "smoothtime 0 1",
        "smoothtime 400 0",
        "smoothtime 400 0.01 now",
        "smoothtime 400 0.01 leaponly leaponly",
        "leapseclist",
        "keyfile",
        "keyfile a b",
        "bindaddress eth0",
        "bindaddress",
        "refclock",
        "refclock SHM 0",
        "refclock PHC /dev/ptp0",
        "ntpsigndsocket /run/samba",
        "ntsratelimit kod 1",
        "ntsrequire 10.0.0.0/33",
        "ntsrequire\nntsport 0",
        "ntsport",
        "ntsport 65536",
        "ntsservercert",
        "ntsservercert a b",
        "ntsservercert nowhere",
        "ntsserverkey nowhere",
        "ntsrotate -1",
        "ntsrefresh 0",
        "ntsaeads",
        "ntsaeads x",
        "ntsaeads 17",
        "ntsntpserver",
        "ntsntpserver a_b!",
        "ntskeys",
        "ntskeys nowhere",
        "ntstrustedcerts",
        "ntstrustedcerts x f",
        "ntstrustedcerts -1 f",
        "ntstrustedcerts 1 f g",
        "nosystemcert 1",
        "nocerttimecheck",
        "nocerttimecheck x",
        "maxntsconnections 0",
        "maxntsconnections 65536",
        "state",
        "state a b",
        "state "
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234",
        "address",
        "address 10.0.0.1",
        "address 10.0.0/24",
        "address 224.0.0.1/24",
        "address 127.0.0.1/8",
        "address 10.0.0.1/24 x",
        "gateway",
        "gateway 10.0.0.0/8",
        "gateway ::",
        "gateway ff02::1",
        "nameserver ns.example",
        "hostname",
        "hostname -a",
        "hostname a b",
        "hostname aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
        ".abc",
        "logstats -1",
        "logstats 1.5",
        "include",
        "include nowhere.conf",
        "confdir",
        "sourcedir",
        "logstats 60 # each minute",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        bool refused = read_chrony(lines[i])->refused;

        if (!refused || builder.report.errors != 1) {
            print_report();
            fail_msg("%s: %u errors", lines[i], builder.report.errors);
        }
        CHECK_EQ(builder.report.error[0].at.line, 1);
    }
}

/* Each of these alone is accepted with one note: it is not followed. */
static void test_what_is_not_followed_is_noted(void **state)
{
    static const char *const lines[] = {
        "acquisitionport 1123",
        "bindacqaddress 10.0.0.1",
        "bindacqdevice eth0",
        "bindcmdaddress /run/chrony.sock",
        "bindcmddevice eth0",
        "binddevice eth0",
        "broadcast 60 10.0.0.255",
        "clockprecision 10e-9",
        "cmdallow 10",
        "cmddeny",
        "cmdport 0",
        "cmdratelimit interval 3",
        "commandkey 1",
        "confdir /etc/nowhere",
        "driftfile /var/lib/chrony/drift",
        "dumpdir /var/lib/chrony",
        "dumponexit",
        "fallbackdrift 16 19",
        "generatecommandkey",
        "hwclockfile /etc/adjtime",
        "hwtimestamp *",
        "hwtstimeout 0.1",
        "initstepslew 30",
        "keyfile nowhere",
        "leapseclist nowhere",
        "leapsecmode system",
        "leapsectz right/UTC",
        "linux_freq_scale 1",
        "linux_hz 100",
        "local stratum 9",
        "lock_all",
        "log tracking",
        "logbanner 32",
        "logchange 0.5",
        "logdir /var/log/chrony",
        "mailonchange root 0.5",
        "manual",
        "maxtxbuffers 1",
        "minsamples 10",
        "nocerttimecheck 1",
        "nocerttimecheck -1",
        "ntsaeads 16 15",
        "ntscachedir /var",
        "ntsdumpdir /var",
        "ntsprocesses 1",
        "ntstrustedcerts /a",
        "opencommands sources",
        "pidfile /run/chronyd.pid",
        "ptpdomain 1",
        "ptpport 319",
        "refclock PHC /dev/ptp0 noselect",
        "rtcautotrim 1",
        "rtcdevice /dev/rtc",
        "rtcfile /var/rtc",
        "rtconutc",
        "rtcsync",
        "sched_priority 1",
        "sourcedir /etc/nowhere",
        "tempcomp /a 30 26 0 0 0",
        "user _chrony",
        "http 80",
        "syslog 10.0.0.1",
        "watch 5",
        "clientloglimit 100000000",
        "clientloglimit 1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[200];

        snprintf(text, sizeof(text), "server a\nallow\n%s\n", lines[i]);
        if (read_chrony(text)->refused || builder.report.notes != 1) {
            print_report();
            fail_msg("%s: %u notes", lines[i], builder.report.notes);
        }
        CHECK_EQ(builder.report.note[0].at.line, 3);
    }
}

static void test_local_has_its_options(void **state)
{
    const struct config *c = accept("local\n");

    (void)state;
    CHECK(c->client.local.enabled);
    CHECK_EQ(c->client.local.stratum, 10);
    CHECK_EQ(c->client.local.distance_ns, S);
    CHECK_EQ(c->client.local.activate_ns, 0);
    CHECK_EQ(c->client.local.waitunsynced_ns, 0);

    c = accept("local stratum 3 distance 0.5 activate 2 waitunsynced 30 "
               "waitsynced 5\n");
    CHECK_EQ(c->client.local.stratum, 3);
    CHECK_EQ(c->client.local.distance_ns, S / 2);
    CHECK_EQ(c->client.local.activate_ns, 2 * S);
    CHECK_EQ(c->client.local.waitunsynced_ns, 30 * S);

    c = accept("local orphan\n");
    CHECK_EQ(c->client.local.waitunsynced_ns, 300 * S);
    CHECK(c->client.local.orphan);
    CHECK_EQ(accept("local waitsynced 7.5\n")->client.local.waitsynced_ns,
             7500000000);
    CHECK(!accept("local\n")->client.local.orphan);
}

static void test_corrtimeratio_is_taken(void **state)
{
    (void)state;
    CHECK_EQ(accept("")->client.corrtimeratio_permille, 3000);
    CHECK_EQ(accept("corrtimeratio 4.5\n")->client.corrtimeratio_permille,
             4500);
    CHECK(read_chrony("corrtimeratio 0\n")->refused);
}

/* The first set is free: what is left is a threshold and whom to ask first. */
static void test_initstepslew_is_translated(void **state)
{
    const struct config *c =
        accept("initstepslew 30 A b c\nserver a\nserver c burst\nserver d\n");

    (void)state;
    CHECK_EQ(c->client.makestep_ns, 30 * S);
    CHECK_EQ(c->client.makestep_count, 1);
    CHECK(c->source[0].ntp.iburst && c->source[1].ntp.iburst);
    CHECK(!c->source[2].ntp.iburst);
    check_note("chrony.conf:1:1: \"initstepslew 30 A b c\": translated to");
    check_note("chrony.conf:1:19: \"b\": not asked: no `server`");

    /* What was said about steps holds. */
    c = accept("initstepslew 30\nmakestep 1 3\n");
    CHECK_EQ(c->client.makestep_ns, 1 * S);
    CHECK_EQ(c->client.makestep_count, 3);
    CHECK(read_chrony("initstepslew\n")->refused);
    CHECK(read_chrony("initstepslew 1 a b c d e f g h i\n")->refused);
}

static void test_ratelimit_has_its_options(void **state)
{
    const struct config *c = accept("ratelimit\n");

    (void)state;
    CHECK(c->ratelimit.enabled);
    CHECK_EQ(c->ratelimit.interval, 3);
    CHECK_EQ(c->ratelimit.burst, 8);
    CHECK_EQ(c->ratelimit.leak, 2);
    CHECK_EQ(c->ratelimit.kod, 0);

    c = accept("ratelimit interval -19 burst 255 leak 4 kod 4\n");
    CHECK_EQ(c->ratelimit.interval, -19);
    CHECK_EQ(c->ratelimit.burst, 255);
    CHECK_EQ(c->ratelimit.leak, 4);
    CHECK_EQ(c->ratelimit.kod, 4);
}

static void test_the_client_table_fits_the_machine(void **state)
{
    (void)state;
    CHECK(!accept("noclientlog\n")->client_log);
    CHECK_EQ(accept("clientloglimit 1000000\n")->client_log_bytes, 1000000);
    CHECK_EQ(accept("clientloglimit 4000000000\n")->client_log_bytes,
             CONFIG_CLIENT_LOG_MAX);
    CHECK_EQ(accept("clientloglimit 0\n")->client_log_bytes,
             CONFIG_CLIENT_LOG_MIN);
}

static void test_modes_are_words(void **state)
{
    (void)state;
    CHECK_EQ(accept("authselectmode mix\n")->client.authselectmode,
             AUTHSELECT_MIX);
    CHECK_EQ(accept("authselectmode PREFER\n")->client.authselectmode,
             AUTHSELECT_PREFER);
    CHECK_EQ(accept("authselectmode ignore\n")->client.authselectmode,
             AUTHSELECT_IGNORE);
    CHECK_EQ(accept("leapsecmode slew\n")->client.leapsecmode, LEAPSEC_SLEW);
    CHECK_EQ(accept("leapsecmode ignore\n")->client.leapsecmode,
             LEAPSEC_IGNORE);
    CHECK_EQ(accept("leapsecmode step\n")->client.leapsecmode, LEAPSEC_STEP);
}

static void test_smoothtime_is_in_ppm_and_ppm_per_second(void **state)
{
    const struct config *c =
        accept("leapsecmode slew\nsmoothtime 400 0.001024 leaponly\n");

    (void)state;
    CHECK_EQ(c->client.smooth_frequency_ppb, 400000);
    CHECK_EQ(c->client.smooth_wander_fs, 1024000);
    CHECK_EQ(accept("leapsecmode slew\n")->client.smooth_frequency_ppb, 0);

    /* Noted: that it is only for leap seconds, and that those are steps. */
    read_chrony("server a\nallow\nleapsecmode slew\nsmoothtime 1 1\n");
    CHECK_EQ(builder.report.notes, 1);
    read_chrony("server a\nallow\nsmoothtime 400 0.01 leaponly\n");
    CHECK_EQ(builder.report.notes, 1);
}

/* A bound for all sources is raised to by each. */
static void test_minstratum_is_of_every_source(void **state)
{
    const struct config *c = accept("server a minstratum 5\nserver b\n"
                                    "minstratum 3\n");

    (void)state;
    CHECK_EQ(c->source[0].ntp.minstratum, 5);
    CHECK_EQ(c->source[1].ntp.minstratum, 3);
}

static void test_addresses_are_ours(void **state)
{
    const struct config *c = accept("address 10.0.2.15/24\n"
                                    "address 2001:db8::5/64\n"
                                    "address 10.0.2.15/25\n"
                                    "gateway 10.0.2.2\n"
                                    "gateway fe80::1\n"
                                    "nameserver 10.0.2.3\n"
                                    "nameserver 2001:db8::53\n"
                                    "hostname gnomon.example\n");

    (void)state;
    CHECK_EQ(c->address_count, 2);
    CHECK_EQ(c->address[0].bits, 121);
    CHECK_EQ(c->address[0].addr.byte[15], 15);
    CHECK_EQ(c->address[1].bits, 64);
    CHECK_EQ(c->gateway_count, 2);
    CHECK(ip_is_v4(&c->gateway[0]));
    CHECK(!ip_is_v4(&c->gateway[1]));
    CHECK_EQ(c->nameserver_count, 2);
    CHECK_TEXT(c->hostname, "gnomon.example");
}

/* 10.0.2.0/24 and 10.0.2.255/24 are slips; of two addresses both are hosts'. */
static void test_an_address_is_that_of_a_host(void **state)
{
    static const char *const no[] = {
        "10.0.2.0/24", "10.0.2.255/24",   "10.0.2.4/30",
        "10.0.0.0/8",  "2001:db8:1::/64",
    };
    static const char *const yes[] = {
        "10.0.2.5/30", "10.0.2.4/31",    "10.0.2.4/32",
        "10.0.3.0/23", "10.0.2.255/23",  "2001:db8:1::/127",
        "fd00::1/64",  "2001:db8::/128", "fd00::ffff:ffff:ffff:ffff/64",
    };
    char text[100];

    (void)state;
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        snprintf(text, sizeof(text), "address %s\nserver 192.0.2.1\n", no[i]);
        CHECK(read_chrony(text)->refused);
        CHECK_EQ(builder.report.errors, 1);
    }
    read_chrony("address 10.0.2.0/24\n");
    check_error(0, "chrony.conf:1:9: found \"10.0.2.0/24\", expected the "
                   "address of one host in the network, like 10.0.2.15/24");
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        snprintf(text, sizeof(text), "address %s\n", yes[i]);
        CHECK_EQ(accept(text)->address_count, 1);
    }
}

/* Comments begin lines; names of directives match in either case. */
static void test_comments_begin_lines(void **state)
{
    const struct config *c = accept("! a\n; b\n  # c\n%d\n\n \t \n"
                                    "\tPort\t1123 \n");

    (void)state;
    CHECK_EQ(c->port, 1123);
}

/* All zones under right/ tell what the list of the image tells, and the note
 * says which word was not understood. */
static void test_a_zone_with_leap_seconds_is_the_list_of_the_image(void **state)
{
    static const struct {
        const char *line, *note;
    } table[] = {
        {"leapsectz right/UTC", "from tzdata too"},
        {"leapsectz right/Etc/GMT", "from tzdata too"},
        {"leapsectz right/Mars/Olympus", "not known here"},
        {"leapsectz right/", "not known here"},
        {"leapsectz UTC", "not under `right/`"},
        {"leapsectz Europe/Paris", "not under `right/`"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[200];

        snprintf(text, sizeof(text), "server a\nallow\n%s\n", table[i].line);
        CHECK(!read_chrony(text)->refused);
        CHECK_EQ(builder.report.notes, 1);
        CHECK_EQ(builder.report.note[0].at.line, 3);
        CHECK_EQ(builder.report.note[0].at.column, 11);
        CHECK(strstr(builder.report.note[0].text, table[i].note) != NULL);
    }
    CHECK(read_chrony("server a\nleapsectz\n")->refused);
    CHECK(read_chrony("server a\nleapsectz right/UTC 1\n")->refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_reach_their_fields),
        cmocka_unit_test(test_the_last_of_several_counts),
        cmocka_unit_test(test_wrong_arguments_are_refused),
        cmocka_unit_test(test_what_is_not_followed_is_noted),
        cmocka_unit_test(test_local_has_its_options),
        cmocka_unit_test(test_corrtimeratio_is_taken),
        cmocka_unit_test(test_initstepslew_is_translated),
        cmocka_unit_test(test_ratelimit_has_its_options),
        cmocka_unit_test(test_the_client_table_fits_the_machine),
        cmocka_unit_test(test_modes_are_words),
        cmocka_unit_test(test_smoothtime_is_in_ppm_and_ppm_per_second),
        cmocka_unit_test(test_minstratum_is_of_every_source),
        cmocka_unit_test(test_addresses_are_ours),
        cmocka_unit_test(test_an_address_is_that_of_a_host),
        cmocka_unit_test(test_comments_begin_lines),
        cmocka_unit_test(
            test_a_zone_with_leap_seconds_is_the_list_of_the_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
