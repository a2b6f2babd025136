/* SPDX-License-Identifier: BSD-2-Clause */
/* An invented world: an oscillator, servers, and the network between. */
#include "tests/sim/world.h"

#include <math.h>

#define HZ          1000000000.0
#define FIRST_TICKS 5000000000u
#define FIRST_DATE  ntp_date_from_seconds(4003833600) /* 2026-11-16 */

#define SERVER_SECONDS 20e-6 /* between its receiving and sending */

static double uniform(struct world *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return ((double)(z >> 11) + 0.5) * 0x1p-53;
}

static double exponential(struct world *w, double mean)
{
    return -mean * log(uniform(w));
}

static double normal(struct world *w)
{
    return sqrt(-2 * log(uniform(w))) * cos(2 * M_PI * uniform(w));
}

static void random_bytes(void *context, void *bytes, size_t len)
{
    for (uint8_t *p = bytes; len > 0; len--)
        *p++ = (uint8_t)(uniform(context) * 256);
}

/* The counter at `at` seconds into this second. */
static uint64_t ticks_at(const struct world *w, double at)
{
    long double elapsed = (long double)w->second + at + w->phase +
                          at * (long double)w->now_frequency;

    return FIRST_TICKS + (uint64_t)(int64_t)floorl(elapsed * (long double)HZ);
}

/* How far into this second the counter has that value. */
static double time_of(const struct world *w, uint64_t ticks)
{
    double away = (double)(int64_t)(ticks - ticks_at(w, 0));

    return away / HZ / (1 + w->now_frequency);
}

static ntp_date true_date(const struct world *w, double at)
{
    return FIRST_DATE + ntp_date_from_seconds(w->second) +
           ntp_span_from_seconds(at);
}

uint64_t world_ticks(const struct world *w)
{
    return ticks_at(w, 0);
}

double world_error(const struct world *w)
{
    struct clock_line line = clock_read(&w->clock);

    return ntp_span_seconds(clock_at(&line, world_ticks(w)) - true_date(w, 0));
}

void world_start(struct world *w, const struct scenario *scenario,
                 uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->scenario = scenario;
    w->random = seed * 0x9e3779b97f4a7c15u + (uint64_t)scenario->name;
    w->now_frequency = scenario->fast;

    client_config_default(&w->config);
    w->config.local.enabled = false;
    if (scenario->makestep) {
        w->config.makestep_ns = 1000000000;
        w->config.makestep_count = 3;
    }
    if (scenario->minsources > 0)
        w->config.minsources = scenario->minsources;

    struct client_start start = {
        .ticks = FIRST_TICKS,
        .date = FIRST_DATE + ntp_span_from_seconds(scenario->offset),
        .date_error = 1,
        .rate = (uint64_t)(0x1p80 / HZ),
        .rate_error_ppb = 100000,
        .precision = -30,
        .random = random_bytes,
        .random_context = w,
    };
    client_init(&w->client, &w->config, &w->clock, &start);

    struct source_config source;
    source_config_default(&source);
    source.iburst = true;
    if (scenario->minpoll > 0) {
        source.minpoll = scenario->minpoll;
        source.maxpoll = scenario->maxpoll;
    }
    for (unsigned i = 0; i < scenario->servers; i++) {
        uint8_t address[4] = {192, 0, 2, (uint8_t)(i + 1)};
        struct ip_addr6 ip = ip_from_v4(address);
        int slot = client_add(&w->client, &source);
        client_resolved(&w->client, slot, &ip, FIRST_TICKS);
    }
    client_ready(&w->client);
}

/* The network. */

static double delay(struct world *w, bool to_client)
{
    const struct scenario *s = w->scenario;
    double d = s->base + exponential(w, s->jitter);

    if (to_client && s->one_way > 0)
        d += s->one_way * exponential(w, 1) * exponential(w, 1) *
             exponential(w, 1);
    return d;
}

static void send(struct world *w, double at, int server, bool to_client,
                 const uint8_t *data, size_t len)
{
    if (w->in_flight == WORLD_FLIGHT_MAX || len > sizeof(w->flight[0].data))
        return;
    struct packet *p = &w->flight[w->in_flight++];
    p->at = at + delay(w, to_client);
    p->server = server;
    p->to_client = to_client;
    p->len = len;
    memcpy(p->data, data, len);
}

static void serve(struct world *w, const struct packet *request)
{
    double liar = request->server == (int)w->scenario->servers - 1
                      ? w->scenario->liar
                      : 0;
    ntp_date date = true_date(w, request->at) + ntp_span_from_seconds(liar);
    ntp_date sent = date + ntp_span_from_seconds(SERVER_SECONDS);
    struct ntp_packet asked, reply = {
                                 .version = 4,
                                 .mode = MODE_SERVER,
                                 .stratum = 1,
                                 .precision = -30,
                                 .reference_id = 0x47505300,
                             };
    uint8_t data[NTP_HEADER_LEN];

    if (ntp_packet_parse(&asked, request->data, request->len) != NTP_OK)
        return;
    w->requests++;
    reply.origin_ts = asked.transmit_ts;
    reply.reference_ts = ntp_ts_from_date(date - ntp_date_from_seconds(1));
    reply.receive_ts = ntp_ts_from_date(date);
    reply.transmit_ts = ntp_ts_from_date(sent);
    ntp_packet_write(data, &reply);
    send(w, request->at + SERVER_SECONDS, request->server, true, data,
         sizeof(data));
}

static void deliver(struct world *w, const struct packet *p)
{
    if (!p->to_client) {
        if (uniform(w) >= w->scenario->loss)
            serve(w, p);
        return;
    }
    client_receive(&w->client, p->server, p->data, p->len, ticks_at(w, p->at));
}

static void ask(struct world *w, double at)
{
    struct client_request request;
    uint64_t ticks = ticks_at(w, at);

    while (client_poll(&w->client, ticks, &request)) {
        client_sent(&w->client, request.slot, ticks);
        send(w, at, request.slot, false, request.data, request.len);
    }
}

/* The packet that arrives first, or -1. */
static int first_packet(const struct world *w)
{
    int first = -1;

    for (unsigned i = 0; i < w->in_flight; i++) {
        if (first < 0 || w->flight[i].at < w->flight[first].at)
            first = (int)i;
    }
    return first;
}

static void turn_second(struct world *w)
{
    const struct scenario *s = w->scenario;

    w->second++;
    w->phase += w->now_frequency;
    w->frequency += s->wander * normal(w);
    w->now_frequency = s->fast + w->frequency;
    if (s->sine > 0)
        w->now_frequency +=
            s->sine * sin(2 * M_PI * fmod((double)w->second, 3600) / 3600);
    for (unsigned i = 0; i < w->in_flight; i++)
        w->flight[i].at -= 1;
}

void world_second(struct world *w)
{
    for (;;) {
        int packet = first_packet(w);
        double arrives = packet >= 0 ? w->flight[packet].at : 2;
        double due = time_of(w, client_next(&w->client)) + 1e-6;

        if (due < 0)
            due = 1e-6;
        if (arrives >= 1 && due >= 1)
            break;
        if (arrives <= due) {
            struct packet p = w->flight[packet];
            w->flight[packet] = w->flight[--w->in_flight];
            deliver(w, &p);
            client_tick(&w->client, ticks_at(w, p.at + 1e-6));
        } else {
            ask(w, due);
            client_tick(&w->client, ticks_at(w, due));
        }
    }
    turn_second(w);
}
