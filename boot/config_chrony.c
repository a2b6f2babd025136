/* SPDX-License-Identifier: BSD-2-Clause */
/* The directives of chrony.conf. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

#define S           1000000000LL /* ns in a second */
#define PPM         1000LL       /* ppb */
#define ANY_INT_MIN INT32_MIN
#define ANY_INT_MAX INT32_MAX

/* threshold limit */
static void read_makestep(struct directive *d, const struct kind *kind)
{
    static const struct setting threshold =
        SETTING(struct config, client.makestep_ns, 9, 0, SPAN_NS_MAX);
    static const struct setting limit = SETTING(
        struct config, client.makestep_count, 0, ANY_INT_MIN, ANY_INT_MAX);
    int64_t ns, count;

    (void)kind;
    if (!directive_number(d, &threshold, &ns) ||
        !directive_number(d, &limit, &count) || !directive_end(d))
        return;
    setting_store(&d->b->config, &threshold, ns);
    setting_store(&d->b->config, &limit, count);
    d->b->makestep_given = true;
}

/* offset start ignore */
static void read_maxchange(struct directive *d, const struct kind *kind)
{
    static const struct setting part[] = {
        SETTING(struct config, client.maxchange_ns, 9, 1, SPAN_NS_MAX),
        SETTING(struct config, client.maxchange_start, 0, 0, ANY_INT_MAX),
        SETTING(struct config, client.maxchange_ignore, 0, ANY_INT_MIN,
                ANY_INT_MAX),
    };
    int64_t value[COUNT(part)];

    (void)kind;
    for (size_t i = 0; i < COUNT(part); i++)
        if (!directive_number(d, &part[i], &value[i]))
            return;
    if (!directive_end(d))
        return;
    for (size_t i = 0; i < COUNT(part); i++)
        setting_store(&d->b->config, &part[i], value[i]);
}

static struct local_config local_default(void)
{
    return (struct local_config){
        .enabled = true, .stratum = 10, .distance_ns = S};
}

void local_set(struct config_builder *b, uint8_t stratum)
{
    b->config.client.local = local_default();
    b->config.client.local.stratum = stratum;
    b->local_given = true;
}

static void note_local(const struct directive *d, const struct local_config *o)
{
    if (o->activate_ns == 0)
        directive_note(d, "without `activate` the time of the machine's own "
                          "clock is served, right or wrong, until a source "
                          "answers");
}

static void read_local(struct directive *d, const struct kind *kind)
{
    static const struct option options[] = {
        NUMBER_OPTION("stratum", struct local_config, stratum, 0, 1, 15),
        NUMBER_OPTION("distance", struct local_config, distance_ns, 9, 0,
                      SPAN_NS_MAX),
        NUMBER_OPTION("activate", struct local_config, activate_ns, 9, 0,
                      SPAN_NS_MAX),
        NUMBER_OPTION("waitunsynced", struct local_config, waitunsynced_ns, 9,
                      0, SPAN_NS_MAX),
        NUMBER_OPTION("waitsynced", struct local_config, waitsynced_ns, 9, 0,
                      SPAN_NS_MAX),
        FLAG_OPTION("orphan", struct local_config, orphan),
    };
    struct local_config local = local_default();

    (void)kind;
    local.waitunsynced_ns = -1;
    if (!directive_options(d, options, COUNT(options), &local))
        return;
    if (local.waitunsynced_ns < 0)
        local.waitunsynced_ns = local.orphan ? 300 * S : 0;
    d->b->config.client.local = local;
    d->b->local_given = true;
    note_local(d, &local);
}

static const struct option limit_options[] = {
    NUMBER_OPTION("interval", struct limit_config, interval, 0, -19, 12),
    NUMBER_OPTION("burst", struct limit_config, burst, 0, 1, 255),
    NUMBER_OPTION("leak", struct limit_config, leak, 0, 1, 4),
    NUMBER_OPTION("kod", struct limit_config, kod, 0, 0, 4),
};

