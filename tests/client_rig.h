/* SPDX-License-Identifier: BSD-2-Clause */
/* A client among invented servers, for its tests. */
#ifndef TESTS_CLIENT_RIG_H
#define TESTS_CLIENT_RIG_H

#include "ntp/client.h"
#include "tests/check.h"

#define HZ       1000000000u
#define START    (7 * (uint64_t)HZ)
#define MS       (HZ / 1000)
#define SERVERS  4
#define SECOND   ((ntp_span)1 << 64)
#define NOON     ntp_date_from_unix(1483185600, 0) /* 2016-12-31 */
#define US_DELAY 200

/* A server that answers as a test wants it to. */
struct server {
    bool silent;
    double ahead; /* s */
    uint8_t leap;
    uint8_t stratum;
    uint32_t reference_id;
    ntp_short root_delay, root_dispersion;
    uint32_t kiss; /* instead of an answer */
    unsigned delay_us;
    unsigned late_us; /* so much later than it says, a reply leaves */
    bool xleave;      /* and with the next one it says so */
    bool forgetful;   /* but not this time */
    ntp_ts last_rx, last_tx;
    ntp_ts asked_origin;  /* in the last request */
    unsigned interleaved; /* replies */
    unsigned asked;
    uint64_t asked_ticks[16];
};

struct reply {
    bool pending;
    int slot;
    uint64_t ticks;
    uint8_t data[NTP_HEADER_LEN];
};

struct rig {
    struct client_config config;
    struct clock clock;
    struct client client;
    struct server server[SERVERS];
    struct reply reply[SERVERS];
    uint64_t now;
    ntp_date date; /* true, at START */
    ntp_span leapt;
    uint64_t random;
    double fast; /* of our counter, against the rate that the client is told */
    uint32_t kept_error_ppb;
    unsigned jitter_us; /* each way, added to delays */
    void (*also)(void); /* what else is done when the client works, or NULL */
    unsigned events[CLIENT_EVENT_COUNT];
    struct client_event last[CLIENT_EVENT_COUNT];
};

static struct rig rig;

static inline void random_bytes(void *context, void *bytes, size_t len)
{
    check_random_bytes(context, bytes, len);
}

static inline void begin(void)
{
    memset(&rig, 0, sizeof(rig));
    client_config_default(&rig.config);
    rig.config.local.enabled = false;
    rig.now = START;
    rig.date = NOON;
    rig.random = 42;
}

static inline void start(unsigned servers, const struct source_config *with)
{
    struct client_start s = {
        .ticks = START,
        .date = rig.date - 100 * SECOND,
        .date_error = 0.25,
        .rate = (uint64_t)(0x1p80 / HZ * (1 + rig.fast)),
        .rate_error_ppb = 50000,
        .kept_error_ppb = rig.kept_error_ppb,
        .precision = -30,
        .random = random_bytes,
        .random_context = &rig.random,
    };
    struct source_config source;

    source_config_default(&source);
    if (with)
        source = *with;
    client_init(&rig.client, &rig.config, &rig.clock, &s);
    for (unsigned i = 0; i < servers; i++) {
        uint8_t v4[4] = {192, 0, 2, (uint8_t)(i + 1)};
        struct ip_addr6 ip = ip_from_v4(v4);
        int slot = client_add(&rig.client, &source);

        CHECK_EQ(slot, i);
        client_resolved(&rig.client, slot, &ip, START);
        rig.server[i].stratum = 1;
        rig.server[i].delay_us = US_DELAY;
    }
    client_ready(&rig.client);
}

static inline struct source_config plain(void)
{
    struct source_config config;

    source_config_default(&config);
    return config;
}

/* One that is asked each 2^poll s, whatever happens. */
static inline struct source_config polled(int8_t poll)
{
    struct source_config config = plain();

    config.minpoll = config.maxpoll = poll;
    return config;
}

/* One server, with those options, or NULL. */
static inline void follow_one(const struct source_config *config)
{
    begin();
    start(1, config);
}

static inline ntp_date truth(uint64_t ticks)
{
    return rig.date + rig.leapt +
           (((ntp_date)(int64_t)(ticks - START) * (ntp_date)(0x1p80 / HZ)) >>
            16);
}

static inline double error(void)
{
    struct clock_line line = clock_read(&rig.clock);

    return ntp_span_seconds(clock_at(&line, rig.now) - truth(rig.now));
}

static inline struct clock_status status(void)
{
    struct clock_line line = clock_read(&rig.clock);

    return clock_status(&line, rig.now);
}

