/* SPDX-License-Identifier: BSD-2-Clause */
/* A GUID partition table (UEFI 2.10, 5.3).  Level of all: any. */
#ifndef BOOT_GPT_H
#define BOOT_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPT_GUID_BYTES 16
#define GPT_NAME_MAX   36

/* Bytes of the array of entries, at most; it is 16 KiB nearly everywhere. */
#define GPT_ENTRIES_MAX 32768

struct gpt_disk {
    uint32_t block;  /* bytes: 512 to 4096, a power of two */
    uint64_t blocks; /* on the disk */
};

struct gpt {
    struct gpt_disk disk;
    uint64_t first_usable; /* blocks, both included */
    uint64_t last_usable;
    uint64_t entries; /* the block that they begin in */
    uint32_t count;   /* of them */
    uint32_t entry_bytes;
    uint32_t entries_crc;
};

struct gpt_partition {
    uint8_t type[GPT_GUID_BYTES]; /* as it lies on the disk */
    uint64_t first;               /* blocks, both included */
    uint64_t last;
    char name[GPT_NAME_MAX + 1]; /* what is not printable ASCII is '?' */
};

enum gpt_verdict {
    GPT_OK,
    GPT_NONE,   /* no table here */
    GPT_DAMAGED /* a table, but not a sound one */
};

/*
 * Read the header that lies in block `lba`: `len` bytes from its start, of any
 * content.  `gpt` is written only on GPT_OK; then the entries, as many bytes as
 * gpt_entries_bytes() says, lie on the disk whole.
 * UEFI 2.10, 5.3.2.
 */
enum gpt_verdict gpt_header_read(struct gpt *gpt, const struct gpt_disk *disk,
                                 uint64_t lba, const void *data, size_t len);

/* At most GPT_ENTRIES_MAX. */
size_t gpt_entries_bytes(const struct gpt *gpt);

/* Are these, of that length, the entries that the header vouches for? */
bool gpt_entries_ok(const struct gpt *gpt, const void *entries);

/*
 * The next partition at or after entry `*at`, which moves on.  Entries that are
 * unused, or outside of what is usable, are passed over.
 * UEFI 2.10, 5.3.3.
 */
bool gpt_next(const struct gpt *gpt, const void *entries, uint32_t *at,
              struct gpt_partition *partition);

#endif
