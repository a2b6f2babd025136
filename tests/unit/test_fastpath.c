/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the fast path: one fate a frame, late stamps, and its budget. */
/* links: net/fastpath tests/fake/card */
#include "net/fastpath.h"
#include "ntp/bytes.h"
#include "tests/check.h"
#include "tests/fake/card.h"
#include "tests/frames.h"
#include "tests/nts_ask.h"

#define HZ       1000000000ull
#define TRANSMIT 40

/* The machine: a counter that goes on with each look, and now and then more. */
static uint64_t ticks;
static uint64_t ticks_a_look;
static unsigned leap_at; /* the look at which the CPU was away, or 0 */
static unsigned leaps;   /* how often in a row */
static unsigned looks;
static int64_t budget_left;
static uint64_t wake_ticks;
static unsigned wakes;
static int simd_depth;
static unsigned simd_uses;

static uint64_t fake_counter(void)
{
    looks++;
    ticks += ticks_a_look;
    if (leap_at != 0 && looks >= leap_at && leaps > 0) {
        leaps--;
        ticks += HZ;
    }
    return ticks;
}

static int64_t fake_budget(uint64_t now)
{
    (void)now;
    return budget_left;
}

static void fake_wake_at(struct fastpath *fp, uint64_t when)
{
    (void)fp;
    wake_ticks = when;
    wakes++;
}

static void fake_simd_begin(void)
{
    CHECK_EQ(simd_depth++, 0);
    simd_uses++;
}

static void fake_simd_end(void)
{
    CHECK_EQ(--simd_depth, 0);
}

static const struct fastpath_machine fake_machine = {
    fake_counter, fake_budget, fake_wake_at, fake_simd_begin, fake_simd_end};

/* Access and rate, as the test wants them. */
static bool allow;
static bool required;
static struct access require;
static enum limit_verdict limit_says;
static unsigned limit_asked;
static struct limit_client *limit_entry; /* of whoever asks; NULL: no table */

bool access_allowed(const struct access *a, const struct ip_addr6 *from)
{
    (void)from;
    return a == &require ? required : allow;
}

enum limit_verdict limit_check(struct limit *l, const struct ip_addr6 *from,
                               uint64_t now_ms)
{
    (void)from;
    CHECK_EQ(now_ms, 5000);
    limit_asked++;
    if (limit_says == LIMIT_PASS)
        l->latest = limit_entry;
    return limit_says;
}

static struct card card;
static struct ring ring;
static struct fastpath fp;
static struct clock served;
static struct ntp_keys keys;
static struct ntp_server server;
static struct access access;
static struct limit limit;
static struct fastpath_config config;
static uint8_t payload[1472];
static uint8_t data[2048];

static int start(void **state)
{
    static const struct clock_line line = {
        .base_ticks = 0,
        .base_date = (ntp_date)1000 << 64,
        .rate = 1208925819614629ull, /* 2^80 / 10^9 */
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

    (void)state;
    ticks = 5 * HZ;
    ticks_a_look = 100;
    leap_at = leaps = looks = wakes = simd_uses = limit_asked = 0;
    simd_depth = 0;
    budget_left = 1;
    allow = true;
    required = true;
    limit_says = LIMIT_PASS;
    limit_entry = NULL;
    limit.latest = NULL;
    card_init(&card, frames_ours);
    memset(&ring, 0, sizeof(ring));
    memset(&served, 0, sizeof(served));
    memset(&keys, 0, sizeof(keys));
    clock_publish(&served, &line);
    server = (struct ntp_server){.keys = &keys, .precision = -20};
    config = (struct fastpath_config){.clock = &served,
                                      .server = &server,
                                      .access = &access,
                                      .machine = &fake_machine,
                                      .ticks_per_s = HZ,
                                      .port = 123,
                                      .dscp = 46};
    fastpath_init(&fp, &config, &card.dev, &limit, &ring);
    fastpath_addrs(&fp, addrs, 2);
    memset(payload, 0, sizeof(payload));
    payload[0] = 0x23;
    memcpy(payload + TRANSMIT, "whatever", 8);
    return 0;
}

/* All frames came back to the card, and each has its verdict. */
static void check_books(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < NTP_VERDICT_COUNT; i++)
        sum += fp.count[i];
    CHECK_EQ(sum, card.dev.count.rx);
    CHECK_EQ(card.lent, 0);
    CHECK_EQ(card.wrongs, 0);
    CHECK_EQ(simd_depth, 0);
    CHECK_EQ(fp.count[NTP_OK] + fp.count[NTS_OK] + fp.count[NTS_NAK] +
                 fp.count[NTP_KISS_RATE],
             card_count(&card, CARD_SENT));
}

