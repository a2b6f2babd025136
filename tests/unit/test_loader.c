/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what loaders tell: Multiboot2 tags, PVH start info, the RSDP. */
#include "boot/loader.h"

#include "tests/check.h"

#include <sys/mman.h>

#define WHERE 0x9000

static struct boot_info info;

/* Multiboot2 information, made tag by tag. */
struct made {
    uint8_t data[2 * BOOT_CMDLINE_MAX];
    size_t len;
};

static void put(struct made *m, uint64_t value, size_t size)
{
    memcpy(m->data + m->len, &value, size);
    m->len += size;
}

static struct made begin(void)
{
    return (struct made){.len = 8};
}

static size_t open_tag(struct made *m, uint32_t type)
{
    m->len = (m->len + 7) & ~(size_t)7;
    put(m, type, 4);
    put(m, 0, 4);
    return m->len - 8;
}

static void close_tag(struct made *m, size_t tag)
{
    uint32_t size = (uint32_t)(m->len - tag);

    memcpy(m->data + tag + 4, &size, 4);
}

static void text_tag(struct made *m, uint32_t type, const char *text)
{
    size_t tag = open_tag(m, type);

    memcpy(m->data + m->len, text, strlen(text) + 1);
    m->len += strlen(text) + 1;
    close_tag(m, tag);
}

static void map_entry(struct made *m, uint64_t start, uint64_t len,
                      uint32_t type)
{
    put(m, start, 8);
    put(m, len, 8);
    put(m, type, 4);
    put(m, 0, 4);
}

static void map_tag(struct made *m)
{
    size_t tag = open_tag(m, 6);

    put(m, 24, 4);
    put(m, 0, 4);
    map_entry(m, 0, 0x9fc00, 1);
    map_entry(m, 0x9fc00, 0x400, 2);
    map_entry(m, 0x100000, 0xf00000, 1);
    close_tag(m, tag);
}

static void module_tag(struct made *m, uint32_t start, uint32_t end,
                       const char *name)
{
    size_t tag = open_tag(m, 3);

    put(m, start, 4);
    put(m, end, 4);
    memcpy(m->data + m->len, name, strlen(name) + 1);
    m->len += strlen(name) + 1;
    close_tag(m, tag);
}

static void finish(struct made *m)
{
    uint32_t total;

    close_tag(m, open_tag(m, 0));
    total = (uint32_t)m->len;
    memcpy(m->data, &total, 4);
}

static enum loader_verdict parse(const struct made *m, size_t len)
{
    /* A copy of just that size, so that a read past it is found. */
    uint8_t *copy = malloc(len ? len : 1);

    memcpy(copy, m->data, len);

    enum loader_verdict verdict = loader_multiboot2(&info, copy, len, WHERE);

    free(copy);
    return verdict;
}

static struct made usual(void)
{
    struct made m = begin();

    text_tag(&m, 1, "address 10.0.2.15/24; allow");
    text_tag(&m, 2, "GRUB 2.06");
    module_tag(&m, 0x200000, 0x200123, "gnomon.cpio");
    map_tag(&m);
    finish(&m);
    return m;
}

static void test_tags_are_read(void **state)
{
    struct made m = usual();

    (void)state;
    CHECK_EQ(parse(&m, m.len), LOADER_OK);
    CHECK_TEXT(info.cmdline, "address 10.0.2.15/24; allow");
    CHECK(!info.cmdline_cut);
    CHECK_TEXT(info.loader, "GRUB 2.06");
    CHECK_EQ(info.ram_count, 2);
    CHECK_EQ(info.ram[1].start, 0x100000);
    CHECK_EQ(info.ram[1].end, 0x1000000);
    CHECK_EQ(info.module_count, 1);
    CHECK_EQ(info.module[0].at.start, 0x200000);
    CHECK_EQ(info.module[0].at.end, 0x200123);
    CHECK_TEXT(info.module[0].name, "gnomon.cpio");
    /* The information itself, and the module, are not to be given out. */
    CHECK_EQ(info.reserved_count, 2);
    CHECK_EQ(info.reserved[0].start, WHERE);
    CHECK_EQ(info.reserved[0].end, WHERE + m.len);
    CHECK_EQ(info.reserved[1].start, 0x200000);
}

static void test_what_is_cut_off_is_malformed(void **state)
{
    struct made m = usual();

    (void)state;
    for (size_t len = 0; len < m.len; len++)
        CHECK_EQ(parse(&m, len), LOADER_MALFORMED);

    /* Also when the total says so itself. */
    for (uint32_t total = 0; total < m.len; total++) {
        memcpy(m.data, &total, 4);
        CHECK_EQ(parse(&m, m.len), LOADER_MALFORMED);
    }
}

