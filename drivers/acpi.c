/* SPDX-License-Identifier: BSD-2-Clause */
/* What the firmware's ACPI tables say, as plain numbers. */
#include "drivers/acpi.h"

#include "arch/io.h"
#include "arch/log.h"
#include "arch/mmu.h"
#include "drivers/aml.h"

#include <string.h>

#define HEADER_BYTES 36

/* ACPI 6.5, 5.2.3.2: address space of a generic address. */
#define GAS_MEMORY 0
#define GAS_PORT   1

/* 5.2.9: flags of the FADT. */
#define FADT_TMR_VAL_EXT       (1u << 8)
#define FADT_RESET_REG_SUP     (1u << 10)
#define FADT_HW_REDUCED_ACPI   (1u << 20)
#define FADT_CENTURY           108
#define FADT_RESET_REG         116
#define FADT_X_DSDT            140
#define FADT_X_PM_TMR_BLK      208
#define FADT_SLEEP_CONTROL_REG 244

/* 5.2.12: entries of the MADT. */
#define MADT_LOCAL_APIC      0
#define MADT_IO_APIC         1
#define MADT_SOURCE_OVERRIDE 2
#define MADT_LOCAL_ADDRESS   5
#define MADT_LOCAL_X2APIC    9
#define MADT_ENABLED         1

/* 4.8.3.2.1 and 4.8.3.7. */
#define PM1_SLP_EN     (1u << 13)
#define PM1_SLP_TYP(t) ((uint16_t)(t) << 10)
#define SLEEP_EN       (1u << 5)
#define SLEEP_TYP(t)   ((t) << 2)

static uint8_t sum_of(const uint8_t *p, size_t len)
{
    uint8_t sum = 0;

    while (len--)
        sum = (uint8_t)(sum + *p++);
    return sum;
}

/* 5.2.3.2: a generic address structure. */
struct generic_address {
    uint8_t space;
    uint64_t address;
};

static struct generic_address read_gas(struct view *v)
{
    struct generic_address gas;

    gas.space = view_u8(v);
    view_bytes(v, 3); /* width, offset, access size */
    gas.address = view_le64(v);
    return gas;
}

/* 5.2.6: map a table whole, if it is one. */
static struct view map_table(uint64_t address)
{
    const struct view none = {NULL, 0, false};
    const uint8_t *header = mmu_map_firmware(address, HEADER_BYTES);

    if (!header)
        return none;
    uint32_t len = le32(header + 4);
    if (len < HEADER_BYTES || len > ACPI_TABLE_BYTES)
        return none;
    return view_of(mmu_map_firmware(address, len), len);
}

static void note_table(struct acpi *acpi, uint64_t address)
{
    struct view v = map_table(address);

    if (!v.ok || sum_of(v.at, v.left) != 0) {
        log_line("acpi: table at 0x%llx is damaged, ignored",
                 (unsigned long long)address);
        return;
    }
    if (acpi->table_count == ACPI_TABLES_MAX)
        return;

    struct acpi_table *t = &acpi->table[acpi->table_count++];
    memcpy(t->signature, v.at, 4);
    t->len = (uint32_t)v.left;
    t->address = address;
}

struct view acpi_table(const struct acpi *acpi, const char *signature,
                       unsigned n)
{
    for (unsigned i = 0; i < acpi->table_count; i++) {
        const struct acpi_table *t = &acpi->table[i];

        if (memcmp(t->signature, signature, 4) == 0 && n-- == 0)
            return view_of(mmu_map_firmware(t->address, t->len), t->len);
    }
    return view_of(NULL, 0);
}

/* 5.2.7 and 5.2.8: the root table lists the others, by 4 or by 8 bytes. */
static bool read_root(struct acpi *acpi, uint64_t address,
                      const char *signature, size_t width)
{
    struct view v = address ? map_table(address) : view_of(NULL, 0);

    if (!v.ok || memcmp(v.at, signature, 4) != 0 || sum_of(v.at, v.left) != 0)
        return false;
    view_bytes(&v, HEADER_BYTES);
    while (v.left >= width && acpi->table_count < ACPI_TABLES_MAX)
        note_table(acpi, width == 8 ? view_le64(&v) : view_le32(&v));
    return true;
}

