/* SPDX-License-Identifier: BSD-2-Clause */
/* ntp.conf, of ntpd and NTPsec: what its directives are in chrony's words. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

#define STRATUM_DEFAULT 5 /* of ntpd's local clock */
#define LOCAL_CLOCK     1 /* 127.127.1.u */
#define KOD             2 /* one in four of the refused is told so */

/* Is that 127.127.t.u, ntpd's way to name a clock?  Returns t, or -1. */
static int clock_type(struct word word)
{
    struct ip_addr6 a;

    if (!value_address(word, &a) || !ip_is_v4(&a) || a.byte[12] != 127 ||
        a.byte[13] != 127)
        return -1;
    return a.byte[14];
}

static void use_local_clock(struct directive *d, struct word name)
{
    d->b->ntpconf.local_clock =
        (struct builder_named){name, directive_place(d, name.at), d->dialect};
}

static void read_server(struct directive *d, const struct kind *kind)
{
    struct line ahead = d->line;
    struct word name;
    int type = line_word(&ahead, &name) ? clock_type(name) : -1;

    if (type == LOCAL_CLOCK)
        use_local_clock(d, name);
    else if (type >= 0)
        directive_refuse(d, name,
                         "a server: of ntpd's clocks there is only the local "
                         "one, 127.127.1.0");
    else
        read_source(d, kind);
}

/* NTPsec's other way to name a clock: refclock local [unit u] [stratum n] */
static void read_refclock(struct directive *d, const struct kind *kind)
{
    static const struct option options[] = {
        NUMBER_OPTION("stratum", struct ntpconf, stratum, 0, 0, 15),
        SKIP_ARG_OPTION("unit", "there is one local clock"),
    };
    struct word name;

    (void)kind;
    if (!directive_word(d, &name, "local"))
        return;
    if (!word_is(name, "local"))
        directive_refuse(d, name,
                         "local: no other reference clock is followed in this "
                         "release");
    else if (directive_options(d, options, COUNT(options), &d->b->ntpconf))
        use_local_clock(d, name);
}

/* fudge 127.127.1.0 stratum n, and words that only real clocks need */
static void read_fudge(struct directive *d, const struct kind *kind)
{
    static const struct setting stratum = {0, 0, 0, 0, 15};
    struct word word;

    (void)kind;
    if (!directive_word(d, &word, "a clock, 127.127.1.0"))
        return;
    if (clock_type(word) != LOCAL_CLOCK) {
        directive_refuse(d, word, "the local clock, 127.127.1.0");
        return;
    }
    while (line_word(&d->line, &word)) {
        if (word_is(word, "stratum")) {
            if (!directive_number(d, &stratum, &d->b->ntpconf.stratum))
                return;
        } else {
            directive_note_word(d, word, "it concerns real clocks");
            line_word(&d->line, &word);
        }
    }
}

/* What the words after the address of `restrict` amount to. */
struct flags {
    bool deny;
    bool limited;
    bool kod;
    bool notrust;
};

/* Modes that these would forbid are not answered at all. */
static bool is_moot_flag(struct word word)
{
    static const char *const moot[] = {
        "nomodify",  "notrap",      "nopeer", "noepeer", "epeer", "noquery",
        "nomrulist", "lowpriotrap", "mssntp", "version", "flake",
    };

    for (size_t i = 0; i < COUNT(moot); i++)
        if (word_is(word, moot[i]))
            return true;
    return false;
}

static bool read_flag(struct directive *d, struct word word, struct flags *f)
{
    if (word_is(word, "ignore") || word_is(word, "noserve"))
        f->deny = true;
    else if (word_is(word, "limited"))
        f->limited = true;
    else if (word_is(word, "kod"))
        f->kod = true;
    else if (word_is(word, "notrust"))
        f->notrust = true;
    else if (word_is(word, "ippeerlimit"))
        return directive_word(d, &word, "a number");
    else if (!is_moot_flag(word))
        return directive_refuse(d, word,
                                "a flag of `restrict`: ignore, noserve, "
                                "limited, kod, nomodify, noquery, ...");
    return true;
}