static struct card_frame *put(const struct frames_udp *u)
{
    return card_put(&card, data, frames_make(data, u));
}

static void run(void)
{
    fastpath_irq(&fp, &card.dev, 5 * HZ);
    check_books();
}

/* The fate of one frame. */
static enum ntp_verdict fate(const struct frames_udp *u)
{
    uint64_t before[NTP_VERDICT_COUNT];

    memcpy(before, fp.count, sizeof(before));
    put(u);
    run();
    for (int i = 0; i < NTP_VERDICT_COUNT; i++)
        if (fp.count[i] != before[i])
            return (enum ntp_verdict)i;
    fail_msg("no fate");
    return NTP_VERDICT_COUNT;
}

static uint64_t disrupted_at; /* the clock's reading of the counter */
static struct disruption *const watch = (struct disruption *)&disrupted_at;
static bool disrupt;

static bool fake_disrupted(struct disruption *asked, uint64_t now)
{
    bool told = disrupt;

    CHECK(asked == watch);
    disrupted_at = now;
    disrupt = false; /* it is noticed once */
    return told;
}

static void
test_nothing_leaves_that_was_answered_over_a_disruption(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    config.disrupted = fake_disrupted;
    config.watch = watch;
    disrupt = false;
    CHECK_EQ(fate(&u), NTP_OK);
    disrupt = true;
    put(&u);
    put(&u);
    run();
    CHECK_EQ(fp.count[NTP_OK], 1);
    CHECK_EQ(fp.count[NTP_DROP_DISRUPTED], 2);
    CHECK_EQ(card_count(&card, CARD_SENT), 1);
    CHECK_EQ(clock_losses(&served), 1);
    disrupt = false;
    CHECK_EQ(fate(&u), NTP_OK);
    CHECK_EQ(clock_read(&served).leap, LEAP_UNKNOWN);
    CHECK(fp.stale); /* until the background has cleared it */
}

static void test_a_request_is_answered_in_its_own_frame(void **state)
{
    (void)state;
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct frames_udp u = frames_request(ipv6, payload);
        struct card_frame *f = put(&u);
        struct frame g;
        uint8_t *ntp;

        run();
        CHECK_EQ(f->holder, CARD_SENT);
        CHECK_EQ(frame_parse(&g, f->data, f->len), NTP_OK);
        CHECK(frame_checksum_ok(&g, f->data));
        CHECK_BYTES(f->data, frames_theirs, 6);
        CHECK_BYTES(f->data + 6, frames_ours, 6);
        CHECK_EQ(g.source_port, 123);
        CHECK_EQ(g.destination_port, 40000);
        CHECK_EQ(g.payload_len, 48);
        CHECK_EQ(ipv6 ? get_u16(f->data + 14) >> 6 & 63 : f->data[15] >> 2, 46);
        ntp = f->data + g.udp_offset + 8;
        CHECK_EQ(ntp[0], 0x24);
        CHECK_BYTES(ntp + 24, "whatever", 8);
        /* T2 is entry's counter, 5 s after 1000 s; T3 is later. */
        CHECK_NEAR((double)get_u64(ntp + 32), 1005.0 * 0x1p32, 0x1p6);
        CHECK(get_u64(ntp + 40) > get_u64(ntp + 32));
    }
    CHECK_EQ(fp.count[NTP_OK], 2);
}

/* Who sends it. */
static struct ip_addr6 client_address(const struct frames_udp *u)
{
    uint8_t bytes[2048];
    struct frame f;

    CHECK_EQ(frame_parse(&f, bytes, frames_make(bytes, u)), NTP_OK);
    return f.source;
}

/* The timestamps of an answer, as sent. */
static const uint8_t *ntp_of(const struct card_frame *f)
{
    struct frame g;

    CHECK_EQ(f->holder, CARD_SENT);
    CHECK_EQ(frame_parse(&g, f->data, f->len), NTP_OK);
    CHECK(frame_checksum_ok(&g, f->data));
    return f->data + g.udp_offset + 8;
}

