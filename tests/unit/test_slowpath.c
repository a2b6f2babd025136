/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of requests that come by way of lwIP: plain ones, and those of NTS. */
#include "nts/server.h"

static void forget(struct nts_reply *reply);
#define nts_server_forget forget
#include "net/slowpath.c" /* its calls are counted */
#undef nts_server_forget

#include "tests/check.h"
#include "tests/nts_ask.h"

#define NOW      5000000000ull
#define HZ       1000000000ull
#define PORT     4711
#define SENT_MAX 2000

static struct {
    struct net net;
    struct clock clock;
    struct udp_pcb pcb;
    bool opened;
    bool no_pcb, no_bind, no_pbuf, no_send;
    enum ntp_verdict admit;
    bool required; /* who asks must authenticate */
    bool stale;
    unsigned forgotten, pbufs;
    uint8_t sent[SENT_MAX];
    size_t len; /* of what was sent; 0: nothing */
    struct nts_keys keys;
    struct nts_cookie client;
    uint8_t cookie[NTS_COOKIE_MAX];
    size_t cookie_len;
    struct check_random dice;
} rig;

struct ip_globals ip_data;

static void random_bytes(void *context, void *bytes, size_t len)
{
    (void)context;
    check_random_bytes(&rig.dice, bytes, len);
}

static const struct ntp_server plain = {.precision = -25};
static const struct nts_server nts = {.ntp = &plain,
                                      .keys = &rig.keys,
                                      .cipher = &aes_ct,
                                      .random = random_bytes};

static void forget(struct nts_reply *reply)
{
    rig.forgotten++;
    nts_server_forget(reply);
}

/* The machine, and the parts of net/ beside it. */

uint64_t counter_read(void)
{
    return NOW + HZ / 1000;
}

bool net_is_stale(struct net *net)
{
    CHECK(net == &rig.net);
    return rig.stale;
}

enum ntp_verdict fastpath_admit(struct fastpath *fp,
                                const struct ip_addr6 *source,
                                uint16_t source_port, uint64_t rx_ticks)
{
    CHECK(fp == &rig.net.fast);
    CHECK(ip_is_v4(source));
    CHECK_EQ(source_port, PORT);
    CHECK_EQ(rx_ticks, NOW);
    return rig.admit;
}

bool fastpath_satisfied(const struct fastpath_config *config,
                        const struct ip_addr6 *source, bool authenticated)
{
    CHECK(config == &rig.net.fast_config);
    CHECK(ip_is_v4(source));
    return authenticated || !rig.required;
}

struct ip_addr6 net_addr_from_lwip(const ip_addr_t *addr)
{
    (void)addr;
    return ip_from_v4((const uint8_t[4]){192, 0, 2, 7});
}

/* lwIP. */

u8_t ip4_addr_isbroadcast_u32(u32_t addr, const struct netif *netif)
{
    CHECK(netif == &rig.net.netif);
    return addr == IPADDR_BROADCAST;
}

struct pbuf *pbuf_alloc(pbuf_layer layer, u16_t len, pbuf_type type)
{
    struct pbuf *p;

    CHECK_EQ(layer, PBUF_TRANSPORT);
    CHECK_EQ(type, PBUF_RAM);
    if (rig.no_pbuf)
        return NULL;
    p = calloc(1, sizeof(*p));
    p->payload = calloc(1, len);
    p->len = p->tot_len = len;
    rig.pbufs++;
    return p;
}

void pbuf_realloc(struct pbuf *p, u16_t len)
{
    CHECK(len <= p->tot_len);
    p->len = p->tot_len = len;
}

u8_t pbuf_free(struct pbuf *p)
{
    free(p->type_internal ? (uint8_t *)p->payload - UDP_HLEN
                          : (uint8_t *)p->payload);
    free(p);
    rig.pbufs--;
    return 1;
}

u16_t pbuf_copy_partial(const struct pbuf *p, void *to, u16_t len, u16_t at)
{
    CHECK_EQ(at, 0);
    CHECK(len <= p->tot_len);
    memcpy(to, p->payload, len);
    return len;
}

err_t pbuf_take(struct pbuf *p, const void *from, u16_t len)
{
    CHECK(len <= p->tot_len);
    memcpy(p->payload, from, len);
    return ERR_OK;
}

struct udp_pcb *udp_new_ip_type(u8_t type)
{
    CHECK_EQ(type, IPADDR_TYPE_ANY);
    rig.opened = true;
    return rig.no_pcb ? NULL : &rig.pcb;
}

err_t udp_bind(struct udp_pcb *pcb, const ip_addr_t *addr, u16_t port)
{
    (void)addr;
    CHECK_EQ(port, 123);
    pcb->local_port = port;
    return rig.no_bind ? ERR_USE : ERR_OK;
}