/* As `ratelimit`, but a refused connection is told so by TCP. */
static void read_ntsratelimit(struct directive *d, const struct kind *kind)
{
    struct limit_config limit = {
        .enabled = true, .interval = 6, .burst = 8, .leak = 2};

    (void)kind;
    if (directive_options(d, limit_options, COUNT(limit_options) - 1, &limit))
        d->b->config.nts.ratelimit = limit;
}

static void read_ratelimit(struct directive *d, const struct kind *kind)
{
    struct limit_config limit = {
        .enabled = true, .interval = 3, .burst = 8, .leak = 2, .kod = 0};

    if (!directive_options(d, limit_options, COUNT(limit_options), &limit))
        return;
    if (kind->note)
        directive_note(d, kind->note);
    else
        d->b->config.ratelimit = limit;
}

static void read_clientloglimit(struct directive *d, const struct kind *kind)
{
    int64_t bytes;

    if (!directive_number(d, &kind->setting, &bytes) || !directive_end(d))
        return;
    if (bytes > CONFIG_CLIENT_LOG_MAX) {
        bytes = CONFIG_CLIENT_LOG_MAX;
        directive_note(d, "2097152 are used, the most there is room for");
    }
    if (bytes < CONFIG_CLIENT_LOG_MIN) {
        bytes = CONFIG_CLIENT_LOG_MIN;
        directive_note(d, "16384 are used, the least that is of use");
    }
    d->b->config.client_log_bytes = (uint32_t)bytes;
}

static void read_noclientlog(struct directive *d, const struct kind *kind)
{
    (void)kind;
    if (directive_end(d))
        d->b->config.client_log = false;
}

static void read_minsources(struct directive *d, const struct kind *kind)
{
    d->b->minsources_at = directive_place(d, d->name.at);
    read_number(d, kind);
}

static void read_maxsamples(struct directive *d, const struct kind *kind)
{
    static const struct setting setting = {0, 0, 0, 0, INT16_MAX};
    int64_t samples;

    (void)kind;
    if (directive_number(d, &setting, &samples) && directive_end(d))
        d->b->maxsamples = clamp_samples(d, (int)samples);
}

/*
 * threshold [host ...]: chrony asks these hosts before all else, and steps only
 * when the clock is off by more.  Here the first set is always free, and who is
 * asked stands in `server` lines.
 */
static void read_initstepslew(struct directive *d, const struct kind *kind)
{
    static const struct setting threshold =
        SETTING(struct config, client.makestep_ns, 9, 0, SPAN_NS_MAX);
    struct config_builder *b = d->b;
    struct word host;
    int64_t ns;

    (void)kind;
    if (!directive_number(d, &threshold, &ns))
        return;
    b->initstep_ns = ns;
    while (line_word(&d->line, &host)) {
        if (b->initsteps == CONFIG_INITSTEPS_MAX) {
            directive_refuse(d, host, "at most 8 hosts with `initstepslew`");
            return;
        }
        b->initstep[b->initsteps++] = (struct builder_named){
            host, directive_place(d, host.at), d->dialect};
    }
    directive_note(d, "translated to `makestep` with a limit of 1, and to "
                      "`iburst` of the sources that it names");
}

static void read_minstratum(struct directive *d, const struct kind *kind)
{
    static const struct setting setting = {0, 0, 0, 0, 15};
    int64_t stratum;

    (void)kind;
    if (directive_number(d, &setting, &stratum) && directive_end(d))
        d->b->minstratum = stratum;
}

/* One of several words; its number, or -1 after an error. */
static int read_choice(struct directive *d, const char *const *choice,
                       int count, const char *expected)
{
    struct word word;

    if (!directive_word(d, &word, expected))
        return -1;
    for (int i = 0; i < count; i++)
        if (word_is(word, choice[i]))
            return directive_end(d) ? i : -1;
    directive_refuse(d, word, expected);
    return -1;
}