/* RFC 9769: the counter at the doorbell, told with the answer after it. */
static void
test_an_interleaved_answer_tells_when_the_last_one_left(void **state)
{
    struct frames_udp u = frames_request(false, payload);
    struct limit_client entry = {.hits = 1};
    struct card_frame *f;
    uint64_t rx, tx, left;

    (void)state;
    entry.addr = client_address(&u);
    limit_entry = &entry;
    f = put(&u);
    run();
    rx = get_u64(ntp_of(f) + 32);
    tx = get_u64(ntp_of(f) + TRANSMIT);
    left = entry.pair.transmit_ts;
    CHECK_EQ(entry.pair.receive_ts, rx);
    /* After its own timestamp, at a later look at the counter. */
    CHECK(left > tx && left - tx < 0x100000000u / 1000000);

    put_u64(payload + 24, rx);
    memcpy(payload + 32, "anything", 8);
    f = put(&u);
    run();
    CHECK_BYTES(ntp_of(f) + 24, "anything", 8);
    CHECK_EQ(get_u64(ntp_of(f) + TRANSMIT), left);
    CHECK(get_u64(ntp_of(f) + 32) != rx);

    /* Once only; and what is asked again has a plain answer. */
    f = put(&u);
    run();
    CHECK_BYTES(ntp_of(f) + 24, "whatever", 8);
    CHECK(get_u64(ntp_of(f) + TRANSMIT) > left);
}

/* Its place in the table is another's before the answer leaves. */
static void test_a_client_that_is_forgotten_has_plain_answers(void **state)
{
    struct frames_udp u = frames_request(false, payload);
    struct limit_client entry = {.hits = 1};

    (void)state;
    entry.addr = client_address(&u);
    entry.addr.byte[15]++;
    limit_entry = &entry;
    put(&u);
    run();
    CHECK(entry.pair.receive_ts != 0);
    CHECK_EQ(entry.pair.transmit_ts, 0);
}

/* A kiss is no answer to be measured by. */
static void test_kisses_are_not_interleaved(void **state)
{
    struct frames_udp u = frames_request(false, payload);
    struct limit_client entry = {.hits = 1};

    (void)state;
    entry.pair = (struct ntp_pair){1, 2};
    limit_entry = limit.latest = &entry;
    limit_says = LIMIT_KISS;
    CHECK_EQ(fate(&u), NTP_KISS_RATE);
    CHECK_EQ(entry.pair.transmit_ts, 2);
}

/* A server under NTS, and a client that agreed with it. */
static struct nts_keys cookie_keys;
static struct nts_cookie client = {.aead = AEAD_AES_SIV_CMAC_256,
                                   .c2s = "to the server",
                                   .s2c = "to the client"};
static struct nts_server nts;
static uint8_t cookie[NTS_COOKIE_MAX];

static void no_random(void *context, void *bytes, size_t len)
{
    (void)context;
    CHECK_EQ(simd_depth, 1);
    memset(bytes, 0x5a, len);
}

static void start_nts(void)
{
    static const struct nts_key_bytes key = {.id = 7, .key = "gnomon"};
    static const uint8_t nonce[NTS_COOKIE_NONCE_LEN];

    nts_keys_init(&cookie_keys, &aes_ct);
    nts_keys_load(&cookie_keys, &key, 1);
    nts_cookie_seal(&cookie_keys, &client, nonce, cookie);
    nts = (struct nts_server){.ntp = &server,
                              .keys = &cookie_keys,
                              .cipher = &aes_ct,
                              .random = no_random};
    config.nts = &nts;
}

static const struct nts_ask nts_plainest;

/* A request under NTS, in `payload`. */
static struct frames_udp nts_request(void)
{
    struct frames_udp u = frames_request(false, payload);

    u.payload_len =
        nts_ask_make(payload, &nts_plainest, &client, cookie, sizeof(cookie));
    return u;
}

/* The transmit timestamp of an authentic reply. */
static uint64_t nts_transmitted(const struct card_frame *f)
{
    struct frame g;
    struct nts_got got;

    CHECK_EQ(f->holder, CARD_SENT);
    CHECK_EQ(frame_parse(&g, f->data, f->len), NTP_OK);
    CHECK(frame_checksum_ok(&g, f->data));
    const uint8_t *ntp = f->data + g.udp_offset + 8;

    CHECK(nts_ask_open(&got, ntp, g.payload_len, &nts_plainest, &client));
    CHECK_EQ(got.cookies, 1);
    return get_u64(ntp + TRANSMIT);
}

/* What waits leaves before it, and it leaves before what comes after. */
static void test_an_answer_under_nts_is_alone_in_its_batch(void **state)
{
    uint8_t plain[48] = {0x23};
    struct frames_udp one = frames_request(false, plain);
    struct frames_udp u;
    struct card_frame *f;

    (void)state;
    start_nts();
    u = nts_request();
    put(&one);
    put(&one);
    f = put(&u);
    put(&one);
    run();
    CHECK_EQ(fp.count[NTP_OK], 3);
    CHECK_EQ(fp.count[NTS_OK], 1);
    CHECK_EQ(card.kicks, 3);
    nts_transmitted(f);
}

