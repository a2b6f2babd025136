/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept, as bytes on a disk: header, last words, two slots. */
#include "boot/state_image.h"

#include "ntp/bytes.h"

#include <mbedtls/sha256.h>
#include <string.h>

/*
 * Header, last words and slots all begin so, big-endian:
 *
 *     8    magic
 *     4    version
 *     4    bytes of what follows the 56
 *     8    generation, of a slot
 *     32   SHA-256 of the 24 bytes above and of what follows
 */
#define MAGIC_BYTES   8
#define AT_VERSION    8
#define AT_LEN        12
#define AT_GENERATION 16
#define AT_SUM        24
#define SUM_BYTES     32
#define HEAD_BYTES    (AT_SUM + SUM_BYTES)
#define VERSION       1

static const uint8_t header_magic[MAGIC_BYTES] = "GNOMON\r\n";
static const uint8_t words_magic[MAGIC_BYTES] = "GNOMONw\n";
static const uint8_t slot_magic[MAGIC_BYTES] = "GNOMONs\n";

/*
 * What a slot holds are items: tag, length, as many bytes.  A tag is never
 * used again for something else; what has an unknown one is passed over.
 */
#define ITEM_HEAD 4

enum tag {
    TAG_TIME = 1,   /* Unix seconds */
    TAG_KEY,        /* of cookies: identifier and key; newest first */
    TAG_KEY_AGE,    /* of the newest, s */
    TAG_CERT,       /* DER */
    TAG_CERT_KEY,   /* DER */
    TAG_UPSTREAM,   /* items of its own */
    TAG_GENERATION, /* identifier of the VM's generation */
    TAG_RATE        /* of the counter, Hz, and its skew: IEEE 754 */
};

enum upstream_tag {
    TAG_NAME = 1,
    TAG_KE_PORT,
    TAG_AEAD,
    TAG_COMPLIANT, /* empty */
    TAG_SERVER,
    TAG_PORT,
    TAG_C2S,
    TAG_S2C,
    TAG_SINCE,
    TAG_COOKIE,  /* one each */
    TAG_VALIDITY /* from, until: Unix seconds, signed */
};

/* All that there can be fits: items, and what each takes at most. */
#define UPSTREAM_BYTES                                                         \
    (12 * ITEM_HEAD + 2 * STATE_NAME_MAX + 3 * 2 + 2 * STATE_KEY_MAX + 3 * 8 + \
     STATE_COOKIES * (ITEM_HEAD + STATE_COOKIE_MAX))
_Static_assert(HEAD_BYTES + 8 * ITEM_HEAD + 8 + NTS_KEYS_KEPT * 40 + 8 +
                       STATE_CERT_MAX + STATE_CERT_KEY_MAX +
                       STATE_UPSTREAMS_MAX * UPSTREAM_BYTES +
                       STATE_GENERATION_ID + 16 <=
                   STATE_SLOT_BYTES,
               "a slot has room for everything");

/* The last date that can be meant: the end of the year 9999. */
#define UNIX_SECONDS_MAX 253402300799u

/* What is slower or faster is no counter, and what is not known better is not
 * known. */
#define RATE_LEAST_HZ 1e6
#define RATE_MOST_HZ  1e12
#define SKEW_MAX      0.1

static void checksum(const uint8_t *head, const uint8_t *body, size_t len,
                     uint8_t sum[SUM_BYTES])
{
    mbedtls_sha256_context sha256;

    mbedtls_sha256_init(&sha256);
    mbedtls_sha256_starts(&sha256, 0);
    mbedtls_sha256_update(&sha256, head, AT_SUM);
    mbedtls_sha256_update(&sha256, body, len);
    mbedtls_sha256_finish(&sha256, sum);
    mbedtls_sha256_free(&sha256);
}

