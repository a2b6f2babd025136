/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio network card (virtio 1.2, 5.1). */
#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/irq.h"
#include "arch/mem.h"
#include "drivers/netdev.h"
#include "drivers/virtio_pci.h"

#include <string.h>

/* 5.1.2: queues of a card with one pair. */
#define RX_QUEUE 0
#define TX_QUEUE 1

/* 5.1.3: feature bits. */
#define NET_F_MTU    (1ull << 3)
#define NET_F_MAC    (1ull << 5)
#define NET_F_STATUS (1ull << 16)

/* 5.1.4: struct virtio_net_config. */
#define CONFIG_MAC     0
#define CONFIG_STATUS  6
#define CONFIG_MTU     10
#define STATUS_LINK_UP 1

/* MSI-X table entries. */
#define ENTRY_QUEUES 0
#define ENTRY_CONFIG 1
#define ENTRIES      2

/* 5.1.6: struct virtio_net_hdr, with num_buffers.  Zero when sent. */
#define HEADER_BYTES 12

/* 5.1.6.3.1 asks for 1526 at least; a multiple of a cache line. */
#define BUF_BYTES 1536
_Static_assert(BUF_BYTES >= HEADER_BYTES + NETDEV_FRAME_MAX,
               "a whole frame fits into a buffer");

/*
 * As many buffers as a queue has descriptors, and the same number for the
 * descriptor as for its buffer: neither queue can ever be full.  A quarter is
 * the background's, to send from; the others receive, and a request that is
 * answered goes out in the buffer it came in.  A card that is out of receive
 * buffers drops what comes in.
 */
#define BUFS_MAX VIRTQ_SIZE_MAX
#define BUFS_MIN 8

/* 5.1.4.2: with IPv6, 1280; less than that is no link for us. */
#define MTU_MIN 1280
#define MTU_MAX 1500

enum holder { HELD_FREE, HELD_RX, HELD_LENT, HELD_TX };

struct virtio_net {
    struct virtio_pci pci;
    struct virtq rxq;
    struct virtq txq;
    struct virtio_doorbell rx_bell;
    struct virtio_doorbell tx_bell;

    uint8_t *buf;
    uint16_t bufs;
    uint16_t rx_bufs;         /* the first so many */
    uint8_t holder[BUFS_MAX]; /* enum holder; what the device says of a buffer
                                 is held against this */
    uint16_t free[BUFS_MAX];  /* a stack of the background's */
    uint16_t free_count;

    uint64_t entry_ticks; /* what the last look was given */
    uint64_t seen_ticks;  /* the stamp of what it found */
    bool masked;
};

static uint8_t *buf_at(struct virtio_net *vn, uint16_t id)
{
    return vn->buf + (size_t)id * BUF_BYTES;
}

/* The device broke a rule: it is taken off the link. */
static bool give_up(struct netdev *dev, const char *reason)
{
    struct virtio_net *vn = dev->state;

    virtio_pci_stop(&vn->pci);
    return netdev_fail(dev, reason);
}

static void offer_rx(struct virtio_net *vn, uint16_t id)
{
    vn->holder[id] = HELD_RX;
    virtq_offer(&vn->rxq, id);
}

/* Take back what has been sent.  False if the device lied about it. */
static bool reclaim(struct netdev *dev)
{
    struct virtio_net *vn = dev->state;
    struct virtq_used used;

    if (!virtq_refresh(&vn->txq))
        return give_up(dev, vn->txq.broken);
    while (virtq_take(&vn->txq, &used)) {
        if (used.id >= vn->bufs || vn->holder[used.id] != HELD_TX)
            return give_up(dev, "sent a buffer that it did not have");
        if (used.id < vn->rx_bufs) {
            offer_rx(vn, (uint16_t)used.id);
        } else {
            vn->holder[used.id] = HELD_FREE;
            vn->free[vn->free_count++] = (uint16_t)used.id;
        }
    }
    virtq_disarm(&vn->txq);
    return true;
}

static bool probe(const struct pci_device *pci)
{
    return virtio_pci_is(pci, VIRTIO_ID_NET);
}

static void read_link(struct netdev *dev)
{
    struct virtio_net *vn = dev->state;
    uint8_t status[2];

    if (!(vn->pci.features & NET_F_STATUS))
        dev->link_up = true;
    else if (virtio_pci_config(&vn->pci, CONFIG_STATUS, status, 2))
        dev->link_up = status[0] & STATUS_LINK_UP;
}

static bool read_config(struct netdev *dev)
{
    struct virtio_net *vn = dev->state;
    uint8_t mtu[2];

    if (!(vn->pci.features & NET_F_MAC)) {
        /* 5.1.5: a random one, locally administered. */
        entropy_fill(dev->mac, 6);
        dev->mac[0] = (uint8_t)((dev->mac[0] & ~1) | 2);
    } else if (!virtio_pci_config(&vn->pci, CONFIG_MAC, dev->mac, 6)) {
        return netdev_fail(dev, "no address to read");
    }
    if (dev->mac[0] & 1)
        return netdev_fail(dev, "its address is a group's");

    dev->mtu = MTU_MAX;
    if (vn->pci.features & NET_F_MTU) {
        if (!virtio_pci_config(&vn->pci, CONFIG_MTU, mtu, 2))
            return netdev_fail(dev, "no MTU to read");
        if (le16(mtu) < MTU_MIN)
            return netdev_fail(dev, "its MTU is below 1280");
        if (le16(mtu) < MTU_MAX)
            dev->mtu = le16(mtu);
    }
    read_link(dev);
    return true;
}

