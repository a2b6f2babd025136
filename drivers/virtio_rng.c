/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio entropy device (virtio 1.2, 5.4). */
#include "drivers/virtio_rng.h"

#include "arch/mem.h"

#include <string.h>

#define QUEUE 2 /* descriptors; one is used */

static bool fail(struct virtio_rng *rng, const char *reason)
{
    rng->present = false;
    rng->failed = reason;
    virtio_pci_stop(&rng->pci);
    return false;
}

static bool drive(struct virtio_rng *rng, const struct pci_device *pci)
{
    const uint64_t wanted = VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_ORDER_PLATFORM;
    struct virtio_pci *vp = &rng->pci;

    if (!virtio_pci_open(vp, pci))
        return fail(rng, vp->failed);
    /* 3.1.1, 1 to 6. */
    if (!virtio_pci_start(vp, wanted, VIRTIO_F_VERSION_1))
        return fail(rng, vp->failed);
    /* 7. */
    if (virtio_pci_queue_size(vp, 0) < QUEUE)
        return fail(rng, "its queue is too short");
    virtq_init(&rng->queue, QUEUE, false,
               mem_alloc(virtq_bytes(QUEUE), VIRTQ_ALIGN));
    virtq_disarm(&rng->queue);
    rng->shared = mem_alloc(VIRTIO_RNG_BYTES, 64);
    virtq_describe(&rng->queue, 0, rng->shared, VIRTIO_RNG_BYTES,
                   VIRTQ_DESC_F_WRITE);
    if (!virtio_pci_enable_queue(vp, 0, &rng->queue, VIRTIO_NO_ENTRY,
                                 &rng->bell))
        return fail(rng, vp->failed);
    /* 8. */
    virtio_pci_go(vp);
    rng->present = true;
    return true;
}

bool virtio_rng_attach(struct virtio_rng *rng, struct pci *pci)
{
    *rng = (struct virtio_rng){.present = false};
    for (unsigned i = 0; i < pci->device_count; i++) {
        struct pci_device *device = &pci->device[i];

        if (!virtio_pci_is(device, VIRTIO_ID_ENTROPY))
            continue;
        pci_learn(device);
        return drive(rng, device);
    }
    return false;
}

void virtio_rng_ask(struct virtio_rng *rng)
{
    if (!rng->present || rng->asked)
        return;
    /* What a device that lies has not written must not be what was there. */
    memset(rng->shared, 0, VIRTIO_RNG_BYTES);
    rng->asked = true;
    virtq_offer(&rng->queue, 0);
    if (virtq_publish(&rng->queue))
        virtio_pci_notify(&rng->bell);
}

size_t virtio_rng_take(struct virtio_rng *rng, uint8_t bytes[VIRTIO_RNG_BYTES])
{
    struct virtq_used used;

    if (!rng->present || !rng->asked)
        return 0;
    if (!virtq_refresh(&rng->queue)) {
        fail(rng, rng->queue.broken);
        return 0;
    }
    if (!virtq_take(&rng->queue, &used))
        return 0;
    rng->asked = false;
    if (used.id != 0 || used.len > VIRTIO_RNG_BYTES) {
        fail(rng, "gave more than it was asked for");
        return 0;
    }
    memcpy(bytes, rng->shared, used.len);
    return used.len;
}
