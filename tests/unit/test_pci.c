/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of PCI enumeration, address assignment and MSI-X on made-up buses. */
/* links: drivers/pci tests/fake/pci tests/fake/machine */
#include "drivers/pci.h"
#include "tests/check.h"
#include "tests/fake/pci.h"

static struct pci pci;
static struct acpi acpi;
static const struct mem_range map[] = {
    {0, 0xa0000}, {0x100000, 0x1000000}, {0x100000000, 0x140000000}};
#define MAP_COUNT (sizeof(map) / sizeof(map[0]))

static int start(void **state)
{
    (void)state;
    fake_pci_reset(8, false);
    memset(&acpi, 0, sizeof(acpi));
    acpi.ecam_count = 1;
    acpi.ecam[0] = (struct acpi_ecam){.base = FAKE_PCI_ECAM, .bus_last = 7};
    acpi.window_count = 1;
    acpi.window[0] = (struct acpi_window){0xc0000000, 0xdfffffff};
    return 0;
}

static void init(void)
{
    pci_init(&pci, &acpi, map, MAP_COUNT);
}

static struct pci_device *device(uint16_t id)
{
    for (unsigned i = 0; i < pci.device_count; i++) {
        if (pci.device[i].id == id)
            return &pci.device[i];
    }
    fail_msg("device %04x was not found", id);
    return NULL;
}

static void add(struct fake_function *f, uint8_t slot, uint16_t id,
                struct fake_function *above)
{
    f->slot = slot;
    fake_pci_header(f, 0x1af4, id, f->bridge ? 6 : 2);
    fake_pci_add(f, above);
}

/* What a bridge lets through. */
static void check_window(const struct fake_function *bridge, uint64_t first,
                         uint64_t last)
{
    uint32_t both = fake_config_read(bridge, 0x20);

    CHECK_EQ((uint64_t)(both & 0xfff0) << 16, first);
    CHECK_EQ((both & 0xfff00000) | 0xfffff, last);
}

static void test_devices_are_found_by_ecam_and_by_ports(void **state)
{
    (void)state;
    for (unsigned ports = 0; ports < 2; ports++) {
        struct fake_function one = {0}, two = {.function = 1}, more = {0};

        fake_pci_reset(ports ? 0 : 1, ports);
        acpi.ecam_count = !ports;
        add(&one, 3, 0x1041, NULL);
        one.config[0x0e] = 0x80; /* several functions */
        add(&two, 3, 0x1042, NULL);
        add(&more, 31, 0x1043, NULL);
        init();
        CHECK_EQ(pci.device_count, 3);
        CHECK_EQ(device(0x1041)->slot, 3);
        CHECK_EQ(device(0x1042)->function, 1);
        CHECK_EQ(device(0x1043)->vendor, 0x1af4);
    }
}

static void test_without_a_mechanism_there_is_no_bus(void **state)
{
    (void)state;
    fake_pci_reset(0, false);
    acpi.ecam_count = 0;
    init();
    CHECK_EQ(pci.device_count, 0);
    CHECK(strstr(fake.log, "no bus"));
}

static void test_bars_are_sized_and_kept(void **state)
{
    struct fake_function f = {.bar_size = {32, 4096, 0, 0, 16384},
                              .bar_wide = {[4] = true}};

    (void)state;
    fake_config32(&f, 0x10, 0xc001);
    fake_config32(&f, 0x14, 0xfebd1000);
    fake_config32(&f, 0x20, 0xfe000000);
    fake_config32(&f, 0x24, 0x38);
    fake_config16(&f, PCI_COMMAND, 0x0003);
    add(&f, 1, 0x1041, NULL);
    init();
    const struct pci_bar *bar = device(0x1041)->bar;
    CHECK(bar[0].port);
    CHECK_EQ(bar[0].size, 32);
    CHECK_EQ(bar[0].address, 0xc000);
    CHECK_EQ(bar[1].size, 4096);
    CHECK_EQ(bar[1].address, 0xfebd1000);
    CHECK_EQ(bar[2].size, 0);
    CHECK(bar[4].wide);
    CHECK_EQ(bar[4].size, 16384);
    CHECK_EQ(bar[4].address, 0x38fe000000);
    CHECK_EQ(fake_bar(&f, 4), 0x38fe000000);
    CHECK_EQ(fake_config_read(&f, 0x10), 0xc001);
    CHECK_EQ(fake_config_read(&f, PCI_COMMAND) & 3, 3);
}

