/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial console: a 16550 at COM1. */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include <stdbool.h>

/*
 * Find COM1, set it to 115200 8N1, and make it the log's console.
 *
 * Returns false when there is none; the log is then kept in memory only.
 * Level: boot.
 */
bool uart_attach(void);

#endif
