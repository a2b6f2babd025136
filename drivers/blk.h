/* SPDX-License-Identifier: BSD-2-Clause */
/* The shape of a disk. */
#ifndef DRIVERS_BLK_H
#define DRIVERS_BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blk;
struct pci;
struct pci_device;

/* Offsets and lengths are multiples of it, so that disks with sectors of 512
 * and of 4096 bytes are the same to us. */
#define BLK_UNIT 4096

/* Bytes in one operation. */
#define BLK_BYTES_MAX 65536

enum blk_op {
    BLK_READ,
    BLK_WRITE,
    BLK_FLUSH,   /* all that was written before is on the medium */
    BLK_IDENTIFY /* read BLK_SERIAL_BYTES: what the host calls the disk */
};

#define BLK_SERIAL_BYTES 20

struct blk_request {
    enum blk_op op;
    uint64_t offset;  /* of BLK_READ and BLK_WRITE, as `len` */
    size_t len;       /* 1 to BLK_BYTES_MAX */
    const void *from; /* BLK_WRITE: copied before blk_start() returns */
    void *to;         /* BLK_READ, BLK_IDENTIFY: written by the blk_poll() that
                         says BLK_DONE, a copy that the device cannot reach */
};

enum blk_progress {
    BLK_IDLE,    /* nothing is under way, or the disk was given up */
    BLK_BUSY,    /* not done yet */
    BLK_DONE,    /* done since the last look */
    BLK_REFUSED, /* the disk could not do it, and may do the next */
};

struct blk_driver {
    const char *name;
    bool (*probe)(const struct pci_device *pci);
    bool (*attach)(struct blk *dev, struct pci_device *pci);

    /* Begin the one operation that may be under way; what is asked for has
     * been checked. */
    bool (*start)(struct blk *dev, const struct blk_request *request);

    /* Look how it stands. */
    enum blk_progress (*poll)(struct blk *dev);

    bool (*last_words)(struct blk *dev, uint64_t offset,
                       const uint8_t page[BLK_UNIT], uint64_t until);

    /* Take it out of service, for ever. */
    void (*stop)(struct blk *dev);
};

struct blk {
    const struct blk_driver *driver;
    const struct pci_device *pci;
    void *state; /* the driver's */
    uint64_t bytes;
    uint32_t sector; /* bytes: 512 to 4096, a power of two */
    bool read_only;
    const char *failed; /* why the device was given up, or NULL */
};

/*
 * Attach the next disk at or after number `*at` of the PCI devices, and set
 * `*at` behind it.  False: no more.  A disk that could not be attached is
 * returned as well, with `failed` set; the console does not say so.
 * Level: boot.
 */
bool blk_attach_next(struct blk *dev, struct pci *pci, unsigned *at);

/*
 * Begin an operation.  False if the disk was given up, has no such place or may
 * not be written to, or another operation is under way.
 * `offset` and `len` are multiples of BLK_UNIT.
 * Level: boot, background.
 */
bool blk_start(struct blk *dev, const struct blk_request *request);

/*
 * Have nothing more to do with a device that does not answer.  What was lent to
 * it stays its own: a reset would wait for what it waits for.
 * Always returns false.  Level: boot, background.
 */
bool blk_abandon(struct blk *dev);

/* How the operation stands.  Level: boot, background. */
enum blk_progress blk_poll(struct blk *dev);

/*
 * Write a page of last words, whatever is under way, and flush.  Ends at
 * counter value `until` at the latest; true when it is there.
 * Level: any, for panic().
 */
bool blk_last_words(struct blk *dev, uint64_t offset,
                    const uint8_t page[BLK_UNIT], uint64_t until);

/*
 * Give a device up that broke its own rules: reset, no further traffic, a
 * reason.  Always returns false.
 * Level: boot, background.
 */
bool blk_fail(struct blk *dev, const char *reason);

#endif
