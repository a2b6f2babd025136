/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration space, address assignment and MSI-X. */
#include "drivers/pci.h"

#include "arch/io.h"
#include "arch/log.h"
#include "arch/mmu.h"

#include <string.h>

/* PCI Local Bus Specification 3.0, 3.2.2.3.2. */
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u

#define ECAM_BUS_BYTES 0x100000 /* PCI Express Base 5.0, 7.2.2 */

#define HEADER_MULTIFUNCTION 0x80
#define HEADER_LAYOUT        0x7f
#define CLASS_BRIDGE         0x06

/* PCI-to-PCI Bridge Architecture 1.2, 3.2. */
#define BRIDGE_PRIMARY      0x18
#define BRIDGE_SECONDARY    0x19
#define BRIDGE_SUBORDINATE  0x1a
#define BRIDGE_MEMORY       0x20 /* base, then limit: each bits 31 to 20 */
#define BRIDGE_PREFETCHABLE 0x24
#define BRIDGE_BASE_UPPER   0x28
#define BRIDGE_LIMIT_UPPER  0x2c
#define BRIDGE_ALIGN        0x100000u
#define BRIDGE_WINDOW       0x200000u /* opened where there was none */

/* PCI 3.0, 6.2.5.1. */
#define BAR_PORT    1u
#define BAR_64BIT   4u
#define BAR_TYPE    6u
#define BAR_IO_MASK 3u
#define BAR_MASK    15u

/* PCI 3.0, 6.8.2. */
#define MSIX_CONTROL        2
#define MSIX_CONTROL_COUNT  0x07ff
#define MSIX_CONTROL_MASK   0x4000
#define MSIX_CONTROL_ENABLE 0x8000
#define MSIX_TABLE          4
#define MSIX_ENTRY_BYTES    16
#define MSIX_ENTRY_DATA     8
#define MSIX_ENTRY_VECTOR   12
#define MSIX_VECTOR_MASKED  1

/* What no window may cover: I/O APIC, HPET, local APIC, firmware. */
#define FIXED_FIRST 0xfec00000u
#define FIXED_LAST  0xffffffffu

/* Configuration space. */

static volatile uint8_t *ecam_at(const struct pci_device *dev, unsigned offset)
{
    volatile uint8_t *bus = dev->pci->ecam[dev->bus];

    if (!bus)
        return NULL;
    return bus + (dev->slot << 15 | dev->function << 12) + offset;
}

/* Chooses what CONFIG_DATA reaches; false where there is no such mechanism. */
static bool select_port(const struct pci_device *dev, unsigned offset)
{
    if (!dev->pci->ports)
        return false;
    out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)dev->bus << 16 |
                              (uint32_t)dev->slot << 11 |
                              (uint32_t)dev->function << 8 | (offset & 0xfc));
    return true;
}

uint32_t pci_read32(const struct pci_device *dev, unsigned offset)
{
    volatile uint8_t *at = ecam_at(dev, offset);

    if (at)
        return mmio_read32(at);
    return select_port(dev, offset) ? in32(CONFIG_DATA) : UINT32_MAX;
}

uint16_t pci_read16(const struct pci_device *dev, unsigned offset)
{
    return (uint16_t)(pci_read32(dev, offset & ~3u) >> (offset & 2) * 8);
}

uint8_t pci_read8(const struct pci_device *dev, unsigned offset)
{
    return (uint8_t)(pci_read32(dev, offset & ~3u) >> (offset & 3) * 8);
}

void pci_write32(const struct pci_device *dev, unsigned offset, uint32_t value)
{
    volatile uint8_t *at = ecam_at(dev, offset);

    if (at)
        mmio_write32(at, value);
    else if (select_port(dev, offset))
        out32(CONFIG_DATA, value);
}

void pci_write16(const struct pci_device *dev, unsigned offset, uint16_t value)
{
    volatile uint8_t *at = ecam_at(dev, offset);

    if (at)
        mmio_write16(at, value);
    else if (select_port(dev, offset))
        out16((uint16_t)(CONFIG_DATA + (offset & 2)), value);
}

