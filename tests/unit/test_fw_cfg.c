/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the fw_cfg device, honest and not. */
/* links: drivers/fw_cfg tests/fake/machine */
#include "drivers/fw_cfg.h"
#include "tests/check.h"
#include "tests/fake/machine.h"

#define KEY_CONF 0x2a

/* The device: items by key, of which one is selected. */
static struct {
    uint8_t directory[4 + 8 * FW_CFG_ENTRY_BYTES];
    uint32_t entries; /* that are really there */
    uint32_t initrd;  /* bytes */
    bool dma;
    bool dma_error;
    bool dma_hangs;
    uint16_t selected;
    uint32_t at;
    uint64_t dma_high;
    unsigned byte_reads;
} device;

static const char conf[] = "server 192.0.2.1\n";

static void put_be32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void add_entry(const char *name, uint16_t key, uint32_t size)
{
    uint8_t *p = device.directory + 4 + device.entries * FW_CFG_ENTRY_BYTES;

    memset(p, 0, FW_CFG_ENTRY_BYTES);
    put_be32(p, size);
    p[4] = (uint8_t)(key >> 8);
    p[5] = (uint8_t)key;
    memcpy(p + 8, name, strlen(name));
    put_be32(device.directory, ++device.entries);
}

static uint8_t item_byte(uint16_t key, uint32_t at)
{
    switch (key) {
    case 0:
        return at < 4 ? (uint8_t) "QEMU"[at] : 0;
    case 1:
        return at == 0 ? (uint8_t)(1 | device.dma << 1) : 0;
    case 0x0b:
        return at < 4 ? (uint8_t)(device.initrd >> 8 * at) : 0xee;
    case 0x19:
        return at < sizeof(device.directory) ? device.directory[at] : 0;
    case KEY_CONF:
        return at < sizeof(conf) - 1 ? (uint8_t)conf[at] : 0;
    default:
        return 0;
    }
}

static uint32_t port_read(uint16_t port, unsigned width)
{
    CHECK_EQ(port, 0x511);
    CHECK_EQ(width, 1);
    device.byte_reads++;
    return item_byte(device.selected, device.at++);
}

static void run_dma(uint64_t address)
{
    uint8_t *command = (uint8_t *)(uintptr_t)address;
    uint32_t control = be32(command);
    uint8_t *to = (uint8_t *)(uintptr_t)((uint64_t)be32(command + 8) << 32 |
                                         be32(command + 12));

    CHECK_EQ(control & 0xffff, 2 | 8);
    if (device.dma_hangs)
        return;
    for (uint32_t i = 0; i < be32(command + 4) && !device.dma_error; i++)
        to[i] = item_byte((uint16_t)(control >> 16), i);
    put_be32(command, device.dma_error);
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
    switch (port) {
    case 0x510:
        CHECK_EQ(width, 2);
        device.selected = (uint16_t)value;
        device.at = 0;
        break;
    case 0x514:
        device.dma_high = (uint64_t)__builtin_bswap32(value) << 32;
        break;
    case 0x518:
        run_dma(device.dma_high | __builtin_bswap32(value));
        break;
    default:
        fail_msg("port %#x", port);
    }
}

static int start(void **state)
{
    (void)state;
    fake_reset();
    fake.port_read = port_read;
    fake.port_write = port_write;
    memset(&device, 0, sizeof(device));
    device.dma = true;
    add_entry("etc/e820", 0x20, 20);
    add_entry(FW_CFG_CONF, KEY_CONF, sizeof(conf) - 1);
    add_entry("opt/gnomon/empty", 0x2b, 0);
    add_entry("opt/gnomon/large", 0x2c, FW_CFG_ITEM_MAX + 1);
    return 0;
}

static enum fw_cfg_verdict load(const char *name, struct view *data)
{
    struct fw_cfg fw;

    fw_cfg_probe(&fw);
    return fw_cfg_load(&fw, name, data);
}

static void test_items_are_read_whole_by_dma_and_by_bytes(void **state)
{
    struct view data;

    (void)state;
    for (unsigned dma = 0; dma < 2; dma++) {
        start(NULL);
        device.dma = dma;
        CHECK_EQ(load(FW_CFG_CONF, &data), FW_CFG_OK);
        CHECK_EQ(data.left, sizeof(conf) - 1);
        CHECK_BYTES(data.at, conf, sizeof(conf) - 1);
        if (dma)
            CHECK_EQ(device.byte_reads, 8); /* signature and features */
    }
}

