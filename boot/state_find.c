/* SPDX-License-Identifier: BSD-2-Clause */
/* Which disk the state region is on, and where. */
#include "boot/state_find.h"

#include "arch/cpu.h"
#include "arch/log.h"
#include "boot/gpt.h"
#include "boot/state_image.h"
#include "drivers/pci.h"

#include <string.h>

/* A blank disk is taken for ours only when it is small, and zeros so far. */
#define BLANK_DISK_MAX (64ull << 20)
#define BLANK_BYTES    (1ull << 20)

/* STATE_PARTITION_TYPE; of a GUID's five parts, the first three lie there with
 * their least byte first. */
static const uint8_t partition_type[GPT_GUID_BYTES] = {
    0x87, 0xf3, 0x70, 0x79, 0xa9, 0xb1, 0x15, 0x4f,
    0x91, 0x0c, 0x4d, 0xd0, 0xe7, 0x56, 0x6b, 0x55};

/* What is under way in state_find(). */
struct search {
    const char *name;
    uint8_t *scratch;
    uint64_t deadline;
};

bool state_do(struct blk *disk, const struct blk_request *request,
              uint64_t deadline)
{
    if (!blk_start(disk, request))
        return false;
    for (;;) {
        switch (blk_poll(disk)) {
        case BLK_DONE:
            return true;
        case BLK_BUSY:
            break;
        case BLK_IDLE:
        case BLK_REFUSED:
            return false;
        }
        if (counter_read() >= deadline)
            return blk_abandon(disk);
        cpu_relax();
    }
}

static void say(const struct blk *disk, const char *what)
{
    log_line("state: %s at %02x:%02x.%x %s", disk->driver->name, disk->pci->bus,
             disk->pci->slot, disk->pci->function, what);
}

static bool read_at(struct blk *disk, const struct search *search,
                    uint64_t offset, size_t len)
{
    const struct blk_request request = {
        .op = BLK_READ, .offset = offset, .len = len, .to = search->scratch};

    if (state_do(disk, &request, search->deadline))
        return true;
    if (!disk->failed)
        say(disk, "cannot be read");
    return false;
}

static bool is_zero(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] != 0)
            return false;
    }
    return true;
}

/* Zeros from `offset` on, as far as it matters? */
static bool is_blank(struct blk *disk, const struct search *search,
                     uint64_t offset, uint64_t bytes)
{
    uint64_t end =
        bytes < BLANK_BYTES ? bytes & ~(BLK_UNIT - 1ull) : BLANK_BYTES;

    for (uint64_t at = 0; at < end;) {
        size_t len = end - at < BLK_BYTES_MAX ? end - at : BLK_BYTES_MAX;

        if (!read_at(disk, search, offset + at, len) ||
            !is_zero(search->scratch, len))
            return false;
        at += len;
    }
    return true;
}

/*
 * Is there a region from `offset` on?  `first` is what the disk has there, a
 * page.
 */
static bool is_region(const struct blk *disk, const uint8_t *first,
                      uint64_t bytes)
{
    switch (state_header_read(first)) {
    case STATE_OK:
        if (bytes >= STATE_REGION_BYTES)
            return true;
        say(disk, "is too small for state");
        return false;
    case STATE_UNKNOWN:
        say(disk, "holds state of a later version, and is left alone");
        return false;
    case STATE_EMPTY:
    case STATE_DAMAGED:
        break;
    }
    return false;
}

/*
 * Is there one from `offset` on that has lost its header?  Its slots say so,
 * who vouch for themselves, as long as nothing else is in front of them.
 */
static bool is_rotten_region(struct blk *disk, const struct search *search,
                             uint64_t offset, uint64_t bytes)
{
    uint64_t generation;
    bool sound = false;

    if (bytes < STATE_REGION_BYTES ||
        !read_at(disk, search, offset, STATE_SLOT_BYTES) ||
        !state_header_rotten(search->scratch))
        return false;
    for (unsigned slot = 0; slot < 2; slot++) {
        if (!read_at(disk, search, offset + STATE_SLOT_AT(slot),
                     STATE_SLOT_BYTES))
            return false;
        sound |= state_image_read(search->scratch, STATE_SLOT_BYTES, NULL,
                                  &generation) == STATE_OK;
    }
    return sound;
}

/* Partitions. */

/* Read the table whose header is in block `lba`; its entries to `scratch`. */
static bool read_table(struct blk *disk, const struct search *search,
                       uint64_t lba, struct gpt *gpt, const uint8_t **entries)
{
    const struct gpt_disk shape = {disk->sector, disk->bytes / disk->sector};
    uint64_t offset = lba * disk->sector;
    size_t within = offset % BLK_UNIT;

    if (!read_at(disk, search, offset - within, BLK_UNIT) ||
        gpt_header_read(gpt, &shape, lba, search->scratch + within,
                        BLK_UNIT - within) != GPT_OK)
        return false;

    offset = gpt->entries * disk->sector;
    within = offset % BLK_UNIT;
    size_t len = within + gpt_entries_bytes(gpt);
    len = (len + BLK_UNIT - 1) & ~(size_t)(BLK_UNIT - 1);
    if (!read_at(disk, search, offset - within, len))
        return false;
    *entries = search->scratch + within;
    return gpt_entries_ok(gpt, *entries);
}

