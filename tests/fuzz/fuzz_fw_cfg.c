/* SPDX-License-Identifier: BSD-2-Clause */
/* Any fw_cfg device: what it says is the input, read again and again. */
/* links: drivers/fw_cfg tests/fake/machine */
#include "drivers/fw_cfg.h"
#include "tests/fake/machine.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *input;
static size_t input_len;
static size_t at;
static uint64_t dma_high;

static uint8_t next(void)
{
    return at < input_len ? input[at++] : 0;
}

static uint32_t port_read(uint16_t port, unsigned width)
{
    (void)port, (void)width;
    return next();
}

/* Signature and features come by bytes, the rest by DMA if so said. */
static void port_write(uint16_t port, unsigned width, uint32_t value)
{
    (void)width;
    if (port == 0x514)
        dma_high = (uint64_t)__builtin_bswap32(value) << 32;
    if (port != 0x518)
        return;

    uint8_t *command =
        (uint8_t *)(uintptr_t)(dma_high | __builtin_bswap32(value));
    uint8_t *to = (uint8_t *)(uintptr_t)((uint64_t)be32(command + 8) << 32 |
                                         be32(command + 12));
    uint32_t len = be32(command + 4);
    for (uint32_t i = 0; i < len; i++)
        to[i] = next();
    memset(command, 0, 4);
    command[3] = next() == 0xff; /* an error, sometimes */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const names[] = {FW_CFG_CONF, FW_CFG_ARCHIVE};
    struct fw_cfg fw;
    uint64_t sum = 0;

    input = data;
    input_len = len;
    at = 0;
    fake_reset();
    fake.port_read = port_read;
    fake.port_write = port_write;
    fw_cfg_probe(&fw);
    for (unsigned i = 0; i < 2; i++) {
        struct view v;

        if (fw_cfg_load(&fw, names[i], &v) != FW_CFG_OK)
            continue;
        if (!v.ok || v.left > FW_CFG_ITEM_MAX)
            abort();
        for (size_t j = 0; j < v.left; j++)
            sum += v.at[j];
    }
    /* Nothing is left unread, as the sanitizer sees it. */
    if (sum == UINT64_MAX)
        abort();
    fake_reset();
    return 0;
}
