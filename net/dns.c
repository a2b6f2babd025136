/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages: a question for addresses, and what was answered. */
#include "net/dns.h"

#include "ntp/bytes.h"

#define HEADER_LEN  12
#define CLASS_IN    1
#define TYPE_CNAME  5
#define LABEL_MAX   63
#define NAME_MAX    255 /* as labels on the wire */
#define POINTER     0xc0
#define FLAGS_QUERY 0x0100 /* recursion desired */
#define FLAG_REPLY  0x8000
#define OPCODE      0x7800
#define RCODE       0x000f
#define RCODE_NAME  3

/* Records looked at in one reply; no honest one has as many in 512 bytes. */
#define RECORDS_MAX 64

/* A name as labels, in lower case, without compression. */
struct name {
    uint8_t bytes[NAME_MAX];
    size_t len;
};

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool add_label(struct name *name, const uint8_t *label, size_t len)
{
    if (len + 1 > sizeof(name->bytes) - name->len)
        return false;

    name->bytes[name->len++] = (uint8_t)len;
    for (size_t i = 0; i < len; i++)
        name->bytes[name->len++] = lower(label[i]);
    return true;
}

static bool name_from_text(struct name *name, const char *text)
{
    name->len = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ".");

        if (len == 0 || len > LABEL_MAX ||
            !add_label(name, (const uint8_t *)text, len))
            return false;
        text += len;
        if (*text == '.')
            text++;
    }
    return name->len > 0 && add_label(name, NULL, 0);
}

static bool same_name(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/*
 * Read a name at `r` in the message of `len` bytes at `data`.  A pointer leads
 * to what came before it, so the way through them is finite; RFC 1035, 4.1.4.
 */
static bool read_name(struct reader *r, const uint8_t *data, size_t len,
                      struct name *name)
{
    struct reader at = *r;
    size_t before = len; /* pointers must lead to less than this */
    bool jumped = false;

    name->len = 0;
    for (;;) {
        size_t offset = len - at.left;
        uint8_t n = read_u8(&at);

        if (!at.ok)
            break;
        if ((n & POINTER) == POINTER) {
            size_t to = (size_t)(n & ~POINTER) << 8 | read_u8(&at);

            if (!at.ok || to >= offset || to >= before)
                break;
            if (!jumped)
                *r = at;
            jumped = true;
            before = to;
            at = reader_of(data + to, len - to);
            continue;
        }

        const uint8_t *label = read_bytes(&at, n);

        if (n > LABEL_MAX || label == NULL || !add_label(name, label, n))
            break;
        if (n == 0) {
            if (!jumped)
                *r = at;
            return true;
        }
    }
    r->ok = false;
    return false;
}

size_t dns_query(const struct dns_question *question,
                 uint8_t out[DNS_MESSAGE_MAX])
{
    struct name name;
    uint8_t *at = out + HEADER_LEN;

    if (!name_from_text(&name, question->name))
        return 0;

    memset(out, 0, HEADER_LEN);
    put_u16(out, question->id);
    put_u16(out + 2, FLAGS_QUERY);
    put_u16(out + 4, 1);
    memcpy(at, name.bytes, name.len);
    at += name.len;
    put_u16(at, question->type);
    put_u16(at + 2, CLASS_IN);
    return HEADER_LEN + name.len + 4;
}

/* The fixed part of a record. */
struct record {
    struct name owner;
    uint16_t type;
    uint16_t class;
    uint16_t len;
    struct reader data;
};

static bool read_record(struct reader *r, const uint8_t *data, size_t len,
                        struct record *record)
{
    if (!read_name(r, data, len, &record->owner))
        return false;

    record->type = read_u16(r);
    record->class = read_u16(r);
    (void)read_u32(r); /* how long it may be kept; we do not keep it */
    record->len = read_u16(r);
    record->data = *r;
    return read_bytes(r, record->len) != NULL;
}

static void take_addr(struct dns_addrs *addrs, const struct record *record)
{
    const uint8_t *bytes = record->data.at;
    struct ip_addr6 *addr = &addrs->addr[addrs->count];

    if (addrs->count >= DNS_ADDRS_MAX)
        return;
    if (record->type == DNS_TYPE_A && record->len == 4) {
        *addr = ip_from_v4(bytes);
        addrs->count++;
    } else if (record->type == DNS_TYPE_AAAA && record->len == 16) {
        memcpy(addr->byte, bytes, 16);
        /* IPv4 in IPv6's clothes is not for the wire. */
        if (!ip_is_v4(addr))
            addrs->count++;
    }
}

/* Collect the addresses of `name`, or of what it is an alias for. */
static bool read_answers(struct reader *r, const uint8_t *data, size_t len,
                         unsigned count, uint16_t type, struct name *name,
                         struct dns_addrs *addrs)
{
    for (unsigned i = 0; i < count && i < RECORDS_MAX; i++) {
        struct record record;

        /* What was cut off at the end is not there; the rest is good. */
        if (!read_record(r, data, len, &record))
            return addrs->count > 0;
        if (record.class != CLASS_IN || !same_name(&record.owner, name))
            continue;
        if (record.type == type)
            take_addr(addrs, &record);
        else if (record.type == TYPE_CNAME &&
                 !read_name(&record.data, data, len, name))
            return false;
    }
    return true;
}

enum dns_result dns_reply(const struct dns_question *question,
                          const uint8_t *data, size_t len,
                          struct dns_addrs *addrs)
{
    struct reader r = reader_of(data, len);
    struct dns_addrs found = {.count = 0};
    struct name asked, name;
    uint16_t id = read_u16(&r);
    uint16_t flags = read_u16(&r);
    uint16_t questions = read_u16(&r);
    uint16_t answers = read_u16(&r);

    (void)read_u32(&r); /* authority and additional records */
    if (!r.ok || id != question->id || !(flags & FLAG_REPLY) ||
        flags & OPCODE || questions != 1)
        return DNS_IGNORED;
    if (!name_from_text(&asked, question->name) ||
        !read_name(&r, data, len, &name) || !same_name(&name, &asked) ||
        read_u16(&r) != question->type || read_u16(&r) != CLASS_IN)
        return DNS_IGNORED;

    if ((flags & RCODE) == RCODE_NAME)
        return DNS_NO_NAME;
    if ((flags & RCODE) != 0 ||
        !read_answers(&r, data, len, answers, question->type, &name, &found))
        return DNS_FAILED;
    if (found.count == 0)
        return DNS_NO_ADDR;
    *addrs = found;
    return DNS_OK;
}