/* Put a head in front of the `len` bytes that are there already. */
static void seal(uint8_t *at, const uint8_t magic[MAGIC_BYTES], size_t len,
                 uint64_t generation)
{
    memcpy(at, magic, MAGIC_BYTES);
    put_u32(at + AT_VERSION, VERSION);
    put_u32(at + AT_LEN, (uint32_t)len);
    put_u64(at + AT_GENERATION, generation);
    checksum(at, at + HEAD_BYTES, len, at + AT_SUM);
}

static bool is_zero(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] != 0)
            return false;
    }
    return true;
}

/* Judge `room` bytes, of which at most `*len` follow the head. */
static enum state_verdict open(const uint8_t *at, size_t room,
                               const uint8_t magic[MAGIC_BYTES], size_t *len)
{
    uint8_t sum[SUM_BYTES];

    if (room < HEAD_BYTES)
        return STATE_DAMAGED;
    if (memcmp(at, magic, MAGIC_BYTES) != 0)
        return is_zero(at, room) ? STATE_EMPTY : STATE_DAMAGED;
    *len = get_u32(at + AT_LEN);
    if (*len > room - HEAD_BYTES)
        return STATE_DAMAGED;
    checksum(at, at + HEAD_BYTES, *len, sum);
    if (memcmp(at + AT_SUM, sum, SUM_BYTES) != 0)
        return STATE_DAMAGED;
    return get_u32(at + AT_VERSION) == VERSION ? STATE_OK : STATE_UNKNOWN;
}

void state_header_write(uint8_t page[STATE_PAGE_BYTES])
{
    memset(page, 0, STATE_PAGE_BYTES);
    seal(page, header_magic, 0, 0);
}

enum state_verdict state_header_read(const uint8_t page[STATE_PAGE_BYTES])
{
    size_t len;

    return open(page, STATE_PAGE_BYTES, header_magic, &len);
}

/* How many bits of a page are not those of a header. */
static unsigned bits_off(const uint8_t page[STATE_PAGE_BYTES])
{
    uint8_t header[HEAD_BYTES];
    unsigned bits = 0;

    seal(header, header_magic, 0, 0);
    for (size_t i = 0; i < STATE_PAGE_BYTES; i++) {
        uint8_t right = i < HEAD_BYTES ? header[i] : 0;

        bits += (unsigned)__builtin_popcount(page[i] ^ right);
    }
    return bits;
}

bool state_header_rotten(const uint8_t *first)
{
    const uint8_t *words = first + STATE_WORDS_AT;
    const uint8_t *rest = words + STATE_PAGE_BYTES;
    size_t len;
    enum state_verdict verdict =
        open(words, STATE_PAGE_BYTES, words_magic, &len);

    return (is_zero(first, STATE_PAGE_BYTES) ||
            bits_off(first) <= STATE_ROTTEN_BITS_MAX) &&
           (verdict == STATE_OK || verdict == STATE_EMPTY) &&
           is_zero(rest, (size_t)(first + STATE_SLOT_BYTES - rest));
}

void state_words_write(uint8_t page[STATE_PAGE_BYTES], const char *text,
                       size_t len)
{
    if (len > STATE_PANIC_MAX)
        len = STATE_PANIC_MAX;
    memset(page, 0, STATE_PAGE_BYTES);
    memcpy(page + HEAD_BYTES, text, len);
    seal(page, words_magic, len, 0);
}

enum state_verdict state_words_read(const uint8_t page[STATE_PAGE_BYTES],
                                    char text[STATE_PANIC_MAX + 1])
{
    size_t len;
    enum state_verdict verdict =
        open(page, STATE_PAGE_BYTES, words_magic, &len);

    if (verdict != STATE_OK)
        return verdict;
    if (len > STATE_PANIC_MAX)
        return STATE_DAMAGED;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = page[HEAD_BYTES + i];

        text[i] = c == '\n' || (c >= ' ' && c <= '~') ? (char)c : '?';
    }
    text[len] = 0;
    return STATE_OK;
}

/* Writing.  `at` moves on; that there is room was shown above. */

