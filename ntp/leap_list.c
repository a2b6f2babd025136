/* SPDX-License-Identifier: BSD-2-Clause */
/* leap-seconds.list, as NIST and IERS publish it. */
#include "ntp/leap_list.h"

#include "ntp/hex.h"

#include <mbedtls/sha1.h>

#include <string.h>

#define DAY_SECONDS 86400
#define HASH_LEN    20
#define DIGITS_MAX  18 /* that an int64_t holds in any case */

const char *leap_list_result_text(enum leap_list_result result)
{
#define RESULT_TEXT(id, text) text,
    static const char *const texts[] = {LEAP_LIST_RESULTS(RESULT_TEXT)};
#undef RESULT_TEXT

    return texts[result];
}

/* A line being read from its front. */
struct cursor {
    const char *at;
    const char *end;
};

/* What is being read, beside the list. */
struct reading {
    struct leap_list *list;
    mbedtls_sha1_context sha1;
    uint8_t hash[HASH_LEN];
    bool has_hash;
    bool has_updated;
    bool has_expires;
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end &&
           (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool at_end(struct cursor *c)
{
    skip_space(c);
    return c->at == c->end || *c->at == '#';
}

/* Decimal digits; they are what the hash is of. */
static bool take_number(struct cursor *c, struct reading *r, int64_t *number)
{
    int64_t value = 0;

    skip_space(c);

    const char *start = c->at;

    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' &&
           c->at - start < DIGITS_MAX)
        value = value * 10 + (*c->at++ - '0');
    mbedtls_sha1_update(&r->sha1, (const uint8_t *)start,
                        (size_t)(c->at - start));
    *number = value;
    return c->at > start;
}

/* 32 bits in hexadecimal, perhaps without the zeros in front. */
static bool take_word(struct cursor *c, uint8_t word[4])
{
    uint32_t value = 0;
    unsigned digits = 0;

    skip_space(c);
    while (c->at < c->end && hex_digit(*c->at) >= 0 && digits < 8) {
        value = value << 4 | (uint32_t)hex_digit(*c->at++);
        digits++;
    }
    for (int i = 0; i < 4; i++)
        word[i] = (uint8_t)(value >> (24 - 8 * i));
    return digits > 0;
}

static bool take_hash(struct cursor *c, uint8_t hash[HASH_LEN])
{
    for (int i = 0; i < HASH_LEN; i += 4)
        if (!take_word(c, hash + i))
            return false;
    return at_end(c);
}

/* #$ when it was made, #@ when it expires, #h its hash; else a comment. */
static enum leap_list_result read_comment(struct cursor *c, struct reading *r)
{
    char kind = c->end - c->at > 1 ? c->at[1] : ' ';

    c->at += c->end - c->at > 1 ? 2 : 1;
    if (kind == 'h') {
        r->has_hash = true;
        return take_hash(c, r->hash) ? LEAP_LIST_OK : LEAP_LIST_HASH;
    }
    if (kind == '$') {
        r->has_updated = take_number(c, r, &r->list->updated) && at_end(c);
        return r->has_updated ? LEAP_LIST_OK : LEAP_LIST_DATES;
    }
    if (kind == '@') {
        r->has_expires = take_number(c, r, &r->list->expires) && at_end(c);
        return r->has_expires ? LEAP_LIST_OK : LEAP_LIST_DATES;
    }
    return LEAP_LIST_OK;
}

static enum leap_list_result add_entry(struct leap_list *list, int64_t seconds,
                                       int64_t tai)
{
    if (list->count == LEAP_LIST_MAX)
        return LEAP_LIST_MANY;
    if (seconds % DAY_SECONDS != 0 || tai > INT32_MAX)
        return LEAP_LIST_STEP;
    if (list->count > 0) {
        const struct leap_list_entry *last = &list->entry[list->count - 1];

        if (seconds <= last->seconds)
            return LEAP_LIST_ORDER;
        if (tai - last->tai != 1 && tai - last->tai != -1)
            return LEAP_LIST_STEP;
    }
    list->entry[list->count++] =
        (struct leap_list_entry){seconds, (int32_t)tai};
    return LEAP_LIST_OK;
}

static enum leap_list_result read_line(struct cursor *c, struct reading *r)
{
    int64_t seconds, tai;

