/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio network card on PCI that a test can make lie. */
#ifndef TESTS_FAKE_VIRTIO_NET_H
#define TESTS_FAKE_VIRTIO_NET_H

#include "tests/fake/pci.h"

#define FAKE_NET_RX     0
#define FAKE_NET_TX     1
#define FAKE_NET_HEADER 12

struct fake_queue {
    uint16_t size; /* its largest at first, then what the driver wrote */
    uint16_t vector;
    uint16_t enabled;
    uint64_t desc;
    uint64_t driver;
    uint64_t device;
    uint16_t seen; /* of the available ring */
    uint16_t used;
    unsigned doorbells;
};

struct fake_net {
    struct fake_function pci;
    struct fake_registers msix;
    struct fake_registers registers;
    uint32_t msix_table[3 * 4];

    uint64_t offered;
    uint64_t accepted;
    uint32_t offered_select;
    uint32_t accepted_select;
    uint16_t config_vector;
    uint16_t queue_select;
    uint8_t status;
    uint8_t statuses[16]; /* each that was written, in order */
    unsigned status_count;
    uint8_t generation;
    uint8_t generation_step; /* it changes with each reading */
    uint8_t config[24];      /* MAC, status, pairs, MTU; or another device's */
    struct fake_queue queue[2];

    bool refuses_features;
    bool stays_reset; /* never comes out of it */
    bool no_vectors;  /* none can be set */
    uint16_t notify_offset;
};

/*
 * A card as QEMU has it, on an otherwise empty machine with ECAM; change what
 * should be different, then put it there with fake_net_plug().
 */
void fake_net_reset(struct fake_net *n);
void fake_net_plug(struct fake_net *n);

/* How many buffers the driver has put there and the device not yet taken. */
unsigned fake_net_available(const struct fake_net *n, unsigned queue);

/* Take the next available buffer: its descriptor's number. */
uint16_t fake_net_take(struct fake_net *n, unsigned queue);

/* What a descriptor says. */
uint8_t *fake_net_buffer(const struct fake_net *n, unsigned queue, uint16_t id,
                         uint32_t *len);

/* Say that a buffer has been used, and interrupt if the driver wants that. */
void fake_net_use(struct fake_net *n, unsigned queue, uint32_t id,
                  uint32_t len);

/* Set the used index to anything. */
void fake_net_set_used(struct fake_net *n, unsigned queue, uint16_t index);

/* A frame comes in; false when the driver has no buffer there for it. */
bool fake_net_receive(struct fake_net *n, const void *frame, uint32_t len);

/* The next frame that the driver sent; false when there is none. */
bool fake_net_sent(struct fake_net *n, void *frame, uint32_t *len);

/* The link goes up or down, or something else in the configuration. */
void fake_net_config_changed(struct fake_net *n);

#endif