static void write_item(uint8_t **at, unsigned tag, const void *body, size_t len)
{
    put_u16(*at, (uint16_t)tag);
    put_u16(*at + 2, (uint16_t)len);
    memcpy(*at + ITEM_HEAD, body, len);
    *at += ITEM_HEAD + len;
}

static void write_u16(uint8_t **at, unsigned tag, uint16_t value)
{
    uint8_t bytes[2];

    put_u16(bytes, value);
    write_item(at, tag, bytes, sizeof(bytes));
}

static void write_u64(uint8_t **at, unsigned tag, uint64_t value)
{
    uint8_t bytes[8];

    put_u64(bytes, value);
    write_item(at, tag, bytes, sizeof(bytes));
}

static void write_text(uint8_t **at, unsigned tag,
                       const char text[STATE_NAME_MAX + 1])
{
    size_t len = 0;

    while (len < STATE_NAME_MAX && text[len])
        len++;
    if (len > 0)
        write_item(at, tag, text, len);
}

static void write_validity(uint8_t **at, const struct state_upstream *u)
{
    uint8_t bytes[16];

    put_u64(bytes, (uint64_t)u->not_before);
    put_u64(bytes + 8, (uint64_t)u->not_after);
    write_item(at, TAG_VALIDITY, bytes, sizeof(bytes));
}

static void write_upstream(uint8_t **at, const struct state_upstream *u)
{
    uint8_t *start = *at;

    *at += ITEM_HEAD;
    write_text(at, TAG_NAME, u->name);
    write_u16(at, TAG_KE_PORT, u->ke_port);
    write_u16(at, TAG_AEAD, u->aead);
    if (u->compliant)
        write_item(at, TAG_COMPLIANT, "", 0);
    write_text(at, TAG_SERVER, u->server);
    write_u16(at, TAG_PORT, u->port);
    write_item(at, TAG_C2S, u->c2s, STATE_KEY_MAX);
    write_item(at, TAG_S2C, u->s2c, STATE_KEY_MAX);
    write_u64(at, TAG_SINCE, u->unix_seconds);
    write_validity(at, u);
    for (unsigned i = 0; i < u->cookies && i < STATE_COOKIES; i++) {
        if (u->cookie[i].len > 0 && u->cookie[i].len <= STATE_COOKIE_MAX)
            write_item(at, TAG_COOKIE, u->cookie[i].bytes, u->cookie[i].len);
    }
    put_u16(start, TAG_UPSTREAM);
    put_u16(start + 2, (uint16_t)(*at - start - ITEM_HEAD));
}

static void write_keys(uint8_t **at, const struct state_data *data)
{
    uint8_t bytes[4 + sizeof(data->nts.key[0].key)];

    for (unsigned i = 0; i < data->nts.count && i < NTS_KEYS_KEPT; i++) {
        put_u32(bytes, data->nts.key[i].id);
        memcpy(bytes + 4, data->nts.key[i].key, sizeof(bytes) - 4);
        write_item(at, TAG_KEY, bytes, sizeof(bytes));
    }
    if (data->nts.count > 0)
        write_u64(at, TAG_KEY_AGE, data->nts.age_s);
}

static void write_rate(uint8_t **at, const struct state_data *data)
{
    uint8_t bytes[16];
    uint64_t bits[2];

    memcpy(&bits[0], &data->counter_hz, 8);
    memcpy(&bits[1], &data->counter_skew, 8);
    put_u64(bytes, bits[0]);
    put_u64(bytes + 8, bits[1]);
    write_item(at, TAG_RATE, bytes, sizeof(bytes));
}