static void on_queue(void *arg, uint64_t entry_ticks)
{
    struct netdev *dev = arg;

    dev->on_irq(dev->on_irq_arg, dev, entry_ticks);
}

static void on_config(void *arg, uint64_t entry_ticks)
{
    struct netdev *dev = arg;

    (void)entry_ticks;
    dev->driver->irq(dev);
}

static void make_queues(struct virtio_net *vn, uint16_t size)
{
    bool event_index = vn->pci.features & VIRTIO_F_EVENT_IDX;
    size_t bytes = virtq_bytes(size);

    virtq_init(&vn->rxq, size, event_index, mem_alloc(bytes, VIRTQ_ALIGN));
    virtq_init(&vn->txq, size, event_index, mem_alloc(bytes, VIRTQ_ALIGN));

    vn->bufs = size;
    vn->rx_bufs = (uint16_t)(size - size / 4);
    vn->buf = mem_alloc((size_t)size * BUF_BYTES, 64);
    for (uint16_t id = 0; id < vn->rx_bufs; id++) {
        virtq_describe(&vn->rxq, id, buf_at(vn, id), BUF_BYTES,
                       VIRTQ_DESC_F_WRITE);
        offer_rx(vn, id);
    }
    for (uint16_t id = vn->rx_bufs; id < size; id++)
        vn->free[vn->free_count++] = id;
    virtq_disarm(&vn->txq);
}

/* 5.1.5: step 7 of 3.1.1 for a network card. */
static bool set_up(struct netdev *dev)
{
    struct virtio_net *vn = dev->state;
    struct virtio_pci *vp = &vn->pci;
    uint16_t size = virtio_pci_queue_size(vp, RX_QUEUE);
    uint16_t tx_size = virtio_pci_queue_size(vp, TX_QUEUE);

    if (tx_size < size)
        size = tx_size;
    if (size < BUFS_MIN)
        return netdev_fail(dev, "its queues are too short");
    if (vp->msix.count < ENTRIES)
        return netdev_fail(dev, "fewer than two MSI-X vectors");

    pci_msix_route(&vp->msix, ENTRY_QUEUES, irq_register(on_queue, dev));
    pci_msix_route(&vp->msix, ENTRY_CONFIG, irq_register(on_config, dev));
    make_queues(vn, size);
    if (!virtio_pci_set_config_entry(vp, ENTRY_CONFIG) ||
        !virtio_pci_enable_queue(vp, RX_QUEUE, &vn->rxq, ENTRY_QUEUES,
                                 &vn->rx_bell) ||
        !virtio_pci_enable_queue(vp, TX_QUEUE, &vn->txq, ENTRY_QUEUES,
                                 &vn->tx_bell))
        return netdev_fail(dev, vp->failed);
    return read_config(dev);
}

/*
 * Checksum offload is not negotiated in either direction: so every frame
 * comes in with a whole checksum, and ours are ready before they go out.
 */
static bool attach(struct netdev *dev, struct pci_device *pci)
{
    const uint64_t wanted = VIRTIO_F_EVENT_IDX | VIRTIO_F_ACCESS_PLATFORM |
                            VIRTIO_F_ORDER_PLATFORM | NET_F_MAC | NET_F_STATUS |
                            NET_F_MTU;
    struct virtio_net *vn = mem_alloc(sizeof(*vn), 64);
    struct virtio_pci *vp = &vn->pci;

    dev->state = vn;
    if (!virtio_pci_open(vp, pci))
        return netdev_fail(dev, vp->failed);
    if (vp->msix.count == 0)
        return netdev_fail(dev, "no MSI-X");

    /* 3.1.1, 1 to 6. */
    if (!virtio_pci_start(vp, wanted, VIRTIO_F_VERSION_1)) {
        netdev_fail(dev, vp->failed);
        goto stop;
    }
    /* 7. */
    if (!set_up(dev))
        goto stop;
    /* 8; the receive buffers are shown only now, as 3.1.1 wants it. */
    virtio_pci_go(vp);
    virtq_publish(&vn->rxq);
    virtio_pci_notify(&vn->rx_bell);
    return true;

stop:
    virtio_pci_stop(vp);
    return false;
}

/*
 * See what has come in.  All of it came before the counter is read here, after
 * the used index; so that is its stamp.  One from before could be much too
 * early: other frames were answered since, or the processor was away.  Only at
 * a first look soon after entry is entry's counter nearer to the truth.
 */
