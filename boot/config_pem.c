/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a file PEM, and whole?  What is in it is for mbedTLS to say. */
#include "boot/config_pem.h"

#include <string.h>

#define HEADER_MAX   6 /* of a DER sequence under 4 GiB */
#define DER_SEQUENCE 0x30

/* What a block decodes to: how much, and how it begins. */
struct decoded {
    uint8_t first[HEADER_MAX];
    size_t len;
};

/* Skip to behind that string; false, and nothing is left, if it is not there.
 * `before` becomes what was in front of it. */
static bool skip_past(struct word *text, const char *string,
                      struct word *before)
{
    size_t len = strlen(string);

    for (size_t i = 0; text->len >= len && i <= text->len - len; i++)
        if (memcmp(text->at + i, string, len) == 0) {
            *before = (struct word){text->at, i};
            text->at += i + len;
            text->len -= i + len;
            return true;
        }
    *before = *text;
    *text = (struct word){text->at + text->len, 0};
    return false;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void put(struct decoded *d, uint8_t byte)
{
    if (d->len < HEADER_MAX)
        d->first[d->len] = byte;
    d->len++;
}

/* RFC 4648, 4, with white space anywhere. */
static bool decode(struct word text, struct decoded *d)
{
    uint32_t bits = 0;
    unsigned digits = 0, pads = 0;

    *d = (struct decoded){.len = 0};
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.at[i]);

        if (is_space(text.at[i]))
            continue;
        if (text.at[i] == '=' && pads++ < 2)
            continue;
        if (digit < 0 || pads > 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (digits++ % 4 != 0)
            put(d, (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4))));
    }
    return (digits + pads) % 4 == 0;
}

/* Is the first thing in it a sequence that ends where it ends? */
static bool is_sequence(const struct decoded *d)
{
    size_t count, len = 0;

    if (d->len < 2 || d->first[0] != DER_SEQUENCE)
        return false;
    if (d->first[1] < 0x80)
        return d->len - 2 == d->first[1];
    count = d->first[1] & 0x7fu;
    if (count == 0 || count > HEADER_MAX - 2 || d->len < 2 + count)
        return false;
    for (size_t i = 0; i < count; i++)
        len = len << 8 | d->first[2 + i];
    return d->len - 2 - count == len;
}

/* The next block between these lines; `text` is left behind it. */
static enum pem_verdict next_block(struct word *text, const char *begin,
                                   const char *end)
{
    struct decoded decoded;
    struct word body, before;

    if (!skip_past(text, begin, &before))
        return PEM_ABSENT;
    if (!skip_past(text, end, &body))
        return PEM_BROKEN;

    struct word rest = body;

    if (skip_past(&rest, "ENCRYPTED", &before))
        return PEM_ENCRYPTED;
    return decode(body, &decoded) && is_sequence(&decoded) ? PEM_OK
                                                           : PEM_BROKEN;
}

enum pem_verdict pem_certificates(struct word text)
{
    enum pem_verdict verdict, all = PEM_ABSENT;

    while ((verdict = next_block(&text, "-----BEGIN CERTIFICATE-----",
                                 "-----END CERTIFICATE-----")) != PEM_ABSENT) {
        if (verdict != PEM_OK)
            return PEM_BROKEN;
        all = PEM_OK;
    }
    return all;
}

enum pem_verdict pem_private_key(struct word text)
{
    static const char *const lines[][2] = {
        {"-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"},
        {"-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----"},
        {"-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"},
    };
    struct word before, encrypted = text;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct word rest = text;
        enum pem_verdict verdict = next_block(&rest, lines[i][0], lines[i][1]);

        if (verdict != PEM_ABSENT)
            return verdict;
    }
    return skip_past(&encrypted, "-----BEGIN ENCRYPTED PRIVATE KEY-----",
                     &before)
               ? PEM_ENCRYPTED
               : PEM_ABSENT;
}
