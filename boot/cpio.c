/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive: `cpio -H newc`, read in place. */
#include "boot/cpio.h"

#include "ntp/hex.h"

#include <string.h>

/* Thirteen numbers of eight hexadecimal digits follow the magic. */
#define MAGIC_LEN    6
#define FIELD_LEN    8
#define FIELD_MODE   1
#define FIELD_SIZE   6
#define FIELD_NAME   11
#define TRAILER      "TRAILER!!!"
#define ROUND_UP4(n) (((n) + 3) & ~(size_t)3)

const char *cpio_result_text(enum cpio_result result)
{
#define RESULT_TEXT(id, text) text,
    static const char *const texts[] = {CPIO_RESULTS(RESULT_TEXT)};
#undef RESULT_TEXT

    return texts[result];
}

/* The field with that number, or false if it is not a number. */
static bool header_field(const uint8_t *header, unsigned field, uint32_t *value)
{
    const uint8_t *p = header + MAGIC_LEN + field * FIELD_LEN;

    *value = 0;
    for (unsigned i = 0; i < FIELD_LEN; i++) {
        int digit = hex_digit((char)p[i]);

        if (digit < 0)
            return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

/* Padding is up to a multiple of four, and may be missing at the very end. */
static void skip_padding(struct reader *r, size_t after)
{
    size_t pad = ROUND_UP4(after) - after;

    read_bytes(r, pad < r->left ? pad : r->left);
}

/* Archives may be one behind the other, with zeros between them. */
static bool skip_zeros(struct reader *r)
{
    while (r->left > 0 && *r->at == 0)
        read_bytes(r, 1);
    return r->left > 0;
}

static bool is_trailer(const struct cpio_entry *e)
{
    return e->name_len == sizeof(TRAILER) - 1 &&
           memcmp(e->name, TRAILER, e->name_len) == 0;
}

static bool name_is_whole(const char *name, size_t len)
{
    return memchr(name, 0, len) == name + len - 1;
}

/* One member, the trailer like any other. */
static enum cpio_result read_member(struct reader *r, struct cpio_entry *e)
{
    uint32_t mode, size, name_size;
    const uint8_t *header = read_bytes(r, CPIO_HEADER_LEN);

    if (!header)
        return CPIO_TRUNCATED;
    if (memcmp(header, "070701", MAGIC_LEN) != 0)
        return CPIO_MAGIC;
    if (!header_field(header, FIELD_MODE, &mode) ||
        !header_field(header, FIELD_SIZE, &size) ||
        !header_field(header, FIELD_NAME, &name_size))
        return CPIO_NUMBER;

    const char *name = (const char *)read_bytes(r, name_size);

    if (!name)
        return CPIO_TRUNCATED;
    if (name_size == 0 || !name_is_whole(name, name_size))
        return CPIO_NAME;
    skip_padding(r, CPIO_HEADER_LEN + (size_t)name_size);

    const uint8_t *data = read_bytes(r, size);

    if (!data)
        return CPIO_TRUNCATED;
    skip_padding(r, size);

    *e = (struct cpio_entry){name, name_size - 1, data, size, mode};
    return CPIO_ENTRY;
}

enum cpio_result cpio_next(struct reader *r, struct cpio_entry *e)
{
    struct cpio_entry found;

    for (;;) {
        enum cpio_result result = read_member(r, &found);

        if (result != CPIO_ENTRY)
            return result;
        if (!is_trailer(&found))
            break;
        if (!skip_zeros(r))
            return CPIO_END;
    }
    *e = found;
    return CPIO_ENTRY;
}
