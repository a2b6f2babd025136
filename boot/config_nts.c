/* SPDX-License-Identifier: BSD-2-Clause */
/* Directives of NTS, and the certificates and keys that they name. */
#include "boot/config_builder.h"
#include "boot/config_pem.h"
#include "boot/config_value.h"

#include <string.h>

#define A_FILE "a file of the boot archive"

static struct builder_named named(const struct directive *d, struct word word)
{
    return (struct builder_named){word, directive_place(d, word.at),
                                  d->dialect};
}

/* The one word that a directive takes. */
static bool read_word(struct directive *d, struct word *word,
                      const char *expected)
{
    return directive_word(d, word, expected) && directive_end(d);
}

/* Files are looked for when all layers are known. */
static bool file_add(struct directive *d, struct named_files *list,
                     struct word path)
{
    if (list->count == CONFIG_CERTS_MAX)
        return directive_refuse(d, d->name, "at most 4 of these");
    list->file[list->count++] = named(d, path);
    return true;
}

bool nts_cert_add(struct directive *d, struct word path)
{
    return file_add(d, &d->b->nts.cert, path);
}

bool nts_key_add(struct directive *d, struct word path)
{
    return file_add(d, &d->b->nts.key, path);
}

bool nts_trusted_add(struct directive *d, uint32_t id, struct word path)
{
    struct nts_named *n = &d->b->nts;

    if (n->trusteds == CONFIG_TRUSTED_MAX)
        return directive_refuse(d, d->name, "at most 16 of these");
    n->trusted_id[n->trusteds] = id;
    n->trusted[n->trusteds++] = named(d, path);
    return true;
}

void read_ntsservercert(struct directive *d, const struct kind *kind)
{
    struct word path;

    (void)kind;
    if (read_word(d, &path, A_FILE))
        nts_cert_add(d, path);
}

void read_ntsserverkey(struct directive *d, const struct kind *kind)
{
    struct word path;

    (void)kind;
    if (read_word(d, &path, A_FILE))
        nts_key_add(d, path);
}

/* [id] file */
void read_ntstrustedcerts(struct directive *d, const struct kind *kind)
{
    struct word word, path;
    int64_t id = 0;

    (void)kind;
    if (!directive_word(d, &word, A_FILE))
        return;
    if (!line_word(&d->line, &path)) {
        path = word;
    } else if (!value_integer(word, &id) || id < 0 || id > UINT32_MAX) {
        directive_refuse(d, word, "the number of a set, 0 to 4294967295");
        return;
    }
    if (directive_end(d))
        nts_trusted_add(d, (uint32_t)id, path);
}

void read_ntskeys(struct directive *d, const struct kind *kind)
{
    struct word path;

    (void)kind;
    if (read_word(d, &path, A_FILE))
        d->b->nts.keys = named(d, path);
}

void read_ntsrotate(struct directive *d, const struct kind *kind)
{
    d->b->nts.rotate = named(d, d->name);
    read_number(d, kind);
}

void read_ntsntpserver(struct directive *d, const struct kind *kind)
{
    const char *expected = "a host name or an address";
    struct config_nts *n = &d->b->config.nts;
    struct ip_addr6 address;
    struct word word;

    (void)kind;
    if (!read_word(d, &word, expected))
        return;
    if (word.len > CONFIG_NAME_MAX ||
        (!value_address(word, &address) && !value_host_name(word))) {
        directive_refuse(d, word, expected);
        return;
    }
    memcpy(n->ntp_server, word.at, word.len);
    n->ntp_server[word.len] = 0;
}

static bool is_our_aead(int64_t id)
{
    return id == 15 || id == 30;
}

/* In order of preference; those that we do not have are left out. */
void read_ntsaeads(struct directive *d, const struct kind *kind)
{
    const char *expected = "15 (AES-SIV-CMAC-256), 30 (AES-128-GCM-SIV), or "
                           "both";
    struct config_nts *n = &d->b->config.nts;
    uint8_t aead[2];
    unsigned count = 0;
    struct word word;

    (void)kind;
    while (line_word(&d->line, &word)) {
        int64_t id;

        if (!value_integer(word, &id)) {
            directive_refuse(d, word, expected);
            return;
        }
        if (!is_our_aead(id))
            directive_note_word(d, word, "this AEAD is not used here");
        else if (count == 0 || (count == 1 && aead[0] != id))
            aead[count++] = (uint8_t)id;
    }
    if (count == 0) {
        directive_refuse(d, word, expected);
        return;
    }
    memcpy(n->aead, aead, count);
    n->aeads = count;
}

