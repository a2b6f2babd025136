/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes behind a line that makes an ntp.conf of them. */
#include "tests/fuzz/config_holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char first[] = "disable kernel\n";
    static char text[64 * 1024];

    if (len > sizeof(text) - sizeof(first))
        return 0;
    memcpy(text, first, strlen(first));
    memcpy(text + strlen(first), data, len);
    config_init(&builder);
    config_add_text(&builder, "ntp.conf", text, strlen(first) + len);
    return all_holds();
}
