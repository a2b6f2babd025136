/* SPDX-License-Identifier: BSD-2-Clause */
/* A split virtqueue (virtio 1.2, 2.7), and what its device may not do to it. */
#ifndef DRIVERS_VIRTQ_H
#define DRIVERS_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQ_SIZE_MAX 256
#define VIRTQ_ALIGN    4096 /* of the memory; what a legacy device asks for */

/* 2.7.5: descriptor flags. */
#define VIRTQ_DESC_F_NEXT  1 /* it goes on in another */
#define VIRTQ_DESC_F_WRITE 2 /* the device writes it */

struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

/*
 * Every buffer has the descriptor of its own number, so that there is no free
 * list and the queue is never full.  The device is only believed what
 * virtq_refresh() and virtq_take() have checked.
 */
struct virtq {
    uint16_t size;
    bool event_index;        /* VIRTIO_F_EVENT_IDX */
    struct virtq_desc *desc; /* written by us, never read back */
    uint16_t *available;     /* flags, index, ring, used_event */
    const uint8_t *used;     /* flags, index, ring, avail_event: hostile */
    uint16_t offered;        /* index after what we offered */
    uint16_t published;      /* of it, what the device has been shown */
    uint16_t seen;           /* the used index when it was last read */
    uint16_t taken;          /* index after what was taken from `used` */
    const char *broken;      /* the rule that the device broke, or NULL */
};

struct virtq_used {
    uint32_t id;
    uint32_t len;
};

/* Bytes of memory for a queue of that size, a power of two.  Level: any. */
size_t virtq_bytes(uint16_t size);

/*
 * An empty queue in `memory`: virtq_bytes(size) zeroed bytes, aligned to
 * VIRTQ_ALIGN, that the device can reach under the same address.
 * Level: boot.
 */
void virtq_init(struct virtq *q, uint16_t size, bool event_index, void *memory);

/* Say what buffer `id` is; not while the device has it.  Level: any. */
void virtq_describe(struct virtq *q, uint16_t id, const void *data,
                    uint32_t len, uint16_t flags);

/*
 * Make descriptor `next` go on where `id` ends; both are described.  Only the
 * first of such a chain is offered.
 * 2.7.5.  Level: any.
 */
void virtq_chain(struct virtq *q, uint16_t id, uint16_t next);

/*
 * Put a buffer that the device does not have at the end of the queue.  The
 * device sees it at the next virtq_publish().
 * 2.7.13.  Level: interrupt, or interrupts off.
 */
void virtq_offer(struct virtq *q, uint16_t id);

/*
 * Show the device what was offered.  True: it asks to be notified.
 * 2.7.13.3 and 2.7.13.4.  Level: interrupt, or interrupts off.
 */
bool virtq_publish(struct virtq *q);

/*
 * Read the used index.  False if the device claims more than it was given:
 * then `broken` says so, and nothing more is ever taken.
 * Level: interrupt, or interrupts off.
 */
bool virtq_refresh(struct virtq *q);

/*
 * Take the next used entry that virtq_refresh() has seen; false when there is
 * none.  `id` and `len` are as the device wrote them.
 * 2.7.14.  Level: interrupt, or interrupts off.
 */
bool virtq_take(struct virtq *q, struct virtq_used *used);

/*
 * Ask for an interrupt once `count` more buffers than were taken have been
 * used (1: with the next).  True: the used index has moved already, so that
 * the interrupt may never come; look again.
 * 2.7.7 and 2.7.10.  Level: interrupt, or interrupts off.
 */
bool virtq_arm(struct virtq *q, uint16_t count);

/* Ask for no interrupt; the device may send one regardless.  2.7.7.  Level:
 * interrupt, or interrupts off. */
void virtq_disarm(struct virtq *q);

/* How many buffers the device has, those not yet published included. */
static inline uint16_t virtq_held(const struct virtq *q)
{
    return (uint16_t)(q->offered - q->taken);
}

#endif