static void write8(const struct pci_device *dev, unsigned offset, uint8_t value)
{
    volatile uint8_t *at = ecam_at(dev, offset);

    if (at)
        mmio_write8(at, value);
    else if (select_port(dev, offset))
        out8((uint16_t)(CONFIG_DATA + (offset & 3)), value);
}

/* Make a bus's configuration space reachable. */
static bool reach_bus(struct pci *pci, uint8_t number)
{
    for (unsigned i = 0; i < pci->acpi->ecam_count; i++) {
        const struct acpi_ecam *e = &pci->acpi->ecam[i];

        if (e->segment != 0 || number < e->bus_first || number > e->bus_last)
            continue;
        if (!pci->ecam[number])
            pci->ecam[number] = mmu_map_device(
                e->base + (uint64_t)number * ECAM_BUS_BYTES, ECAM_BUS_BYTES);
        if (pci->ecam[number])
            return true;
    }
    return pci->ports;
}

static bool has_ports(void)
{
    out32(CONFIG_ADDRESS, CONFIG_ENABLE);
    return in32(CONFIG_ADDRESS) == CONFIG_ENABLE;
}

uint8_t pci_capability(const struct pci_device *dev, uint8_t id, uint8_t after)
{
    unsigned at;

    if (!(pci_read16(dev, PCI_STATUS) & PCI_STATUS_CAPABILITIES))
        return 0;
    at = pci_read8(dev, after ? after + 1u : PCI_CAPABILITIES) & ~3u;

    /* (256 - 64) / 4 capabilities at most, if none is met twice. */
    for (unsigned n = 0; n < 48 && at >= 0x40; n++) {
        uint16_t head = pci_read16(dev, at);

        if ((uint8_t)head == id)
            return (uint8_t)at;
        at = head >> 8 & ~3u;
    }
    return 0;
}

/* Finding devices. */

/* PCI 3.0, 6.2.5.1: how large a BAR is shows in the bits that stay zero. */
static uint32_t probe_bar(const struct pci_device *dev, unsigned offset,
                          uint32_t *value)
{
    *value = pci_read32(dev, offset);
    pci_write32(dev, offset, UINT32_MAX);
    uint32_t mask = pci_read32(dev, offset);
    pci_write32(dev, offset, *value);
    return mask;
}

static void read_bar(struct pci_device *dev, unsigned i)
{
    struct pci_bar *bar = &dev->bar[i];
    unsigned offset = PCI_BAR0 + 4 * i;
    uint32_t low, high = 0;
    uint32_t mask = probe_bar(dev, offset, &low);
    uint64_t wide_mask = UINT64_MAX << 32;

    if (mask == 0 || mask == UINT32_MAX)
        return;
    if (mask & BAR_PORT) {
        bar->port = true;
        bar->address = low & ~BAR_IO_MASK;
        bar->size = (uint16_t) - (mask & ~BAR_IO_MASK);
        return;
    }
    if ((mask & BAR_TYPE) == BAR_64BIT && i + 1 < PCI_BARS) {
        bar->wide = true;
        wide_mask = (uint64_t)probe_bar(dev, offset + 4, &high) << 32;
    }
    bar->address = (uint64_t)high << 32 | (low & ~BAR_MASK);
    bar->size = -(wide_mask | (mask & ~BAR_MASK));
    if (bar->size & (bar->size - 1))
        *bar = (struct pci_bar){0}; /* no power of two: not to be trusted */
}

static void read_bars(struct pci_device *dev)
{
    const uint16_t decode = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
    uint16_t command = pci_read16(dev, PCI_COMMAND);

    /* While sizes are asked for, the device must not answer anywhere. */
    if (command & decode)
        pci_write16(dev, PCI_COMMAND, command & (uint16_t)~decode);
    for (unsigned i = 0; i < PCI_BARS; i += dev->bar[i].wide ? 2 : 1)
        read_bar(dev, i);
    if (command & decode)
        pci_write16(dev, PCI_COMMAND, command);
    dev->sized = true;
}

