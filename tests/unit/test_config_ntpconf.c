/* SPDX-License-Identifier: BSD-2-Clause */
/* ntp.conf, understood and translated. */
#include "tests/config_read.h"

static const struct config *read_ntp(const char *text)
{
    return read_as("ntp.conf", text);
}

static const struct config *accept_ntp(const char *text)
{
    char all[2000];

    snprintf(all, sizeof(all), "disable kernel\n%s", text);
    return check_accepted(read_ntp(all));
}

/* What a distribution ships is served to all, limited, and not queried. */
static void test_a_usual_file_is_translated(void **state)
{
    const struct config *c = check_accepted(
        read_ntp("driftfile /var/lib/ntp/ntp.drift # of the clock\n"
                 "leapfile /usr/share/zoneinfo/leap-seconds.list\n"
                 "statistics loopstats peerstats clockstats\n"
                 "filegen loopstats file loopstats type day enable\n"
                 "pool 0.debian.pool.ntp.org iburst\n"
                 "server 192.0.2.1 iburst minpoll 4 maxpoll 6 prefer true\n"
                 "server -6 b.example burst version 3\n"
                 "restrict -4 default kod notrap nomodify nopeer noquery "
                 "limited\n"
                 "restrict -6 default kod notrap nomodify nopeer noquery "
                 "limited\n"
                 "restrict 127.0.0.1\n"
                 "restrict ::1\n"
                 "restrict source notrap nomodify noquery\n"));

    (void)state;
    CHECK_EQ(c->source_count, 3);
    CHECK(c->source[0].pool);
    CHECK(c->source[1].ntp.prefer && c->source[1].ntp.trust);
    CHECK_EQ(c->source[1].ntp.maxpoll, 6);
    CHECK_EQ(c->source[2].family, FAMILY_IPV6);
    CHECK_EQ(c->source[2].ntp.version, 3);
    CHECK(may_ask(c, "8.8.8.8"));
    CHECK(may_ask(c, "2001:db8::1"));
    CHECK(c->ratelimit.enabled);
    CHECK_EQ(c->ratelimit.kod, 2);
    CHECK(!c->client.local.enabled);
    check_note("ntp.conf:8:1: \"restrict -4 default");
    check_note("ntp.conf:10:1: \"restrict 127.0.0.1\": nobody asks");
}

/* The local clock becomes `local`, and is not left as a source. */
static void test_the_local_clock_is_local(void **state)
{
    const struct config *c =
        accept_ntp("server 127.127.1.0\nfudge 127.127.1.0 stratum 10\n");

    (void)state;
    CHECK_EQ(c->source_count, 0);
    CHECK(c->client.local.enabled);
    CHECK_EQ(c->client.local.stratum, 10);
    CHECK_EQ(c->client.local.waitunsynced_ns, 0);
    check_note("ntp.conf:2:8: \"127.127.1.0\": translated to `local stratum "
               "10`");

    /* Before it, without it, and as NTPsec has it. */
    c = accept_ntp("fudge 127.127.1.0 refid LCL stratum 7\n"
                   "server 127.127.1.0 prefer\n");
    CHECK_EQ(c->client.local.stratum, 7);
    CHECK_EQ(accept_ntp("server 127.127.1.1\n")->client.local.stratum, 5);
    CHECK_EQ(accept_ntp("server 127.127.1.0\nfudge 127.127.1.0 stratum 0\n")
                 ->client.local.stratum,
             1);
    c = accept_ntp("refclock local unit 0 stratum 8\n");
    CHECK_EQ(c->client.local.stratum, 8);
    c = accept_ntp("tos orphan 6\n");
    CHECK_EQ(c->client.local.stratum, 6);
    CHECK(c->client.local.orphan);
}

static void test_other_clocks_are_refused(void **state)
{
    static const char *const lines[] = {
        "server 127.127.20.0 mode 16\n",
        "server 127.127.28.0\n",
        "fudge 127.127.28.0 time1 0.1\n",
        "peer 127.127.22.0\n",
        "refclock shm unit 0\n",
        "fudge 192.0.2.1 stratum 1\n",
        "fudge 127.127.1.0 stratum 16\n",
        "fudge\n",
        "refclock\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[200];

        snprintf(text, sizeof(text), "disable kernel\n%s", lines[i]);
        CHECK(read_ntp(text)->refused);
        CHECK_EQ(builder.report.errors, 1);
    }
}

/* The most specific line decides; flags of one address add up. */
static void test_restrict_is_access(void **state)
{
    const struct config *c =
        accept_ntp("restrict default ignore\n"
                   "restrict 10.0.0.0 mask 255.0.0.0 nomodify\n"
                   "restrict 10.1.0.0 mask 255.255.0.0 noserve\n"
                   "restrict 10.2.0.0/16 nomodify\n"
                   "restrict 10.2.0.0/16 noserve\n"
                   "restrict 10.2.0.0/16 nopeer\n"
                   "restrict 2001:db8:: mask ffff:ffff:: notrap\n"
                   "restrict 192.0.2.7\n");

    (void)state;
    CHECK(!may_ask(c, "8.8.8.8"));
    CHECK(!may_ask(c, "2001:db9::1"));
    CHECK(may_ask(c, "10.0.0.1"));
    CHECK(!may_ask(c, "10.1.0.1"));
    CHECK(!may_ask(c, "10.2.0.1"));
    CHECK(may_ask(c, "2001:db8:1::1"));
    CHECK(may_ask(c, "192.0.2.7"));
    CHECK(!may_ask(c, "192.0.2.8"));
    CHECK(!c->ratelimit.enabled);

    c = accept_ntp("restrict -4 default ignore\nrestrict -6 default nomodify "
                   "limited\n");
    CHECK(!may_ask(c, "8.8.8.8"));
    CHECK(may_ask(c, "2001:db8::1"));
    CHECK(c->ratelimit.enabled);
    CHECK_EQ(c->ratelimit.kod, 0);
}

