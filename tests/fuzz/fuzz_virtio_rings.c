/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio network card that writes anything into the rings, at any time. */
/* links: drivers/netdev drivers/virtio_net drivers/virtio_pci drivers/virtq */
/* links: drivers/pci tests/fake/virtio_net tests/fake/pci tests/fake/machine */
#include "drivers/netdev.h"
#include "drivers/pci.h"
#include "tests/fake/virtio_net.h"

#include <stdlib.h>
#include <string.h>

#define LENT_MAX 256

static struct fake_net card;
static struct netdev dev;
static struct netdev_frame lent[LENT_MAX];
static unsigned lent_count;
static uint64_t now;

static const uint8_t *input;
static size_t left;

static uint32_t take(unsigned bytes)
{
    uint32_t value = 0;

    while (bytes-- && left > 0) {
        value = value << 8 | *input++;
        left--;
    }
    return value;
}

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* A frame is ours alone, all of it, until it is given back. */
static void receive(void)
{
    struct netdev_frame f;

    if (lent_count == LENT_MAX || !dev.driver->rx(&dev, &f, now))
        return;
    check(f.len >= 1 && f.len <= NETDEV_FRAME_MAX);
    for (unsigned i = 0; i < lent_count; i++)
        check(f.id != lent[i].id &&
              (f.data >= lent[i].data + 1536 || lent[i].data >= f.data + 1536));
    memset(f.data, (int)now, NETDEV_FRAME_MAX);
    lent[lent_count++] = f;
}

static void give_back(bool send)
{
    if (lent_count == 0)
        return;
    unsigned i = take(1) % lent_count;
    if (!send || !dev.driver->tx(&dev, &lent[i], take(2) % 1600))
        dev.driver->drop(&dev, &lent[i]);
    lent[i] = lent[--lent_count];
}

static void on_irq(void *arg, struct netdev *d, uint64_t entry_ticks)
{
    (void)arg, (void)d;
    now = entry_ticks;
    for (unsigned i = 0; i < 8; i++)
        receive();
    d->driver->kick(d);
}

/* What an honest device does, and what none does. */
static void device_acts(void)
{
    unsigned queue = take(1) & 1;
    struct fake_queue *q = &card.queue[queue];

    switch (take(1) % 8) {
    case 0:
        fake_net_receive(&card, "frame", take(1) % 6);
        break;
    case 1:
        if (fake_net_available(&card, queue))
            fake_net_use(&card, queue, fake_net_take(&card, queue), take(2));
        break;
    case 2:
        fake_net_use(&card, queue, take(1), take(2));
        break;
    case 3:
        fake_net_use(&card, queue, take(4), take(4));
        break;
    case 4:
        fake_net_set_used(&card, queue, (uint16_t)(q->used + take(1) % 64));
        break;
    case 5:
        fake_net_set_used(&card, queue, (uint16_t)take(2));
        break;
    case 6: /* anywhere in the used ring */
        ((uint8_t *)(uintptr_t)q->device)[take(2) % (6 + 8 * 256)] =
            (uint8_t)take(1);
        break;
    case 7:
        card.status |= (uint8_t)(take(1) & 64);
        card.config[6 + take(1) % 6] = (uint8_t)take(1);
        fake_net_config_changed(&card);
        break;
    }
}

static void driver_acts(void)
{
    static const uint8_t frame[2048];

    switch (take(1) % 8) {
    case 0:
    case 1:
        receive();
        break;
    case 2:
        give_back(true);
        break;
    case 3:
        give_back(false);
        break;
    case 4:
        dev.driver->send(&dev, frame, take(2) % 1600);
        break;
    case 5:
        dev.driver->kick(&dev);
        break;
    case 6:
        dev.driver->rx_mask(&dev, take(1) & 1);
        break;
    case 7:
        fake_deliver_interrupts(++now);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct acpi acpi = {.ecam_count = 1,
                               .ecam = {{.base = FAKE_PCI_ECAM}}};
    static struct pci pci;

    input = data;
    left = len;
    lent_count = 0;
    now = 1;
    fake_net_reset(&card);
    if (take(1) & 1)
        card.offered &= ~(1ull << 29);
    fake_net_plug(&card);
    memset(&dev, 0, sizeof(dev));
    dev.on_irq = on_irq;
    pci_init(&pci, &acpi, NULL, 0);
    check(netdev_attach(&dev, &pci));

    while (left > 0) {
        if (take(1) & 1)
            device_acts();
        else
            driver_acts();
        check(!dev.failed || !dev.link_up);
    }
    fake_reset();
    return 0;
}
