/* SPDX-License-Identifier: BSD-2-Clause */
/* An invented world: an oscillator, servers, and the network between. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "ntp/client.h"

#define WORLD_SERVERS_MAX 4
#define WORLD_FLIGHT_MAX  64

/* What a scenario is made of; times in seconds. */
struct scenario {
    char name;
    const char *text;
    double base;    /* delay in each direction, at least */
    double jitter;  /* mean of the exponential part of it */
    double one_way; /* times exp(1)^3, added on the way back only */
    double wander;  /* standard deviation of the frequency's step each second */
    double sine;    /* amplitude of a frequency of period 3600 s */
    double loss;    /* probability of each exchange to be lost */
    double offset;  /* of our clock at start */
    double fast;    /* frequency of our clock at start */
    unsigned servers;
    double liar;   /* the last server is ahead by that */
    bool makestep; /* 1 3 */
    uint8_t minsources;
    int8_t minpoll, maxpoll;
    double chrony_rms;      /* what chronyd reaches, 0: other limits */
    double chrony_interval; /* between its requests */
};

struct packet {
    double at;
    int server;
    bool to_client;
    size_t len;
    uint8_t data[80];
};

struct world {
    const struct scenario *scenario;
    uint64_t random;
    int64_t second;   /* whole seconds since the start */
    double phase;     /* s our counter is ahead at that second */
    double frequency; /* of our counter in that second, random part */
    double now_frequency;
    struct packet flight[WORLD_FLIGHT_MAX];
    unsigned in_flight;
    uint32_t requests; /* that reached a server */
    struct client_config config;
    struct clock clock;
    struct client client;
};

void world_start(struct world *w, const struct scenario *scenario,
                 uint64_t seed);

/* Let a second pass. */
void world_second(struct world *w);

/* The counter now, at a whole second. */
uint64_t world_ticks(const struct world *w);

/* Served time minus true time now, s. */
double world_error(const struct world *w);

#endif
