/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be read in AML without interpreting it. */
#ifndef DRIVERS_AML_H
#define DRIVERS_AML_H

#include "drivers/bytes.h"

/*
 * The sleep types of \_S5: a package of constants by that name.
 *
 * `aml` is the body of a DSDT or SSDT, any bytes at all.
 * ACPI 6.5, 7.4.2.  Level: boot.
 */
bool aml_sleep_types(struct view aml, uint8_t *type_a, uint8_t *type_b);

/* A range of memory addresses, both ends included. */
struct aml_range {
    uint64_t first;
    uint64_t last;
};

/*
 * The memory that PCI host bridges decode.
 *
 * A resource template is a constant buffer, and only that of a host bridge
 * has a bus number range; so the memory ranges beside one are its windows.
 * Templates that a method builds are not found.  Ranges below 1 MiB (VGA) are
 * left out, and so are those that are translated.
 *
 * Returns how many were written, at most `room`.
 * ACPI 6.5, 6.4.3.5.  Level: boot.
 */
unsigned aml_bridge_windows(struct view aml, struct aml_range *range,
                            unsigned room);

/*
 * Where the configuration space of a host bridge is in memory: the constant
 * that is _CBA, or that it returns; 0 when there is none.
 * PCI Firmware Specification 3.3, 4.1.3.  Level: boot.
 */
uint64_t aml_config_base(struct view aml);

/*
 * The body of the innermost device that has `id` as a string constant, be it
 * _HID, _CID or _DDN; a failed view where there is none.
 * ACPI 6.5, 19.6.31 and 20.2.5.2.  Level: boot.
 */
struct view aml_device(struct view aml, const char *id);

/*
 * The first memory range in the resource templates of a device.
 * ACPI 6.5, 6.4.3.5.  Level: boot.
 */
bool aml_memory(struct view device, struct aml_range *range);

/*
 * The address in the package of its low and its high half that ADDR is, or
 * that it returns.  A sum of a named constant of `aml` and a constant is
 * understood in the place of the low half, which is how QEMU writes it; other
 * methods are not.  0 when there is none.
 * Virtual Machine Generation ID, 2012, "ADDR".  Level: boot.
 */
uint64_t aml_address_package(struct view aml, struct view device);

#endif
