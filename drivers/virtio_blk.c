/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio disk (virtio 1.2, 5.2), asked how far it is, never interrupting. */
#include "arch/cpu.h"
#include "arch/mem.h"
#include "drivers/blk.h"
#include "drivers/bytes.h"
#include "drivers/virtio_pci.h"

#include <string.h>

/* 5.2.3: feature bits. */
#define BLK_F_SIZE_MAX (1ull << 1)
#define BLK_F_RO       (1ull << 5)
#define BLK_F_BLK_SIZE (1ull << 6)
#define BLK_F_FLUSH    (1ull << 9)

/* 5.2.4: struct virtio_blk_config. */
#define CONFIG_CAPACITY 0
#define CONFIG_SIZE_MAX 8
#define CONFIG_BLK_SIZE 20

/* 5.2.6: struct virtio_blk_req. */
#define TYPE_IN       0
#define TYPE_OUT      1
#define TYPE_FLUSH    4
#define TYPE_GET_ID   8
#define STATUS_OK     0
#define STATUS_NONE   0xff /* not one of the device's */
#define HEADER_BYTES  16
#define HEADER_SECTOR 8
#define SECTOR_BYTES  512 /* 5.2.4: the unit of capacity and place */

/*
 * Two requests of three descriptors each: header, data, status.  The second is
 * for last words alone, which cannot wait for the first.
 */
#define REQUESTS 2
#define ORDINARY 0
#define LAST     1
#define CHAIN    3
#define QUEUE    8 /* the descriptors of both, rounded up */

/* All that the device reads and writes beside the queue. */
struct shared {
    struct {
        uint8_t header[HEADER_BYTES];
        uint8_t status;
        uint8_t apart[64 - HEADER_BYTES - 1];
    } request[REQUESTS];
    uint8_t page[BLK_UNIT];
    uint8_t data[BLK_BYTES_MAX];
};

struct virtio_blk {
    struct virtio_pci pci;
    struct virtq queue;
    struct virtio_doorbell bell;
    struct shared *shared;
    uint32_t chunk; /* bytes that one request may have */

    struct blk_request request;
    bool busy;
    size_t done; /* bytes of it */
    size_t part; /* bytes of the request that the device has */
};

