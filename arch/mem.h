/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot-time memory: given out, never given back. */
#ifndef ARCH_MEM_H
#define ARCH_MEM_H

#include <stddef.h>
#include <stdint.h>

/* Physical addresses, from `start` up to, but without, `end`. */
struct mem_range {
    uint64_t start;
    uint64_t end;
};

#define MEM_RANGES_MAX 64 /* of RAM, once merged; the smallest are left out */

/*
 * Take over the memory that the loader says is RAM, below 4 GiB and above
 * 1 MiB, but for the image itself and the `reserved` ranges.
 *
 * Ranges may overlap, be empty or be unsorted.
 * Level: boot, once.
 */
void mem_setup(const struct mem_range *ram, size_t ram_count,
               const struct mem_range *reserved, size_t reserved_count);

/*
 * `size` bytes, zeroed, at a multiple of `align` (a power of two; 0 means 16).
 * Physical and virtual address are the same, and below 4 GiB.
 *
 * Never NULL: panics when there is too little, or after mem_seal().
 * Level: boot.
 */
void *mem_alloc(size_t size, size_t align) __attribute__((malloc));

/*
 * The same, with anything in it: for megabytes that would take a hypervisor
 * long to come up with, and are not all needed.
 */
void *mem_alloc_dirty(size_t size, size_t align) __attribute__((malloc));

/* Bytes not given out yet; bytes that there were.  Level: any. */
uint64_t mem_available(void);
uint64_t mem_total(void);

/* The end of boot: mem_alloc() panics from here on. */
void mem_seal(void);

#endif
