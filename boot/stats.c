/* SPDX-License-Identifier: BSD-2-Clause */
/* The `logstats` lines: what became of every frame, how full the pools and
 * queues have ever been. */
#include "boot/stats.h"

#include "arch/fmt.h"
#include "arch/irq.h"
#include "arch/log.h"

#include <lwip/memp.h>
#include <lwip/stats.h>

#define VERDICT_WORD(id, word, text) word,
static const char *const verdict_word[] = {NTP_VERDICTS(VERDICT_WORD)};

/* A line that lost its end would not add up: all counters, at their largest. */
#define VERDICT_ROOM(id, word, text) +sizeof(" =18446744073709551615" word) - 1
_Static_assert(sizeof("stats received=18446744073709551615")
                       NTP_VERDICTS(VERDICT_ROOM) <= LOG_LINE_MAX + 1,
               "a line of verdicts is never cut");

/* The pools by lwIP's own names, in the order of their numbers. */
static const char *const pool_name[] = {
#define LWIP_MEMPOOL(name, count, size, text) #name,
#include <lwip/priv/memp_std.h>
};

/* A line under construction. */
struct line {
    char text[LOG_LINE_MAX + 1];
    size_t len;
};

static void __attribute__((format(printf, 2, 3)))
add(struct line *line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line->len += fmt_line(line->text + line->len,
                          sizeof(line->text) - line->len, fmt, args);
    va_end(args);
}

/* `name`, the sum of all verdicts, then each of them. */
static void log_verdicts(const char *name, const uint64_t *count)
{
    struct line line = {.len = 0};
    uint64_t sum = 0;

    for (unsigned i = 0; i < NTP_VERDICT_COUNT; i++)
        sum += count[i];
    add(&line, "%s received=%llu", name, (unsigned long long)sum);
    for (unsigned i = 0; i < NTP_VERDICT_COUNT; i++)
        add(&line, " %s=%llu", verdict_word[i], (unsigned long long)count[i]);
    log_line("%s", line.text);
}

static void log_frames(const struct net *net)
{
    uint64_t count[NTP_VERDICT_COUNT];

    /* One moment for all of them, so that they belong together. */
    uint64_t flags = irq_save();

    for (unsigned i = 0; i < NTP_VERDICT_COUNT; i++)
        count[i] = net->fast.count[i];
    irq_restore(flags);
    log_verdicts("stats", count);

    /* Those of the frames passed on that were requests after all. */
    for (unsigned i = 0; i < NTP_VERDICT_COUNT; i++)
        if (net->count.verdict[i]) {
            log_verdicts("slow", net->count.verdict);
            break;
        }
}

static void log_pools(void)
{
    struct line line = {.len = 0};

    add(&line, "pools heap_max=%u", (unsigned)lwip_stats.mem.max);
    for (unsigned i = 0; i < MEMP_MAX; i++) {
        const struct stats_mem *pool = lwip_stats.memp[i];

        if (pool->max)
            add(&line, " %s_max=%u", pool_name[i], (unsigned)pool->max);
    }
    log_line("%s", line.text);
}

static void log_queues(const struct net *net, const struct limit *limit)
{
    const struct netdev_count *card = &net->dev->count;

    log_line(
        "queues ring_deepest=%u ring_slots=%u shed=%llu restamped=%llu "
        "card_bad=%llu card_full=%llu clients_evicted=%llu",
        net->ring.high, RING_SLOTS, (unsigned long long)net->fast.exhausted,
        (unsigned long long)net->fast.redone, (unsigned long long)card->rx_bad,
        (unsigned long long)card->tx_full, (unsigned long long)limit->evicted);
}

#define FATE_WORD(id, word) word,
static const char *const fate_word[] = {KE_FATES(FATE_WORD)};

static void log_ke(const struct ke_listener *ke)
{
    const struct tls_stats *tls = tls_stats();
    struct line line = {.len = 0};

    if (tls->sessions == 0)
        return;
    add(&line, "nts-ke open=%u open_max=%u", ke->open, ke->open_max);
    for (unsigned i = 0; i < KE_FATE_COUNT; i++)
        add(&line, " %s=%llu", fate_word[i], (unsigned long long)ke->count[i]);
    log_line("%s", line.text);
    log_line("tls sessions=%u sessions_max=%u of=%u session_bytes_max=%zu "
             "common_bytes=%zu common_max=%zu handshakes=%llu failed=%llu "
             "no_session=%llu longest_step_us=%llu",
             tls->used, tls->used_max, tls->sessions, tls->session_max,
             tls->common_used, tls->common_max,
             (unsigned long long)tls->handshakes,
             (unsigned long long)tls->failed, (unsigned long long)tls->refused,
             (unsigned long long)tls->longest_us);
}

void stats_log(const struct net *net, const struct limit *limit,
               const struct ke_listener *ke)
{
    log_frames(net);
    log_pools();
    log_queues(net, limit);
    log_ke(ke);
}
