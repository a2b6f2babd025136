/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the virtio disk, honest and not. */
/* links: drivers/blk drivers/virtio_blk drivers/virtio_pci drivers/virtq */
/* links: drivers/pci tests/fake/virtio_net tests/fake/pci tests/fake/machine */
#include "drivers/blk.h"
#include "drivers/bytes.h"
#include "drivers/pci.h"
#include "tests/check.h"
#include "tests/fake/virtio_net.h"

#define F_SIZE_MAX (1ull << 1)
#define F_RO       (1ull << 5)
#define F_BLK_SIZE (1ull << 6)
#define F_FLUSH    (1ull << 9)
#define VERSION_1  (1ull << 32)
#define SECTORS    2048

/* A device of virtio, be it what it may; here it is a disk. */
static struct fake_net card;
static struct blk disk;
static struct pci pci;
static struct acpi acpi;
static unsigned at;
static uint8_t medium[SECTORS * 512];
static uint8_t bytes[BLK_BYTES_MAX], back[BLK_BYTES_MAX];
static unsigned flushes, requests;

static void put_le(uint8_t *to, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static int start(void **state)
{
    (void)state;
    fake_net_reset(&card);
    fake.counter_step = 1;
    fake_pci_header(&card.pci, 0x1af4, 0x1042, 1);
    card.offered = VERSION_1 | F_BLK_SIZE | F_FLUSH | 1ull << 2 | 1ull << 29;
    memset(card.config, 0, sizeof(card.config));
    put_le(card.config, SECTORS, 8);
    put_le(card.config + 20, 512, 4);
    memset(&acpi, 0, sizeof(acpi));
    acpi.ecam_count = 1;
    acpi.ecam[0].base = FAKE_PCI_ECAM;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    memset(medium, 0, sizeof(medium));
    memset(back, 0, sizeof(back));
    flushes = requests = 0;
    return 0;
}

static bool attach(void)
{
    at = 0;
    pci_init(&pci, &acpi, NULL, 0);
    return blk_attach_next(&disk, &pci, &at) && !disk.failed;
}

static void plug_and_attach(void)
{
    fake_net_plug(&card);
    CHECK(attach());
}

/* The device's side. */

struct part {
    uint8_t *data;
    uint32_t len;
    bool writable;
};

/* The chain from that descriptor on; returns how many parts. */
static unsigned chain(uint16_t id, struct part part[4])
{
    unsigned count = 0;

    for (;;) {
        const uint8_t *d =
            (const uint8_t *)(uintptr_t)card.queue[0].desc + 16u * id;
        uint16_t flags = le16(d + 12);

        CHECK(count < 4);
        part[count++] = (struct part){(uint8_t *)(uintptr_t)le64(d),
                                      le32(d + 8), flags & 2};
        if (!(flags & 1))
            return count;
        id = le16(d + 14);
    }
}

/* Do the next request as it should be done, but for its status. */
static uint16_t serve_with(uint8_t status)
{
    struct part part[4];
    uint16_t id = fake_net_take(&card, 0);
    unsigned count = chain(id, part);
    uint32_t len = 1;

    requests++;
    CHECK_EQ(part[0].len, 16);
    CHECK(!part[0].writable);
    CHECK_EQ(part[count - 1].len, 1);
    CHECK(part[count - 1].writable);
    uint64_t offset = le64(part[0].data + 8) * 512;
    switch (le32(part[0].data)) {
    case 0:
        CHECK(part[1].writable);
        CHECK(offset + part[1].len <= sizeof(medium));
        memcpy(part[1].data, medium + offset, part[1].len);
        len += part[1].len;
        break;
    case 1:
        CHECK(!part[1].writable);
        CHECK(offset + part[1].len <= sizeof(medium));
        memcpy(medium + offset, part[1].data, part[1].len);
        break;
    case 4:
        CHECK_EQ(count, 2);
        flushes++;
        break;
    case 8:
        CHECK_EQ(part[1].len, 20);
        memcpy(part[1].data, "a serial of 20 chars", 20);
        break;
    default:
        fail_msg("no such request");
    }
    *part[count - 1].data = status;
    fake_net_use(&card, 0, id, len);
    return id;
}

static enum blk_progress finish(void)
{
    for (unsigned i = 0; i < 100; i++) {
        enum blk_progress progress;

        while (fake_net_available(&card, 0))
            serve_with(0);
        progress = blk_poll(&disk);
        if (progress != BLK_BUSY)
            return progress;
    }
    return BLK_BUSY;
}

static bool write(uint64_t offset, size_t len)
{
    return blk_start(&disk, &(struct blk_request){.op = BLK_WRITE,
                                                  .offset = offset,
                                                  .len = len,
                                                  .from = bytes});
}

static bool read(uint64_t offset, size_t len)
{
    return blk_start(
        &disk, &(struct blk_request){
                   .op = BLK_READ, .offset = offset, .len = len, .to = back});
}

static bool flush(void)
{
    return blk_start(&disk, &(struct blk_request){.op = BLK_FLUSH});
}

/* What is written is read again, at its place, by both faces of the device. */
static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        start(state);
        if (i == 1) {
            fake_pci_header(&card.pci, 0x1af4, 0x1001, 1);
            fake_config16(&card.pci, 0x2e, 2);
        }
        plug_and_attach();
        CHECK_EQ(disk.bytes, sizeof(medium));
        CHECK_EQ(disk.sector, 512);
        CHECK(!disk.read_only);
        CHECK_EQ(blk_poll(&disk), BLK_IDLE);
        CHECK(write(8192, BLK_BYTES_MAX));
        CHECK_EQ(blk_poll(&disk), BLK_BUSY);
        CHECK_EQ(finish(), BLK_DONE);
        CHECK_EQ(blk_poll(&disk), BLK_IDLE);
        CHECK_BYTES(medium + 8192, bytes, BLK_BYTES_MAX);
        CHECK(read(8192, BLK_BYTES_MAX));
        CHECK_EQ(finish(), BLK_DONE);
        CHECK_BYTES(back, bytes, BLK_BYTES_MAX);
        CHECK(flush());
        CHECK_EQ(finish(), BLK_DONE);
        CHECK_EQ(flushes, 1);
    }
}

