/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames on their way from interrupt level to the background. */
#ifndef NET_RING_H
#define NET_RING_H

#include "drivers/netdev.h"

#include <stdatomic.h>
#include <string.h>

/*
 * A power of two.  Enough for what arrives while the background is busy for
 * 60 ms at 3000 frames a second, and for some hundred who begin a connection
 * in one moment: one whose first segment is lost asks again after a second.
 * When full, frames are dropped and counted.
 */
#define RING_SLOTS 256

/*
 * Slots kept for frames that we may have asked for, so that a flood of others
 * cannot keep every answer out.
 */
#define RING_RESERVE 16

struct ring_slot {
    uint64_t rx_ticks;
    uint16_t len;
    bool checksum_ok;
    uint8_t data[NETDEV_FRAME_MAX];
};

/* `head` is written by the producer alone, `tail` by the consumer alone. */
struct ring {
    _Atomic uint32_t head;
    _Atomic uint32_t tail;
    uint32_t high; /* most slots ever in use; the producer's */
    struct ring_slot slot[RING_SLOTS];
};

/*
 * Copy a frame in; `asked` ones may use the reserve.  Returns false when there
 * is no room, or when it is longer than a slot.  Level: interrupt.
 */
static inline bool ring_put(struct ring *r, const struct netdev_frame *frame,
                            bool asked)
{
    uint32_t room = asked ? RING_SLOTS : RING_SLOTS - RING_RESERVE;
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    /* Acquire: the slot was read before its tail moved on. */
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

    if (head - tail >= room || frame->len > NETDEV_FRAME_MAX)
        return false;

    struct ring_slot *slot = &r->slot[head % RING_SLOTS];

    slot->rx_ticks = frame->rx_ticks;
    slot->len = (uint16_t)frame->len;
    slot->checksum_ok = frame->checksum_ok;
    memcpy(slot->data, frame->data, frame->len);
    if (head - tail + 1 > r->high)
        r->high = head - tail + 1;

    /* Release: the slot is filled before the head says so. */
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}

/*
 * The oldest frame, lent until ring_release(); NULL when there is none.
 * Level: background.
 */
static inline const struct ring_slot *ring_peek(const struct ring *r)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    /* Acquire: the slot is read after its head was seen. */
    uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

    return head == tail ? NULL : &r->slot[tail % RING_SLOTS];
}

/* Give the slot of ring_peek() back.  Level: background. */
static inline void ring_release(struct ring *r)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    /* Release: the slot was read before the producer may fill it again. */
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

#endif