/* There is no store to be left out; the line changes nothing. */
void read_nosystemcert(struct directive *d, const struct kind *kind)
{
    (void)kind;
    directive_end(d);
}

void read_nocerttimecheck(struct directive *d, const struct kind *kind)
{
    int64_t updates;

    if (!directive_number(d, &kind->setting, &updates) || !directive_end(d))
        return;
    setting_store(&d->b->config, &kind->setting, updates);
    if (updates < 0)
        directive_note(d, "certificates are accepted whatever their dates");
    else if (updates > 0)
        directive_note(d, "until the clock was updated that often, "
                          "certificates are accepted whatever their dates");
}

/* Does somebody get an answer here, and so cookies? */
static bool is_served(const struct config *c)
{
    if (c->port == 0 || c->nts.port == 0)
        return false;
    for (unsigned i = 0; i < c->access.count; i++)
        if (c->access.rule[i].allow)
            return true;
    return c->access.count == 0;
}

static void wrong_file(struct config_builder *b,
                       const struct builder_named *file, const char *expected)
{
    report_error(&b->report, file->at, file->word, expected);
}

static bool find_file(struct config_builder *b,
                      const struct builder_named *from, struct cpio_entry *e)
{
    if (!archive_find(b, from->word, e)) {
        wrong_file(b, from, A_FILE);
        return false;
    }
    if (e->len > CONFIG_FILE_MAX) {
        wrong_file(b, from, "a file of at most 262144 bytes");
        return false;
    }
    return true;
}

static struct word entry_text(const struct cpio_entry *e)
{
    return (struct word){(const char *)e->data, e->len};
}

static struct config_file entry_file(const struct cpio_entry *e)
{
    return (struct config_file){e->data, e->len, e->name};
}

static void load_cert(struct config_builder *b,
                      const struct builder_named *from,
                      struct config_file *file)
{
    struct cpio_entry e;

    if (!find_file(b, from, &e))
        return;
    if (pem_certificates(entry_text(&e)) != PEM_OK)
        wrong_file(b, from, "a certificate in PEM, and whole");
    *file = entry_file(&e);
    note_translation(b, from, "translated to `ntsservercert`");
}

static void load_cert_key(struct config_builder *b,
                          const struct builder_named *from,
                          struct config_file *file)
{
    struct cpio_entry e;
    enum pem_verdict verdict;

    if (!find_file(b, from, &e))
        return;
    verdict = pem_private_key(entry_text(&e));
    if (verdict == PEM_ENCRYPTED)
        wrong_file(b, from, "a private key that needs no password");
    else if (verdict != PEM_OK)
        wrong_file(b, from, "a private key in PEM, and whole");
    *file = entry_file(&e);
    note_translation(b, from, "translated to `ntsserverkey`");
}

/* The first that has no counterpart. */
static bool check_pairs(struct config_builder *b)
{
    const struct nts_named *n = &b->nts;

    if (n->cert.count > n->key.count)
        wrong_file(b, &n->cert.file[n->key.count],
                   "an `ntsserverkey` for each `ntsservercert`, in the same "
                   "order");
    if (n->key.count > n->cert.count)
        wrong_file(b, &n->key.file[n->cert.count],
                   "an `ntsservercert` for each `ntsserverkey`, in the same "
                   "order");
    return n->key.count == n->cert.count;
}

static void load_certs(struct config_builder *b)
{
    struct config_nts *c = &b->config.nts;
    const struct nts_named *n = &b->nts;

    if (!c->server) {
        if (n->cert.count > 0)
            report_note(&b->report, n->cert.file[0].at, n->cert.file[0].word,
                        "it is not needed: NTS-KE is not served");
        return;
    }
    if (!check_pairs(b))
        return;
    for (unsigned i = 0; i < n->cert.count; i++) {
        load_cert(b, &n->cert.file[i], &c->cert[i]);
        load_cert_key(b, &n->key.file[i], &c->key[i]);
    }
    c->certs = n->cert.count;
}

/* Nothing of such a line is shown, since all of it may be the key. */
static void refuse_key(struct directive *d, const char *expected)
{
    report_wrong(&d->b->report, directive_place(d, d->name.at), "another line",
                 expected);
}

static bool is_known(const struct config_nts *c, int64_t id)
{
    for (unsigned i = 0; i < c->given_count; i++)
        if (c->given[i].id == id)
            return true;
    return false;
}

