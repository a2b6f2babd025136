/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a request under NTS: the reply is authentic, and no longer. */
#include "nts/fields.h"
#include "nts/server.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

/* The first byte of the input: what is done with the packet after it. */
#define OWN  1 /* a cookie of ours takes the place of the one it has */
#define SEAL 2 /* the authenticator is put right, around what it has */
#define KISS 4

static const struct ntp_server plain = {.precision = -25};

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

static const struct nts_key_bytes key = {.id = 0x01020304, .key = "gnomon"};
static struct nts_keys keys;

static void random_bytes(void *context, void *bytes, size_t len)
{
    static uint64_t state;
    uint8_t *p = bytes;

    (void)context;
    while (len-- > 0)
        *p++ = (uint8_t)((state = state * 6364136223846793005u + 1) >> 56);
}

static const struct nts_server server = {
    .ntp = &plain, .keys = &keys, .cipher = &aes_ct, .random = random_bytes};

/* The client whose packet it is; its algorithm is told by the cookie. */
static struct nts_cookie client = {.c2s = "to the server",
                                   .s2c = "to the client"};

static void put_right(uint8_t *packet, size_t len, uint8_t what)
{
    static const uint8_t nonce[NTS_COOKIE_NONCE_LEN] = "once";
    struct nts_fields f;
    struct aead aead;

    if (nts_fields_read(&f, packet, len) != NTS_FIELDS_PROTECTED || !f.cookie)
        return;
    client.aead =
        f.cookie_len == 100 ? AEAD_AES_SIV_CMAC_256 : AEAD_AES_128_GCM_SIV;
    if (what & OWN && f.cookie_len == nts_cookie_len(client.aead))
        nts_cookie_seal(&keys, &client, nonce, packet + (f.cookie - packet));
    if (!(what & SEAL) || f.sealed_len < AEAD_TAG_LEN ||
        !aead_nonce_ok(client.aead, f.nonce_len))
        return;

    uint8_t *sealed = packet + (f.sealed - packet);

    aead_init(&aead, &aes_ct, client.aead, client.c2s);
    aead_seal(&aead, f.nonce, f.nonce_len, packet, f.ad_len,
              sealed + AEAD_TAG_LEN, f.sealed_len - AEAD_TAG_LEN, sealed);
}

/* Is it authentic, and are its cookies good?  Returns how many. */
static unsigned check_protected(const uint8_t *packet, size_t len)
{
    struct nts_fields f;
    struct aead aead;
    uint8_t inner[1500];
    unsigned cookies = 0;

    HOLDS(nts_fields_read(&f, packet, len) == NTS_FIELDS_PROTECTED);
    HOLDS(f.unique_identifiers == 1 && f.cookies == 0 && f.placeholders == 0);
    aead_init(&aead, &aes_ct, client.aead, client.s2c);
    HOLDS(f.sealed_len <= sizeof(inner));
    HOLDS(aead_open(&aead, f.nonce, f.nonce_len, packet, f.ad_len, f.sealed,
                    f.sealed_len, inner));

    struct reader r = reader_of(inner, f.sealed_len - AEAD_TAG_LEN);
    struct ntp_field field;
    struct nts_cookie c;

    while (nts_inner_next(&r, &field)) {
        HOLDS(field.type == NTS_COOKIE);
        HOLDS(nts_cookie_open(&keys, field.body, field.body_len, &c));
        HOLDS(memcmp(&c, &client, sizeof(c)) == 0);
        cookies++;
    }
    HOLDS(r.ok);
    return cookies;
}

static void check_reply(struct nts_reply *reply, enum ntp_verdict verdict,
                        const uint8_t *asked, size_t len)
{
    struct ntp_packet p, q;
    struct nts_fields f;

    HOLDS(reply->len <= len);
    HOLDS(reply->protected == (verdict != NTS_NAK));
    for (uint64_t ticks = 3000; ticks < 3002; ticks++) {
        nts_server_finish(reply, &line, ticks);
        HOLDS(ntp_packet_parse(&p, reply->data, reply->len) == NTP_OK);
        HOLDS(ntp_packet_parse(&q, asked, len) == NTP_OK);
        HOLDS(p.version == 4 && p.mode == MODE_SERVER);
        HOLDS(p.origin_ts == q.transmit_ts);
        HOLDS((p.stratum == 0) == (verdict != NTS_OK));
        if (reply->protected)
            HOLDS(check_protected(reply->data, reply->len) <= NTS_COOKIES_MAX);
        else
            HOLDS(nts_fields_read(&f, reply->data, reply->len) ==
                      NTS_FIELDS_NONE &&
                  f.unique_identifiers == 1 && f.cookies == 0);
    }
    /* At least one cookie: RFC 8915, 5.7. */
    HOLDS(!reply->protected || check_protected(reply->data, reply->len) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct nts_reply reply;

    if (keys.cipher == NULL) {
        nts_keys_init(&keys, &aes_ct);
        nts_keys_load(&keys, &key, 1);
    }
    if (len == 0 || len > 1500)
        return 0;
    uint8_t what = *data++;
    len--;

    /* Of exactly that size, so that any access outside is found. */
    uint8_t *packet = malloc(len);
    uint8_t *asked = malloc(len);

    memcpy(packet, data, len);
    put_right(packet, len, what);
    memcpy(asked, packet, len);

    enum ntp_verdict verdict =
        (what & KISS ? nts_server_kiss : nts_server_reply)(&server, &line, 2000,
                                                           packet, len, &reply);

    if (ntp_is_answer(verdict))
        check_reply(&reply, verdict, asked, len);
    else if (verdict == NTP_PASS)
        HOLDS(memcmp(packet, asked, len) == 0);
    free(asked);
    free(packet);
    return 0;
}
