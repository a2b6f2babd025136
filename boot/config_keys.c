/* SPDX-License-Identifier: BSD-2-Clause */
/* Key files: chrony's `keyfile` and ntpd's `keys`. */
#include "boot/config_builder.h"
#include "boot/config_value.h"

#include <string.h>

#define CMAC_KEY_LEN  16
#define NTP_ASCII_MAX 20 /* ntp.keys: a longer key is in hexadecimal */

struct key_type {
    const char *name;
    enum ntp_mac_type type;
};

static const struct key_type chrony_types[] = {
    {"MD5", MAC_MD5},
    {"SHA1", MAC_SHA1},
    {"SHA256", MAC_SHA256},
    {"AES128", MAC_AES128_CMAC},
};

static const struct key_type ntp_types[] = {
    {"M", MAC_MD5},
    {"MD5", MAC_MD5},
    {"SHA", MAC_SHA1},
    {"SHA1", MAC_SHA1},
    {"SHA-1", MAC_SHA1},
    {"SHA256", MAC_SHA256},
    {"SHA-256", MAC_SHA256},
    {"AES", MAC_AES128_CMAC},
    {"AES128", MAC_AES128_CMAC},
    {"AES-128", MAC_AES128_CMAC},
    {"AES128CMAC", MAC_AES128_CMAC},
    {"AES-128-CMAC", MAC_AES128_CMAC},
};

static bool find_type(enum dialect dialect, struct word name,
                      enum ntp_mac_type *type)
{
    bool ntp = dialect == DIALECT_NTP;
    const struct key_type *t = ntp ? ntp_types : chrony_types;
    size_t count = ntp ? COUNT(ntp_types) : COUNT(chrony_types);

    for (size_t i = 0; i < count; i++)
        if (word_is(name, t[i].name)) {
            *type = t[i].type;
            return true;
        }
    return false;
}

static bool secret_from_hex(struct ntp_key *key, struct word hex)
{
    key->secret_len = (uint8_t)value_hex(hex, key->secret, NTP_KEY_LEN_MAX);
    return key->secret_len > 0;
}

static bool secret_from_ascii(struct ntp_key *key, struct word text)
{
    if (text.len == 0 || text.len > NTP_KEY_LEN_MAX)
        return false;
    memcpy(key->secret, text.at, text.len);
    key->secret_len = (uint8_t)text.len;
    return true;
}

static bool read_secret(struct ntp_key *key, enum dialect dialect,
                        struct word text)
{
    if (dialect == DIALECT_NTP)
        return text.len > NTP_ASCII_MAX ? secret_from_hex(key, text)
                                        : secret_from_ascii(key, text);
    if (word_cut(&text, "HEX:"))
        return secret_from_hex(key, text);
    word_cut(&text, "ASCII:");
    return secret_from_ascii(key, text);
}

static bool is_used(const struct config_builder *b, int64_t id)
{
    for (unsigned i = 0; i < b->config.source_count; i++)
        if (b->config.source[i].key_id == id)
            return true;
    return false;
}

