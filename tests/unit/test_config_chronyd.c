/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that chronyd 4.3 itself is asked about: where we differ, we mean to. */
#include "tests/config_read.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHRONYD "build/peers/bin/chronyd-4.3"

/* `chronyd -p` reads a file and says whether it is one. */
static bool chronyd_accepts(const char *path)
{
    pid_t child = fork();
    int status = 0;

    CHECK(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execl(CHRONYD, CHRONYD, "-p", "-f", path, (char *)NULL);
        _exit(127);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 127);
    return WEXITSTATUS(status) == 0;
}

static bool chronyd_accepts_line(const char *line)
{
    char path[] = "/tmp/gnomon-chronyd-XXXXXX";
    int file = mkstemp(path);

    CHECK(file >= 0);
    CHECK_EQ(write(file, line, strlen(line)), strlen(line));
    CHECK_EQ(write(file, "\n", 1), 1);
    close(file);

    bool accepted = chronyd_accepts(path);

    unlink(path);
    return accepted;
}

/* Without a second opinion there is nothing to compare. */
static void need_chronyd(void)
{
    if (access(CHRONYD, X_OK) != 0) {
        print_message("# no " CHRONYD "; `tools/setup test` fetches it\n");
        skip();
    }
}

/* All that differ are named before the test fails. */
static void compare(const char *const *lines, size_t count, bool ours,
                    bool theirs)
{
    unsigned differ = 0;

    need_chronyd();
    for (size_t i = 0; i < count; i++) {
        if (chronyd_accepts_line(lines[i]) != theirs) {
            print_error("chronyd %s: %s\n", theirs ? "refuses" : "accepts",
                        lines[i]);
            differ++;
        }
        if (read_chrony(lines[i])->refused == ours) {
            print_error("we %s: %s\n", ours ? "refuse" : "accept", lines[i]);
            differ++;
        }
    }
    CHECK_EQ(differ, 0);
}

#define COMPARE(lines, ours, theirs)                                           \
    compare(lines, sizeof(lines) / sizeof((lines)[0]), ours, theirs)

static void test_both_accept(void **state)
{
    static const char *const lines[] = {
        "",
        "# x",
        "! x",
        "; x",
        "% x",
        "   ",
        "\t# x",
        "server a",
        "SERVER a IBURST",
        "server a.example iburst burst",
        "server 192.0.2.1 minpoll 4 maxpoll 6 prefer noselect trust require",
        "server 2001:db8::1 version 3",
        "server a minstratum 3 offset 1e-3 maxdelay .5 port 1123",
        "server a polltarget 9 presend 5 xleave asymmetry 0.5 mindelay 0.001",
        "server a maxdelayratio 2 maxdelaydevratio 5 minsamples 8 maxsamples 9",
        "server a filter 5 auto_offline offline copy",
        "server a minpoll -3",
        "server a minpoll 30",
        "server a version 4 version 3",
        "pool p maxsources 8",
        "server a maxdelayquant 0.5",
        "peer 192.0.2.1",
        "server a certset 1",
        "allow",
        "allow all",
        "allow 10",
        "allow 10.1",
        "allow 10.1.2",
        "allow 10.1.2.3",
        "allow 10.0.0.0/8",
        "allow 10/8",
        "allow 10.1/16",
        "allow 2001:db8::/32",
        "allow ::/0",
        "allow 0/0",
        "allow all 10/8",
        "deny",
        "deny all",
        "deny 10.1.2.0/24",
        "cmdallow",
        "cmddeny all 10",
        "makestep 1 3",
        "makestep 0.1 -1",
        "makestep 1e-3 0",
        "maxchange 1000 1 2",
        "maxchange 1000 1 -1",
        "minsources 1",
        "maxdistance 3",
        "maxdistance 1e-1",
        "maxdistance .5",
        "maxjitter 1",
        "reselectdist 1e-4",
        "stratumweight 0",
        "combinelimit 0",
        "maxslewrate 500",
        "maxclockerror 1",
        "maxdrift 100",
        "maxupdateskew 5.5",
        "corrtimeratio 3",
        "clockprecision 1e-9",
        "authselectmode mix",
        "authselectmode PREFER",
        "authselectmode ignore",
        "leapsecmode slew",
        "leapsecmode step",
        "leapsecmode ignore",
        "leapsecmode system",
        "leapsectz right/UTC",
        "local",
        "local stratum 1",
        "local stratum 15",
        "local distance 0.5 orphan",
        "LOCAL STRATUM 10",
        "port 123",
        "port 0",
        "acquisitionport 0",
        "dscp 0",
        "dscp 63",
        "ratelimit",
        "ratelimit interval 1 burst 4 leak 1",
        "cmdratelimit interval -4",
        "ntsratelimit burst 4",
        "noclientlog",
        "clientloglimit 1000000",
        "bindaddress 0.0.0.0",
        "bindaddress ::",
        "bindcmdaddress /run/x",
        "binddevice eth0",
        "bindacqaddress 10.0.0.1",
        "driftfile /x",
        "rtcsync",
        "rtconutc",
        "rtcfile /x",
        "rtcdevice /x",
        "rtcautotrim 1",
        "hwclockfile /x",
        "keyfile /x",
        "manual",
        "initstepslew 30 a b",
        "broadcast 60 10.0.0.255",
        "dumponexit",
        "dumpdir /x",
        "fallbackdrift 16 19",
        "hwtimestamp *",
        "hwtimestamp eth0 minpoll 0",
        "lock_all",
        "log tracking measurements",
        "logbanner 32",
        "logchange 0.5",
        "logdir /x",
        "mailonchange root 0.5",
        "maxntsconnections 10",
        "maxsamples 9",
        "minsamples 9",

        "nocerttimecheck 1",
        "nosystemcert",
        "ntsdumpdir /x",
        "ntscachedir /x",
        "ntsntpserver a",
        "ntsport 4460",
        "ntsprocesses 2",
        "ntsrefresh 9",
        "ntsrotate 9",
        "ntstrustedcerts /x",
        "ntstrustedcerts 7 /x",
        "pidfile /x",
        "ptpport 319",
        "sched_priority 1",
        "smoothtime 400 0.01",
        "smoothtime 400 0.01 leaponly",
        "user x",
        "tempcomp /x 30 26 0 0 0",
        "commandkey 1",
        "generatecommandkey",
        "linux_hz 100",
        "linux_freq_scale 1",
        "confdir /nowhere",
        "sourcedir /nowhere /other",

        "cmdport 0",
        "refclock PHC /dev/ptp0 noselect",
    };

    (void)state;
    COMPARE(lines, true, true);
}

