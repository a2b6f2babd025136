/* SPDX-License-Identifier: BSD-2-Clause */
/* Local APIC, I/O APIC, message-signalled interrupts. */
#include "arch/apic.h"

#include "arch/apic_local.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/irq.h"
#include "arch/mmu.h"
#include "arch/panic.h"
#include "arch/vectors.h"

#include <stddef.h>

#define MSR_APIC_BASE     0x1b
#define APIC_BASE_X2APIC  (1ull << 10)
#define APIC_BASE_ENABLE  (1ull << 11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull
#define MSR_X2APIC        0x800 /* register at offset n: this and n >> 4 */

#define APIC_SVR_ENABLE (1u << 8)
#define APIC_LVT_NMI    (4u << 8)
#define APIC_LVT_MASKED (1u << 16)

#define IOAPIC_SELECT      0x00
#define IOAPIC_WINDOW      0x10
#define IOAPIC_VERSION     1
#define IOAPIC_REDIRECTION 0x10
#define IOAPIC_ACTIVE_LOW  (1u << 13)
#define IOAPIC_LEVEL       (1u << 15)
#define IOAPIC_MASKED      (1u << 16)

#define MSI_ADDRESS 0xfee00000u

/* The processor has one local APIC, at whatever address. */
static struct {
    bool x2;
    uint8_t *registers; /* NULL in x2APIC mode */
    uint32_t id;
    struct {
        uint8_t *registers;
        uint32_t gsi_base;
        uint32_t inputs;
    } io[APIC_IO_MAX];
    uint8_t io_count;
    struct apic_madt madt;
} apic;

uint32_t apic_read(uint32_t offset)
{
    if (apic.x2)
        return (uint32_t)msr_read(MSR_X2APIC + (offset >> 4));
    return mmio_read32(apic.registers + offset);
}

void apic_write(uint32_t offset, uint32_t value)
{
    if (apic.x2)
        msr_write(MSR_X2APIC + (offset >> 4), value);
    else
        mmio_write32(apic.registers + offset, value);
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

bool apic_is_x2(void)
{
    return apic.x2;
}

/*
 * The two 8259: moved away from the exceptions first, because a masked one can
 * still raise its spurious interrupt 7.
 */
static void pic_mask(void)
{
    out8(0x20, 0x11); /* ICW1: edge, cascade, ICW4 follows */
    out8(0xa0, 0x11);
    out8(0x21, VECTOR_PIC);
    out8(0xa1, VECTOR_PIC + 8);
    out8(0x21, 4); /* the second hangs on input 2 */
    out8(0xa1, 2);
    out8(0x21, 1); /* 8086 */
    out8(0xa1, 1);
    out8(0x21, 0xff);
    out8(0xa1, 0xff);
}

static void local_enable(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE);
    uint64_t address = base & APIC_BASE_ADDRESS;

    apic.x2 = base & APIC_BASE_X2APIC || cpu_features()->x2apic;
    if (apic.x2) {
        /* From off to x2APIC leads through xAPIC. */
        msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
        msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
        apic.id = apic_read(APIC_ID);
    } else {
        apic.registers = mmu_map_device(address, 4096);
        if (apic.registers == NULL)
            panic("the local APIC is said to be at %llx",
                  (unsigned long long)address);
        msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
        apic.id = apic_read(APIC_ID) >> 24;
    }
    if (apic.id > 254)
        panic("boot processor %u cannot be reached by messages", apic.id);

    apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    apic_write(APIC_LVT_LINT1, APIC_LVT_NMI);
    apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
}

static uint32_t io_read(uint8_t *registers, uint32_t index)
{
    mmio_write32(registers + IOAPIC_SELECT, index);
    return mmio_read32(registers + IOAPIC_WINDOW);
}

static void io_write(uint8_t *registers, uint32_t index, uint32_t value)
{
    mmio_write32(registers + IOAPIC_SELECT, index);
    mmio_write32(registers + IOAPIC_WINDOW, value);
}

static void io_enable(uint32_t address, uint32_t gsi_base)
{
    uint8_t *registers = mmu_map_device(address, 4096);

    if (registers == NULL)
        return;

    uint32_t inputs = (io_read(registers, IOAPIC_VERSION) >> 16 & 0xff) + 1;

    if (inputs > 240) /* as many as there can be redirection registers */
        return;
    for (uint32_t i = 0; i < inputs; i++)
        io_write(registers, IOAPIC_REDIRECTION + 2 * i, IOAPIC_MASKED);
    apic.io[apic.io_count].registers = registers;
    apic.io[apic.io_count].gsi_base = gsi_base;
    apic.io[apic.io_count].inputs = inputs;
    apic.io_count++;
}

void apic_init(const struct apic_madt *madt)
{
    apic.madt = *madt;
    pic_mask();
    local_enable();
    for (uint8_t i = 0; i < madt->io_count && i < APIC_IO_MAX; i++)
        io_enable(madt->io[i].address, madt->io[i].gsi_base);
}

struct apic_message apic_msi(uint8_t vector)
{
    return (struct apic_message){MSI_ADDRESS | apic.id << 12, vector};
}

bool apic_route(uint32_t gsi, uint8_t vector, bool level, bool active_low)
{
    for (uint8_t i = 0; i < apic.io_count; i++) {
        uint32_t input = gsi - apic.io[i].gsi_base;
        uint32_t low = vector;

        if (gsi < apic.io[i].gsi_base || input >= apic.io[i].inputs)
            continue;
        if (level)
            low |= IOAPIC_LEVEL;
        if (active_low)
            low |= IOAPIC_ACTIVE_LOW;
        io_write(apic.io[i].registers, IOAPIC_REDIRECTION + 2 * input + 1,
                 apic.id << 24);
        io_write(apic.io[i].registers, IOAPIC_REDIRECTION + 2 * input, low);
        return true;
    }
    return false;
}

bool apic_route_isa(uint8_t source, uint8_t vector)
{
    for (uint8_t i = 0; i < apic.madt.override_count; i++)
        if (apic.madt.override[i].source == source)
            return apic_route(apic.madt.override[i].gsi, vector,
                              apic.madt.override[i].level,
                              apic.madt.override[i].active_low);
    return apic_route(source, vector, false, false);
}
