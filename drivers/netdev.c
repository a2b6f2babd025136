/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of network drivers: first to probe wins. */
#include "drivers/netdev.h"

#include "arch/log.h"
#include "drivers/pci.h"

extern const struct netdev_driver virtio_net_driver;

static const struct netdev_driver *const drivers[] = {
    &virtio_net_driver,
};

bool netdev_fail(struct netdev *dev, const char *reason)
{
    if (!dev->failed) {
        log_line("network: %s: %s", dev->driver->name, reason);
        dev->failed = reason;
    }
    dev->link_up = false;
    return false;
}

static const struct netdev_driver *find_driver(const struct pci_device *pci)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        if (drivers[i]->probe(pci))
            return drivers[i];
    }
    return NULL;
}

static bool try_attach(struct netdev *dev, struct pci_device *pci)
{
    const struct netdev_driver *driver = find_driver(pci);

    if (!driver) {
        log_line("network: card %04x:%04x at %02x:%02x.%x has no driver",
                 pci->vendor, pci->id, pci->bus, pci->slot, pci->function);
        return false;
    }
    dev->driver = driver;
    dev->failed = NULL;
    if (!driver->attach(dev, pci))
        return false;
    log_line("network: %s at %02x:%02x.%x, "
             "%02x:%02x:%02x:%02x:%02x:%02x, MTU %u, link %s",
             driver->name, pci->bus, pci->slot, pci->function, dev->mac[0],
             dev->mac[1], dev->mac[2], dev->mac[3], dev->mac[4], dev->mac[5],
             dev->mtu, dev->link_up ? "up" : "down");
    return true;
}

bool netdev_attach(struct netdev *dev, struct pci *pci)
{
    for (unsigned i = 0; i < pci->device_count; i++) {
        struct pci_device *card = &pci->device[i];

        if (card->class == PCI_CLASS_NETWORK && try_attach(dev, card))
            return true;
    }
    if (!dev->failed) {
        dev->failed = "no network card that there is a driver for";
        log_line("network: %s", dev->failed);
    }
    return false;
}
