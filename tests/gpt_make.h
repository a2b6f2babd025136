/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables, made for tests. */
#ifndef TESTS_GPT_MAKE_H
#define TESTS_GPT_MAKE_H

#include <stdint.h>
#include <string.h>

/* STATE_PARTITION_TYPE, as it lies on the disk. */
static const uint8_t gpt_make_type[16] = {0x87, 0xf3, 0x70, 0x79, 0xa9, 0xb1,
                                          0x15, 0x4f, 0x91, 0x0c, 0x4d, 0xd0,
                                          0xe7, 0x56, 0x6b, 0x55};

static inline void gpt_make_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t gpt_make_crc(const uint8_t *at, size_t len)
{
    uint32_t crc = UINT32_MAX;

    while (len-- > 0) {
        crc ^= *at++;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

/* Vouch for a header again, after it or its entries were changed. */
static inline void gpt_make_seal(uint8_t *header, const uint8_t *entries,
                                 size_t len)
{
    gpt_make_put(header + 88, gpt_make_crc(entries, len), 4);
    gpt_make_put(header + 16, 0, 4);
    gpt_make_put(header + 16, gpt_make_crc(header, 92), 4);
}

static inline void gpt_make_entry(uint8_t *entry, const uint8_t type[16],
                                  uint64_t first, uint64_t last,
                                  const char *name)
{
    memset(entry, 0, 128);
    memcpy(entry, type, 16);
    entry[16] = 1;
    gpt_make_put(entry + 32, first, 8);
    gpt_make_put(entry + 40, last, 8);
    for (unsigned i = 0; i < 36 && name[i]; i++)
        entry[56 + 2 * i] = (uint8_t)name[i];
}

/*
 * A header in block `lba` for 128 entries from block `entries` on, which are
 * there already.
 */
static inline void gpt_make_header(uint8_t *disk, uint32_t block,
                                   uint64_t blocks, uint64_t lba,
                                   uint64_t entries)
{
    uint8_t *header = disk + lba * block;

    memset(header, 0, block);
    memcpy(header, "EFI PART", 8);
    gpt_make_put(header + 8, 0x10000, 4);
    gpt_make_put(header + 12, 92, 4);
    gpt_make_put(header + 24, lba, 8);
    gpt_make_put(header + 32, blocks - lba, 8);
    gpt_make_put(header + 40, 34, 8);
    gpt_make_put(header + 48, blocks - 34, 8);
    gpt_make_put(header + 72, entries, 8);
    gpt_make_put(header + 80, 128, 4);
    gpt_make_put(header + 84, 128, 4);
    gpt_make_seal(header, disk + entries * block, 128 * 128);
}

#endif
