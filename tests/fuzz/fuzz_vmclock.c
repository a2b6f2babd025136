/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as vmclock's page, and any counter. */
/* links: drivers/vmclock drivers/hypervisor_pages drivers/acpi drivers/aml
 * tests/fake/machine */
#include "drivers/vmclock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct refclock_sample sample = {0};
    struct vmclock_time t;
    uint64_t ticks;

    if (len < sizeof(ticks))
        return 0;
    memcpy(&ticks, data, sizeof(ticks));
    len -= sizeof(ticks);

    uint8_t *page = malloc(len ? len : 1);
    memcpy(page, data + sizeof(ticks), len);
    if (vmclock_parse(view_of(page, len), &t) == NULL &&
        vmclock_at(&t, ticks, &sample) == NULL) {
        if (sample.ticks != ticks || sample.seconds < 0 ||
            sample.seconds >= 253402300800 ||
            sample.nanoseconds >= 1000000000 || sample.bound_ns < t.error_ns ||
            sample.bound_ns > 2 * 86400000000000u + 2)
            abort();
    }
    free(page);
    return 0;
}
