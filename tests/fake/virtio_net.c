/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio network card on PCI that a test can make lie. */
#include "tests/fake/virtio_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMON     0x0000
#define DEVICE     0x2000
#define NOTIFY     0x3000
#define MULTIPLIER 4
#define EVENT_IDX  (1ull << 29)

static void set_half(uint64_t *to, bool high, uint64_t value)
{
    *to = high ? (uint32_t)*to | value << 32 : (*to >> 32) << 32 | value;
}

static struct fake_queue *selected(struct fake_net *n)
{
    static struct fake_queue none;

    return n->queue_select < 2 ? &n->queue[n->queue_select] : &none;
}

static void write_status(struct fake_net *n, uint8_t value)
{
    if (n->status_count < sizeof(n->statuses))
        n->statuses[n->status_count++] = value;
    n->status = value;
    if (n->refuses_features)
        n->status &= (uint8_t)~8;
    if (value == 0 && n->stays_reset)
        n->status = 1;
}

static uint64_t common_read(struct fake_net *n, size_t offset)
{
    struct fake_queue *q = selected(n);

    switch (offset) {
    case 0x04:
        return n->offered_select > 1
                   ? 0
                   : (uint32_t)(n->offered >> 32 * n->offered_select);
    case 0x10:
        return n->config_vector;
    case 0x12:
        return 2;
    case 0x14:
        return n->status;
    case 0x15:
        return n->generation += n->generation_step;
    case 0x18:
        return q->size;
    case 0x1a:
        return q->vector;
    case 0x1e:
        return n->notify_offset + n->queue_select;
    default:
        return 0;
    }
}

static void common_write(struct fake_net *n, size_t offset, uint64_t value)
{
    struct fake_queue *q = selected(n);
    uint16_t vector = n->no_vectors ? 0xffff : (uint16_t)value;

    switch (offset) {
    case 0x00:
        n->offered_select = (uint32_t)value;
        break;
    case 0x08:
        n->accepted_select = (uint32_t)value;
        break;
    case 0x0c:
        set_half(&n->accepted, n->accepted_select, value);
        break;
    case 0x10:
        n->config_vector = vector;
        break;
    case 0x14:
        write_status(n, (uint8_t)value);
        break;
    case 0x16:
        n->queue_select = (uint16_t)value;
        break;
    case 0x18:
        q->size = (uint16_t)value;
        break;
    case 0x1a:
        q->vector = vector;
        break;
    case 0x1c:
        q->enabled = (uint16_t)value;
        break;
    case 0x20:
    case 0x24:
        set_half(&q->desc, offset & 4, value);
        break;
    case 0x28:
    case 0x2c:
        set_half(&q->driver, offset & 4, value);
        break;
    case 0x30:
    case 0x34:
        set_half(&q->device, offset & 4, value);
        break;
    }
}

static uint64_t registers_read(void *self, size_t offset, unsigned width)
{
    struct fake_net *n = self;
    uint64_t value = 0;

    if (offset < 0x38)
        return common_read(n, offset);
    for (unsigned i = 0; i < width; i++) {
        size_t at = offset - DEVICE + i;
        if (at < sizeof(n->config))
            value |= (uint64_t)n->config[at] << 8 * i;
    }
    return value;
}

static void registers_write(void *self, size_t offset, unsigned width,
                            uint64_t value)
{
    struct fake_net *n = self;

    if (offset < 0x38)
        common_write(n, offset, value);
    else if (offset >= NOTIFY && width == 2 && value < 2 &&
             offset == NOTIFY + MULTIPLIER * (n->notify_offset + value))
        n->queue[value].doorbells++;
    else
        abort();
}

static uint64_t msix_read(void *self, size_t offset, unsigned width)
{
    const struct fake_net *n = self;

    (void)width;
    return offset < sizeof(n->msix_table) ? n->msix_table[offset / 4] : 0;
}

static void msix_write(void *self, size_t offset, unsigned width,
                       uint64_t value)
{
    struct fake_net *n = self;

    if (width != 4 || offset >= sizeof(n->msix_table))
        abort();
    n->msix_table[offset / 4] = (uint32_t)value;
}

static void interrupt(struct fake_net *n, uint16_t entry)
{
    if (entry >= 3 || n->msix_table[entry * 4 + 3] & 1)
        return;
    fake_message(n->msix_table[entry * 4] |
                     (uint64_t)n->msix_table[entry * 4 + 1] << 32,
                 n->msix_table[entry * 4 + 2]);
}

/* A virtio capability: type, BAR 4, offset, length. */
static uint8_t add_capability(struct fake_net *n, uint8_t at, uint8_t type,
                              uint32_t offset, uint32_t len)
{
    uint8_t bytes = type == 2 ? 20 : 16;

    n->pci.config[at] = 0x09;
    n->pci.config[at + 1] = (uint8_t)(at + bytes);
    n->pci.config[at + 2] = bytes;
    n->pci.config[at + 3] = type;
    n->pci.config[at + 4] = 4;
    fake_config32(&n->pci, at + 8u, offset);
    fake_config32(&n->pci, at + 12u, len);
    return (uint8_t)(at + bytes);
}

