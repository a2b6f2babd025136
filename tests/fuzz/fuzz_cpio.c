/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a boot archive: members lie inside, in order, apart. */
#include "boot/cpio.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reader r = reader_of(data, len);
    const uint8_t *end = data + len;
    const uint8_t *last = data;
    struct cpio_entry e;

    while (cpio_next(&r, &e) == CPIO_ENTRY) {
        const uint8_t *name = (const uint8_t *)e.name;

        HOLDS(r.ok);
        HOLDS(name >= last + CPIO_HEADER_LEN && name < end);
        HOLDS(strlen(e.name) == e.name_len);
        HOLDS(e.data > name + e.name_len && e.data <= end);
        HOLDS(e.len <= (size_t)(end - e.data));
        HOLDS(r.at >= e.data + e.len && r.at <= end);
        last = r.at;
    }
    return 0;
}
