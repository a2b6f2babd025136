/* SPDX-License-Identifier: BSD-2-Clause */
/* GDT, IDT, TSS, required features. */
#include "arch/cpu.h"

#include "arch/panic.h"

#include <string.h>

#define MSR_EFER     0xc0000080
#define EFER_NXE     (1u << 11)
#define CR0_WP       (1ul << 16)
#define CR4_UMIP     (1ul << 11)
#define CR4_SMEP     (1ul << 20)
#define CR4_SMAP     (1ul << 21)
#define GATE_PRESENT 0x8e /* a 64-bit interrupt gate: interrupts off */
#define GDT_CODE     8
#define GDT_TSS      16

extern const uint8_t vector_exceptions[];
extern const uint8_t vector_interrupts[];
extern uint8_t stack_main_guard[], stack_main_top[];
extern uint8_t stack_double_fault_guard[], stack_double_fault_top[];
extern uint8_t stack_nmi_guard[], stack_nmi_top[];
extern uint8_t stack_machine_check_guard[], stack_machine_check_top[];
extern uint8_t stack_interrupt_guard[], stack_interrupt_top[];

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* The processor reads these by address, so they are file-scope. */
static uint64_t gdt[4];
static struct tss tss;
static struct gate idt[256];
static struct cpu_features features;

const struct cpu_features *cpu_features(void)
{
    return &features;
}

struct cpu_stack cpu_stack(enum cpu_stack_use use)
{
#define STACK(name)                                                            \
    {                                                                          \
#name, (uintptr_t)stack_##name##_guard, (uintptr_t)stack_##name##_top  \
    }
    static const struct cpu_stack stacks[CPU_STACKS] = {
        [CPU_STACK_MAIN] = STACK(main),
        [CPU_STACK_DOUBLE_FAULT] = STACK(double_fault),
        [CPU_STACK_NMI] = STACK(nmi),
        [CPU_STACK_MACHINE_CHECK] = STACK(machine_check),
        [CPU_STACK_INTERRUPT] = STACK(interrupt),
    };
#undef STACK

    return stacks[use];
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    uint32_t base = leaf & 0xffff0000;
    struct cpuid none = {0};

    if (base == 0x40000000) {
        if (!(cpuid_raw(1, 0).ecx & 1u << 31))
            return none;
        base = leaf & 0xffffff00;
    }

    uint32_t max = cpuid_raw(base, 0).eax;

    /* Early KVM left the maximum zero, and meant one leaf more. */
    if (base >= 0x40000000 && base < 0x80000000 && max == 0)
        max = base + 1;
    if (max < base || leaf > max)
        return none;
    return cpuid_raw(leaf, subleaf);
}

uint32_t cpuid_hypervisor(const char *signature)
{
    char wanted[12] = {0};
    size_t len = strlen(signature);

    if (!(cpuid_raw(1, 0).ecx & 1u << 31))
        return 0;
    memcpy(wanted, signature, len < sizeof wanted ? len : sizeof wanted);

    /* A hypervisor that imitates another has its own base behind that one. */
    for (uint32_t base = 0x40000000; base < 0x40001000; base += 0x100) {
        struct cpuid r = cpuid_raw(base, 0);
        uint32_t found[3] = {r.ebx, r.ecx, r.edx};

        if (memcmp(found, wanted, sizeof wanted) == 0)
            return base;
    }
    return 0;
}

static void features_read(void)
{
    struct cpuid one = cpuid(1, 0);
    struct cpuid seven = cpuid(7, 0);
    struct cpuid extended = cpuid(0x80000001, 0);
    struct cpuid sizes = cpuid(0x80000008, 0);

    features.nx = extended.edx >> 20 & 1;
    features.smep = seven.ebx >> 7 & 1;
    features.smap = seven.ebx >> 20 & 1;
    features.umip = seven.ecx >> 2 & 1;
    features.x2apic = one.ecx >> 21 & 1;
    features.tsc_deadline = one.ecx >> 24 & 1;
    features.invariant_tsc = cpuid(0x80000007, 0).edx >> 8 & 1;
    features.arat = cpuid(6, 0).eax >> 2 & 1;
    features.rdrand = one.ecx >> 30 & 1;
    features.rdseed = seven.ebx >> 18 & 1;
    features.aes = one.ecx >> 25 & 1;
    features.pclmul = one.ecx >> 1 & 1;
    features.ssse3 = one.ecx >> 9 & 1;
    features.hypervisor = one.ecx >> 31 & 1;
    features.physical_bits = sizes.eax ? sizes.eax & 0xff : 36;
}

static void features_require(void)
{
    static const struct {
        uint8_t bit; /* CPUID 1, EDX */
        const char *name;
    } wanted[] = {
        {4, "a time stamp counter"},
        {5, "model specific registers"},
        {9, "a local APIC"},
        {24, "FXSAVE"},
        {25, "SSE"},
        {26, "SSE2"},
    };
    uint32_t edx = cpuid(1, 0).edx;

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!(edx >> wanted[i].bit & 1))
            panic("this processor lacks %s", wanted[i].name);
}

static void features_enable(void)
{
    uint64_t cr0, cr4;

    if (features.nx)
        msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NXE);

    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    if (features.smep)
        cr4 |= CR4_SMEP;
    if (features.smap)
        cr4 |= CR4_SMAP;
    if (features.umip)
        cr4 |= CR4_UMIP;
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");

    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | CR0_WP) : "memory");
}

static void gdt_load(void)
{
    uint64_t base = (uint64_t)&tss;
    struct table_pointer pointer = {sizeof gdt - 1, (uint64_t)gdt};

    for (enum cpu_stack_use use = CPU_STACK_DOUBLE_FAULT; use < CPU_STACKS;
         use++)
        tss.ist[use - 1] = cpu_stack(use).top;
    tss.io_map = sizeof tss;

    gdt[GDT_CODE / 8] = 0x00209b0000000000;
    gdt[GDT_TSS / 8] = (sizeof tss - 1) | (base & 0xffffff) << 16 |
                       0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[GDT_TSS / 8 + 1] = base >> 32;

    __asm__ volatile("lgdt %0" : : "m"(pointer) : "memory");
    __asm__ volatile("ltr %w0" : : "r"(GDT_TSS) : "memory");
}

static void idt_load(void)
{
    /* IST of the exceptions that may find the stack unusable. */
    static const uint8_t ist[32] = {
        [2] = CPU_STACK_NMI,
        [8] = CPU_STACK_DOUBLE_FAULT,
        [18] = CPU_STACK_MACHINE_CHECK,
    };
    struct table_pointer pointer = {sizeof idt - 1, (uint64_t)idt};

    for (unsigned v = 0; v < 256; v++) {
        uint64_t entry = v < 32 ? (uint64_t)vector_exceptions + v * 16
                                : (uint64_t)vector_interrupts + (v - 32) * 8;

        idt[v] = (struct gate){
            .offset_low = (uint16_t)entry,
            .selector = GDT_CODE,
            .ist = v < 32 ? ist[v] : CPU_STACK_INTERRUPT,
            .type = GATE_PRESENT,
            .offset_middle = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
    __asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}

void cpu_init(void)
{
    gdt_load();
    idt_load();
    features_read();
    features_require();
    features_enable();
}
