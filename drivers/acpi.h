/* SPDX-License-Identifier: BSD-2-Clause */
/* What the firmware's ACPI tables say, as plain numbers. */
#ifndef DRIVERS_ACPI_H
#define DRIVERS_ACPI_H

#include "arch/apic.h"
#include "arch/panic.h"
#include "drivers/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define ACPI_TABLES_MAX  64      /* further ones are not looked at */
#define ACPI_TABLE_BYTES 1048576 /* a longer table is refused */
#define ACPI_ECAM_MAX    4       /* further segments and ranges: CF8 or not */
#define ACPI_WINDOWS_MAX 8       /* memory windows of PCI host bridges */

/* A table whose checksum is right; `address` is that of its header. */
struct acpi_table {
    char signature[4];
    uint32_t len;
    uint64_t address;
};

/* Memory-mapped configuration space of a range of buses (MCFG, _CBA). */
struct acpi_ecam {
    uint64_t base; /* of bus 0, whether it is in the range or not */
    uint16_t segment;
    uint8_t bus_first;
    uint8_t bus_last;
};

/* Addresses that a PCI host bridge decodes, both ends included. */
struct acpi_window {
    uint64_t first;
    uint64_t last;
};

/* How to write a sleep type: ACPI 6.5, 4.8.3.2 or, reduced, 4.8.3.7. */
struct acpi_power {
    bool present;
    bool reduced;          /* hardware-reduced: `sleep` instead of PM1 */
    uint16_t pm1a_control; /* ports; pm1b is 0 where there is none */
    uint16_t pm1b_control;
    uint8_t s5_type_a;
    uint8_t s5_type_b;
    uint16_t sleep_port;          /* 0: in memory */
    volatile void *sleep_control; /* mapped */
};

/* Zero means that the tables do not say so. */
struct acpi {
    bool present;
    uint8_t revision; /* of the RSDP */

    struct acpi_table table[ACPI_TABLES_MAX];
    unsigned table_count;

    struct apic_madt madt;
    bool madt_present;
    unsigned cpu_count; /* enabled local APICs */

    uint16_t pm_timer_port;
    bool pm_timer_32bit; /* else 24 */
    uint64_t hpet_address;
    uint8_t rtc_century; /* index of the century's byte in the CMOS RAM */
    bool rtc_good;       /* WAET: no work-around needed */
    bool pm_timer_good;

    struct acpi_ecam ecam[ACPI_ECAM_MAX];
    unsigned ecam_count;
    struct acpi_window window[ACPI_WINDOWS_MAX];
    unsigned window_count;

    struct reset_register reset;
    struct acpi_power power;
};

/*
 * Read the tables.  `rsdp` is the root pointer as the loader gave it, of
 * `len` bytes (20 or 36); without, it is searched for where a BIOS leaves it.
 *
 * A table that is short, too long or has a wrong checksum is as good as
 * absent, and the log says so.  Without any table `present` is false and all
 * the rest zero.
 * ACPI 6.5, 5.2.  Level: boot, after mmu_init().
 */
void acpi_init(struct acpi *acpi, const uint8_t *rsdp, size_t len);

/*
 * The n-th table (from 0) of that signature, its header included; a failed
 * view where there is none.  Stays mapped for ever.
 * Level: boot.
 */
struct view acpi_table(const struct acpi *acpi, const char *signature,
                       unsigned n);

/* Switch the machine off; returns if it cannot.  Level: any. */
void acpi_power_off(const struct acpi *acpi);

#endif
