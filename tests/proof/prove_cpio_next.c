/* SPDX-License-Identifier: BSD-2-Clause */
/* One member of the boot archive: inside it, and forward. */
/* proves: read_member of cpio_next */
/* begin: first */
/* bounds: one member at any reader state over any bytes, length 0 to 1500 */
/* cbmc: --unwind 12 */
/* planted: boot/cpio.c s/memchr(name, 0, len) == name + len - 1/true/ */
/* planted: boot/cpio.c s/pad < r->left ? pad : r->left/pad/ */
/* planted: ntp/bytes.h s/n > r->left/n > r->left + 1/ */
#include "tests/proof/proof.h"

#include <string.h>

/* Any of the places that the real one may return; it returns the first. */
static const void *proof_memchr(const void *bytes, int c, size_t len)
{
    const uint8_t *p = bytes;
    size_t at = nondet_u16();

    assert(__CPROVER_r_ok(bytes, len));
    if (nondet_bool())
        return NULL;
    ASSUME(at < len && p[at] == (uint8_t)c);
    return p + at;
}

#define memchr proof_memchr
#include "boot/cpio.c"
#undef memchr

static uint32_t number(const uint8_t *p)
{
    uint32_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 4 | (uint32_t)hex_digit(p[i]);
    return value;
}

static void check_entry(const struct cpio_entry *e, const uint8_t *at,
                        const struct reader *r, size_t left)
{
    size_t used = left - r->left;

    assert(memcmp(at, "070701", 6) == 0);
    assert(e->name == (const char *)at + CPIO_HEADER_LEN);
    assert(e->name_len + 1 == number(at + 94));
    assert(e->name[e->name_len] == 0);
    assert(e->mode == number(at + 14));
    assert(e->len == number(at + 54));

    size_t name_end = CPIO_HEADER_LEN + e->name_len + 1;
    size_t data_at = (size_t)(e->data - at);

    assert(data_at >= name_end && data_at < name_end + 4);
    assert(data_at % 4 == 0 || e->len == 0);
    assert(data_at + e->len <= left);
    assert(used >= data_at + e->len && used < data_at + e->len + 4);
    assert(used % 4 == 0 || r->left == 0);
    COVER(e->len == 0);
    COVER(e->len > 0 && r->left == 0);
    COVER(e->len > 1000);
    COVER(used % 4 != 0);
    COVER(is_trailer(e));
}

int main(void)
{
    size_t left = nondet_u16();

    /* What lies before the reader is no part of the object: not to be read. */
    ASSUME(left <= PROOF_BYTES_MAX);
    const uint8_t *at = nondet_bytes(left);
    struct reader r = {.at = at, .left = left, .ok = nondet_bool()};
    bool was_ok = r.ok;
    struct cpio_entry e;
    enum cpio_result result = read_member(&r, &e);

    assert(r.left <= left && r.at == at + (left - r.left));
    if (result == CPIO_ENTRY) {
        assert(was_ok && r.ok);
        assert(r.left <= left - CPIO_HEADER_LEN);
        check_entry(&e, at, &r, left);
    } else {
        assert(result == CPIO_TRUNCATED || result == CPIO_MAGIC ||
               result == CPIO_NUMBER || result == CPIO_NAME);
        assert(result == CPIO_TRUNCATED || left >= CPIO_HEADER_LEN);
        COVER(result == CPIO_TRUNCATED && r.left < left);
        COVER(result == CPIO_MAGIC);
        COVER(result == CPIO_NUMBER);
        COVER(result == CPIO_NAME);
        COVER(!was_ok);
    }
    return 0;
}
