/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot tests of the protections, in every image, so that what ships is what
 * was tested.  Each ends by debug_exit(): success, or a panic that says what
 * happened instead.
 */
#include "arch/selftest.h"

#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/fmt.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "arch/panic.h"
#include "arch/simd.h"
#include "arch/vectors.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DOUBLE_FAULT      8
#define STORM_INTERRUPTS  2000
#define STORM_GAP_TICKS   20000
#define IDLE_SECONDS      3
#define ENOUGH_INTERRUPTS 1000000 /* the storm ends, whatever comes */

extern const uint8_t image_rodata_start[];

/* An address that the compiler knows nothing about. */
static volatile uint8_t *anywhere(uintptr_t address)
{
    __asm__ volatile("" : "+r"(address));
    return (volatile uint8_t *)address;
}

static _Noreturn void passed(const char *name)
{
    log_line("selftest: %s: passed", name);
    log_flush();
    debug_exit(DEBUG_EXIT_SUCCESS);
    reboot();
}

static void text_write(void)
{
    uintptr_t at = (uintptr_t)selftest_run;

    panic_expect(VECTOR_PAGE_FAULT, at, 1);
    *anywhere(at) = 0xc3;
}

static void rodata_write(void)
{
    uintptr_t at = (uintptr_t)image_rodata_start;

    panic_expect(VECTOR_PAGE_FAULT, at, 1);
    *anywhere(at) = 1;
}

static void execute(uintptr_t at)
{
    if (!cpu_features()->nx)
        passed("no NX on this processor");
    panic_expect(VECTOR_PAGE_FAULT, at, 1);
    __asm__ volatile("call *%0" : : "r"(at) : "memory");
}

static void data_exec(void)
{
    static uint8_t code[16] = {0xc3}; /* ret */

    execute((uintptr_t)code);
}

static void stack_exec(void)
{
    volatile uint8_t code[16] = {0xc3};

    execute((uintptr_t)code);
}

static void rodata_exec(void)
{
    static const uint8_t code[16] = {0xc3};

    execute((uintptr_t)code);
}

static void null_read(void)
{
    panic_expect(VECTOR_PAGE_FAULT, 0, 4096);
    (void)*anywhere(8);
}

static void null_call(void)
{
    panic_expect(VECTOR_PAGE_FAULT, 0, 1);
    __asm__ volatile("call *%0" : : "r"(0ul) : "memory");
}

/* Eat the stack in bites that cannot miss a page. */
static void descend(volatile uint8_t *above)
{
    volatile uint8_t bite[256];

    bite[0] = above[0];
    if (bite[0] == 0) /* always, but who knows */
        descend(bite);
    above[0] = bite[0];
}

static void stack_overflow(void)
{
    volatile uint8_t first[1] = {0};

    panic_expect(DOUBLE_FAULT, cpu_stack(CPU_STACK_MAIN).guard, 4096);
    descend(first);
}

static void descend_at_interrupt(void *arg, uint64_t entry_ticks)
{
    volatile uint8_t first[1] = {0};

    (void)arg;
    (void)entry_ticks;
    descend(first);
}

static _Noreturn void wait_for_ever(void)
{
    for (;;) {
        irq_disable();
        cpu_idle();
    }
}

static void guard_ist(void)
{
    static struct timer t = {.fn = descend_at_interrupt};

    panic_expect(DOUBLE_FAULT, cpu_stack(CPU_STACK_INTERRUPT).guard, 4096);
    timer_add(&t);
    timer_set(&t, 0);
    wait_for_ever();
}

/* The guard page below one stack: `guard-nmi` and so on. */
static void guard_read(const char *stack)
{
    for (enum cpu_stack_use use = 0; use < CPU_STACKS; use++) {
        if (strcmp(stack, cpu_stack(use).name) != 0)
            continue;
        panic_expect(VECTOR_PAGE_FAULT, cpu_stack(use).guard + 4095, 1);
        (void)*anywhere(cpu_stack(use).guard + 4096);
        (void)*anywhere(cpu_stack(use).guard + 4095);
    }
}

static void stack_smash(void)
{
    volatile uint8_t small[16];
    volatile uint8_t *beyond = anywhere((uintptr_t)small);

    panic_expect_message("a stack frame was overwritten");
    for (unsigned i = 0; i < 48; i++)
        beyond[i] = 0x5a;
}

static void do_panic(void)
{
    panic_expect_message("a panic was asked for");
    panic("a panic was asked for");
}

static void panic_again(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
    *anywhere(8) = 0;
}

/* Ends by the panic's code: what is asked is that it ends. */
static void double_panic(void)
{
    panic_set_keeper(panic_again, NULL);
    panic("the first of two");
}

static void watchdog(void)
{
    panic_expect_message("watchdog:");
    wait_for_ever();
}

/* A storm of timer interrupts, each spoiling every register it may use. */
struct storm {
    struct timer timer;
    struct simd_area area;
    uint64_t count;
};

