/* SPDX-License-Identifier: BSD-2-Clause */
/* How often one client may ask: a fixed table of clients. */
#ifndef NTP_LIMIT_H
#define NTP_LIMIT_H

#include "ntp/addr.h"
#include "ntp/interleave.h"

#include <stddef.h>

/* chrony.conf's `ratelimit`. */
struct limit_config {
    bool enabled;
    int8_t interval; /* log2 s between answers, -19 to 12; default 3 */
    uint8_t burst;   /* answers in a row, 1 to 255; default 8 */
    uint8_t leak;    /* one in 2^leak of the refused is answered, 1 to 4; 2 */
    uint8_t kod;     /* one in 2^kod of the refused is kissed, 0 (never) to 4 */
};

enum limit_verdict { LIMIT_PASS, LIMIT_DROP, LIMIT_KISS };

#define LIMIT_INTERVAL_UNKNOWN 127

/*
 * One client; what `chronyc clients` and the status page show of it.  A client
 * is a whole address, as for chrony, also of IPv6: the hosts of one network
 * must not use up each other's answers.
 */
struct limit_client {
    struct ip_addr6 addr;
    uint64_t last_ms;     /* monotonic, of the last request */
    uint32_t hits;        /* saturating; 0: the entry is free */
    uint32_t drops;       /* saturating */
    int32_t tokens;       /* of the bucket */
    int8_t interval;      /* log2 s, smoothed, or LIMIT_INTERVAL_UNKNOWN */
    struct ntp_pair pair; /* of its last answer, for interleaved mode */
};

/*
 * Entries of a set: with the table half full of random addresses, one client
 * in 50 shares a full set and may be forgotten early; seven cache lines.
 */
#define LIMIT_WAYS 8

/* The table: sets of a few entries each; the stalest of a full set goes. */
struct limit {
    struct limit_config config;
    struct limit_client *client;
    uint32_t sets;    /* a power of two; 0: no table, everything passes */
    uint64_t seed;    /* of the hash and of leak and kod, secret */
    uint64_t evicted; /* clients forgotten for newer ones */
    struct limit_client *latest; /* that was checked; NULL: none was */
    int32_t cost;                /* tokens of an answer */
    int32_t full;                /* tokens that a bucket holds */
    uint8_t shift;               /* each millisecond brings 2^shift tokens */
};

/*
 * Lay a table out in `bytes` at `memory` (aligned to 16), which is lent for
 * good.  `seed` is random.  Too little memory for one set: no table.
 * Level: boot.
 */
void limit_init(struct limit *l, const struct limit_config *config,
                void *memory, size_t bytes, uint64_t seed);

/*
 * Note a request from `from` at monotonic `now_ms`, and say what to do with it.
 * Without `ratelimit` it only notes.  Bounded: one set is looked at.
 * Level: interrupt, one writer.
 */
enum limit_verdict limit_check(struct limit *l, const struct ip_addr6 *from,
                               uint64_t now_ms);

#endif
