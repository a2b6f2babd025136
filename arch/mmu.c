/* SPDX-License-Identifier: BSD-2-Clause */
/* W^X page tables, guard pages. */
#include "arch/mmu.h"

#include "arch/cpu.h"
#include "arch/panic.h"

#include <stdint.h>

#define PAGE       4096ull
#define LARGE_PAGE (2ull << 20)
#define HIGHEST    (1ull << 47) /* of the lower half of the address space */
#define DEVICE_MAX (1ull << 30) /* what asks for more wants our page tables */
#define TABLES_MAX (1ull << 24) /* likewise */

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITABLE (1ull << 1)
#define PTE_PWT      (1ull << 3)
#define PTE_PCD      (1ull << 4)
#define PTE_LARGE    (1ull << 7)
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull

extern const uint8_t image_text_start[], image_text_end[];
extern const uint8_t image_rodata_start[], image_rodata_end[];
extern const uint8_t image_data_start[], image_data_end[];

static struct {
    uint64_t *pml4;
    uint64_t nx; /* PTE_NX, or 0 on a processor without */
    const struct mem_range *ram;
    size_t ram_count;
} mmu;

/* The table that `entry` leads to, made or split from a large page if need be.
 */
static uint64_t *table_below(uint64_t *entry)
{
    if (*entry & PTE_PRESENT && !(*entry & PTE_LARGE))
        return (uint64_t *)(*entry & PTE_ADDRESS);

    uint64_t *table = mem_alloc(PAGE, PAGE);

    if (*entry & PTE_PRESENT)
        for (unsigned i = 0; i < 512; i++)
            table[i] = (*entry & ~PTE_LARGE) + i * PAGE;
    *entry = (uint64_t)table | PTE_PRESENT | PTE_WRITABLE;
    return table;
}

/* The entry of the 2 MiB that hold an address. */
static uint64_t *directory_entry(uint64_t address)
{
    uint64_t *pdpt = table_below(&mmu.pml4[address >> 39 & 511]);
    uint64_t *pd = table_below(&pdpt[address >> 30 & 511]);

    return &pd[address >> 21 & 511];
}

static uint64_t *page_entry(uint64_t address)
{
    return &table_below(directory_entry(address))[address >> 12 & 511];
}

static bool is_mapped(uint64_t address)
{
    uint64_t entry = *directory_entry(address);

    if (!(entry & PTE_PRESENT))
        return false;
    return entry & PTE_LARGE || *page_entry(address) & PTE_PRESENT;
}

/*
 * Map whole pages, identity, over what was there.
 *
 * Returns true when the tables have to be loaded again: the processor
 * remembers what was present, never what was not.
 */
static bool map(uint64_t start, uint64_t end, uint64_t flags)
{
    bool changed = false;

    while (start < end) {
        uint64_t *large = directory_entry(start);
        bool is_table = *large & PTE_PRESENT && !(*large & PTE_LARGE);
        bool use_large =
            start % LARGE_PAGE == 0 && end - start >= LARGE_PAGE && !is_table;
        uint64_t *entry = use_large ? large : page_entry(start);
        uint64_t value =
            start | flags | PTE_PRESENT | (use_large ? PTE_LARGE : 0);

        changed |= *entry & PTE_PRESENT && *entry != value;
        *entry = value;
        start += use_large ? LARGE_PAGE : PAGE;
    }
    return changed;
}

static void load(void)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(mmu.pml4) : "memory");
}

static void map_image(void)
{
    map((uintptr_t)image_text_start, (uintptr_t)image_text_end, 0);
    map((uintptr_t)image_rodata_start, (uintptr_t)image_rodata_end, mmu.nx);
    map((uintptr_t)image_data_start, (uintptr_t)image_data_end,
        PTE_WRITABLE | mmu.nx);
    for (enum cpu_stack_use use = 0; use < CPU_STACKS; use++)
        *page_entry(cpu_stack(use).guard) = 0;
}

static void map_ram(const struct mem_range *r)
{
    uint64_t start = (r->start + PAGE - 1) & ~(PAGE - 1);
    uint64_t end = r->end & ~(PAGE - 1);

    if (r->start >= 1ull << 32)
        return;
    if (start < PAGE)
        start = PAGE; /* page zero catches null pointers */
    if (end > 1ull << 32)
        end = 1ull << 32;
    map(start, end, PTE_WRITABLE | mmu.nx);
}

void mmu_init(const struct mem_range *ram, size_t ram_count)
{
    mmu.pml4 = mem_alloc(PAGE, PAGE);
    mmu.nx = cpu_features()->nx ? PTE_NX : 0;
    mmu.ram = ram;
    mmu.ram_count = ram_count;

    for (size_t i = 0; i < ram_count; i++)
        map_ram(&ram[i]);
    map_image();
    load();
}

/* To whole pages; false when it wraps, is empty or too high. */
static bool whole_pages(uint64_t physical, uint64_t len, struct mem_range *r)
{
    if (len == 0 || physical >= HIGHEST || len > HIGHEST - physical)
        return false;
    if ((physical + len - 1) >> cpu_features()->physical_bits != 0)
        return false;
    r->start = physical & ~(PAGE - 1);
    r->end = (physical + len + PAGE - 1) & ~(PAGE - 1);
    return true;
}

static bool is_ram(const struct mem_range *r)
{
    for (size_t i = 0; i < mmu.ram_count; i++)
        if (r->start < mmu.ram[i].end && mmu.ram[i].start < r->end)
            return true;
    return false;
}

void *mmu_map_device(uint64_t physical, uint64_t len)
{
    struct mem_range r;

    if (!whole_pages(physical, len, &r) || is_ram(&r) || r.start == 0 ||
        len > DEVICE_MAX)
        return NULL;
    if (map(r.start, r.end, PTE_WRITABLE | PTE_PCD | PTE_PWT | mmu.nx))
        load();
    return (void *)physical;
}

const void *mmu_map_firmware(uint64_t physical, uint64_t len)
{
    struct mem_range r;

    if (!whole_pages(physical, len, &r) || r.start == 0 || len > TABLES_MAX)
        return NULL;
    for (uint64_t at = r.start; at < r.end; at += PAGE)
        if (!is_mapped(at))
            map(at, at + PAGE, mmu.nx);
    return (const void *)physical;
}
