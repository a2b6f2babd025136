/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be read in AML without interpreting it. */
#include "drivers/aml.h"

#include <string.h>

/* ACPI 6.5, 20.2: opcodes and prefixes. */
#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c
#define AML_STRING  0x0d
#define AML_QWORD   0x0e
#define AML_BUFFER  0x11
#define AML_PACKAGE 0x12
#define AML_EXTEND  0x5b
#define AML_ADD     0x72
#define AML_DEVICE  0x82 /* after AML_EXTEND */
#define AML_RETURN  0xa4

/* 6.4: the first byte of a resource descriptor. */
#define RES_LARGE       0x80
#define RES_END_TAG     0x0f /* of a small one, shifted down by 3 */
#define RES_DWORD_SPACE 0x87
#define RES_WORD_SPACE  0x88
#define RES_QWORD_SPACE 0x8a

/* 6.4.3.5: resource type of an address space descriptor. */
#define SPACE_MEMORY 0
#define SPACE_BUS    2

/* No host bridge's template comes near that; it bounds the search. */
#define TEMPLATE_DESCRIPTORS_MAX 64

/* 20.2.4: the length of a package, which counts itself.  Returns what is left
 * of it, and fails the view where that is nothing. */
static uint32_t package_length(struct view *v)
{
    uint8_t lead = view_u8(v);
    unsigned more = lead >> 6;
    uint32_t len = more ? lead & 0x0f : lead & 0x3f;

    for (unsigned i = 0; i < more; i++)
        len |= (uint32_t)view_u8(v) << (4 + 8 * i);
    if (len < 1 + more)
        v->ok = false;
    return len - (1 + more);
}

/* 20.2.3: an integer constant. */
static uint64_t constant(struct view *v)
{
    switch (view_u8(v)) {
    case AML_ZERO:
        return 0;
    case AML_ONE:
        return 1;
    case AML_BYTE:
        return view_u8(v);
    case AML_WORD:
        return view_le16(v);
    case AML_DWORD:
        return view_le32(v);
    case AML_QWORD:
        return view_le64(v);
    default:
        v->ok = false;
        return 0;
    }
}

bool aml_sleep_types(struct view aml, uint8_t *type_a, uint8_t *type_b)
{
    for (; aml.left > 4; view_bytes(&aml, 1)) {
        if (memcmp(aml.at, "_S5_", 4) != 0)
            continue;

        struct view v = aml;
        view_bytes(&v, 4);
        if (view_u8(&v) != AML_PACKAGE)
            continue;
        package_length(&v);
        uint8_t count = view_u8(&v);
        uint64_t a = constant(&v);
        uint64_t b = count > 1 ? constant(&v) : 0;
        if (!v.ok || count == 0 || a > 7 || b > 7)
            continue;

        *type_a = (uint8_t)a;
        *type_b = (uint8_t)b;
        return true;
    }
    return false;
}

/* What one resource template says. */
struct template
{
    struct aml_range *range;
    unsigned room;
    unsigned count;
    bool bus_numbers;
};

static void note_memory(struct template *t, uint64_t first, uint64_t last,
                        uint64_t translation, uint64_t length)
{
    if (t->count == t->room || first < 0x100000 || first > last ||
        translation != 0 || length != last - first + 1)
        return;
    t->range[t->count++] = (struct aml_range){first, last};
}

/* 6.4.3.5.1 to 6.4.3.5.3, after the length. */
static void address_space(struct template *t, uint8_t tag, struct view v)
{
    uint8_t type = view_u8(&v);
    view_u8(&v); /* general flags */
    view_u8(&v); /* type-specific flags */

    if (tag == RES_WORD_SPACE) {
        t->bus_numbers |= v.ok && type == SPACE_BUS;
        return;
    }
    if (type != SPACE_MEMORY)
        return;

    uint64_t field[5]; /* granularity, minimum, maximum, translation, length */
    for (unsigned i = 0; i < 5; i++)
        field[i] = tag == RES_QWORD_SPACE ? view_le64(&v) : view_le32(&v);
    if (v.ok)
        note_memory(t, field[1], field[2], field[3], field[4]);
}

/* Read descriptors up to the end tag.  False if these bytes are no template. */
static bool read_template(struct template *t, struct view v)
{
    for (unsigned n = 0; n < TEMPLATE_DESCRIPTORS_MAX; n++) {
        uint8_t tag = view_u8(&v);

        if (tag & RES_LARGE) {
            uint16_t len = view_le16(&v);
            struct view body = view_part(&v, len);
            if (!body.ok)
                return false;
            if (tag == RES_DWORD_SPACE || tag == RES_WORD_SPACE ||
                tag == RES_QWORD_SPACE)
                address_space(t, tag, body);
            continue;
        }
        view_bytes(&v, tag & 7);
        if (!v.ok)
            return false;
        if (tag >> 3 == RES_END_TAG)
            return true;
    }
    return false;
}

