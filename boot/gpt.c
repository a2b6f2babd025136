/* SPDX-License-Identifier: BSD-2-Clause */
/* A GUID partition table (UEFI 2.10, 5.3). */
#include "boot/gpt.h"

#include "drivers/bytes.h"

#include <string.h>

/* 5.3.2: the header. */
#define HEADER_SIGNATURE    0
#define HEADER_SIZE         12
#define HEADER_CRC          16
#define HEADER_MY_LBA       24
#define HEADER_FIRST_USABLE 40
#define HEADER_LAST_USABLE  48
#define HEADER_ENTRIES_LBA  72
#define HEADER_COUNT        80
#define HEADER_ENTRY_BYTES  84
#define HEADER_ENTRIES_CRC  88
#define HEADER_BYTES        92

/* 5.3.3: an entry. */
#define ENTRY_TYPE  0
#define ENTRY_FIRST 32
#define ENTRY_LAST  40
#define ENTRY_NAME  56
#define ENTRY_BYTES 128

/* The CRC of Ethernet; NULL is zeros. */
static uint32_t crc32_more(uint32_t crc, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= at ? at[i] : 0;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return crc;
}

/* 5.3.2: the header's own CRC counts as zero. */
static uint32_t header_crc(const uint8_t *header, uint32_t size)
{
    uint32_t crc = crc32_more(UINT32_MAX, header, HEADER_CRC);

    crc = crc32_more(crc, NULL, 4);
    return ~crc32_more(crc, header + HEADER_CRC + 4, size - HEADER_CRC - 4);
}

static bool is_sound(const struct gpt *gpt)
{
    const struct gpt_disk *disk = &gpt->disk;
    uint64_t bytes = (uint64_t)gpt->count * gpt->entry_bytes;

    if (gpt->count == 0 || gpt->entry_bytes < ENTRY_BYTES ||
        (gpt->entry_bytes & (gpt->entry_bytes - 1)) != 0 ||
        bytes > GPT_ENTRIES_MAX)
        return false;
    uint64_t blocks = (bytes + disk->block - 1) / disk->block;
    return gpt->entries >= 2 && gpt->entries < disk->blocks &&
           blocks <= disk->blocks - gpt->entries && gpt->first_usable >= 2 &&
           gpt->first_usable <= gpt->last_usable &&
           gpt->last_usable < disk->blocks;
}

enum gpt_verdict gpt_header_read(struct gpt *gpt, const struct gpt_disk *disk,
                                 uint64_t lba, const void *data, size_t len)
{
    const uint8_t *header = data;
    struct gpt found = {.disk = *disk};

    if (len < HEADER_BYTES ||
        memcmp(header + HEADER_SIGNATURE, "EFI PART", 8) != 0)
        return GPT_NONE;
    uint32_t size = le32(header + HEADER_SIZE);
    if (size < HEADER_BYTES || size > len || size > disk->block ||
        header_crc(header, size) != le32(header + HEADER_CRC) ||
        le64(header + HEADER_MY_LBA) != lba)
        return GPT_DAMAGED;
    found.first_usable = le64(header + HEADER_FIRST_USABLE);
    found.last_usable = le64(header + HEADER_LAST_USABLE);
    found.entries = le64(header + HEADER_ENTRIES_LBA);
    found.count = le32(header + HEADER_COUNT);
    found.entry_bytes = le32(header + HEADER_ENTRY_BYTES);
    found.entries_crc = le32(header + HEADER_ENTRIES_CRC);
    if (!is_sound(&found))
        return GPT_DAMAGED;
    *gpt = found;
    return GPT_OK;
}

size_t gpt_entries_bytes(const struct gpt *gpt)
{
    return (size_t)gpt->count * gpt->entry_bytes;
}

bool gpt_entries_ok(const struct gpt *gpt, const void *entries)
{
    return ~crc32_more(UINT32_MAX, entries, gpt_entries_bytes(gpt)) ==
           gpt->entries_crc;
}

/* 36 characters of UTF-16. */
static void read_name(const uint8_t *at, char name[GPT_NAME_MAX + 1])
{
    unsigned len = 0;

    for (; len < GPT_NAME_MAX && le16(at + 2 * len) != 0; len++) {
        uint16_t c = le16(at + 2 * len);

        name[len] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    name[len] = 0;
}

bool gpt_next(const struct gpt *gpt, const void *entries, uint32_t *at,
              struct gpt_partition *partition)
{
    static const uint8_t unused[GPT_GUID_BYTES];

    while (*at < gpt->count) {
        const uint8_t *entry =
            (const uint8_t *)entries + (size_t)(*at)++ * gpt->entry_bytes;

        partition->first = le64(entry + ENTRY_FIRST);
        partition->last = le64(entry + ENTRY_LAST);
        memcpy(partition->type, entry + ENTRY_TYPE, GPT_GUID_BYTES);
        if (memcmp(partition->type, unused, GPT_GUID_BYTES) == 0 ||
            partition->first < gpt->first_usable ||
            partition->last > gpt->last_usable ||
            partition->first > partition->last)
            continue;
        read_name(entry + ENTRY_NAME, partition->name);
        return true;
    }
    return false;
}