static inline void make_reply(struct server *s, const struct ntp_packet *asked,
                              uint64_t ticks, uint8_t *data)
{
    ntp_date date = truth(ticks) + ntp_span_from_seconds(s->ahead);
    struct ntp_packet p = {
        .leap = s->leap,
        .version = 4,
        .mode = MODE_SERVER,
        .stratum = s->stratum,
        .precision = -30,
        .root_delay = s->root_delay,
        .root_dispersion = s->root_dispersion,
        .reference_id = s->reference_id,
        .origin_ts = asked->transmit_ts,
        .reference_ts = ntp_ts_from_date(date - SECOND),
        .receive_ts = ntp_ts_from_date(date),
        .transmit_ts = ntp_ts_from_date(date),
    };

    if (s->xleave && !s->forgetful && asked->origin_ts != 0 &&
        asked->origin_ts == s->last_rx &&
        asked->receive_ts != asked->transmit_ts) {
        p.origin_ts = asked->receive_ts;
        p.transmit_ts = s->last_tx;
        s->interleaved++;
    }
    s->last_rx = p.receive_ts;
    s->last_tx =
        ntp_ts_from_date(date + ntp_span_from_seconds(s->late_us * 1e-6));
    if (s->kiss) {
        p.leap = LEAP_UNKNOWN;
        p.stratum = 0;
        p.reference_id = s->kiss;
    }
    ntp_packet_write(data, &p);
}

/* Ticks that a packet is late. */
static inline uint64_t jitter(void)
{
    static struct check_random random = {1};

    return rig.jitter_us == 0
               ? 0
               : check_random(&random) % (rig.jitter_us * (HZ / 1000000));
}

static inline void ask(const struct client_request *request)
{
    struct server *s = &rig.server[request->slot];
    struct ntp_packet asked;

    s->asked_ticks[s->asked++ % 16] = rig.now;
    CHECK_EQ(ntp_packet_parse(&asked, request->data, request->len), NTP_OK);
    s->asked_origin = asked.origin_ts;
    client_sent(&rig.client, request->slot, rig.now);
    if (s->silent)
        return;

    struct reply *r = &rig.reply[request->slot];
    r->pending = true;
    r->slot = request->slot;
    uint64_t there = s->delay_us * (uint64_t)(HZ / 1000000) / 2 + jitter();
    r->ticks = rig.now + there + s->delay_us * (uint64_t)(HZ / 1000000) / 2 +
               s->late_us * (uint64_t)(HZ / 1000000) + jitter();
    make_reply(s, &asked, rig.now + there, r->data);
}

static inline void note_events(void)
{
    struct client_event e;

    while (client_event(&rig.client, &e)) {
        rig.events[e.type]++;
        rig.last[e.type] = e;
    }
}

static inline void work(void)
{
    struct client_request request;

    if (rig.also)
        rig.also();
    while (client_poll(&rig.client, rig.now, &request))
        ask(&request);
    client_tick(&rig.client, rig.now);
    note_events();
}

static inline struct reply *next_reply(void)
{
    struct reply *first = NULL;

    for (int i = 0; i < SERVERS; i++) {
        if (rig.reply[i].pending &&
            (!first || rig.reply[i].ticks < first->ticks))
            first = &rig.reply[i];
    }
    return first;
}

/* Let time pass. */
static inline void pass(double seconds)
{
    uint64_t end = rig.now + (uint64_t)(seconds * HZ);

    work();
    for (;;) {
        uint64_t next = client_next(&rig.client);
        struct reply *r = next_reply();

        if (r && (int64_t)(next - r->ticks) >= 0)
            next = r->ticks;
        if ((int64_t)(next - end) > 0)
            break;
        if ((int64_t)(next - rig.now) > 0)
            rig.now = next;
        if (r && r->ticks == next) {
            r->pending = false;
            client_receive(&rig.client, r->slot, r->data, sizeof(r->data),
                           next);
        }
        work();
    }
    rig.now = end;
    work();
}

static inline struct source_report report(int slot)
{
    struct source_report r;

    CHECK(client_source(&rig.client, slot, rig.now, &r));
    return r;
}

static inline enum source_state state_of(int slot)
{
    return report(slot).state;
}

static inline struct client_tracking tracking(void)
{
    struct client_tracking t;

    client_tracking(&rig.client, rig.now, &t);
    return t;
}

static inline void shift_truth(double seconds)
{
    rig.date += ntp_span_from_seconds(seconds);
}

#endif
