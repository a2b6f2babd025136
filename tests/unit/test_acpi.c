/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the ACPI tables, on a machine whose firmware is made up. */
/* links: drivers/acpi drivers/aml tests/fake/machine */
#include "drivers/acpi.h"
#include "tests/check.h"
#include "tests/fake/machine.h"

#define BASE 0x7ffe0000

static uint8_t memory[65536]; /* at BASE */
static size_t used;
static uint32_t root[16]; /* what the root table will list */
static unsigned root_count;
static uint8_t rsdp[36];
static struct acpi acpi;

static void put(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static void fix_sum(uint8_t *p, size_t len, size_t at)
{
    uint8_t sum = 0;

    p[at] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + p[i]);
    p[at] = (uint8_t)-sum;
}

static int start(void **state)
{
    (void)state;
    fake_reset();
    memset(memory, 0, sizeof(memory));
    used = 0x100;
    root_count = 0;
    fake_memory_add(BASE, memory, sizeof(memory));
    return 0;
}

/* A table of `len` bytes, zero but for its header; returns where it is. */
static uint8_t *add_table(const char *signature, size_t len)
{
    uint8_t *p = memory + used;

    used += (len + 15) & ~(size_t)15;
    memcpy(p, signature, 4);
    put(p + 4, len, 4);
    root[root_count++] = (uint32_t)(BASE + (p - memory));
    return p;
}

static void finish(uint8_t *table, size_t len)
{
    fix_sum(table, len, 9);
}

/* The root table and the root pointer for it; then read it all. */
static void read_all(unsigned revision)
{
    unsigned width = revision ? 8 : 4, count = root_count;
    size_t len = 36 + count * width;
    uint8_t *table = add_table(revision ? "XSDT" : "RSDT", len);

    for (unsigned i = 0; i < count; i++)
        put(table + 36 + i * width, root[i], width);
    finish(table, len);

    memset(rsdp, 0, sizeof(rsdp));
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = (uint8_t)revision;
    put(rsdp + 16, revision ? 0 : root[count], 4);
    fix_sum(rsdp, 20, 8);
    if (revision) {
        put(rsdp + 20, 36, 4);
        put(rsdp + 24, root[count], 8);
        fix_sum(rsdp, 36, 32);
    }
    acpi_init(&acpi, rsdp, revision ? 36 : 20);
}

static void add_hpet(uint64_t address)
{
    uint8_t *p = add_table("HPET", 56);

    put(p + 44, address, 8);
    finish(p, 56);
}

static void test_revision_0_is_read_by_its_rsdt(void **state)
{
    (void)state;
    add_hpet(0xfed00000);
    read_all(0);
    CHECK(acpi.present);
    CHECK_EQ(acpi.revision, 0);
    CHECK_EQ(acpi.hpet_address, 0xfed00000);
}

static void test_revision_2_is_read_by_its_xsdt(void **state)
{
    (void)state;
    add_hpet(0xfed00000);
    read_all(2);
    CHECK(acpi.present);
    CHECK_EQ(acpi.revision, 2);
    CHECK_EQ(acpi.hpet_address, 0xfed00000);
}

static void test_root_pointer_is_searched_for_in_the_bios(void **state)
{
    static uint8_t bios[0x20000];

    (void)state;
    add_hpet(0xfed00000);
    read_all(0);
    memset(bios, 0, sizeof(bios));
    memcpy(bios + 0x4560, rsdp, 20);
    fake_memory_add(0xe0000, bios, sizeof(bios));
    acpi_init(&acpi, NULL, 0);
    CHECK(acpi.present);
    CHECK_EQ(acpi.hpet_address, 0xfed00000);

    bios[0x4560 + 16]++;
    acpi_init(&acpi, NULL, 0);
    CHECK(!acpi.present);
}

static void test_damaged_tables_are_as_good_as_absent(void **state)
{
    (void)state;
    add_hpet(0xfed00000);
    memory[0x100 + 50]++;
    read_all(0);
    CHECK(acpi.present);
    CHECK_EQ(acpi.hpet_address, 0);
    CHECK(strstr(fake.log, "damaged"));

    /* A table shorter than a header, and one that ends outside of memory. */
    for (unsigned i = 0; i < 2; i++) {
        start(NULL);
        uint8_t *p = add_table("HPET", 56);
        put(p + 4, i ? 0x20000 : 20, 4);
        finish(p, 20);
        read_all(0);
        CHECK(acpi.present);
        CHECK_EQ(acpi.table_count, 0);
    }
}

