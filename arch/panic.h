/* SPDX-License-Identifier: BSD-2-Clause */
/* Last words, and the way out. */
#ifndef ARCH_PANIC_H
#define ARCH_PANIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The processor's state as vectors.S pushes it on an exception.  The order is
 * that of the stack.
 */
struct cpu_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * Say why, print registers, a back trace and the last log lines, then reboot.
 * For boot and for what cannot be; no packet can reach one.
 * Level: any.
 */
_Noreturn void panic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* The same for an exception; called by vectors.S. */
_Noreturn void panic_exception(const struct cpu_frame *frame);

/* The ACPI reset register, where there is one. */
struct reset_register {
    bool present;
    bool in_memory; /* mapped by mmu_map_device(); else a port */
    uint64_t address;
    uint8_t value;
};

/* How to reboot; copied.  Level: boot. */
void panic_set_reset(const struct reset_register *reset);

/*
 * Called once with the whole report before the reboot, to keep it for the next
 * boot.  It must not wait for interrupts; a panic within it reboots at once.
 * Level: boot.
 */
void panic_set_keeper(void (*keep)(void *arg, const char *text, size_t len),
                      void *arg);

/* Reboot by every means there is, one after the other.  Level: any. */
_Noreturn void reboot(void);

/*
 * The agreed codes of boot tests, written to QEMU's isa-debug-exit at port
 * 0xf4, which makes QEMU exit with (code << 1 | 1): 85 for success.
 */
#define DEBUG_EXIT_PORT    0xf4
#define DEBUG_EXIT_SUCCESS 0x2a
#define DEBUG_EXIT_PANIC   0x13

/* Only time (about 20 ms) passes where the port is absent.  Level: any. */
void debug_exit(uint8_t code);

/*
 * For self-tests: an exception of that vector, with that address in CR2 (or
 * at RIP, for those that set no CR2), is a success.  `len` widens the address.
 */
void panic_expect(uint8_t vector, uintptr_t address, size_t len);

/* For self-tests: a panic whose message begins so is a success. */
void panic_expect_message(const char *start);

/*
 * The function that holds that address, its offset there; NULL when unknown.
 * Level: any.
 */
const char *symbol_find(uintptr_t address, uintptr_t *offset);

#endif