/* Made before a disruption that is noticed when they leave. */
static void test_an_answer_under_nts_is_as_void_as_those_before_it(void **state)
{
    uint8_t plain[48] = {0x23};
    struct frames_udp one = frames_request(false, plain);
    struct frames_udp u;

    (void)state;
    start_nts();
    config.disrupted = fake_disrupted;
    config.watch = watch;
    u = nts_request();
    put(&one);
    put(&u);
    disrupt = true;
    run();
    CHECK_EQ(fp.count[NTP_DROP_DISRUPTED], 2);
    CHECK_EQ(card_count(&card, CARD_SENT), 0);
}

static void test_an_interleaved_answer_under_nts_is_sealed(void **state)
{
    struct limit_client entry = {.hits = 1};
    struct frames_udp u;
    struct card_frame *f;
    uint64_t left;

    (void)state;
    start_nts();
    u = nts_request();
    entry.addr = client_address(&u);
    limit_entry = &entry;
    put(&u);
    run();
    left = entry.pair.transmit_ts;
    CHECK(left != 0);

    struct nts_ask ask = {.origin_ts = entry.pair.receive_ts};
    u.payload_len =
        nts_ask_make(payload, &ask, &client, cookie, sizeof(cookie));
    f = put(&u);
    run();
    CHECK_EQ(nts_transmitted(f), left);
    CHECK_EQ(fp.count[NTS_OK], 2);
}

static void test_a_seal_is_made_again_when_the_cpu_was_away(void **state)
{
    struct frames_udp u;
    struct card_frame *f;
    uint64_t first;

    (void)state;
    start_nts();
    u = nts_request();
    f = put(&u);
    run();
    first = nts_transmitted(f);
    CHECK_EQ(fp.redone, 0);

    /* The look after the seal finds that a second has passed. */
    f = put(&u);
    looks = 0;
    leap_at = 3;
    leaps = 1;
    run();
    CHECK_EQ(fp.redone, 1);
    CHECK(nts_transmitted(f) - first >= 0x100000000u);
}

/* Its timestamp is that of the end of the seal, not of its beginning. */
static void test_the_seal_is_in_the_timestamp(void **state)
{
    struct frames_udp u;
    struct card_frame *f;
    uint64_t began;

    (void)state;
    start_nts();
    u = nts_request();
    put(&u);
    ticks_a_look = HZ / 1000;
    run();
    ticks_a_look = HZ / 1000;
    began = ticks;
    f = put(&u);
    run();

    /* A look a millisecond: for the budget, before the seal, after it. */
    uint64_t sent = nts_transmitted(f) - ((uint64_t)1000 << 32);

    CHECK_NEAR((double)sent / 0x1p32, (double)(began + 3 * ticks_a_look) / HZ,
               1e-5);
}

static void test_a_nak_needs_no_seal_and_waits_with_the_others(void **state)
{
    uint8_t plain[48] = {0x23};
    struct frames_udp one = frames_request(false, plain);
    struct frames_udp u;

    (void)state;
    start_nts();
    u = nts_request();
    payload[20] ^= 1;
    put(&one);
    put(&u);
    put(&one);
    run();
    CHECK_EQ(fp.count[NTP_OK], 2);
    CHECK_EQ(fp.count[NTS_NAK], 1);
    CHECK_EQ(card.kicks, 1);
    CHECK_BYTES(card.frame[1].data + 42 + 12, "NTSN", 4);
}

static void test_a_kiss_under_nts_is_counted_as_a_kiss(void **state)
{
    struct frames_udp u;

    (void)state;
    start_nts();
    u = nts_request();
    limit_says = LIMIT_KISS;
    CHECK_EQ(fate(&u), NTP_KISS_RATE);
    CHECK_BYTES(card.frame[0].data + 42 + 12, "RATE", 4);
    nts_transmitted(&card.frame[0]);
    limit_says = LIMIT_DROP;
    CHECK_EQ(fate(&u), NTP_DROP_RATE);
}

/* The budget is looked at before each frame that follows a cipher. */
static void test_ciphers_are_paid_for_one_by_one(void **state)
{
    struct frames_udp u;
    unsigned plain_looks;

    (void)state;
    u = frames_request(false, payload);
    for (int i = 0; i < 4; i++)
        put(&u);
    looks = 0;
    run();
    plain_looks = looks;

    start_nts();
    u = nts_request();
    payload[20] ^= 1; /* NAKs, so that they are one batch */
    for (int i = 0; i < 4; i++)
        put(&u);
    looks = 0;
    run();
    CHECK_EQ(fp.count[NTS_NAK], 4);
    CHECK_EQ(looks, plain_looks + 4);
}