/* The partition of our type, and of our name if one was given. */
static bool find_partition(const struct gpt *gpt, const uint8_t *entries,
                           const char *name, struct gpt_partition *found)
{
    uint32_t at = 0;

    while (gpt_next(gpt, entries, &at, found)) {
        if (memcmp(found->type, partition_type, GPT_GUID_BYTES) == 0 &&
            (!name[0] || strcmp(found->name, name) == 0))
            return true;
    }
    return false;
}

static bool use_partition(struct state_region *region,
                          const struct search *search,
                          const struct gpt_partition *partition)
{
    struct blk *disk = &region->disk;
    uint64_t start = partition->first * disk->sector;
    uint64_t end = (partition->last + 1) * disk->sector;

    region->offset = (start + BLK_UNIT - 1) & ~(BLK_UNIT - 1ull);
    if (end < region->offset || end - region->offset < STATE_REGION_BYTES) {
        say(disk, "has a partition for state that is too small");
        return false;
    }
    region->bytes = end - region->offset;
    if (!read_at(disk, search, region->offset, BLK_UNIT))
        return false;
    if (is_region(disk, search->scratch, region->bytes))
        return true;
    region->rotten =
        is_rotten_region(disk, search, region->offset, region->bytes);
    if (region->rotten)
        return true;
    if (is_blank(disk, search, region->offset, region->bytes)) {
        region->blank = true;
        return true;
    }
    if (!disk->failed)
        say(disk, "has a partition for state that holds something else: it "
                  "is left alone");
    return false;
}

/* The first table, or its copy in the last block. */
static bool use_table(struct state_region *region, const struct search *search,
                      bool *has_table)
{
    struct blk *disk = &region->disk;
    const uint8_t *entries;
    struct gpt gpt;
    struct gpt_partition partition;

    *has_table = read_table(disk, search, 1, &gpt, &entries) ||
                 read_table(disk, search, disk->bytes / disk->sector - 1, &gpt,
                            &entries);
    return *has_table &&
           find_partition(&gpt, entries, search->name, &partition) &&
           use_partition(region, search, &partition);
}

/* Disks. */

/* Is the disk called that?  A disk without a name is called "". */
static bool is_called(struct blk *disk, const struct search *search)
{
    char serial[BLK_SERIAL_BYTES + 1] = "";
    const struct blk_request request = {.op = BLK_IDENTIFY, .to = serial};

    if (!search->name[0])
        return true;
    return state_do(disk, &request, search->deadline) &&
           strcmp(serial, search->name) == 0;
}

/*
 * Look at a disk.  True: it has the region, or, if `blank` is set, it could be
 * made one; if `rotten` is, it gets its header again.
 */
static bool look(struct state_region *region, const struct search *search)
{
    struct blk *disk = &region->disk;
    bool has_table;

    region->offset = 0;
    region->bytes = disk->bytes;
    region->blank = false;
    region->rotten = false;
    if (disk->bytes < BLK_UNIT || !read_at(disk, search, 0, BLK_UNIT))
        return false;
    if (state_header_read(search->scratch) == STATE_UNKNOWN ||
        state_header_read(search->scratch) == STATE_OK)
        return is_called(disk, search) &&
               is_region(disk, search->scratch, disk->bytes);
    if (use_table(region, search, &has_table))
        return true;
    if (has_table || disk->failed)
        return false;
    region->offset = 0;
    region->bytes = disk->bytes;
    region->rotten = is_rotten_region(disk, search, 0, disk->bytes) &&
                     is_called(disk, search);
    if (region->rotten)
        return true;
    if (disk->failed || disk->read_only || disk->bytes < STATE_REGION_BYTES ||
        disk->bytes > BLANK_DISK_MAX)
        return false;
    region->blank =
        is_blank(disk, search, 0, disk->bytes) && is_called(disk, search);
    return region->blank;
}

static void leave_alone(struct blk *disk)
{
    if (disk->failed) {
        log_line("state: %s at %02x:%02x.%x: %s", disk->driver->name,
                 disk->pci->bus, disk->pci->slot, disk->pci->function,
                 disk->failed);
        return;
    }
    say(disk, "is not for state, and is left alone");
    disk->driver->stop(disk);
}

/* A region is better than a blank disk before it, and a whole one than one that
 * has lost its header. */
enum rank { RANK_BLANK, RANK_ROTTEN, RANK_WHOLE };

static enum rank rank(const struct state_region *region)
{
    if (region->blank)
        return RANK_BLANK;
    return region->rotten ? RANK_ROTTEN : RANK_WHOLE;
}

bool state_find(struct state_region *region, const struct state_setup *setup,
                uint8_t *scratch, uint64_t deadline)
{
    const struct search search = {setup->name, scratch, deadline};
    struct state_region at = {.blank = false};
    bool found = false;
    unsigned device = 0;

    for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
        if (!blk_attach_next(&at.disk, setup->pci, &device))
            break;
        bool good = !at.disk.failed && look(&at, &search);

        if (!good || (found && rank(&at) <= rank(region))) {
            leave_alone(&at.disk);
            continue;
        }
        if (found)
            leave_alone(&region->disk);
        *region = at;
        found = true;
        if (rank(&at) == RANK_WHOLE)
            break;
    }
    return found;
}