static void read_authselectmode(struct directive *d, const struct kind *kind)
{
    static const char *const names[] = {"mix", "require", "prefer", "ignore"};
    static const enum authselectmode modes[] = {
        AUTHSELECT_MIX, AUTHSELECT_REQUIRE, AUTHSELECT_PREFER,
        AUTHSELECT_IGNORE};
    int choice = read_choice(d, names, COUNT(names),
                             "one of require, prefer, mix, ignore");

    (void)kind;
    if (choice < 0)
        return;
    d->b->config.client.authselectmode = modes[choice];
    d->b->authselectmode_at = directive_place(d, d->name.at);
}

static void read_leapsecmode(struct directive *d, const struct kind *kind)
{
    static const char *const names[] = {"system", "step", "slew", "ignore"};
    static const enum leapsecmode modes[] = {LEAPSEC_STEP, LEAPSEC_STEP,
                                             LEAPSEC_SLEW, LEAPSEC_IGNORE};
    int choice = read_choice(d, names, COUNT(names),
                             "one of system, step, slew, ignore");

    (void)kind;
    if (choice < 0)
        return;
    d->b->config.client.leapsecmode = modes[choice];
    if (choice == 0)
        directive_note(d, "there is no kernel below: `step` is used");
}

/* frequency wander [leaponly] */
static void read_smoothtime(struct directive *d, const struct kind *kind)
{
    static const struct setting part[] = {
        SETTING(struct config, client.smooth_frequency_ppb, 3, 1, 100000 * PPM),
        SETTING(struct config, client.smooth_wander_fs, 9, 1, 1000 * S),
    };
    int64_t value[COUNT(part)];
    struct word word;
    bool only = false;

    (void)kind;
    for (size_t i = 0; i < COUNT(part); i++)
        if (!directive_number(d, &part[i], &value[i]))
            return;
    while (line_word(&d->line, &word)) {
        if (only || !word_is(word, "leaponly")) {
            directive_refuse(d, word, "leaponly, or nothing more");
            return;
        }
        only = true;
    }
    for (size_t i = 0; i < COUNT(part); i++)
        setting_store(&d->b->config, &part[i], value[i]);
    if (!only)
        directive_note(d, "leap seconds alone are smoothed, as with "
                          "`leaponly`: other corrections are served as made");
}

void read_leapseclist(struct directive *d, const struct kind *kind)
{
    struct word path;

    (void)kind;
    if (directive_word(d, &path, "a file of the boot archive") &&
        directive_end(d))
        d->b->leapseclist = (struct builder_named){
            path, directive_place(d, path.at), d->dialect};
}

/* Names of UTC in the tz database. */
static bool is_utc(struct word zone)
{
    static const char *const names[] = {"UTC",  "UCT", "Universal",
                                        "Zulu", "GMT", "Greenwich"};

    word_cut(&zone, "Etc/");
    for (size_t i = 0; i < COUNT(names); i++)
        if (word_is(zone, names[i]))
            return true;
    return false;
}

/*
 * The zones that know of leap seconds are those under right/, and they all know
 * the same: what tzdata had when it was made, as the list of the image does.
 */
static void read_leapsectz(struct directive *d, const struct kind *kind)
{
    struct word zone, name;

    (void)kind;
    if (!directive_word(d, &zone, "a time zone, usually right/UTC") ||
        !directive_end(d))
        return;
    name = zone;
    if (!word_cut(&name, "right/"))
        directive_note_word(d, zone,
                            "a zone that is not under `right/` has no leap "
                            "seconds: the list of the image is used");
    else if (!is_utc(name))
        directive_note_word(d, zone,
                            "a zone that is not known here: the list of the "
                            "image is used, which is that of `right/UTC`");
    else
        directive_note_word(d, zone,
                            "the list of leap seconds in the image is used; it "
                            "is from tzdata too");
}