/* 5.2.5.3: the root pointer; 36 bytes of it from revision 2 on. */
static bool is_rsdp(const uint8_t *p)
{
    return memcmp(p, "RSD PTR ", 8) == 0 && sum_of(p, 20) == 0;
}

static bool read_rsdp(struct acpi *acpi, const uint8_t *p, size_t len)
{
    if (!p || len < 20 || !is_rsdp(p))
        return false;
    acpi->revision = p[15];

    /* QEMU's microvm has a zero RSDT address, so the XSDT is not optional. */
    if (acpi->revision >= 2 && len >= 36 && sum_of(p, 36) == 0 &&
        read_root(acpi, le64(p + 24), "XSDT", 8))
        return true;
    return read_root(acpi, le32(p + 16), "RSDT", 4);
}

static const uint8_t *search(uint64_t from, size_t len)
{
    const uint8_t *p = mmu_map_firmware(from, len);

    for (size_t i = 0; p && i + 36 <= len; i += 16) {
        if (is_rsdp(p + i))
            return p + i;
    }
    return NULL;
}

/*
 * 5.2.5.1: in the first KiB of the EBDA, or in the BIOS from 0xE0000.  Where
 * the EBDA is stands in page zero, which is never mapped; so it is looked for
 * wherever one can be.
 */
static const uint8_t *find_rsdp(void)
{
    const uint8_t *p = search(0x80000, 0x20000);

    return p ? p : search(0xe0000, 0x20000);
}

static void read_io_apic(struct apic_madt *madt, struct view v)
{
    view_bytes(&v, 2); /* ID, reserved */
    uint32_t address = view_le32(&v);
    uint32_t base = view_le32(&v);

    if (!v.ok || madt->io_count == APIC_IO_MAX)
        return;
    madt->io[madt->io_count].address = address;
    madt->io[madt->io_count].gsi_base = base;
    madt->io_count++;
}

/* 5.2.12.5, and table 5.26 for the flags; 0 there is the ISA default. */
static void read_override(struct apic_madt *madt, struct view v)
{
    uint8_t bus = view_u8(&v);
    uint8_t source = view_u8(&v);
    uint32_t gsi = view_le32(&v);
    uint16_t flags = view_le16(&v);

    if (!v.ok || bus != 0 || source > 15 ||
        madt->override_count == APIC_OVERRIDE_MAX)
        return;
    madt->override[madt->override_count].source = source;
    madt->override[madt->override_count].gsi = gsi;
    madt->override[madt->override_count].active_low = (flags & 3) == 3;
    madt->override[madt->override_count].level = (flags >> 2 & 3) == 3;
    madt->override_count++;
}

static void read_madt(struct acpi *acpi, struct view v)
{
    view_bytes(&v, HEADER_BYTES);
    uint32_t local = view_le32(&v);
    view_le32(&v); /* flags: whether there are two 8259, which we mask anyhow */
    if (!v.ok)
        return;
    acpi->madt_present = true;
    acpi->madt.local_address = local;

    while (v.left > 0) {
        uint8_t type = view_u8(&v);
        uint8_t len = view_u8(&v);
        struct view entry = view_part(&v, len >= 2 ? len - 2u : SIZE_MAX);
        if (!entry.ok)
            return;

        switch (type) {
        case MADT_LOCAL_APIC: /* 5.2.12.2: UID, ID, flags */
            entry = view_from(entry, 2);
            acpi->cpu_count += view_le32(&entry) & MADT_ENABLED;
            break;
        case MADT_LOCAL_X2APIC: /* 5.2.12.12: reserved, ID, flags */
            entry = view_from(entry, 6);
            acpi->cpu_count += view_le32(&entry) & MADT_ENABLED;
            break;
        case MADT_IO_APIC:
            read_io_apic(&acpi->madt, entry);
            break;
        case MADT_SOURCE_OVERRIDE:
            read_override(&acpi->madt, entry);
            break;
        case MADT_LOCAL_ADDRESS: /* 5.2.12.8 */
            entry = view_from(entry, 2);
            uint64_t address = view_le64(&entry);
            if (entry.ok)
                acpi->madt.local_address = address;
            break;
        }
    }
}