/* Where nothing is said about the others, ntpd answers them. */
static void test_without_a_default_everybody_may_ask(void **state)
{
    const struct config *c = accept_ntp("restrict 10.1.0.0/16 ignore\n");

    (void)state;
    CHECK(!may_ask(c, "10.1.0.1"));
    CHECK(may_ask(c, "8.8.8.8"));
    CHECK(may_ask(c, "2001:db8::1"));
    check_note("ntp.conf:2:1: \"restrict\": no line is about `default`");

    c = accept_ntp("restrict -4 default ignore\n");
    CHECK(!may_ask(c, "10.1.0.1"));
    CHECK(may_ask(c, "2001:db8::1"));

    /* No `restrict` at all says nothing: then the same as ever. */
    c = accept_ntp("server a\n");
    CHECK(!may_ask(c, "8.8.8.8"));
    CHECK(may_ask(c, "10.1.0.1"));
}

static void test_wrong_lines_are_refused(void **state)
{
    static const char *const lines[] = {
        "restrict\n",
        "restrict -4\n",
        "restrict host.example\n",
        "restrict default notrsut\n",
        "restrict default nomodfy\n",
        "restrict 10.0.0.0 mask 255.0.255.0\n",
        "restrict 10.0.0.0 mask\n",
        "restrict 10.0.0.0 mask ffff::\n",
        "restrict 10.0.0.0 mask 8\n",
        "restrict default ippeerlimit\n",
        "tos minsane\n",
        "tos minsan 3\n",
        "tos minsane -1\n",
        "tos orphan 17\n",
        "broadcastclient\n",
        "broadcast 224.0.1.1\n",
        "multicastclient\n",
        "manycastserver a\n",
        "crypto pw x\n",
        "autokey\n",
        "server a autokey\n",
        "server a nts\n",
        "server a nts noval\n",
        "nts cert\n",
        "nts cret c\n",
        "nts cert c\n",
        "server -5 a\n",
        "server -4\n",
        "server a iburst xyz\n",
        "leapfile\n",
        "keys\n",
        "unrestrict default\n",
        "includefile nowhere\n",
        "server -4 2001:db8::1\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[200];

        snprintf(text, sizeof(text), "disable kernel\n%s", lines[i]);
        if (!read_ntp(text)->refused || builder.report.errors != 1) {
            print_report();
            fail_msg("%s: %u errors", lines[i], builder.report.errors);
        }
    }
}

static void test_the_rest_has_its_place(void **state)
{
    const struct config *c = accept_ntp("tos minsane 2 maxdist 1.5 maxclock 9\n"
                                        "server a\nserver b\n"
                                        "disable monitor auth\n"
                                        "tinker panic 0\n"
                                        "dscp 46\n"
                                        "trustedkey 1 2\n");

    (void)state;
    CHECK_EQ(c->client.minsources, 2);
    CHECK_EQ(c->client.maxdistance_ns, 1500000000);
    CHECK(!c->client_log);
    CHECK_EQ(c->dscp, 46);
    check_note("ntp.conf:2:1: \"tos minsane 2 maxdist 1.5 maxclock 9\": "
               "minsane is translated to `minsources`");
    check_note("ntp.conf:5:9: \"monitor\": translated to `noclientlog`");
    check_note("ntp.conf:6:1: \"tinker panic 0\"");
    CHECK_EQ(accept_ntp("tos minsane 0\n")->client.minsources, 1);
}

/* The name of a file tells only where its lines do not. */
static void test_the_name_tells_last(void **state)
{
    (void)state;
    archive.len = 0;
    make_file(&archive, "ntp.conf", "server 127.127.1.0 # of ours\n");

    const struct config *c = check_accepted(read_archive());

    CHECK(c->client.local.enabled);
    CHECK_EQ(c->client.local.stratum, 5);
    CHECK(read_chrony("server 127.127.1.0\n")->refused);
    CHECK(accept("server a.example\nrestrict default ignore\n")->source_count ==
          1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_usual_file_is_translated),
        cmocka_unit_test(test_the_local_clock_is_local),
        cmocka_unit_test(test_other_clocks_are_refused),
        cmocka_unit_test(test_restrict_is_access),
        cmocka_unit_test(test_without_a_default_everybody_may_ask),
        cmocka_unit_test(test_wrong_lines_are_refused),
        cmocka_unit_test(test_the_rest_has_its_place),
        cmocka_unit_test(test_the_name_tells_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
