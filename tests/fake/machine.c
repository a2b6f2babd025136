/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine that a test makes up: memory, registers, ports, interrupts. */
#include "tests/fake/machine.h"

#include "tests/fake/arch/cpu.h"
#include "tests/fake/arch/io.h"

#include "arch/apic.h"
#include "arch/entropy.h"
#include "arch/log.h"
#include "arch/mem.h"
#include "arch/mmu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MESSAGE_ADDRESS 0xfee00000

struct fake_machine fake;

static struct fake_registers *registers[FAKE_REGIONS_MAX];
static unsigned registers_count;

static struct {
    uint64_t physical;
    uint8_t *host;
    size_t len;
} memory[FAKE_REGIONS_MAX];
static unsigned memory_count;

static struct {
    irq_fn *fn;
    void *arg;
    unsigned sent;
    unsigned delivered;
} vectors[FAKE_VECTORS_MAX];
static unsigned vector_count;

/* Kept, so that the leak checker knows them and fake_reset() frees them. */
static void *allocated[256];
static unsigned allocated_count;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "fake machine: %s\n", what);
    abort();
}

void fake_reset(void)
{
    while (allocated_count > 0)
        free(allocated[--allocated_count]);
    while (registers_count > 0) {
        struct fake_registers *r = registers[--registers_count];
        munmap(r->at, r->len);
    }
    memory_count = 0;
    vector_count = 0;
    memset(vectors, 0, sizeof(vectors));
    fake = (struct fake_machine){.memory_left = 8 << 20};
}

void fake_registers_add(struct fake_registers *r)
{
    if (registers_count == FAKE_REGIONS_MAX)
        die("too many registers");
    r->at = mmap(NULL, r->len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->at == MAP_FAILED)
        die("no address space");
    registers[registers_count++] = r;
}

void fake_memory_add(uint64_t physical, void *host, size_t len)
{
    if (memory_count == FAKE_REGIONS_MAX)
        die("too many memories");
    memory[memory_count].physical = physical;
    memory[memory_count].host = host;
    memory[memory_count].len = len;
    memory_count++;
}

/* arch/mmu.h */

static bool covers(uint64_t start, size_t len, uint64_t at, uint64_t need)
{
    return start != 0 && need > 0 && at >= start && at - start <= len &&
           need <= len - (at - start);
}

void *mmu_map_device(uint64_t physical, uint64_t len)
{
    for (unsigned i = 0; i < registers_count; i++) {
        struct fake_registers *r = registers[i];
        if (covers(r->physical, r->len, physical, len))
            return r->at + (physical - r->physical);
    }
    return NULL;
}

const void *mmu_map_firmware(uint64_t physical, uint64_t len)
{
    for (unsigned i = 0; i < memory_count; i++) {
        if (covers(memory[i].physical, memory[i].len, physical, len))
            return memory[i].host + (physical - memory[i].physical);
    }
    return NULL;
}

/* arch/io.h */

static struct fake_registers *registers_at(uintptr_t at, unsigned width)
{
    fake.mmio_accesses++;
    for (unsigned i = 0; i < registers_count; i++) {
        struct fake_registers *r = registers[i];
        if (covers((uintptr_t)r->at, r->len, at, width))
            return r;
    }
    die("access outside of all registers");
}

uint64_t fake_mmio_read(const volatile void *at, unsigned width)
{
    struct fake_registers *r = registers_at((uintptr_t)at, width);

    return r->read(r->self, (uintptr_t)at - (uintptr_t)r->at, width);
}

void fake_mmio_write(volatile void *at, unsigned width, uint64_t value)
{
    struct fake_registers *r = registers_at((uintptr_t)at, width);

    r->write(r->self, (uintptr_t)at - (uintptr_t)r->at, width, value);
}

static uint32_t port_read(uint16_t port, unsigned width)
{
    return fake.port_read ? fake.port_read(port, width) : UINT32_MAX;
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
    if (fake.port_write)
        fake.port_write(port, width, value);
}

uint8_t in8(uint16_t port)
{
    return (uint8_t)port_read(port, 1);
}

uint16_t in16(uint16_t port)
{
    return (uint16_t)port_read(port, 2);
}

uint32_t in32(uint16_t port)
{
    return port_read(port, 4);
}

void out8(uint16_t port, uint8_t value)
{
    port_write(port, 1, value);
}

void out16(uint16_t port, uint16_t value)
{
    port_write(port, 2, value);
}

void out32(uint16_t port, uint32_t value)
{
    port_write(port, 4, value);
}

/* arch/cpu.h, arch/mem.h, arch/log.h, arch/entropy.h */

uint64_t counter_read(void)
{
    uint64_t now = fake.counter;

    fake.counter += fake.counter_step;
    if (fake.on_counter)
        fake.on_counter();
    return now;
}

void *mem_alloc(size_t size, size_t align)
{
    void *p;

    if (align < 16)
        align = 16;
    if (size > fake.memory_left)
        die("out of memory");
    if (allocated_count == sizeof(allocated) / sizeof(allocated[0]) ||
        posix_memalign(&p, align, size ? size : 1) != 0)
        die("no memory on the host");
    fake.memory_left -= size;
    allocated[allocated_count++] = p;
    return memset(p, 0, size);
}

uint64_t mem_available(void)
{
    return fake.memory_left;
}

void log_line(const char *fmt, ...)
{
    size_t used = strlen(fake.log);
    va_list args;

    va_start(args, fmt);
    vsnprintf(fake.log + used, sizeof(fake.log) - used, fmt, args);
    va_end(args);
    used = strlen(fake.log);
    snprintf(fake.log + used, sizeof(fake.log) - used, "\n");
}

bool fake_said(const char *what)
{
    return strstr(fake.log, what) != NULL;
}

void entropy_fill(void *buf, size_t len)
{
    memset(buf, 0xff, len);
}

/* arch/irq.h, arch/apic.h */

uint8_t irq_register(irq_fn *fn, void *arg)
{
    if (vector_count == FAKE_VECTORS_MAX)
        die("out of vectors");
    vectors[vector_count].fn = fn;
    vectors[vector_count].arg = arg;
    return (uint8_t)(FAKE_VECTOR + vector_count++);
}

struct apic_message apic_msi(uint8_t vector)
{
    return (struct apic_message){MESSAGE_ADDRESS, vector};
}

void fake_message(uint64_t address, uint32_t data)
{
    if (address != MESSAGE_ADDRESS || data < FAKE_VECTOR ||
        data - FAKE_VECTOR >= vector_count)
        die("a message to nowhere");
    vectors[data - FAKE_VECTOR].sent++;
}

unsigned fake_interrupts(uint8_t vector)
{
    return vectors[vector - FAKE_VECTOR].sent;
}

void fake_deliver_interrupts(uint64_t entry_ticks)
{
    for (unsigned i = 0; i < vector_count; i++) {
        if (vectors[i].delivered == vectors[i].sent)
            continue;
        vectors[i].delivered = vectors[i].sent;
        vectors[i].fn(vectors[i].arg, entry_ticks);
    }
}
