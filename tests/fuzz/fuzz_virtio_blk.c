/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio disk that does and says anything, operation by operation. */
/* links: drivers/blk drivers/virtio_blk drivers/virtio_pci drivers/virtq */
/* links: drivers/pci tests/fake/virtio_net tests/fake/pci tests/fake/machine */
#include "drivers/blk.h"
#include "drivers/pci.h"
#include "tests/fake/virtio_net.h"

#include <stdlib.h>
#include <string.h>

static struct fake_net card;
static uint8_t buffer[BLK_BYTES_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What the disk does next: well, badly, or not at all. */
static void answer(uint8_t what)
{
    switch (what % 6) {
    case 0:
        break;
    case 1:
        fake_net_use(&card, 0, what / 6, what);
        break;
    case 2:
        fake_net_set_used(&card, 0, what / 6);
        break;
    case 3:
        if (card.status != 0)
            card.status |= what & 64;
        break;
    default:
        if (fake_net_available(&card, 0)) {
            const uint8_t *d = (const uint8_t *)(uintptr_t)card.queue[0].desc;
            uint16_t id = fake_net_take(&card, 0);
            uint64_t status;

            memcpy(&status, d + (id + 2u) * 16, 8);
            if (what & 1)
                *(uint8_t *)(uintptr_t)status = what / 6 % 3;
            fake_net_use(&card, 0, id, what);
        }
        break;
    }
}

static void ask(struct blk *disk, uint8_t what)
{
    struct blk_request request = {
        .op = what % 4,
        .offset = (uint64_t)(what / 4 % 8) * 4096,
        .len = (size_t)(what / 32 + 1) * 4096,
        .from = buffer,
        .to = buffer,
    };

    if (what == 0xff)
        blk_last_words(disk, 4096, buffer, fake.counter + 1000);
    else
        blk_start(disk, &request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct acpi acpi;
    static struct pci pci;
    struct blk disk;
    unsigned at = 0;

    if (len < 2)
        return 0;
    fake_net_reset(&card);
    fake.counter_step = 1;
    fake_pci_header(&card.pci, 0x1af4, 0x1042, 1);
    card.offered = 1ull << 32 | (uint64_t)(data[0] & 0x62) | (data[0] & 1) << 9;
    memset(card.config, 0, sizeof(card.config));
    card.config[0] = data[1];
    card.config[9] = 32;  /* segments of 8192 bytes */
    card.config[21] = 16; /* sectors of 4096 */
    memset(&acpi, 0, sizeof(acpi));
    acpi.ecam_count = 1;
    acpi.ecam[0].base = FAKE_PCI_ECAM;
    fake_net_plug(&card);
    pci_init(&pci, &acpi, NULL, 0);
    if (!blk_attach_next(&disk, &pci, &at))
        abort();
    for (size_t i = 2; i + 1 < len; i += 2) {
        ask(&disk, data[i]);
        answer(data[i + 1]);
        if (blk_poll(&disk) != BLK_IDLE && disk.failed)
            abort();
    }
    if (disk.failed && card.status != 0)
        abort();
    return 0;
}
