/* SPDX-License-Identifier: BSD-2-Clause */
/* The `logstats` lines: what became of every frame, how full the pools and
 * queues have ever been. */
#ifndef BOOT_STATS_H
#define BOOT_STATS_H

#include "net/ke_listener.h"
#include "net/lwip_port.h"

/*
 * Log, a line each: frames by their fate, where the first number is the sum of
 * all others; requests that lwIP was given, likewise, if there were any; the
 * high-water marks of the pools; how the queues fared; and, where TLS is,
 * connections for NTS-KE by their fate, and its sessions.
 * Level: background.
 */
void stats_log(const struct net *net, const struct limit *limit,
               const struct ke_listener *ke);

#endif