static void test_a_tag_of_no_length_does_not_hang(void **state)
{
    struct made m = usual();

    (void)state;
    for (uint32_t size = 0; size < 8; size++) {
        memcpy(m.data + 12, &size, 4);
        CHECK_EQ(parse(&m, m.len), LOADER_MALFORMED);
    }
}

static void test_a_module_outside_of_ram_is_ignored(void **state)
{
    struct made m = begin();

    (void)state;
    map_tag(&m);
    module_tag(&m, 0xfff000, 0x1001000, "sticks out");
    module_tag(&m, 0xe0000000, 0xe0001000, "is elsewhere");
    module_tag(&m, 0x300000, 0x300000, "is empty");
    finish(&m);
    CHECK_EQ(parse(&m, m.len), LOADER_OK);
    CHECK_EQ(info.module_count, 0);
    CHECK_EQ(info.modules_ignored, 3);
}

static void test_a_module_that_ends_before_it_starts_is_malformed(void **state)
{
    struct made m = begin();

    (void)state;
    map_tag(&m);
    module_tag(&m, 0x300000, 0x2fffff, "backwards");
    finish(&m);
    CHECK_EQ(parse(&m, m.len), LOADER_MALFORMED);
}

static void test_too_many_modules_are_counted(void **state)
{
    struct made m = begin();

    (void)state;
    map_tag(&m);
    for (unsigned i = 0; i < BOOT_MODULES_MAX + 3; i++)
        module_tag(&m, 0x200000 + i * 4096, 0x200001 + i * 4096, "one");
    finish(&m);
    CHECK_EQ(parse(&m, m.len), LOADER_OK);
    CHECK_EQ(info.module_count, BOOT_MODULES_MAX);
    CHECK_EQ(info.modules_ignored, 3);
}

static void test_a_long_command_line_is_cut_and_that_is_said(void **state)
{
    char text[BOOT_CMDLINE_MAX + 1];
    struct made m;

    (void)state;
    for (size_t len = BOOT_CMDLINE_MAX - 2; len <= BOOT_CMDLINE_MAX; len++) {
        memset(text, 'a', len);
        text[len] = '\0';
        m = begin();
        map_tag(&m);
        text_tag(&m, 1, text);
        finish(&m);
        CHECK_EQ(parse(&m, m.len), LOADER_OK);
        CHECK_EQ(info.cmdline_cut, len >= BOOT_CMDLINE_MAX);
        CHECK_EQ(strlen(info.cmdline),
                 len < BOOT_CMDLINE_MAX ? len : BOOT_CMDLINE_MAX - 1);
    }

    /* Without its zero it ends where the tag does. */
    m = begin();
    map_tag(&m);

    size_t tag = open_tag(&m, 2);

    memset(m.data + m.len, 'b', 100);
    m.len += 100;
    close_tag(&m, tag);
    finish(&m);
    CHECK_EQ(parse(&m, m.len), LOADER_OK);
    CHECK_EQ(strlen(info.loader), BOOT_NAME_MAX - 1);
}

static void test_without_a_memory_map_there_is_no_boot(void **state)
{
    struct made m = begin();

    (void)state;
    text_tag(&m, 1, "allow");
    finish(&m);
    CHECK_EQ(parse(&m, m.len), LOADER_NO_MEMORY);
}

static void test_a_map_with_small_entries_is_malformed(void **state)
{
    (void)state;
    for (uint32_t size = 0; size <= 24; size++) {
        struct made m = begin();
        size_t tag = open_tag(&m, 6);

        put(&m, size, 4);
        put(&m, 0, 4);
        map_entry(&m, 0x100000, 0x100000, 1);
        close_tag(&m, tag);
        finish(&m);
        CHECK_EQ(parse(&m, m.len), size < 24 ? LOADER_MALFORMED : LOADER_OK);
    }
}

static void test_ranges_that_wrap_are_left_out(void **state)
{
    struct made m = begin();
    size_t tag = open_tag(&m, 6);

    (void)state;
    put(&m, 24, 4);
    put(&m, 0, 4);
    map_entry(&m, UINT64_MAX - 10, 100, 1);
    map_entry(&m, 0x100000, 0, 1);
    map_entry(&m, 0x100000, 0x1000, 1);
    map_entry(&m, 0x101000, 0x1000, 1); /* joins the one before */
    close_tag(&m, tag);
    finish(&m);
    CHECK_EQ(parse(&m, m.len), LOADER_OK);
    CHECK_EQ(info.ram_count, 1);
    CHECK_EQ(info.ram[0].end, 0x102000);
}

