/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for mbedTLS: that of the session at work, or what all share. */
#include "arch/cpu.h"
#include "arch/mem.h"
#include "arch/panic.h"
#include "net/tls_parts.h"

#include <stdlib.h>

/* mbedTLS asks for memory without saying for whom; there is one of it. */
static struct {
    struct tls_heap common;
    struct tls_heap *current; /* NULL: there is none yet */
    uint64_t entered_ticks;
    uint64_t ticks_per_ms;
    struct tls_stats stats;
} memory;

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *p;

    if (memory.current == NULL || __builtin_mul_overflow(count, size, &bytes))
        return NULL;

    /* To sign with a long RSA key takes more than a session has, for as long
     * as one step. */
    p = tls_heap_alloc(memory.current, bytes);
    return p != NULL ? p : tls_heap_alloc(&memory.common, bytes);
}

void free(void *p)
{
    struct tls_heap *heap = memory.current;

    if (p == NULL)
        return;
    if (heap == NULL || !tls_heap_has(heap, p))
        heap = &memory.common;
    if (!tls_heap_free(heap, p))
        panic("TLS gives back memory that it does not have");
}

void tls_memory_init(size_t common, uint64_t ticks_per_ms)
{
    tls_heap_init(&memory.common, mem_alloc_dirty(common, 16), common);
    memory.current = &memory.common;
    memory.ticks_per_ms = ticks_per_ms;
}

void tls_enter(struct tls *t)
{
    memory.current = &t->heap;
    memory.entered_ticks = counter_read();
}

void tls_leave(void)
{
    struct tls_stats *stats = &memory.stats;
    uint64_t took_us =
        (counter_read() - memory.entered_ticks) * 1000 / memory.ticks_per_ms;

    if (stats->longest_us < took_us)
        stats->longest_us = took_us;
    if (stats->session_max < memory.current->max)
        stats->session_max = memory.current->max;
    memory.current = &memory.common;
}

struct tls_stats *tls_count(void)
{
    return &memory.stats;
}

const struct tls_stats *tls_stats(void)
{
    memory.stats.common_used = memory.common.used;
    memory.stats.common_max = memory.common.max;
    return &memory.stats;
}