size_t state_image_write(uint8_t slot[STATE_SLOT_BYTES],
                         const struct state_data *data)
{
    uint8_t *at = slot + HEAD_BYTES;

    if (data->unix_seconds)
        write_u64(&at, TAG_TIME, data->unix_seconds);
    write_keys(&at, data);
    if (data->own.cert_len > 0 && data->own.cert_len <= STATE_CERT_MAX &&
        data->own.key_len > 0 && data->own.key_len <= STATE_CERT_KEY_MAX) {
        write_item(&at, TAG_CERT, data->own.cert, data->own.cert_len);
        write_item(&at, TAG_CERT_KEY, data->own.key, data->own.key_len);
    }
    for (unsigned i = 0; i < data->upstreams && i < STATE_UPSTREAMS_MAX; i++)
        write_upstream(&at, &data->upstream[i]);
    if (data->has_generation_id)
        write_item(&at, TAG_GENERATION, data->generation_id,
                   STATE_GENERATION_ID);
    if (data->counter_hz > 0)
        write_rate(&at, data);
    return (size_t)(at - slot);
}

void state_image_seal(uint8_t *slot, size_t len, uint64_t generation)
{
    seal(slot, slot_magic, len - HEAD_BYTES, generation);
}

/* Reading. */

struct item {
    uint16_t tag;
    uint16_t len;
    const uint8_t *body;
};

/* The next item; false at the end, or when it is not all there. */
static bool next_item(struct reader *r, struct item *item)
{
    if (r->left == 0)
        return false;
    item->tag = read_u16(r);
    item->len = read_u16(r);
    item->body = read_bytes(r, item->len);
    return r->ok;
}

static bool are_items(const uint8_t *at, size_t len)
{
    struct reader r = reader_of(at, len);
    struct item item;

    while (next_item(&r, &item)) {
    }
    return r.ok;
}

static void read_number(const struct item *item, uint16_t *to)
{
    if (item->len == 2)
        *to = get_u16(item->body);
}

static void read_array(const struct item *item, uint8_t *to, size_t len)
{
    if (item->len == len)
        memcpy(to, item->body, len);
}

/* A name is printable, without spaces. */
static void read_text(const struct item *item, char to[STATE_NAME_MAX + 1])
{
    if (item->len > STATE_NAME_MAX)
        return;
    for (size_t i = 0; i < item->len; i++) {
        if (item->body[i] <= ' ' || item->body[i] > '~')
            return;
    }
    memcpy(to, item->body, item->len);
    to[item->len] = 0;
}

static void read_upstream_item(const struct item *item,
                               struct state_upstream *u)
{
    switch (item->tag) {
    case TAG_NAME:
        read_text(item, u->name);
        break;
    case TAG_KE_PORT:
        read_number(item, &u->ke_port);
        break;
    case TAG_AEAD:
        read_number(item, &u->aead);
        break;
    case TAG_COMPLIANT:
        u->compliant = true;
        break;
    case TAG_SERVER:
        read_text(item, u->server);
        break;
    case TAG_PORT:
        read_number(item, &u->port);
        break;
    case TAG_C2S:
        read_array(item, u->c2s, STATE_KEY_MAX);
        break;
    case TAG_S2C:
        read_array(item, u->s2c, STATE_KEY_MAX);
        break;
    case TAG_SINCE:
        if (item->len == 8)
            u->unix_seconds = get_u64(item->body);
        break;
    case TAG_VALIDITY:
        if (item->len == 16) {
            u->not_before = (int64_t)get_u64(item->body);
            u->not_after = (int64_t)get_u64(item->body + 8);
        }
        break;
    case TAG_COOKIE:
        if (item->len > 0 && item->len <= STATE_COOKIE_MAX &&
            u->cookies < STATE_COOKIES) {
            memcpy(u->cookie[u->cookies].bytes, item->body, item->len);
            u->cookie[u->cookies++].len = item->len;
        }
        break;
    }
}

static void read_upstream(const struct item *item, struct state_data *data)
{
    struct reader r = reader_of(item->body, item->len);
    struct state_upstream *u;
    struct item inner;

    if (data->upstreams == STATE_UPSTREAMS_MAX)
        return;
    u = &data->upstream[data->upstreams];
    while (next_item(&r, &inner))
        read_upstream_item(&inner, u);
    if (r.ok && u->name[0])
        data->upstreams++;
    else
        memset(u, 0, sizeof(*u));
}

