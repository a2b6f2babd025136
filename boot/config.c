/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings from chrony.conf's language, checked once, then const. */
#include "boot/config.h"

#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

#define CLIENT_LOG_DEFAULT 524288 /* bytes, as in chrony */

/* All but the network part, as chrony has it where nothing is said. */
static void defaults(struct config *c)
{
    c->source_count = 0;
    c->dhcp_sources = true;
    client_config_default(&c->client);
    c->keys.count = 0;
    c->leapseclist = (struct config_blob){NULL, 0};
    c->port = 123;
    c->access.count = 0;
    c->ratelimit = (struct limit_config){.interval = 3, .burst = 8, .leak = 2};
    c->client_log = true;
    c->client_log_bytes = CLIENT_LOG_DEFAULT;
    c->dscp = 0;
    c->logstats_s = 0;
}

void config_init(struct config_builder *b)
{
    memset(b, 0, sizeof(*b));
    defaults(&b->config);
    b->ntpconf.stratum = -1;
}

const struct report *config_report(const struct config_builder *b)
{
    return &b->report;
}

/* What a file is written in, by the directives that only one language has. */
struct language {
    enum dialect dialect;
    uint32_t line; /* that says so; 0: the name of the file */
    bool mixed;    /* a line of the other language was met */
};

static enum dialect directive_dialect(struct word name)
{
    bool chrony = kind_find(&chrony_kinds, name);
    bool ntp = kind_find(&ntpconf_kinds, name);

    if (chrony == ntp)
        return DIALECT_ANY;
    return chrony ? DIALECT_CHRONY : DIALECT_NTP;
}

static struct language find_language(struct lexer lexer, enum dialect dialect)
{
    struct line line;
    struct word name;

    while (lexer_line(&lexer, &line)) {
        if (line_is_comment(&line) || !line_word(&line, &name))
            continue;

        enum dialect found = directive_dialect(name);

        if (found != DIALECT_ANY)
            return (struct language){found, line.number, false};
    }
    return (struct language){dialect, 0, false};
}

/* `deny=10.0.0.0/8` is not one of the words for a Linux kernel. */
static bool is_assignment(const struct directive *d)
{
    const char *equals = memchr(d->name.at, '=', d->name.len);
    struct word name = {d->name.at, equals ? (size_t)(equals - d->name.at) : 0};

    return equals &&
           (kind_find(&own_kinds, name) || kind_find(&chrony_kinds, name));
}

static void refuse_unknown(struct directive *d)
{
    const char *nearest = slip_nearest(
        d->name, d->dialect == DIALECT_NTP ? &ntpconf_kinds : &chrony_kinds);
    char expected[REPORT_TEXT_MAX + 1];
    struct text t = text_in(expected, sizeof(expected));

    text_add(&t, "a directive");
    if (is_assignment(d)) {
        text_add(&t, " and a space in place of `=`");
    } else if (nearest) {
        text_add(&t, "; is it `");
        text_add(&t, nearest);
        text_add(&t, "`?");
    }
    directive_refuse(d, d->name, expected);
}

/* The two languages have words in common that mean different things. */
static void refuse_mixture(struct directive *d, struct language language)
{
    bool ntp = language.dialect == DIALECT_NTP;
    char expected[REPORT_TEXT_MAX + 1];
    struct text t = text_in(expected, sizeof(expected));

    text_add(&t, "a directive of ");
    text_add(&t, ntp ? "ntp.conf" : "chrony.conf");
    text_add(&t, ", whose language line ");
    text_add_number(&t, language.line);
    text_add(&t, " speaks: one language a file");
    directive_refuse(d, d->name, expected);
}

static void read_directive(struct directive *d, struct language *language)
{
    const struct kinds *kinds =
        d->dialect == DIALECT_NTP ? &ntpconf_kinds : &chrony_kinds;
    const struct kind *kind = kind_find(&own_kinds, d->name);

    if (!kind)
        kind = kind_find(kinds, d->name);
    if (kind) {
        kind->read(d, kind);
    } else if (directive_dialect(d->name) == DIALECT_ANY) {
        refuse_unknown(d);
    } else if (!language->mixed) {
        language->mixed = true;
        refuse_mixture(d, *language);
    }
}

