/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the virtio network card, honest and not. */
/* links: drivers/netdev drivers/virtio_net drivers/virtio_pci drivers/virtq */
/* links: drivers/pci tests/fake/virtio_net tests/fake/pci tests/fake/machine */
#include "drivers/netdev.h"
#include "drivers/pci.h"
#include "tests/check.h"
#include "tests/fake/virtio_net.h"

#define QUEUE_VECTOR  FAKE_VECTOR
#define CONFIG_VECTOR (FAKE_VECTOR + 1)
#define RX_BUFS       192
#define BUFS          256
#define NEAR          100 /* ticks */

static struct fake_net card;
static struct netdev dev;
static struct pci pci;
static struct acpi acpi;
static unsigned irqs;
static uint8_t frame[2048];

static void on_irq(void *arg, struct netdev *d, uint64_t entry_ticks)
{
    (void)arg;
    CHECK(d == &dev);
    CHECK_EQ(entry_ticks, 77);
    irqs++;
}

static int start(void **state)
{
    (void)state;
    fake_net_reset(&card);
    memset(&acpi, 0, sizeof(acpi));
    acpi.ecam_count = 1;
    acpi.ecam[0].base = FAKE_PCI_ECAM;
    irqs = 0;
    for (size_t i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)(i * 7);
    return 0;
}

static bool attach(void)
{
    memset(&dev, 0, sizeof(dev));
    dev.on_irq = on_irq;
    dev.near_ticks = NEAR;
    pci_init(&pci, &acpi, NULL, 0);
    return netdev_attach(&dev, &pci);
}

static void plug_and_attach(void)
{
    fake_net_plug(&card);
    CHECK(attach());
}

static bool rx(struct netdev_frame *f, uint64_t now)
{
    return dev.driver->rx(&dev, f, now);
}

/* No frame, and the card is armed. */
static void check_no_frame(uint64_t now)
{
    struct netdev_frame f;

    CHECK(!rx(&f, now));
    CHECK(!dev.failed);
}

/* The device was given up, for a reason that has these words. */
static void check_failed(const char *words)
{
    CHECK(dev.failed != NULL);
    if (!strstr(dev.failed, words))
        fail_msg("\"%s\" does not say \"%s\"", dev.failed, words);
    CHECK(!dev.link_up);
    CHECK_EQ(card.status, 0);
}

static void test_attach_follows_the_numbered_steps(void **state)
{
    static const uint8_t steps[] = {0, 1, 3, 11, 15};

    (void)state;
    plug_and_attach();
    CHECK_EQ(card.status_count, sizeof(steps));
    CHECK_BYTES(card.statuses, steps, sizeof(steps));
    CHECK_BYTES(dev.mac, "\x52\x54\x00\x12\x34\x56", 6);
    CHECK_EQ(dev.mtu, 1500);
    CHECK(dev.link_up);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_TX), 0);
    CHECK_EQ(card.queue[0].doorbells, 1);
    CHECK_EQ(card.queue[0].enabled, 1);
    CHECK_EQ(card.queue[1].enabled, 1);

    /* VERSION_1, EVENT_IDX, STATUS, MAC; offered, but not agreed to: checksum
     * offload, mergeable buffers and all the rest. */
    CHECK_EQ(card.accepted, 1ull << 32 | 1ull << 29 | 1ull << 16 | 1ull << 5);
    CHECK_EQ(fake_config_read(&card.pci, PCI_COMMAND) & 0x406, 0x406);
}

static void test_transitional_cards_are_driven_as_modern_ones(void **state)
{
    (void)state;
    fake_pci_header(&card.pci, 0x1af4, 0x1000, 2);
    fake_config16(&card.pci, PCI_SUBSYSTEM, 1);
    plug_and_attach();
    CHECK_EQ(card.accepted >> 32, 1);
}

