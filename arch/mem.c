/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot-time memory: given out, never given back. */
#include "arch/mem.h"

#include "arch/panic.h"

#include <stdbool.h>
#include <string.h>

#define LOWEST  (1ull << 20) /* below lie the firmware's leftovers */
#define HIGHEST (1ull << 32) /* every device can reach what lies below */

extern const uint8_t image_start[], image_end[];

static struct {
    struct mem_range range[MEM_RANGES_MAX];
    size_t count;
    uint64_t available, total;
    bool sealed;
} mem;

static uint64_t size_of(const struct mem_range *r)
{
    return r->end - r->start;
}

/* Put a range in; when all places are taken, the smallest is let go. */
static void put(struct mem_range r)
{
    if (r.start >= r.end)
        return;
    if (mem.count < MEM_RANGES_MAX) {
        mem.range[mem.count++] = r;
        return;
    }

    struct mem_range *smallest = &mem.range[0];

    for (size_t i = 1; i < mem.count; i++)
        if (size_of(&mem.range[i]) < size_of(smallest))
            smallest = &mem.range[i];
    if (size_of(&r) > size_of(smallest))
        *smallest = r;
}

/* Take a range out of those there are. */
static void cut(struct mem_range hole)
{
    if (hole.start >= hole.end)
        return;

    for (size_t i = 0; i < mem.count; i++) {
        struct mem_range r = mem.range[i];

        if (hole.end <= r.start || hole.start >= r.end)
            continue;

        struct mem_range below = {r.start, hole.start};
        struct mem_range above = {hole.end, r.end};
        bool has_below = below.start < below.end;

        /* What stays in this place cannot meet the hole again. */
        mem.range[i] = has_below ? below : above;
        if (has_below)
            put(above);
    }
}

static void drop_empty(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < mem.count; i++)
        if (mem.range[i].start < mem.range[i].end)
            mem.range[kept++] = mem.range[i];
    mem.count = kept;
}

void mem_setup(const struct mem_range *ram, size_t ram_count,
               const struct mem_range *reserved, size_t reserved_count)
{
    mem = (typeof(mem)){0};
    for (size_t i = 0; i < ram_count; i++) {
        struct mem_range r = ram[i];

        if (r.start < LOWEST)
            r.start = LOWEST;
        if (r.end > HIGHEST)
            r.end = HIGHEST;
        cut(r); /* ranges that overlap are counted once */
        put(r);
    }
    cut((struct mem_range){(uintptr_t)image_start, (uintptr_t)image_end});
    for (size_t i = 0; i < reserved_count; i++)
        cut(reserved[i]);
    drop_empty();

    for (size_t i = 0; i < mem.count; i++)
        mem.total += size_of(&mem.range[i]);
    mem.available = mem.total;
}

static uint64_t aligned_start(const struct mem_range *r, size_t align)
{
    return (r->start + align - 1) & ~((uint64_t)align - 1);
}

/* The smallest range that it fits in, so that gaps are used first. */
static struct mem_range *best_fit(size_t size, size_t align)
{
    struct mem_range *best = NULL;

    for (size_t i = 0; i < mem.count; i++) {
        struct mem_range *r = &mem.range[i];
        uint64_t start = aligned_start(r, align);

        if (start < r->start || start > r->end || size > r->end - start)
            continue;
        if (best == NULL || size_of(r) < size_of(best))
            best = r;
    }
    return best;
}

void *mem_alloc(size_t size, size_t align)
{
    return memset(mem_alloc_dirty(size, align), 0, size);
}

void *mem_alloc_dirty(size_t size, size_t align)
{
    if (mem.sealed)
        panic("memory asked for after boot: %zu bytes", size);
    if (align == 0)
        align = 16;

    struct mem_range *r = best_fit(size, align);

    if (r == NULL)
        panic("out of memory: %zu bytes wanted, %llu left", size,
              (unsigned long long)mem.available);

    uint64_t start = aligned_start(r, align);
    struct mem_range gap = {r->start, start};

    r->start = start + size;
    mem.available -= size;
    if (mem.count < MEM_RANGES_MAX)
        put(gap);
    else
        mem.available -= size_of(&gap);
    return (void *)start;
}

uint64_t mem_available(void)
{
    return mem.available;
}

uint64_t mem_total(void)
{
    return mem.total;
}

void mem_seal(void)
{
    mem.sealed = true;
}