static void test_bars_that_firmware_left_are_given_addresses(void **state)
{
    struct fake_function f = {.bar_size = {0, 4096, 0, 0, 16384},
                              .bar_wide = {[4] = true}};
    struct fake_function set = {.bar_size = {65536}};

    (void)state;
    fake_config32(&set, 0x10, 0xc0000000);
    add(&set, 1, 0x1000, NULL);
    add(&f, 2, 0x1041, NULL);
    init();

    /* Behind what is there already, each at a multiple of its size. */
    CHECK_EQ(fake_bar(&f, 1), 0xc0010000);
    CHECK_EQ(fake_bar(&f, 4), 0xc0014000);
    CHECK_EQ(device(0x1041)->bar[4].address, 0xc0014000);

    /* Nothing is decoded before the device is enabled. */
    CHECK_EQ(fake_config_read(&f, PCI_COMMAND) & 7, 0);
    pci_enable(device(0x1041));
    CHECK_EQ(fake_config_read(&f, PCI_COMMAND) & 0x407, 0x407);
}

static void test_bars_larger_than_4_gib_are_sized(void **state)
{
    struct fake_function f = {.bar_size = {8ull << 30},
                              .bar_wide = {[0] = true}};

    (void)state;
    fake_config32(&f, 0x14, 0x20);
    add(&f, 1, 0x1041, NULL);
    init();
    CHECK_EQ(device(0x1041)->bar[0].size, 8ull << 30);
    CHECK_EQ(device(0x1041)->bar[0].address, 0x2000000000);
}

static void test_windows_of_bridges_are_not_given_to_others(void **state)
{
    struct fake_function bridge = {.bridge = true};
    struct fake_function f = {.bar_size = {4096}};

    (void)state;
    bridge.config[0x19] = 1;
    bridge.config[0x1a] = 1;
    fake_config16(&bridge, 0x20, 0xc000);
    fake_config16(&bridge, 0x22, 0xc010);
    fake_config32(&bridge, 0x24, 0xc031c021); /* prefetchable */
    add(&bridge, 1, 0x000c, NULL);
    add(&f, 2, 0x1041, NULL);
    init();
    CHECK_EQ(fake_bar(&f, 0), 0xc0400000);
}

/* What has no driver and decodes is left alone, unless places are needed. */
static void test_only_devices_that_may_be_driven_are_sized(void **state)
{
    struct fake_function set = {.bar_size = {65536}};
    struct fake_function f = {.bar_size = {4096}};

    (void)state;
    for (unsigned left = 0; left < 2; left++) {
        fake_pci_reset(1, false);
        fake_config32(&set, 0x10, 0xc0000000);
        fake_config16(&set, PCI_COMMAND, PCI_COMMAND_MEMORY);
        add(&set, 1, 0x1000, NULL);
        set.config[0x0b] = 3; /* display */
        fake_config32(&f, 0x10, left ? 0 : 0xd0000000);
        add(&f, 2, 0x1041, NULL);
        init();
        CHECK_EQ(device(0x1000)->bar[0].size, left ? 65536 : 0);
        CHECK_EQ(device(0x1041)->bar[0].size, 4096);
        CHECK_EQ(fake_bar(&f, 0), left ? 0xc0010000 : 0xd0000000);
    }
}

static void test_wide_bars_go_above_4_gib_when_below_is_full(void **state)
{
    struct fake_function f = {.bar_size = {1 << 20, 0, 1 << 20},
                              .bar_wide = {[0] = true}};

    (void)state;
    acpi.window[0] = (struct acpi_window){0xc0000000, 0xc000ffff};
    acpi.window[1] = (struct acpi_window){0x140000000, 0x1ffffffff};
    acpi.window_count = 2;
    add(&f, 1, 0x1041, NULL);
    init();
    CHECK_EQ(fake_bar(&f, 0), 0x140000000);
    CHECK_EQ(fake_bar(&f, 2), 0);
    CHECK(strstr(fake.log, "no room for BAR 2"));
}

static void test_ram_and_fixed_addresses_are_never_given_out(void **state)
{
    struct fake_function f = {.bar_size = {1 << 20, 1 << 20}};

    (void)state;
    /* A window over all there is: RAM, ECAM and the APICs are in the way. */
    acpi.window[0] = (struct acpi_window){0x100000, 0xffffffff};
    add(&f, 1, 0x1041, NULL);
    init();
    CHECK_EQ(fake_bar(&f, 0), 0x1000000);
    CHECK_EQ(fake_bar(&f, 1), 0x1100000);

    fake_pci_reset(8, false);
    memset(f.config, 0, sizeof(f.config));
    acpi.window[0] = (struct acpi_window){0xafff0000, 0xb07fffff};
    add(&f, 1, 0x1041, NULL);
    init();
    CHECK_EQ(fake_bar(&f, 0), 0);

    fake_pci_reset(8, false);
    memset(f.config, 0, sizeof(f.config));
    acpi.window[0] = (struct acpi_window){0xfec00000, 0x100ffffff};
    add(&f, 1, 0x1041, NULL);
    init();
    CHECK_EQ(fake_bar(&f, 0), 0);
}

