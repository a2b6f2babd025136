/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what is read in AML. */
/* links: drivers/aml */
#include "drivers/aml.h"
#include "tests/check.h"

static uint8_t aml[8192];
static size_t aml_len;

static void start(void)
{
    aml_len = 0;
}

static void add(const char *hex)
{
    aml_len += check_hex(hex, aml + aml_len, sizeof(aml) - aml_len);
}

static struct view body(void)
{
    return view_of(aml, aml_len);
}

/* Pieces of resource templates. */
#define BUS_NUMBERS "88 0d00 02 0c 00 0000 0000 ff00 0000 0001"
#define PORTS       "88 0d00 01 0c 03 0000 0000 f70c 0000 f80c"
#define PORT_FIXED  "47 01 f80c f80c 01 08"
#define VGA                                                                    \
    "87 1700 00 0c 03"                                                         \
    " 00000000 00000a00 ffff0b00 00000000 00000200"
#define HOLE                                                                   \
    "87 1700 00 0c 03"                                                         \
    " 00000000 000000c0 ffffbffe 00000000 0000c03e"
#define HIGH                                                                   \
    "8a 2b00 00 0c 03 0000000000000000 0000000080000000"                       \
    " ffffffffff000000 0000000000000000 0000000080000000"
#define END "79 00"

/* A template whose body has `hex`, as Name (_CRS, Buffer () {...}). */
static void add_template(const char *hex)
{
    uint8_t bytes[256];
    size_t len = check_hex(hex, bytes, sizeof(bytes));

    add("08 5f435253 11");
    if (len + 3 < 64) {
        aml[aml_len++] = (uint8_t)(len + 3);
    } else {
        aml[aml_len++] = (uint8_t)(0x40 | ((len + 4) & 15));
        aml[aml_len++] = (uint8_t)((len + 4) >> 4);
    }
    aml[aml_len++] = 0x0a;
    aml[aml_len++] = (uint8_t)len;
    memcpy(aml + aml_len, bytes, len);
    aml_len += len;
}

static void test_sleep_types_are_found_by_name(void **state)
{
    uint8_t a = 0xff, b = 0xff;

    (void)state;
    start();
    add("10 20 5f5f5f5f 08 5f53335f 12 06 04 01 01 00 00");
    add("08 5f53355f 12 08 04 0a05 0a06 00 00");
    CHECK(aml_sleep_types(body(), &a, &b));
    CHECK_EQ(a, 5);
    CHECK_EQ(b, 6);

    /* QEMU's q35 writes zeros as ZeroOp. */
    start();
    add("08 5f53355f 12 06 04 00 00 00 00");
    CHECK(aml_sleep_types(body(), &a, &b));
    CHECK_EQ(a, 0);
    CHECK_EQ(b, 0);
}

static void test_what_is_no_package_of_constants_is_no_sleep_type(void **state)
{
    static const char *const bad[] = {
        "5f53355f",                  /* the name alone */
        "5f53355f 12",               /* and nothing of the package */
        "5f53355f 12 06 00 00 00",   /* without elements */
        "5f53355f 12 06 04 70 00",   /* no constant */
        "5f53355f 12 08 04 0a08 00", /* too large for three bits */
        "5f53355f 14 08 04 0a05 00", /* a method */
    };
    uint8_t a, b;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start();
        add(bad[i]);
        CHECK(!aml_sleep_types(body(), &a, &b));
    }
    CHECK(!aml_sleep_types(view_of(NULL, 0), &a, &b));
}

static void test_windows_are_those_beside_bus_numbers(void **state)
{
    struct aml_range range[4];

    (void)state;
    start();
    add_template(PORT_FIXED END);
    add_template(HOLE END); /* of some other device */
    add_template(BUS_NUMBERS PORT_FIXED PORTS VGA HOLE HIGH END);
    CHECK_EQ(aml_bridge_windows(body(), range, 4), 2);
    CHECK_EQ(range[0].first, 0xc0000000);
    CHECK_EQ(range[0].last, 0xfebfffff);
    CHECK_EQ(range[1].first, 0x8000000000);
    CHECK_EQ(range[1].last, 0xffffffffff);
}

static void test_windows_stop_at_the_room_for_them(void **state)
{
    struct aml_range range[3] = {{0, 0}, {0, 0}, {7, 7}};

    (void)state;
    start();
    add_template(BUS_NUMBERS HOLE END);
    add_template(BUS_NUMBERS HIGH HOLE END);
    CHECK_EQ(aml_bridge_windows(body(), range, 2), 2);
    CHECK_EQ(range[2].first, 7);
}

static void test_templates_that_do_not_end_are_none(void **state)
{
    struct aml_range range[4];

    (void)state;
    start();
    add_template(BUS_NUMBERS HOLE);
    CHECK_EQ(aml_bridge_windows(body(), range, 4), 0);

    /* Cut anywhere, it says nothing, and nothing past the end is read. */
    start();
    add_template(BUS_NUMBERS HOLE END);
    for (size_t len = 0; len < aml_len; len++) {
        uint8_t *cut = malloc(len ? len : 1);
        memcpy(cut, aml, len);
        CHECK_EQ(aml_bridge_windows(view_of(cut, len), range, 4), 0);
        free(cut);
    }
    CHECK_EQ(aml_bridge_windows(body(), range, 4), 1);
}

