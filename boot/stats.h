/* SPDX-License-Identifier: BSD-2-Clause */
/* The `logstats` lines: what became of every frame, and how full the pools
 * have ever been. */
#ifndef BOOT_STATS_H
#define BOOT_STATS_H

#include "net/lwip_port.h"

/*
 * Log one line whose first number is the sum of all that follow it, and one
 * with high-water marks.
 * Level: background.
 */
void stats_log(const struct net *net, const struct limit *limit);

#endif
