/* SPDX-License-Identifier: BSD-2-Clause */
/* PVH start info and Multiboot2 information. */
#include "boot/loader.h"

#include <string.h>

#define HIGHEST     (1ull << 32) /* what entry.S has mapped */
#define MAP_MAX     512 /* entries of a memory map that are looked at */
#define MODLIST_MAX 64
#define RAM         1 /* the type of RAM, in both protocols */

/*
 * Where bytes are read from: `data` stands for `len` bytes.  An offset past
 * the end reads as zero, and sets `bad`.
 */
struct view {
    const uint8_t *data;
    size_t len;
    bool bad;
};

static uint64_t get(struct view *v, size_t at, size_t size)
{
    uint64_t value = 0;

    if (at > v->len || size > v->len - at) {
        v->bad = true;
        return 0;
    }
    memcpy(&value, v->data + at, size); /* little-endian, as we are */
    return value;
}

static uint32_t get32(struct view *v, size_t at)
{
    return (uint32_t)get(v, at, 4);
}

static uint64_t get64(struct view *v, size_t at)
{
    return get(v, at, 8);
}

/* Physical memory as a view: empty where it is not below 4 GiB. */
static struct view physical(uint64_t address, uint64_t len)
{
    struct view v = {NULL, 0, false};

    if (address == 0 || address >= HIGHEST || len > HIGHEST - address)
        return v;

    uintptr_t at = (uintptr_t)address;

    /* The compiler need not know how low some of these are. */
    __asm__("" : "+r"(at));
    v.data = (const uint8_t *)at;
    v.len = len;
    return v;
}

/* A string that ends at a zero or at the view's end; true when it was cut. */
static bool copy_string(char *out, size_t room, const struct view *v)
{
    size_t n = 0;

    while (n < v->len && v->data[n] != '\0') {
        if (n == room - 1) {
            out[n] = '\0';
            return true;
        }
        out[n] = (char)v->data[n];
        n++;
    }
    out[n] = '\0';
    return false;
}

static void add_ram(struct boot_info *info, uint64_t start, uint64_t len)
{
    if (len == 0 || start > UINT64_MAX - len)
        return;
    if (info->ram_count > 0 && info->ram[info->ram_count - 1].end == start) {
        info->ram[info->ram_count - 1].end += len;
        return;
    }
    if (info->ram_count < BOOT_RAM_MAX)
        info->ram[info->ram_count++] = (struct mem_range){start, start + len};
}

static void reserve(struct boot_info *info, uint64_t start, uint64_t len)
{
    if (len == 0 || start > UINT64_MAX - len)
        return;
    if (info->reserved_count < BOOT_RESERVED_MAX)
        info->reserved[info->reserved_count++] =
            (struct mem_range){start, start + len};
}

static bool in_ram(const struct boot_info *info, uint64_t start, uint64_t len)
{
    for (size_t i = 0; i < info->ram_count; i++)
        if (start >= info->ram[i].start && start < info->ram[i].end &&
            len <= info->ram[i].end - start)
            return true;
    return false;
}

/* A module counts where it is in RAM that we can read; the map comes first. */
static void add_module(struct boot_info *info, uint64_t start, uint64_t len,
                       const struct view *name)
{
    if (len == 0 || start >= HIGHEST || len > HIGHEST - start ||
        !in_ram(info, start, len) || info->module_count == BOOT_MODULES_MAX) {
        info->modules_ignored++;
        return;
    }

    struct boot_module *m = &info->module[info->module_count++];

    m->at = (struct mem_range){start, start + len};
    copy_string(m->name, sizeof m->name, name);
    reserve(info, start, len);
}

static uint8_t sum(const uint8_t *at, size_t len)
{
    uint8_t total = 0;

    while (len-- > 0)
        total += *at++;
    return total;
}

size_t loader_rsdp_check(const uint8_t *at, size_t len)
{
    if (len < 20 || memcmp(at, "RSD PTR ", 8) != 0 || sum(at, 20) != 0)
        return 0;
    if (at[15] < 2) /* revision */
        return 20;
    return len >= 36 && sum(at, 36) == 0 ? 36 : 0;
}

static bool take_rsdp(struct boot_info *info, const uint8_t *at, size_t len)
{
    size_t found = loader_rsdp_check(at, len);

    if (found <= info->rsdp_len)
        return false;
    memcpy(info->rsdp, at, found);
    info->rsdp_len = (uint8_t)found;
    return true;
}