/* An RSDP of that revision, its checksums right. */
static void make_rsdp(uint8_t *at, uint8_t revision)
{
    uint8_t sum = 0;

    memset(at, 0, 36);
    memcpy(at, "RSD PTR ", 8);
    at[15] = revision;
    at[16] = 0x34;
    at[20] = 36;
    for (unsigned i = 0; i < 20; i++)
        sum = (uint8_t)(sum + at[i]);
    at[8] = (uint8_t)-sum;
    sum = 0;
    for (unsigned i = 0; i < 36; i++)
        sum = (uint8_t)(sum + at[i]);
    at[32] = (uint8_t)-sum;
}

static void test_an_rsdp_needs_its_checksums(void **state)
{
    uint8_t rsdp[36];

    (void)state;
    make_rsdp(rsdp, 0);
    CHECK_EQ(loader_rsdp_check(rsdp, 36), 20);
    CHECK_EQ(loader_rsdp_check(rsdp, 20), 20);
    CHECK_EQ(loader_rsdp_check(rsdp, 19), 0);
    make_rsdp(rsdp, 2);
    CHECK_EQ(loader_rsdp_check(rsdp, 36), 36);
    CHECK_EQ(loader_rsdp_check(rsdp, 35), 0);
    for (unsigned i = 0; i < 36; i++) {
        rsdp[i] ^= 0x10;
        CHECK_EQ(loader_rsdp_check(rsdp, 36), 0);
        rsdp[i] ^= 0x10;
    }
}

static void test_the_newer_rsdp_is_taken(void **state)
{
    struct made m = begin();
    size_t tag;

    (void)state;
    map_tag(&m);
    for (unsigned order = 0; order < 2; order++) {
        uint8_t revision = order == 0 ? 2 : 0;

        tag = open_tag(&m, revision ? 15 : 14);
        make_rsdp(m.data + m.len, revision);
        m.len += revision ? 36 : 20;
        close_tag(&m, tag);
    }
    finish(&m);
    CHECK_EQ(parse(&m, m.len), LOADER_OK);
    CHECK_EQ(info.rsdp_len, 36);
    CHECK_EQ(info.rsdp[15], 2);
}

/* PVH needs addresses below 4 GiB, as the machine has them. */
struct pvh {
    uint32_t magic, version, flags, modules;
    uint64_t modlist, cmdline, rsdp, map;
    uint32_t map_entries, reserved;
    struct {
        uint64_t at, size, cmdline, reserved;
    } module[2];
    struct {
        uint64_t at, size;
        uint32_t type, reserved;
    } entry[3];
    char text[64];
    uint8_t table[36];
};

static struct pvh *make_pvh(void)
{
    struct pvh *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    if (p == MAP_FAILED)
        fail_msg("no memory below 4 GiB");
    p->magic = LOADER_PVH;
    p->version = 1;
    p->modules = 1;
    p->modlist = (uintptr_t)p->module;
    p->module[0].at = 0x400000;
    p->module[0].size = 77;
    p->cmdline = (uintptr_t)p->text;
    strcpy(p->text, "server 10.0.2.2");
    p->rsdp = (uintptr_t)p->table;
    make_rsdp(p->table, 2);
    p->map = (uintptr_t)p->entry;
    p->map_entries = 3;
    p->entry[0].size = 0x9f000;
    p->entry[0].type = 1;
    p->entry[1].at = 0xe0000000;
    p->entry[1].size = 0x1000;
    p->entry[1].type = 2;
    p->entry[2].at = 0x100000;
    p->entry[2].size = 0xf00000;
    p->entry[2].type = 1;
    return p;
}

static void test_pvh_start_info_is_read(void **state)
{
    struct pvh *p = make_pvh();

    (void)state;
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)p), LOADER_OK);
    CHECK_TEXT(info.cmdline, "server 10.0.2.2");
    CHECK_EQ(info.ram_count, 2);
    CHECK_EQ(info.module_count, 1);
    CHECK_EQ(info.module[0].at.end, 0x400000 + 77);
    CHECK_TEXT(info.module[0].name, "");
    CHECK_EQ(info.rsdp_len, 36);
    munmap(p, sizeof *p);
}

/* As QEMU's loader has them in memory: 32 bytes between the two. */
struct overrun {
    char text[4096 + 32];
    struct pvh pvh;
};

