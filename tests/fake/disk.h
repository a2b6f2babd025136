/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks that a test makes up, and what was written to them, in order. */
#ifndef TESTS_FAKE_DISK_H
#define TESTS_FAKE_DISK_H

#include "drivers/blk.h"
#include "drivers/pci.h"

#define FAKE_DISKS      6
#define FAKE_DISK_BYTES (2u << 20)
#define FAKE_WRITES_MAX 256

/* A write, or a flush: then `len` is 0. */
struct fake_write {
    uint64_t offset;
    size_t len;
    uint8_t *data;
};

struct fake_disk {
    uint64_t bytes; /* may be more than there is behind it, which is zeros */
    uint32_t sector;
    bool read_only;
    const char *serial;
    const char *cannot_attach;

    bool hangs;     /* no operation ends */
    unsigned polls; /* that an operation takes */
    bool refuses_reads;
    bool refuses_writes;
    bool refuses_flushes;
    bool breaks; /* is given up at the next look */

    uint8_t medium[FAKE_DISK_BYTES]; /* with every write so far */
    struct fake_write write[FAKE_WRITES_MAX];
    unsigned writes;
    unsigned reads;
    bool stopped;
};

/* Disk number i is the device in slot i. */
extern struct fake_disk fake_disk[FAKE_DISKS];

/* So many blank disks of 1 MiB, and the machine that has them. */
void fake_disks_reset(struct pci *pci, unsigned count);

/* Forget what was written so far. */
void fake_disk_forget(struct fake_disk *d);

#endif