/* ACPI 6.5, 5.2.5.1: on 16-byte boundaries. */
static void scan_rsdp(struct boot_info *info, const struct view *v)
{
    for (size_t at = 0; at + 20 <= v->len; at += 16)
        if (take_rsdp(info, v->data + at, v->len - at))
            return;
}

/* Where a PC's firmware leaves it: the EBDA's start, the ROM area. */
static void search_rsdp(struct boot_info *info)
{
    if (info->rsdp_len != 0)
        return;

    struct view pointer = physical(0x40e, 2);
    struct view ebda = physical(get(&pointer, 0, 2) << 4, 1024);
    struct view rom = physical(0xe0000, 0x20000);

    scan_rsdp(info, &ebda);
    if (info->rsdp_len == 0)
        scan_rsdp(info, &rom);
}

/* Multiboot2 2.0, 3.6.  Offsets are from the start of a tag. */

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15
};

static enum loader_verdict read_map_tag(struct boot_info *info, struct view *v)
{
    uint32_t entry = get32(v, 8);

    if (v->len < 16 || entry < 24)
        return LOADER_MALFORMED;

    size_t count = (v->len - 16) / entry;

    for (size_t i = 0; i < count && i < MAP_MAX; i++) {
        size_t at = 16 + i * entry;

        if (get32(v, at + 16) == RAM)
            add_ram(info, get64(v, at), get64(v, at + 8));
    }
    return LOADER_OK;
}

static struct view rest(const struct view *v, size_t from)
{
    struct view r = {v->data, 0, false};

    if (from < v->len) {
        r.data = v->data + from;
        r.len = v->len - from;
    }
    return r;
}

static enum loader_verdict read_module_tag(struct boot_info *info,
                                           struct view *v)
{
    uint32_t start = get32(v, 8);
    uint32_t end = get32(v, 12);
    struct view name = rest(v, 16);

    if (v->bad || end < start)
        return LOADER_MALFORMED;
    add_module(info, start, end - start, &name);
    return LOADER_OK;
}

static enum loader_verdict read_other_tag(struct boot_info *info, uint32_t type,
                                          struct view *v)
{
    struct view text = rest(v, 8);

    switch (type) {
    case TAG_COMMAND_LINE:
        info->cmdline_cut =
            copy_string(info->cmdline, sizeof info->cmdline, &text);
        return LOADER_OK;
    case TAG_LOADER_NAME:
        copy_string(info->loader, sizeof info->loader, &text);
        return LOADER_OK;
    case TAG_MODULE:
        return read_module_tag(info, v);
    case TAG_ACPI_OLD:
    case TAG_ACPI_NEW:
        take_rsdp(info, text.data, text.len);
        return LOADER_OK;
    default:
        return LOADER_OK;
    }
}

/* One walk over the tags: for the memory map, or for all the others. */
static enum loader_verdict walk_tags(struct boot_info *info, struct view *v,
                                     bool map)
{
    size_t at = 8;

    for (;;) {
        uint32_t type = get32(v, at);
        uint32_t size = get32(v, at + 4);

        if (v->bad || size < 8 || size > v->len - at)
            return LOADER_MALFORMED;
        if (type == TAG_END)
            return LOADER_OK;

        struct view tag = {v->data + at, size, false};
        enum loader_verdict verdict = LOADER_OK;

        if (map && type == TAG_MEMORY_MAP)
            verdict = read_map_tag(info, &tag);
        else if (!map && type != TAG_MEMORY_MAP)
            verdict = read_other_tag(info, type, &tag);
        if (verdict != LOADER_OK)
            return verdict;

        /* The next one begins at a multiple of eight. */
        size_t step = ((size_t)size + 7) & ~(size_t)7;

        if (step > v->len - at)
            return LOADER_MALFORMED;
        at += step;
    }
}

enum loader_verdict loader_multiboot2(struct boot_info *info, const void *data,
                                      size_t len, uint64_t where)
{
    struct view v = {data, len, false};
    uint32_t total = get32(&v, 0);
    enum loader_verdict verdict;

    memset(info, 0, sizeof *info);
    info->protocol = "Multiboot2";
    if (v.bad || total < 16 || total > len)
        return LOADER_MALFORMED;
    v.len = total;
    reserve(info, where, total);

    /* Modules are checked against the map, which may come after them. */
    verdict = walk_tags(info, &v, true);
    if (verdict == LOADER_OK)
        verdict = walk_tags(info, &v, false);
    if (verdict == LOADER_OK && info->ram_count == 0)
        verdict = LOADER_NO_MEMORY;
    return verdict;
}

/* PVH: struct hvm_start_info and what it points to. */