static void test_without_windows_the_largest_gap_is_used(void **state)
{
    struct fake_function f = {.bar_size = {1 << 16}};

    (void)state;
    acpi.window_count = 0;
    add(&f, 1, 0x1041, NULL);
    init();
    CHECK_EQ(pci.gap.first, 0x1000000);
    CHECK_EQ(pci.gap.last, 0xfebfffff);
    CHECK_EQ(fake_bar(&f, 0), 0x1000000);
}

static void test_devices_behind_bridges_that_firmware_set_up(void **state)
{
    struct fake_function bridge = {.bridge = true};
    struct fake_function f = {.bar_size = {4096}};

    (void)state;
    bridge.config[0x19] = 1;
    bridge.config[0x1a] = 1;
    fake_config16(&bridge, 0x20, 0xd010);
    fake_config16(&bridge, 0x22, 0xd010);
    add(&bridge, 1, 0x000c, NULL);
    add(&f, 0, 0x1041, &bridge);
    init();
    CHECK_EQ(device(0x1041)->bus, 1);
    CHECK_EQ(fake_bar(&f, 0), 0xd0100000);
    check_window(&bridge, 0xd0100000, 0xd01fffff);
    pci_enable(device(0x1041));
    CHECK_EQ(fake_config_read(&bridge, PCI_COMMAND) & 7, 7);
}

static void
test_bridges_that_firmware_left_are_numbered_and_opened(void **state)
{
    struct fake_function set = {.bridge = true}, outer = {.bridge = true},
                         inner = {.bridge = true};
    struct fake_function f = {.bar_size = {4096, 4096}};
    struct fake_function on_root = {.bar_size = {4 << 20}};

    (void)state;
    set.config[0x19] = 2;
    set.config[0x1a] = 3;
    add(&outer, 1, 0x0001, NULL);
    add(&set, 2, 0x0002, NULL);
    add(&inner, 5, 0x0003, &outer);
    add(&f, 7, 0x1041, &inner);
    add(&on_root, 9, 0x1042, NULL);
    init();

    CHECK_EQ(outer.config[0x19], 4);
    CHECK_EQ(outer.config[0x1a], 5);
    CHECK_EQ(inner.config[0x18], 4);
    CHECK_EQ(inner.config[0x19], 5);
    CHECK_EQ(inner.config[0x1a], 5);
    CHECK_EQ(device(0x1041)->bus, 5);

    CHECK_EQ(fake_bar(&on_root, 0) % (4 << 20), 0);
    uint64_t at = fake_bar(&f, 0);
    CHECK_EQ(fake_bar(&f, 1), at + 4096);
    check_window(&inner, at, at + (2 << 20) - 1);
    check_window(&outer, at, at + (2 << 20) - 1);
    CHECK(fake_bar(&on_root, 0) >= at + (2 << 20) ||
          fake_bar(&on_root, 0) + (4 << 20) <= at);
}

static void test_a_port_of_pci_express_has_one_slot(void **state)
{
    struct fake_function port = {.bridge = true};
    struct fake_function f = {0}, ghost = {0};

    (void)state;
    port.config[0x19] = 1;
    port.config[0x1a] = 1;
    fake_config16(&port, PCI_STATUS, PCI_STATUS_CAPABILITIES);
    port.config[PCI_CAPABILITIES] = 0x40;
    port.config[0x40] = PCI_CAP_EXPRESS;
    port.config[0x42] = 4 << 4;
    add(&port, 1, 0x000c, NULL);
    add(&f, 0, 0x1041, &port);
    add(&ghost, 1, 0x1042, &port);
    init();
    CHECK_EQ(pci.device_count, 2);
}

/* A device that shows up everywhere must not cost more than its share. */
static void test_too_many_devices_and_buses_are_left_out(void **state)
{
    static struct fake_function bridges[40];

    (void)state;
    memset(bridges, 0, sizeof(bridges));
    fake_pci_reset(64, false);
    acpi.ecam[0].bus_last = 63;
    for (unsigned i = 0; i < 40; i++) {
        bridges[i].bridge = true;
        add(&bridges[i], 0, (uint16_t)i, i ? &bridges[i - 1] : NULL);
    }
    init();
    CHECK_EQ(pci.bus_count, PCI_BUSES_MAX);
    CHECK_EQ(pci.device_count, PCI_BUSES_MAX);
}

