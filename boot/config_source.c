/* SPDX-License-Identifier: BSD-2-Clause */
/* `server`, `pool` and `peer`, in both languages. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

#define NTP_PORT 123
#define KE_PORT  4460

/* Sets of certificates that sources of ntp.conf name, counted down. */
#define CERTSET_OWN UINT32_MAX

/* A line while it is being read: settings, and what they do not hold. */
struct line_options {
    struct config_source source;
    int16_t minpoll;
    int16_t maxpoll;
    int16_t presend;
    int16_t maxsamples; /* below 0: not given */
    bool ipv4;
    bool ipv6;
    int64_t nts_port; /* below 0: not given, like certset */
    int64_t certset;
    struct word ca; /* empty: not given */
};

#define FLAG(name, field) FLAG_OPTION(name, struct line_options, field)
#define WORD(name, field) WORD_OPTION(name, struct line_options, field, NULL)
#define NUMBER(name, field, places, min, max)                                  \
    NUMBER_OPTION(name, struct line_options, field, places, min, max)

/* Polls past what we do are taken, and clamped with a note. */
#define POLL_MIN    (-32)
#define POLL_MAX    32
#define OUR_MINPOLL 0
#define OUR_MAXPOLL 17

/* With fewer samples there is no frequency to be told. */
#define SAMPLES_MIN 4

static const struct option chrony_options[] = {
    FLAG("iburst", source.ntp.iburst),
    FLAG("burst", source.ntp.burst),
    FLAG("xleave", source.ntp.xleave),
    FLAG("copy", source.ntp.copy),
    FLAG("prefer", source.ntp.prefer),
    FLAG("noselect", source.ntp.noselect),
    FLAG("trust", source.ntp.trust),
    FLAG("require", source.ntp.require),
    NUMBER("minpoll", minpoll, 0, POLL_MIN, POLL_MAX),
    NUMBER("maxpoll", maxpoll, 0, POLL_MIN, POLL_MAX),
    NUMBER("key", source.key_id, 0, 1, UINT32_MAX),
    NUMBER("version", source.ntp.version, 0, 1, 4),
    NUMBER("port", source.port, 0, 1, UINT16_MAX),
    NUMBER("maxsources", source.max_sources, 0, 1, 16),
    NUMBER("minstratum", source.ntp.minstratum, 0, 0, 15),
    NUMBER("offset", source.ntp.offset_ns, 9, -SPAN_NS_MAX, SPAN_NS_MAX),
    NUMBER("maxdelay", source.ntp.maxdelay_ns, 9, 1, SPAN_NS_MAX),
    NUMBER("maxdelayratio", source.ntp.maxdelayratio_permille, 3, 0,
           UINT32_MAX),
    NUMBER("maxdelaydevratio", source.ntp.maxdelaydevratio_permille, 3, 0,
           UINT32_MAX),
    NUMBER("maxdelayquant", source.ntp.maxdelayquant_permille, 3, 0, 1000),
    NUMBER("mindelay", source.ntp.mindelay_ns, 9, 0, SPAN_NS_MAX),
    NUMBER("asymmetry", source.ntp.asymmetry_permille, 3, -500, 500),
    NUMBER("filter", source.ntp.filter, 0, 1, UINT8_MAX),
    NUMBER("maxsamples", maxsamples, 0, 0, INT16_MAX),
    NUMBER("maxunreach", source.ntp.maxunreach, 0, 0, INT32_MAX),
    NUMBER("polltarget", source.ntp.polltarget, 0, 6, 60),
    NUMBER("presend", presend, 0, POLL_MIN, INT16_MAX),
    FLAG("ipv4", ipv4),
    FLAG("ipv6", ipv6),
    FLAG("nts", source.nts),
    NUMBER("ntsport", nts_port, 0, 1, UINT16_MAX),
    NUMBER("certset", certset, 0, 0, UINT32_MAX),
    SKIP_OPTION("auto_offline", "treated as online"),
    SKIP_OPTION("offline", "treated as online"),
    SKIP_ARG_OPTION("minsamples",
                    "no sample is dropped for not being on a line: "
                    "how much the older ones count is learned"),
};