/* One place at a time; what the addresses are is known at the end. */
static void read_bindaddress(struct directive *d, const struct kind *kind)
{
    struct ip_addr6 address;
    struct word word;

    (void)kind;
    if (!directive_word(d, &word, "an address"))
        return;
    if (!value_address(word, &address)) {
        directive_refuse(d, word, "an address");
        return;
    }
    if (!directive_end(d))
        return;
    if (d->b->binds == CONFIG_ADDRS_MAX) {
        directive_refuse(d, word, "at most 8 lines with `bindaddress`");
        return;
    }
    d->b->bind[d->b->binds++] =
        (struct builder_named){word, directive_place(d, word.at), d->dialect};
}

#define HOST    "this concerns a host with an operating system"
#define KEPT    "keys and cookies are kept in the state region"
#define RATE    "the rate of the counter is kept in the state region"
#define COMMAND "monitoring by chronyc comes with a later release"
#define RTC     "the real-time clock is read at boot and not written"
#define NOT_YET "this is not followed in this release"

#define NUMBER(name, field, places, min, max)                                  \
    {                                                                          \
        name, read_number, SETTING(struct config, field, places, min, max),    \
            NULL                                                               \
    }
#define NOTE(name, note)                                                       \
    {                                                                          \
        name, read_note, NO_SETTING, note                                      \
    }
#define WITH(name, read, field, places, min, max)                              \
    {                                                                          \
        name, read, SETTING(struct config, field, places, min, max), NULL      \
    }
#define CALL(name, read, note)                                                 \
    {                                                                          \
        name, read, NO_SETTING, note                                           \
    }