void udp_recv(struct udp_pcb *pcb, udp_recv_fn recv, void *arg)
{
    pcb->recv = recv;
    pcb->recv_arg = arg;
}

err_t udp_sendto_if_src(struct udp_pcb *pcb, struct pbuf *p,
                        const ip_addr_t *to, u16_t port, struct netif *netif,
                        const ip_addr_t *from)
{
    CHECK(pcb == &rig.pcb && netif == &rig.net.netif);
    CHECK(from == ip_current_dest_addr());
    CHECK_EQ(ip4_addr_get_u32(ip_2_ip4(to)), PP_HTONL(0xc0000207));
    CHECK_EQ(port, PORT);
    if (rig.no_send)
        return ERR_MEM;
    rig.len = p->tot_len;
    memcpy(rig.sent, p->payload, rig.len);
    return ERR_OK;
}

const ip_addr_t ip_addr_any_type = IPADDR_ANY_TYPE_INIT;

/* A clock that is set, and a client with a cookie. */
static int start(void **state)
{
    const struct clock_line line = {
        .base_ticks = NOW,
        .base_date = ntp_date_from_unix(1763832000, 0),
        .rate = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .rate_after = (uint64_t)(((unsigned __int128)1 << 80) / HZ),
        .leap_date = NTP_DATE_NEVER,
        .expiry_ticks = NOW + 1000 * HZ,
        .epoch = 1,
        .stratum = 2,
    };
    const struct nts_key_bytes key = {.id = 7, .key = {1}};
    uint8_t nonce[NTS_COOKIE_NONCE_LEN] = {1};

    (void)state;
    memset(&rig, 0, sizeof(rig));
    memset(&ip_data, 0, sizeof(ip_data));
    rig.dice = check_random_start();
    clock_publish(&rig.clock, &line);
    rig.net.fast_config = (struct fastpath_config){
        .clock = &rig.clock, .server = &plain, .port = 123, .dscp = 46};
    rig.net.nts = &nts;
    rig.net.rx_ticks = NOW;
    rig.admit = NTP_OK;
    nts_keys_init(&rig.keys, &aes_ct);
    nts_keys_load(&rig.keys, &key, 1);
    rig.client = (struct nts_cookie){
        .aead = AEAD_AES_SIV_CMAC_256, .c2s = {2}, .s2c = {3}};
    rig.cookie_len = nts_cookie_seal(&rig.keys, &rig.client, nonce, rig.cookie);
    IP_SET_TYPE(ip_current_dest_addr(), IPADDR_TYPE_V4);
    ip4_addr_set_u32(ip_2_ip4(ip_current_dest_addr()), PP_HTONL(0xc0000201));
    CHECK(slowpath_start(&rig.net));
    return 0;
}

/* A datagram with that payload comes; how its UDP header differs from a right
 * one: what is added to its length, and which flags the frame had. */
static enum ntp_verdict come(const uint8_t *data, size_t len, int longer,
                             u8_t flags)
{
    const ip_addr_t from = IPADDR4_INIT(PP_HTONL(0xc0000207));
    uint64_t before[NTP_VERDICT_COUNT];
    struct pbuf *p = calloc(1, sizeof(*p));
    uint8_t *udp = malloc(UDP_HLEN + len);

    memset(udp, 0, UDP_HLEN);
    put_u16(udp + 4, (uint16_t)((int)(UDP_HLEN + len) + longer));
    memcpy(udp + UDP_HLEN, data, len);
    p->payload = udp + UDP_HLEN;
    p->len = p->tot_len = (u16_t)len;
    p->flags = flags;
    p->type_internal = 1; /* ours, with a header before it */
    rig.pbufs++;
    rig.len = 0;
    memcpy(before, rig.net.count.verdict, sizeof(before));
    rig.pcb.recv(rig.pcb.recv_arg, &rig.pcb, p, &from, PORT);
    CHECK_EQ(rig.pbufs, 0);
    CHECK(rig.len <= len);
    for (unsigned i = 0; i < NTP_VERDICT_COUNT; i++) {
        if (rig.net.count.verdict[i] != before[i])
            return (enum ntp_verdict)i;
    }
    fail_msg("it was not counted");
    return NTP_OK;
}

static uint8_t packet[1600];

static size_t plain_request(void)
{
    memset(packet, 0, NTP_HEADER_LEN);
    packet[0] = 4 << 3 | MODE_CLIENT;
    put_u64(packet + NTP_TRANSMIT_AT, NTS_ASK_TRANSMIT);
    return NTP_HEADER_LEN;
}

static const struct nts_ask two = {.placeholders = 1};

