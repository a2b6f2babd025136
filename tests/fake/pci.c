/* SPDX-License-Identifier: BSD-2-Clause */
/* A PCI machine that a test makes up: functions, bridges, configuration. */
#include "tests/fake/pci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    struct fake_function *f;
    struct fake_function *above;
} functions[FAKE_PCI_MAX];
static unsigned function_count;

static struct fake_registers ecam;
static uint32_t config_address;

void fake_config16(struct fake_function *f, unsigned offset, uint16_t value)
{
    f->config[offset] = (uint8_t)value;
    f->config[offset + 1] = (uint8_t)(value >> 8);
}

void fake_config32(struct fake_function *f, unsigned offset, uint32_t value)
{
    fake_config16(f, offset, (uint16_t)value);
    fake_config16(f, offset + 2, (uint16_t)(value >> 16));
}

uint32_t fake_config_read(const struct fake_function *f, unsigned offset)
{
    const uint8_t *p = f->config + offset;

    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

uint64_t fake_bar(const struct fake_function *f, unsigned i)
{
    uint64_t low = fake_config_read(f, 0x10 + 4 * i) & ~15u;

    return f->bar_wide[i]
               ? low | (uint64_t)fake_config_read(f, 0x14 + 4 * i) << 32
               : low;
}

/* Does a bridge let that bus number through, and so on up? */
static bool reaches(const struct fake_function *bridge, uint8_t bus)
{
    for (unsigned i = 0; i < function_count; i++) {
        if (functions[i].f != bridge)
            continue;
        const struct fake_function *above = functions[i].above;
        if (bus == 0 || bus < bridge->config[0x19] ||
            bus > bridge->config[0x1a])
            return false;
        return !above || (reaches(above, bus) &&
                          above->config[0x19] == bridge->config[0x18]);
    }
    return false;
}

static struct fake_function *find(uint8_t bus, uint8_t slot, uint8_t function)
{
    for (unsigned i = 0; i < function_count; i++) {
        struct fake_function *f = functions[i].f;
        const struct fake_function *above = functions[i].above;

        if (f->slot != slot || f->function != function)
            continue;
        if (above ? above->config[0x19] == bus && reaches(above, bus)
                  : f->bus == bus)
            return f;
    }
    return NULL;
}

/* A byte of a BAR keeps zero what its size makes zero. */
static void write_bar(struct fake_function *f, unsigned offset, uint8_t value)
{
    unsigned i = (offset - 0x10) / 4, byte = offset % 4;
    bool high = i > 0 && f->bar_wide[i - 1];
    unsigned owner = high ? i - 1 : i;
    uint64_t size = f->bar_size[owner];
    uint64_t mask = size ? -size : 0;
    uint32_t flags = f->config[0x10 + 4 * owner] & 15;

    /* Memory BARs and port BARs are decoded each by a bit of its own. */
    if (f->config[4] & (flags & 1 ? 1 : 2)) {
        fprintf(stderr, "fake pci: a BAR is moved while it is decoded\n");
        abort();
    }
    if (high)
        mask >>= 32;
    f->config[offset] = (uint8_t)(value & mask >> 8 * byte);
    if (byte == 0 && !high)
        f->config[offset] |= (uint8_t)flags;
    if (f->bar[owner])
        f->bar[owner]->physical = fake_bar(f, owner);
}

static void write_byte(struct fake_function *f, unsigned offset, uint8_t value)
{
    unsigned bars = f->bridge ? 2 : 6;

    if (offset >= 0x10 && offset < 0x10 + 4 * bars)
        write_bar(f, offset, value);
    else if (offset < 4 || (offset >= 6 && offset < 0x10) || offset == 0x34)
        return; /* read-only */
    else
        f->config[offset] = value;
}

static uint64_t config_read(uint8_t bus, unsigned place, unsigned width)
{
    struct fake_function *f = find(bus, place >> 15 & 31, place >> 12 & 7);
    uint64_t value = 0;

    if (!f || (place & 0xfff) + width > 256)
        return UINT64_MAX;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)f->config[(place & 0xfff) + i] << 8 * i;
    return value;
}

static void config_write(uint8_t bus, unsigned place, unsigned width,
                         uint64_t value)
{
    struct fake_function *f = find(bus, place >> 15 & 31, place >> 12 & 7);

    if (!f || (place & 0xfff) + width > 256)
        return;
    for (unsigned i = 0; i < width; i++)
        write_byte(f, (place & 0xfff) + i, (uint8_t)(value >> 8 * i));
}

static uint64_t ecam_read(void *self, size_t offset, unsigned width)
{
    (void)self;
    return config_read((uint8_t)(offset >> 20), offset & 0xfffff, width);
}

static void ecam_write(void *self, size_t offset, unsigned width,
                       uint64_t value)
{
    (void)self;
    config_write((uint8_t)(offset >> 20), offset & 0xfffff, width, value);
}

/* The place of a port, as ECAM would have it. */
static unsigned place_of(uint16_t port)
{
    return (config_address >> 11 & 31) << 15 | (config_address >> 8 & 7) << 12 |
           (config_address & 0xfc) | (port & 3);
}

static uint32_t config_port_read(uint16_t port, unsigned width)
{
    if (port == 0xcf8)
        return config_address;
    if (port < 0xcfc || port > 0xcff || !(config_address >> 31))
        return UINT32_MAX;
    return (uint32_t)config_read((uint8_t)(config_address >> 16),
                                 place_of(port), width);
}

static void config_port_write(uint16_t port, unsigned width, uint32_t value)
{
    if (port == 0xcf8 && width == 4)
        config_address = value;
    else if (port >= 0xcfc && port <= 0xcff && config_address >> 31)
        config_write((uint8_t)(config_address >> 16), place_of(port), width,
                     value);
}

void fake_pci_reset(unsigned ecam_buses, bool ports)
{
    fake_reset();
    function_count = 0;
    config_address = 0;
    if (ecam_buses) {
        ecam = (struct fake_registers){.physical = FAKE_PCI_ECAM,
                                       .len = ecam_buses * (size_t)0x100000,
                                       .read = ecam_read,
                                       .write = ecam_write};
        fake_registers_add(&ecam);
    }
    if (ports) {
        fake.port_read = config_port_read;
        fake.port_write = config_port_write;
    }
}

void fake_pci_add(struct fake_function *f, struct fake_function *above)
{
    functions[function_count].f = f;
    functions[function_count].above = above;
    function_count++;
    for (unsigned i = 0; i < 6; i++) {
        if (f->bar_wide[i])
            f->config[0x10 + 4 * i] |= 4;
        if (f->bar[i]) {
            if (f->bar[i]->len < f->bar_size[i])
                f->bar[i]->len = f->bar_size[i];
            fake_registers_add(f->bar[i]);
            f->bar[i]->physical = fake_bar(f, i);
        }
    }
}

void fake_pci_header(struct fake_function *f, uint16_t vendor, uint16_t id,
                     uint8_t class)
{
    fake_config16(f, 0x00, vendor);
    fake_config16(f, 0x02, id);
    f->config[0x0b] = class;
    f->config[0x0e] = f->bridge ? 1 : 0;
}