/* It is set up in the order of 3.1.1, and asks for no interrupt. */
static void test_set_up_without_interrupts(void **state)
{
    static const uint8_t order[] = {0, 1, 3, 11, 15};

    (void)state;
    card.pci.config[0x84] = 0x42; /* no MSI-X */
    plug_and_attach();
    CHECK_EQ(card.status_count, sizeof(order));
    CHECK_BYTES(card.statuses, order, sizeof(order));
    CHECK_EQ(card.queue[0].vector, 0xffff);
    CHECK_EQ(card.accepted, VERSION_1 | F_BLK_SIZE | F_FLUSH);
    CHECK(write(0, 4096));
    CHECK_EQ(finish(), BLK_DONE);
}

/* What was written is copied before blk_start() returns. */
static void test_written_bytes_are_copied(void **state)
{
    (void)state;
    plug_and_attach();
    CHECK(write(0, 4096));
    memset(bytes, 0xee, 4096);
    CHECK_EQ(finish(), BLK_DONE);
    CHECK_EQ(medium[1], 7);
}

/* A disk with short segments is written to in several requests. */
static void test_short_segments_are_honoured(void **state)
{
    (void)state;
    card.offered |= F_SIZE_MAX;
    put_le(card.config + 8, 10000, 4);
    plug_and_attach();
    CHECK(write(4096, 20480));
    CHECK_EQ(finish(), BLK_DONE);
    CHECK_EQ(requests, 3);
    CHECK_BYTES(medium + 4096, bytes, 20480);
    CHECK(read(4096, 20480));
    CHECK_EQ(finish(), BLK_DONE);
    CHECK_BYTES(back, bytes, 20480);
}

/* Without a cache there is nothing to flush. */
static void test_no_flush_without_a_cache(void **state)
{
    (void)state;
    card.offered &= ~F_FLUSH;
    plug_and_attach();
    CHECK(flush());
    CHECK_EQ(blk_poll(&disk), BLK_DONE);
    CHECK_EQ(fake_net_available(&card, 0), 0);
}

