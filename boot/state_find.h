/* SPDX-License-Identifier: BSD-2-Clause */
/* Which disk the state region is on, and where. */
#ifndef BOOT_STATE_FIND_H
#define BOOT_STATE_FIND_H

#include "drivers/blk.h"

/* Disks that are looked at; each costs 80 KiB of memory. */
#define STATE_DISKS_MAX 4

/* The type of a partition that is a state region, as it is written and as it
 * lies on the disk. */
#define STATE_PARTITION_TYPE "7970f387-b1a9-4f15-910c-4dd0e7566b55"

struct state_setup {
    struct pci *pci;
    bool wanted;      /* `state off` is false */
    const char *name; /* a partition's name or a disk's serial; "": any */
    uint64_t ticks_per_s;
};

struct state_region {
    struct blk disk;
    uint64_t offset; /* bytes from the start of the disk */
    uint64_t bytes;  /* at least STATE_REGION_BYTES, of which we use these */
    bool blank;      /* zeros: it gets its header when it is taken */
    bool rotten;     /* it has lost its header, and gets it again */
};

/*
 * Find the region: on a disk that begins with the header of one, in a partition
 * of our type, or else on a small disk of zeros, in the order of the PCI
 * devices.  One that has lost its header is known by a sound slot.  What other
 * disks hold is said on the console and left alone.
 *
 * `scratch` has BLK_BYTES_MAX bytes.  No disk is waited for after `deadline`.
 * Level: boot.
 */
bool state_find(struct state_region *region, const struct state_setup *setup,
                uint8_t *scratch, uint64_t deadline);

/*
 * Do an operation and wait for it; a disk that is not done by `deadline` is
 * given up.
 * Level: boot.
 */
bool state_do(struct blk *disk, const struct blk_request *request,
              uint64_t deadline);

#endif
