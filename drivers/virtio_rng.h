/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio entropy device (virtio 1.2, 5.4). */
#ifndef DRIVERS_VIRTIO_RNG_H
#define DRIVERS_VIRTIO_RNG_H

#include "drivers/virtio_pci.h"

/* Asked for at a time: 512 bits, twice what a seed needs. */
#define VIRTIO_RNG_BYTES 64

struct virtio_rng {
    struct virtio_pci pci;
    struct virtq queue;
    struct virtio_doorbell bell;
    uint8_t *shared; /* the device writes it whenever it likes */
    bool present;    /* found, driven, and has not broken a rule */
    bool asked;
    const char *failed; /* why it is not driven, or was given up; or NULL */
};

/*
 * Drive the first device of that kind.  False: there is none, or `failed`.
 * Level: boot.
 */
bool virtio_rng_attach(struct virtio_rng *rng, struct pci *pci);

/* Ask for bytes, unless that was done already.  Level: boot, background. */
void virtio_rng_ask(struct virtio_rng *rng);

/*
 * Take what came; returns how many bytes, or 0 when nothing did, yet.
 * Level: boot, background.
 */
size_t virtio_rng_take(struct virtio_rng *rng, uint8_t bytes[VIRTIO_RNG_BYTES]);

#endif