/* No line of text has a zero in it, and none goes on for ever. */
static bool check_line(struct directive *d)
{
    size_t len = (size_t)(d->line.end - d->line.at);
    const char *zero = memchr(d->line.at, 0, len);

    if (zero)
        return directive_refuse(d, (struct word){zero, 1},
                                "text, which has no bytes of zero");
    if (len <= CONFIG_LINE_MAX)
        return true;
    report_wrong(&d->b->report, directive_place(d, d->line.at), "a longer line",
                 "at most 2047 bytes");
    return false;
}

static void read_line(struct directive *d, struct language *language)
{
    if (!check_line(d))
        return;
    if (d->dialect == DIALECT_NTP)
        line_strip_comment(&d->line);
    if (!line_is_comment(&d->line) && line_word(&d->line, &d->name))
        read_directive(d, language);
}

void read_lines(struct config_builder *b, uint8_t file, struct lexer lexer,
                enum dialect dialect)
{
    struct language language = find_language(lexer, dialect);
    bool finish = language.dialect == DIALECT_NTP &&
                  (dialect != DIALECT_NTP || b->depth == 0);
    struct line line;

    while (lexer_line(&lexer, &line)) {
        struct directive d = {b, line, {NULL, 0}, file, language.dialect};

        if (b->lines++ == CONFIG_LINES_MAX) {
            report_wrong(&b->report, directive_place(&d, line.at), "more lines",
                         "at most 4096 in all files together");
            break;
        }
        read_line(&d, &language);
    }
    if (finish)
        ntpconf_finish(b);
}

/* The mark that some editors put in front of UTF-8. */
static struct word skip_byte_order_mark(struct word text)
{
    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) {
        text.at += 3;
        text.len -= 3;
    }
    return text;
}

void read_text(struct config_builder *b, uint8_t file, struct word text,
               enum dialect dialect)
{
    if (text.len > CONFIG_FILE_MAX) {
        report_wrong(&b->report, (struct place){file, 0, 0}, "a larger file",
                     "at most 262144 bytes");
        return;
    }
    text = skip_byte_order_mark(text);
    read_lines(b, file, lexer_of(text.at, text.len), dialect);
}

void config_add_text(struct config_builder *b, const char *name,
                     const void *text, size_t len)
{
    read_text(b, report_file(&b->report, name, strlen(name)),
              (struct word){text, len}, DIALECT_CHRONY);
}

/* Is it whole?  A part of it could be the part without the `deny`. */
static bool check_archive(struct config_builder *b, uint8_t file,
                          struct reader r)
{
    struct cpio_entry e;
    enum cpio_result result;

    do
        result = cpio_next(&r, &e);
    while (result == CPIO_ENTRY);

    if (result == CPIO_END)
        return true;
    report_wrong(&b->report, (struct place){.file = file},
                 cpio_result_text(result), "an archive of `cpio -H newc`");
    return false;
}

/* The first of the usual names that is there. */
static bool find_main(const struct config_builder *b, struct cpio_entry *e,
                      enum dialect *dialect)
{
    if (archive_find_newest(b, word_of("gnomon.conf"), e) ||
        archive_find_newest(b, word_of("chrony.conf"), e)) {
        *dialect = DIALECT_CHRONY;
        return true;
    }
    *dialect = DIALECT_NTP;
    return archive_find_newest(b, word_of("ntp.conf"), e);
}

void config_add_archive(struct config_builder *b, const char *name,
                        const void *data, size_t len)
{
    uint8_t file = report_file(&b->report, name, strlen(name));
    struct reader r = reader_of(data, len);
    struct cpio_entry e;
    enum dialect dialect;

    if (b->archives == CONFIG_ARCHIVES_MAX) {
        report_wrong(&b->report, (struct place){.file = file},
                     "one more archive", "at most 4");
        return;
    }
    if (!check_archive(b, file, r))
        return;
    b->archive[b->archives++] = r;
    if (find_main(b, &e, &dialect))
        read_text(b, report_file(&b->report, e.name, e.name_len),
                  (struct word){(const char *)e.data, e.len}, dialect);
    else
        report_note(&b->report, (struct place){.file = file},
                    (struct word){NULL, 0},
                    "it has no gnomon.conf, chrony.conf or ntp.conf");
}

/* A note or error about no line in particular is about all of it. */
static struct place whole(struct config_builder *b)
{
    static const char name[] = "configuration";

    return (struct place){.file = report_file(&b->report, name, strlen(name))};
}

/* How many can agree: pools in full, sources that are never chosen not. */
static unsigned selectable_sources(const struct config *c)
{
    unsigned count = 0;

    for (unsigned i = 0; i < c->source_count; i++)
        if (!c->source[i].ntp.noselect)
            count += c->source[i].max_sources;
    return count;
}

