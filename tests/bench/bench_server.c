/* SPDX-License-Identifier: BSD-2-Clause */
/* What one reply costs, from request to sealed answer, by what it needs. */
#include "ntp/access.h"
#include "ntp/limit.h"
#include "ntp/packet.h"
#include "ntp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS  7
#define REPLIES 100000

static struct ntp_keys keys = {
    .count = 4,
    .key = {{.id = 1, .type = MAC_MD5, .secret_len = 16},
            {.id = 2, .type = MAC_SHA1, .secret_len = 20},
            {.id = 3, .type = MAC_SHA256, .secret_len = 32},
            {.id = 4, .type = MAC_AES128_CMAC, .secret_len = 16}},
};

static const struct ntp_server server = {.keys = &keys, .precision = -25};

static const struct clock_line line = {
    .base_ticks = 1000,
    .base_date = (ntp_date)0xe93c7b01 << 64,
    .rate = ((uint64_t)1 << 48) / 1000,
    .slew_end_ticks = (uint64_t)1 << 62,
    .rate_after = ((uint64_t)1 << 48) / 1000,
    .leap_date = NTP_DATE_NEVER,
    .expiry_ticks = (uint64_t)1 << 62,
    .stratum = 2,
    .epoch = 1,
};

static struct access access_rules;
static struct limit limit;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct ip_addr6 client(uint32_t number)
{
    struct ip_addr6 a = ip_from_v4((const uint8_t[4]){10, 0, 0, 0});

    put_u32(a.byte + 12, 0x0a000000 | number);
    return a;
}

/* One request, with a MAC if `key` says so. */
static size_t request(uint8_t *packet, const struct ntp_key *key)
{
    uint8_t digest[NTP_DIGEST_MAX];

    memset(packet, 0, NTP_HEADER_LEN);
    packet[0] = 4 << 3 | MODE_CLIENT;
    if (!key)
        return NTP_HEADER_LEN;

    size_t len = ntp_mac_make(key, packet, NTP_HEADER_LEN, digest);

    put_u32(packet + NTP_HEADER_LEN, key->id);
    memcpy(packet + NTP_HEADER_LEN + 4, digest, len);
    return NTP_HEADER_LEN + 4 + len;
}

static void one_reply(const void *asked, size_t len, uint64_t ticks)
{
    uint8_t packet[128];
    struct ntp_reply reply;

    memcpy(packet, asked, len);
    if (ntp_server_reply(&server, &line, ticks, 40000, packet, len, &reply) !=
        NTP_OK)
        abort();
    ntp_server_finish(&reply, &line, ticks + 1000);
}

static void report(const char *what, double best_s)
{
    printf("%-34s %7.1f ns\n", what, best_s * 1e9 / REPLIES);
}

static void bench_reply(const char *what, const struct ntp_key *key)
{
    uint8_t asked[128];
    size_t len = request(asked, key);
    double best = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        double began = seconds();

        for (uint64_t i = 0; i < REPLIES; i++)
            one_reply(asked, len, i);
        if (seconds() - began < best)
            best = seconds() - began;
    }
    report(what, best);
}

static void bench_access(const char *what, unsigned rules)
{
    double best = 1e9;
    unsigned denied = 0;

    access_rules.count = 0;
    for (uint32_t i = 0; i < rules; i++) {
        struct ip_addr6 a = client(i << 8);

        access_add(&access_rules, &a, 120, true, false);
    }
    for (int round = 0; round < ROUNDS; round++) {
        double began = seconds();

        for (uint32_t i = 0; i < REPLIES; i++) {
            struct ip_addr6 a = client(0xff0000 | i);

            denied += !access_allowed(&access_rules, &a);
        }
        if (seconds() - began < best)
            best = seconds() - began;
    }
    if (denied != ROUNDS * REPLIES)
        abort();
    report(what, best);
}

static void bench_limit(const char *what, uint32_t clients)
{
    static const struct limit_config config = {
        .enabled = true, .interval = 3, .burst = 8, .leak = 2};
    _Alignas(16) static uint8_t memory[1 << 22];
    double best = 1e9;

    limit_init(&limit, &config, memory, sizeof(memory), 1);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        double began = seconds();

        for (uint32_t i = 0; i < REPLIES; i++) {
            struct ip_addr6 a = client(i * 7919 % clients);

            limit_check(&limit, &a, round * REPLIES + i);
        }
        if (seconds() - began < best)
            best = seconds() - began;
    }
    report(what, best);
}

int main(void)
{
    bench_reply("reply", NULL);
    bench_reply("reply, MD5", &keys.key[0]);
    bench_reply("reply, SHA-1", &keys.key[1]);
    bench_reply("reply, SHA-256", &keys.key[2]);
    bench_reply("reply, AES-128-CMAC", &keys.key[3]);
    bench_access("access, 5 rules", 5);
    bench_access("access, 256 rules", ACCESS_RULES_MAX);
    bench_limit("limit, 1 client", 1);
    bench_limit("limit, 100000 clients", 100000);
    return 0;
}