static void read_key(const struct item *item, struct state_data *data)
{
    struct nts_key_bytes *key = &data->nts.key[data->nts.count];

    if (data->nts.count == NTS_KEYS_KEPT || item->len != 4 + sizeof(key->key))
        return;
    key->id = get_u32(item->body);
    memcpy(key->key, item->body + 4, sizeof(key->key));
    data->nts.count++;
}

static void read_der(const struct item *item, uint8_t *to, size_t room,
                     uint16_t *len)
{
    if (item->len > room)
        return;
    memcpy(to, item->body, item->len);
    *len = item->len;
}

static void read_rate(const struct item *item, struct state_data *data)
{
    double value[2];
    uint64_t bits;

    if (item->len != 16)
        return;
    for (unsigned i = 0; i < 2; i++) {
        bits = get_u64(item->body + 8 * i);
        memcpy(&value[i], &bits, 8);
    }
    /* Written so that a NaN fails. */
    if (!(value[0] > RATE_LEAST_HZ && value[0] < RATE_MOST_HZ &&
          value[1] >= 0 && value[1] < SKEW_MAX))
        return;
    data->counter_hz = value[0];
    data->counter_skew = value[1];
}

static void read_item(const struct item *item, struct state_data *data)
{
    switch (item->tag) {
    case TAG_TIME:
        if (item->len == 8 && get_u64(item->body) <= UNIX_SECONDS_MAX)
            data->unix_seconds = get_u64(item->body);
        break;
    case TAG_KEY:
        read_key(item, data);
        break;
    case TAG_KEY_AGE:
        if (item->len == 8)
            data->nts.age_s = get_u64(item->body);
        break;
    case TAG_CERT:
        read_der(item, data->own.cert, STATE_CERT_MAX, &data->own.cert_len);
        break;
    case TAG_CERT_KEY:
        read_der(item, data->own.key, STATE_CERT_KEY_MAX, &data->own.key_len);
        break;
    case TAG_UPSTREAM:
        read_upstream(item, data);
        break;
    case TAG_GENERATION:
        data->has_generation_id = item->len == STATE_GENERATION_ID;
        read_array(item, data->generation_id, STATE_GENERATION_ID);
        break;
    case TAG_RATE:
        read_rate(item, data);
        break;
    }
}

size_t state_image_bytes(const uint8_t page[STATE_PAGE_BYTES])
{
    uint32_t len = get_u32(page + AT_LEN);

    if (memcmp(page, slot_magic, MAGIC_BYTES) != 0 ||
        len < STATE_PAGE_BYTES - HEAD_BYTES)
        return STATE_PAGE_BYTES;
    if (len > STATE_SLOT_BYTES - HEAD_BYTES)
        return STATE_SLOT_BYTES;
    return len + HEAD_BYTES;
}

enum state_verdict state_image_read(const uint8_t *slot, size_t len,
                                    struct state_data *data,
                                    uint64_t *generation)
{
    const uint8_t *body = slot + HEAD_BYTES;
    struct item item;
    size_t body_len;
    enum state_verdict verdict = open(slot, len, slot_magic, &body_len);

    if (verdict == STATE_OK && !are_items(body, body_len))
        verdict = STATE_DAMAGED;
    if (verdict == STATE_OK || verdict == STATE_UNKNOWN)
        *generation = get_u64(slot + AT_GENERATION);
    if (verdict != STATE_OK || !data)
        return verdict;

    memset(data, 0, sizeof(*data));
    struct reader r = reader_of(body, body_len);
    while (next_item(&r, &item))
        read_item(&item, data);
    if (data->own.cert_len == 0 || data->own.key_len == 0)
        memset(&data->own, 0, sizeof(data->own));
    return STATE_OK;
}
