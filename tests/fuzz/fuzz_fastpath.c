/* SPDX-License-Identifier: BSD-2-Clause */
/* Any frames at the whole fast path: one fate each, and answers no longer. */
/* links: net/fastpath tests/fake/card */
#include "net/fastpath.h"
#include "tests/fake/card.h"
#include "tests/frames.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

#define HZ     1000000000ull
#define FRAMES 40 /* more than a batch */

/* The first byte of the input. */
#define REPAIR  1 /* checksums of headers and UDP are put right */
#define KEYED   2
#define LIMIT   4
#define SCARCE  8 /* little room on the transmit queue */
#define NTS     16
#define REQUIRE 32 /* everybody must authenticate */

static uint64_t ticks;
static int depth;

static uint64_t counter(void)
{
    return ticks += 100;
}

static int64_t budget(uint64_t now)
{
    (void)now;
    return 1;
}

static void wake_at(struct fastpath *fp, uint64_t when)
{
    (void)fp;
    (void)when;
}

static void begin(void)
{
    HOLDS(depth++ == 0);
}

static void end(void)
{
    HOLDS(--depth == 0);
}

static const struct fastpath_machine machine = {counter, budget, wake_at, begin,
                                                end};
static const struct ntp_keys keys = {
    .count = 1,
    .key = {{.id = 1, .type = MAC_SHA1, .secret = "dial", .secret_len = 4}}};
static const struct clock_line line = {
    .base_date = (ntp_date)0xe93c7b01 << 64,
    .rate = 1208925819614629ull,
    .slew_end_ticks = INT64_MAX,
    .rate_after = 1208925819614629ull,
    .leap_date = NTP_DATE_NEVER,
    .expiry_ticks = INT64_MAX,
    .epoch = 1,
    .stratum = 2,
};
static const struct fastpath_addr addrs[] = {
    {{{[10] = 0xff, 0xff, 192, 0, 2, 1}}, 96 + 24},
    {{{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, 64},
};

static struct card card;
static struct ring ring;
static struct fastpath fp;
static struct clock served;
static struct access access;
static struct limit limit;
static uint8_t clients[4096] __attribute__((aligned(16)));
static uint8_t asked[FRAMES][NETDEV_FRAME_MAX];
static size_t asked_len[FRAMES];

static void repair(uint8_t *frame, size_t len)
{
    struct frame f;

    if (len >= 34 && frames_get(frame + 12) == 0x0800) {
        frames_put(frame + 24, 0);
        frames_put(frame + 24, frames_sum(frame + 14, 20, 0));
    }
    if (frame_parse(&f, frame, len) == NTP_OK)
        frame_seal(&f, frame, f.payload_len);
}

/* Frames from the input, each after its length in two bytes. */
static unsigned fill(const uint8_t *data, size_t len, bool fix)
{
    unsigned n = 0;

    while (len > 2 && n < FRAMES) {
        size_t size = frames_get(data) % (NETDEV_FRAME_MAX + 1);

        data += 2;
        len -= 2;
        if (size > len)
            size = len;
        memcpy(asked[n], data, size);
        if (fix)
            repair(asked[n], size);
        asked_len[n] = size;
        card_put(&card, asked[n], size);
        n++;
        data += size;
        len -= size;
    }
    return n;
}

/* Cookies are of a key that the corpus knows. */
static const struct nts_key_bytes cookie_key = {.id = 0x01020304,
                                                .key = "gnomon"};
static struct nts_keys cookie_keys;

static void random_bytes(void *context, void *bytes, size_t n)
{
    (void)context;
    memset(bytes, 0x5a, n);
}

static void check_sent(unsigned i)
{
    const struct card_frame *f = &card.frame[i];
    struct frame request, reply;

    HOLDS(f->len <= asked_len[i]);
    HOLDS(frame_parse(&request, asked[i], asked_len[i]) == NTP_OK);
    HOLDS(frame_parse(&reply, f->data, f->len) == NTP_OK);
    HOLDS(frame_checksum_ok(&reply, f->data));
    HOLDS(memcmp(f->data, asked[i] + 6, 6) == 0);
    HOLDS(memcmp(f->data + 6, frames_ours, 6) == 0);
    HOLDS(ip_equal(&reply.source, &request.destination));
    HOLDS(ip_equal(&reply.destination, &request.source));
    HOLDS(reply.payload_len <= request.payload_len);
    HOLDS(frame_source_ok(&reply.destination) && reply.destination_port != 0);
    HOLDS(reply.source_port == 123);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct limit_config limits = {
        .enabled = true, .interval = 3, .burst = 8, .leak = 2, .kod = 1};
    static const struct ip_addr6 any;
    uint8_t flags = len > 0 ? data[0] : 0;
    struct ntp_server server = {.keys = flags & KEYED ? &keys : NULL,
                                .precision = -20};
    struct fastpath_config config = {.clock = &served,
                                     .server = &server,
                                     .access = &access,
                                     .machine = &machine,
                                     .ticks_per_s = HZ,
                                     .port = 123};
    const struct nts_server nts = {.ntp = &server,
                                   .keys = &cookie_keys,
                                   .cipher = &aes_ct,
                                   .random = random_bytes};
    uint64_t sum = 0;
    unsigned n;

    if (len == 0)
        return 0;
    if (cookie_keys.cipher == NULL) {
        nts_keys_init(&cookie_keys, &aes_ct);
        nts_keys_load(&cookie_keys, &cookie_key, 1);
    }
    config.nts = flags & NTS ? &nts : NULL;
    config.require = flags & REQUIRE ? &access : NULL;

    memset(&ring, 0, sizeof(ring));
    memset(&served, 0, sizeof(served));
    memset(&access, 0, sizeof(access));
    access_add(&access, &any, 0, true, true);
    limit_init(&limit, &limits, clients, sizeof(clients), 1);
    clock_publish(&served, &line);
    card_init(&card, frames_ours);
    card.tx_room = flags & SCARCE ? 2 : CARD_FRAMES;
    ticks = 5 * HZ;
    fastpath_init(&fp, &config, &card.dev, flags & LIMIT ? &limit : NULL,
                  &ring);
    fastpath_addrs(&fp, addrs, 2);

    n = fill(data + 1, len - 1, flags & REPAIR);
    fastpath_irq(&fp, &card.dev, ticks);

    for (int i = 0; i < NTP_VERDICT_COUNT; i++)
        sum += fp.count[i];
    HOLDS(sum == n && card.lent == 0 && card.wrongs == 0 && depth == 0);
    HOLDS(fp.count[NTP_OK] + fp.count[NTS_OK] + fp.count[NTS_NAK] +
              fp.count[NTP_KISS_RATE] ==
          card_count(&card, CARD_SENT));
    HOLDS(!(flags & REQUIRE) || flags & KEYED || fp.count[NTP_OK] == 0);
    for (unsigned i = 0; i < n; i++)
        if (card.frame[i].holder == CARD_SENT)
            check_sent(i);
    return 0;
}