static void put_le(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static bool probe(const struct pci_device *pci)
{
    return virtio_pci_is(pci, VIRTIO_ID_BLOCK);
}

static bool fail(struct blk *dev, const char *reason)
{
    dev->failed = reason;
    return false;
}

/* 5.2.4 and 5.2.5. */
static bool read_config(struct blk *dev)
{
    struct virtio_blk *vb = dev->state;
    uint8_t field[8];

    if (!virtio_pci_config(&vb->pci, CONFIG_CAPACITY, field, 8))
        return fail(dev, "no capacity to read");
    uint64_t sectors = le64(field);
    dev->bytes = sectors > INT64_MAX / SECTOR_BYTES ? INT64_MAX & -BLK_UNIT
                                                    : sectors * SECTOR_BYTES;
    dev->read_only = vb->pci.features & BLK_F_RO;

    dev->sector = SECTOR_BYTES;
    if (vb->pci.features & BLK_F_BLK_SIZE) {
        if (!virtio_pci_config(&vb->pci, CONFIG_BLK_SIZE, field, 4))
            return fail(dev, "no sector size to read");
        dev->sector = le32(field);
    }
    if (dev->sector < SECTOR_BYTES || dev->sector > BLK_UNIT ||
        (dev->sector & (dev->sector - 1)) != 0)
        return fail(dev, "its sectors are not of 512 to 4096 bytes");

    vb->chunk = BLK_BYTES_MAX;
    if (vb->pci.features & BLK_F_SIZE_MAX) {
        if (!virtio_pci_config(&vb->pci, CONFIG_SIZE_MAX, field, 4))
            return fail(dev, "no segment size to read");
        if (le32(field) < BLK_UNIT)
            return fail(dev, "its segments are shorter than 4096 bytes");
        if (le32(field) < BLK_BYTES_MAX)
            vb->chunk = le32(field) & ~(BLK_UNIT - 1u);
    }
    return true;
}

/* 5.2.5: step 7 of 3.1.1 for a disk. */
static bool set_up(struct blk *dev)
{
    struct virtio_blk *vb = dev->state;
    struct virtio_pci *vp = &vb->pci;

    if (virtio_pci_queue_size(vp, 0) < QUEUE)
        return fail(dev, "its queue is too short");
    if (!read_config(dev))
        return false;
    virtq_init(&vb->queue, QUEUE, vp->features & VIRTIO_F_EVENT_IDX,
               mem_alloc(virtq_bytes(QUEUE), VIRTQ_ALIGN));
    virtq_disarm(&vb->queue);
    vb->shared = mem_alloc(sizeof(*vb->shared), BLK_UNIT);
    if (!virtio_pci_enable_queue(vp, 0, &vb->queue, VIRTIO_NO_ENTRY, &vb->bell))
        return fail(dev, vp->failed);
    return true;
}

static bool attach(struct blk *dev, struct pci_device *pci)
{
    const uint64_t wanted = VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_ORDER_PLATFORM |
                            BLK_F_SIZE_MAX | BLK_F_RO | BLK_F_BLK_SIZE |
                            BLK_F_FLUSH;
    struct virtio_blk *vb = mem_alloc(sizeof(*vb), 64);
    struct virtio_pci *vp = &vb->pci;

    dev->state = vb;
    if (!virtio_pci_open(vp, pci))
        return fail(dev, vp->failed);

    /* 3.1.1, 1 to 6. */
    if (!virtio_pci_start(vp, wanted, VIRTIO_F_VERSION_1)) {
        fail(dev, vp->failed);
        goto stop;
    }
    /* 7. */
    if (!set_up(dev))
        goto stop;
    /* 8. */
    virtio_pci_go(vp);
    return true;

stop:
    virtio_pci_stop(vp);
    return false;
}

/*
 * Give the device one of the two requests.  `data` is in `shared`; `flags` says
 * who writes it.
 */
static void submit(struct virtio_blk *vb, unsigned which, uint32_t type,
                   uint64_t offset, void *data, uint32_t len, uint16_t flags)
{
    struct virtq *q = &vb->queue;
    uint16_t head = (uint16_t)(which * CHAIN);
    uint16_t tail = (uint16_t)(head + 2);
    uint8_t *header = vb->shared->request[which].header;
    uint8_t *status = &vb->shared->request[which].status;

    put_le(header, type, 4);
    put_le(header + 4, 0, 4);
    put_le(header + HEADER_SECTOR, offset / SECTOR_BYTES, 8);
    *status = STATUS_NONE;

    virtq_describe(q, head, header, HEADER_BYTES, 0);
    virtq_describe(q, tail, status, 1, VIRTQ_DESC_F_WRITE);
    if (len > 0) {
        virtq_describe(q, (uint16_t)(head + 1), data, len, flags);
        virtq_chain(q, (uint16_t)(head + 1), tail);
        virtq_chain(q, head, (uint16_t)(head + 1));
    } else {
        virtq_chain(q, head, tail);
    }
    virtq_offer(q, head);
    if (virtq_publish(q))
        virtio_pci_notify(&vb->bell);
}

/* The status that the device wrote, read once. */
static uint8_t status_of(const struct virtio_blk *vb, unsigned which)
{
    return __atomic_load_n(&vb->shared->request[which].status,
                           __ATOMIC_RELAXED);
}

/* The next part of the operation that is under way. */
static void submit_part(struct virtio_blk *vb)
{
    const struct blk_request *r = &vb->request;
    size_t left = r->len - vb->done;
    uint8_t *data = vb->shared->data;

    vb->part = left < vb->chunk ? left : vb->chunk;
    switch (r->op) {
    case BLK_READ:
        submit(vb, ORDINARY, TYPE_IN, r->offset + vb->done, data + vb->done,
               (uint32_t)vb->part, VIRTQ_DESC_F_WRITE);
        break;
    case BLK_WRITE:
        submit(vb, ORDINARY, TYPE_OUT, r->offset + vb->done, data + vb->done,
               (uint32_t)vb->part, 0);
        break;
    case BLK_FLUSH:
        submit(vb, ORDINARY, TYPE_FLUSH, 0, NULL, 0, 0);
        break;
    case BLK_IDENTIFY:
        submit(vb, ORDINARY, TYPE_GET_ID, 0, data, BLK_SERIAL_BYTES,
               VIRTQ_DESC_F_WRITE);
        break;
    }
}

/*
 * A device that says it has read, and has not, must not find there what was
 * written or read before.
 */
static bool start(struct blk *dev, const struct blk_request *request)
{
    struct virtio_blk *vb = dev->state;

    if (vb->busy)
        return false;
    vb->request = *request;
    vb->done = 0;
    vb->busy = true;
    if (request->op == BLK_IDENTIFY || request->op == BLK_FLUSH)
        vb->request.len = 0;
    if (request->op == BLK_WRITE)
        memcpy(vb->shared->data, request->from, request->len);
    else
        memset(vb->shared->data, 0,
               request->op == BLK_READ ? request->len : BLK_SERIAL_BYTES);

    /* 5.2.6.2: without the feature, what was written is on the medium. */
    if (request->op != BLK_FLUSH || vb->pci.features & BLK_F_FLUSH)
        submit_part(vb);
    return true;
}

static enum blk_progress finish(struct virtio_blk *vb)
{
    const struct blk_request *r = &vb->request;

    vb->busy = false;
    if (r->op == BLK_READ)
        memcpy(r->to, vb->shared->data, r->len);
    else if (r->op == BLK_IDENTIFY)
        memcpy(r->to, vb->shared->data, BLK_SERIAL_BYTES);
    return BLK_DONE;
}

/* True: the device has given back a request; which, is in `used`. */
static bool take(struct blk *dev, struct virtq_used *used)
{
    struct virtio_blk *vb = dev->state;

    if (!virtq_refresh(&vb->queue))
        return blk_fail(dev, vb->queue.broken);
    return virtq_take(&vb->queue, used);
}

static enum blk_progress poll(struct blk *dev)
{
    struct virtio_blk *vb = dev->state;
    struct virtq_used used;

    if (!vb->busy)
        return BLK_IDLE;
    if (vb->request.op == BLK_FLUSH && !(vb->pci.features & BLK_F_FLUSH))
        return finish(vb);
    if (!take(dev, &used)) {
        if (!dev->failed && virtio_pci_needs_reset(&vb->pci))
            blk_fail(dev, "the device says that it cannot go on");
        return dev->failed ? BLK_IDLE : BLK_BUSY;
    }
    if (used.id != ORDINARY * CHAIN) {
        blk_fail(dev, "gave back a request that it did not have");
        return BLK_IDLE;
    }
    if (status_of(vb, ORDINARY) != STATUS_OK) {
        vb->busy = false;
        return BLK_REFUSED;
    }
    vb->done += vb->part;
    if (vb->done >= vb->request.len)
        return finish(vb);
    submit_part(vb);
    return BLK_BUSY;
}

/* The ordinary request may come back meanwhile; nobody waits for it now. */
static bool wait_last(struct blk *dev, uint64_t until)
{
    struct virtio_blk *vb = dev->state;
    struct virtq_used used;

    while (!dev->failed && counter_read() < until) {
        if (take(dev, &used) && used.id == LAST * CHAIN)
            return status_of(vb, LAST) == STATUS_OK;
        cpu_relax();
    }
    return false;
}

static bool last_words(struct blk *dev, uint64_t offset,
                       const uint8_t page[BLK_UNIT], uint64_t until)
{
    struct virtio_blk *vb = dev->state;

    memcpy(vb->shared->page, page, BLK_UNIT);
    submit(vb, LAST, TYPE_OUT, offset, vb->shared->page, BLK_UNIT, 0);
    if (!wait_last(dev, until))
        return false;
    if (!(vb->pci.features & BLK_F_FLUSH))
        return true;
    submit(vb, LAST, TYPE_FLUSH, 0, NULL, 0, 0);
    return wait_last(dev, until);
}

static void stop(struct blk *dev)
{
    struct virtio_blk *vb = dev->state;

    virtio_pci_stop(&vb->pci);
}

extern const struct blk_driver virtio_blk_driver;

const struct blk_driver virtio_blk_driver = {
    .name = "virtio-blk",
    .probe = probe,
    .attach = attach,
    .start = start,
    .poll = poll,
    .last_words = last_words,
    .stop = stop,
};