/* id key */
static void read_given(struct directive *d)
{
    struct config_nts *c = &d->b->config.nts;
    struct nts_key_bytes given;
    struct word id_word, key, more;
    int64_t id;

    line_word(&d->line, &id_word);
    line_word(&d->line, &key);
    if (line_word(&d->line, &more) || !value_integer(id_word, &id) || id < 0 ||
        id > UINT32_MAX ||
        value_hex(key, given.key, sizeof(given.key)) != sizeof(given.key)) {
        refuse_key(d, "a number up to 4294967295 and 64 hexadecimal digits");
        return;
    }
    if (is_known(c, id)) {
        refuse_key(d, "each number once");
        return;
    }
    if (c->given_count == NTS_KEYS_KEPT) {
        refuse_key(d, "at most 3 keys, the newest first");
        return;
    }
    given.id = (uint32_t)id;
    c->given[c->given_count++] = given;
}

/* Keys that replicas share are changed by whoever gives them. */
static void stop_rotation(struct config_builder *b)
{
    const struct builder_named *rotate = &b->nts.rotate;

    if (rotate->word.len > 0 && b->config.nts.rotate_s > 0)
        report_note(&b->report, rotate->at, rotate->word,
                    "keys that `ntskeys` gives are not rotated here");
    b->config.nts.rotate_s = 0;
}

static void load_given(struct config_builder *b)
{
    const struct builder_named *from = &b->nts.keys;
    unsigned errors = b->report.errors;
    struct cpio_entry e;

    if (from->word.len == 0 || !find_file(b, from, &e))
        return;
    if (b->report.files == REPORT_FILES_MAX) {
        wrong_file(b, from, "at most 64 files");
        return;
    }
    read_records(b, &e, DIALECT_CHRONY, read_given);
    if (b->config.nts.given_count == 0 && b->report.errors == errors)
        wrong_file(b, from, "a file with a key in it");
    stop_rotation(b);
}

static bool is_used(const struct config *c, uint32_t certset)
{
    for (unsigned i = 0; i < c->source_count; i++)
        if (c->source[i].nts && c->source[i].certset == certset)
            return true;
    return false;
}

static void load_trusted(struct config_builder *b, unsigned i)
{
    const struct builder_named *from = &b->nts.trusted[i];
    uint32_t id = b->nts.trusted_id[i];
    struct config_nts *c = &b->config.nts;
    struct cpio_entry e;

    if (!is_used(&b->config, id)) {
        report_note(&b->report, from->at, from->word,
                    "no source needs these certificates");
        return;
    }
    if (!find_file(b, from, &e))
        return;
    if (pem_certificates(entry_text(&e)) != PEM_OK) {
        wrong_file(b, from, "certificates in PEM, and each of them whole");
        return;
    }
    c->trusted[c->trusteds++] = (struct config_trusted){id, entry_file(&e)};
    note_translation(b, from, "translated to `ntstrustedcerts`");
}

/* A file with an error counts: it was told, and is what is wrong. */
static bool is_named(const struct nts_named *n, uint32_t certset)
{
    for (unsigned i = 0; i < n->trusteds; i++)
        if (n->trusted_id[i] == certset)
            return true;
    return false;
}

/* Whom nobody vouches for is never followed: better said now. */
static void check_trust(struct config_builder *b, unsigned i)
{
    const struct config_source *s = &b->config.source[i];
    char found[REPORT_FOUND_MAX + 1];
    struct text t = text_in(found, sizeof(found));

    if (!s->nts || is_named(&b->nts, s->certset))
        return;
    text_add(&t, "nts without a certificate to trust");
    if (s->certset > 0) {
        text_add(&t, " in certset ");
        text_add_number(&t, s->certset);
    }
    report_wrong(&b->report, b->source_at[i], found,
                 "`ntstrustedcerts` with a file of the boot archive, since "
                 "there is no system store");
}

static void load_trusteds(struct config_builder *b)
{
    for (unsigned i = 0; i < b->nts.trusteds; i++)
        load_trusted(b, i);
    for (unsigned i = 0; i < b->config.source_count; i++)
        check_trust(b, i);
}

/* A demand that nobody could ever meet. */
static void check_require(struct config_builder *b)
{
    const struct config_nts *c = &b->config.nts;

    if (c->require_any && !c->server && b->nts.keys.word.len == 0)
        report_wrong(&b->report, b->nts.require_at,
                     "ntsrequire where nobody can get a cookie",
                     "`ntskeys`, or NTS-KE being served");
}

void nts_finish(struct config_builder *b)
{
    struct config_nts *c = &b->config.nts;

    c->server = is_served(&b->config);
    c->require_any = c->require.count > 0;
    load_certs(b);
    load_given(b);
    load_trusteds(b);
    check_require(b);
}
