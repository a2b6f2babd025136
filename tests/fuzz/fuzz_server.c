/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a request: the reply is no longer, and nothing else changes. */
#include "ntp/packet.h"
#include "ntp/server.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

/* The first byte of the input: what is done with the packet after it. */
#define SIGN 1 /* the MAC is put right, with the key that it names */
#define KISS 2
#define PORT 4 /* it comes from port 123 */

static const struct ntp_keys keys = {
    .count = 4,
    .key = {{.id = 1, .type = MAC_MD5, .secret = "dial", .secret_len = 4},
            {.id = 2, .type = MAC_SHA1, .secret = "style", .secret_len = 5},
            {.id = 3, .type = MAC_SHA256, .secret = "shade", .secret_len = 5},
            {.id = 4, .type = MAC_AES128_CMAC, .secret_len = 16}},
};

static const struct ntp_server server = {.keys = &keys, .precision = -25};

static const struct clock_line line = {
    .base_ticks = 1000,
    .base_date = (ntp_date)0xe93c7b01 << 64,
    .rate = (uint64_t)1 << 51,
    .slew_end_ticks = 1000000,
    .rate_after = (uint64_t)1 << 51,
    .leap_date = NTP_DATE_NEVER,
    .expiry_ticks = 1000000,
    .stratum = 2,
    .epoch = 1,
};

static void sign(uint8_t *packet, size_t len)
{
    struct ntp_tail tail;
    uint8_t digest[NTP_DIGEST_MAX];

    if (len < NTP_HEADER_LEN ||
        ntp_packet_tail(&tail, packet, len, packet[0] >> 3 & 7) != NTP_OK ||
        tail.mac_len < 4 || tail.mac_len > 4 + NTP_DIGEST_MAX)
        return;

    const struct ntp_key *key = ntp_key_find(&keys, get_u32(tail.mac));

    if (!key)
        return;
    ntp_mac_make(key, packet, tail.mac_at, digest);
    memcpy(packet + tail.mac_at + 4, digest, tail.mac_len - 4);
}

static void check_reply(const struct ntp_reply *reply, const uint8_t *packet,
                        const uint8_t *asked, size_t len)
{
    struct ntp_packet p, q;

    HOLDS(reply->data == packet);
    HOLDS(reply->len <= len);
    HOLDS(memcmp(packet + reply->len, asked + reply->len, len - reply->len) ==
          0);
    HOLDS(ntp_packet_parse(&p, packet, reply->len) == NTP_OK);
    HOLDS(ntp_packet_parse(&q, asked, len) == NTP_OK);
    HOLDS(p.version == q.version && p.origin_ts == q.transmit_ts);
    HOLDS(p.stratum == 2 || p.reference_id == 0x52415445);
    HOLDS(p.mode == MODE_SERVER || p.mode == MODE_PASSIVE);
    HOLDS((reply->key != NULL) == (reply->len > reply->mac_at));
    HOLDS(reply->mac_at == NTP_HEADER_LEN ||
          get_u16(packet + NTP_HEADER_LEN) == NTP_UNIQUE_IDENTIFIER);
    if (reply->key) {
        HOLDS(ntp_mac_verify(reply->key, packet, reply->mac_at,
                             packet + reply->mac_at + 4,
                             reply->len - reply->mac_at - 4));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ntp_reply reply;

    if (len == 0)
        return 0;
    uint8_t what = *data++;
    len--;

    /* Of exactly that size, so that any access outside is found. */
    uint8_t *packet = malloc(len);
    uint8_t *asked = malloc(len);

    memcpy(packet, data, len);
    if (what & SIGN)
        sign(packet, len);
    memcpy(asked, packet, len);

    enum ntp_verdict verdict =
        (what & KISS ? ntp_server_kiss : ntp_server_reply)(
            &server, &line, 2000, what & PORT ? NTP_PORT : 40000, packet, len,
            &reply);

    if (verdict == NTP_OK || verdict == NTP_KISS_RATE) {
        ntp_server_finish(&reply, &line, 3000);
        check_reply(&reply, packet, asked, len);
    } else {
        HOLDS(memcmp(packet, asked, len) == 0);
    }
    free(asked);
    free(packet);
    return 0;
}