static const struct option ntp_options[] = {
    FLAG("iburst", source.ntp.iburst),
    FLAG("burst", source.ntp.burst),
    FLAG("prefer", source.ntp.prefer),
    FLAG("noselect", source.ntp.noselect),
    FLAG("true", source.ntp.trust),
    NUMBER("minpoll", minpoll, 0, POLL_MIN, POLL_MAX),
    NUMBER("maxpoll", maxpoll, 0, POLL_MIN, POLL_MAX),
    NUMBER("key", source.key_id, 0, 1, UINT32_MAX),
    NUMBER("version", source.ntp.version, 0, 1, 4),
    FLAG("nts", source.nts),
    WORD("ca", ca),
    SKIP_OPTION("preempt", "sources are not pre-empted here"),
    FLAG("xleave", source.ntp.xleave),
    SKIP_ARG_OPTION("mode", "it concerns reference clocks"),
    SKIP_ARG_OPTION("ttl", "it concerns multicast"),
    SKIP_ARG_OPTION("bias", "not followed: `offset` of chrony.conf is"),
};

/* A poll interval that we can keep; a note if that is another one. */
static int8_t clamp_poll(struct directive *d, const char *name, int poll,
                         int least)
{
    int kept = poll < least ? least : poll;

    if (kept > OUR_MAXPOLL)
        kept = OUR_MAXPOLL;
    if (kept != poll) {
        char done[REPORT_TEXT_MAX + 1];
        struct text t = text_in(done, sizeof(done));

        text_add(&t, name);
        text_add_char(&t, ' ');
        text_add_number(&t, kept);
        text_add(&t, " is used; ");
        text_add(&t, poll < least && least > OUR_MINPOLL
                         ? "it cannot be below minpoll"
                         : "0 to 17 are possible");
        directive_note(d, done);
    }
    return (int8_t)kept;
}

/* As many samples as an estimate can stand on, if that is limited. */
uint8_t clamp_samples(struct directive *d, int samples)
{
    if (samples <= 0 || samples >= FILTER_WINDOW)
        return 0;
    if (samples >= SAMPLES_MIN)
        return (uint8_t)samples;
    directive_note(d, "maxsamples 4 is used, the least that has a frequency");
    return SAMPLES_MIN;
}

/* A poll that is past all that we know is never reached. */
static int8_t clamp_presend(int poll)
{
    if (poll < 0)
        return 0;
    return (int8_t)(poll < SOURCE_PRESEND_NEVER ? poll : SOURCE_PRESEND_NEVER);
}

/* chrony.conf takes 127.127.1.0 for an address, which never answers. */
static bool check_literal(struct directive *d, struct word name,
                          const struct line_options *o,
                          const struct ip_addr6 *address)
{
    bool v4 = ip_is_v4(address);

    if (v4 && address->byte[12] == 127 && address->byte[13] == 127)
        return directive_refuse(d, name,
                                "a server; for its own clock chrony.conf has "
                                "`local stratum 10`");
    if (!value_is_unicast(address) || value_is_loopback(address))
        return directive_refuse(d, name, "the address of another host");
    if (v4 ? o->ipv6 : o->ipv4)
        return directive_refuse(d, name,
                                "an address of the family that is asked for");
    return true;
}

static bool check_name(struct directive *d, struct word name,
                       const struct line_options *o)
{
    struct ip_addr6 address;

    if (value_address(name, &address))
        return check_literal(d, name, o, &address);
    if (!value_host_name(name))
        return directive_refuse(d, name, "a host name or an address");
    return true;
}

/* Where a word of the line stands that was taken already. */
static struct word find_word(const struct directive *d, const char *name)
{
    struct line line = d->line;
    struct word word;

    line.at = d->name.at;
    while (line_word(&line, &word) && !word_is(word, name))
        ;
    return word;
}

/* NTS has keys of its own, and is of version 4 only. */
static bool check_nts(struct directive *d, const struct line_options *o)
{
    if (o->source.key_id != 0)
        return directive_refuse(d, find_word(d, "key"),
                                "`nts` or `key`, not both");
    if (o->source.ntp.version != 0 && o->source.ntp.version != 4)
        return directive_refuse(d, find_word(d, "version"),
                                "version 4 with `nts`");
    return true;
}

static void note_without_nts(struct directive *d, const struct line_options *o)
{
    static const char moot[] = "without `nts` it has no meaning";

    if (o->nts_port >= 0)
        directive_note_word(d, find_word(d, "ntsport"), moot);
    if (o->certset >= 0)
        directive_note_word(d, find_word(d, "certset"), moot);
    if (o->ca.len > 0)
        directive_note_word(d, find_word(d, "ca"), moot);
}

static bool check_options(struct directive *d, const struct line_options *o)
{
    if (o->source.nts && !check_nts(d, o))
        return false;
    if (!o->source.nts)
        note_without_nts(d, o);
    if (o->ipv4 && o->ipv6)
        return directive_refuse(d, d->name, "`ipv4` or `ipv6`, not both");
    return true;
}