/* The name that the host gave it. */
static void test_serial_is_read(void **state)
{
    char serial[21] = "";

    (void)state;
    plug_and_attach();
    CHECK(blk_start(&disk,
                    &(struct blk_request){.op = BLK_IDENTIFY, .to = serial}));
    CHECK_EQ(finish(), BLK_DONE);
    CHECK_TEXT(serial, "a serial of 20 chars");
}

/* Nothing is asked for that is not there, or twice at a time. */
static void test_impossible_operations_are_refused(void **state)
{
    (void)state;
    plug_and_attach();
    CHECK(!write(sizeof(medium), 4096));
    CHECK(!write(sizeof(medium) - 4096, 8192));
    CHECK(!write(UINT64_MAX & -4096ll, 4096));
    CHECK(!write(512, 4096));
    CHECK(!write(0, 100));
    CHECK(!write(0, 0));
    CHECK(!write(0, BLK_BYTES_MAX + 4096));
    CHECK(!disk.failed);
    CHECK(write(sizeof(medium) - 4096, 4096));
    CHECK(!flush());
    CHECK_EQ(finish(), BLK_DONE);
}

static void test_read_only_disk_is_not_written(void **state)
{
    (void)state;
    card.offered |= F_RO;
    plug_and_attach();
    CHECK(disk.read_only);
    CHECK(!write(0, 4096));
    CHECK(!blk_last_words(&disk, 0, bytes, UINT64_MAX));
    CHECK(read(0, 4096));
    CHECK_EQ(finish(), BLK_DONE);
}

/* An error of the disk ends that operation, and no other. */
static void test_error_ends_one_operation(void **state)
{
    (void)state;
    plug_and_attach();
    for (unsigned status = 1; status < 256; status += 127) {
        memset(back, 0, sizeof(back));
        medium[0] = 7;
        CHECK(read(0, 4096));
        serve_with((uint8_t)status);
        CHECK_EQ(blk_poll(&disk), BLK_REFUSED);
        CHECK_EQ(back[0], 0);
        CHECK(read(0, 4096));
        CHECK_EQ(finish(), BLK_DONE);
        CHECK_EQ(back[0], 7);
    }
}

/* Configurations that no disk has. */
static void test_impossible_disks_are_not_driven(void **state)
{
    static const struct {
        uint64_t features;
        unsigned at;
        uint64_t value;
        unsigned len;
    } cases[] = {
        {F_BLK_SIZE, 20, 0, 4},        {F_BLK_SIZE, 20, 256, 4},
        {F_BLK_SIZE, 20, 1000, 4},     {F_BLK_SIZE, 20, 8192, 4},
        {F_BLK_SIZE, 20, 1u << 31, 4}, {F_SIZE_MAX, 8, 0, 4},
        {F_SIZE_MAX, 8, 4095, 4},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(state);
        card.offered |= cases[i].features;
        put_le(card.config + cases[i].at, cases[i].value, cases[i].len);
        fake_net_plug(&card);
        CHECK(!attach());
        CHECK(disk.failed != NULL);
        CHECK_EQ(card.status, 0);
        CHECK(!write(0, 4096));
    }
    for (unsigned i = 0; i < 4; i++) {
        start(state);
        card.offered &= i == 0 ? ~VERSION_1 : UINT64_MAX;
        card.refuses_features = i == 1;
        card.stays_reset = i == 2;
        if (i == 3)
            card.queue[0].size = 4;
        fake_net_plug(&card);
        CHECK(!attach());
        CHECK(disk.failed != NULL);
    }
}

/* A capacity past all counting is no larger than an offset can be. */
static void test_huge_capacity_is_held(void **state)
{
    (void)state;
    put_le(card.config, UINT64_MAX, 8);
    plug_and_attach();
    CHECK(disk.bytes <= INT64_MAX);
    CHECK_EQ(disk.bytes % 4096, 0);
}

