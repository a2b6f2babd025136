/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which everything starts. */
#include "boot/loader.h"

#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "arch/mmu.h"
#include "arch/panic.h"
#include "arch/selftest.h"
#include "drivers/uart.h"

#include <string.h>

static struct boot_info info;

void boot_main(uint32_t protocol, uint64_t address, uint64_t entry_ticks)
{
    static const struct apic_madt madt;

    log_set_zero(entry_ticks);
    uart_attach();
    cpu_init();
    if (loader_read(&info, protocol, address) != LOADER_OK)
        panic("the loader's information cannot be read");
    mem_init(info.ram, info.ram_count, info.reserved, info.reserved_count);
    mmu_init(info.ram, info.ram_count);
    log_line("boot: %s %s, \"%s\"", info.protocol, info.loader, info.cmdline);
    log_line("memory: %llu KiB", (unsigned long long)mem_available() / 1024);
    entropy_init();
    log_line("entropy: %u bits", entropy_state().bits);
    for (size_t i = 0; i < info.module_count; i++)
        log_line("module: %llx to %llx %s",
                 (unsigned long long)info.module[i].at.start,
                 (unsigned long long)info.module[i].at.end,
                 info.module[i].name);
    log_line("rsdp: %u bytes", info.rsdp_len);
    apic_init(&madt);
    log_set_rate(2000000000);
    timer_init(2000000000);
    log_line("%s", apic_describe());
    log_flush();
    irq_enable();

    const char *word = strstr(info.cmdline, "selftest=");

    if (word != NULL)
        selftest_run(word + 9);
    for (;;) {
        watchdog_pass();
        log_drain();
        irq_disable();
        cpu_idle();
    }
}