static struct pci_window read_window(const struct pci_device *bridge,
                                     unsigned offset)
{
    uint32_t both = pci_read32(bridge, offset);
    struct pci_window w = {
        .first = (both & 0xfff0) << 16,
        .last = (both & 0xfff00000) | (BRIDGE_ALIGN - 1),
    };

    if (offset == BRIDGE_PREFETCHABLE && (both & 15) == 1) {
        w.first |= (uint64_t)pci_read32(bridge, BRIDGE_BASE_UPPER) << 32;
        w.last |= (uint64_t)pci_read32(bridge, BRIDGE_LIMIT_UPPER) << 32;
    }
    /* Zero is what a bridge has that nobody set up: it is no window. */
    if (w.first == 0)
        return (struct pci_window){.first = 1, .last = 0};
    return w;
}

static void scan_bus(struct pci *pci, unsigned index);

/*
 * The bus behind a bridge.  Where the firmware numbered it, its number is
 * kept.  Else it gets the next one, which only works below a bus that can
 * still grow: the root bus, or one that was numbered here.
 */
static void scan_bridge(struct pci *pci, unsigned parent,
                        struct pci_device *bridge)
{
    uint8_t number = pci_read8(bridge, BRIDGE_SECONDARY);
    bool ours = number <= bridge->bus;

    if (pci->bus_count == PCI_BUSES_MAX)
        return;
    if (ours) {
        if (pci->last_number == UINT8_MAX)
            return;
        number = ++pci->last_number;
        write8(bridge, BRIDGE_PRIMARY, bridge->bus);
        write8(bridge, BRIDGE_SECONDARY, number);
        write8(bridge, BRIDGE_SUBORDINATE, UINT8_MAX);
    }
    if (number > pci->last_number)
        pci->last_number = number;
    if (!reach_bus(pci, number))
        return;

    struct pci_bus *bus = &pci->bus[pci->bus_count];
    bus->number = number;
    bus->parent = (uint8_t)parent;
    bus->bridge = bridge;
    bus->memory = read_window(bridge, BRIDGE_MEMORY);
    bus->prefetchable = read_window(bridge, BRIDGE_PREFETCHABLE);
    scan_bus(pci, pci->bus_count++);
    if (ours)
        write8(bridge, BRIDGE_SUBORDINATE, pci->last_number);
}

/* A function, if there is one.  Returns its header type, or 0. */
static uint8_t scan_function(struct pci *pci, struct pci_device probe)
{
    uint32_t id = pci_read32(&probe, PCI_VENDOR_ID);

    if ((uint16_t)id == 0xffff || (uint16_t)id == 0 ||
        pci->device_count == PCI_DEVICES_MAX)
        return 0;
    uint8_t header = pci_read8(&probe, PCI_HEADER_TYPE);

    struct pci_device *dev = &pci->device[pci->device_count++];
    *dev = probe;
    dev->vendor = (uint16_t)id;
    dev->id = (uint16_t)(id >> 16);
    dev->class = (uint8_t)(pci_read32(&probe, PCI_CLASS_REVISION) >> 24);
    dev->header = header & HEADER_LAYOUT;
    if (dev->header == 0) {
        dev->subsystem = pci_read16(dev, PCI_SUBSYSTEM);
    }
    return header;
}

/* A device below a PCI Express port is always number 0. */
static unsigned slots_of(const struct pci_bus *bus)
{
    uint8_t express =
        bus->bridge ? pci_capability(bus->bridge, PCI_CAP_EXPRESS, 0) : 0;

    if (!express)
        return 32;
    /* PCI Express Base 5.0, 7.5.3.2: 4 is a root port, 6 a downstream one. */
    uint8_t type = pci_read16(bus->bridge, express + 2u) >> 4 & 15;
    return type == 4 || type == 6 ? 1 : 32;
}