static bool is_same(const struct config_source *a, uint16_t port,
                    struct word name)
{
    return a->port == port && word_is(name, a->name);
}

/* The line that is about the same source, or a new one. */
static unsigned find_source(const struct config *config, uint16_t port,
                            struct word name)
{
    unsigned i = 0;

    while (i < config->source_count && !is_same(&config->source[i], port, name))
        i++;
    return i;
}

/* Named twice it is still one source, or one server would be a majority. */
static bool source_add(struct directive *d, const struct config_source *source,
                       struct word name)
{
    struct config *config = &d->b->config;
    unsigned at = find_source(config, source->port, name);
    unsigned slots = source->max_sources;
    struct config_source *s = &config->source[at];

    for (unsigned i = 0; i < config->source_count; i++)
        slots += i == at ? 0 : config->source[i].max_sources;
    if (slots > CONFIG_SOURCES_MAX)
        return directive_refuse(
            d, name, "at most 32 sources, counting maxsources of each pool");
    if (at < config->source_count && s->nts && !source->nts)
        return directive_refuse(d, name,
                                "`nts` here too: it was named with it before");
    if (at < config->source_count)
        directive_note_word(d, name,
                            "named before: it is one source, with "
                            "the options of this line");
    else
        config->source_count++;

    *s = *source;
    memcpy(s->name, name.at, name.len);
    s->name[name.len] = 0;
    d->b->source_at[at] = directive_place(d, name.at);
    return true;
}

static void options_default(struct line_options *o, bool pool)
{
    *o = (struct line_options){.minpoll = 0};
    source_config_default(&o->source.ntp);
    o->minpoll = o->source.ntp.minpoll;
    o->maxpoll = o->source.ntp.maxpoll;
    o->presend = o->source.ntp.presend;
    o->maxsamples = -1;
    o->source.port = NTP_PORT;
    o->source.pool = pool;
    o->source.max_sources = pool ? 4 : 1;
    o->nts_port = -1;
    o->certset = -1;
}

/* ntpd takes -4 or -6 before the name. */
static bool take_name(struct directive *d, struct word *name,
                      struct line_options *o)
{
    if (!directive_word(d, name, "a host name or an address"))
        return false;
    if (d->dialect != DIALECT_NTP || name->at[0] != '-')
        return true;
    o->ipv4 = word_is(*name, "-4");
    o->ipv6 = word_is(*name, "-6");
    if (!o->ipv4 && !o->ipv6)
        return directive_refuse(d, *name, "-4, -6 or a host name");
    return directive_word(d, name, "a host name or an address");
}

static bool take_options(struct directive *d, struct line_options *o)
{
    if (d->dialect == DIALECT_NTP)
        return directive_options(d, ntp_options, COUNT(ntp_options), o);
    return directive_options(d, chrony_options, COUNT(chrony_options), o);
}

static void settle(struct directive *d, struct line_options *o)
{
    struct config_source *s = &o->source;

    if (!s->pool)
        s->max_sources = 1;
    s->ntp.minpoll = clamp_poll(d, "minpoll", o->minpoll, OUR_MINPOLL);
    s->ntp.maxpoll = clamp_poll(d, "maxpoll", o->maxpoll, s->ntp.minpoll);
    s->ntp.presend = clamp_presend(o->presend);
    s->samples_given = o->maxsamples >= 0;
    s->ntp.maxsamples = clamp_samples(d, o->maxsamples);
    if (o->ipv4)
        s->family = FAMILY_IPV4;
    if (o->ipv6)
        s->family = FAMILY_IPV6;
    s->nts_port = o->nts_port < 0 ? KE_PORT : (uint16_t)o->nts_port;
    s->certset = o->certset < 0 ? 0 : (uint32_t)o->certset;
}

/* ntpd names certificates with the source that they are for. */
static bool take_ca(struct directive *d, struct line_options *o)
{
    if (!o->source.nts || o->ca.len == 0)
        return true;
    o->certset = CERTSET_OWN - d->b->nts.trusteds;
    return nts_trusted_add(d, (uint32_t)o->certset, o->ca);
}

static bool add_line(struct directive *d)
{
    struct line_options o;
    struct word name;

    options_default(&o, word_is(d->name, "pool"));
    if (!take_name(d, &name, &o) || !take_options(d, &o) ||
        !check_options(d, &o) || !check_name(d, name, &o) || !take_ca(d, &o))
        return false;
    settle(d, &o);
    return source_add(d, &o.source, name);
}

void read_source(struct directive *d, const struct kind *kind)
{
    if (!add_line(d))
        d->b->sources_refused = true;
    else if (kind->note)
        directive_note(d, kind->note);
}