/* A device that lies is given up, and reset. */
static void test_lies_cost_the_disk(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        start(state);
        plug_and_attach();
        CHECK(read(0, 4096));
        switch (i) {
        case 0: /* another request */
            fake_net_use(&card, 0, 3, 1);
            break;
        case 1: /* none that there could be */
            fake_net_use(&card, 0, UINT32_MAX, 1);
            break;
        case 2: /* more than it was given */
            fake_net_set_used(&card, 0, 2);
            break;
        case 3:
            card.status |= 64;
            break;
        }
        CHECK_EQ(blk_poll(&disk), BLK_IDLE);
        CHECK(disk.failed != NULL);
        CHECK_EQ(card.status, 0);
        CHECK(!read(0, 4096));
        CHECK_EQ(blk_poll(&disk), BLK_IDLE);
        CHECK(!blk_last_words(&disk, 0, bytes, UINT64_MAX));
    }
}

/* What a device says it has read, and has not, is zeros: nothing of before. */
static void test_nothing_of_before_is_read(void **state)
{
    static const uint8_t zeros[8192];
    struct part part[4];

    (void)state;
    plug_and_attach();
    CHECK(write(0, 8192));
    CHECK_EQ(finish(), BLK_DONE);
    memset(back, 0xff, sizeof(back));
    CHECK(read(0, 8192));
    uint16_t id = fake_net_take(&card, 0);
    unsigned count = chain(id, part);
    *part[count - 1].data = 0;
    fake_net_use(&card, 0, id, 8193);
    CHECK_EQ(blk_poll(&disk), BLK_DONE);
    CHECK_BYTES(back, zeros, sizeof(zeros));
}

/* A status that was never written is not a success. */
static void test_status_must_be_written(void **state)
{
    (void)state;
    plug_and_attach();
    CHECK(read(0, 4096));
    fake_net_use(&card, 0, fake_net_take(&card, 0), 1);
    CHECK_EQ(blk_poll(&disk), BLK_REFUSED);
}

/* Last words: the device answers at once, whatever else is under way. */

static void (*plain_write)(void *, size_t, unsigned, uint64_t);
static bool skips_first;

static void answering_write(void *self, size_t offset, unsigned width,
                            uint64_t value)
{
    plain_write(self, offset, width, value);
    if (offset < 0x3000)
        return;
    if (skips_first && fake_net_available(&card, 0)) {
        fake_net_take(&card, 0);
        skips_first = false;
    }
    while (fake_net_available(&card, 0))
        serve_with(0);
}

static void plug_answering(void)
{
    plain_write = card.registers.write;
    card.registers.write = answering_write;
    plug_and_attach();
}

static void test_last_words_are_written_and_flushed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        start(state);
        plug_answering();
        skips_first = i == 1;
        if (i == 1)
            CHECK(read(0, 4096)); /* and never comes back */
        CHECK(blk_last_words(&disk, 4096, bytes, fake.counter + 10000));
        CHECK_BYTES(medium + 4096, bytes, 4096);
        CHECK_EQ(flushes, 1);
    }
}

/* A disk that does not answer keeps nobody from rebooting. */
static void test_last_words_do_not_wait_for_ever(void **state)
{
    (void)state;
    plug_and_attach();
    CHECK(!blk_last_words(&disk, 4096, bytes, fake.counter + 10000));
    CHECK(fake.counter < 20000);
    CHECK(!blk_last_words(&disk, sizeof(medium), bytes, UINT64_MAX));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(set_up_without_interrupts),
        TEST(written_bytes_are_copied),
        TEST(short_segments_are_honoured),
        TEST(no_flush_without_a_cache),
        TEST(serial_is_read),
        TEST(impossible_operations_are_refused),
        TEST(read_only_disk_is_not_written),
        TEST(error_ends_one_operation),
        TEST(impossible_disks_are_not_driven),
        TEST(huge_capacity_is_held),
        TEST(lies_cost_the_disk),
        TEST(nothing_of_before_is_read),
        TEST(status_must_be_written),
        TEST(last_words_are_written_and_flushed),
        TEST(last_words_do_not_wait_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