static void test_other_cards_are_named(void **state)
{
    (void)state;
    fake_pci_header(&card.pci, 0x8086, 0x100e, 2);
    fake_net_plug(&card);
    CHECK(!attach());
    CHECK(dev.failed != NULL);
    CHECK(strstr(fake.log, "8086:100e"));

    fake_net_reset(&card); /* a transitional disk */
    fake_pci_header(&card.pci, 0x1af4, 0x1001, 1);
    fake_config16(&card.pci, PCI_SUBSYSTEM, 2);
    fake_net_plug(&card);
    CHECK(!attach());
}

static void test_legacy_cards_are_refused_clearly(void **state)
{
    (void)state;
    fake_pci_header(&card.pci, 0x1af4, 0x1000, 2);
    fake_config16(&card.pci, PCI_SUBSYSTEM, 1);
    fake_config16(&card.pci, PCI_STATUS, 0);
    fake_net_plug(&card);
    CHECK(!attach());
    CHECK(strstr(dev.failed, "legacy"));
}

static void test_attach_says_why_it_failed(void **state)
{
    (void)state;
    for (unsigned i = 0;; i++) {
        const char *words = NULL;

        start(NULL);
        switch (i) {
        case 0:
            card.stays_reset = true;
            words = "reset";
            break;
        case 1:
            card.offered &= ~(1ull << 32);
            words = "feature";
            break;
        case 2:
            card.refuses_features = true;
            words = "agree";
            break;
        case 3:
            card.queue[0].size = 0;
            words = "short";
            break;
        case 4:
            card.queue[1].size = 4;
            words = "short";
            break;
        case 5:
            card.no_vectors = true;
            words = "interrupt";
            break;
        case 6:
            card.notify_offset = 0x1000;
            words = "doorbell";
            break;
        case 7:
            card.config[0] = 1;
            words = "group";
            break;
        case 8:
            card.generation_step = 1;
            words = "address";
            break;
        case 9:
            card.offered |= 1 << 3;
            card.config[10] = 0xff;
            card.config[11] = 4; /* 1279 */
            words = "MTU";
            break;
        case 10:
            /* The common structure does not fit into its BAR. */
            fake_config32(&card.pci, 0x74 + 8, 0x3fe0);
            words = "common";
            break;
        case 11:
            card.pci.config[0x64 + 4] = 7; /* notifications in no BAR */
            words = "notification";
            break;
        case 12:
            card.pci.config[0x84] = 0x42; /* no MSI-X */
            words = "MSI-X";
            break;
        case 13:
            card.notify_offset = 0x400; /* just past the structure */
            words = "doorbell";
            break;
        default:
            return;
        }
        fake_net_plug(&card);
        CHECK(!attach());
        CHECK(dev.failed != NULL);
        if (!strstr(dev.failed, words))
            fail_msg("%u: \"%s\" does not say \"%s\"", i, dev.failed, words);
        CHECK(!dev.link_up);
        CHECK(!(card.status & 4)); /* never live */
    }
}

static void test_smaller_queues_make_fewer_buffers(void **state)
{
    (void)state;
    card.queue[0].size = 128;
    card.queue[1].size = 100; /* not even a power of two */
    plug_and_attach();
    CHECK_EQ(card.queue[0].size, 64);
    CHECK_EQ(card.queue[1].size, 64);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), 48);
}

static void test_without_a_mac_there_is_a_random_local_one(void **state)
{
    (void)state;
    card.offered &= ~(1ull << 5);
    plug_and_attach();
    CHECK_EQ(dev.mac[0] & 3, 2);
    CHECK_EQ(dev.mac[5], 0xff);
}

static void test_mtu_is_the_smaller_of_both(void **state)
{
    (void)state;
    card.offered |= 1 << 3;
    card.config[10] = 0x78;
    card.config[11] = 5; /* 1400 */
    plug_and_attach();
    CHECK_EQ(dev.mtu, 1400);

    start(NULL);
    card.offered |= 1 << 3;
    card.config[11] = 0x23; /* 8960 */
    plug_and_attach();
    CHECK_EQ(dev.mtu, 1500);
}