static void scan_bus(struct pci *pci, unsigned index)
{
    struct pci_device probe = {.pci = pci, .bus = pci->bus[index].number};
    unsigned slots = slots_of(&pci->bus[index]);
    unsigned first = pci->device_count;

    for (; probe.slot < slots; probe.slot++) {
        probe.function = 0;
        uint8_t header = scan_function(pci, probe);
        if (header & HEADER_MULTIFUNCTION) {
            while (++probe.function < 8)
                scan_function(pci, probe);
        }
    }

    /* Numbers that the firmware gave must be known before we give any. */
    unsigned last = pci->device_count;
    for (unsigned i = first; i < last; i++) {
        if (pci->device[i].header == 1) {
            uint8_t n = pci_read8(&pci->device[i], BRIDGE_SUBORDINATE);
            if (n > pci->last_number && n != UINT8_MAX)
                pci->last_number = n;
        }
    }
    for (unsigned i = first; i < last; i++) {
        if (pci->device[i].header == 1)
            scan_bridge(pci, index, &pci->device[i]);
    }
}

/* Giving addresses. */

static bool overlaps(uint64_t first, uint64_t last, uint64_t at, uint64_t end)
{
    return first <= last && first <= end && at <= last;
}

/* Is `bus` the bus `inside`, or above it? */
static bool is_above(const struct pci *pci, unsigned bus, unsigned inside)
{
    while (inside != bus && pci->bus[inside].parent != inside)
        inside = pci->bus[inside].parent;
    return inside == bus;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/*
 * The last address of what is in the way of [at, end] on bus `inside`; 0 if
 * nothing is.
 */
static uint64_t in_the_way(const struct pci *pci, unsigned inside, uint64_t at,
                           uint64_t end)
{
    uint64_t last = 0;

    if (overlaps(FIXED_FIRST, FIXED_LAST, at, end))
        last = FIXED_LAST;
    for (size_t i = 0; i < pci->map_count; i++) {
        const struct mem_range *r = &pci->map[i];
        if (r->end > r->start && overlaps(r->start, r->end - 1, at, end))
            last = later(last, r->end - 1);
    }
    for (unsigned i = 0; i < pci->acpi->ecam_count; i++) {
        const struct acpi_ecam *e = &pci->acpi->ecam[i];
        uint64_t ecam_last =
            e->base + (e->bus_last + 1ull) * ECAM_BUS_BYTES - 1;
        if (overlaps(e->base, ecam_last, at, end))
            last = later(last, ecam_last);
    }
    for (unsigned i = 0; i < pci->device_count * PCI_BARS; i++) {
        const struct pci_bar *bar =
            &pci->device[i / PCI_BARS].bar[i % PCI_BARS];
        uint64_t bar_last = bar->address + (bar->size - 1);
        if (!bar->port && bar->size && bar->address &&
            overlaps(bar->address, bar_last, at, end))
            last = later(last, bar_last);
    }
    for (unsigned i = 0; i < pci->bus_count; i++) {
        const struct pci_bus *bus = &pci->bus[i];
        if (!bus->bridge || is_above(pci, i, inside))
            continue;
        if (overlaps(bus->memory.first, bus->memory.last, at, end))
            last = later(last, bus->memory.last);
        if (overlaps(bus->prefetchable.first, bus->prefetchable.last, at, end))
            last = later(last, bus->prefetchable.last);
    }
    return last;
}

/* The first free place of that size in a window, at a multiple of `align`; 0
 * if there is none. */
static uint64_t place(const struct pci *pci, unsigned inside, uint64_t first,
                      uint64_t last, uint64_t size, uint64_t align)
{
    uint64_t at = first;

    for (;;) {
        uint64_t up = -at & (align - 1);
        if (up > UINT64_MAX - at)
            return 0;
        at += up;
        if (at > last || last - at < size - 1)
            return 0;

        uint64_t block = in_the_way(pci, inside, at, at + (size - 1));
        if (block == 0)
            return at;
        if (block == UINT64_MAX)
            return 0;
        at = block + 1;
    }
}

static uint64_t find_place(struct pci *pci, unsigned index, uint64_t size,
                           uint64_t align, bool wide);

/* Let a bridge through that lets nothing through. */
static bool open_bridge(struct pci *pci, struct pci_bus *bus, uint64_t need)
{
    uint64_t size = BRIDGE_WINDOW;

    while (size < need)
        size *= 2;
    uint64_t at = find_place(pci, bus->parent, size, size, false);
    if (at == 0)
        return false;

    bus->memory.first = at;
    bus->memory.last = at + size - 1;
    pci_write32(bus->bridge, BRIDGE_MEMORY,
                (uint32_t)(at >> 16) |
                    (uint32_t)(bus->memory.last & 0xfff00000));
    return true;
}

/* `wide`: it may lie above 4 GiB.  0: there is no room. */
static uint64_t find_place(struct pci *pci, unsigned index, uint64_t size,
                           uint64_t align, bool wide)
{
    struct pci_bus *bus = &pci->bus[index];

    if (bus->bridge) {
        if (bus->memory.last < bus->memory.first &&
            (size > UINT32_MAX || !open_bridge(pci, bus, size)))
            return 0;
        return place(pci, index, bus->memory.first, bus->memory.last, size,
                     align);
    }

    unsigned windows = pci->acpi->window_count;
    for (unsigned i = 0; i < (windows ? windows : 1); i++) {
        const struct acpi_window *w =
            windows ? &pci->acpi->window[i] : &pci->gap;
        uint64_t last = w->last;
        if (!wide && last > UINT32_MAX)
            last = UINT32_MAX;
        uint64_t at = place(pci, index, w->first, last, size, align);
        if (at)
            return at;
    }
    return 0;
}

static unsigned bus_index(const struct pci *pci, uint8_t number)
{
    unsigned i = 0;

    while (i + 1 < pci->bus_count && pci->bus[i].number != number)
        i++;
    return i;
}

static void assign(struct pci *pci, struct pci_device *dev, unsigned i)
{
    struct pci_bar *bar = &dev->bar[i];
    unsigned offset = PCI_BAR0 + 4 * i;
    uint64_t at = find_place(pci, bus_index(pci, dev->bus), bar->size,
                             bar->size, bar->wide);

    if (at == 0) {
        log_line("pci %02x:%02x.%x: no room for BAR %u", dev->bus, dev->slot,
                 dev->function, i);
        return;
    }

    uint16_t command = pci_read16(dev, PCI_COMMAND);
    pci_write16(dev, PCI_COMMAND, command & (uint16_t)~PCI_COMMAND_MEMORY);
    pci_write32(dev, offset, (uint32_t)at);
    if (bar->wide)
        pci_write32(dev, offset + 4, (uint32_t)(at >> 32));
    bar->address = at;
}

/* A memory BAR that has no address. */
static bool is_left(const struct pci_bar *bar)
{
    return bar->size != 0 && bar->address == 0 && !bar->port;
}

/*
 * Learn the BARs of network cards, and of devices that decode nothing, which
 * the firmware may have left alone.  The others are only asked when their
 * places must be known, or they are to be driven: to turn one off and on again
 * takes a hypervisor half a millisecond.  Returns whether an address is
 * wanting.
 */
static bool size_devices(struct pci *pci, bool all)
{
    bool left = false;

    for (unsigned i = 0; i < pci->device_count; i++) {
        struct pci_device *dev = &pci->device[i];
        uint16_t command = pci_read16(dev, PCI_COMMAND);
        bool decodes = command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

        if (dev->header != 0 || dev->class == CLASS_BRIDGE)
            continue;
        if (!dev->sized && (all || !decodes || dev->class == PCI_CLASS_NETWORK))
            read_bars(dev);
        for (unsigned j = 0; j < PCI_BARS; j++)
            left |= is_left(&dev->bar[j]);
    }
    return left;
}

static void assign_all(struct pci *pci)
{
    if (!size_devices(pci, false))
        return;
    size_devices(pci, true);
    for (unsigned i = 0; i < pci->device_count; i++) {
        struct pci_device *dev = &pci->device[i];

        for (unsigned j = 0; j < PCI_BARS; j++) {
            if (is_left(&dev->bar[j]))
                assign(pci, dev, j);
        }
    }
}

/* The largest stretch below the I/O APIC that the memory map leaves free. */
static struct acpi_window find_gap(const struct mem_range *map, size_t count)
{
    struct acpi_window gap = {.first = 1, .last = 0};

    /* A gap begins where some range ends, and has no range within. */
    for (size_t i = 0; i < count; i++) {
        uint64_t first = map[i].end;
        uint64_t end = FIXED_FIRST;

        for (size_t j = 0; j < count; j++) {
            if (map[j].end > first && map[j].start < end)
                end = later(map[j].start, first);
        }
        if (first < end && end - first > gap.last + 1 - gap.first)
            gap = (struct acpi_window){.first = first, .last = end - 1};
    }
    return gap;
}

void pci_init(struct pci *pci, const struct acpi *acpi,
              const struct mem_range *map, size_t map_count)
{
    memset(pci, 0, sizeof(*pci));
    pci->acpi = acpi;
    pci->map = map;
    pci->map_count = map_count;
    pci->gap = find_gap(map, map_count);
    pci->ports = has_ports();

    if (!reach_bus(pci, 0)) {
        log_line("pci: there is no bus");
        return;
    }
    pci->bus_count = 1;
    scan_bus(pci, 0);
    assign_all(pci);
}

/* Using a device. */

void pci_learn(struct pci_device *dev)
{
    if (!dev->sized)
        read_bars(dev);
}

void pci_enable(const struct pci_device *dev)
{
    const struct pci *pci = dev->pci;
    const uint16_t on =
        PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

    pci_write16(dev, PCI_COMMAND,
                pci_read16(dev, PCI_COMMAND) | on | PCI_COMMAND_INTX_OFF);

    for (unsigned i = bus_index(pci, dev->bus); pci->bus[i].bridge;
         i = pci->bus[i].parent) {
        const struct pci_device *bridge = pci->bus[i].bridge;
        pci_write16(bridge, PCI_COMMAND, pci_read16(bridge, PCI_COMMAND) | on);
    }
}

volatile uint8_t *pci_map(const struct pci_device *dev, unsigned bar,
                          uint64_t offset, uint64_t len)
{
    if (bar >= PCI_BARS || len == 0)
        return NULL;
    const struct pci_bar *b = &dev->bar[bar];
    if (b->port || b->address == 0 || offset > b->size ||
        len > b->size - offset)
        return NULL;
    return mmu_map_device(b->address + offset, len);
}

bool pci_msix_enable(const struct pci_device *dev, struct pci_msix *msix)
{
    uint8_t at = pci_capability(dev, PCI_CAP_MSIX, 0);

    if (!at)
        return false;
    uint16_t control = pci_read16(dev, at + MSIX_CONTROL);
    uint32_t table = pci_read32(dev, at + MSIX_TABLE);
    msix->dev = dev;
    msix->capability = at;
    msix->count = (control & MSIX_CONTROL_COUNT) + 1;
    msix->table = pci_map(dev, table & 7, table & ~7u,
                          (uint64_t)msix->count * MSIX_ENTRY_BYTES);
    if (!msix->table)
        return false;

    pci_write16(dev, at + MSIX_CONTROL,
                control | MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK);
    for (unsigned i = 0; i < msix->count; i++)
        mmio_write32(msix->table + i * MSIX_ENTRY_BYTES + MSIX_ENTRY_VECTOR,
                     MSIX_VECTOR_MASKED);
    pci_write16(dev, at + MSIX_CONTROL,
                (control | MSIX_CONTROL_ENABLE) & (uint16_t)~MSIX_CONTROL_MASK);
    return true;
}

void pci_msix_route(const struct pci_msix *msix, uint16_t entry, uint8_t vector)
{
    volatile uint8_t *at = msix->table + entry * MSIX_ENTRY_BYTES;
    struct apic_message message = apic_msi(vector);

    mmio_write32(at, (uint32_t)message.address);
    mmio_write32(at + 4, (uint32_t)(message.address >> 32));
    mmio_write32(at + MSIX_ENTRY_DATA, message.data);
    mmio_write32(at + MSIX_ENTRY_VECTOR, 0);
}
