/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio device on PCI (virtio 1.2, 4.1). */
#include "drivers/virtio_pci.h"

#include "arch/cpu.h"
#include "arch/io.h"

#include <string.h>

/* 4.1.2: IDs. */
#define VENDOR_VIRTIO       0x1af4
#define ID_TRANSITIONAL     0x1000 /* to 0x103f; the type is the subsystem */
#define ID_TRANSITIONAL_END 0x1040
#define ID_MODERN           0x1040 /* plus the type */

/* 4.1.4: struct virtio_pci_cap, and its types. */
#define CAP_LEN               2
#define CAP_TYPE              3
#define CAP_BAR               4
#define CAP_OFFSET            8
#define CAP_LENGTH            12
#define CAP_BYTES             16
#define CAP_NOTIFY_MULTIPLIER 16
#define CAP_NOTIFY_BYTES      20
#define TYPE_COMMON           1
#define TYPE_NOTIFY           2
#define TYPE_DEVICE           4

/* 4.1.4.3: struct virtio_pci_common_cfg. */
#define COMMON_DEVICE_FEATURE_SELECT 0x00
#define COMMON_DEVICE_FEATURE        0x04
#define COMMON_DRIVER_FEATURE_SELECT 0x08
#define COMMON_DRIVER_FEATURE        0x0c
#define COMMON_CONFIG_MSIX_VECTOR    0x10
#define COMMON_NUM_QUEUES            0x12
#define COMMON_DEVICE_STATUS         0x14
#define COMMON_CONFIG_GENERATION     0x15
#define COMMON_QUEUE_SELECT          0x16
#define COMMON_QUEUE_SIZE            0x18
#define COMMON_QUEUE_MSIX_VECTOR     0x1a
#define COMMON_QUEUE_ENABLE          0x1c
#define COMMON_QUEUE_NOTIFY_OFF      0x1e
#define COMMON_QUEUE_DESC            0x20
#define COMMON_QUEUE_DRIVER          0x28
#define COMMON_QUEUE_DEVICE          0x30
#define COMMON_BYTES                 0x38

/* Reads, each an exit to the hypervisor of a microsecond or more. */
#define RESET_READS_MAX  100000
#define CONFIG_TRIES_MAX 16

static bool fail(struct virtio_pci *vp, const char *reason)
{
    vp->failed = reason;
    return false;
}

bool virtio_pci_is(const struct pci_device *dev, uint16_t type)
{
    if (dev->vendor != VENDOR_VIRTIO)
        return false;
    if (dev->id >= ID_TRANSITIONAL && dev->id < ID_TRANSITIONAL_END)
        return dev->subsystem == type;
    return dev->id == ID_MODERN + type;
}

static uint32_t common32(const struct virtio_pci *vp, unsigned offset)
{
    return mmio_read32(vp->common.at + offset);
}

static uint16_t common16(const struct virtio_pci *vp, unsigned offset)
{
    return mmio_read16(vp->common.at + offset);
}

static uint8_t common8(const struct virtio_pci *vp, unsigned offset)
{
    return mmio_read8(vp->common.at + offset);
}

static void set_common32(struct virtio_pci *vp, unsigned offset, uint32_t value)
{
    mmio_write32(vp->common.at + offset, value);
}

static void set_common16(struct virtio_pci *vp, unsigned offset, uint16_t value)
{
    mmio_write16(vp->common.at + offset, value);
}

/* 4.1.3.1: a 64-bit field is two of 32 bits, the low one first. */
static void set_common64(struct virtio_pci *vp, unsigned offset, uint64_t value)
{
    set_common32(vp, offset, (uint32_t)value);
    set_common32(vp, offset + 4, (uint32_t)(value >> 32));
}

static void set_status(struct virtio_pci *vp, uint8_t status)
{
    mmio_write8(vp->common.at + COMMON_DEVICE_STATUS, status);
}