static bool read_flags(struct directive *d, struct flags *f)
{
    struct word word;

    while (line_word(&d->line, &word))
        if (!read_flag(d, word, f))
            return false;
    return true;
}

/* 255.255.0.0 and ffff:: say how many bits of a network count. */
static bool mask_bits(struct word word, const struct ip_addr6 *address,
                      uint8_t *bits)
{
    bool v4 = ip_is_v4(address);
    struct ip_addr6 mask, cleared;

    if (!value_address(word, &mask) || ip_is_v4(&mask) != v4)
        return false;
    if (v4)
        memset(mask.byte, 0xff, 12);

    unsigned count = 0;

    while (count < 128 && mask.byte[count / 8] >> (7 - count % 8) & 1)
        count++;
    cleared = mask;
    value_mask(&cleared, (uint8_t)count);
    *bits = (uint8_t)count;
    return ip_equal(&cleared, &mask);
}

static bool read_mask(struct directive *d, struct ntpconf_restrict *r)
{
    struct line ahead = d->line;
    struct word word;

    if (!line_word(&ahead, &word) || !word_is(word, "mask"))
        return true;
    d->line = ahead;
    if (!directive_word(d, &word, "a mask like 255.255.255.0"))
        return false;
    if (!mask_bits(word, &r->prefix, &r->bits))
        return directive_refuse(d, word, "a mask like 255.255.255.0");
    value_mask(&r->prefix, r->bits);
    return true;
}

/* An address that comes again adds its flags to those it had. */
static bool remember(struct directive *d, const struct ntpconf_restrict *r)
{
    struct ntpconf *n = &d->b->ntpconf;

    if (n->restrictions == 0)
        n->restrict_at = directive_place(d, d->name.at);
    for (unsigned i = 0; i < n->restrictions; i++)
        if (n->restriction[i].bits == r->bits &&
            ip_equal(&n->restriction[i].prefix, &r->prefix)) {
            n->restriction[i].deny |= r->deny;
            n->restriction[i].notrust |= r->notrust;
            return true;
        }
    if (n->restrictions == NTPCONF_RESTRICT_MAX)
        return directive_refuse(d, d->name, "at most 256 networks");
    n->restriction[n->restrictions++] = *r;
    return true;
}

static void note_restrict(struct directive *d, const struct flags *f)
{
    if (f->deny)
        directive_note(d, "translated to `deny` of that network");
    else if (f->notrust)
        directive_note(d, "translated to `allow` and `ntsrequire` of that "
                          "network");
    else if (f->limited)
        directive_note(d, "translated to `allow` of that network and "
                          "`ratelimit` for everybody");
    else
        directive_note(d, "translated to `allow` of that network");
}

static bool apply_restrict(struct directive *d, struct ntpconf_restrict r,
                           unsigned count, const struct flags *f)
{
    struct ntpconf *n = &d->b->ntpconf;

    r.deny = f->deny;
    r.notrust = f->notrust;
    n->notrust |= f->notrust;
    n->limited |= f->limited;
    n->kod |= f->kod;
    if (!remember(d, &r))
        return false;
    if (count > 1) {
        r.prefix = (struct ip_addr6){{0}};
        r.bits = 0;
        if (!remember(d, &r))
            return false;
    }
    note_restrict(d, f);
    return true;
}

static void note_default(struct ntpconf *n, bool v4, bool v6)
{
    n->default_v4 |= v4;
    n->default_v6 |= v6;
}

/* restrict default ...: of one family or of both */
static void read_default(struct directive *d, bool only_v4, bool only_v6)
{
    struct ntpconf_restrict r = {.bits = 0};
    struct flags f = {.deny = false};

    if (!only_v6) {
        r.prefix = ip_from_v4((const uint8_t[4]){0});
        r.bits = 96;
    }
    if (read_flags(d, &f) &&
        apply_restrict(d, r, only_v4 || only_v6 ? 1 : 2, &f))
        note_default(&d->b->ntpconf, !only_v6, !only_v4);
}