static size_t nts_request(void)
{
    return nts_ask_make(packet, &two, &rig.client, rig.cookie, rig.cookie_len);
}

static enum ntp_verdict ask_plain(void)
{
    return come(packet, plain_request(), 0, 0);
}

static enum ntp_verdict ask_nts(void)
{
    return come(packet, nts_request(), 0, 0);
}

/* It was answered so that the client believes it. */
static void check_authentic(unsigned cookies)
{
    struct nts_got got;

    CHECK(nts_ask_open(&got, rig.sent, rig.len, &two, &rig.client));
    CHECK_EQ(got.cookies, cookies);
    CHECK_EQ(get_u64(rig.sent + 24), NTS_ASK_TRANSMIT); /* the origin */
    CHECK_EQ(rig.forgotten, 1);
}

static void test_a_plain_request_is_answered(void **state)
{
    (void)state;
    CHECK_EQ(ask_plain(), NTP_OK);
    CHECK_EQ(rig.len, NTP_HEADER_LEN);
    CHECK_EQ(rig.sent[1], 2);
    CHECK_EQ(get_u64(rig.sent + 24), NTS_ASK_TRANSMIT);
    /* Left a millisecond after it came. */
    CHECK_NEAR(get_u64(rig.sent + 40) - get_u64(rig.sent + 32), 4294967, 2);
    CHECK_EQ(rig.forgotten, 0);
    CHECK_EQ(rig.pcb.tos, 46 << 2);
    CHECK_EQ(rig.pcb.ttl, 64);
}

/* With a cookie for its own, and one for the placeholder; sealed after the
 * transmit timestamp was written. */
static void test_a_protected_request_gets_a_protected_reply(void **state)
{
    (void)state;
    CHECK_EQ(ask_nts(), NTS_OK);
    check_authentic(2);
    CHECK_NEAR(get_u64(rig.sent + 40) - get_u64(rig.sent + 32), 4294967, 2);
}

static void test_a_cookie_that_is_not_ours_gets_a_nak(void **state)
{
    (void)state;
    rig.cookie[30] ^= 1;
    CHECK_EQ(ask_nts(), NTS_NAK);
    CHECK(rig.len > 0);
    CHECK_EQ(get_u32(rig.sent + 12), 0x4e54534e); /* NTSN */
}

static void test_a_forged_request_gets_a_nak(void **state)
{
    size_t len;

    (void)state;
    len = nts_request();
    packet[len - 1] ^= 1;
    CHECK_EQ(come(packet, len, 0, 0), NTS_NAK);
}

/* Where NTS is not served, all that comes back of its fields is the identifier
 * (RFC 8915, 5.7). */
static void test_without_nts_the_reply_is_plain(void **state)
{
    (void)state;
    rig.net.nts = NULL;
    CHECK_EQ(ask_nts(), NTP_OK);
    CHECK_EQ(rig.len, NTP_HEADER_LEN + 36);
    CHECK_EQ(get_u16(rig.sent + NTP_HEADER_LEN), NTP_UNIQUE_IDENTIFIER);
    CHECK_EQ(rig.forgotten, 0);
}

/* Who is over its rate is told so in the way that he asked. */
static void test_kisses_are_of_the_kind_of_the_request(void **state)
{
    (void)state;
    rig.admit = NTP_KISS_RATE;
    CHECK_EQ(ask_plain(), NTP_KISS_RATE);
    CHECK_EQ(get_u32(rig.sent + 12), 0x52415445); /* RATE */
    CHECK_EQ(rig.len, NTP_HEADER_LEN);
    CHECK_EQ(ask_nts(), NTP_KISS_RATE);
    CHECK_EQ(get_u32(rig.sent + 12), 0x52415445);
    check_authentic(2);
}

static void test_who_must_authenticate_is_not_answered_without(void **state)
{
    (void)state;
    rig.required = true;
    CHECK_EQ(ask_plain(), NTP_DROP_REQUIRED);
    CHECK_EQ(rig.len, 0);
    CHECK_EQ(ask_nts(), NTS_OK);
    check_authentic(2);
    rig.net.nts = NULL;
    CHECK_EQ(ask_nts(), NTP_DROP_REQUIRED);
    CHECK_EQ(rig.len, 0);
}

static void test_who_is_not_admitted_is_not_answered(void **state)
{
    (void)state;
    rig.admit = NTP_DROP_ACCESS;
    CHECK_EQ(ask_nts(), NTP_DROP_ACCESS);
    CHECK_EQ(rig.len, 0);
    rig.admit = NTP_DROP_RATE;
    CHECK_EQ(ask_plain(), NTP_DROP_RATE);
    CHECK_EQ(rig.len, 0);
}