void fake_net_reset(struct fake_net *n)
{
    static const uint8_t config[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56,
                                     1,    0,    1, 0,    0,    0};

    fake_pci_reset(1, false);
    memset(n, 0, sizeof(*n));
    memcpy(n->config, config, sizeof(config));
    n->offered = 0x179bfffe7; /* QEMU 10, but for what we know of */
    n->offered |= 1ull << 32 | 1ull << 29 | 1ull << 16 | 1ull << 5;
    n->queue[0].size = n->queue[1].size = 256;
    n->queue[0].vector = n->queue[1].vector = n->config_vector = 0xffff;

    n->pci.slot = 2;
    fake_pci_header(&n->pci, 0x1af4, 0x1041, 2);
    n->pci.bar_size[1] = 4096;
    n->pci.bar_size[4] = 16384;
    n->pci.bar_wide[4] = true;
    fake_config32(&n->pci, 0x14, 0xfebd0000);
    fake_config32(&n->pci, 0x20, 0xfe000000);
    fake_config16(&n->pci, 0x06, 0x10);
    n->pci.config[0x34] = 0x40;
    uint8_t at = add_capability(n, 0x40, 5, 0, 0);
    at = add_capability(n, at, 4, DEVICE, sizeof(n->config));
    at = add_capability(n, at, 2, NOTIFY, 0x1000);
    fake_config32(&n->pci, at - 4u, MULTIPLIER);
    at = add_capability(n, at, 1, COMMON, 0x38);
    n->pci.config[at] = 0x11;
    fake_config16(&n->pci, at + 2u, 2);
    fake_config32(&n->pci, at + 4u, 1);

    n->registers.read = registers_read;
    n->registers.write = registers_write;
    n->registers.self = n;
    n->msix.read = msix_read;
    n->msix.write = msix_write;
    n->msix.self = n;
    n->pci.bar[1] = &n->msix;
    n->pci.bar[4] = &n->registers;
}

void fake_net_plug(struct fake_net *n)
{
    fake_pci_add(&n->pci, NULL);
}

/* The rings, where the driver said that they are. */

static uint16_t ring_read(uint64_t ring, size_t i)
{
    const uint16_t *p = (const uint16_t *)(uintptr_t)ring;

    return __atomic_load_n(&p[i], __ATOMIC_SEQ_CST);
}

static void ring_write(uint64_t ring, size_t i, uint16_t value)
{
    uint16_t *p = (uint16_t *)(uintptr_t)ring;

    __atomic_store_n(&p[i], value, __ATOMIC_SEQ_CST);
}

unsigned fake_net_available(const struct fake_net *n, unsigned queue)
{
    const struct fake_queue *q = &n->queue[queue];

    return (uint16_t)(ring_read(q->driver, 1) - q->seen);
}

uint16_t fake_net_take(struct fake_net *n, unsigned queue)
{
    struct fake_queue *q = &n->queue[queue];
    uint16_t id = ring_read(q->driver, 2 + (q->seen & (q->size - 1u)));

    q->seen++;
    /* Ask for a doorbell with the next one. */
    ring_write(q->device, 2 + 4u * q->size, q->seen);
    return id;
}

uint8_t *fake_net_buffer(const struct fake_net *n, unsigned queue, uint16_t id,
                         uint32_t *len)
{
    struct {
        uint64_t addr;
        uint32_t len;
        uint16_t flags;
        uint16_t next;
    } desc;

    memcpy(&desc, (const uint8_t *)(uintptr_t)n->queue[queue].desc + 16u * id,
           sizeof(desc));
    if (desc.flags != (queue == FAKE_NET_RX ? 2 : 0)) {
        fprintf(stderr, "fake card: descriptor %u has flags %u\n", id,
                desc.flags);
        abort();
    }
    *len = desc.len;
    return (uint8_t *)(uintptr_t)desc.addr;
}

void fake_net_use(struct fake_net *n, unsigned queue, uint32_t id, uint32_t len)
{
    struct fake_queue *q = &n->queue[queue];
    uint32_t entry[2] = {id, len};
    uint16_t old = q->used++;

    memcpy((uint8_t *)(uintptr_t)q->device + 4 + 8 * (old & (q->size - 1u)),
           entry, sizeof(entry));
    ring_write(q->device, 1, q->used);

    bool wanted = !(ring_read(q->driver, 0) & 1);
    if (n->accepted & EVENT_IDX)
        wanted = ring_read(q->driver, 2u + q->size) == old;
    if (wanted)
        interrupt(n, q->vector);
}

void fake_net_set_used(struct fake_net *n, unsigned queue, uint16_t index)
{
    n->queue[queue].used = index;
    ring_write(n->queue[queue].device, 1, index);
}

bool fake_net_receive(struct fake_net *n, const void *frame, uint32_t len)
{
    uint32_t room;

    if (!fake_net_available(n, FAKE_NET_RX))
        return false;
    uint16_t id = fake_net_take(n, FAKE_NET_RX);
    uint8_t *buf = fake_net_buffer(n, FAKE_NET_RX, id, &room);
    memset(buf, 0xee, FAKE_NET_HEADER);
    memcpy(buf + FAKE_NET_HEADER, frame, len);
    fake_net_use(n, FAKE_NET_RX, id, FAKE_NET_HEADER + len);
    return true;
}

bool fake_net_sent(struct fake_net *n, void *frame, uint32_t *len)
{
    static const uint8_t zero[FAKE_NET_HEADER];

    if (!fake_net_available(n, FAKE_NET_TX))
        return false;
    uint16_t id = fake_net_take(n, FAKE_NET_TX);
    const uint8_t *buf = fake_net_buffer(n, FAKE_NET_TX, id, len);
    if (*len < FAKE_NET_HEADER || memcmp(buf, zero, FAKE_NET_HEADER) != 0) {
        fprintf(stderr, "fake card: header of a sent frame is not zero\n");
        abort();
    }
    *len -= FAKE_NET_HEADER;
    memcpy(frame, buf + FAKE_NET_HEADER, *len);
    fake_net_use(n, FAKE_NET_TX, id, 0);
    return true;
}

void fake_net_config_changed(struct fake_net *n)
{
    n->generation++;
    interrupt(n, n->config_vector);
}
