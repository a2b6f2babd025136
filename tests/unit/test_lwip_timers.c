/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of lwIP's timers: what a machine finds that was away. */
/* links: net/lwip_timers */
#include "net/lwip_timers.h"

#include "tests/check.h"

#include <lwip/dhcp.h>
#include <lwip/dhcp6.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>

#define START 4294967000u /* ms; it wraps soon */
#define DAY   86400000u

static struct netif netif;
static unsigned leases;
static unsigned others;

struct tcp_pcb *tcp_active_pcbs;
struct tcp_pcb *tcp_tw_pcbs;

void tcp_tmr(void)
{
}

void mld6_tmr(void)
{
}

void dhcp6_tmr(void)
{
}

void dhcp_fine_tmr(void)
{
}

void dhcp_coarse_tmr(void)
{
    leases++;
}

static void other_tmr(void)
{
    others++;
}

void lwip_failed(const char *what, const char *file, int line)
{
    fail_msg("%s (%s:%d)", what, file, line);
    abort();
}

const struct lwip_cyclic_timer lwip_cyclic_timers[] = {
    {1000, dhcp_coarse_tmr},
    {1000, other_tmr},
};
const int lwip_num_cyclic_timers = 2;

static int begin(void **state)
{
    (void)state;
    sys_timeouts_init();
    lwip_timers_poll(&netif, START);
    leases = others = 0;
    return 0;
}

static void test_each_interval_has_one_call(void **state)
{
    (void)state;
    for (uint32_t ms = 1; ms <= 10000; ms++) {
        CHECK(lwip_timers_next(&netif, START + ms - 1) <= 1000);
        lwip_timers_poll(&netif, START + ms);
    }
    CHECK_EQ(leases, 10);
    CHECK_EQ(others, 10);
}

static void test_a_lease_runs_on_while_the_machine_is_away(void **state)
{
    (void)state;
    lwip_timers_poll(&netif, START + DAY);
    CHECK_EQ(leases, 86400);
    CHECK_EQ(others, 1);
    lwip_timers_poll(&netif, START + DAY + 1000);
    CHECK_EQ(leases, 86401);
    CHECK_EQ(others, 2);
}

static void test_timers_go_on_after_weeks_away(void **state)
{
    (void)state;
    lwip_timers_poll(&netif, START + 30 * DAY);
    CHECK_EQ(others, 1);
    lwip_timers_poll(&netif, START + 30 * DAY + 1000);
    CHECK_EQ(others, 2);
}

static void test_timers_go_on_when_the_counter_is_set_back(void **state)
{
    (void)state;
    lwip_timers_poll(&netif, START - DAY);
    CHECK_EQ(others, 1);
    CHECK_EQ(leases, 1);
    CHECK(lwip_timers_next(&netif, START - DAY) <= 1000);
}

/* The loop may have been busy for longer than that since the last poll. */
static void test_tcp_that_is_late_is_due_at_once(void **state)
{
    static struct tcp_pcb pcb;

    (void)state;
    tcp_active_pcbs = &pcb;
    lwip_timers_poll(&netif, START + 1000);
    CHECK_EQ(lwip_timers_next(&netif, START + 1000), TCP_TMR_INTERVAL);
    CHECK_EQ(lwip_timers_next(&netif, START + 1000 + TCP_TMR_INTERVAL), 0);
    CHECK_EQ(lwip_timers_next(&netif, START + 1100 + TCP_TMR_INTERVAL), 0);
    CHECK_EQ(lwip_timers_next(&netif, START), 0);
    tcp_active_pcbs = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_interval_has_one_call, begin),
        cmocka_unit_test_setup(test_a_lease_runs_on_while_the_machine_is_away,
                               begin),
        cmocka_unit_test_setup(test_timers_go_on_after_weeks_away, begin),
        cmocka_unit_test_setup(test_timers_go_on_when_the_counter_is_set_back,
                               begin),
        cmocka_unit_test_setup(test_tcp_that_is_late_is_due_at_once, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
