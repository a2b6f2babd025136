/* SPDX-License-Identifier: BSD-2-Clause */
/* Last words, and the way out. */
#include "arch/panic.h"

#include "arch/cpu.h"
#include "arch/fmt.h"
#include "arch/io.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "arch/symbols.h"

#include <stdarg.h>
#include <string.h>

#define TRACE_MAX   24   /* return addresses; deeper ones say little */
#define STEPS_MAX   4096 /* frames that the largest stack could hold */
#define LINES_MAX   12   /* last log lines in the report */
#define REPORT_ROOM 4096

extern const uint8_t image_text_end[];

/* There is one panic, and nobody to own it. */
static struct {
    bool under_way;
    struct reset_register reset;
    void (*keep)(void *arg, const char *text, size_t len);
    void *keep_arg;

    bool expected;
    uint8_t expected_vector;
    struct {
        uintptr_t start;
        size_t len;
    } expected_at;
    const char *expected_message;

    char report[REPORT_ROOM];
    size_t len;
} last;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    last.len += fmt_line(last.report + last.len, sizeof last.report - last.len,
                         fmt, args);
    va_end(args);
}

const char *symbol_find(uintptr_t address, uintptr_t *offset)
{
    const struct symbol *found = NULL;

    if (address >= (uintptr_t)image_text_end)
        return NULL;
    for (uint32_t i = 0; i < symbol_count; i++) {
        if (symbol_table[i].address > address)
            break;
        found = &symbol_table[i];
    }
    if (found == NULL)
        return NULL;
    *offset = address - found->address;
    return symbol_text + found->name;
}

static void say_address(const char *what, uintptr_t address)
{
    uintptr_t offset = 0;
    const char *name = symbol_find(address, &offset);

    if (name != NULL)
        say("%s %016lx %s+0x%lx\n", what, address, name, offset);
    else
        say("%s %016lx\n", what, address);
}

/* Is that where a frame of ours may lie, and mapped? */
static bool is_frame(uintptr_t at)
{
    if (at % 8 != 0)
        return false;
    for (enum cpu_stack_use use = 0; use < CPU_STACKS; use++) {
        struct cpu_stack stack = cpu_stack(use);

        if (at >= stack.guard + 4096 && at <= stack.top - 16)
            return true;
    }
    return false;
}

/* From frame to frame; a recursion is said once, with how often. */
static void say_trace(uintptr_t rip, uintptr_t rbp)
{
    uintptr_t same = rip;
    unsigned again = 0;

    say_address("  at", rip);
    for (unsigned lines = 0, i = 0; lines < TRACE_MAX && i < STEPS_MAX; i++) {
        const uintptr_t *frame = (const uintptr_t *)rbp;
        uintptr_t from = is_frame(rbp) ? frame[1] : 0;

        if (from != 0 && from == same) {
            again++;
            rbp = frame[0];
            continue;
        }
        if (again > 0)
            say("     %u times more\n", again);
        if (from == 0)
            return;
        say_address("from", from);
        lines++;
        again = 0;
        same = from;
        rbp = frame[0];
    }
}

static uint64_t cr2_read(void)
{
    uint64_t cr2;

    __asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
    return cr2;
}

static void say_registers(const struct cpu_frame *f)
{
    uint64_t cr3;

    __asm__ volatile("movq %%cr3, %0" : "=r"(cr3));
    say("rip %016lx cs %04lx rflags %08lx\n", f->rip, f->cs, f->rflags);
    say("rsp %016lx ss %04lx cr2 %016lx cr3 %08lx\n", f->rsp, f->ss, cr2_read(),
        cr3);
    say("rax %016lx rbx %016lx rcx %016lx\n", f->rax, f->rbx, f->rcx);
    say("rdx %016lx rsi %016lx rdi %016lx\n", f->rdx, f->rsi, f->rdi);
    say("rbp %016lx r8  %016lx r9  %016lx\n", f->rbp, f->r8, f->r9);
    say("r10 %016lx r11 %016lx r12 %016lx\n", f->r10, f->r11, f->r12);
    say("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
}

static void say_log(void)
{
    say("last log lines:\n");
    last.len += log_tail(last.report + last.len, sizeof last.report - last.len,
                         LINES_MAX);
}

/* To the console, whose terminal wants both ends of a line. */
static void print(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            log_write_raw("\r\n", 2);
        else
            log_write_raw(&text[i], 1);
    }
}

/* The first one here gets through; a panic within a panic only reboots. */
static void enter(void)
{
    irq_save();
    if (last.under_way) {
        print("\npanic: again, within a panic\n", 30);
        debug_exit(DEBUG_EXIT_PANIC);
        reboot();
    }
    last.under_way = true;
    log_flush();
}