/* A field of the FADT at its offset, 0 where the table ends before it: that
 * of revision 1 (QEMU's pc) has 116 bytes. */
static uint32_t fadt_u32(struct view fadt, size_t offset)
{
    fadt = view_from(fadt, offset);
    return view_le32(&fadt);
}

static void read_pm_timer(struct acpi *acpi, struct view fadt, uint32_t flags)
{
    struct view extended = view_from(fadt, FADT_X_PM_TMR_BLK);
    struct generic_address gas = read_gas(&extended);
    uint64_t port = fadt_u32(fadt, 76);
    struct view len = view_from(fadt, 91);

    if (view_u8(&len) != 4) /* PM_TMR_LEN: none on reduced hardware */
        return;
    if (extended.ok && gas.space == GAS_PORT && gas.address != 0)
        port = gas.address;
    if (port == 0 || port > UINT16_MAX - 3)
        return;
    acpi->pm_timer_port = (uint16_t)port;
    acpi->pm_timer_32bit = flags & FADT_TMR_VAL_EXT;
}

static void read_reset(struct acpi *acpi, struct view fadt, uint32_t flags)
{
    struct view v = view_from(fadt, FADT_RESET_REG);
    struct generic_address gas = read_gas(&v);
    uint8_t value = view_u8(&v);

    if (!v.ok || !(flags & FADT_RESET_REG_SUP) || gas.address == 0)
        return;
    if (gas.space == GAS_PORT
            ? gas.address > UINT16_MAX
            : gas.space != GAS_MEMORY || !mmu_map_device(gas.address, 1))
        return;
    acpi->reset.in_memory = gas.space == GAS_MEMORY;
    acpi->reset.address = gas.address;
    acpi->reset.value = value;
    acpi->reset.present = true;
}

static void read_power(struct acpi *acpi, struct view fadt, uint32_t flags)
{
    struct acpi_power *power = &acpi->power;
    struct view v = view_from(fadt, FADT_SLEEP_CONTROL_REG);
    struct generic_address sleep = read_gas(&v);
    uint32_t pm1a = fadt_u32(fadt, 64);
    uint32_t pm1b = fadt_u32(fadt, 68);

    if (flags & FADT_HW_REDUCED_ACPI) {
        if (!v.ok || sleep.address == 0)
            return;
        power->reduced = true;
        if (sleep.space == GAS_PORT && sleep.address <= UINT16_MAX)
            power->sleep_port = (uint16_t)sleep.address;
        else if (sleep.space == GAS_MEMORY)
            power->sleep_control = mmu_map_device(sleep.address, 1);
        power->present = power->sleep_port || power->sleep_control;
        return;
    }
    if (pm1a == 0 || pm1a > UINT16_MAX || pm1b > UINT16_MAX)
        return;
    power->pm1a_control = (uint16_t)pm1a;
    power->pm1b_control = (uint16_t)pm1b;
    power->present = true;
}

/* 5.2.9: DSDT or X_DSDT; neither is in the root table. */
static void note_dsdt(struct acpi *acpi, struct view fadt)
{
    struct view v = view_from(fadt, FADT_X_DSDT);
    uint64_t address = view_le64(&v);

    if (address == 0)
        address = fadt_u32(fadt, 40);
    if (address != 0)
        note_table(acpi, address);
}

static void read_fadt(struct acpi *acpi, struct view fadt)
{
    uint32_t flags = fadt_u32(fadt, 112);
    struct view century = view_from(fadt, FADT_CENTURY);

    acpi->rtc_century = view_u8(&century);
    read_pm_timer(acpi, fadt, flags);
    read_reset(acpi, fadt, flags);
    read_power(acpi, fadt, flags);
    note_dsdt(acpi, fadt);
}

