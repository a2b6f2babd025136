/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the virtio entropy device, honest and not. */
/* links: drivers/virtio_rng drivers/virtio_pci drivers/virtq */
/* links: drivers/pci tests/fake/virtio_net tests/fake/pci tests/fake/machine */
#include "drivers/virtio_rng.h"
#include "tests/check.h"
#include "tests/fake/virtio_net.h"

static struct fake_net card;
static struct virtio_rng rng;
static struct pci pci;
static struct acpi acpi;
static uint8_t bytes[VIRTIO_RNG_BYTES];

static int start(void **state)
{
    (void)state;
    fake_net_reset(&card);
    fake_pci_header(&card.pci, 0x1af4, 0x1044, 0xff);
    card.offered = 1ull << 32 | 1ull << 29;
    memset(&acpi, 0, sizeof(acpi));
    acpi.ecam_count = 1;
    acpi.ecam[0].base = FAKE_PCI_ECAM;
    return 0;
}

static bool attach(void)
{
    pci_init(&pci, &acpi, NULL, 0);
    return virtio_rng_attach(&rng, &pci);
}

static void give(uint32_t id, uint32_t len)
{
    uint32_t room;
    uint8_t *to = fake_net_buffer(&card, 0, fake_net_take(&card, 0), &room);

    CHECK_EQ(room, VIRTIO_RNG_BYTES);
    for (uint32_t i = 0; i < room; i++)
        to[i] = (uint8_t)(i + 1);
    fake_net_use(&card, 0, id, len);
}

static void test_bytes_come_when_asked_for(void **state)
{
    (void)state;
    fake_net_plug(&card);
    CHECK(attach());
    CHECK_EQ(virtio_rng_take(&rng, bytes), 0);
    CHECK_EQ(fake_net_available(&card, 0), 0);
    for (unsigned i = 0; i < 5; i++) {
        virtio_rng_ask(&rng);
        virtio_rng_ask(&rng);
        CHECK_EQ(fake_net_available(&card, 0), 1);
        CHECK_EQ(virtio_rng_take(&rng, bytes), 0);
        memset(bytes, 0, sizeof(bytes));
        give(0, 60);
        CHECK_EQ(virtio_rng_take(&rng, bytes), 60);
        CHECK_EQ(bytes[59], 60);
        CHECK_EQ(bytes[60], 0);
        CHECK_EQ(virtio_rng_take(&rng, bytes), 0);
    }
}

static void test_absent_device_is_no_trouble(void **state)
{
    (void)state;
    CHECK(!attach());
    CHECK(!rng.failed);
    virtio_rng_ask(&rng);
    CHECK_EQ(virtio_rng_take(&rng, bytes), 0);
}

static void test_impossible_device_is_not_driven(void **state)
{
    for (unsigned i = 0; i < 3; i++) {
        start(state);
        card.offered = i == 0 ? 0 : card.offered;
        card.stays_reset = i == 1;
        if (i == 2)
            card.queue[0].size = 1;
        fake_net_plug(&card);
        CHECK(!attach());
        CHECK(rng.failed != NULL);
        virtio_rng_ask(&rng);
        CHECK_EQ(virtio_rng_take(&rng, bytes), 0);
    }
}

/* A device that lies gives nothing more. */
static void test_lies_cost_the_device(void **state)
{
    for (unsigned i = 0; i < 3; i++) {
        start(state);
        fake_net_plug(&card);
        CHECK(attach());
        virtio_rng_ask(&rng);
        if (i == 0)
            give(0, VIRTIO_RNG_BYTES + 1);
        else if (i == 1)
            give(1, 8);
        else
            fake_net_set_used(&card, 0, 9);
        CHECK_EQ(virtio_rng_take(&rng, bytes), 0);
        CHECK(rng.failed != NULL);
        CHECK_EQ(card.status, 0);
        virtio_rng_ask(&rng);
        CHECK_EQ(virtio_rng_take(&rng, bytes), 0);
    }
}

/* What it has not written is zeros, which the health tests know. */
static void test_unwritten_bytes_are_zeros(void **state)
{
    static const uint8_t zeros[VIRTIO_RNG_BYTES];

    (void)state;
    fake_net_plug(&card);
    CHECK(attach());
    virtio_rng_ask(&rng);
    give(0, VIRTIO_RNG_BYTES);
    CHECK_EQ(virtio_rng_take(&rng, bytes), VIRTIO_RNG_BYTES);
    virtio_rng_ask(&rng);
    fake_net_take(&card, 0);
    fake_net_use(&card, 0, 0, VIRTIO_RNG_BYTES);
    CHECK_EQ(virtio_rng_take(&rng, bytes), VIRTIO_RNG_BYTES);
    CHECK_BYTES(bytes, zeros, sizeof(zeros));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
    const struct CMUnitTest tests[] = {
        TEST(bytes_come_when_asked_for),
        TEST(absent_device_is_no_trouble),
        TEST(impossible_device_is_not_driven),
        TEST(lies_cost_the_device),
        TEST(unwritten_bytes_are_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