static void storm_irq(void *arg, uint64_t entry_ticks)
{
    struct storm *s = arg;

    s->count++;
    simd_begin(&s->area);
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm15, %%xmm15" : :);
    simd_end(&s->area);
    if (s->count < ENOUGH_INTERRUPTS)
        timer_set(&s->timer, entry_ticks + STORM_GAP_TICKS);
}

static struct storm *storm_start(void)
{
    static struct storm s = {.timer = {.fn = storm_irq, .arg = &s}};

    timer_add(&s.timer);
    timer_set(&s.timer, 0);
    return &s;
}

/*
 * Fill the 128 bytes below RSP, which libgcc uses as its red zone, let
 * interrupts come, and look again: 1 when they are as they were.
 */
static bool red_zone_holds(uint64_t pattern)
{
    uint64_t same;

    __asm__ volatile("leaq -128(%%rsp), %%rdi\n\t"
                     "movl $16, %%ecx\n\t"
                     "1: movq %1, -8(%%rdi,%%rcx,8)\n\t"
                     "decl %%ecx\n\t"
                     "jnz 1b\n\t"
                     "movl $20000, %%ecx\n\t"
                     "2: pause\n\t"
                     "decl %%ecx\n\t"
                     "jnz 2b\n\t"
                     "movl $1, %%eax\n\t"
                     "movl $16, %%ecx\n\t"
                     "3: cmpq %1, -8(%%rdi,%%rcx,8)\n\t"
                     "je 4f\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "4: decl %%ecx\n\t"
                     "jnz 3b\n\t"
                     : "=&a"(same)
                     : "r"(pattern)
                     : "rcx", "rdi", "memory", "cc");
    return same;
}

static void red_zone(void)
{
    volatile struct storm *s = storm_start();
    uint64_t pattern = 0x9e3779b97f4a7c15;

    while (s->count < STORM_INTERRUPTS) {
        if (!red_zone_holds(pattern))
            panic("the red zone was spoilt after %llu interrupts",
                  (unsigned long long)s->count);
        pattern = pattern << 1 | pattern >> 63;
        watchdog_pass();
    }
    passed("red-zone");
}

/* Two vector registers through the same storm. */
static bool vectors_hold(uint64_t pattern)
{
    uint64_t first, last;

    __asm__ volatile("movq %2, %%xmm0\n\t"
                     "movq %2, %%xmm15\n\t"
                     "movl $20000, %%ecx\n\t"
                     "1: pause\n\t"
                     "decl %%ecx\n\t"
                     "jnz 1b\n\t"
                     "movq %%xmm0, %0\n\t"
                     "movq %%xmm15, %1\n\t"
                     : "=&r"(first), "=&r"(last)
                     : "r"(pattern)
                     : "rcx", "memory", "cc");
    return first == pattern && last == pattern;
}

static void vectors(void)
{
    volatile struct storm *s = storm_start();
    uint64_t pattern = 0x9e3779b97f4a7c15;

    while (s->count < STORM_INTERRUPTS) {
        if (!vectors_hold(pattern))
            panic("a vector register was spoilt after %llu interrupts",
                  (unsigned long long)s->count);
        pattern = pattern << 1 | pattern >> 63;
        watchdog_pass();
    }
    passed("vectors");
}

/* Halted, an interrupt comes each second, and not much more often. */
static void idle(void)
{
    uint64_t before = irq_counts().delivered;
    uint64_t start = log_micros(counter_read());
    uint64_t micros;

    do {
        uint64_t halted = log_micros(counter_read());

        irq_disable();
        cpu_idle();
        watchdog_pass();
        micros = log_micros(counter_read());
        if (micros - halted > 1500000)
            panic("a halt took %llu us", (unsigned long long)(micros - halted));
    } while (micros - start < IDLE_SECONDS * 1000000 + 500000);

    uint64_t came = irq_counts().delivered - before;

    if (came < IDLE_SECONDS || came > 4 * IDLE_SECONDS)
        panic("%llu interrupts in %d idle seconds", (unsigned long long)came,
              IDLE_SECONDS);
    passed("idle");
}

static void run(const char *name)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"text-write", text_write},   {"rodata-write", rodata_write},
        {"rodata-exec", rodata_exec}, {"data-exec", data_exec},
        {"stack-exec", stack_exec},   {"null", null_read},
        {"null-call", null_call},     {"stack-overflow", stack_overflow},
        {"guard-ist", guard_ist},     {"stack-smash", stack_smash},
        {"red-zone", red_zone},       {"vectors", vectors},
        {"panic", do_panic},          {"double-panic", double_panic},
        {"watchdog", watchdog},       {"idle", idle},
        {"reboot", reboot},
    };

    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (strcmp(name, tests[i].name) == 0)
            tests[i].run();
    if (strncmp(name, "guard-", 6) == 0)
        guard_read(name + 6);
}

void selftest_run(const char *words)
{
    char name[32];

    /* The rest of the command line may follow. */
    fmt_print(name, sizeof name, "%.*s", (int)strcspn(words, " ;"), words);
    log_line("selftest: %s", name);
    log_flush();
    run(name);
    panic("selftest: %s: nothing stopped it", name);
}