static void test_frames_come_in_as_they_were_sent(void **state)
{
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    check_no_frame(1);
    CHECK(fake_net_receive(&card, frame, 60));
    CHECK(fake_net_receive(&card, frame + 1, NETDEV_FRAME_MAX));
    CHECK(rx(&f, 2));
    CHECK_EQ(f.len, 60);
    CHECK_BYTES(f.data, frame, 60);
    CHECK(!f.checksum_ok);
    struct netdev_frame g;
    CHECK(rx(&g, 2));
    CHECK_EQ(g.len, NETDEV_FRAME_MAX);
    CHECK_BYTES(g.data, frame + 1, NETDEV_FRAME_MAX);
    CHECK(f.data != g.data);
    check_no_frame(2);
    CHECK_EQ(dev.count.rx, 2);
}

static void
test_first_look_has_the_stamp_of_entry_and_later_ones_their_own(void **state)
{
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    fake.counter = 550;
    fake.counter_step = 10;
    fake_net_receive(&card, frame, 60);
    fake_net_receive(&card, frame, 60);
    CHECK(rx(&f, 500));
    CHECK_EQ(f.rx_ticks, 500);
    fake_net_receive(&card, frame, 60); /* not there at the first look */
    CHECK(rx(&f, 500));
    CHECK_EQ(f.rx_ticks, 500);
    CHECK(rx(&f, 500));
    CHECK_EQ(f.rx_ticks, 560);

    /* What was seen in one interrupt and taken in the next keeps its stamp. */
    fake_net_receive(&card, frame, 60);
    fake_net_receive(&card, frame, 60);
    fake.counter = 2000;
    CHECK(rx(&f, 2000));
    CHECK(rx(&f, 3000));
    CHECK_EQ(f.rx_ticks, 2000);
}

/* Whether the processor was away since entry or had much to do. */
static void test_late_first_look_does_not_have_the_stamp_of_entry(void **state)
{
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    fake.counter = 300 + NEAR;
    fake_net_receive(&card, frame, 60);
    CHECK(rx(&f, 300));
    CHECK_EQ(f.rx_ticks, 300);
    fake.counter = 500 + NEAR + 1;
    fake_net_receive(&card, frame, 60);
    CHECK(rx(&f, 500));
    CHECK_EQ(f.rx_ticks, 500 + NEAR + 1);

    fake_net_receive(&card, frame, 60);
    fake_net_receive(&card, frame, 60);
    fake.counter = 2000;
    CHECK(rx(&f, 2000));
    CHECK(rx(&f, 3000)); /* one that was left over, so no look at all */
    fake.counter = 4000;
    fake_net_receive(&card, frame, 60);
    CHECK(rx(&f, 3000));
    CHECK_EQ(f.rx_ticks, 4000);
}

static struct check_random pauses;

/* The processor is away, mostly not for long; meanwhile frames come, and each
 * brings the counter when it did. */
static void pause_at_random(void)
{
    fake.counter += check_random_below(&pauses, 8)
                        ? check_random_below(&pauses, NEAR)
                        : check_random_below(&pauses, 100 * NEAR);
    if (check_random_below(&pauses, 2))
        fake_net_receive(&card, &fake.counter, sizeof(fake.counter));
}

static void test_no_stamp_is_much_earlier_than_its_frame(void **state)
{
    struct netdev_frame f;
    unsigned entries = 0, frames = 0;
    uint64_t came;

    (void)state;
    pauses = check_random_start();
    plug_and_attach();
    fake.counter_step = 1;
    fake.on_counter = pause_at_random;
    for (unsigned i = 0; i < 20000; i++) {
        pause_at_random();
        uint64_t entry = fake.counter;

        pause_at_random();
        for (uint64_t n = check_random_below(&pauses, 32); n > 0; n--) {
            if (!rx(&f, entry))
                break;
            memcpy(&came, f.data, sizeof(came));
            CHECK(f.rx_ticks + NEAR >= came);
            CHECK(f.rx_ticks <= fake.counter);
            entries += f.rx_ticks == entry;
            frames++;
            dev.driver->drop(&dev, &f);
        }
        dev.driver->kick(&dev);
    }
    CHECK(frames > 10000);
    CHECK(entries > 1000);
}