static void read_dsdt(struct acpi *acpi, struct view aml)
{
    struct aml_range range[ACPI_WINDOWS_MAX];
    struct acpi_power *power = &acpi->power;

    view_bytes(&aml, HEADER_BYTES);
    if (!aml_sleep_types(aml, &power->s5_type_a, &power->s5_type_b))
        power->present = false;

    acpi->window_count = aml_bridge_windows(aml, range, ACPI_WINDOWS_MAX);
    for (unsigned i = 0; i < acpi->window_count; i++) {
        acpi->window[i].first = range[i].first;
        acpi->window[i].last = range[i].last;
    }

    /* QEMU's microvm has no MCFG; its host bridge says it itself. */
    uint64_t base = aml_config_base(aml);
    if (acpi->ecam_count == 0 && base != 0)
        acpi->ecam[acpi->ecam_count++] =
            (struct acpi_ecam){.base = base, .bus_last = UINT8_MAX};
}

/* IA-PC HPET 1.0a, 3.2.4. */
static void read_hpet(struct acpi *acpi, struct view v)
{
    v = view_from(v, 40);
    struct generic_address gas = read_gas(&v);

    if (v.ok && gas.space == GAS_MEMORY)
        acpi->hpet_address = gas.address;
}

/* PCI Firmware Specification 3.3, 4.1.2. */
static void read_mcfg(struct acpi *acpi, struct view v)
{
    v = view_from(v, HEADER_BYTES + 8);
    while (acpi->ecam_count < ACPI_ECAM_MAX) {
        struct acpi_ecam ecam;

        ecam.base = view_le64(&v);
        ecam.segment = view_le16(&v);
        ecam.bus_first = view_u8(&v);
        ecam.bus_last = view_u8(&v);
        view_le32(&v); /* reserved */
        if (!v.ok)
            return;
        if (ecam.base != 0 && ecam.bus_first <= ecam.bus_last)
            acpi->ecam[acpi->ecam_count++] = ecam;
    }
}

/* Windows ACPI Emulated Devices Table 1.0. */
static void read_waet(struct acpi *acpi, struct view v)
{
    v = view_from(v, HEADER_BYTES);
    uint32_t flags = view_le32(&v);

    acpi->rtc_good = flags & 1;
    acpi->pm_timer_good = flags & 2;
}

void acpi_init(struct acpi *acpi, const uint8_t *rsdp, size_t len)
{
    /* The FADT adds the DSDT to the tables; what that says of configuration
     * space counts only where there is no MCFG. */
    static const struct {
        char signature[5];
        void (*read)(struct acpi *acpi, struct view table);
    } reader[] = {
        {"APIC", read_madt}, {"FACP", read_fadt}, {"HPET", read_hpet},
        {"MCFG", read_mcfg}, {"DSDT", read_dsdt}, {"WAET", read_waet},
    };

    memset(acpi, 0, sizeof(*acpi));
    if (!rsdp || len == 0) {
        rsdp = find_rsdp();
        len = 36;
    }
    if (!read_rsdp(acpi, rsdp, len)) {
        log_line("acpi: no usable root pointer");
        memset(acpi, 0, sizeof(*acpi));
        return;
    }
    acpi->present = true;

    for (size_t i = 0; i < sizeof(reader) / sizeof(reader[0]); i++) {
        struct view table = acpi_table(acpi, reader[i].signature, 0);
        if (table.ok)
            reader[i].read(acpi, table);
    }
}

void acpi_power_off(const struct acpi *acpi)
{
    const struct acpi_power *power = &acpi->power;
    uint8_t sleep = (uint8_t)(SLEEP_TYP(power->s5_type_a) | SLEEP_EN);

    if (!power->present)
        return;
    if (power->sleep_port) {
        out8(power->sleep_port, sleep);
    } else if (power->sleep_control) {
        mmio_write8(power->sleep_control, sleep);
    } else {
        out16(power->pm1a_control,
              (uint16_t)(PM1_SLP_TYP(power->s5_type_a) | PM1_SLP_EN));
        if (power->pm1b_control)
            out16(power->pm1b_control,
                  (uint16_t)(PM1_SLP_TYP(power->s5_type_b) | PM1_SLP_EN));
    }
}