    skip_space(c);
    if (c->at == c->end)
        return LEAP_LIST_OK;
    if (*c->at == '#')
        return read_comment(c, r);
    if (!take_number(c, r, &seconds) || c->at == c->end ||
        (*c->at != ' ' && *c->at != '\t') || !take_number(c, r, &tai) ||
        !at_end(c))
        return LEAP_LIST_NUMBER;
    return add_entry(r->list, seconds, tai);
}

static enum leap_list_result read_lines(struct reading *r, const char *text,
                                        size_t len)
{
    const char *end = text + len;

    while (text < end) {
        const char *lf = memchr(text, '\n', (size_t)(end - text));
        struct cursor line = {text, lf ? lf : end};
        enum leap_list_result result = read_line(&line, r);

        if (result != LEAP_LIST_OK)
            return result;
        text = lf ? lf + 1 : end;
    }
    if (r->list->count == 0)
        return LEAP_LIST_EMPTY;
    if (!r->has_updated || !r->has_expires)
        return LEAP_LIST_DATES;
    return LEAP_LIST_OK;
}

/* Over the digits of all numbers, in the order of the lines. */
static enum leap_list_result verify(struct reading *r)
{
    uint8_t hash[HASH_LEN];

    mbedtls_sha1_finish(&r->sha1, hash);
    if (r->has_hash && memcmp(hash, r->hash, HASH_LEN) != 0)
        return LEAP_LIST_HASH;
    r->list->verified = r->has_hash;
    return LEAP_LIST_OK;
}

enum leap_list_result leap_list_read(struct leap_list *list, const void *text,
                                     size_t len)
{
    struct reading r = {.list = list};
    enum leap_list_result result;

    memset(list, 0, sizeof(*list));
    mbedtls_sha1_init(&r.sha1);
    mbedtls_sha1_starts(&r.sha1);
    result = read_lines(&r, text, len);
    if (result == LEAP_LIST_OK)
        result = verify(&r);
    mbedtls_sha1_free(&r.sha1);
    if (result != LEAP_LIST_OK)
        memset(list, 0, sizeof(*list));
    return result;
}

enum leap_list_age leap_list_age(const struct leap_list *list, ntp_date date)
{
    int64_t left = list->expires - ntp_date_seconds(date);

    if (left <= 0)
        return LEAP_LIST_EXPIRED;
    return left <= LEAP_LIST_WARNING ? LEAP_LIST_EXPIRING : LEAP_LIST_FRESH;
}

/* Entry `i`, from 1 on: what changes with it, and when. */
static enum ntp_leap leap_at(const struct leap_list *list, unsigned i,
                             ntp_date *midnight)
{
    const struct leap_list_entry *e = &list->entry[i];

    *midnight = ntp_date_from_seconds(e->seconds);
    return e->tai > list->entry[i - 1].tai ? LEAP_INSERT : LEAP_DELETE;
}

/* The first entry after `date`; `count` if there is none. */
static unsigned first_after(const struct leap_list *list, ntp_date date)
{
    unsigned i = 1;

    while (i < list->count &&
           ntp_date_from_seconds(list->entry[i].seconds) <= date)
        i++;
    return i;
}

enum ntp_leap leap_list_next(const struct leap_list *list, ntp_date date,
                             ntp_date *midnight)
{
    unsigned i = first_after(list, date);

    return i < list->count ? leap_at(list, i, midnight) : LEAP_NONE;
}

enum ntp_leap leap_list_last(const struct leap_list *list, ntp_date date,
                             ntp_date *midnight)
{
    unsigned i = first_after(list, date) - 1;

    return i > 0 ? leap_at(list, i, midnight) : LEAP_NONE;
}
