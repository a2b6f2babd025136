/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile servers: any replies, at any time, to a client of two sources. */
#include "ntp/client.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

#define HZ      1000000000u
#define SOURCES 2
#define REPLY   60 /* bytes of a reply at most; a MAC fits */

static struct client_config config;
static struct clock published;
static struct client client;
static uint64_t now;
static uint64_t asked[SOURCES];             /* transmit timestamps */
static uint64_t asked_interleaved[SOURCES]; /* receive timestamps */

static void count_up(void *context, void *bytes, size_t len)
{
    uint64_t *n = context;

    for (uint8_t *p = bytes; len > 0; len--)
        *p++ = (uint8_t)(*n += 0x9d);
}

/* Every option that has a say in which samples are used, and when. */
static void tune(struct source_config *source)
{
    source->filter = 3;
    source->maxdelayratio_permille = 3000;
    source->maxdelaydevratio_permille = 4000;
    source->maxdelayquant_permille = 700;
    source->mindelay_ns = 100000;
    source->asymmetry_permille = 300;
    source->maxsamples = 6;
    source->maxunreach = 5;
    source->polltarget = 30;
    source->presend = 0;
}

static void start(uint8_t options)
{
    static uint64_t random;
    struct client_start s = {
        .ticks = now = 5 * (uint64_t)HZ,
        .date = ntp_date_from_seconds(4003833600),
        .date_error = 1,
        .rate = (uint64_t)(0x1p80 / HZ),
        .rate_error_ppb = 100000,
        .precision = -20,
        .random = count_up,
        .random_context = &random,
    };
    struct source_config source;

    random = 0;
    client_config_default(&config);
    config.makestep_ns = 100000000;
    config.makestep_count = options & 1 ? -1 : 3;
    config.maxchange_ns = options & 2 ? 1000000000 : 0;
    config.minsources = options & 4 ? 2 : 1;
    config.local.orphan = options & 128;
    config.local.stratum = 3;
    config.corrtimeratio_permille = options & 128 ? 100 : 3000;
    memset(&published, 0, sizeof(published));
    client_init(&client, &config, &published, &s);
    source_config_default(&source);
    source.iburst = options & 8;
    source.burst = options & 16;
    source.xleave = options & 32;
    if (options & 64)
        tune(&source);
    client_own_addresses(&client, &(struct ip_addr6){{[10] = 0xff, 0xff, 200}},
                         1);
    for (int i = 0; i < SOURCES; i++) {
        uint8_t v4[4] = {192, 0, 2, (uint8_t)i};
        struct ip_addr6 ip = ip_from_v4(v4);
        client_resolved(&client, client_add(&client, &source), &ip, now);
    }
    client_ready(&client);
}

/* Whatever came in, the line is one that can be served. */
static void check(void)
{
    struct client_event event;
    struct client_tracking tracking;
    struct source_report report;
    struct clock_line line = clock_read(&published);
    struct clock_status status = clock_status(&line, now);

    HOLDS(line.rate > 0 && line.rate_after > 0);
    HOLDS(status.stratum <= 15);
    HOLDS((status.stratum == 0) == (status.leap == LEAP_UNKNOWN));
    HOLDS(clock_at(&line, now + HZ) > clock_at(&line, now) ||
          line.leap_date != NTP_DATE_NEVER);
    while (client_event(&client, &event))
        HOLDS(*client_event_text(event.type));
    client_tracking(&client, now, &tracking);
    HOLDS(tracking.skew >= 0 && tracking.rms_offset >= 0);
    for (int i = 0; i < SOURCES; i++) {
        HOLDS(client_source(&client, i, now, &report));
        HOLDS(report.poll >= 0 && report.poll <= 17);
        HOLDS(report.offset_error >= 0);
        HOLDS(report.samples == 0 || report.root_distance >= 0);
    }
}

static void ask(void)
{
    struct client_request request;

    while (client_poll(&client, now, &request)) {
        asked[request.slot] = get_u64(request.data + NTP_TRANSMIT_AT);
        asked_interleaved[request.slot] = get_u64(request.data + 32);
        client_sent(&client, request.slot, now);
    }
}

/* Any bytes; and, so that they are looked at, with the right origin. */
static void reply(uint8_t how, const uint8_t *data, size_t len)
{
    uint8_t packet[REPLY] = {0};
    int slot = how & 1;
    bool truly = (how & 6) != 0;

    if (len > 0)
        memcpy(packet, data, len);
    if (truly && len >= NTP_HEADER_LEN) {
        packet[0] = (uint8_t)(packet[0] & 0xc0) | 0x24;
        put_u64(packet + 24, how & 8 ? asked_interleaved[slot] : asked[slot]);
    }
    enum source_verdict v = client_receive(&client, slot, packet, len, now);
    HOLDS(v < SOURCE_VERDICT_COUNT);
    HOLDS(len >= NTP_HEADER_LEN || v == SOURCE_SHORT || v == SOURCE_UNASKED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reader r = reader_of(data, len);

    start(read_u8(&r));
    for (int i = 0; i < 200 && r.left > 0; i++) {
        uint8_t how = read_u8(&r);
        uint8_t wait = read_u8(&r);
        size_t n = read_u8(&r) % (REPLY + 1);

        if (n > r.left)
            n = r.left;
        ask();
        now += (uint64_t)HZ / 1000 << (wait % 24);
        reply(how, read_bytes(&r, n), n);
        client_tick(&client, now);
        if (how & 0x80)
            clock_disown(&published);
        check();
    }
    return 0;
}