static void check_minsources(struct config_builder *b)
{
    const struct config *c = &b->config;
    unsigned count = selectable_sources(c);
    char found[REPORT_FOUND_MAX + 1];
    struct text t = text_in(found, sizeof(found));

    if (c->dhcp_sources || b->sources_refused ||
        c->client.minsources <= count || c->client.minsources == 1)
        return;
    text_add(&t, "minsources ");
    text_add_number(&t, c->client.minsources);
    text_add(&t, " but ");
    text_add_number(&t, count);
    text_add(&t, count == 1 ? " source" : " sources");
    report_wrong(&b->report, b->minsources_at, found,
                 "at least that many sources, or the clock is never set");
}

static bool any_authenticated(const struct config *c)
{
    for (unsigned i = 0; i < c->source_count; i++)
        if (c->source[i].key_id != 0 && !c->source[i].ntp.noselect)
            return true;
    return false;
}

static void check_authselectmode(struct config_builder *b)
{
    if (b->config.client.authselectmode == AUTHSELECT_REQUIRE &&
        !b->sources_refused && !any_authenticated(&b->config))
        report_wrong(&b->report, b->authselectmode_at,
                     "authselectmode require without an authenticated source",
                     "a source with `key`, or the clock is never set");
}

/* The only address of its family, or none in particular. */
static bool bind_is_moot(const struct config *c, const struct ip_addr6 *bind)
{
    bool there = false;
    unsigned count = 0;

    for (unsigned i = 0; i < c->address_count; i++) {
        const struct ip_addr6 *a = &c->address[i].addr;

        count += ip_is_v4(a) == ip_is_v4(bind);
        there = there || ip_equal(a, bind);
    }
    return value_is_unspecified(bind) || (there && count == 1);
}

static void check_bind(struct config_builder *b)
{
    for (unsigned i = 0; i < b->binds; i++) {
        struct ip_addr6 address;

        if (!value_address(b->bind[i].word, &address) ||
            bind_is_moot(&b->config, &address))
            continue;
        report_error(&b->report, b->bind[i].at, b->bind[i].word,
                     "the only `address` of its family: this release answers "
                     "on every address it has");
    }
}

/* chrony 4.x has a lower bound for all sources as well as for one. */
static void apply_minstratum(struct config_builder *b)
{
    for (unsigned i = 0; i < b->config.source_count; i++) {
        struct source_config *s = &b->config.source[i].ntp;

        if (s->minstratum < b->minstratum)
            s->minstratum = (uint8_t)b->minstratum;
    }
}

/* Without a source of its own it takes DHCP's, and then its own clock. */
static void apply_sources(struct config_builder *b)
{
    struct config *c = &b->config;
    bool given = c->source_count > 0 || b->dhcp_given;

    c->dhcp_sources = b->dhcp_given || !given;
    if (b->local_given)
        return;
    c->client.local.enabled = !given;
    if (!given)
        report_note(&b->report, whole(b), (struct word){NULL, 0},
                    "no source is given: servers from DHCP are followed, and "
                    "without one our own clock is served at stratum 10");
}

static void find_leapseclist(struct config_builder *b)
{
    struct cpio_entry e;

    if (b->leapseclist.word.len == 0)
        return;
    if (archive_find(b, b->leapseclist.word, &e))
        b->config.leapseclist = (struct config_blob){e.data, e.len};
    else
        report_note(&b->report, b->leapseclist.at, b->leapseclist.word,
                    "the boot archive has no such file: leap seconds come "
                    "from the sources alone");
}

/* Half a configuration may be the half without the `deny`. */
static void refuse(struct config_builder *b)
{
    defaults(&b->config);
    b->config.dhcp_sources = false;
    b->config.client.local.enabled = false;
    b->config.refused = true;
}

const struct config *config_finish(struct config_builder *b)
{
    apply_minstratum(b);
    apply_sources(b);
    find_leapseclist(b);
    keys_finish(b);
    check_minsources(b);
    check_authselectmode(b);
    check_bind(b);
    if (b->report.errors > 0)
        refuse(b);
    else if (b->config.access.count == 0)
        report_note(&b->report, whole(b), (struct word){NULL, 0},
                    "neither `allow` nor `deny` is given: private and "
                    "link-local networks may ask");
    access_finish(b);
    report_sort(&b->report);
    return &b->config;
}