/* Map what a capability describes, unless one of its type was met before:
 * 4.1.4.1 asks for the first that can be used. */
static void use_capability(struct virtio_pci *vp, uint8_t at)
{
    const struct pci_device *dev = vp->dev;
    uint8_t len = pci_read8(dev, at + CAP_LEN);
    uint8_t type = pci_read8(dev, at + CAP_TYPE);
    struct virtio_region *region = type == TYPE_COMMON   ? &vp->common
                                   : type == TYPE_NOTIFY ? &vp->notify
                                   : type == TYPE_DEVICE ? &vp->device
                                                         : NULL;
    uint8_t least = type == TYPE_NOTIFY ? CAP_NOTIFY_BYTES : CAP_BYTES;

    if (!region || region->at || len < least || at > 256 - least)
        return;
    region->len = pci_read32(dev, at + CAP_LENGTH);
    region->at = pci_map(dev, pci_read8(dev, at + CAP_BAR),
                         pci_read32(dev, at + CAP_OFFSET), region->len);
    if (type == TYPE_NOTIFY)
        vp->notify_multiplier = pci_read32(dev, at + CAP_NOTIFY_MULTIPLIER);
}

bool virtio_pci_open(struct virtio_pci *vp, const struct pci_device *dev)
{
    uint8_t at = 0;

    *vp = (struct virtio_pci){.dev = dev};
    for (unsigned n = 0; n < 48; n++) {
        at = pci_capability(dev, PCI_CAP_VENDOR, at);
        if (!at)
            break;
        use_capability(vp, at);
    }
    if (!vp->common.at && !vp->notify.at && dev->id < ID_TRANSITIONAL_END)
        return fail(vp, "legacy virtio only (disable-modern=on)");
    if (!vp->common.at || vp->common.len < COMMON_BYTES)
        return fail(vp, "no common configuration");
    if (!vp->notify.at)
        return fail(vp, "no notification structure");

    pci_enable(dev);
    if (!pci_msix_enable(dev, &vp->msix))
        vp->msix.count = 0;
    return true;
}

static uint64_t offered_features(struct virtio_pci *vp)
{
    uint64_t features;

    set_common32(vp, COMMON_DEVICE_FEATURE_SELECT, 0);
    features = common32(vp, COMMON_DEVICE_FEATURE);
    set_common32(vp, COMMON_DEVICE_FEATURE_SELECT, 1);
    return features | (uint64_t)common32(vp, COMMON_DEVICE_FEATURE) << 32;
}

static void accept_features(struct virtio_pci *vp)
{
    set_common32(vp, COMMON_DRIVER_FEATURE_SELECT, 0);
    set_common32(vp, COMMON_DRIVER_FEATURE, (uint32_t)vp->features);
    set_common32(vp, COMMON_DRIVER_FEATURE_SELECT, 1);
    set_common32(vp, COMMON_DRIVER_FEATURE, (uint32_t)(vp->features >> 32));
}

static bool reset(struct virtio_pci *vp)
{
    set_status(vp, 0);
    for (unsigned i = 0; i < RESET_READS_MAX; i++) {
        if (common8(vp, COMMON_DEVICE_STATUS) == 0)
            return true;
        cpu_relax();
    }
    return false;
}

bool virtio_pci_start(struct virtio_pci *vp, uint64_t wanted, uint64_t needed)
{
    uint8_t status = VIRTIO_STATUS_ACKNOWLEDGE;

    /* 3.1.1, 1: reset the device. */
    if (!reset(vp))
        return fail(vp, "does not come out of reset");

    /* 2: we have noticed it.  3: we can drive it. */
    set_status(vp, status);
    status |= VIRTIO_STATUS_DRIVER;
    set_status(vp, status);

    /* 4: of what it offers, what we understand. */
    vp->features = offered_features(vp) & (wanted | needed);
    if ((vp->features & needed) != needed)
        return fail(vp, "lacks a feature that is needed");
    accept_features(vp);

    /* 5: that is all we want.  6: does it agree? */
    status |= VIRTIO_STATUS_FEATURES_OK;
    set_status(vp, status);
    if (!(common8(vp, COMMON_DEVICE_STATUS) & VIRTIO_STATUS_FEATURES_OK))
        return fail(vp, "does not agree to the features");
    return true;
}

