/* SPDX-License-Identifier: BSD-2-Clause */
/* Serial console. */
#include "drivers/uart.h"

#include "arch/io.h"
#include "arch/log.h"

#include <stddef.h>

#define COM1 0x3f8

/* Registers, by their names in the PC16550D datasheet. */
#define UART_THR      (COM1 + 0)
#define UART_DLL      (COM1 + 0)
#define UART_IER      (COM1 + 1)
#define UART_DLM      (COM1 + 1)
#define UART_FCR      (COM1 + 2)
#define UART_LCR      (COM1 + 3)
#define UART_MCR      (COM1 + 4)
#define UART_LSR      (COM1 + 5)
#define UART_SCR      (COM1 + 7)
#define UART_LCR_8N1  0x03
#define UART_LCR_DLAB 0x80
#define UART_FCR_ON   0x07 /* enable and clear both FIFOs */
#define UART_MCR_DTR  0x01
#define UART_MCR_RTS  0x02
#define UART_LSR_THRE 0x20

#define FIFO_SIZE 16

/*
 * How often to look for an empty FIFO before giving it up: sixteen characters
 * take 1.4 ms at 115200, and no port answers faster than in 100 ns.
 */
#define PATIENCE 100000

static size_t uart_write(void *arg, const char *text, size_t len)
{
    (void)arg;
    if (!(in8(UART_LSR) & UART_LSR_THRE))
        return 0;
    if (len > FIFO_SIZE)
        len = FIFO_SIZE;
    for (size_t i = 0; i < len; i++)
        out8(UART_THR, (uint8_t)text[i]);
    return len;
}

/*
 * A port that nobody empties is waited for once: last words have thousands of
 * characters, and the reboot comes after them.
 */
static void uart_write_all(void *arg, const char *text, size_t len)
{
    static bool stuck;

    while (len > 0) {
        unsigned patience = stuck ? 1 : PATIENCE;
        size_t written = 0;

        for (unsigned i = 0; i < patience && written == 0; i++)
            written = uart_write(arg, text, len);
        stuck = written == 0;
        if (stuck)
            return;
        text += written;
        len -= written;
    }
}

static bool uart_probe(void)
{
    out8(UART_SCR, 0x5a);
    if (in8(UART_SCR) != 0x5a)
        return false;
    out8(UART_SCR, 0xa5);
    return in8(UART_SCR) == 0xa5;
}

bool uart_attach(void)
{
    static const struct log_console console = {
        .write = uart_write,
        .write_all = uart_write_all,
    };

    if (!uart_probe())
        return false;
    out8(UART_IER, 0);
    out8(UART_LCR, UART_LCR_DLAB);
    out8(UART_DLL, 1); /* 115200 */
    out8(UART_DLM, 0);
    out8(UART_LCR, UART_LCR_8N1);
    out8(UART_FCR, UART_FCR_ON);
    out8(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
    log_set_console(&console);
    return true;
}