static struct overrun *make_overrun(size_t len)
{
    struct pvh *made = make_pvh();
    struct overrun *o = mmap(NULL, sizeof *o, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    if (o == MAP_FAILED)
        fail_msg("no memory below 4 GiB");
    o->pvh = *made;
    munmap(made, sizeof *made);
    o->pvh.map = (uintptr_t)o->pvh.entry;
    o->pvh.modlist = (uintptr_t)o->pvh.module;
    o->pvh.rsdp = (uintptr_t)o->pvh.table;
    memset(o, 'x', len);
    *((char *)o + len) = '\0';
    memcpy(o, "allow;", 6);
    o->pvh.cmdline = (uintptr_t)o->text;
    return o;
}

static void test_pvh_under_a_command_line_is_not_believed(void **state)
{
    /* Up to the magic number, into it, over it, over the address of the
     * command line, over everything before the RSDP. */
    static const size_t lens[] = {4128, 4129, 4140, 4160,
                                  offsetof(struct overrun, pvh.table) - 1};

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct overrun *o = make_overrun(lens[i]);

        o->pvh.rsdp = (uintptr_t)o->pvh.table;
        CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)&o->pvh), LOADER_OK);
        CHECK(info.overrun);
        CHECK(info.cmdline_cut);
        CHECK_EQ(strlen(info.cmdline), BOOT_CMDLINE_MAX - 1);
        CHECK(strncmp(info.cmdline, "allow;xxx", 9) == 0);
        CHECK_EQ(info.module_count, 0);
        CHECK_EQ(info.ram_count, 1);
        CHECK_EQ(info.ram[0].start, 0x100000);
        CHECK_EQ(info.ram[0].end, 0xf00000);
        CHECK_EQ(info.rsdp_len, 36);
        munmap(o, sizeof *o);
    }
}

static void test_pvh_behind_a_command_line_that_ends_is_believed(void **state)
{
    struct overrun *o = make_overrun(4127);

    (void)state;
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)&o->pvh), LOADER_OK);
    CHECK(!info.overrun);
    CHECK(info.cmdline_cut);
    CHECK_EQ(info.ram_count, 2);
    CHECK_EQ(info.module_count, 1);

    /* One that is damaged by something else is still refused. */
    o->pvh.magic = 0;
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)&o->pvh),
             LOADER_MALFORMED);
    memset(o->text, 'x', sizeof o->text);
    o->pvh.cmdline = (uintptr_t)&o->pvh - 4095; /* it had room */
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)&o->pvh),
             LOADER_MALFORMED);
    munmap(o, sizeof *o);
}

static void test_pvh_that_points_nowhere_is_not_followed(void **state)
{
    struct pvh *p = make_pvh();

    (void)state;
    p->module[0].cmdline = 1ull << 40;
    p->cmdline = UINT64_MAX;
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)p), LOADER_OK);
    CHECK_TEXT(info.cmdline, "");

    p->modlist = (1ull << 32) - 31; /* its first entry sticks out */
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)p), LOADER_OK);
    CHECK_EQ(info.module_count, 0);

    p->map = 1ull << 32;
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)p), LOADER_NO_MEMORY);
    p->version = 0;
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)p), LOADER_NO_MEMORY);
    p->magic = 0;
    CHECK_EQ(loader_read(&info, LOADER_PVH, (uintptr_t)p), LOADER_MALFORMED);
    CHECK_EQ(loader_read(&info, LOADER_PVH, 0), LOADER_MALFORMED);
    CHECK_EQ(loader_read(&info, LOADER_PVH, 1ull << 32), LOADER_MALFORMED);
    CHECK_EQ(loader_read(&info, 0x2badb002, (uintptr_t)p), LOADER_UNKNOWN);
    munmap(p, sizeof *p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags_are_read),
        cmocka_unit_test(test_what_is_cut_off_is_malformed),
        cmocka_unit_test(test_a_tag_of_no_length_does_not_hang),
        cmocka_unit_test(test_a_module_outside_of_ram_is_ignored),
        cmocka_unit_test(test_a_module_that_ends_before_it_starts_is_malformed),
        cmocka_unit_test(test_too_many_modules_are_counted),
        cmocka_unit_test(test_a_long_command_line_is_cut_and_that_is_said),
        cmocka_unit_test(test_without_a_memory_map_there_is_no_boot),
        cmocka_unit_test(test_a_map_with_small_entries_is_malformed),
        cmocka_unit_test(test_ranges_that_wrap_are_left_out),
        cmocka_unit_test(test_an_rsdp_needs_its_checksums),
        cmocka_unit_test(test_the_newer_rsdp_is_taken),
        cmocka_unit_test(test_pvh_start_info_is_read),
        cmocka_unit_test(test_pvh_under_a_command_line_is_not_believed),
        cmocka_unit_test(test_pvh_behind_a_command_line_that_ends_is_believed),
        cmocka_unit_test(test_pvh_that_points_nowhere_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