static void test_lent_frame_is_answered_in_its_buffer(void **state)
{
    struct netdev_frame f;
    uint8_t sent[2048];
    uint32_t len;

    (void)state;
    plug_and_attach();
    fake_net_receive(&card, frame, 90);
    CHECK(rx(&f, 1));
    memset(f.data, 0x55, 90);
    CHECK(dev.driver->tx(&dev, &f, 76));
    CHECK(!fake_net_sent(&card, sent, &len)); /* not before the kick */
    CHECK_EQ(card.queue[1].doorbells, 0);
    dev.driver->kick(&dev);
    CHECK_EQ(card.queue[1].doorbells, 1);
    CHECK(fake_net_sent(&card, sent, &len));
    CHECK_EQ(len, 76);
    CHECK_EQ(sent[75], 0x55);

    /* Sent, it receives again. */
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS - 1);
    dev.driver->kick(&dev);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS);
    CHECK_EQ(dev.count.tx, 1);
}

static void test_dropped_frames_receive_again(void **state)
{
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    for (unsigned i = 0; i < 3000; i++) {
        CHECK(fake_net_receive(&card, frame, 60));
        CHECK(rx(&f, i));
        dev.driver->drop(&dev, &f);
        dev.driver->kick(&dev);
    }
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS);
}

static void test_background_has_buffers_of_its_own(void **state)
{
    struct netdev_frame f;
    uint8_t sent[2048];
    uint32_t len;
    unsigned count = 0;

    (void)state;
    plug_and_attach();
    while (dev.driver->send(&dev, frame, 100))
        count++;
    CHECK_EQ(count, BUFS - RX_BUFS);
    CHECK_EQ(dev.count.tx_full, 1);

    /* With all of them waiting, requests are still answered. */
    for (unsigned i = 0; i < RX_BUFS; i++) {
        CHECK(fake_net_receive(&card, frame, 60));
        CHECK(rx(&f, 1));
        CHECK(dev.driver->tx(&dev, &f, 60));
    }
    CHECK(!fake_net_receive(&card, frame, 60));
    dev.driver->kick(&dev);
    for (unsigned i = 0; i < BUFS; i++) {
        CHECK(fake_net_sent(&card, sent, &len));
        CHECK_EQ(len, i < BUFS - RX_BUFS ? 100 : 60);
    }
    CHECK(!fake_net_sent(&card, sent, &len));
    CHECK(dev.driver->send(&dev, frame, 100));
    dev.driver->kick(&dev);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS);
}

static void test_too_long_a_frame_is_not_sent(void **state)
{
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    CHECK(!dev.driver->send(&dev, frame, NETDEV_FRAME_MAX + 1));
    fake_net_receive(&card, frame, 60);
    CHECK(rx(&f, 1));
    CHECK(!dev.driver->tx(&dev, &f, NETDEV_FRAME_MAX + 1));
    CHECK(dev.driver->tx(&dev, &f, NETDEV_FRAME_MAX));
}

/* One interrupt for a batch; a new one only after rx() said that it is empty.
 */
static void test_interrupts_come_once_for_a_batch(void **state)
{
    struct netdev_frame f;

    (void)state;
    for (unsigned event_index = 0; event_index < 2; event_index++) {
        start(NULL);
        if (!event_index)
            card.offered &= ~(1ull << 29);
        plug_and_attach();
        fake_net_receive(&card, frame, 60);
        CHECK_EQ(fake_interrupts(QUEUE_VECTOR), 1);
        fake_deliver_interrupts(77);
        CHECK_EQ(irqs, 1);
        if (event_index) {
            fake_net_receive(&card, frame, 60);
            CHECK_EQ(fake_interrupts(QUEUE_VECTOR), 1);
        }
        while (rx(&f, 77))
            dev.driver->drop(&dev, &f);
        dev.driver->kick(&dev);
        unsigned before = fake_interrupts(QUEUE_VECTOR);
        fake_net_receive(&card, frame, 60);
        CHECK_EQ(fake_interrupts(QUEUE_VECTOR), before + 1);
    }
}

