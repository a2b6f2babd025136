/* SPDX-License-Identifier: BSD-2-Clause */
/* What the loader tells us: PVH start info or Multiboot2 information. */
#ifndef BOOT_LOADER_H
#define BOOT_LOADER_H

/* What entry.S passes on: which protocol it was. */
#define LOADER_PVH        0x336ec578
#define LOADER_MULTIBOOT2 0x36d76289

#ifndef __ASSEMBLER__

#include "arch/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOT_RAM_MAX      64 /* ranges of RAM; further ones are not used */
#define BOOT_MODULES_MAX  4  /* further ones are ignored, and counted */
#define BOOT_RESERVED_MAX 16 /* what the loader wrote for us */
#define BOOT_NAME_MAX     64

/* Bytes, with the zero: one more than a configuration takes, so that a line
 * that is cut is also one that is refused. */
#define BOOT_CMDLINE_MAX 4097

struct boot_module {
    struct mem_range at;      /* in RAM, and kept out of mem_alloc() */
    char name[BOOT_NAME_MAX]; /* its command line, cut */
};

struct boot_info {
    const char *protocol;       /* "PVH", "Multiboot2" */
    char loader[BOOT_NAME_MAX]; /* its name, or "" */
    char cmdline[BOOT_CMDLINE_MAX];
    bool cmdline_cut;
    bool overrun; /* the command line is where the rest should be: see
                     loader_read() */

    struct mem_range ram[BOOT_RAM_MAX];
    size_t ram_count;
    struct mem_range reserved[BOOT_RESERVED_MAX]; /* modules included */
    size_t reserved_count;

    struct boot_module module[BOOT_MODULES_MAX];
    size_t module_count;
    size_t modules_ignored;

    uint8_t rsdp[36]; /* a copy: revision 0 has 20 bytes, later ones 36 */
    uint8_t rsdp_len; /* 20 or 36; 0: there is none */
};

enum loader_verdict {
    LOADER_OK,
    LOADER_UNKNOWN,   /* neither protocol's magic number */
    LOADER_MALFORMED, /* lengths that contradict each other */
    LOADER_NO_MEMORY  /* no memory map */
};

/*
 * Read what the loader left at `address` (identity mapped, below 4 GiB).
 *
 * `info` is zeroed first.  Everything is copied but for the modules' contents;
 * what lies outside of 4 GiB or contradicts itself is not read.
 *
 * QEMU's PVH loader has room for 4096 bytes of command line, and writes a
 * longer one over its start info (10.0, pvh.bin).  Then `overrun` is set: there
 * are no modules, and RAM is what a machine of 16 MiB has.
 * Level: boot, under entry.S's page table.
 */
enum loader_verdict loader_read(struct boot_info *info, uint32_t protocol,
                                uint64_t address);

/*
 * Read Multiboot2 boot information of at most `len` bytes: the pure part.
 *
 * Takes any bytes at all.  `where` is the physical address of `data`.
 * Multiboot2 2.0, 3.4.  Level: any.
 */
enum loader_verdict loader_multiboot2(struct boot_info *info, const void *data,
                                      size_t len, uint64_t where);

/*
 * Where entry.S goes, in long mode, on the main stack, interrupts off:
 * main.c.  `entry_ticks` is the counter, read first thing.  Level: boot.
 */
_Noreturn void boot_main(uint32_t protocol, uint64_t address,
                         uint64_t entry_ticks);

/* Is that an RSDP, of how many bytes (20 or 36); 0 if not.  ACPI 6.5, 5.2.5.3.
 * Level: any. */
size_t loader_rsdp_check(const uint8_t *at, size_t len);

#endif /* __ASSEMBLER__ */
#endif
