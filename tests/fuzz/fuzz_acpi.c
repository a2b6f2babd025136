/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the firmware's ACPI tables. */
/* links: drivers/hypervisor_pages drivers/acpi drivers/aml tests/fake/machine
 */
#include "drivers/hypervisor_pages.h"
#include "tests/fake/machine.h"

#include <stdlib.h>
#include <string.h>

#define BASE    0x1000
#define RSDP    36
#define REG_LEN 0x1000

static uint64_t read_zero(void *self, size_t offset, unsigned width)
{
    (void)self, (void)offset, (void)width;
    return 0;
}

static void write_nothing(void *self, size_t offset, unsigned width,
                          uint64_t value)
{
    (void)self, (void)offset, (void)width, (void)value;
}

static struct fake_registers registers = {.physical = 0xfe000000,
                                          .len = REG_LEN,
                                          .read = read_zero,
                                          .write = write_nothing};

static void fix_sum(uint8_t *p, size_t len, size_t at)
{
    uint8_t sum = 0;

    p[at] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + p[i]);
    p[at] = (uint8_t)-sum;
}

/* No fuzzer guesses a checksum: what looks like a table gets its own. */
static void fix_tables(uint8_t *memory, size_t len)
{
    static const char known[] = "RSDTXSDTFACPAPICHPETMCFGDSDTWAETSSDT";

    for (size_t i = 0; i + 36 <= len; i += 4) {
        uint32_t table_len = le32(memory + i + 4);

        for (const char *k = known; *k; k += 4) {
            if (memcmp(memory + i, k, 4) == 0 && table_len >= 36 &&
                table_len <= len - i)
                fix_sum(memory + i, table_len, 9);
        }
    }
}

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct acpi acpi;
    uint8_t rsdp[RSDP];

    if (len <= RSDP)
        return 0;
    memcpy(rsdp, data, RSDP);
    memcpy(rsdp, "RSD PTR ", 8);
    fix_sum(rsdp, 20, 8);
    fix_sum(rsdp, 36, 32);

    /* A copy of its own size, so that reading past it is noticed. */
    size_t memory_len = len - RSDP;
    uint8_t *memory = malloc(memory_len);
    memcpy(memory, data + RSDP, memory_len);
    fix_tables(memory, memory_len);

    fake_reset();
    fake_memory_add(BASE, memory, memory_len);
    fake_registers_add(&registers);
    acpi_init(&acpi, rsdp, RSDP);

    check(acpi.table_count <= ACPI_TABLES_MAX);
    check(acpi.ecam_count <= ACPI_ECAM_MAX);
    check(acpi.window_count <= ACPI_WINDOWS_MAX);
    check(acpi.madt.io_count <= APIC_IO_MAX);
    check(acpi.madt.override_count <= APIC_OVERRIDE_MAX);
    for (unsigned i = 0; i < acpi.window_count; i++)
        check(acpi.window[i].first <= acpi.window[i].last);
    for (unsigned i = 0; i < acpi.table_count; i++) {
        struct view v = acpi_table(&acpi, acpi.table[i].signature, 0);
        check(v.ok && v.left >= 36 && v.left <= memory_len);
    }

    struct vmclock_place page;
    if (vmclock_page(&acpi, &page))
        check(page.bytes >= 32 && page.bytes <= 4096);
    struct vmgenid_place generation;
    if (vmgenid_place(&acpi, &generation))
        check(generation.physical % 8 == 0);
    acpi_power_off(&acpi);
    fake_reset();
    free(memory);
    return 0;
}
