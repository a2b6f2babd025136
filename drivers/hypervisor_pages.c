/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the pages are that a hypervisor writes to, by the ACPI tables. */
#include "drivers/hypervisor_pages.h"

#include "arch/mmu.h"
#include "drivers/aml.h"

#define HEADER_BYTES 36

/* What every version of vmclock's page has. */
#define VMCLOCK_LEAST 32
#define VMCLOCK_MOST  4096

#define VMGENID_BYTES 16
#define VMGENID_ALIGN 8

/* A device, and the code that it stands in. */
struct found {
    struct view code, device;
};

static bool find_in(const struct acpi *acpi, const char *signature,
                    const char *id, struct found *f)
{
    for (unsigned n = 0; n < ACPI_TABLES_MAX; n++) {
        f->code = view_from(acpi_table(acpi, signature, n), HEADER_BYTES);
        if (!f->code.ok)
            return false;
        f->device = aml_device(f->code, id);
        if (f->device.ok)
            return true;
    }
    return false;
}

static bool find(const struct acpi *acpi, const char *id, struct found *f)
{
    return find_in(acpi, "SSDT", id, f) || find_in(acpi, "DSDT", id, f);
}

bool vmclock_page(const struct acpi *acpi, struct vmclock_place *place)
{
    struct found f;
    struct aml_range range;

    if (!find(acpi, "AMZNC10C", &f) && !find(acpi, "VMCLOCK", &f))
        return false;
    if (!aml_memory(f.device, &range))
        return false;

    uint64_t len = range.last - range.first + 1;
    if (len > VMCLOCK_MOST)
        len = VMCLOCK_MOST;
    if (len < VMCLOCK_LEAST || range.first % 8 != 0)
        return false;
    place->page = mmu_map_firmware(range.first, len);
    place->bytes = (size_t)len;
    place->physical = range.first;
    return place->page != NULL;
}

bool vmgenid_place(const struct acpi *acpi, struct vmgenid_place *place)
{
    struct found f;

    if (!find(acpi, "VM_Gen_Counter", &f))
        return false;
    place->physical = aml_address_package(f.code, f.device);
    if (place->physical == 0 || place->physical % VMGENID_ALIGN != 0)
        return false;
    place->id = mmu_map_firmware(place->physical, VMGENID_BYTES);
    return place->id != NULL;
}
