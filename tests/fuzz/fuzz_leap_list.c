/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as leap-seconds.list. */
#include "ntp/leap_list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct leap_list list;
    enum leap_list_result result = leap_list_read(&list, data, len);
    ntp_date date = 0, midnight;
    unsigned leaps = 0;

    HOLDS((result == LEAP_LIST_OK) == (list.count > 0));
    HOLDS(list.count <= LEAP_LIST_MAX);
    for (unsigned i = 1; i < list.count; i++)
        HOLDS(list.entry[i].seconds > list.entry[i - 1].seconds);
    while (leap_list_next(&list, date, &midnight) != LEAP_NONE) {
        HOLDS(midnight > date);
        date = midnight;
        leaps++;
    }
    HOLDS(leaps + 1 >= list.count);
    return 0;
}