static void test_masked_card_does_not_interrupt(void **state)
{
    struct netdev_frame f;

    (void)state;
    for (unsigned event_index = 0; event_index < 2; event_index++) {
        start(NULL);
        if (!event_index)
            card.offered &= ~(1ull << 29);
        plug_and_attach();
        dev.driver->rx_mask(&dev, true);
        for (unsigned i = 0; i < 10; i++)
            fake_net_receive(&card, frame, 60);
        while (rx(&f, 1))
            dev.driver->drop(&dev, &f);
        dev.driver->kick(&dev);
        fake_net_receive(&card, frame, 60);
        CHECK_EQ(fake_interrupts(QUEUE_VECTOR), 0);

        dev.driver->rx_mask(&dev, false);
        CHECK(rx(&f, 2));
        CHECK(!rx(&f, 2));
        fake_net_receive(&card, frame, 60);
        CHECK_EQ(fake_interrupts(QUEUE_VECTOR), 1);
    }
}

static void test_sending_does_not_interrupt(void **state)
{
    struct netdev_frame f;
    uint8_t sent[2048];
    uint32_t len;

    (void)state;
    plug_and_attach();
    dev.driver->rx_mask(&dev, true);
    for (unsigned i = 0; i < 1000; i++) {
        fake_net_receive(&card, frame, 60);
        CHECK(rx(&f, i));
        CHECK(dev.driver->tx(&dev, &f, 60));
        CHECK(dev.driver->send(&dev, frame, 60));
        dev.driver->kick(&dev);
        CHECK(fake_net_sent(&card, sent, &len));
        CHECK(fake_net_sent(&card, sent, &len));
    }
    CHECK_EQ(fake_interrupts(QUEUE_VECTOR), 0);
}

/* With all receive buffers waiting to be sent, nothing can come in to make us
 * look; so then the card does interrupt for what it has sent. */
static void test_reception_comes_back_after_all_buffers_were_sent(void **state)
{
    struct netdev_frame f;
    uint8_t sent[2048];
    uint32_t len;

    (void)state;
    for (unsigned event_index = 0; event_index < 2; event_index++) {
        start(NULL);
        if (!event_index)
            card.offered &= ~(1ull << 29);
        plug_and_attach();
        while (fake_net_receive(&card, frame, 60)) {
            CHECK(rx(&f, 1));
            CHECK(dev.driver->tx(&dev, &f, 60));
        }
        CHECK(!rx(&f, 1));
        dev.driver->kick(&dev);
        CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), 0);
        unsigned before = fake_interrupts(QUEUE_VECTOR);
        while (fake_net_sent(&card, sent, &len))
            continue;
        CHECK(fake_interrupts(QUEUE_VECTOR) > before);
        dev.driver->kick(&dev);
        CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS);
    }
}

static void test_doorbells_are_rung_when_they_are_wanted(void **state)
{
    uint8_t sent[2048];
    uint32_t len;

    (void)state;
    plug_and_attach();
    CHECK(dev.driver->send(&dev, frame, 60));
    dev.driver->kick(&dev);
    CHECK_EQ(card.queue[1].doorbells, 1);

    /* It has not looked yet: one is enough. */
    CHECK(dev.driver->send(&dev, frame, 60));
    dev.driver->kick(&dev);
    dev.driver->kick(&dev);
    CHECK_EQ(card.queue[1].doorbells, 1);
    CHECK(fake_net_sent(&card, sent, &len));
    CHECK(fake_net_sent(&card, sent, &len));
    CHECK(dev.driver->send(&dev, frame, 60));
    dev.driver->kick(&dev);
    CHECK_EQ(card.queue[1].doorbells, 2);
}

static void test_link_follows_the_status(void **state)
{
    (void)state;
    plug_and_attach();
    card.config[6] = 0;
    fake_net_config_changed(&card);
    CHECK_EQ(fake_interrupts(CONFIG_VECTOR), 1);
    CHECK_EQ(fake_interrupts(QUEUE_VECTOR), 0);
    fake_deliver_interrupts(77);
    CHECK(!dev.link_up);
    CHECK(!dev.failed);
    card.config[6] = 1;
    fake_net_config_changed(&card);
    fake_deliver_interrupts(77);
    CHECK(dev.link_up);
    CHECK_EQ(irqs, 0);
}

