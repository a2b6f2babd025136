/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of leap seconds to go by: the configured one, else our own. */
#include "boot/leaps.h"

#include "arch/log.h"
#include "arch/panic.h"
#include "ntp/leap.h"

#include <string.h>

const struct leap_list *leaps_choose(const struct config *config,
                                     struct leap_list *own)
{
    bool given = config->leaps.count > 0;
    const struct leap_list *list = given ? &config->leaps : own;
    enum leap_list_result result =
        leap_list_read(own, gnomon_leap_list, strlen(gnomon_leap_list));

    if (result != LEAP_LIST_OK)
        panic("leap seconds: %s", leap_list_result_text(result));

    struct leap_day expiry = leap_day_of(ntp_date_from_seconds(list->expires));

    log_line("leap seconds: %s, %s, expires %04lld-%02d-%02d%s",
             given ? "list from the archive" : "list of the image",
             list->verified ? "hash verified" : "WARNING: it has no hash",
             (long long)expiry.year, expiry.month, expiry.day,
             given && list->updated < own->updated
                 ? ", WARNING: that of the image is newer"
                 : "");
    return list;
}
