/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the boot archive, with the files that its files name. */
#include "tests/fuzz/config_holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    config_init(&builder);
    config_add_archive(&builder, "boot archive", data, len);
    config_add_command_line(&builder, "keyfile keys; server 10.0.0.1 key 1");
    return all_holds();
}