static void test_device_that_needs_a_reset_is_given_up(void **state)
{
    (void)state;
    plug_and_attach();
    card.status |= 64;
    fake_net_config_changed(&card);
    fake_deliver_interrupts(77);
    check_failed("cannot go on");
}

static void test_impossible_lengths_are_counted_and_dropped(void **state)
{
    static const uint32_t bad[] = {0, FAKE_NET_HEADER,
                                   FAKE_NET_HEADER + NETDEV_FRAME_MAX + 1,
                                   0x10000, UINT32_MAX};
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        fake_net_use(&card, FAKE_NET_RX, fake_net_take(&card, FAKE_NET_RX),
                     bad[i]);
    fake_net_receive(&card, frame, 1);
    CHECK(rx(&f, 1));
    CHECK_EQ(f.len, 1);
    dev.driver->drop(&dev, &f);
    check_no_frame(1);
    CHECK_EQ(dev.count.rx_bad, sizeof(bad) / sizeof(bad[0]));
    dev.driver->kick(&dev);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS);
}

static void test_buffers_that_the_device_does_not_have_end_it(void **state)
{
    static const uint32_t ids[] = {RX_BUFS, BUFS, 65536, UINT32_MAX};
    struct netdev_frame f;

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        start(NULL);
        plug_and_attach();
        fake_net_use(&card, FAKE_NET_RX, ids[i], 100);
        CHECK(!rx(&f, 1));
        check_failed("received");
        CHECK(strstr(fake.log, "received"));
    }
}

static void test_a_buffer_used_twice_ends_it(void **state)
{
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    uint16_t id = fake_net_take(&card, FAKE_NET_RX);
    fake_net_use(&card, FAKE_NET_RX, id, 100);
    fake_net_use(&card, FAKE_NET_RX, id, 100);
    CHECK(rx(&f, 1));
    CHECK(!rx(&f, 1));
    check_failed("received");

    start(NULL);
    plug_and_attach();
    CHECK(dev.driver->send(&dev, frame, 60));
    CHECK(dev.driver->send(&dev, frame, 60));
    dev.driver->kick(&dev);
    id = fake_net_take(&card, FAKE_NET_TX);
    fake_net_use(&card, FAKE_NET_TX, id, 0);
    fake_net_use(&card, FAKE_NET_TX, id, 0);
    CHECK(!dev.driver->send(&dev, frame, 60));
    check_failed("sent");
}

static void test_used_index_that_leaps_ends_it(void **state)
{
    static const uint16_t leaps[] = {RX_BUFS + 1, 0x7fff, 0xffff};
    struct netdev_frame f;

    (void)state;
    for (size_t i = 0; i < sizeof(leaps) / sizeof(leaps[0]); i++) {
        start(NULL);
        plug_and_attach();
        fake_net_set_used(&card, FAKE_NET_RX, leaps[i]);
        CHECK(!rx(&f, 1));
        check_failed("used index");

        start(NULL);
        plug_and_attach();
        fake_net_set_used(&card, FAKE_NET_TX, leaps[i]);
        dev.driver->kick(&dev);
        check_failed("used index");
    }
}

static void test_used_index_that_goes_back_ends_it(void **state)
{
    struct netdev_frame f;

    (void)state;
    plug_and_attach();
    for (unsigned i = 0; i < 4; i++)
        fake_net_receive(&card, frame, 60);
    for (unsigned i = 0; i < 4; i++)
        CHECK(rx(&f, 1));
    fake_net_set_used(&card, FAKE_NET_RX, 3);
    CHECK(!rx(&f, 1));
    check_failed("used index");
}