static void test_windows_that_contradict_themselves_are_left_out(void **state)
{
    struct aml_range range[4];

    (void)state;
    start();
    /* Length is not last - first + 1; last before first; translated. */
    add_template(
        BUS_NUMBERS
        "87 1700 00 0c 03 00000000 000000c0 ffffbffe 00000000 00000001"
        "87 1700 00 0c 03 00000000 000000c0 ffffffbf 00000000 00000000"
        "87 1700 00 0c 03 00000000 000000c0 ffffbffe 01000000 0000c03e" END);
    CHECK_EQ(aml_bridge_windows(body(), range, 4), 0);
}

static void
test_configuration_base_is_a_name_or_what_a_method_returns(void **state)
{
    (void)state;
    start();
    add("5f434241 14 0c 5f434241 00 a4 0c 000000e0 08 5f435253");
    CHECK_EQ(aml_config_base(body()), 0xe0000000);
    start();
    add("08 5f434241 0e 0000000008000000");
    CHECK_EQ(aml_config_base(body()), 0x800000000);
    start();
    add("14 0c 5f434241 00 70 0c 000000e0");
    CHECK_EQ(aml_config_base(body()), 0);
    start();
    add("14 0c 5f434241 00 a4 0c 0000");
    CHECK_EQ(aml_config_base(body()), 0);
}

static void test_a_device_is_found_by_what_it_is_called(void **state)
{
    (void)state;
    start();
    /* Name (A, 1), Device (ONE) {Device (TWO) {_CID "AB"}, Name (B, 1)} */
    add("08 41414141 01 5b82 1b 4f4e4531 5b82 0e 54574f32 08 5f434944 0d 4142"
        "00 08 42424242 01");
    CHECK(!aml_device(body(), "A").ok);
    CHECK(!aml_device(body(), "ABC").ok);
    struct view device = aml_device(body(), "AB");
    CHECK(device.ok);
    CHECK_EQ(device.left, 13);
    CHECK(memcmp(device.at, "TWO2", 4) == 0);

    /* One that says it is longer than the table is none. */
    aml_len--;
    device = aml_device(body(), "AB");
    CHECK(device.ok && memcmp(device.at, "TWO2", 4) == 0);
    aml_len = 20;
    CHECK(!aml_device(body(), "AB").ok);
}

static void test_memory_is_the_first_range_of_a_device(void **state)
{
    struct aml_range range = {0, 0};

    (void)state;
    start();
    add_template(PORT_FIXED END);
    CHECK(!aml_memory(body(), &range));
    add_template(PORTS HIGH END);
    add_template(HOLE END);
    CHECK(aml_memory(body(), &range));
    CHECK_EQ(range.first, 0x8000000000);
    CHECK_EQ(range.last, 0xffffffffff);
}

static void test_an_address_is_a_package_of_its_halves(void **state)
{
    (void)state;
    /* Firecracker: Name (ADDR, Package () {0x12345000, 1}) */
    start();
    add("08 41444452 12 08 02 0c 00503412 01");
    CHECK_EQ(aml_address_package(body(), body()), 0x112345000);
    /* Method (ADDR) {Return (Package () {...})} */
    start();
    add("14 10 41444452 00 a4 12 08 02 0c 00503412 00");
    CHECK_EQ(aml_address_package(body(), body()), 0x12345000);
    /* QEMU: an empty package, filled with VGIA + 0x28 and with 0. */
    start();
    add("08 56474941 0c 0000ff07");
    size_t before = aml_len;
    add("14 20 41444452 00 70 12 02 02 60 70 72 56474941 0a28 00 88 60 00 00"
        "70 00 88 60 01 00 a4 60");
    struct view device = view_from(body(), before);
    CHECK_EQ(aml_address_package(body(), device), 0x07ff0028);
    /* Firmware that has no place for it leaves the constant zero. */
    memset(aml + 6, 0, 4);
    CHECK_EQ(aml_address_package(body(), device), 0);
}

static void test_what_is_no_package_of_two_constants_is_no_address(void **state)
{
    static const char *const bad[] = {
        "41444452",
        "41444452 12",
        "41444452 12 08 03 0c 00503412 01",         /* of three */
        "41444452 12 09 02 0e 0050341200000001 01", /* cut by its length */
        "41444452 12 10 02 0e 0050341200000001 00 00 00 00 00", /* too wide */
        "41444452 14 72 56474941 0a28", /* of what is no name */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start();
        add(bad[i]);
        CHECK_EQ(aml_address_package(body(), body()), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleep_types_are_found_by_name),
        cmocka_unit_test(test_what_is_no_package_of_constants_is_no_sleep_type),
        cmocka_unit_test(test_windows_are_those_beside_bus_numbers),
        cmocka_unit_test(test_windows_stop_at_the_room_for_them),
        cmocka_unit_test(test_templates_that_do_not_end_are_none),
        cmocka_unit_test(test_windows_that_contradict_themselves_are_left_out),
        cmocka_unit_test(
            test_configuration_base_is_a_name_or_what_a_method_returns),
        cmocka_unit_test(test_a_device_is_found_by_what_it_is_called),
        cmocka_unit_test(test_memory_is_the_first_range_of_a_device),
        cmocka_unit_test(test_an_address_is_a_package_of_its_halves),
        cmocka_unit_test(
            test_what_is_no_package_of_two_constants_is_no_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