static void test_both_refuse(void **state)
{
    static const char *const lines[] = {
        "servr a",
        "alow 10",

        "server",
        "server a ibrust",
        "server a # x",
        "server a iburst b",
        "server a minpoll",
        "server a minpoll x",
        "server a key 0",
        "server a maxdelay",
        "pool",
        "peer",
        "allow 10/8x",
        "allow 10/",
        "allow 10 11",
        "allow ::/0 x",
        "deny 10/8/8",
        "makestep",
        "makestep 1",
        "makestep 1 3 4",
        "makestep x 3",
        "maxchange 1 2",
        "maxchange 1 2 3 4",
        "minsources",
        "minsources x",
        "maxdistance",
        "maxdistance x",
        "authselectmode x",
        "authselectmode",
        "leapsecmode x",
        "local stratum 0",
        "local stratum 16",
        "local x",
        "local stratum",
        "local 10",
        "port",
        "port x",
        "ratelimit x",
        "ratelimit interval",
        "ratelimit interval x",
        "clientloglimit",
        "noclientlog 1",
        "bindaddress",
        "bindaddress x",
        "keyfile",
        "keyfile a b",
        "include",
        "include /nowhere",
        "include /nowhere/*.conf",
        "server a maxdelay 1e3x",
        "refclock",
        "refclock PHC",

        "address 10.0.0.1",
        "clientloglimit x",
        "dscp",
        "allowed",
    };

    (void)state;
    COMPARE(lines, false, false);
}

/* chronyd takes these; we say why not.  docs/CONFIGURATION.md has them. */
static void test_we_are_stricter(void **state)
{
    static const char *const lines[] = {
        "server 127.127.1.0",
        "server 127.0.0.1",
        "server 224.0.1.1",
        "server a nts",
        "server a nts key 1",
        "ntsservercert /x",
        "ntsserverkey /x",
        "ntsport 65536",
        "maxntsconnections 0",
        "ntsrefresh 0",
        "ntsrotate -1",
        "ntsntpserver a_b!",
        "server a extfield F323",

        "server a version 0",
        "server a version 5",
        "server a port 99999",
        "server -a",
        "server a_b!",
        "allow 10.0.0.0/33",
        "allow ::/129",
        "port 99999",
        "dscp 64",
        "minsources 0",
        "server a\nminsources 2",
        "refclock XYZ 0",
        "maxdistance -1",
        "maxdistance 1.5x",
        "maxdrift 1e9",
        "port 123x",
        "bindaddress 10.0.0.1",
        "authselectmode require",
        "refclock PHC /dev/ptp0",
        "refclock SHM 0",
        "ntpsigndsocket /x",
        "server a key 1",
        "clientloglimit -1",
        "ratelimit interval 99",
        "ratelimit burst 0",
        "makestep -1 3",
        "maxchange -1 1 1",
    };

    (void)state;
    COMPARE(lines, false, true);
}

/* Newer than 4.3, and our own. */
static void test_we_know_more(void **state)
{
    static const char *const lines[] = {
        "server a ipv4",
        "server a ipv6",
        "server a maxunreach 9",
        "local activate 1",
        "local waitunsynced 5 waitsynced 5",
        "leapseclist /x",
        "maxstratum 9",
        "minstratum 1",
        "ratelimit kod 2",
        "opencommands sources",
        "maxtxbuffers 9",
        "hwtstimeout 1",
        "ptpdomain 1",
        "ntsaeads 30",
        "ntsrequire 10.0.0.0/8",
        "state off",
        "address 10.0.0.1/8",
        "gateway 10.0.0.2",
        "nameserver 10.0.0.3",
        "hostname x",
        "logstats 60",
    };

    (void)state;
    COMPARE(lines, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_accept),
        cmocka_unit_test(test_both_refuse),
        cmocka_unit_test(test_we_are_stricter),
        cmocka_unit_test(test_we_know_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