static void test_a_card_given_up_is_left_alone(void **state)
{
    struct netdev_frame f, lent;

    (void)state;
    plug_and_attach();
    fake_net_receive(&card, frame, 60);
    CHECK(rx(&lent, 1));
    fake_net_set_used(&card, FAKE_NET_RX, 0x8000);
    CHECK(!rx(&f, 1));
    uint64_t accesses = fake.mmio_accesses;
    unsigned available = fake_net_available(&card, FAKE_NET_RX);
    CHECK(!rx(&f, 1));
    CHECK(!dev.driver->tx(&dev, &lent, 60));
    dev.driver->drop(&dev, &lent);
    CHECK(!dev.driver->send(&dev, frame, 60));
    dev.driver->kick(&dev);
    dev.driver->irq(&dev);
    CHECK_EQ(fake.mmio_accesses, accesses);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), available);
}

/* Random traffic in and out: nothing is lost, and no buffer is. */
static void test_random_traffic_keeps_every_buffer(void **state)
{
    struct check_random random = check_random_start();
    struct netdev_frame f;
    uint8_t sent[2048];
    uint32_t len;
    unsigned in = 0, out = 0, dropped = 0, sends = 0;

    (void)state;
    plug_and_attach();
    for (unsigned i = 0; i < 100000; i++) {
        switch (check_random_below(&random, 6)) {
        case 0:
        case 1:
            in += fake_net_receive(&card, frame, 60);
            break;
        case 2:
            if (rx(&f, i) && check_random_below(&random, 2)) {
                CHECK(dev.driver->tx(&dev, &f, f.len));
            } else if (dev.count.rx > dropped + (dev.count.tx - sends)) {
                dev.driver->drop(&dev, &f);
                dropped++;
            }
            break;
        case 3:
            sends += dev.driver->send(&dev, frame, 70);
            break;
        case 4:
            dev.driver->kick(&dev);
            break;
        case 5:
            out += fake_net_sent(&card, sent, &len);
            break;
        }
    }
    while (rx(&f, 1)) {
        dev.driver->drop(&dev, &f);
        dropped++;
    }
    dev.driver->kick(&dev);
    while (fake_net_sent(&card, sent, &len))
        out++;
    dev.driver->kick(&dev);
    CHECK(!dev.failed);
    CHECK_EQ(dev.count.rx, in);
    CHECK_EQ(dev.count.tx, out);
    CHECK_EQ(in - dropped + sends, out);
    CHECK_EQ(fake_net_available(&card, FAKE_NET_RX), RX_BUFS);
    for (unsigned i = 0; i < BUFS - RX_BUFS; i++)
        CHECK(dev.driver->send(&dev, frame, 60));
    CHECK(!dev.driver->send(&dev, frame, 60));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        T(test_attach_follows_the_numbered_steps),
        T(test_transitional_cards_are_driven_as_modern_ones),
        T(test_other_cards_are_named),
        T(test_legacy_cards_are_refused_clearly),
        T(test_attach_says_why_it_failed),
        T(test_smaller_queues_make_fewer_buffers),
        T(test_without_a_mac_there_is_a_random_local_one),
        T(test_mtu_is_the_smaller_of_both),
        T(test_frames_come_in_as_they_were_sent),
        T(test_first_look_has_the_stamp_of_entry_and_later_ones_their_own),
        T(test_late_first_look_does_not_have_the_stamp_of_entry),
        T(test_no_stamp_is_much_earlier_than_its_frame),
        T(test_lent_frame_is_answered_in_its_buffer),
        T(test_dropped_frames_receive_again),
        T(test_background_has_buffers_of_its_own),
        T(test_too_long_a_frame_is_not_sent),
        T(test_interrupts_come_once_for_a_batch),
        T(test_masked_card_does_not_interrupt),
        T(test_sending_does_not_interrupt),
        T(test_reception_comes_back_after_all_buffers_were_sent),
        T(test_doorbells_are_rung_when_they_are_wanted),
        T(test_link_follows_the_status),
        T(test_device_that_needs_a_reset_is_given_up),
        T(test_impossible_lengths_are_counted_and_dropped),
        T(test_buffers_that_the_device_does_not_have_end_it),
        T(test_a_buffer_used_twice_ends_it),
        T(test_used_index_that_leaps_ends_it),
        T(test_used_index_that_goes_back_ends_it),
        T(test_a_card_given_up_is_left_alone),
        T(test_random_traffic_keeps_every_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
