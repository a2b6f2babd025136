/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration space, address assignment and MSI-X. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "arch/mem.h"
#include "drivers/acpi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_DEVICES_MAX 96 /* functions; further ones are ignored */
#define PCI_BUSES_MAX   32 /* likewise, and what is behind them */
#define PCI_BARS        6

/* PCI Local Bus Specification 3.0, 6.1: the header, by its names. */
#define PCI_VENDOR_ID           0x00
#define PCI_COMMAND             0x04
#define PCI_COMMAND_IO          0x0001
#define PCI_COMMAND_MEMORY      0x0002
#define PCI_COMMAND_MASTER      0x0004
#define PCI_COMMAND_INTX_OFF    0x0400
#define PCI_STATUS              0x06
#define PCI_STATUS_CAPABILITIES 0x0010
#define PCI_CLASS_REVISION      0x08
#define PCI_HEADER_TYPE         0x0e
#define PCI_BAR0                0x10
#define PCI_SUBSYSTEM_VENDOR    0x2c
#define PCI_SUBSYSTEM           0x2e
#define PCI_CAPABILITIES        0x34
#define PCI_INTERRUPT_LINE      0x3c

#define PCI_CAP_VENDOR  0x09
#define PCI_CAP_EXPRESS 0x10
#define PCI_CAP_MSIX    0x11

#define PCI_CLASS_NETWORK 0x02

/* A region that the device decodes. */
struct pci_bar {
    uint64_t address; /* 0: none was assigned */
    uint64_t size;    /* 0: there is no such region */
    bool port;        /* I/O space */
    bool wide;        /* 64 bits, taking the next BAR as well */
};

struct pci;

struct pci_device {
    const struct pci *pci;
    uint8_t bus;
    uint8_t slot;
    uint8_t function;
    uint8_t class;  /* base class */
    uint8_t header; /* layout: 0 a device, 1 a bridge to another bus */
    bool sized;     /* `bar` is known */
    uint16_t vendor;
    uint16_t id;
    uint16_t subsystem;
    struct pci_bar bar[PCI_BARS];
};

/* Addresses that a bridge lets through; none where last < first. */
struct pci_window {
    uint64_t first;
    uint64_t last;
};

struct pci_bus {
    uint8_t number;
    uint8_t parent;            /* index in `bus`; of the root bus its own */
    struct pci_device *bridge; /* NULL: the root bus */
    struct pci_window memory;
    struct pci_window prefetchable;
};

struct pci {
    struct pci_device device[PCI_DEVICES_MAX];
    unsigned device_count;
    struct pci_bus bus[PCI_BUSES_MAX];
    unsigned bus_count;
    uint8_t last_number; /* of the buses found or made so far */

    const struct acpi *acpi;
    const struct mem_range *map; /* the loader's memory map */
    size_t map_count;
    struct acpi_window gap; /* in that map, where the DSDT has no windows */
    volatile uint8_t *ecam[256]; /* by bus, mapped when first used */
    bool ports;                  /* there is 0xCF8 */
};

/*
 * Find the devices, those behind bridges too, and give addresses to those that
 * the firmware gave none.
 *
 * Addresses come from the windows that the DSDT tells of; without any, from
 * the largest gap below the I/O APIC in the loader's memory map.  `map` is
 * that map whole, whatever the kind of range.  `acpi` and `map` must stay.
 * Level: boot.
 */
void pci_init(struct pci *pci, const struct acpi *acpi,
              const struct mem_range *map, size_t map_count);

/* Configuration space; `offset` below 256 and a multiple of the width.  Level:
 * boot. */
uint8_t pci_read8(const struct pci_device *dev, unsigned offset);
uint16_t pci_read16(const struct pci_device *dev, unsigned offset);
uint32_t pci_read32(const struct pci_device *dev, unsigned offset);
void pci_write16(const struct pci_device *dev, unsigned offset, uint16_t value);
void pci_write32(const struct pci_device *dev, unsigned offset, uint32_t value);

/*
 * The next capability of that kind after the one at `after` (0: the first).
 *
 * Returns its offset, or 0.  A list that turns back on itself ends.
 * PCI 3.0, 6.7.  Level: boot.
 */
uint8_t pci_capability(const struct pci_device *dev, uint8_t id, uint8_t after);

/*
 * Learn the BARs of a device that is to be driven.  Of network cards, and where
 * addresses had to be given out, pci_init() has done that.
 * Level: boot.
 */
void pci_learn(struct pci_device *dev);

/* Decode memory and ports, be master, no INTx.  Level: boot. */
void pci_enable(const struct pci_device *dev);

/*
 * Map a part of a memory BAR.  NULL if it is not all inside, is empty, or the
 * BAR has no address.
 * Level: boot.
 */
volatile uint8_t *pci_map(const struct pci_device *dev, unsigned bar,
                          uint64_t offset, uint64_t len);

/* The MSI-X table of a device. */
struct pci_msix {
    const struct pci_device *dev;
    volatile uint8_t *table;
    uint8_t capability;
    uint16_t count; /* of entries, 1 to 2048 */
};

/*
 * Turn MSI-X on with every entry masked.  False if the device has none, or
 * its table cannot be had.
 * PCI 3.0, 6.8.2.  Level: boot.
 */
bool pci_msix_enable(const struct pci_device *dev, struct pci_msix *msix);

/* Send that entry's interrupts to a vector.  `entry` below `count`.  Level:
 * boot. */
void pci_msix_route(const struct pci_msix *msix, uint16_t entry,
                    uint8_t vector);

#endif
