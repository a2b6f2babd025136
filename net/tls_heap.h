/* SPDX-License-Identifier: BSD-2-Clause */
/* A heap in memory of its own, for mbedTLS: one for each session. */
#ifndef NET_TLS_HEAP_H
#define NET_TLS_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks one after another from start to end, free ones and used ones. */
struct tls_heap {
    uint8_t *start;
    size_t size;
    size_t used;  /* bytes in used blocks, with what they cost */
    size_t max;   /* most that ever were */
    size_t reach; /* bytes from the start that were ever written to */
};

/*
 * Lay a heap out in `size` bytes at `memory`, which is aligned to 16 and lent
 * for good.  Level: background, as all of these.
 */
void tls_heap_init(struct tls_heap *h, void *memory, size_t size);

/* `size` bytes of zero, aligned to 16; NULL when there is no room. */
void *tls_heap_alloc(struct tls_heap *h, size_t size);

/* Is that address in the heap? */
bool tls_heap_has(const struct tls_heap *h, const void *p);

/*
 * Give a block back.
 * Returns false if it is not a used block of this heap.
 */
bool tls_heap_free(struct tls_heap *h, void *p);

/* Forget all blocks, and wipe what they held. */
void tls_heap_wipe(struct tls_heap *h);

#endif
