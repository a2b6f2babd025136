/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings from chrony.conf's language, checked once, then const. */
#include "boot/config.h"

#include "boot/config_builder.h"

#include <string.h>

#define CLIENT_LOG_DEFAULT 524288 /* bytes, as in chrony */

/* RFC 8915's port, and what chrony has where nothing is said. */
static void nts_defaults(struct config_nts *n)
{
    memset(n, 0, sizeof(*n));
    n->port = 4460;
    n->rotate_s = 7 * 86400;
    n->aead[n->aeads++] = 30;
    n->aead[n->aeads++] = 15;
    n->max_connections = 100;
    n->ratelimit = (struct limit_config){.interval = 6, .burst = 8, .leak = 2};
    n->refresh_s = 28 * 86400;
    n->state_wanted = true;
}

/* All but the network part, as chrony has it where nothing is said. */
static void defaults(struct config *c)
{
    c->source_count = 0;
    c->refclock_count = 0;
    c->dhcp_sources = true;
    client_config_default(&c->client);
    c->keys.count = 0;
    c->leaps.count = 0;
    c->port = 123;
    c->access.count = 0;
    c->ratelimit = (struct limit_config){.interval = 3, .burst = 8, .leak = 2};
    c->client_log = true;
    c->client_log_bytes = CLIENT_LOG_DEFAULT;
    c->dscp = 0;
    c->logstats_s = 0;
    nts_defaults(&c->nts);
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

/* Half a configuration may be the half without the `deny`. */
static void refuse(struct config_builder *b)
{
    defaults(&b->config);
    b->config.dhcp_sources = false;
    b->config.client.local.enabled = false;
    b->config.nts.state_wanted = false;
    b->config.refused = true;
}

const struct config *config_finish(struct config_builder *b)
{
    check_all(b);
    if (b->report.errors > 0)
        refuse(b);
    access_finish(b);
    report_sort(&b->report);
    return &b->config;
}
