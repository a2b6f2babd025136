/* SPDX-License-Identifier: BSD-2-Clause */
/* A heap in memory of its own, for mbedTLS: one for each session. */
#include "net/tls_heap.h"

#include <mbedtls/platform_util.h>

#include <string.h>

/* What stands before each block; its size counts this, and is a multiple of
 * it. */
struct header {
    size_t size;
    size_t state;
};

/* Values that nothing else is likely to have. */
#define USED 0x75736564626c6b21
#define FREE 0x66726565626c6b21

static struct header *header_at(const struct tls_heap *h, size_t offset)
{
    return (struct header *)(void *)(h->start + offset);
}

static void set(struct tls_heap *h, size_t offset, size_t size, size_t state)
{
    *header_at(h, offset) = (struct header){.size = size, .state = state};
    if (h->reach < offset + sizeof(struct header))
        h->reach = offset + sizeof(struct header);
}

void tls_heap_init(struct tls_heap *h, void *memory, size_t size)
{
    *h = (struct tls_heap){
        .start = memory,
        .size = size - size % sizeof(struct header),
    };
    set(h, 0, h->size, FREE);
}

/* Join the free blocks after this free one to it. */
static void join(struct tls_heap *h, size_t offset)
{
    struct header *block = header_at(h, offset);

    while (offset + block->size < h->size) {
        const struct header *next = header_at(h, offset + block->size);

        if (next->state != FREE)
            return;
        block->size += next->size;
    }
}

/* Make the free block at `offset` a used one of `size` bytes. */
static void *take(struct tls_heap *h, size_t offset, size_t size)
{
    size_t rest = header_at(h, offset)->size - size;

    if (rest > 0)
        set(h, offset + size, rest, FREE);
    set(h, offset, size, USED);
    h->used += size;
    if (h->max < h->used)
        h->max = h->used;
    if (h->reach < offset + size)
        h->reach = offset + size;
    return memset(h->start + offset + sizeof(struct header), 0,
                  size - sizeof(struct header));
}

void *tls_heap_alloc(struct tls_heap *h, size_t size)
{
    if (size > h->size)
        return NULL;
    size =
        (size + 2 * sizeof(struct header) - 1) & ~(sizeof(struct header) - 1);

    for (size_t offset = 0; offset < h->size;
         offset += header_at(h, offset)->size) {
        if (header_at(h, offset)->state != FREE)
            continue;
        join(h, offset);
        if (header_at(h, offset)->size >= size)
            return take(h, offset, size);
    }
    return NULL;
}

bool tls_heap_has(const struct tls_heap *h, const void *p)
{
    const uint8_t *at = p;

    return h->start != NULL && at >= h->start && at < h->start + h->size;
}

bool tls_heap_free(struct tls_heap *h, void *p)
{
    const uint8_t *at = p;

    if (!tls_heap_has(h, p) || at < h->start + sizeof(struct header) ||
        (size_t)(at - h->start) % sizeof(struct header) != 0)
        return false;

    size_t offset = (size_t)(at - h->start) - sizeof(struct header);
    struct header *block = header_at(h, offset);

    if (block->state != USED)
        return false;
    block->state = FREE;
    h->used -= block->size;
    return true;
}

void tls_heap_wipe(struct tls_heap *h)
{
    mbedtls_platform_zeroize(h->start, h->reach);
    h->used = 0;
    h->reach = 0;
    set(h, 0, h->size, FREE);
}