#define PVH_LEN        56 /* with the memory map of version 1 */
#define PVH_MODULE_LEN 32
#define PVH_MAP_LEN    24
#define PVH_CMDLINE    24 /* offsets */
#define PVH_RSDP       32

/* How far before the start info a command line is looked for. */
#define PVH_OVERRUN_MAX 65536
#define LEAST_RAM       0x100000
#define LEAST_RAM_END   0xf00000

static enum loader_verdict read_pvh_map(struct boot_info *info,
                                        uint64_t address, uint64_t count)
{
    if (count > MAP_MAX)
        count = MAP_MAX;

    struct view map = physical(address, count * PVH_MAP_LEN);

    for (size_t at = 0; at < map.len; at += PVH_MAP_LEN)
        if (get32(&map, at + 16) == RAM)
            add_ram(info, get64(&map, at), get64(&map, at + 8));
    reserve(info, address, map.len);
    return info->ram_count > 0 ? LOADER_OK : LOADER_NO_MEMORY;
}

static struct view string_at(uint64_t address)
{
    uint64_t most = BOOT_CMDLINE_MAX;

    if (address < HIGHEST && most > HIGHEST - address)
        most = HIGHEST - address;
    return physical(address, most);
}

static void read_pvh_modules(struct boot_info *info, uint64_t address,
                             uint64_t count)
{
    if (count > MODLIST_MAX)
        count = MODLIST_MAX;

    struct view list = physical(address, count * PVH_MODULE_LEN);

    reserve(info, address, list.len);
    for (size_t at = 0; at < list.len; at += PVH_MODULE_LEN) {
        struct view name = string_at(get64(&list, at + 16));

        add_module(info, get64(&list, at), get64(&list, at + 8), &name);
    }
}

static void read_pvh_texts(struct boot_info *info, struct view *start)
{
    struct view cmdline = string_at(get64(start, PVH_CMDLINE));
    struct view rsdp = physical(get64(start, PVH_RSDP), 36);

    info->cmdline_cut =
        copy_string(info->cmdline, sizeof info->cmdline, &cmdline);
    take_rsdp(info, rsdp.data, rsdp.len);
}

/* Does the command line begin before the start info, and not end there? */
static bool is_overrun(struct view *start, uint64_t address)
{
    uint64_t from = get64(start, PVH_CMDLINE);

    if (start->bad || from >= address ||
        address - from < BOOT_CMDLINE_MAX - 1 ||
        address - from > PVH_OVERRUN_MAX)
        return false;

    struct view before = physical(from, address - from);

    return before.len > 0 && memchr(before.data, '\0', before.len) == NULL;
}

/*
 * The memory map is lost.  The least machine that we run on has this much, and
 * firmware's tables are above it.  Two fields are good: the address of the
 * command line is written last, and an RSDP has a checksum.
 */
static enum loader_verdict read_overrun(struct boot_info *info,
                                        struct view *start)
{
    info->overrun = true;
    add_ram(info, LEAST_RAM, LEAST_RAM_END - LEAST_RAM);
    read_pvh_texts(info, start);
    return LOADER_OK;
}

static enum loader_verdict read_pvh(struct boot_info *info, uint64_t address)
{
    struct view start = physical(address, PVH_LEN);

    memset(info, 0, sizeof *info);
    info->protocol = "PVH";
    if (is_overrun(&start, address))
        return read_overrun(info, &start);
    if (get32(&start, 0) != LOADER_PVH || start.bad)
        return LOADER_MALFORMED;
    if (get32(&start, 4) < 1) /* version */
        return LOADER_NO_MEMORY;
    reserve(info, address, PVH_LEN);

    enum loader_verdict verdict =
        read_pvh_map(info, get64(&start, 40), get32(&start, 48));

    if (verdict != LOADER_OK)
        return verdict;
    read_pvh_modules(info, get64(&start, 16), get32(&start, 12));
    read_pvh_texts(info, &start);
    return LOADER_OK;
}

enum loader_verdict loader_read(struct boot_info *info, uint32_t protocol,
                                uint64_t address)
{
    enum loader_verdict verdict;

    if (protocol == LOADER_PVH) {
        verdict = read_pvh(info, address);
    } else if (protocol == LOADER_MULTIBOOT2) {
        struct view length = physical(address, 8);
        uint32_t total = get32(&length, 0);
        struct view all = physical(address, total);

        verdict = loader_multiboot2(info, all.data, all.len, address);
    } else {
        memset(info, 0, sizeof *info);
        return LOADER_UNKNOWN;
    }
    if (verdict == LOADER_OK)
        search_rsdp(info);
    return verdict;
}
