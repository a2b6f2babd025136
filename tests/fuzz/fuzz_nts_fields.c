/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a packet with NTS's fields, and as a plaintext of fields. */
#include "nts/fields.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void inside(const uint8_t *at, size_t n, const uint8_t *data, size_t len)
{
    HOLDS(at >= data && at <= data + len && n <= len - (size_t)(at - data));
}

static void check_fields(const uint8_t *data, size_t len)
{
    struct nts_fields f;
    enum nts_fields_verdict verdict = nts_fields_read(&f, data, len);

    if (verdict == NTS_FIELDS_MALFORMED)
        return;

    HOLDS((f.unique_identifier != NULL) == (f.unique_identifiers > 0));
    HOLDS((f.cookie != NULL) == (f.cookies > 0));
    if (f.unique_identifier)
        inside(f.unique_identifier, f.unique_identifier_len, data, len);
    if (f.cookie)
        inside(f.cookie, f.cookie_len, data, len);
    if (verdict == NTS_FIELDS_NONE)
        return;

    inside(data, f.ad_len, data, len);
    inside(f.nonce, f.nonce_len, data + f.ad_len, len - f.ad_len);
    inside(f.sealed, f.sealed_len, data + f.ad_len, len - f.ad_len);
    HOLDS(f.ad_len >= NTP_HEADER_LEN && f.nonce + f.nonce_len <= f.sealed);
    HOLDS(f.room_len >= f.nonce_len && f.room_len <= len - f.ad_len);
    if (f.cookie)
        inside(f.cookie, f.cookie_len, data, f.ad_len);

    /* The whole field, so that a reply with such a nonce fits in its place. */
    HOLDS(f.ad_len + nts_authenticator_len(f.room_len, f.sealed_len) <= len);
    HOLDS(f.placeholders * (NTS_FIELD_HEADER + f.cookie_len) <=
          f.ad_len - NTP_HEADER_LEN);
}

static void check_inner(const uint8_t *data, size_t len)
{
    struct reader r = reader_of(data, len);
    struct ntp_field field;
    size_t walked = 0;

    while (nts_inner_next(&r, &field)) {
        inside(field.body, field.body_len, data, len);
        HOLDS(field.body_len % 4 == 0);
        walked += NTS_FIELD_HEADER + field.body_len;
        HOLDS(walked + r.left == len);
    }
    HOLDS(!r.ok || walked == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);

    if (len > 0)
        memcpy(copy, data, len);
    check_fields(copy, len);
    check_inner(copy, len);
    free(copy);
    return 0;
}