static void test_without_nts_such_a_request_is_a_plain_one(void **state)
{
    struct frames_udp u;

    (void)state;
    start_nts();
    u = nts_request();
    config.nts = NULL;
    CHECK_EQ(fate(&u), NTP_OK);
    CHECK_EQ(card.frame[0].len, 42 + 48 + 36); /* RFC 8915, 5.3 */
}

static void
test_where_it_is_required_the_unauthenticated_are_dropped(void **state)
{
    struct frames_udp u = frames_request(false, payload);
    uint8_t digest[NTP_DIGEST_MAX];

    (void)state;
    start_nts();
    config.require = &require;
    for (int i = 0; i < 2; i++) {
        required = i == 0;
        limit_says = LIMIT_PASS;
        payload[0] = 0x23;
        u.payload_len = 48;
        CHECK_EQ(fate(&u), required ? NTP_DROP_REQUIRED : NTP_OK);
        limit_says = LIMIT_KISS;
        CHECK_EQ(fate(&u), required ? NTP_DROP_REQUIRED : NTP_KISS_RATE);
        limit_says = LIMIT_PASS;

        /* A key will do, NTS will do, and a NAK is told to both. */
        keys.count = 1;
        keys.key[0] = (struct ntp_key){
            .id = 1, .type = MAC_SHA1, .secret = "style", .secret_len = 5};
        ntp_mac_make(&keys.key[0], payload, 48, digest);
        put_u32(payload + 48, 1);
        memcpy(payload + 52, digest, 20);
        u.payload_len = 72;
        CHECK_EQ(fate(&u), NTP_OK);

        struct frames_udp protected = nts_request();

        CHECK_EQ(fate(&protected), NTS_OK);
        payload[20] ^= 1;
        CHECK_EQ(fate(&protected), NTS_NAK);
        memset(payload, 0, 48);
    }
}

static void test_what_is_not_ntp_goes_to_the_ring(void **state)
{
    struct frames_udp u = frames_request(false, payload);
    const struct ring_slot *slot;
    size_t len;

    (void)state;
    u.destination_port = 5353;
    len = frames_make(data, &u);
    CHECK_EQ(fate(&u), NTP_PASS);
    slot = ring_peek(&ring);
    CHECK(slot != NULL);
    CHECK_EQ(slot->len, len);
    CHECK_BYTES(slot->data, data, len);
    CHECK_EQ(slot->rx_ticks, 5 * HZ);
    ring_release(&ring);
    CHECK(ring_peek(&ring) == NULL);

    /* With options, in fragments, tagged: for lwIP, also to our port. */
    u.destination_port = 123;
    len = frames_make(data, &u);
    data[14] = 0x46;
    card_put(&card, data, len);
    data[14] = 0x45;
    data[20] = 0x20;
    card_put(&card, data, len);
    put_u16(data + 12, 0x8100);
    card_put(&card, data, len);
    run();
    CHECK_EQ(fp.count[NTP_PASS], 4);
}

static void test_a_full_ring_drops_and_counts(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    u.source_port = 123; /* as of a server that we asked */
    u.destination_port = 30000;
    for (int i = 0; i < RING_SLOTS + 10; i++)
        put(&u);
    run();
    CHECK_EQ(fp.count[NTP_PASS], RING_SLOTS);
    CHECK_EQ(fp.count[NTP_DROP_FULL], 10);
    CHECK_EQ(ring.high, RING_SLOTS);

    for (int i = 0; i < RING_SLOTS; i++) {
        CHECK(ring_peek(&ring) != NULL);
        ring_release(&ring);
    }
    CHECK(ring_peek(&ring) == NULL);
    CHECK_EQ(fate(&u), NTP_PASS);
}

static void test_a_flood_leaves_room_for_answers(void **state)
{
    static const uint16_t servers[] = {53, 67, 123, 547};
    struct frames_udp u = frames_request(false, payload);
    size_t len;

    (void)state;
    u.destination_port = 30000;
    for (int i = 0; i < RING_SLOTS; i++)
        put(&u);
    len = frames_make(data, &u);
    put_u16(data + 12, 0x0806);
    card_put(&card, data, len);
    run();
    CHECK_EQ(fp.count[NTP_PASS], RING_SLOTS - RING_RESERVE);
    for (int i = 0; i < 4; i++) {
        u.source_port = servers[i];
        CHECK_EQ(fate(&u), NTP_PASS);
    }
    u.source_port = 54;
    CHECK_EQ(fate(&u), NTP_DROP_FULL);
}

