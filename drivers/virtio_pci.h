/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio device on PCI (virtio 1.2, 4.1). */
#ifndef DRIVERS_VIRTIO_PCI_H
#define DRIVERS_VIRTIO_PCI_H

#include "drivers/pci.h"
#include "drivers/virtq.h"

/* 5: device types. */
#define VIRTIO_ID_NET     1
#define VIRTIO_ID_BLOCK   2
#define VIRTIO_ID_ENTROPY 4

/* 2.1: device status. */
#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER      2
#define VIRTIO_STATUS_DRIVER_OK   4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 64
#define VIRTIO_STATUS_FAILED      128

/* 6: feature bits of every device. */
#define VIRTIO_F_EVENT_IDX       (1ull << 29)
#define VIRTIO_F_VERSION_1       (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)
#define VIRTIO_F_ORDER_PLATFORM  (1ull << 36)

/* 4.1.5.1.2.1: no interrupt.  VIRTIO_MSI_NO_VECTOR. */
#define VIRTIO_NO_ENTRY 0xffff

/* A structure of the device, mapped. */
struct virtio_region {
    volatile uint8_t *at; /* NULL: the device has none */
    uint32_t len;
};

struct virtio_pci {
    const struct pci_device *dev;
    struct virtio_region common;
    struct virtio_region notify;
    struct virtio_region device;
    uint32_t notify_multiplier;
    struct pci_msix msix;
    uint64_t features;  /* those negotiated */
    const char *failed; /* why one of the functions below returned false */
};

/* Is it a virtio device of that type, modern or transitional?  Level: boot. */
bool virtio_pci_is(const struct pci_device *dev, uint16_t type);

/*
 * Find and map the structures of a device, and turn its MSI-X on if it has
 * any (`msix.count`); it may not be driven before.
 *
 * A transitional device is driven as a modern one; a legacy one is refused.
 * 4.1.4.  Level: boot.
 */
bool virtio_pci_open(struct virtio_pci *vp, const struct pci_device *dev);

/*
 * 3.1.1, steps 1 to 6: reset, acknowledge, and agree on `wanted` as far as
 * they are offered; on all of `needed`.
 * Level: boot.
 */
bool virtio_pci_start(struct virtio_pci *vp, uint64_t wanted, uint64_t needed);

/*
 * How large a queue may be, rounded down to a power of two and to
 * VIRTQ_SIZE_MAX; 0 when there is no such queue.
 * Level: boot.
 */
uint16_t virtio_pci_queue_size(const struct virtio_pci *vp, uint16_t queue);

/* Where a queue's notifications go. */
struct virtio_doorbell {
    volatile uint8_t *at;
    uint16_t queue;
};

/*
 * 4.1.5.1.3: give a queue its memory and its MSI-X table entry, or
 * VIRTIO_NO_ENTRY, and turn it on.
 * Level: boot.
 */
bool virtio_pci_enable_queue(struct virtio_pci *vp, uint16_t queue,
                             const struct virtq *q, uint16_t entry,
                             struct virtio_doorbell *doorbell);

/* The MSI-X table entry for changes of the configuration.  Level: boot. */
bool virtio_pci_set_config_entry(struct virtio_pci *vp, uint16_t entry);

/* 3.1.1, step 8: the device is live.  Level: boot. */
void virtio_pci_go(struct virtio_pci *vp);

/* Tell the device that a queue has new buffers.  Level: any. */
void virtio_pci_notify(const struct virtio_doorbell *doorbell);

/*
 * Copy from the device's own configuration, consistently; false if it is
 * shorter than that, or changes faster than it can be read.
 * 2.5.  Level: any.
 */
bool virtio_pci_config(const struct virtio_pci *vp, uint32_t offset, void *out,
                       uint32_t len);

/* Has the device said that it cannot go on?  2.1.2.  Level: any. */
bool virtio_pci_needs_reset(const struct virtio_pci *vp);

/* Take the device out of service; does not wait for it.  Level: any. */
void virtio_pci_stop(struct virtio_pci *vp);

#endif