static bool look(struct netdev *dev, uint64_t entry_ticks)
{
    struct virtio_net *vn = dev->state;
    bool first = vn->entry_ticks != entry_ticks;

    vn->entry_ticks = entry_ticks;
    if (!virtq_refresh(&vn->rxq))
        return give_up(dev, vn->rxq.broken);
    vn->seen_ticks = counter_read();
    if (first && vn->seen_ticks - entry_ticks <= dev->near_ticks)
        vn->seen_ticks = entry_ticks;
    return vn->rxq.seen != vn->rxq.taken;
}

/* Something to take, or the card will interrupt when there is. */
static bool pending(struct netdev *dev, uint64_t entry_ticks)
{
    struct virtio_net *vn = dev->state;

    if (vn->rxq.seen != vn->rxq.taken || look(dev, entry_ticks))
        return true;
    return !dev->failed && !vn->masked && virtq_arm(&vn->rxq, 1) &&
           look(dev, entry_ticks);
}

static bool rx(struct netdev *dev, struct netdev_frame *frame,
               uint64_t entry_ticks)
{
    struct virtio_net *vn = dev->state;
    struct virtq_used used;

    while (!dev->failed && pending(dev, entry_ticks) &&
           virtq_take(&vn->rxq, &used)) {
        if (used.id >= vn->rx_bufs || vn->holder[used.id] != HELD_RX)
            return give_up(dev, "received into a buffer that it did not have");

        uint16_t id = (uint16_t)used.id;
        if (used.len <= HEADER_BYTES ||
            used.len > HEADER_BYTES + NETDEV_FRAME_MAX) {
            dev->count.rx_bad++;
            offer_rx(vn, id);
            continue;
        }
        vn->holder[id] = HELD_LENT;
        frame->data = buf_at(vn, id) + HEADER_BYTES;
        frame->len = used.len - HEADER_BYTES;
        frame->rx_ticks = vn->seen_ticks;
        frame->id = id;
        frame->checksum_ok = false;
        dev->count.rx++;
        return true;
    }
    return false;
}

static void drop(struct netdev *dev, const struct netdev_frame *frame)
{
    struct virtio_net *vn = dev->state;

    if (!dev->failed)
        offer_rx(vn, frame->id);
}

/* The rest of the header stays zero: no offload, one buffer. */
static void queue_tx(struct netdev *dev, uint16_t id, uint32_t len)
{
    struct virtio_net *vn = dev->state;
    uint8_t *buf = buf_at(vn, id);

    memset(buf, 0, HEADER_BYTES);
    virtq_describe(&vn->txq, id, buf, HEADER_BYTES + len, 0);
    vn->holder[id] = HELD_TX;
    virtq_offer(&vn->txq, id);
    dev->count.tx++;
}

static bool tx(struct netdev *dev, const struct netdev_frame *frame,
               uint32_t len)
{
    if (dev->failed || len > NETDEV_FRAME_MAX)
        return false;
    queue_tx(dev, frame->id, len);
    return true;
}

static bool send(struct netdev *dev, const void *data, uint32_t len)
{
    struct virtio_net *vn = dev->state;

    if (dev->failed || len > NETDEV_FRAME_MAX || !reclaim(dev))
        return false;
    if (vn->free_count == 0) {
        dev->count.tx_full++;
        return false;
    }
    uint16_t id = vn->free[--vn->free_count];
    memcpy(buf_at(vn, id) + HEADER_BYTES, data, len);
    queue_tx(dev, id, len);
    return true;
}

/*
 * With few receive buffers left, and the rest waiting to be sent, nothing
 * might ever come in again to make us look: so for once the card has to tell
 * us that it has sent something.
 */
static void watch_tx(struct netdev *dev)
{
    struct virtio_net *vn = dev->state;
    uint16_t waiting = virtq_held(&vn->txq);

    if (virtq_held(&vn->rxq) >= vn->rx_bufs / 4 || waiting == 0)
        return;
    if (virtq_arm(&vn->txq, (uint16_t)(waiting / 2 + 1)))
        reclaim(dev);
}

static void kick(struct netdev *dev)
{
    struct virtio_net *vn = dev->state;

    if (dev->failed)
        return;
    if (virtq_publish(&vn->txq))
        virtio_pci_notify(&vn->tx_bell);
    if (!reclaim(dev))
        return;
    watch_tx(dev);
    if (virtq_publish(&vn->rxq))
        virtio_pci_notify(&vn->rx_bell);
}

static void rx_mask(struct netdev *dev, bool masked)
{
    struct virtio_net *vn = dev->state;

    vn->masked = masked;
    if (masked)
        virtq_disarm(&vn->rxq);
    else
        virtq_arm(&vn->rxq, 1);
}

static void irq(struct netdev *dev)
{
    struct virtio_net *vn = dev->state;

    if (dev->failed)
        return;
    if (virtio_pci_needs_reset(&vn->pci))
        give_up(dev, "the device says that it cannot go on");
    else
        read_link(dev);
}

extern const struct netdev_driver virtio_net_driver;

const struct netdev_driver virtio_net_driver = {
    .name = "virtio-net",
    .probe = probe,
    .attach = attach,
    .rx = rx,
    .drop = drop,
    .tx = tx,
    .send = send,
    .kick = kick,
    .rx_mask = rx_mask,
    .irq = irq,
};
