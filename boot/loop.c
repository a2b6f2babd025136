/* SPDX-License-Identifier: BSD-2-Clause */
/* The background loop; halts when there is nothing to do. */
#include "boot/loop.h"

#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/due.h"
#include "arch/entropy.h"
#include "arch/irq.h"
#include "arch/log.h"
#include "boot/stats.h"

#include <string.h>

/* The log is drained by polling: a UART of 115200 baud empties its FIFO of 16
 * bytes in 1.4 ms. */
#define DRAIN_MS 1

/* How often the generators take in fresh entropy. */
#define RENEW_S 60

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * The next time after `due` for what comes every `interval`.  A machine that
 * was away for a day does not make up for what it missed.
 */
static uint64_t after(uint64_t due, uint64_t interval)
{
    uint64_t now = counter_read();

    return now - due < interval ? due + interval : now + interval;
}

/* Is there work that an interrupt brought?  Level: interrupts off. */
static bool pending(const struct loop *loop)
{
    return net_pending(loop->net) ||
           loop->recover->handled != loop->recover->watch.count;
}

/*
 * What virtio-rng gave since the last time, and a question for the next; with
 * what the processor gives.
 */
static void renew_entropy(struct loop *loop)
{
    uint8_t bytes[VIRTIO_RNG_BYTES];
    size_t len = virtio_rng_take(loop->rng, bytes);

    if (len > 0)
        entropy_device(bytes, len);
    memset(bytes, 0, sizeof(bytes));
    virtio_rng_ask(loop->rng);
    entropy_renew();
}

/* When the loop must come round again, without any interrupt. */
static uint64_t next_work(struct loop *loop, uint64_t now, bool draining,
                          uint64_t next_chore)
{
    uint64_t ticks_per_ms = loop->ticks_per_s / 1000;
    uint64_t timeout = net_next_timeout_ms(loop->net);
    uint64_t next = now + timeout * ticks_per_ms;

    next = min_u64(next, upstream_next(loop->upstream));
    next = min_u64(next, refclocks_next(loop->refclocks));
    next = min_u64(next, nts_service_next(loop->nts));
    next = min_u64(next, ke_service_next(loop->ke));
    next = min_u64(next, loop->refine_ticks);
    next = min_u64(next, remember_next(loop->remember));
    next = min_u64(next, recover_next(loop->recover));
    next = min_u64(next, next_chore);
    if (draining)
        next = min_u64(next, now + DRAIN_MS * ticks_per_ms);
    return next;
}

_Noreturn void loop_run(struct loop *loop)
{
    uint64_t stats_ticks = loop->logstats_s * loop->ticks_per_s;
    uint64_t start = counter_read();
    uint64_t renew_ticks = RENEW_S * loop->ticks_per_s;
    uint64_t next_stats = stats_ticks ? start + stats_ticks : DUE_NEVER;
    uint64_t next_renew = start + renew_ticks;

    irq_enable();
    for (;;) {
        watchdog_pass();

        uint64_t now = counter_read();

        recover_poll(loop->recover, now);
        net_poll(loop->net, now);
        refclocks_poll(loop->refclocks, counter_read());
        upstream_poll(loop->upstream, counter_read());
        rate_poll(loop->rate, counter_read());
        remember_poll(loop->remember, counter_read());
        nts_service_poll(loop->nts, counter_read());
        ke_service_poll(loop->ke, counter_read());
        if (tsc_refine(loop->tsc, &loop->refine_ticks)) {
            tsc_log(loop->tsc);
            loop->client->start.wander_ppb = tsc_wander_ppb(loop->tsc);
        }
        if (due_now(next_stats, counter_read(), stats_ticks)) {
            stats_log(loop->net, loop->limit, &loop->ke->listener);
            next_stats = after(next_stats, stats_ticks);
        }
        if (due_now(next_renew, counter_read(), renew_ticks)) {
            renew_entropy(loop);
            nts_service_renew(loop->nts);
            next_renew = after(next_renew, renew_ticks);
        }

        bool draining = log_drain();
        uint64_t next = next_work(loop, counter_read(), draining,
                                  min_u64(next_stats, next_renew));

        timer_arm(next);
        irq_disable();
        if (pending(loop) || counter_read() >= next)
            irq_enable();
        else
            cpu_idle();
    }
}
