/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a chrony.conf. */
#include "tests/fuzz/config_holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    config_init(&builder);
    config_add_text(&builder, "chrony.conf", data, len);
    return all_holds();
}
