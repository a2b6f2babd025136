/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks that a test makes up, and what was written to them, in order. */
#include "tests/fake/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_disk fake_disk[FAKE_DISKS];

static struct {
    struct blk_request request;
    bool busy;
    unsigned polls;
} under_way[FAKE_DISKS];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "fake disk: %s\n", what);
    abort();
}

void fake_disk_forget(struct fake_disk *d)
{
    while (d->writes > 0)
        free(d->write[--d->writes].data);
}

void fake_disks_reset(struct pci *pci, unsigned count)
{
    memset(pci, 0, sizeof(*pci));
    memset(under_way, 0, sizeof(under_way));
    pci->device_count = count;
    for (unsigned i = 0; i < FAKE_DISKS; i++) {
        fake_disk_forget(&fake_disk[i]);
        memset(&fake_disk[i], 0, sizeof(fake_disk[i]));
        fake_disk[i].bytes = 1 << 20;
        fake_disk[i].sector = 512;
        fake_disk[i].serial = "";
        pci->device[i].slot = (uint8_t)i;
        pci->device[i].sized = true;
    }
}

static void note(struct fake_disk *d, uint64_t offset, const void *data,
                 size_t len)
{
    struct fake_write *w = &d->write[d->writes];

    if (d->writes == FAKE_WRITES_MAX)
        die("too many writes");
    *w = (struct fake_write){.offset = offset, .len = len};
    if (len > 0) {
        w->data = malloc(len);
        memcpy(w->data, data, len);
    }
    d->writes++;
}

static unsigned number(const struct blk *dev)
{
    return dev->pci->slot;
}

static bool probe(const struct pci_device *pci)
{
    (void)pci;
    return true;
}

static bool attach(struct blk *dev, struct pci_device *pci)
{
    struct fake_disk *d = &fake_disk[pci->slot];

    dev->state = d;
    dev->bytes = d->bytes;
    dev->sector = d->sector;
    dev->read_only = d->read_only;
    dev->failed = d->cannot_attach;
    return !d->cannot_attach;
}

static bool start(struct blk *dev, const struct blk_request *request)
{
    struct fake_disk *d = dev->state;
    unsigned i = number(dev);

    if (d->stopped)
        die("used after it was stopped");
    if (under_way[i].busy)
        return false;
    under_way[i].busy = true;
    under_way[i].polls = 0;
    under_way[i].request = *request;
    if (request->op == BLK_WRITE && !d->refuses_writes && !d->hangs) {
        if (request->offset + request->len > FAKE_DISK_BYTES)
            die("written far behind its end");
        memcpy(d->medium + request->offset, request->from, request->len);
        note(d, request->offset, request->from, request->len);
    }
    if (request->op == BLK_FLUSH && !d->refuses_flushes && !d->hangs)
        note(d, 0, NULL, 0);
    return true;
}

static bool is_refused(const struct fake_disk *d, enum blk_op op)
{
    return (op == BLK_READ && d->refuses_reads) ||
           (op == BLK_WRITE && d->refuses_writes) ||
           (op == BLK_FLUSH && d->refuses_flushes);
}

static void give(struct fake_disk *d, const struct blk_request *r)
{
    if (r->op == BLK_IDENTIFY) {
        memset(r->to, 0, BLK_SERIAL_BYTES);
        memcpy(r->to, d->serial, strlen(d->serial));
        return;
    }
    d->reads++;
    memset(r->to, 0, r->len);
    if (r->offset >= FAKE_DISK_BYTES)
        return;
    size_t len = FAKE_DISK_BYTES - r->offset;
    memcpy(r->to, d->medium + r->offset, len < r->len ? len : r->len);
}

static enum blk_progress poll(struct blk *dev)
{
    struct fake_disk *d = dev->state;
    unsigned i = number(dev);
    const struct blk_request *r = &under_way[i].request;

    if (d->breaks) {
        blk_fail(dev, "broke a rule");
        return BLK_IDLE;
    }
    if (!under_way[i].busy)
        return BLK_IDLE;
    if (d->hangs || under_way[i].polls++ < d->polls)
        return BLK_BUSY;
    under_way[i].busy = false;
    if (is_refused(d, r->op))
        return BLK_REFUSED;
    if (r->op == BLK_READ || r->op == BLK_IDENTIFY)
        give(d, r);
    return BLK_DONE;
}

static bool last_words(struct blk *dev, uint64_t offset,
                       const uint8_t page[BLK_UNIT], uint64_t until)
{
    struct fake_disk *d = dev->state;

    (void)until;
    memcpy(d->medium + offset, page, BLK_UNIT);
    note(d, offset, page, BLK_UNIT);
    return true;
}

static void stop(struct blk *dev)
{
    struct fake_disk *d = dev->state;

    d->stopped = true;
}

extern const struct blk_driver virtio_blk_driver;

/* In the place of the real one. */
const struct blk_driver virtio_blk_driver = {
    .name = "virtio-blk",
    .probe = probe,
    .attach = attach,
    .start = start,
    .poll = poll,
    .last_words = last_words,
    .stop = stop,
};
