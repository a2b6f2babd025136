/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's firmware configuration device: named items from the host. */
#include "drivers/fw_cfg.h"

#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/log.h"
#include "arch/mem.h"

#include <string.h>

/* QEMU, docs/specs/fw_cfg.rst. */
#define PORT_SELECTOR 0x510
#define PORT_DATA     0x511
#define PORT_DMA_HIGH 0x514
#define PORT_DMA_LOW  0x518

#define KEY_SIGNATURE   0x00
#define KEY_FEATURES    0x01
#define KEY_INITRD_SIZE 0x0b
#define KEY_DIRECTORY   0x19
#define KEY_FILE_FIRST  0x20

#define FEATURE_DMA 2 /* bit 1 */

#define DMA_ERROR  1u
#define DMA_READ   2u
#define DMA_SELECT 8u

/* QEMU is done before the port write returns; others may take a while. */
#define DMA_READS_MAX 10000000

/* What the device is told: all of it big-endian. */
struct dma_command {
    uint32_t control;
    uint32_t length;
    uint64_t address;
} __attribute__((aligned(16)));

bool fw_cfg_entry_next(struct view *directory, struct fw_cfg_entry *entry)
{
    if (!directory->ok || directory->left == 0)
        return false;

    uint32_t size = view_be32(directory);
    uint16_t select = view_be16(directory);
    view_be16(directory); /* reserved */
    const uint8_t *name = view_bytes(directory, FW_CFG_NAME_MAX + 1);

    if (!name || select < KEY_FILE_FIRST || name[FW_CFG_NAME_MAX] != 0) {
        directory->ok = false;
        return false;
    }
    entry->size = size;
    entry->select = select;
    memcpy(entry->name, name, FW_CFG_NAME_MAX + 1);
    return true;
}

static void read_ports(uint16_t key, uint8_t *out, uint32_t len)
{
    out16(PORT_SELECTOR, key);
    while (len--)
        *out++ = in8(PORT_DATA);
}

static bool read_dma(uint16_t key, void *out, uint32_t len)
{
    struct dma_command command = {
        .control =
            __builtin_bswap32((uint32_t)key << 16 | DMA_SELECT | DMA_READ),
        .length = __builtin_bswap32(len),
        .address = __builtin_bswap64((uintptr_t)out),
    };
    uint64_t at = (uintptr_t)&command;

    /* The command is written before the port that starts it. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    out32(PORT_DMA_HIGH, __builtin_bswap32((uint32_t)(at >> 32)));
    out32(PORT_DMA_LOW, __builtin_bswap32((uint32_t)at));

    for (unsigned i = 0; i < DMA_READS_MAX; i++) {
        /* The state is read before the bytes that it says are there. */
        uint32_t control = __builtin_bswap32(
            __atomic_load_n(&command.control, __ATOMIC_ACQUIRE));
        if (!(control & ~DMA_ERROR))
            return control == 0;
        cpu_relax();
    }
    return false;
}

/* The first `len` bytes of an item. */
static bool read_item(const struct fw_cfg *fw, uint16_t key, void *out,
                      uint32_t len)
{
    if (len == 0)
        return true;
    if (fw->dma)
        return read_dma(key, out, len);
    read_ports(key, out, len);
    return true;
}

static struct view read_directory(const struct fw_cfg *fw)
{
    uint8_t count_bytes[4];

    if (!read_item(fw, KEY_DIRECTORY, count_bytes, 4))
        return view_of(NULL, 0);
    uint32_t count = be32(count_bytes);
    if (count > FW_CFG_ENTRIES_MAX)
        count = FW_CFG_ENTRIES_MAX;

    uint32_t len = 4 + count * FW_CFG_ENTRY_BYTES;
    uint8_t *bytes = mem_alloc(len, 0);
    if (!read_item(fw, KEY_DIRECTORY, bytes, len))
        return view_of(NULL, 0);
    return view_of(bytes + 4, len - 4);
}

bool fw_cfg_probe(struct fw_cfg *fw)
{
    uint8_t signature[4], features[4];

    *fw = (struct fw_cfg){0};
    read_ports(KEY_SIGNATURE, signature, 4);
    if (memcmp(signature, "QEMU", 4) != 0)
        return false;
    read_ports(KEY_FEATURES, features, 4);
    fw->present = true;
    fw->dma = le32(features) & FEATURE_DMA;
    fw->directory = read_directory(fw);
    return true;
}

uint32_t fw_cfg_initrd_bytes(const struct fw_cfg *fw)
{
    uint8_t size[4];

    if (!fw->present)
        return 0;
    read_ports(KEY_INITRD_SIZE, size, sizeof(size));
    return le32(size);
}

static enum fw_cfg_verdict find(const struct fw_cfg *fw, const char *name,
                                struct fw_cfg_entry *entry)
{
    struct view directory = fw->directory;

    if (!fw->present)
        return FW_CFG_ABSENT;
    while (fw_cfg_entry_next(&directory, entry)) {
        if (strcmp(entry->name, name) == 0)
            return FW_CFG_OK;
    }
    return directory.ok ? FW_CFG_ABSENT : FW_CFG_DAMAGED;
}

static enum fw_cfg_verdict load(const struct fw_cfg *fw, const char *name,
                                struct view *data)
{
    struct fw_cfg_entry entry;
    enum fw_cfg_verdict verdict = find(fw, name, &entry);

    if (verdict != FW_CFG_OK)
        return verdict;
    if (entry.size > FW_CFG_ITEM_MAX || entry.size > mem_available() / 2)
        return FW_CFG_LARGE;

    uint8_t *bytes = mem_alloc(entry.size + 1u, 0); /* length 0 is no NULL */
    if (!read_item(fw, entry.select, bytes, entry.size))
        return FW_CFG_FAILED;
    *data = view_of(bytes, entry.size);
    return FW_CFG_OK;
}

enum fw_cfg_verdict fw_cfg_load(const struct fw_cfg *fw, const char *name,
                                struct view *data)
{
    static const char *const complaint[] = {
        [FW_CFG_DAMAGED] = "the directory is damaged",
        [FW_CFG_LARGE] = "refused, over 1 MiB",
        [FW_CFG_FAILED] = "the device did not deliver",
    };
    enum fw_cfg_verdict verdict = load(fw, name, data);

    if (verdict > FW_CFG_ABSENT)
        log_line("fw_cfg: %s: %s", name, complaint[verdict]);
    return verdict;
}
