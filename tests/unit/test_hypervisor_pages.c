/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of where the hypervisor's pages are, by made-up ACPI tables. */
/* links: drivers/hypervisor_pages drivers/acpi drivers/aml tests/fake/machine
 */
#include "drivers/hypervisor_pages.h"
#include "tests/check.h"
#include "tests/fake/machine.h"

#define BASE   0x7ffe0000
#define PAGE   0xfeffb000
#define GENID  0x07ff0028
#define HEADER 36
#define VMCLOCK                                                                \
    "5b82 4c 05 56434c4b"                                                      \
    "08 5f484944 0d 414d5a4e43313043 00"                                       \
    "08 5f434944 0d 564d434c4f434b 00"                                         \
    "08 5f435253 11 33 0a 30"                                                  \
    "8a 2b00 00 0d 00 0000000000000000 00b0fffe00000000"                       \
    " ffbffffe00000000 0000000000000000 0010000000000000 79 00"
#define VMGENID                                                                \
    "08 56474941 0c 0000ff07"                                                  \
    "5b82 4b 04 5647454e 08 5f484944 0d 51454d5556474944 00"                   \
    "08 5f434944 0d 564d5f47656e5f436f756e746572 00"                           \
    "14 20 41444452 00 70 12 02 02 60 70 72 56474941 0a28 00 88 60 00 00"      \
    "70 00 88 60 01 00 a4 60"

static uint8_t memory[4096];
static size_t used;
static uint8_t page[4096], id[16];
static struct acpi acpi;

static int start(void **state)
{
    (void)state;
    fake_reset();
    used = 0;
    memset(&acpi, 0, sizeof(acpi));
    fake_memory_add(BASE, memory, sizeof(memory));
    fake_memory_add(PAGE, page, sizeof(page));
    fake_memory_add(GENID, id, sizeof(id));
    return 0;
}

static void add(const char *signature, const char *hex)
{
    size_t len = HEADER + check_hex(hex, memory + used + HEADER,
                                    sizeof(memory) - used - HEADER);
    struct acpi_table *t = &acpi.table[acpi.table_count++];

    memcpy(t->signature, signature, 4);
    t->len = (uint32_t)len;
    t->address = BASE + used;
    used += len;
}

static void test_pages_are_found_in_any_table_with_code(void **state)
{
    struct vmclock_place clock;
    struct vmgenid_place generation;

    (void)state;
    add("DSDT", "08 41414141 01");
    add("SSDT", VMGENID);
    CHECK(!vmclock_page(&acpi, &clock));
    add("SSDT", VMCLOCK);
    CHECK(vmclock_page(&acpi, &clock));
    CHECK_EQ(clock.physical, PAGE);
    CHECK_EQ(clock.bytes, 4096);
    CHECK(clock.page == page);
    CHECK(vmgenid_place(&acpi, &generation));
    CHECK_EQ(generation.physical, GENID);
    CHECK(generation.id == id);

    start(NULL);
    add("DSDT", VMCLOCK);
    CHECK(vmclock_page(&acpi, &clock));
    CHECK(!vmgenid_place(&acpi, &generation));
}

static void test_a_generation_without_a_place_is_none(void **state)
{
    struct vmgenid_place generation;

    (void)state;
    add("SSDT", VMGENID);
    memory[HEADER + 6] = 4; /* not a multiple of 8 */
    CHECK(!vmgenid_place(&acpi, &generation));
    memory[HEADER + 6] = 0;
    memory[HEADER + 8] = memory[HEADER + 9] = 0; /* the firmware gave none */
    CHECK(!vmgenid_place(&acpi, &generation));
}

static void test_no_table_no_page(void **state)
{
    struct vmclock_place clock;
    struct vmgenid_place generation;

    (void)state;
    CHECK(!vmclock_page(&acpi, &clock));
    CHECK(!vmgenid_place(&acpi, &generation));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pages_are_found_in_any_table_with_code,
                               start),
        cmocka_unit_test_setup(test_a_generation_without_a_place_is_none,
                               start),
        cmocka_unit_test_setup(test_no_table_no_page, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