static const struct kind kinds[] = {
    /* sources */
    CALL("server", read_source, NULL),
    CALL("pool", read_source, NULL),
    CALL("peer", read_source,
         "followed as a server: symmetric mode is not spoken"),
    CALL("refclock", read_platform_clock, NULL),
    NOTE("broadcast", "packets are not broadcast"),
    CALL("initstepslew", read_initstepslew, NULL),
    NOTE("manual", "the time cannot be typed in"),

    /* selection */
    WITH("minsources", read_minsources, client.minsources, 0, 1, 255),
    CALL("minstratum", read_minstratum, NULL),
    NUMBER("maxstratum", client.maxstratum, 0, 1, 15),
    NUMBER("maxdistance", client.maxdistance_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("maxjitter", client.maxjitter_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("reselectdist", client.reselectdist_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("stratumweight", client.stratumweight_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("combinelimit", client.combinelimit_permille, 3, 0, 1000000000),
    CALL("authselectmode", read_authselectmode, NULL),

    /* clock */
    CALL("makestep", read_makestep, NULL),
    CALL("maxchange", read_maxchange, NULL),
    CALL("local", read_local, NULL),
    NUMBER("maxslewrate", client.maxslewrate_ppb, 3, 1, 100000 * PPM),
    NUMBER("maxclockerror", client.maxclockerror_ppb, 3, 0, 100000 * PPM),
    NUMBER("maxdrift", client.maxdrift_ppb, 3, 1, 500000 * PPM),
    NUMBER("maxupdateskew", client.maxupdateskew_ppb, 3, 1, 1000000 * PPM),
    CALL("leapsecmode", read_leapsecmode, NULL),
    CALL("leapseclist", read_leapseclist, NULL),
    CALL("leapsectz", read_leapsectz, NULL),
    CALL("smoothtime", read_smoothtime, NULL),
    NUMBER("corrtimeratio", client.corrtimeratio_permille, 3, 100, 1000000),
    NOTE("clockprecision", "the precision is measured"),
    CALL("maxsamples", read_maxsamples, NULL),
    NOTE("minsamples", "no sample is dropped for not being on a line: how much "
                       "the older ones count is learned"),
    NOTE("fallbackdrift", NOT_YET),
    NOTE("tempcomp", HOST),
    NOTE("driftfile", RATE),
    NOTE("rtcsync", RTC),
    NOTE("rtcfile", RTC),
    NOTE("rtcdevice", RTC),
    NOTE("rtcautotrim", RTC),
    NOTE("rtconutc", "the real-time clock is taken for UTC in any case"),
    NOTE("hwclockfile", RTC),

    /* service */
    NUMBER("port", port, 0, 0, UINT16_MAX),
    NUMBER("dscp", dscp, 0, 0, 63),
    CALL("allow", read_access, NULL),
    CALL("deny", read_access, NULL),
    CALL("ratelimit", read_ratelimit, NULL),
    CALL("noclientlog", read_noclientlog, NULL),
    WITH("clientloglimit", read_clientloglimit, client_log_bytes, 0, 0,
         UINT32_MAX),
    CALL("keyfile", read_keyfile, NULL),
    CALL("ntpsigndsocket", read_refused,
         "no MS-SNTP: replies signed by Samba are not possible"),

    /* addresses */
    CALL("bindaddress", read_bindaddress, NULL),
    NOTE("binddevice", "there is one network card"),
    NOTE("bindacqaddress", "requests leave from the address of their route"),
    NOTE("bindacqdevice", "there is one network card"),
    NOTE("acquisitionport", "requests leave from random ports (RFC 9109)"),

    /* files */
    CALL("include", read_include, NULL),
    CALL("confdir", read_confdir, NULL),
    CALL("sourcedir", read_sourcedir, NULL),

    /* NTS */
    NUMBER("ntsport", nts.port, 0, 0, UINT16_MAX),
    CALL("ntsservercert", read_ntsservercert, NULL),
    CALL("ntsserverkey", read_ntsserverkey, NULL),
    NOTE("ntsprocesses", "there are no processes"),
    NUMBER("maxntsconnections", nts.max_connections, 0, 1, UINT16_MAX),
    WITH("ntsrotate", read_ntsrotate, nts.rotate_s, 0, 0, ANY_INT_MAX),
    NOTE("ntsdumpdir", KEPT),
    NOTE("ntscachedir", KEPT),
    CALL("ntsntpserver", read_ntsntpserver, NULL),
    NUMBER("ntsrefresh", nts.refresh_s, 0, 1, ANY_INT_MAX),
    CALL("ntsaeads", read_ntsaeads, NULL),
    CALL("ntstrustedcerts", read_ntstrustedcerts, NULL),
    CALL("nosystemcert", read_nosystemcert, NULL),
    WITH("nocerttimecheck", read_nocerttimecheck, nts.no_cert_time_check, 0,
         ANY_INT_MIN, ANY_INT_MAX),
    CALL("ntsratelimit", read_ntsratelimit, NULL),

    /* chronyc */
    CALL("cmdallow", read_command_access, COMMAND),
    CALL("cmddeny", read_command_access, COMMAND),
    CALL("cmdratelimit", read_ratelimit, COMMAND),
    NOTE("cmdport", COMMAND),
    NOTE("bindcmdaddress", COMMAND),
    NOTE("bindcmddevice", COMMAND),
    NOTE("opencommands", COMMAND),

    /* host plumbing */
    NOTE("dumpdir", HOST),
    NOTE("dumponexit", HOST),
    NOTE("hwtimestamp", HOST),
    NOTE("hwtstimeout", HOST),
    NOTE("lock_all", HOST),
    NOTE("log", "the console has the log"),
    NOTE("logbanner", "the console has the log"),
    NOTE("logchange", "the console shows every step"),
    NOTE("logdir", "the console has the log"),
    NOTE("mailonchange", HOST),
    NOTE("maxtxbuffers", HOST),
    NOTE("pidfile", HOST),
    NOTE("ptpdomain", HOST),
    NOTE("ptpport", HOST),
    NOTE("sched_priority", HOST),
    NOTE("user", HOST),

    /* chrony does without these too */
    NOTE("commandkey", "chrony has retired this"),
    NOTE("generatecommandkey", "chrony has retired this"),
    NOTE("linux_freq_scale", "chrony has retired this"),
    NOTE("linux_hz", "chrony has retired this"),
};

const struct kinds chrony_kinds = {kinds, COUNT(kinds)};