static void test_requests_not_to_us_are_dropped(void **state)
{
    struct frames_udp u = frames_request(false, payload);
    size_t len;

    (void)state;
    u.destination[3] = 255;
    CHECK_EQ(fate(&u), NTP_DROP_DESTINATION);
    u.destination[3] = 2;
    CHECK_EQ(fate(&u), NTP_DROP_DESTINATION);
    memset(u.destination, 255, 4);
    CHECK_EQ(fate(&u), NTP_DROP_DESTINATION);
    memcpy(u.destination, (const uint8_t[]){224, 0, 1, 1}, 4);
    CHECK_EQ(fate(&u), NTP_DROP_DESTINATION);

    u = frames_request(true, payload);
    memcpy(u.destination, (const uint8_t[16]){0xff, 2, [15] = 1}, 16);
    CHECK_EQ(fate(&u), NTP_DROP_DESTINATION);

    /* Our IP address, but everybody's MAC, or somebody else's. */
    u = frames_request(false, payload);
    len = frames_make(data, &u);
    memset(data, 0xff, 6);
    card_put(&card, data, len);
    run();
    CHECK_EQ(fp.count[NTP_DROP_DESTINATION], 6);
    memcpy(data, frames_theirs, 6);
    card_put(&card, data, len);
    run();
    CHECK_EQ(fp.count[NTP_DROP_FRAME], 1);
    CHECK_EQ(card_count(&card, CARD_SENT), 0);
}

static void test_sources_that_are_never_answered(void **state)
{
    static const uint8_t v4[][4] = {
        {0, 0, 0, 0},     {0, 1, 2, 3},   {127, 0, 0, 1},
        {224, 0, 0, 1},   {240, 0, 0, 1}, {255, 255, 255, 255},
        {192, 0, 2, 255}, {192, 0, 2, 0}, /* of our subnet */
        {192, 0, 2, 1},                   /* ourselves */
    };
    static const uint8_t v6[][16] = {
        {0},
        {[15] = 1},
        {0xff, 2, [15] = 1},
        {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
    };
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
        memcpy(u.source, v4[i], 4);
        CHECK_EQ(fate(&u), NTP_DROP_SOURCE);
    }
    memcpy(u.source, (const uint8_t[]){192, 0, 3, 255}, 4);
    CHECK_EQ(fate(&u), NTP_OK); /* another subnet's is none of ours */
    u.source_port = 0;
    CHECK_EQ(fate(&u), NTP_DROP_SOURCE);

    u = frames_request(true, payload);
    for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
        memcpy(u.source, v6[i], 16);
        CHECK_EQ(fate(&u), NTP_DROP_SOURCE);
    }
    CHECK_EQ(limit_asked, 1);
}

static void test_a_subnet_of_two_has_no_broadcast(void **state)
{
    struct fastpath_addr two = {{{[10] = 0xff, 0xff, 192, 0, 2, 1}}, 96 + 31};
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    fastpath_addrs(&fp, &two, 1);
    u.source[3] = 0;
    CHECK_EQ(fate(&u), NTP_OK);
    two.bits = 96 + 30;
    fastpath_addrs(&fp, &two, 1);
    CHECK_EQ(fate(&u), NTP_DROP_SOURCE);
    u.source[3] = 3;
    CHECK_EQ(fate(&u), NTP_DROP_SOURCE);
    u.source[3] = 4;
    CHECK_EQ(fate(&u), NTP_OK);
}

static void test_checksums_must_be_right_and_there(void **state)
{
    struct frames_udp u = frames_request(true, payload);
    size_t len = frames_make(data, &u);

    (void)state;
    data[60] ^= 1;
    card_put(&card, data, len);
    run();
    CHECK_EQ(fp.count[NTP_DROP_CHECKSUM], 1);
    put_u16(data + 60, 0);
    card_put(&card, data, len);
    run();
    CHECK_EQ(fp.count[NTP_DROP_CHECKSUM], 2);
    card_put(&card, data, len)->checksum_ok = true;
    run();
    CHECK_EQ(fp.count[NTP_OK], 1);
}

static void test_access_comes_before_rate(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    allow = false;
    limit_says = LIMIT_DROP;
    CHECK_EQ(fate(&u), NTP_DROP_ACCESS);
    CHECK_EQ(limit_asked, 0);
    allow = true;
    CHECK_EQ(fate(&u), NTP_DROP_RATE);
    limit_says = LIMIT_KISS;
    CHECK_EQ(fate(&u), NTP_KISS_RATE);
    CHECK_EQ(card.frame[2].data[42 + 1], 0);
    CHECK_BYTES(card.frame[2].data + 42 + 12, "RATE", 4);
    limit_says = LIMIT_PASS;
    CHECK_EQ(fate(&u), NTP_OK);
}