static void test_capabilities_that_go_round_end(void **state)
{
    struct fake_function f = {0};

    (void)state;
    fake_config16(&f, PCI_STATUS, PCI_STATUS_CAPABILITIES);
    f.config[PCI_CAPABILITIES] = 0x40;
    fake_config16(&f, 0x40, 0x5000 | PCI_CAP_VENDOR);
    fake_config16(&f, 0x50, 0x4000 | PCI_CAP_VENDOR);
    add(&f, 1, 0x1041, NULL);
    init();
    CHECK_EQ(pci_capability(device(0x1041), PCI_CAP_VENDOR, 0), 0x40);
    CHECK_EQ(pci_capability(device(0x1041), PCI_CAP_VENDOR, 0x40), 0x50);
    CHECK_EQ(pci_capability(device(0x1041), PCI_CAP_MSIX, 0), 0);

    /* Into the header, it ends as well. */
    f.config[PCI_CAPABILITIES] = 0x10;
    CHECK_EQ(pci_capability(device(0x1041), PCI_CAP_VENDOR, 0), 0);
    fake_config16(&f, PCI_STATUS, 0);
    f.config[PCI_CAPABILITIES] = 0x40;
    CHECK_EQ(pci_capability(device(0x1041), PCI_CAP_VENDOR, 0), 0);
}

static void test_only_what_is_inside_a_bar_is_mapped(void **state)
{
    struct fake_registers bar = {.len = 8192}; /* more than the BAR */
    struct fake_function f = {.bar_size = {4096}, .bar = {&bar}};

    (void)state;
    add(&f, 1, 0x1041, NULL);
    init();
    const struct pci_device *dev = device(0x1041);
    CHECK(pci_map(dev, 0, 0, 4096) == bar.at);
    CHECK(pci_map(dev, 0, 4000, 96) == bar.at + 4000);
    CHECK(!pci_map(dev, 0, 4000, 97));
    CHECK(!pci_map(dev, 0, 4097, 0));
    CHECK(!pci_map(dev, 0, 0, 0));
    CHECK(!pci_map(dev, 0, UINT64_MAX, 2));
    CHECK(!pci_map(dev, 0, 2, UINT64_MAX));
    CHECK(!pci_map(dev, 1, 0, 1));
    CHECK(!pci_map(dev, 6, 0, 1));
    CHECK(!pci_map(dev, 255, 0, 1));
}

static uint32_t table[4 * 4];

static void table_write(void *self, size_t offset, unsigned width,
                        uint64_t value)
{
    (void)self;
    CHECK_EQ(width, 4);
    table[offset / 4] = (uint32_t)value;
}

static void test_msix_entries_are_masked_until_routed(void **state)
{
    struct fake_registers bar = {.write = table_write};
    struct fake_function f = {.bar_size = {0, 4096}, .bar = {[1] = &bar}};
    struct pci_msix msix;

    (void)state;
    fake_config16(&f, PCI_STATUS, PCI_STATUS_CAPABILITIES);
    f.config[PCI_CAPABILITIES] = 0x40;
    f.config[0x40] = PCI_CAP_MSIX;
    fake_config16(&f, 0x42, 2); /* three entries */
    fake_config32(&f, 0x44, 1); /* at the start of BAR 1 */
    add(&f, 1, 0x1041, NULL);
    init();
    memset(table, 0, sizeof(table));
    CHECK(pci_msix_enable(device(0x1041), &msix));
    CHECK_EQ(msix.count, 3);
    CHECK_EQ(fake_config_read(&f, 0x40) >> 16, 0x8002);
    CHECK_EQ(table[3], 1);
    CHECK_EQ(table[7], 1);
    CHECK_EQ(table[11], 1);

    pci_msix_route(&msix, 1, 0x44);
    CHECK_EQ(table[4], 0xfee00000);
    CHECK_EQ(table[5], 0);
    CHECK_EQ(table[6], 0x44);
    CHECK_EQ(table[7], 0);
    CHECK_EQ(table[3], 1);

    /* A table that does not fit into its BAR is none. */
    fake_config16(&f, 0x42, 2047);
    CHECK(!pci_msix_enable(device(0x1041), &msix));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        T(test_devices_are_found_by_ecam_and_by_ports),
        T(test_without_a_mechanism_there_is_no_bus),
        T(test_bars_are_sized_and_kept),
        T(test_bars_that_firmware_left_are_given_addresses),
        T(test_bars_larger_than_4_gib_are_sized),
        T(test_windows_of_bridges_are_not_given_to_others),
        T(test_only_devices_that_may_be_driven_are_sized),
        T(test_wide_bars_go_above_4_gib_when_below_is_full),
        T(test_ram_and_fixed_addresses_are_never_given_out),
        T(test_without_windows_the_largest_gap_is_used),
        T(test_devices_behind_bridges_that_firmware_set_up),
        T(test_bridges_that_firmware_left_are_numbered_and_opened),
        T(test_a_port_of_pci_express_has_one_slot),
        T(test_too_many_devices_and_buses_are_left_out),
        T(test_capabilities_that_go_round_end),
        T(test_only_what_is_inside_a_bar_is_mapped),
        T(test_msix_entries_are_masked_until_routed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
