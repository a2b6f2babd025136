/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as Multiboot2 boot information. */
#include "boot/loader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct boot_info info;
    enum loader_verdict verdict = loader_multiboot2(&info, data, len, 0x9000);

    MUST(memchr(info.cmdline, '\0', sizeof info.cmdline) != NULL);
    MUST(memchr(info.loader, '\0', sizeof info.loader) != NULL);
    MUST(info.ram_count <= BOOT_RAM_MAX);
    MUST(info.reserved_count <= BOOT_RESERVED_MAX);
    MUST(info.module_count <= BOOT_MODULES_MAX);
    MUST(verdict != LOADER_OK || info.ram_count > 0);
    for (size_t i = 0; i < info.ram_count; i++)
        MUST(info.ram[i].start < info.ram[i].end);
    for (size_t i = 0; i < info.module_count; i++) {
        MUST(info.module[i].at.start < info.module[i].at.end);
        MUST(info.module[i].at.end <= 1ull << 32);
    }
    MUST(info.rsdp_len == 0 || info.rsdp_len == 20 || info.rsdp_len == 36);
    return 0;
}
