/* SPDX-License-Identifier: BSD-2-Clause */
/* Checked reading of the bytes that firmware and devices wrote. */
#ifndef DRIVERS_BYTES_H
#define DRIVERS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads down a table, and remembers whether it ever ran out. */
struct view {
    const uint8_t *at;
    size_t left;
    bool ok;
};

static inline struct view view_of(const void *data, size_t len)
{
    return (struct view){data, data ? len : 0, data != NULL};
}

/* The next `n` bytes, or NULL once the view has failed. */
static inline const uint8_t *view_bytes(struct view *v, size_t n)
{
    if (!v->ok || n > v->left) {
        v->ok = false;
        return NULL;
    }
    const uint8_t *p = v->at;
    v->at += n;
    v->left -= n;
    return p;
}

/* The next `n` bytes as a view of their own, failed when they are not there. */
static inline struct view view_part(struct view *v, size_t n)
{
    return view_of(view_bytes(v, n), n);
}

/* What is left after `n` bytes; failed when there are not so many. */
static inline struct view view_from(struct view v, size_t n)
{
    view_bytes(&v, n);
    return v;
}

static inline uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32(const uint8_t *p)
{
    return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static inline uint64_t le64(const uint8_t *p)
{
    return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static inline uint8_t view_u8(struct view *v)
{
    const uint8_t *p = view_bytes(v, 1);
    return p ? *p : 0;
}

static inline uint16_t view_le16(struct view *v)
{
    const uint8_t *p = view_bytes(v, 2);
    return p ? le16(p) : 0;
}

static inline uint32_t view_le32(struct view *v)
{
    const uint8_t *p = view_bytes(v, 4);
    return p ? le32(p) : 0;
}

static inline uint64_t view_le64(struct view *v)
{
    const uint8_t *p = view_bytes(v, 8);
    return p ? le64(p) : 0;
}

static inline uint16_t view_be16(struct view *v)
{
    const uint8_t *p = view_bytes(v, 2);
    return p ? be16(p) : 0;
}

static inline uint32_t view_be32(struct view *v)
{
    const uint8_t *p = view_bytes(v, 4);
    return p ? be32(p) : 0;
}

#endif