/* 20.2.5.4: is the next object a buffer with a template?  Then read that. */
static bool is_template(struct template *t, struct view v)
{
    if (view_u8(&v) != AML_BUFFER)
        return false;

    struct view buffer = view_part(&v, package_length(&v));
    struct view bytes = view_part(&buffer, constant(&buffer));

    return bytes.ok && read_template(t, bytes);
}

unsigned aml_bridge_windows(struct view aml, struct aml_range *range,
                            unsigned room)
{
    unsigned found = 0;

    for (; aml.left > 0; view_bytes(&aml, 1)) {
        struct template t = {.range = range + found, .room = room - found};

        if (is_template(&t, aml) && t.bus_numbers)
            found += t.count;
    }
    return found;
}

uint64_t aml_config_base(struct view aml)
{
    for (; aml.left > 4; view_bytes(&aml, 1)) {
        if (memcmp(aml.at, "_CBA", 4) != 0)
            continue;

        /* A name is followed by its value, a method by flags and code. */
        struct view name = view_from(aml, 4);
        struct view method = view_from(aml, 5);
        uint64_t base = view_u8(&method) == AML_RETURN ? constant(&method)
                                                       : constant(&name);
        if (method.ok && name.ok && base != 0)
            return base;
    }
    return 0;
}

/* 20.2.3: does it have that string, whole? */
static bool has_string(struct view aml, const char *text)
{
    size_t len = strlen(text) + 1;

    for (; aml.left > len; view_bytes(&aml, 1)) {
        if (aml.at[0] == AML_STRING && memcmp(aml.at + 1, text, len) == 0)
            return true;
    }
    return false;
}

struct view aml_device(struct view aml, const char *id)
{
    struct view found = view_of(NULL, 0);

    for (; aml.left > 2; view_bytes(&aml, 1)) {
        struct view v = aml;

        if (view_u8(&v) != AML_EXTEND || view_u8(&v) != AML_DEVICE)
            continue;
        struct view body = view_part(&v, package_length(&v));
        if (body.ok && has_string(body, id) &&
            (!found.ok || body.left < found.left))
            found = body;
    }
    return found;
}

bool aml_memory(struct view device, struct aml_range *range)
{
    for (; device.left > 0; view_bytes(&device, 1)) {
        struct template t = {.range = range, .room = 1};

        if (is_template(&t, device) && t.count > 0)
            return true;
    }
    return false;
}

/* 20.2.5.4: a package of two halves of an address. */
static uint64_t halves(struct view v)
{
    if (view_u8(&v) != AML_PACKAGE)
        return 0;

    struct view package = view_part(&v, package_length(&v));
    if (view_u8(&package) != 2)
        return 0;

    uint64_t low = constant(&package);
    uint64_t high = constant(&package);

    return package.ok && low <= UINT32_MAX && high <= UINT32_MAX
               ? high << 32 | low
               : 0;
}

/* 20.2.5.1: the constant of that name, 0 when there is none. */
static uint64_t named(struct view aml, const uint8_t name[4])
{
    for (; aml.left > 5; view_bytes(&aml, 1)) {
        if (aml.at[0] != AML_NAME || memcmp(aml.at + 1, name, 4) != 0)
            continue;

        struct view v = view_from(aml, 5);
        uint64_t value = constant(&v);
        if (v.ok && value != 0)
            return value;
    }
    return 0;
}

/* 20.2.5.4: Add (name, constant). */
static uint64_t sum(struct view aml, struct view v)
{
    if (view_u8(&v) != AML_ADD)
        return 0;

    const uint8_t *name = view_bytes(&v, 4);
    uint64_t offset = constant(&v);
    uint64_t base = v.ok ? named(aml, name) : 0;

    return base != 0 && base <= UINT32_MAX && offset <= UINT16_MAX
               ? base + offset
               : 0;
}

/* The address is what follows ADDR, at once or in its code. */
uint64_t aml_address_package(struct view aml, struct view device)
{
    for (; device.left > 4; view_bytes(&device, 1)) {
        if (memcmp(device.at, "ADDR", 4) != 0)
            continue;

        struct view v = view_from(device, 4);
        for (; v.left > 0; view_bytes(&v, 1)) {
            uint64_t address = halves(v);

            if (address == 0)
                address = sum(aml, v);
            if (address != 0)
                return address;
        }
    }
    return 0;
}
