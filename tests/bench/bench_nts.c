/* SPDX-License-Identifier: BSD-2-Clause */
/* What one request under NTS costs natively, from request to sealed reply. */
#include "nts/server.h"
#include "tests/nts_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS   7
#define REQUESTS 2000

static const struct clock_line line = {
    .base_date = (ntp_date)0xe93c7b01 << 64,
    .rate = ((uint64_t)1 << 48) / 1000,
    .slew_end_ticks = (uint64_t)1 << 62,
    .rate_after = ((uint64_t)1 << 48) / 1000,
    .leap_date = NTP_DATE_NEVER,
    .expiry_ticks = (uint64_t)1 << 62,
    .stratum = 2,
    .epoch = 1,
};

static const struct ntp_server plain = {.precision = -25};
static struct nts_keys keys;
static struct nts_reply reply;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The generator is measured in the image. */
static void no_random(void *context, void *bytes, size_t len)
{
    (void)context;
    memset(bytes, 0x5a, len);
}

static void bench(const struct aes_cipher *cipher, enum aead_id id,
                  unsigned cookies)
{
    static const struct nts_key_bytes key = {.id = 1};
    static const uint8_t nonce[NTS_COOKIE_NONCE_LEN];
    const struct nts_server server = {
        .ntp = &plain, .keys = &keys, .cipher = cipher, .random = no_random};
    const struct nts_cookie client = {.aead = id};
    const struct nts_ask ask = {.placeholders = cookies - 1};
    uint8_t cookie[NTS_COOKIE_MAX], asked[1400], packet[1400];
    double best = 1e9;

    nts_keys_init(&keys, cipher);
    nts_keys_load(&keys, &key, 1);

    size_t cookie_len = nts_cookie_seal(&keys, &client, nonce, cookie);
    size_t len = nts_ask_make(asked, &ask, &client, cookie, cookie_len);

    for (int round = 0; round < ROUNDS; round++) {
        double began = seconds();

        for (uint64_t i = 0; i < REQUESTS; i++) {
            memcpy(packet, asked, len);
            if (nts_server_reply(&server, &line, i, packet, len, &reply) !=
                NTS_OK)
                abort();
            nts_server_finish(&reply, &line, i + 1000);
            nts_server_forget(&reply);
        }
        if (seconds() - began < best)
            best = seconds() - began;
    }
    printf("NTS, %s, AEAD %u, cookies %u   %8.1f ns\n", cipher->name,
           (unsigned)id, cookies, best * 1e9 / REQUESTS);
}

static void bench_cipher(const struct aes_cipher *cipher)
{
    for (unsigned cookies = 1; cookies <= 8; cookies += 7) {
        bench(cipher, AEAD_AES_SIV_CMAC_256, cookies);
        bench(cipher, AEAD_AES_128_GCM_SIV, cookies);
    }
}

int main(void)
{
    bench_cipher(&aes_ct);
    if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul"))
        bench_cipher(&aes_ni);
    return 0;
}
