/* SPDX-License-Identifier: BSD-2-Clause */
/* Any PCI card that says it is a virtio network card, behind any bridge. */
/* links: drivers/netdev drivers/virtio_net drivers/virtio_pci drivers/virtq */
/* links: drivers/pci tests/fake/pci tests/fake/machine */
#include "drivers/netdev.h"
#include "drivers/pci.h"
#include "tests/fake/pci.h"

#include <stdlib.h>
#include <string.h>

#define HEAD (256 + 64 + 12)

static const uint8_t *input;
static size_t input_len;
static size_t at;
static uint8_t last;

/* When the input ends it goes on with the last byte: a steady device. */
static uint64_t registers_read(void *self, size_t offset, unsigned width)
{
    uint64_t value = 0;

    (void)self, (void)offset;
    for (unsigned i = 0; i < width; i++) {
        if (at < input_len)
            last = input[at++];
        value |= (uint64_t)last << 8 * i;
    }
    return value;
}

static void registers_write(void *self, size_t offset, unsigned width,
                            uint64_t value)
{
    /* After a status is written, the next bytes are what it reads as. */
    (void)self, (void)offset, (void)width, (void)value;
}

static void on_irq(void *arg, struct netdev *dev, uint64_t entry_ticks)
{
    (void)arg, (void)dev, (void)entry_ticks;
}

static const struct mem_range map[] = {{0, 0xa0000}, {0x100000, 0x1000000}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct fake_registers bar[6];
    static struct acpi acpi;
    static struct pci pci;
    struct fake_function card = {0}, bridge = {.bridge = true};
    struct netdev dev = {.on_irq = on_irq};
    struct netdev_frame frame;

    if (len < HEAD)
        return 0;
    fake_pci_reset(4, data[0] & 1);
    memset(&acpi, 0, sizeof(acpi));
    acpi.ecam_count = 1;
    acpi.ecam[0] = (struct acpi_ecam){.base = FAKE_PCI_ECAM, .bus_last = 3};
    acpi.window_count = data[0] >> 1 & 1;
    acpi.window[0] = (struct acpi_window){0xc0000000, 0xc1ffffff};

    memcpy(bridge.config + 4, data + 260, 60);
    fake_pci_header(&bridge, 0x1b36, 0x000c, 6);
    memcpy(card.config + 4, data + 4, 252);
    fake_pci_header(&card, 0x1af4, 0x1041, 2);
    for (unsigned i = 0; i < 6; i++) {
        uint8_t kind = data[320 + i];

        if (kind & 1 && !(i && card.bar_wide[i - 1])) {
            card.bar_size[i] = 1ull << (12 + (kind >> 2) % 8);
            card.bar_wide[i] = i < 5 && kind & 2;
            bar[i] = (struct fake_registers){.read = registers_read,
                                             .write = registers_write};
            card.bar[i] = &bar[i];
        }
    }
    bool behind = data[326] & 1;
    if (behind)
        fake_pci_add(&bridge, NULL);
    fake_pci_add(&card, behind ? &bridge : NULL);

    input = data;
    input_len = len;
    at = HEAD;
    last = 0;
    pci_init(&pci, &acpi, map, 2);
    if (pci.device_count > PCI_DEVICES_MAX || pci.bus_count > PCI_BUSES_MAX)
        abort();
    if (netdev_attach(&dev, &pci)) {
        if (dev.mac[0] & 1 || dev.mtu < 1280 || dev.mtu > 1500)
            abort();
        if (dev.driver->rx(&dev, &frame, 1))
            abort(); /* nothing was put there */
        dev.driver->send(&dev, data, 60);
        dev.driver->kick(&dev);
        dev.driver->irq(&dev);
    } else if (!dev.failed) {
        abort();
    }
    fake_reset();
    return 0;
}