static _Noreturn void leave(bool expected)
{
    say_log();
    print(last.report, last.len);
    if (expected) {
        print("selftest: passed\n", 17);
        debug_exit(DEBUG_EXIT_SUCCESS);
        reboot();
    }
    if (last.keep != NULL)
        last.keep(last.keep_arg, last.report, last.len);
    print("rebooting\n", 10);
    debug_exit(DEBUG_EXIT_PANIC);
    reboot();
}

void panic(const char *fmt, ...)
{
    uintptr_t rbp = (uintptr_t)__builtin_frame_address(0);
    va_list args;

    enter();
    say("panic: ");

    size_t start = last.len;

    va_start(args, fmt);
    last.len += fmt_line(last.report + last.len, sizeof last.report - last.len,
                         fmt, args);
    va_end(args);
    say("\n");
    say_trace((uintptr_t)__builtin_return_address(0), *(const uintptr_t *)rbp);

    const char *wanted = last.expected_message;

    leave(wanted != NULL &&
          strncmp(last.report + start, wanted, strlen(wanted)) == 0);
}

static const char *exception_name(uint64_t vector)
{
    static const char *const names[] = {
        "divide error",
        "debug",
        "non-maskable interrupt",
        "breakpoint",
        "overflow",
        "bound range exceeded",
        "invalid opcode",
        "device not available",
        "double fault",
        "coprocessor segment overrun",
        "invalid TSS",
        "segment not present",
        "stack-segment fault",
        "general protection",
        "page fault",
        "reserved",
        "x87 floating-point",
        "alignment check",
        "machine check",
        "SIMD floating-point",
        "virtualization",
        "control protection",
    };

    if (vector < sizeof names / sizeof names[0])
        return names[vector];
    return "exception";
}

static bool is_expected(const struct cpu_frame *f)
{
    /* A double fault here comes of a page fault on a guard page. */
    bool has_cr2 = f->vector == 14 || f->vector == 8;
    uintptr_t at = has_cr2 ? cr2_read() : f->rip;

    return last.expected && f->vector == last.expected_vector &&
           at >= last.expected_at.start &&
           at - last.expected_at.start < last.expected_at.len;
}

void panic_exception(const struct cpu_frame *frame)
{
    enter();
    say("panic: %s (vector %lu, error %lx) at %lx",
        exception_name(frame->vector), frame->vector, frame->error, frame->rip);
    if (frame->vector == 14 || frame->vector == 8) {
        uintptr_t at = cr2_read();

        say(", address %lx", at);
        for (enum cpu_stack_use use = 0; use < CPU_STACKS; use++)
            if (at - cpu_stack(use).guard < 4096)
                say(", below the %s stack", cpu_stack(use).name);
    }
    say("\n");
    say_registers(frame);
    say_trace(frame->rip, frame->rbp);
    leave(is_expected(frame));
}

void panic_set_reset(const struct reset_register *reset)
{
    last.reset = *reset;
}

void panic_set_keeper(void (*keep)(void *arg, const char *text, size_t len),
                      void *arg)
{
    last.keep = keep;
    last.keep_arg = arg;
}

void panic_expect(uint8_t vector, uintptr_t address, size_t len)
{
    last.expected = true;
    last.expected_vector = vector;
    last.expected_at.start = address;
    last.expected_at.len = len;
}

void panic_expect_message(const char *start)
{
    last.expected_message = start;
}

/* Long enough for any chipset to act: port 0x80 takes about a microsecond. */
static void wait_for_reset(void)
{
    for (unsigned i = 0; i < 20000; i++)
        out8(0x80, 0);
}

void debug_exit(uint8_t code)
{
    out8(DEBUG_EXIT_PORT, code);
    wait_for_reset(); /* QEMU goes on for a while, and takes the last code */
}

static void reset_by_acpi(void)
{
    if (!last.reset.present)
        return;
    if (last.reset.in_memory)
        mmio_write8((volatile void *)last.reset.address, last.reset.value);
    else
        out8((uint16_t)last.reset.address, last.reset.value);
    wait_for_reset();
}

static void reset_by_chipset(void)
{
    out8(0xcf9, 0x02); /* a hard reset, */
    out8(0xcf9, 0x06); /* now */
    wait_for_reset();
}

static void reset_by_keyboard(void)
{
    out8(0x64, 0xfe); /* pulse the reset line */
    wait_for_reset();
}

static _Noreturn void reset_by_triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};

    for (;;)
        __asm__ volatile("lidt %0; int3" : : "m"(none) : "memory");
}

void reboot(void)
{
    irq_save();
    reset_by_acpi();
    reset_by_chipset();
    reset_by_keyboard();
    reset_by_triple_fault();
}
