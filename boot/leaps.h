/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of leap seconds to go by: the configured one, else our own. */
#ifndef BOOT_LEAPS_H
#define BOOT_LEAPS_H

#include "boot/config.h"

/* Debian's leap-seconds.list without its comments; the build writes it. */
extern const char gnomon_leap_list[];

/*
 * The list that `leapseclist` names, else the one of the image, put in `own`.
 * Says on the console which it is and when it expires.
 * Level: boot.
 */
const struct leap_list *leaps_choose(const struct config *config,
                                     struct leap_list *own);

#endif