static void test_wrong_root_is_no_root(void **state)
{
    (void)state;
    add_hpet(0xfed00000);
    read_all(2);
    rsdp[33]++; /* the second checksum fails, and there is no RSDT */
    acpi_init(&acpi, rsdp, 36);
    CHECK(!acpi.present);
    CHECK_EQ(acpi.table_count, 0);

    rsdp[0] = 'X';
    acpi_init(&acpi, rsdp, 36);
    CHECK(!acpi.present);
    acpi_init(&acpi, rsdp, 8);
    CHECK(!acpi.present);
}

static void test_more_tables_than_there_is_room_for_are_left_out(void **state)
{
    (void)state;
    add_hpet(0xfed00000);
    uint8_t *p = add_table("XSDT", 36 + 8 * 300);
    for (unsigned i = 0; i < 300; i++)
        put(p + 36 + 8 * i, root[0], 8);
    finish(p, 36 + 8 * 300);
    read_all(2);
    put(rsdp + 24, root[1], 8);
    fix_sum(rsdp, 36, 32);
    acpi_init(&acpi, rsdp, 36);
    CHECK_EQ(acpi.table_count, ACPI_TABLES_MAX);
}

/* QEMU's pc: revision 1, 116 bytes, no reset register. */
static void test_short_fadt_has_a_pm_timer(void **state)
{
    (void)state;
    uint8_t *p = add_table("FACP", 116);
    put(p + 64, 0x604, 4);
    put(p + 76, 0x608, 4);
    p[91] = 4;
    p[108] = 0x32;
    put(p + 112, 0x80a5, 4);
    finish(p, 116);
    read_all(0);
    CHECK_EQ(acpi.rtc_century, 0x32);
    CHECK_EQ(acpi.pm_timer_port, 0x608);
    CHECK(!acpi.pm_timer_32bit);
    CHECK(!acpi.reset.present);
    CHECK(acpi.power.present);
    CHECK_EQ(acpi.power.pm1a_control, 0x604);
}

static void test_long_fadt_has_extended_addresses_and_a_reset(void **state)
{
    (void)state;
    uint8_t *p = add_table("FACP", 276);
    put(p + 64, 0x604, 4);
    put(p + 76, 0x608, 4);
    p[91] = 4;
    put(p + 112, 1 << 8 | 1 << 10, 4);
    p[116] = 1;
    put(p + 120, 0xcf9, 8);
    p[128] = 0x0f;
    p[208] = 1;
    put(p + 212, 0x1008, 8);
    finish(p, 276);
    read_all(2);
    CHECK_EQ(acpi.pm_timer_port, 0x1008);
    CHECK(acpi.pm_timer_32bit);
    CHECK(acpi.reset.present);
    CHECK(!acpi.reset.in_memory);
    CHECK_EQ(acpi.reset.address, 0xcf9);
    CHECK_EQ(acpi.reset.value, 0x0f);
}

static uint8_t sleep_written;

static void sleep_write(void *self, size_t offset, unsigned width,
                        uint64_t value)
{
    (void)self;
    CHECK_EQ(offset, 0x100);
    CHECK_EQ(width, 1);
    sleep_written = (uint8_t)value;
}

/* As QEMU's microvm has it: no PM timer, sleep and reset in memory. */
static void test_reduced_hardware_sleeps_in_memory(void **state)
{
    static struct fake_registers ged = {
        .physical = 0xfe900000, .len = 0x1000, .write = sleep_write};

    (void)state;
    fake_registers_add(&ged);
    uint8_t *dsdt = add_table("DSDT", 36 + 13);
    check_hex("08 5f53355f 12 07 04 0a05 00 00 00", dsdt + 36, 13);
    finish(dsdt, 36 + 13);
    root_count = 0;
    uint8_t *p = add_table("FACP", 276);
    put(p + 112, 1 << 10 | 1 << 20, 4);
    put(p + 120, 0xfe900102, 8);
    p[128] = 0x42;
    put(p + 140, BASE + (uint64_t)(dsdt - memory), 8);
    put(p + 248, 0xfe900100, 8);
    finish(p, 276);
    read_all(2);
    CHECK_EQ(acpi.pm_timer_port, 0);
    CHECK(acpi.reset.present);
    CHECK(acpi.reset.in_memory);
    CHECK_EQ(acpi.reset.address, 0xfe900102);

    CHECK(acpi.power.present);
    acpi_power_off(&acpi);
    CHECK_EQ(sleep_written, 5 << 2 | 1 << 5);
}

