/* SPDX-License-Identifier: BSD-2-Clause */
/* The shape of a network card. */
#ifndef DRIVERS_NETDEV_H
#define DRIVERS_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netdev;
struct pci;
struct pci_device;

/*
 * A received frame, without any header of the device's.  Lent by the card
 * until it is sent back with tx() or given back with drop().
 */
struct netdev_frame {
    uint8_t *data;
    uint32_t len;      /* 1 to NETDEV_FRAME_MAX */
    uint64_t rx_ticks; /* entry's counter, or after the used index was read */
    uint16_t id;       /* the driver's own */
    bool checksum_ok;  /* the device vouches for the transport checksum */
};

/* 64 bits and one writer each; read by anyone. */
struct netdev_count {
    uint64_t rx;      /* frames lent */
    uint64_t rx_bad;  /* used entries of an impossible length */
    uint64_t tx;      /* frames queued */
    uint64_t tx_full; /* frames refused because the queue was full */
};

struct netdev_driver {
    const char *name;
    bool (*probe)(const struct pci_device *pci);
    bool (*attach)(struct netdev *dev, struct pci_device *pci);

    /*
     * The next received frame.  `entry_ticks` is the counter at interrupt
     * entry; the driver reads it again whenever it reads the used index again,
     * and no stamp is earlier than its frame by more than `near_ticks`.  False:
     * nothing more, and the card will interrupt for the next one unless
     * rx_mask() said otherwise; who stops before that has to come back by
     * himself.
     * Level: interrupt.
     */
    bool (*rx)(struct netdev *dev, struct netdev_frame *frame,
               uint64_t entry_ticks);

    /* Give a lent frame back unanswered; the card sees it at kick(). */
    void (*drop)(struct netdev *dev, const struct netdev_frame *frame);

    /*
     * Queue a lent frame, now `len` bytes long, for sending; takes its buffer.
     * Nothing is sent before kick().  False: queue full, frame still lent.
     * Level: interrupt.
     */
    bool (*tx)(struct netdev *dev, const struct netdev_frame *frame,
               uint32_t len);

    /*
     * Copy a frame of the background's into a transmit buffer of the
     * background's own and queue it.  False: no buffer free.
     * Level: background, with interrupts off.
     */
    bool (*send)(struct netdev *dev, const void *data, uint32_t len);

    /*
     * End a batch: show the card what was queued and given back, and ring its
     * doorbells where it wants that.
     */
    void (*kick)(struct netdev *dev);

    /*
     * Ask for interrupts on reception, or not (shedding at the card).  After
     * unmasking none comes for what is there already: go on with rx().
     */
    void (*rx_mask)(struct netdev *dev, bool masked);

    /* Acknowledge: a link change, a device that failed.  Level: interrupt. */
    void (*irq)(struct netdev *dev);
};

struct netdev {
    const struct netdev_driver *driver;
    void *state; /* the driver's */
    uint8_t mac[6];
    uint16_t mtu;
    volatile bool link_up;
    const char *failed; /* why the device was given up, or NULL */
    struct netdev_count count;

    /* By how much a stamp may be earlier than its frame: so long does entry's
     * counter hold.  Set by the owner before attach(). */
    uint64_t near_ticks;

    /* Set by the owner before attach(); called at interrupt level. */
    void (*on_irq)(void *arg, struct netdev *dev, uint64_t entry_ticks);
    void *on_irq_arg;
};

/* Largest frame, without FCS, with one VLAN tag. */
#define NETDEV_FRAME_MAX 1518

/*
 * Find the first card with a driver, and attach it.
 * Returns false if there is none; then `dev->failed` says what was found.
 * Level: boot.
 */
bool netdev_attach(struct netdev *dev, struct pci *pci);

/*
 * Give a device up that broke its own rules: no further traffic, a reason.
 * Always returns false.  Level: any.
 */
bool netdev_fail(struct netdev *dev, const char *reason);

#endif
