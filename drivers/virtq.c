/* SPDX-License-Identifier: BSD-2-Clause */
/* A split virtqueue (virtio 1.2, 2.7), and what its device may not do to it. */
#include "drivers/virtq.h"

/* 2.7.6 and 2.7.8: both rings begin with flags and index. */
#define RING_FLAGS               0
#define RING_INDEX               1
#define RING_ENTRIES             2
#define AVAILABLE_F_NO_INTERRUPT 1
#define USED_F_NO_NOTIFY         1

#define USED_ENTRIES     4 /* bytes before the first entry */
#define USED_ENTRY_BYTES 8

static size_t available_bytes(uint16_t size)
{
    return 2u * (RING_ENTRIES + size + 1u);
}

static size_t used_offset(uint16_t size)
{
    size_t end = sizeof(struct virtq_desc) * size + available_bytes(size);

    return (end + VIRTQ_ALIGN - 1) & ~(size_t)(VIRTQ_ALIGN - 1);
}

size_t virtq_bytes(uint16_t size)
{
    return used_offset(size) + USED_ENTRIES + USED_ENTRY_BYTES * size + 2u;
}

void virtq_init(struct virtq *q, uint16_t size, bool event_index, void *memory)
{
    uint8_t *bytes = memory;

    *q = (struct virtq){.size = size, .event_index = event_index};
    q->desc = memory;
    q->available = (void *)(bytes + sizeof(struct virtq_desc) * size);
    q->used = bytes + used_offset(size);
}

/* What the device writes is read once, and whole. */
static uint16_t used_u16(const struct virtq *q, size_t offset)
{
    const void *at = q->used + offset;

    return __atomic_load_n((const uint16_t *)at, __ATOMIC_RELAXED);
}

static uint32_t used_u32(const struct virtq *q, size_t offset)
{
    const void *at = q->used + offset;

    return __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
}

static void write_available(struct virtq *q, size_t i, uint16_t value)
{
    __atomic_store_n(&q->available[i], value, __ATOMIC_RELAXED);
}

void virtq_describe(struct virtq *q, uint16_t id, const void *data,
                    uint32_t len, uint16_t flags)
{
    q->desc[id] = (struct virtq_desc){
        .addr = (uintptr_t)data, .len = len, .flags = flags};
}

void virtq_chain(struct virtq *q, uint16_t id, uint16_t next)
{
    q->desc[id].flags |= VIRTQ_DESC_F_NEXT;
    q->desc[id].next = next;
}

void virtq_offer(struct virtq *q, uint16_t id)
{
    write_available(q, RING_ENTRIES + (q->offered & (q->size - 1u)), id);
    q->offered++;
}

/* 2.7.7.2: did the index pass `event` on its way from `old` to `now`? */
static bool passed(uint16_t event, uint16_t now, uint16_t old)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

/*
 * Stores before it are seen before loads behind it are done.  gcc makes a
 * locked instruction of __atomic_thread_fence(), and QEMU (10.0, TCG, with one
 * virtual CPU) takes that for an ordinary one, although its device runs on
 * another processor: once in some million frames both sides went to sleep.
 */
static void full_barrier(void)
{
    __asm__ volatile("mfence" : : : "memory");
}

bool virtq_publish(struct virtq *q)
{
    uint16_t old = q->published;

    if (q->offered == old)
        return false;

    /* The entries and descriptors are written before the index that shows
     * them. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    write_available(q, RING_INDEX, q->offered);
    q->published = q->offered;

    /* The index is written before the device's wish is read: else both sides
     * could go to sleep. */
    full_barrier();
    if (!q->event_index)
        return !(used_u16(q, 0) & USED_F_NO_NOTIFY);
    uint16_t event = used_u16(q, USED_ENTRIES + USED_ENTRY_BYTES * q->size);
    return passed(event, q->offered, old);
}

bool virtq_refresh(struct virtq *q)
{
    uint16_t index = used_u16(q, 2 * RING_INDEX);

    if (q->broken)
        return false;
    if ((uint16_t)(index - q->taken) > (uint16_t)(q->published - q->taken) ||
        (uint16_t)(index - q->taken) < (uint16_t)(q->seen - q->taken)) {
        q->broken = "used index outside what was offered";
        return false;
    }
    /* The index is read before the entries and the buffers that it shows. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    q->seen = index;
    return true;
}

bool virtq_take(struct virtq *q, struct virtq_used *used)
{
    if (q->taken == q->seen || q->broken)
        return false;

    size_t at =
        USED_ENTRIES + USED_ENTRY_BYTES * (size_t)(q->taken & (q->size - 1u));
    used->id = used_u32(q, at);
    used->len = used_u32(q, at + 4);
    q->taken++;
    return true;
}

bool virtq_arm(struct virtq *q, uint16_t count)
{
    uint16_t event = (uint16_t)(q->taken + count - 1);

    if (q->event_index)
        write_available(q, RING_ENTRIES + q->size, event);
    else
        write_available(q, RING_FLAGS, 0);

    /* The wish is written before the used index is read: a device that used a
     * buffer before it could see the wish is noticed here. */
    full_barrier();
    uint16_t index = used_u16(q, 2 * RING_INDEX);
    return (uint16_t)(index - q->taken) >= count;
}

void virtq_disarm(struct virtq *q)
{
    /* The index last passed this value, and comes by again only after 65535
     * more buffers; by then it has been written anew. */
    if (q->event_index)
        write_available(q, RING_ENTRIES + q->size, (uint16_t)(q->taken - 1));
    else
        write_available(q, RING_FLAGS, AVAILABLE_F_NO_INTERRUPT);
}