/* What QEMU was given is known, whether or not the firmware handed it on. */
static void test_an_initrd_is_known_of(void **state)
{
    struct fw_cfg fw;

    (void)state;
    CHECK(fw_cfg_probe(&fw));
    CHECK_EQ(fw_cfg_initrd_bytes(&fw), 0);
    device.initrd = 0x12345678;
    CHECK_EQ(fw_cfg_initrd_bytes(&fw), 0x12345678);
    fw.present = false;
    CHECK_EQ(fw_cfg_initrd_bytes(&fw), 0);
}

static void test_empty_items_are_there(void **state)
{
    struct view data;

    (void)state;
    CHECK_EQ(load("opt/gnomon/empty", &data), FW_CFG_OK);
    CHECK(data.ok);
    CHECK_EQ(data.left, 0);
}

static void test_absent_items_and_devices_are_silent(void **state)
{
    struct view data;

    (void)state;
    CHECK_EQ(load(FW_CFG_ARCHIVE, &data), FW_CFG_ABSENT);
    CHECK_EQ(load("opt/gnomon/con", &data), FW_CFG_ABSENT);
    CHECK_EQ(load("opt/gnomon/conf2", &data), FW_CFG_ABSENT);
    fake.port_read = NULL;
    fake.port_write = NULL;
    CHECK_EQ(load(FW_CFG_CONF, &data), FW_CFG_ABSENT);
    CHECK_TEXT(fake.log, "");
}

static void test_large_items_are_refused_and_said(void **state)
{
    struct view data;

    (void)state;
    CHECK_EQ(load("opt/gnomon/large", &data), FW_CFG_LARGE);
    CHECK(strstr(fake.log, "opt/gnomon/large: refused"));
    CHECK(fake.memory_left > 7 << 20);
}

static void test_devices_that_do_not_deliver_are_said(void **state)
{
    struct view data;

    (void)state;
    device.dma_error = true;
    CHECK_EQ(load(FW_CFG_CONF, &data), FW_CFG_DAMAGED);
    CHECK(strstr(fake.log, "damaged"));

    struct fw_cfg fw;
    start(NULL);
    CHECK(fw_cfg_probe(&fw));
    device.dma_error = true;
    CHECK_EQ(fw_cfg_load(&fw, FW_CFG_CONF, &data), FW_CFG_FAILED);
    device.dma_error = false;
    device.dma_hangs = true;
    CHECK_EQ(fw_cfg_load(&fw, FW_CFG_CONF, &data), FW_CFG_FAILED);
}

static void test_endless_directories_are_read_so_far(void **state)
{
    struct view data;

    (void)state;
    put_be32(device.directory, UINT32_MAX);
    CHECK_EQ(load(FW_CFG_CONF, &data), FW_CFG_OK);
    /* The entries after the last are zero: no key of a file. */
    CHECK_EQ(load(FW_CFG_ARCHIVE, &data), FW_CFG_DAMAGED);
}

static void test_entries_are_read_down_the_figure(void **state)
{
    struct fw_cfg_entry e = {.size = 7};
    struct view v = view_of(device.directory + 4, 2 * FW_CFG_ENTRY_BYTES);

    (void)state;
    CHECK(fw_cfg_entry_next(&v, &e));
    CHECK_EQ(e.size, 20);
    CHECK_EQ(e.select, 0x20);
    CHECK_TEXT(e.name, "etc/e820");
    CHECK(fw_cfg_entry_next(&v, &e));
    CHECK_TEXT(e.name, FW_CFG_CONF);
    CHECK(!fw_cfg_entry_next(&v, &e));
    CHECK(v.ok);

    /* One byte less than an entry; then a view that failed stays so. */
    v = view_of(device.directory + 4, FW_CFG_ENTRY_BYTES - 1);
    CHECK(!fw_cfg_entry_next(&v, &e));
    CHECK(!v.ok);
    CHECK(!fw_cfg_entry_next(&v, &e));
}

static void test_names_that_do_not_end_are_refused(void **state)
{
    struct fw_cfg_entry e;
    uint8_t bytes[FW_CFG_ENTRY_BYTES];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    struct view v = view_of(bytes, sizeof(bytes));
    CHECK(!fw_cfg_entry_next(&v, &e));
    CHECK(!v.ok);

    bytes[FW_CFG_ENTRY_BYTES - 1] = 0;
    v = view_of(bytes, sizeof(bytes));
    CHECK(fw_cfg_entry_next(&v, &e));
    CHECK_EQ(strlen(e.name), FW_CFG_NAME_MAX);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        T(test_items_are_read_whole_by_dma_and_by_bytes),
        T(test_an_initrd_is_known_of),
        T(test_empty_items_are_there),
        T(test_absent_items_and_devices_are_silent),
        T(test_large_items_are_refused_and_said),
        T(test_devices_that_do_not_deliver_are_said),
        T(test_endless_directories_are_read_so_far),
        T(test_entries_are_read_down_the_figure),
        T(test_names_that_do_not_end_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