static void test_a_refused_configuration_serves_private_networks(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    config.private_only = true;
    CHECK_EQ(fate(&u), NTP_DROP_ACCESS);
    memcpy(u.source, (const uint8_t[]){10, 1, 2, 3}, 4);
    CHECK_EQ(fate(&u), NTP_OK);
}

static void test_a_client_only_answers_nobody(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    config.port = 0;
    CHECK_EQ(fate(&u), NTP_PASS);
    u.destination_port = 0;
    CHECK_EQ(fate(&u), NTP_PASS);
}

static void test_what_the_server_refuses_is_counted_so(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    u.payload_len = 47;
    CHECK_EQ(fate(&u), NTP_DROP_SHORT);
    u.payload_len = 48;
    payload[0] = 0x24;
    CHECK_EQ(fate(&u), NTP_DROP_MODE);
    payload[0] = 0x2b;
    CHECK_EQ(fate(&u), NTP_DROP_VERSION);
}

static void test_a_batch_has_one_doorbell(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    for (int i = 0; i < 3 * FASTPATH_BATCH; i++)
        put(&u);
    run();
    CHECK_EQ(fp.count[NTP_OK], 3 * FASTPATH_BATCH);
    CHECK_EQ(card.kicks, 3 + 1); /* the last one found nothing */
    CHECK_EQ(fp.redone, 0);
}

static void test_dropped_buffers_go_back_with_a_doorbell_too(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    allow = false;
    CHECK_EQ(fate(&u), NTP_DROP_ACCESS);
    CHECK_EQ(card.kicks, 1);
}

/* It may have interrupted because it has sent something. */
static void test_a_card_without_frames_is_kicked_too(void **state)
{
    (void)state;
    run();
    CHECK_EQ(card.kicks, 1);
}

static void test_a_full_transmit_queue_drops_and_counts(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    card.tx_room = 3;
    for (int i = 0; i < 10; i++)
        put(&u);
    run();
    CHECK_EQ(fp.count[NTP_OK], 3);
    CHECK_EQ(fp.count[NTP_DROP_SEND], 7);
}

static ntp_ts sent_transmit(unsigned i)
{
    return get_u64(card.frame[i].data + 42 + TRANSMIT);
}

static void test_answers_are_stamped_again_when_the_cpu_was_away(void **state)
{
    struct frames_udp u = frames_request(false, payload);
    struct frame g;

    (void)state;
    for (int i = 0; i < 4; i++)
        put(&u);
    /* Looks: for the budget before the batch; then stamping's two. */
    leap_at = 3;
    leaps = 1;
    run();
    CHECK_EQ(fp.redone, 1);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(sent_transmit(i) > 1006ull << 32); /* after the second away */
        CHECK_EQ(frame_parse(&g, card.frame[i].data, card.frame[i].len),
                 NTP_OK);
        CHECK(frame_checksum_ok(&g, card.frame[i].data));
    }
}

static void test_a_cpu_that_is_always_away_does_not_hold_us(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    leap_at = 2;
    leaps = 1000;
    CHECK_EQ(fate(&u), NTP_OK);
    CHECK_EQ(fp.redone, 2);
}

static void test_a_used_up_budget_sheds_until_the_wake(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    budget_left = -(int64_t)(HZ / 1000);
    for (int i = 0; i < 10; i++)
        put(&u);
    fastpath_irq(&fp, &card.dev, 5 * HZ);
    CHECK_EQ(card.taken, 0);
    CHECK(card.masked);
    CHECK_EQ(fp.exhausted, 1);
    CHECK_EQ(wakes, 1);
    /* 2 ms, and what is missing at 80 %. */
    CHECK_NEAR((double)(wake_ticks - 5 * HZ), 3.25e6, 1000);

    /* An interrupt of the card meanwhile does nothing. */
    budget_left = 1;
    fastpath_irq(&fp, &card.dev, 5 * HZ);
    CHECK_EQ(card.taken, 0);

    fastpath_wake(&fp, 5 * HZ);
    CHECK(!card.masked);
    CHECK_EQ(fp.count[NTP_OK], 10);
    check_books();

    /* A wake that nobody waits for does nothing. */
    put(&u);
    fastpath_wake(&fp, 5 * HZ);
    CHECK_EQ(card.taken, 10);
}

