/* SPDX-License-Identifier: BSD-2-Clause */
/* How often one client may ask: a fixed table of clients. */
#include "ntp/limit.h"

#include "ntp/bytes.h"

/* 1000 ms times 2^-3: the shortest interval of a whole number of ms. */
#define SHORTEST_MS  125
#define SHORTEST_LOG (-3)

/* The cost of an answer, and how fast it is earned, in whole numbers. */
static void set_bucket(struct limit *l)
{
    int over = l->config.interval - SHORTEST_LOG;

    l->cost = over > 0 ? SHORTEST_MS << over : SHORTEST_MS;
    l->shift = (uint8_t)(over < 0 ? -over : 0);
    l->full = l->cost * l->config.burst;

    /* What one ms earns must fit, or the rate would never be reached. */
    if (l->full < 1 << l->shift)
        l->full = 1 << l->shift;
}

void limit_init(struct limit *l, const struct limit_config *config,
                void *memory, size_t bytes, uint64_t seed)
{
    size_t set_size = LIMIT_WAYS * sizeof(struct limit_client);
    uint32_t sets = 0;

    if (bytes >= set_size)
        sets = 1;
    while (sets > 0 && sets <= UINT32_MAX / 4 && sets * 2 <= bytes / set_size)
        sets *= 2;

    *l = (struct limit){
        .config = *config, .client = memory, .sets = sets, .seed = seed};
    set_bucket(l);
    if (sets > 0)
        memset(memory, 0, sets * set_size);
}

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/*
 * SipHash-1-3 of a fixed length, so that who does not know the seed can
 * neither aim at a client's set nor foresee a draw.  Aumasson and Bernstein,
 * "SipHash: a fast short-input PRF", 2012.
 */
static uint64_t keyed_hash(uint64_t seed, const struct ip_addr6 *addr,
                           uint64_t more)
{
    const uint64_t word[3] = {get_u64(addr->byte), get_u64(addr->byte + 8),
                              more};
    uint64_t v[4] = {seed ^ 0x736f6d6570736575, 0x646f72616e646f6d,
                     seed ^ 0x6c7967656e657261, 0x7465646279746573};

    for (unsigned i = 0; i < 3; i++) {
        v[3] ^= word[i];
        sip_round(v);
        v[0] ^= word[i];
    }
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct limit_client *set_of(const struct limit *l,
                                   const struct ip_addr6 *addr)
{
    uint64_t hash = keyed_hash(l->seed, addr, 0);

    return l->client + (hash & (l->sets - 1)) * LIMIT_WAYS;
}

/* The client's entry: its own, else a free one, else the stalest. */
static struct limit_client *find(struct limit *l, const struct ip_addr6 *addr)
{
    struct limit_client *set = set_of(l, addr);
    struct limit_client *stalest = set;

    for (struct limit_client *c = set; c < set + LIMIT_WAYS; c++) {
        if (c->hits > 0 && ip_equal(&c->addr, addr))
            return c;
        if (c->hits == 0 ||
            (stalest->hits > 0 && c->last_ms < stalest->last_ms))
            stalest = c;
    }
    if (stalest->hits > 0)
        l->evicted++;
    *stalest = (struct limit_client){
        .addr = *addr, .tokens = l->full, .interval = LIMIT_INTERVAL_UNKNOWN};
    return stalest;
}

/* Nearest log2 of that many ms in seconds, at least -10. */
static int8_t interval_log(uint64_t ms)
{
    const uint64_t longest = (uint64_t)1 << 40;
    uint64_t n = (ms < longest ? ms : longest) * 1536 / 1000;

    return n == 0 ? -10 : (int8_t)(53 - __builtin_clzll(n));
}

/* Down by one with each shorter interval, up by half the way. */
static int8_t smooth(int8_t old, int8_t now)
{
    if (old == LIMIT_INTERVAL_UNKNOWN)
        return now;
    if (now < old)
        return (int8_t)(old - 1);
    return (int8_t)(old + (now - old + 1) / 2);
}

static void note(const struct limit *l, struct limit_client *c, uint64_t now_ms)
{
    if (c->hits > 0) {
        /* The background's frames can be older than the last one here. */
        uint64_t elapsed_ms = now_ms > c->last_ms ? now_ms - c->last_ms : 0;
        uint64_t room = (uint64_t)(l->full - c->tokens);

        if (elapsed_ms > room >> l->shift)
            c->tokens = l->full;
        else
            c->tokens += (int32_t)(elapsed_ms << l->shift);
        c->interval = smooth(c->interval, interval_log(elapsed_ms));
    }
    if (c->hits < UINT32_MAX)
        c->hits++;
    if (now_ms > c->last_ms)
        c->last_ms = now_ms;
}

/* True once in 2^log times. */
static bool draw(uint64_t *random, unsigned log)
{
    uint64_t drawn = *random & ((1u << log) - 1);

    *random >>= log;
    return drawn == 0;
}

enum limit_verdict limit_check(struct limit *l, const struct ip_addr6 *from,
                               uint64_t now_ms)
{
    if (l->sets == 0)
        return LIMIT_PASS;

    struct limit_client *c = find(l, from);

    l->latest = c;
    note(l, c, now_ms);
    if (!l->config.enabled)
        return LIMIT_PASS;
    if (c->tokens >= l->cost) {
        c->tokens -= l->cost;
        return LIMIT_PASS;
    }

    uint64_t random = keyed_hash(l->seed, from, now_ms << 32 | c->hits);

    /* Or a forged source address could silence us for its owner. */
    if (draw(&random, l->config.leak)) {
        c->tokens = 0;
        return LIMIT_PASS;
    }
    if (l->config.kod > 0 && draw(&random, l->config.kod))
        return LIMIT_KISS;
    if (c->drops < UINT32_MAX)
        c->drops++;
    return LIMIT_DROP;
}
