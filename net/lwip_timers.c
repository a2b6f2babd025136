/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's timers, run together and only as long as they have work. */
#include "net/lwip_timers.h"

#include <lwip/dhcp.h>
#include <lwip/dhcp6.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>

#include <stdbool.h>

/*
 * lwIP's own timers would wake an idle appliance 20 times a second, each at a
 * moment of its own.  Here all of them begin together, so that those of a
 * second coincide, and the quicker ones rest while nothing waits for them.
 */
#define TIMERS_MAX 16 /* lwIP has 10 as it is configured */

/* lwIP's state is its own; this belongs to it. */
static bool started;
static uint32_t start_ms;
static uint32_t due_ms[TIMERS_MAX];
static uint32_t tcp_due_ms;

/* lwip_init() calls it. */
void sys_timeouts_init(void)
{
    LWIP_ASSERT("timers", lwip_num_cyclic_timers <= TIMERS_MAX);
    started = false;
}

static void start(uint32_t now_ms)
{
    started = true;
    start_ms = now_ms;
    tcp_due_ms = now_ms;
    for (int i = 0; i < lwip_num_cyclic_timers; i++)
        due_ms[i] = now_ms;
}

static bool mld_waits(const struct netif *netif)
{
    for (const struct mld_group *g = netif_mld6_data(netif); g; g = g->next)
        if (g->timer > 0)
            return true;
    return false;
}

static bool has_work(const struct netif *netif,
                     const struct lwip_cyclic_timer *timer)
{
    const struct dhcp *dhcp = netif_dhcp_data(netif);
    const struct dhcp6 *dhcp6 = netif_dhcp6_data(netif);

    if (timer->handler == mld6_tmr)
        return mld_waits(netif);
    if (timer->handler == dhcp_fine_tmr)
        return dhcp != NULL && dhcp->request_timeout > 0;
    if (timer->handler == dhcp6_tmr)
        return dhcp6 != NULL && dhcp6->request_timeout > 0;
    return true;
}

static bool tcp_has_work(void)
{
    return tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL;
}

/*
 * Nothing is due later than one interval from now: if it seems so, the machine
 * was away for weeks, or its counter was set back.
 */
static bool is_due(uint32_t due, uint32_t now_ms, uint32_t interval_ms)
{
    return due - now_ms - 1 >= interval_ms;
}

/*
 * How often to call a handler that is due.  A lease runs on while the machine
 * is away, and lwIP counts its seconds by calls; a call costs nanoseconds.
 */
static uint32_t times(const struct lwip_cyclic_timer *timer, uint32_t due,
                      uint32_t now_ms)
{
    uint32_t late = now_ms - due;

    if (timer->handler != dhcp_coarse_tmr || late > INT32_MAX)
        return 1;
    return 1 + late / timer->interval_ms;
}

/* The next multiple of the interval since the start. */
static uint32_t after(uint32_t now_ms, uint32_t interval_ms)
{
    return now_ms - (now_ms - start_ms) % interval_ms + interval_ms;
}

void lwip_timers_poll(const struct netif *netif, uint32_t now_ms)
{
    if (!started)
        start(now_ms);
    for (int i = 0; i < lwip_num_cyclic_timers; i++) {
        const struct lwip_cyclic_timer *timer = &lwip_cyclic_timers[i];

        if (!is_due(due_ms[i], now_ms, timer->interval_ms))
            continue;

        uint32_t calls = times(timer, due_ms[i], now_ms);

        due_ms[i] = after(now_ms, timer->interval_ms);
        while (calls-- > 0 && has_work(netif, timer))
            timer->handler();
    }
    if (is_due(tcp_due_ms, now_ms, TCP_TMR_INTERVAL)) {
        tcp_due_ms = after(now_ms, TCP_TMR_INTERVAL);
        if (tcp_has_work())
            tcp_tmr();
    }
}

uint32_t lwip_timers_next(const struct netif *netif, uint32_t now_ms)
{
    uint32_t least = UINT32_MAX;

    if (tcp_has_work()) {
        if (is_due(tcp_due_ms, now_ms, TCP_TMR_INTERVAL))
            return 0;
        least = tcp_due_ms - now_ms;
    }
    for (int i = 0; i < lwip_num_cyclic_timers; i++) {
        if (!has_work(netif, &lwip_cyclic_timers[i]))
            continue;
        if (is_due(due_ms[i], now_ms, lwip_cyclic_timers[i].interval_ms))
            return 0;
        if (due_ms[i] - now_ms < least)
            least = due_ms[i] - now_ms;
    }
    return least;
}