static void read_network(struct directive *d, struct word word)
{
    struct ntpconf_restrict r;
    struct flags f = {.deny = false};

    if (!value_network(word, &r.prefix, &r.bits)) {
        directive_refuse(d, word,
                         "`default`, `source` or an address; names are not "
                         "looked up here");
        return;
    }
    if (!read_mask(d, &r) || !read_flags(d, &f))
        return;
    if (value_is_loopback(&r.prefix))
        directive_note(d, "nobody asks from there");
    else
        apply_restrict(d, r, 1, &f);
}

static void read_restrict(struct directive *d, const struct kind *kind)
{
    const char *expected = "`default`, `source` or an address";
    bool only_v4 = false, only_v6 = false;
    struct word word;

    (void)kind;
    if (!directive_word(d, &word, expected))
        return;
    only_v4 = word_is(word, "-4");
    only_v6 = word_is(word, "-6");
    if ((only_v4 || only_v6) && !directive_word(d, &word, expected))
        return;
    if (word_is(word, "default"))
        read_default(d, only_v4, only_v6);
    else if (word_is(word, "source"))
        directive_note(d, "replies of sources need no permission");
    else
        read_network(d, word);
}

/* ntpd's default of orphanwait, 300 s. */
#define ORPHAN_WAIT_NS 300000000000

/* What `tos` sets; below 0: not given. */
struct tos {
    int64_t minsane;
    int64_t maxdist_ns;
    int64_t orphan;
};

static void apply_tos(struct directive *d, const struct tos *tos)
{
    struct client_config *c = &d->b->config.client;

    if (tos->minsane >= 0) {
        c->minsources = (uint8_t)(tos->minsane > 0 ? tos->minsane : 1);
        d->b->minsources_at = directive_place(d, d->name.at);
        directive_note(d, "minsane is translated to `minsources`");
    }
    if (tos->maxdist_ns >= 0) {
        c->maxdistance_ns = tos->maxdist_ns;
        directive_note(d, "maxdist is translated to `maxdistance`");
    }
    if (tos->orphan >= 1 && tos->orphan <= 15) {
        local_set(d->b, (uint8_t)tos->orphan);
        d->b->config.client.local.orphan = true;
        d->b->config.client.local.waitunsynced_ns = ORPHAN_WAIT_NS;
        directive_note(d, "orphan is translated to `local stratum` with "
                          "`orphan`");
    }
}

static void read_tos(struct directive *d, const struct kind *kind)
{
    static const char moot[] = "this option is not followed";
    static const struct option options[] = {
        NUMBER_OPTION("minsane", struct tos, minsane, 0, 0, 255),
        NUMBER_OPTION("maxdist", struct tos, maxdist_ns, 9, 0, SPAN_NS_MAX),
        NUMBER_OPTION("orphan", struct tos, orphan, 0, 1, 16),
        SKIP_ARG_OPTION("basedate", moot),
        SKIP_ARG_OPTION("beacon", moot),
        SKIP_ARG_OPTION("ceiling", moot),
        SKIP_ARG_OPTION("cohort", moot),
        SKIP_ARG_OPTION("floor", moot),
        SKIP_ARG_OPTION("maxclock", moot),
        SKIP_ARG_OPTION("minclock", moot),
        SKIP_ARG_OPTION("mindist", moot),
        SKIP_ARG_OPTION("orphanwait", moot),
    };
    struct tos tos = {-1, -1, -1};

    (void)kind;
    if (directive_options(d, options, COUNT(options), &tos))
        apply_tos(d, &tos);
}

static void read_disable(struct directive *d, const struct kind *kind)
{
    struct word word;

    (void)kind;
    while (line_word(&d->line, &word)) {
        if (!word_is(word, "monitor")) {
            directive_note_word(d, word, "it cannot be switched here");
            continue;
        }
        d->b->config.client_log = false;
        directive_note_word(d, word, "translated to `noclientlog`");
    }
}

static void read_leapfile(struct directive *d, const struct kind *kind)
{
    struct word path;

    (void)kind;
    if (!directive_word(d, &path, "a file of the boot archive"))
        return;
    d->b->leapseclist =
        (struct builder_named){path, directive_place(d, path.at), d->dialect};
}

