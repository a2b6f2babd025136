/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's timers, run together and only as long as they have work. */
#ifndef NET_LWIP_TIMERS_H
#define NET_LWIP_TIMERS_H

#include <stdint.h>

struct netif;

/* Run what is due at `now_ms`.  Level: background. */
void lwip_timers_poll(const struct netif *netif, uint32_t now_ms);

/* Milliseconds until something will be due.  Level: background. */
uint32_t lwip_timers_next(const struct netif *netif, uint32_t now_ms);

#endif
