/* SPDX-License-Identifier: BSD-2-Clause */
/* Any partition table, vouched for or not: 92 bytes of header, entries. */
#include "boot/gpt.h"
#include "tests/gpt_make.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t header[512], entries[GPT_ENTRIES_MAX];
    const struct gpt_disk shape = {512, 1 << 20};
    struct gpt gpt;
    struct gpt_partition p;
    uint32_t at = 0;

    if (len < 93 || len - 93 > sizeof(entries))
        return 0;
    memset(header, 0, sizeof(header));
    memcpy(header, data + 1, 92);
    memset(entries, 0, sizeof(entries));
    memcpy(entries, data + 93, len - 93);
    if (data[0] & 1) {
        memcpy(header, "EFI PART", 8);
        gpt_make_put(header + 12, 92, 4);
        gpt_make_put(header + 24, 1, 8);
        size_t vouched = ((size_t)header[80] * header[84]) % sizeof(entries);

        gpt_make_seal(header, entries, vouched);
    }
    if (gpt_header_read(&gpt, &shape, 1, header, sizeof(header)) != GPT_OK)
        return 0;

    size_t bytes = gpt_entries_bytes(&gpt);

    if (bytes == 0 || bytes > GPT_ENTRIES_MAX ||
        gpt.entries * 512 + bytes > shape.blocks * 512)
        abort();
    if (bytes <= 1024)
        gpt_entries_ok(&gpt, entries);
    while (gpt_next(&gpt, entries, &at, &p)) {
        if (p.first < 2 || p.first > p.last || p.last >= shape.blocks ||
            strlen(p.name) > GPT_NAME_MAX)
            abort();
    }
    if (at != gpt.count)
        abort();
    return 0;
}