struct nts_options {
    bool enable;
    bool disable;
    struct word ca;
    struct word cert;
    struct word key;
    struct word moot;
};

#define WORD(name, field, note)                                                \
    WORD_OPTION(name, struct nts_options, field, note)

/* nts enable cert F key F: what NTPsec's server and its sources need */
static void read_nts(struct directive *d, const struct kind *kind)
{
    static const struct option options[] = {
        FLAG_OPTION("enable", struct nts_options, enable),
        FLAG_OPTION("disable", struct nts_options, disable),
        WORD("ca", ca, NULL),
        WORD("cert", cert, NULL),
        WORD("key", key, NULL),
        WORD("cookie", moot, "cookie keys are kept in the state region"),
        WORD("mintls", moot, "TLS 1.3 is the only one here"),
        WORD("maxtls", moot, "TLS 1.3 is the only one here"),
        WORD("tlsciphers", moot, "ciphers are not chosen here"),
        WORD("tlsciphersuites", moot, "ciphers are not chosen here"),
        WORD("tlsecdhcurves", moot, "curves are not chosen here"),
        WORD("aead", moot, "`ntsaeads` chooses it"),
    };
    struct nts_options o = {.enable = false};

    (void)kind;
    if (!directive_options(d, options, COUNT(options), &o))
        return;
    if (o.ca.len > 0)
        nts_trusted_add(d, 0, o.ca);
    if (o.cert.len > 0)
        nts_cert_add(d, o.cert);
    if (o.key.len > 0)
        nts_key_add(d, o.key);
    if (o.enable)
        d->b->config.nts.port = 4460;
    if (o.disable) {
        d->b->config.nts.port = 0;
        directive_note(d, "translated to `ntsport 0`");
    }
}

#define NOTE(name, note)                                                       \
    {                                                                          \
        name, read_note, NO_SETTING, note                                      \
    }
#define REFUSED(name, note)                                                    \
    {                                                                          \
        name, read_refused, NO_SETTING, note                                   \
    }
#define CALL(name, read, note)                                                 \
    {                                                                          \
        name, read, NO_SETTING, note                                           \
    }

#define LOG       "the console has the log"
#define BROADCAST "servers by name: broadcast and multicast are not spoken"
#define AUTOKEY   "keys in a key file: Autokey is not secure and not spoken"
#define NO_MODE6  "mode 6 is not spoken"

static const struct kind kinds[] = {
    CALL("server", read_server, NULL),
    CALL("pool", read_source, NULL),
    CALL("peer", read_server,
         "followed as a server: symmetric mode is not spoken"),
    CALL("refclock", read_refclock, NULL),
    CALL("fudge", read_fudge, NULL),
    CALL("restrict", read_restrict, NULL),
    CALL("tos", read_tos, NULL),
    CALL("disable", read_disable, NULL),
    CALL("nts", read_nts, NULL),
    CALL("leapfile", read_leapfile, NULL),
    CALL("keys", read_keyfile, NULL),
    CALL("includefile", read_include, NULL),
    {"dscp", read_number, SETTING(struct config, dscp, 0, 0, 63), NULL},

    NOTE("broadcastdelay", "it concerns broadcasts"),
    NOTE("controlkey", NO_MODE6),
    NOTE("requestkey", NO_MODE6),
    NOTE("trap", NO_MODE6),
    NOTE("trustedkey", "every key of the key file is trusted"),
    NOTE("discard", "`ratelimit` keeps its own defaults"),
    NOTE("driftfile", "the rate of the counter is kept in the state region"),
    NOTE("enable", "it cannot be switched here"),
    NOTE("filegen", LOG),
    NOTE("interface", "it answers on each of its addresses; `restrict` says "
                      "to whom"),
    NOTE("leapsmearinterval", "leap seconds are not smeared"),
    NOTE("logconfig", LOG),
    NOTE("logfile", LOG),
    NOTE("mru", "`clientloglimit` sizes the client table"),
    NOTE("nic", "it answers on each of its addresses; `restrict` says to "
                "whom"),
    NOTE("phone", "no modem"),
    NOTE("pidfile", "this concerns a host with an operating system"),
    NOTE("rlimit", "this concerns a host with an operating system"),
    NOTE("saveconfigdir", NO_MODE6),
    NOTE("setvar", NO_MODE6),
    NOTE("statistics", LOG),
    NOTE("statsdir", LOG),
    NOTE("tinker", "the first set of the clock is free, later steps follow "
                   "`makestep`"),
    NOTE("ttl", "it concerns multicast"),

    REFUSED("autokey", AUTOKEY),
    REFUSED("broadcast", BROADCAST),
    REFUSED("broadcastclient", BROADCAST),
    REFUSED("crypto", AUTOKEY),
    REFUSED("manycastclient", BROADCAST),
    REFUSED("manycastserver", BROADCAST),
    REFUSED("multicastclient", BROADCAST),
    REFUSED("ntpsigndsocket",
            "no MS-SNTP: replies signed by Samba are not possible"),
    REFUSED("unrestrict", "`restrict` lines that need no undoing"),
};

