/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which everything starts. */
#include "boot/loader.h"

#include "arch/io.h"

_Noreturn void boot_main(uint32_t protocol, uint64_t address,
                         uint64_t entry_ticks)
{
    (void)address;
    (void)entry_ticks;
    out8(0x3f8, protocol == LOADER_PVH ? 'P' : 'M');
    out8(0x3f8, '\n');
    out8(0xf4, 0x2a);
    for (;;)
        __asm__ volatile("hlt");
}