/* Types that other servers know.  What is none of them may be a secret. */
static bool is_known_type(struct word name)
{
    static const char *const known[] = {
        "AES256",    "AES-256",  "AES256CMAC", "BLAKE2b512", "BLAKE2s256",
        "CAMELLIA",  "MDC2",     "RIPEMD160",  "RMD160",     "SHA224",
        "SHA-224",   "SHA384",   "SHA-384",    "SHA512",     "SHA-512",
        "SHA3-224",  "SHA3-256", "SHA3-384",   "SHA3-512",   "TIGER",
        "WHIRLPOOL",
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (word_is(name, known[i]))
            return true;
    return false;
}

/* A key that we cannot make use of matters only if something needs it. */
static void skip_key(struct directive *d, int64_t id, struct word shown)
{
    if (is_used(d->b, id))
        directive_refuse(d, shown,
                         "a key of type MD5, SHA1, SHA256 or AES128, named: a "
                         "source needs it");
    else
        directive_note_word(d, shown,
                            "only keys of type MD5, SHA1, SHA256 and AES128 "
                            "are used, and the type has to be named");
}

/* Where a line is wrong the key id is shown, never what may be a key. */
static bool refuse_key(struct directive *d, const char *expected)
{
    return directive_refuse(d, d->name, expected);
}

/* id [type] key */
static bool split_key(struct directive *d, int64_t *id, struct word *type,
                      struct word *secret)
{
    static const struct setting ids = {0, 0, 0, 1, UINT32_MAX};
    struct word more;

    if (!directive_number(d, &ids, id))
        return false;
    if (!line_word(&d->line, type))
        return refuse_key(d, "id, type and key, like 1 SHA256 HEX:...");
    line_word(&d->line, secret);
    return !line_word(&d->line, &more) ||
           refuse_key(d, "id, type and key, and nothing behind them");
}

static bool check_key(struct directive *d, const struct ntp_key *key)
{
    if (key->type == MAC_AES128_CMAC && key->secret_len != CMAC_KEY_LEN)
        return refuse_key(d, "a key of 16 bytes behind AES128");
    if (ntp_key_find(&d->b->config.keys, key->id))
        return refuse_key(d, "each key id once");
    if (d->b->config.keys.count == NTP_KEYS_MAX)
        return refuse_key(d, "at most 64 keys");
    return true;
}

static void read_key(struct directive *d)
{
    struct ntp_keys *keys = &d->b->config.keys;
    struct ntp_key key = {.id = 0};
    struct word type, secret;
    int64_t id;

    if (!split_key(d, &id, &type, &secret))
        return;
    if (secret.len == 0 || !find_type(d->dialect, type, &key.type)) {
        skip_key(d, id, is_known_type(type) ? type : d->name);
        return;
    }
    key.id = (uint32_t)id;
    if (!read_secret(&key, d->dialect, secret))
        refuse_key(d, "1 to 64 bytes of key behind the type, in characters "
                      "or, after HEX:, with two digits each");
    else if (check_key(d, &key))
        keys->key[keys->count++] = key;
}

static void load_keyfile(struct config_builder *b)
{
    unsigned errors = b->report.errors;
    struct cpio_entry e;

    if (b->keyfile.word.len == 0)
        return;
    if (!archive_find(b, b->keyfile.word, &e)) {
        report_note(&b->report, b->keyfile.at, b->keyfile.word,
                    "the boot archive has no such file: there are no keys");
        return;
    }
    if (b->report.files == REPORT_FILES_MAX || e.len > CONFIG_FILE_MAX) {
        report_error(&b->report, b->keyfile.at, b->keyfile.word,
                     "a file of at most 262144 bytes, the 64th at most");
        return;
    }
    note_translation(b, &b->keyfile, "translated to `keyfile`");
    read_records(b, &e, b->keyfile.dialect, read_key);
    b->keys_refused |= b->report.errors > errors;
}

/* A source whose key there is not would go unauthenticated, or without time. */
static void bind_key(struct config_builder *b, unsigned i)
{
    struct config_source *s = &b->config.source[i];
    char found[REPORT_FOUND_MAX + 1];
    struct text t = text_in(found, sizeof(found));

    if (s->key_id == 0)
        return;
    s->ntp.key = ntp_key_find(&b->config.keys, s->key_id);
    if (s->ntp.key || b->keys_refused)
        return;
    text_add(&t, "key ");
    text_add_number(&t, s->key_id);
    report_wrong(&b->report, b->source_at[i], found,
                 b->keyfile.word.len ? "a key that the key file has"
                                     : "a `keyfile` with that key");
}

void keys_finish(struct config_builder *b)
{
    load_keyfile(b);
    for (unsigned i = 0; i < b->config.source_count; i++)
        bind_key(b, i);
}

void read_keyfile(struct directive *d, const struct kind *kind)
{
    struct word path;

    (void)kind;
    if (!directive_word(d, &path, "a file of the boot archive") ||
        !directive_end(d)) {
        d->b->keys_refused = true;
        return;
    }
    d->b->keyfile =
        (struct builder_named){path, directive_place(d, path.at), d->dialect};
}
