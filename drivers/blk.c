/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of disk drivers: first to probe wins. */
#include "drivers/blk.h"

#include "drivers/pci.h"

extern const struct blk_driver virtio_blk_driver;

static const struct blk_driver *const drivers[] = {
    &virtio_blk_driver,
};

bool blk_fail(struct blk *dev, const char *reason)
{
    if (!dev->failed) {
        dev->failed = reason;
        dev->driver->stop(dev);
    }
    return false;
}

bool blk_abandon(struct blk *dev)
{
    if (!dev->failed)
        dev->failed = "does not answer";
    return false;
}

static const struct blk_driver *find_driver(const struct pci_device *pci)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        if (drivers[i]->probe(pci))
            return drivers[i];
    }
    return NULL;
}

bool blk_attach_next(struct blk *dev, struct pci *pci, unsigned *at)
{
    while (*at < pci->device_count) {
        struct pci_device *disk = &pci->device[(*at)++];
        const struct blk_driver *driver = find_driver(disk);

        if (!driver)
            continue;
        pci_learn(disk);
        *dev = (struct blk){.driver = driver, .pci = disk};
        if (!driver->attach(dev, disk) && !dev->failed)
            dev->failed = "cannot be driven";
        return true;
    }
    return false;
}

static bool is_there(const struct blk *dev, uint64_t offset, size_t len)
{
    return len > 0 && len <= BLK_BYTES_MAX && offset % BLK_UNIT == 0 &&
           len % BLK_UNIT == 0 && offset <= dev->bytes &&
           len <= dev->bytes - offset;
}

bool blk_start(struct blk *dev, const struct blk_request *request)
{
    if (dev->failed)
        return false;
    switch (request->op) {
    case BLK_READ:
        if (!is_there(dev, request->offset, request->len))
            return false;
        break;
    case BLK_WRITE:
        if (dev->read_only || !is_there(dev, request->offset, request->len))
            return false;
        break;
    case BLK_FLUSH:
    case BLK_IDENTIFY:
        break;
    }
    return dev->driver->start(dev, request);
}

enum blk_progress blk_poll(struct blk *dev)
{
    return dev->failed ? BLK_IDLE : dev->driver->poll(dev);
}

bool blk_last_words(struct blk *dev, uint64_t offset,
                    const uint8_t page[BLK_UNIT], uint64_t until)
{
    if (dev->failed || dev->read_only || !is_there(dev, offset, BLK_UNIT))
        return false;
    return dev->driver->last_words(dev, offset, page, until);
}
