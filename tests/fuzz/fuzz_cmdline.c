/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the loader's command line. */
#include "tests/fuzz/config_holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char line[CONFIG_COMMAND_LINE_MAX + 100];

    if (len >= sizeof(line))
        return 0;
    memcpy(line, data, len);
    line[len] = 0;
    config_init(&builder);
    config_add_command_line(&builder, line);
    return all_holds();
}
