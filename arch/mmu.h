/* SPDX-License-Identifier: BSD-2-Clause */
/* The final page tables: nothing is both writable and executable. */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include "arch/mem.h"

#include <stdbool.h>

/*
 * Replace the loader's page table: text RX, constants R, data RW, the RAM
 * below 4 GiB RW, nothing else; page zero and the page under each stack
 * unmapped.  All of it identity mapped.
 *
 * The ranges of RAM are remembered, by pointer: they must stay.
 * Level: boot, after mem_setup().
 */
void mmu_init(const struct mem_range *ram, size_t ram_count);

/*
 * Map registers of a device, uncached.
 *
 * Any address that the processor can form, below 128 TiB; whole pages are
 * mapped.  Returns its virtual address (the same number), or NULL where it
 * would wrap, is too high, is empty, overlaps RAM or is over 1 GiB long.
 * Mapping twice is fine.
 * Level: boot.
 */
void *mmu_map_device(uint64_t physical, uint64_t len);

/*
 * Map tables of the firmware (ACPI), readable and cached.  RAM stays as it is
 * mapped.  Returns NULL where it would wrap, is too high, is empty, begins in
 * page zero or is over 16 MiB long.
 * Level: boot.
 */
const void *mmu_map_firmware(uint64_t physical, uint64_t len);

#endif