static uint32_t power_written;

static void power_write(uint16_t port, unsigned width, uint32_t value)
{
    CHECK_EQ(port, 0x604);
    CHECK_EQ(width, 2);
    power_written = value;
}

static void test_power_off_writes_the_sleep_type(void **state)
{
    (void)state;
    uint8_t *dsdt = add_table("DSDT", 36 + 13);
    check_hex("08 5f53355f 12 07 04 0a05 00 00 00", dsdt + 36, 13);
    finish(dsdt, 36 + 13);
    uint32_t dsdt_address = root[--root_count];
    uint8_t *p = add_table("FACP", 116);
    put(p + 40, dsdt_address, 4);
    put(p + 64, 0x604, 4);
    finish(p, 116);
    read_all(0);
    fake.port_write = power_write;
    acpi_power_off(&acpi);
    CHECK_EQ(power_written, 5 << 10 | 1 << 13);
}

static void test_reset_is_only_where_the_flag_says_so(void **state)
{
    (void)state;
    uint8_t *p = add_table("FACP", 132);
    p[116] = 1;
    put(p + 120, 0xcf9, 8);
    p[128] = 0x0f;
    finish(p, 132);
    read_all(0);
    CHECK(!acpi.reset.present);
}

static void test_madt_is_told_in_numbers(void **state)
{
    static const char entries[] =
        "00 08 00 00 01000000"                   /* a local APIC */
        "00 08 01 01 00000000"                   /* one that is off */
        "01 0c 00 00 0000c0fe 00000000"          /* I/O APIC */
        "01 0c 01 00 0010c0fe 18000000"          /* another */
        "02 0a 00 00 02000000 0000"              /* timer, as ISA has it */
        "02 0a 00 09 09000000 0d00"              /* SCI: high, level */
        "02 0a 00 0a 0a000000 0f00"              /* low, level */
        "02 0a 01 03 03000000 0000"              /* not ISA */
        "04 06 ff 0000 01"                       /* NMI */
        "05 0c 0000 0000e0fe 01000000"           /* local APICs elsewhere */
        "09 10 0000 00010000 01000000 00000000"; /* a local x2APIC */

    (void)state;
    uint8_t *p = add_table("APIC", 512);
    put(p + 36, 0xfee00000, 4);
    size_t len = 44 + check_hex(entries, p + 44, 400);
    put(p + 4, len, 4);
    finish(p, len);
    read_all(0);

    CHECK(acpi.madt_present);
    CHECK_EQ(acpi.cpu_count, 2);
    CHECK_EQ(acpi.madt.local_address, 0x1fee00000);
    CHECK_EQ(acpi.madt.io_count, 2);
    CHECK_EQ(acpi.madt.io[1].address, 0xfec01000);
    CHECK_EQ(acpi.madt.io[1].gsi_base, 24);
    CHECK_EQ(acpi.madt.override_count, 3);
    CHECK_EQ(acpi.madt.override[0].source, 0);
    CHECK_EQ(acpi.madt.override[0].gsi, 2);
    CHECK(!acpi.madt.override[0].level && !acpi.madt.override[0].active_low);
    CHECK(acpi.madt.override[1].level && !acpi.madt.override[1].active_low);
    CHECK(acpi.madt.override[2].level && acpi.madt.override[2].active_low);
}

static void test_madt_entries_without_length_end_it(void **state)
{
    (void)state;
    for (unsigned len = 0; len < 2; len++) {
        start(NULL);
        uint8_t *p = add_table("APIC", 80);
        p[44] = 0;
        p[45] = (uint8_t)len;
        finish(p, 80);
        read_all(0);
        CHECK(acpi.madt_present);
        CHECK_EQ(acpi.cpu_count, 0);
    }
}

