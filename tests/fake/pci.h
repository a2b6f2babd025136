/* SPDX-License-Identifier: BSD-2-Clause */
/* A PCI machine that a test makes up: functions, bridges, configuration. */
#ifndef TESTS_FAKE_PCI_H
#define TESTS_FAKE_PCI_H

#include "tests/fake/machine.h"

#define FAKE_PCI_MAX  48
#define FAKE_PCI_ECAM 0xb0000000

/* A function.  Set the address, `config` and `bar` and call fake_pci_add(). */
struct fake_function {
    uint8_t bus;
    uint8_t slot;
    uint8_t function;
    bool bridge; /* `bus` is the primary; found when the bridges above let it */
    uint8_t config[256];
    uint64_t bar_size[6]; /* a power of two; 0: none */
    bool bar_wide[6];
    struct fake_registers *bar[6]; /* moved when the BAR is written */
};

/* Reachable by ECAM for that many buses (0: none), and by ports or not. */
void fake_pci_reset(unsigned ecam_buses, bool ports);

/*
 * Put a function where it belongs.  With `above` it is on the bus behind that
 * bridge, whatever number that gets; then its own `bus` is not looked at.
 */
void fake_pci_add(struct fake_function *f, struct fake_function *above);

/* Set up a function's header. */
void fake_pci_header(struct fake_function *f, uint16_t vendor, uint16_t id,
                     uint8_t class);

/* Write into its configuration, little-endian. */
void fake_config16(struct fake_function *f, unsigned offset, uint16_t value);
void fake_config32(struct fake_function *f, unsigned offset, uint32_t value);
uint32_t fake_config_read(const struct fake_function *f, unsigned offset);

/* What a 64-bit or 32-bit BAR holds now, without its flags. */
uint64_t fake_bar(const struct fake_function *f, unsigned i);

#endif