const struct kinds ntpconf_kinds = {kinds, COUNT(kinds)};

static void finish_local(struct config_builder *b)
{
    struct ntpconf *n = &b->ntpconf;
    int64_t stratum = n->stratum < 0 ? STRATUM_DEFAULT : n->stratum;
    char done[REPORT_TEXT_MAX + 1];
    struct text t = text_in(done, sizeof(done));

    if (n->local_clock.word.len == 0)
        return;
    if (stratum == 0)
        stratum = 1;
    local_set(b, (uint8_t)stratum);
    b->clock_given = true;
    text_add(&t, "translated to `local stratum ");
    text_add_number(&t, stratum);
    text_add(&t, "`");
    report_note(&b->report, n->local_clock.at, n->local_clock.word, done);
}

static void add_rule(struct config_builder *b, struct access *access,
                     const struct ip_addr6 *prefix, uint8_t bits, bool allow)
{
    struct access_rule rule = {*prefix, bits, allow};

    access_rule_add(b, access, b->ntpconf.restrict_at, &rule, false);
}

/* Where one line demands authentication, a more specific one may not. */
static void finish_notrust(struct config_builder *b)
{
    struct ntpconf *n = &b->ntpconf;

    if (!n->notrust)
        return;
    b->nts.require_at = n->restrict_at;
    for (unsigned i = 0; i < n->restrictions; i++)
        add_rule(b, &b->config.nts.require, &n->restriction[i].prefix,
                 n->restriction[i].bits, n->restriction[i].notrust);
}

/* ntpd answers everybody about whom nothing is said. */
static void finish_restrict(struct config_builder *b)
{
    struct ntpconf *n = &b->ntpconf;
    struct ip_addr6 v6 = {{0}}, v4 = ip_from_v4(v6.byte);

    if (n->restrictions == 0)
        return;
    if (!n->default_v4)
        add_rule(b, &b->config.access, &v4, 96, true);
    if (!n->default_v6)
        add_rule(b, &b->config.access, &v6, 0, true);
    if (!n->default_v4 || !n->default_v6)
        report_note(&b->report, n->restrict_at, word_of("restrict"),
                    n->default_v4 || n->default_v6
                        ? "`default` is of one family only: of the other "
                          "everybody may ask, as with ntpd"
                        : "no line is about `default`: everybody else may "
                          "ask, as with ntpd");
    for (unsigned i = 0; i < n->restrictions; i++)
        add_rule(b, &b->config.access, &n->restriction[i].prefix,
                 n->restriction[i].bits, !n->restriction[i].deny);
    finish_notrust(b);
    if (n->limited)
        b->config.ratelimit = (struct limit_config){.enabled = true,
                                                    .interval = 3,
                                                    .burst = 8,
                                                    .leak = 2,
                                                    .kod = n->kod ? KOD : 0};
}

void ntpconf_finish(struct config_builder *b)
{
    finish_local(b);
    finish_restrict(b);
    memset(&b->ntpconf, 0, sizeof(b->ntpconf));
    b->ntpconf.stratum = -1;
}