static void test_mcfg_and_waet(void **state)
{
    (void)state;
    uint8_t *p = add_table("MCFG", 44 + 16 * 6);
    for (unsigned i = 0; i < 6; i++) {
        put(p + 44 + 16 * i, 0xb0000000 + i, 8);
        put(p + 44 + 16 * i + 8, i, 2);
        p[44 + 16 * i + 11] = i == 1 ? 0 : 255;
        p[44 + 16 * i + 10] = i == 1 ? 5 : 0; /* ends before it starts */
    }
    finish(p, 44 + 16 * 6);
    p = add_table("WAET", 40);
    put(p + 36, 2, 4);
    finish(p, 40);
    read_all(2);
    CHECK_EQ(acpi.ecam_count, ACPI_ECAM_MAX);
    CHECK_EQ(acpi.ecam[0].base, 0xb0000000);
    CHECK_EQ(acpi.ecam[0].bus_last, 255);
    CHECK_EQ(acpi.ecam[1].segment, 2);
    CHECK(acpi.pm_timer_good);
    CHECK(!acpi.rtc_good);
}

static void add_dsdt(const char *aml)
{
    size_t len = 36 + check_hex(aml, memory + used + 36, 256);
    uint8_t *dsdt = add_table("DSDT", len);

    finish(dsdt, len);
    uint32_t address = root[--root_count];
    uint8_t *fadt = add_table("FACP", 116);
    put(fadt + 40, address, 4);
    finish(fadt, 116);
}

static void
test_dsdt_tells_of_windows_and_of_ecam_where_mcfg_does_not(void **state)
{
    static const char aml[] =
        "14 0c 5f434241 00 a4 0c 000000e0"
        "08 5f435253 11 2f 0a2c 88 0d00 02 0c 00 0000 0000 ff00 0000 0001"
        "87 1700 00 0c 03 00000000 000000c0 ffffbffe 00000000 0000c03e 7900";

    (void)state;
    add_dsdt(aml);
    read_all(2);
    CHECK_EQ(acpi.window_count, 1);
    CHECK_EQ(acpi.window[0].first, 0xc0000000);
    CHECK_EQ(acpi.window[0].last, 0xfebfffff);
    CHECK_EQ(acpi.ecam_count, 1);
    CHECK_EQ(acpi.ecam[0].base, 0xe0000000);
    CHECK_EQ(acpi.ecam[0].bus_last, 255);

    start(NULL);
    add_dsdt(aml);
    uint8_t *p = add_table("MCFG", 60);
    put(p + 44, 0xb0000000, 8);
    finish(p, 60);
    read_all(2);
    CHECK_EQ(acpi.ecam_count, 1);
    CHECK_EQ(acpi.ecam[0].base, 0xb0000000);
}

static void test_tables_are_found_by_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *p = add_table(i == 1 ? "WAET" : "SSDT", 40);
        p[36] = (uint8_t)i;
        finish(p, 40);
    }
    read_all(2);
    struct view v = acpi_table(&acpi, "SSDT", 1);
    CHECK(v.ok);
    CHECK_EQ(v.left, 40);
    CHECK_EQ(v.at[36], 2);
    CHECK(!acpi_table(&acpi, "SSDT", 2).ok);
    CHECK(!acpi_table(&acpi, "HPET", 0).ok);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        T(test_revision_0_is_read_by_its_rsdt),
        T(test_revision_2_is_read_by_its_xsdt),
        T(test_root_pointer_is_searched_for_in_the_bios),
        T(test_damaged_tables_are_as_good_as_absent),
        T(test_wrong_root_is_no_root),
        T(test_more_tables_than_there_is_room_for_are_left_out),
        T(test_short_fadt_has_a_pm_timer),
        T(test_long_fadt_has_extended_addresses_and_a_reset),
        T(test_reduced_hardware_sleeps_in_memory),
        T(test_power_off_writes_the_sleep_type),
        T(test_reset_is_only_where_the_flag_says_so),
        T(test_madt_is_told_in_numbers),
        T(test_madt_entries_without_length_end_it),
        T(test_mcfg_and_waet),
        T(test_dsdt_tells_of_windows_and_of_ecam_where_mcfg_does_not),
        T(test_tables_are_found_by_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
