/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine that a test makes up: memory, registers, ports, interrupts. */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include "arch/irq.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_REGIONS_MAX 64
#define FAKE_VECTOR      0x40 /* the first one that irq_register() gives */
#define FAKE_VECTORS_MAX 32

/* Registers: where they are, and what reading and writing them does.  Their
 * host addresses can be used for nothing else. */
struct fake_registers {
    uint64_t physical; /* may be moved; 0: nowhere */
    size_t len;
    uint64_t (*read)(void *self, size_t offset, unsigned width);
    void (*write)(void *self, size_t offset, unsigned width, uint64_t value);
    void *self;
    uint8_t *at; /* by fake_registers_add() */
};

struct fake_machine {
    uint64_t counter;         /* what counter_read() gives, plus ... */
    uint64_t counter_step;    /* ... this with each reading */
    void (*on_counter)(void); /* happens after each reading, or NULL */
    size_t memory_left; /* for mem_alloc(), which fails the test without */
    char log[4096];     /* all lines, cut */
    uint64_t mmio_accesses;

    uint32_t (*port_read)(uint16_t port, unsigned width);
    void (*port_write)(uint16_t port, unsigned width, uint32_t value);
};

extern struct fake_machine fake;

/* An empty machine.  Frees what the last one had. */
void fake_reset(void);

/* Is that in its log? */
bool fake_said(const char *what);

/* `registers` stay the caller's, and must stay. */
void fake_registers_add(struct fake_registers *registers);

/* Memory at a physical address, `host` being where it is here. */
void fake_memory_add(uint64_t physical, void *host, size_t len);

/* An interrupt by message, as a device sends it. */
void fake_message(uint64_t address, uint32_t data);

/* How often a vector has been sent to. */
unsigned fake_interrupts(uint8_t vector);

/* Run the handler of every vector sent to since the last call. */
void fake_deliver_interrupts(uint64_t entry_ticks);

#endif
