/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in flight, and the checks that every reply has to pass. */
#ifndef TESTS_BENCH_EXCHANGE_H
#define TESTS_BENCH_EXCHANGE_H

#include "tests/bench/histogram.h"
#include "tests/bench/link.h"

/* Power of two; when full, the oldest request is given up as lost. */
#define EXCHANGE_SLOTS (1u << 17)

struct request {
    uint64_t transmit_ts; /* random, but its low bits are the slot */
    uint64_t sent_ns;
    uint64_t sent_unix_ns;
    uint32_t flow;
    bool waiting;
};

/* The last reply that passed, until taken away. */
struct reply {
    bool fresh;
    uint8_t stratum;
    uint32_t reference_id;
    double offset_ns; /* server minus host */
    double delay_ns;
    double bound_ns; /* the server's own: root delay / 2 + root dispersion */
};

struct exchange_counts {
    uint64_t sent;
    uint64_t answered; /* all that passed */
    uint64_t valid;    /* ... to a request sent in the measured span */
    uint64_t in_span;  /* ... and arrived in it */
    uint64_t lost;
    uint64_t late; /* passed, but after the timeout, or twice */
    uint64_t kiss;
    uint64_t unsynchronised;
    uint64_t malformed;
    uint64_t wrong_origin;
};

struct exchange {
    struct link *link;
    uint8_t version;
    uint64_t timeout_ns;
    uint64_t from_ns; /* the measured span, by when a request was sent */
    uint64_t until_ns;
    struct exchange_counts count;
    struct histogram response;
    struct reply reply;
    uint64_t random;
    uint32_t head; /* free running; slots from tail up to head are in use */
    uint32_t tail;
    unsigned waiting;
    struct request slot[EXCHANGE_SLOTS];
};

/* Send up to `n` requests, at most LINK_BATCH; returns how many went out. */
unsigned exchange_ask(struct exchange *x, unsigned n);

/* Take what has arrived, up to `batches` batches a socket. */
unsigned exchange_receive(struct exchange *x, unsigned batches);

/* Give up what has waited longer than the timeout. */
void exchange_expire(struct exchange *x, uint64_t now);

#endif