/* After a disruption nothing leaves, and the client's key does not stay. */
static void test_nothing_leaves_after_a_disruption(void **state)
{
    (void)state;
    rig.stale = true;
    CHECK_EQ(ask_plain(), NTP_DROP_DISRUPTED);
    CHECK_EQ(rig.len, 0);
    CHECK_EQ(rig.forgotten, 0);
    CHECK_EQ(ask_nts(), NTP_DROP_DISRUPTED);
    CHECK_EQ(rig.len, 0);
    CHECK_EQ(rig.forgotten, 1);
}

static void test_what_cannot_be_sent_is_counted_and_forgotten(void **state)
{
    (void)state;
    rig.no_pbuf = true;
    CHECK_EQ(ask_plain(), NTP_DROP_SEND);
    CHECK_EQ(rig.forgotten, 0);
    CHECK_EQ(ask_nts(), NTP_DROP_SEND);
    CHECK_EQ(rig.forgotten, 1);
    rig.no_pbuf = false;
    rig.no_send = true;
    CHECK_EQ(ask_nts(), NTP_DROP_SEND);
    CHECK_EQ(rig.forgotten, 2);
}

/* What the fast path checks in a frame, lwIP does not: it is checked here. */
static void test_datagrams_that_are_not_right_are_not_answered(void **state)
{
    size_t len;

    (void)state;
    len = nts_request();
    CHECK_EQ(come(packet, len, 1, 0), NTP_DROP_UDP);
    CHECK_EQ(come(packet, len, -4, 0), NTP_DROP_UDP);
    CHECK_EQ(come(packet, len, 0, PBUF_FLAG_LLBCAST), NTP_DROP_DESTINATION);
    CHECK_EQ(come(packet, len, 0, PBUF_FLAG_LLMCAST), NTP_DROP_DESTINATION);
    ip4_addr_set_u32(ip_2_ip4(ip_current_dest_addr()), IPADDR_BROADCAST);
    CHECK_EQ(come(packet, len, 0, 0), NTP_DROP_DESTINATION);
    ip4_addr_set_u32(ip_2_ip4(ip_current_dest_addr()), PP_HTONL(0xe0000101));
    CHECK_EQ(come(packet, len, 0, 0), NTP_DROP_DESTINATION);
    CHECK_EQ(rig.len, 0);
}

/* Over IPv6 a checksum must be there (RFC 8200, 8.1): this one is zero. */
static void test_a_missing_checksum_is_missed_over_ipv6(void **state)
{
    static struct ip6_hdr header;

    (void)state;
    IP_SET_TYPE(ip_current_dest_addr(), IPADDR_TYPE_V6);
    ip_data.current_ip6_header = &header;
    CHECK_EQ(ask_nts(), NTP_DROP_CHECKSUM);
}

static void test_a_request_of_any_length_is_in_its_buffer(void **state)
{
    static uint8_t data[1600];

    (void)state;
    CHECK_EQ(come(data, 1501, 0, 0), NTP_DROP_FORMAT);
    CHECK_EQ(come(data, 0, 0, 0), NTP_DROP_SHORT);
    for (size_t len = 0; len <= 1500; len++) {
        check_random_bytes(&rig.dice, data, len);
        data[0] = 4 << 3 | MODE_CLIENT;
        (void)come(data, len, 0, 0);
    }
}

/* Nobody is listened to who asks nothing of us, and a lack is said. */
static void test_listening_begins_where_it_is_served(void **state)
{
    (void)state;
    rig.opened = false;
    rig.net.fast_config.port = 0;
    CHECK(slowpath_start(&rig.net));
    CHECK(!rig.opened);
    rig.net.fast_config.port = 123;
    rig.no_bind = true;
    CHECK(!slowpath_start(&rig.net));
    rig.no_bind = false;
    rig.no_pcb = true;
    CHECK(!slowpath_start(&rig.net));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, start)
    const struct CMUnitTest tests[] = {
        TEST(a_plain_request_is_answered),
        TEST(a_protected_request_gets_a_protected_reply),
        TEST(a_cookie_that_is_not_ours_gets_a_nak),
        TEST(a_forged_request_gets_a_nak),
        TEST(without_nts_the_reply_is_plain),
        TEST(kisses_are_of_the_kind_of_the_request),
        TEST(who_must_authenticate_is_not_answered_without),
        TEST(who_is_not_admitted_is_not_answered),
        TEST(nothing_leaves_after_a_disruption),
        TEST(what_cannot_be_sent_is_counted_and_forgotten),
        TEST(datagrams_that_are_not_right_are_not_answered),
        TEST(a_missing_checksum_is_missed_over_ipv6),
        TEST(a_request_of_any_length_is_in_its_buffer),
        TEST(listening_begins_where_it_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