uint16_t virtio_pci_queue_size(const struct virtio_pci *vp, uint16_t queue)
{
    if (queue >= common16(vp, COMMON_NUM_QUEUES))
        return 0;
    mmio_write16(vp->common.at + COMMON_QUEUE_SELECT, queue);
    uint16_t most = common16(vp, COMMON_QUEUE_SIZE);
    uint16_t size = VIRTQ_SIZE_MAX;

    while (size > most)
        size /= 2;
    return size;
}

/* 4.1.5.1.2: read back, since the device may have no room for the mapping. */
static bool set_entry(struct virtio_pci *vp, unsigned offset, uint16_t entry)
{
    set_common16(vp, offset, entry);
    return common16(vp, offset) == entry;
}

bool virtio_pci_set_config_entry(struct virtio_pci *vp, uint16_t entry)
{
    if (!set_entry(vp, COMMON_CONFIG_MSIX_VECTOR, entry))
        return fail(vp, "no interrupt for its configuration");
    return true;
}

bool virtio_pci_enable_queue(struct virtio_pci *vp, uint16_t queue,
                             const struct virtq *q, uint16_t entry,
                             struct virtio_doorbell *doorbell)
{
    set_common16(vp, COMMON_QUEUE_SELECT, queue);
    set_common16(vp, COMMON_QUEUE_SIZE, q->size);
    if (!set_entry(vp, COMMON_QUEUE_MSIX_VECTOR, entry))
        return fail(vp, "no interrupt for a queue");

    uint64_t bell =
        (uint64_t)common16(vp, COMMON_QUEUE_NOTIFY_OFF) * vp->notify_multiplier;
    if (bell > vp->notify.len || vp->notify.len - bell < 2)
        return fail(vp, "a doorbell outside its structure");
    doorbell->at = vp->notify.at + bell;
    doorbell->queue = queue;

    set_common64(vp, COMMON_QUEUE_DESC, (uintptr_t)q->desc);
    set_common64(vp, COMMON_QUEUE_DRIVER, (uintptr_t)q->available);
    set_common64(vp, COMMON_QUEUE_DEVICE, (uintptr_t)q->used);
    set_common16(vp, COMMON_QUEUE_ENABLE, 1);
    return true;
}

void virtio_pci_go(struct virtio_pci *vp)
{
    set_status(vp, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
                       VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
}

void virtio_pci_notify(const struct virtio_doorbell *doorbell)
{
    mmio_write16(doorbell->at, doorbell->queue);
}

bool virtio_pci_config(const struct virtio_pci *vp, uint32_t offset, void *out,
                       uint32_t len)
{
    uint8_t *to = out;

    if (!vp->device.at || offset > vp->device.len ||
        len > vp->device.len - offset)
        return false;
    for (unsigned tries = 0; tries < CONFIG_TRIES_MAX; tries++) {
        uint8_t generation = common8(vp, COMMON_CONFIG_GENERATION);

        for (uint32_t i = 0; i < len; i++)
            to[i] = mmio_read8(vp->device.at + offset + i);
        if (common8(vp, COMMON_CONFIG_GENERATION) == generation)
            return true;
    }
    return false;
}

bool virtio_pci_needs_reset(const struct virtio_pci *vp)
{
    return common8(vp, COMMON_DEVICE_STATUS) & VIRTIO_STATUS_NEEDS_RESET;
}

void virtio_pci_stop(struct virtio_pci *vp)
{
    if (vp->common.at)
        set_status(vp, 0);
}