static void test_the_budget_is_looked_at_within_a_batch(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    for (int i = 0; i < FASTPATH_BATCH; i++)
        put(&u);
    budget_left = 1;
    /* Used up after the look that lets the batch begin. */
    for (unsigned i = 0; i < FASTPATH_BATCH; i++) {
        fastpath_irq(&fp, &card.dev, 5 * HZ);
        if (card.taken == card.filled)
            break;
    }
    CHECK_EQ(fp.count[NTP_OK], FASTPATH_BATCH);
    CHECK(looks >= 3 + FASTPATH_BATCH / 8);
}

static void test_vector_registers_are_saved_for_macs_alone(void **state)
{
    struct frames_udp u = frames_request(false, payload);

    (void)state;
    u.payload_len = 68; /* with a MAC, which nobody here can have made */
    CHECK_EQ(fate(&u), NTP_DROP_AUTH);
    CHECK_EQ(simd_uses, 0);

    keys.count = 1;
    keys.key[0] = (struct ntp_key){
        .id = 1, .type = MAC_SHA1, .secret = "secret", .secret_len = 6};
    put_u32(payload + 48, 1);
    CHECK_EQ(fate(&u), NTP_DROP_AUTH);
    CHECK_EQ(simd_uses, 1);

    u.payload_len = 48;
    CHECK_EQ(fate(&u), NTP_OK);
    CHECK_EQ(simd_uses, 1);

    uint8_t digest[NTP_DIGEST_MAX];

    CHECK_EQ(ntp_mac_make(&keys.key[0], payload, 48, digest), 20);
    memcpy(payload + 52, digest, 20);
    u.payload_len = 72;
    CHECK_EQ(fate(&u), NTP_OK);
    CHECK_EQ(simd_uses, 3); /* to verify, and to finish */
}

static void test_mutated_frames_all_have_one_fate(void **state)
{
    struct check_random random = check_random_start();

    (void)state;
    for (int round = 0; round < 200; round++) {
        start(NULL);
        for (int i = 0; i < 100; i++) {
            struct frames_udp u = frames_request(i % 2, payload);
            size_t len = frames_make(data, &u);

            for (uint64_t n = check_random_below(&random, 6); n > 0; n--)
                data[check_random_below(&random, len)] =
                    (uint8_t)check_random(&random);
            if (check_random_below(&random, 4) == 0)
                len = check_random_below(&random, len + 1);
            card_put(&card, data, len);
        }
        run();
        CHECK_EQ(card.dev.count.rx, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, start)
        T(test_a_request_is_answered_in_its_own_frame),
        T(test_nothing_leaves_that_was_answered_over_a_disruption),
        T(test_an_interleaved_answer_tells_when_the_last_one_left),
        T(test_a_client_that_is_forgotten_has_plain_answers),
        T(test_kisses_are_not_interleaved),
        T(test_an_answer_under_nts_is_as_void_as_those_before_it),
        T(test_an_interleaved_answer_under_nts_is_sealed),
        T(test_an_answer_under_nts_is_alone_in_its_batch),
        T(test_a_seal_is_made_again_when_the_cpu_was_away),
        T(test_the_seal_is_in_the_timestamp),
        T(test_a_nak_needs_no_seal_and_waits_with_the_others),
        T(test_a_kiss_under_nts_is_counted_as_a_kiss),
        T(test_ciphers_are_paid_for_one_by_one),
        T(test_without_nts_such_a_request_is_a_plain_one),
        T(test_where_it_is_required_the_unauthenticated_are_dropped),
        T(test_what_is_not_ntp_goes_to_the_ring),
        T(test_a_full_ring_drops_and_counts),
        T(test_a_flood_leaves_room_for_answers),
        T(test_requests_not_to_us_are_dropped),
        T(test_sources_that_are_never_answered),
        T(test_a_subnet_of_two_has_no_broadcast),
        T(test_checksums_must_be_right_and_there),
        T(test_access_comes_before_rate),
        T(test_a_refused_configuration_serves_private_networks),
        T(test_a_client_only_answers_nobody),
        T(test_what_the_server_refuses_is_counted_so),
        T(test_a_batch_has_one_doorbell),
        T(test_dropped_buffers_go_back_with_a_doorbell_too),
        T(test_a_card_without_frames_is_kicked_too),
        T(test_a_full_transmit_queue_drops_and_counts),
        T(test_answers_are_stamped_again_when_the_cpu_was_away),
        T(test_a_cpu_that_is_always_away_does_not_hold_us),
        T(test_a_used_up_budget_sheds_until_the_wake),
        T(test_the_budget_is_looked_at_within_a_batch),
        T(test_vector_registers_are_saved_for_macs_alone),
        T(test_mutated_frames_all_have_one_fate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
