/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be seen only when all layers are read. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

void note_whole(struct config_builder *b, const char *done)
{
    static const char name[] = "configuration";
    struct place at = {.file = report_file(&b->report, name, strlen(name))};

    report_note(&b->report, at, (struct word){NULL, 0}, done);
}

void note_translation(struct config_builder *b,
                      const struct builder_named *file, const char *done)
{
    if (file->dialect == DIALECT_NTP)
        report_note(&b->report, file->at, file->word, done);
}

/* How many can agree: pools in full, sources that are never chosen not. */
static unsigned selectable_sources(const struct config *c)
{
    unsigned count = 0;

    for (unsigned i = 0; i < c->source_count; i++)
        if (!c->source[i].ntp.noselect)
            count += c->source[i].max_sources;
    for (unsigned i = 0; i < c->refclock_count; i++)
        count += !c->refclock[i].ntp.source.noselect;
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

/* Reference clocks take the client's slots as servers do. */
static void check_slots(struct config_builder *b)
{
    const struct config *c = &b->config;
    unsigned count = c->refclock_count;

    for (unsigned i = 0; i < c->source_count; i++)
        count += c->source[i].max_sources;
    if (c->refclock_count > 0 && count > CONFIG_SOURCES_MAX)
        report_wrong(&b->report, b->source_at[0],
                     "more sources and reference clocks",
                     "at most 32 in all, counting maxsources of each pool");
}

static bool any_authenticated(const struct config *c)
{
    for (unsigned i = 0; i < c->source_count; i++)
        if ((c->source[i].nts || c->source[i].key_id != 0) &&
            !c->source[i].ntp.noselect)
            return true;
    /* What the platform says is trusted, as in chrony. */
    for (unsigned i = 0; i < c->refclock_count; i++)
        if (!c->refclock[i].ntp.source.noselect)
            return true;
    return false;
}

static void check_authselectmode(struct config_builder *b)
{
    if (b->config.client.authselectmode == AUTHSELECT_REQUIRE &&
        !b->sources_refused && !any_authenticated(&b->config))
        report_wrong(&b->report, b->authselectmode_at,
                     "authselectmode require without an authenticated source",
                     "a source with `nts` or `key`, or the clock is never set");
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

static void apply_maxsamples(struct config_builder *b)
{
    for (unsigned i = 0; i < b->config.source_count; i++)
        if (!b->config.source[i].samples_given)
            b->config.source[i].ntp.maxsamples = b->maxsamples;
    for (unsigned i = 0; i < b->config.refclock_count; i++)
        if (!b->config.refclock[i].samples_given)
            b->config.refclock[i].ntp.source.maxsamples = b->maxsamples;
}

/* The sources that `initstepslew` names are asked at once. */
static bool hurry(struct config *c, struct word name)
{
    bool found = false;

    for (unsigned i = 0; i < c->source_count; i++) {
        if (!word_is(name, c->source[i].name))
            continue;
        c->source[i].ntp.iburst = true;
        found = true;
    }
    return found;
}

static void apply_initstepslew(struct config_builder *b)
{
    if (b->initstep_ns > 0 && !b->makestep_given) {
        b->config.client.makestep_ns = b->initstep_ns;
        b->config.client.makestep_count = 1;
    }
    for (unsigned i = 0; i < b->initsteps; i++)
        if (!hurry(&b->config, b->initstep[i].word))
            report_note(&b->report, b->initstep[i].at, b->initstep[i].word,
                        "not asked: no `server` line names it");
}

/* Without a source of its own it takes DHCP's, and then its own clock. */
static void apply_sources(struct config_builder *b)
{
    struct config *c = &b->config;
    bool given = c->source_count > 0 || c->refclock_count > 0 ||
                 b->dhcp_given || b->clock_given;

    c->dhcp_sources = b->dhcp_given || !given;
    if (b->local_given)
        return;
    c->client.local.enabled = !given;
    if (!given && b->report.errors == 0)
        note_whole(b, "no source is given: servers from DHCP are followed, "
                      "and without one our own clock is served at stratum 10");
}

static void read_leap_list(struct config_builder *b)
{
    const struct builder_named *file = &b->leapseclist;
    enum leap_list_result result;
    struct cpio_entry e;

    if (file->word.len == 0)
        return;
    if (!archive_find(b, file->word, &e)) {
        report_note(&b->report, file->at, file->word,
                    "the boot archive has no such file: the list of the "
                    "image is used");
        return;
    }
    note_translation(b, file, "translated to `leapseclist`");
    result = leap_list_read(&b->config.leaps, e.data, e.len);
    if (result != LEAP_LIST_OK)
        report_wrong(&b->report, file->at, leap_list_result_text(result),
                     "a file leap-seconds.list, of NIST or IERS");
}

static void check_smoothtime(struct config_builder *b)
{
    const struct client_config *c = &b->config.client;

    if (c->smooth_frequency_ppb > 0 && c->leapsecmode != LEAPSEC_SLEW)
        note_whole(b, "`smoothtime` smears leap seconds where `leapsecmode "
                      "slew` is, and here it is not");
}

void check_all(struct config_builder *b)
{
    apply_minstratum(b);
    apply_maxsamples(b);
    apply_initstepslew(b);
    read_leap_list(b);
    keys_finish(b);
    nts_finish(b);
    check_bind(b);
    check_smoothtime(b);
    apply_sources(b);
    check_slots(b);
    check_minsources(b);
    check_authselectmode(b);
}
