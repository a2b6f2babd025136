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

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH };

enum blk_progress {
    BLK_IDLE,   /* nothing under way */
    BLK_BUSY,   /* not done yet */
    BLK_DONE,   /* done since the last look */
    BLK_REFUSED /* the disk could not do it, and may do the next */
};

struct blk_driver {
    const char *name;
    bool (*probe)(const struct pci_device *pci);
    bool (*attach)(struct blk *dev, struct pci_device *pci);

    /*
     * Begin the one operation that may be under way.  What is written is
     * copied before this returns.
     */
    bool (*start)(struct blk *dev, enum blk_op op, uint64_t offset,
                  const void *data, size_t len);

    /*
     * Look how it stands.  After BLK_DONE of a BLK_READ, `data` is what was
     * read, a copy that the device cannot reach; lent until the next start().
     */
    enum blk_progress (*poll)(struct blk *dev, const uint8_t **data);

    /*
     * Write `len` bytes from `offset` on, at most BLK_UNIT, and flush, whatever
     * is under way; for last words.  Ends at counter value `until` at the
     * latest.
     */
    bool (*last_words)(struct blk *dev, uint64_t offset, const void *data,
                       size_t len, uint64_t until);

    /* Take it out of service. */
    void (*stop)(struct blk *dev);
};

struct blk {
    const struct blk_driver *driver;
    const struct pci_device *pci;
    void *state; /* the driver's */
    uint64_t bytes;
    uint32_t sector; /* bytes: 512 to 4096, a power of two */
    bool read_only;
    char serial[21];    /* what the host calls it, printable; or empty */
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
 * Begin an operation.  False if the disk was given up, has no such place, or
 * another operation is under way; `failed` says why in the first case.
 * `offset` and `len` are multiples of BLK_UNIT, `len` is at most BLK_BYTES_MAX.
 * Level: boot, background.
 */
bool blk_start(struct blk *dev, enum blk_op op, uint64_t offset,
               const void *data, size_t len);

/* How the operation stands; see struct blk_driver.  Level: boot, background. */
enum blk_progress blk_poll(struct blk *dev, const uint8_t **data);

/*
 * Give a device up that broke its own rules, or took too long: reset, no
 * further traffic, a reason.  Always returns false.
 * Level: boot, background.
 */
bool blk_fail(struct blk *dev, const char *reason);

#endif
