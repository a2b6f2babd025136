/* SPDX-License-Identifier: BSD-2-Clause */
/* What one request under NTS costs on this machine. */
#include "boot/nts_cost.h"

#include "arch/cpu.h"
#include "arch/entropy.h"
#include "arch/log.h"
#include "arch/panic.h"
#include "arch/simd.h"
#include "nts/fields.h"
#include "nts/server.h"

#include <string.h>

#define ROUNDS   9
#define REQUESTS 20

static struct {
    struct nts_keys keys;
    struct nts_reply reply;
    struct rng rng;
    struct simd_area simd;
    uint8_t asked[1280];
    uint8_t packet[1280];
} bench;

static void random_bytes(void *context, void *bytes, size_t len)
{
    entropy_draw(context, bytes, len);
}

/* A request with a cookie and so many placeholders; returns its length. */
static size_t make_request(const struct aes_cipher *cipher, enum aead_id id,
                           unsigned placeholders)
{
    static const uint8_t zeros[NTP_UNIQUE_IDENTIFIER_MIN];
    const struct nts_cookie client = {.aead = id};
    uint8_t cookie[NTS_COOKIE_MAX];
    size_t cookie_len = nts_cookie_seal(&bench.keys, &client, zeros, cookie);
    uint8_t *at = bench.asked + NTP_HEADER_LEN;
    uint8_t *nonce, *sealed;
    struct aead *aead = &bench.reply.s2c;

    memset(bench.asked, 0, NTP_HEADER_LEN);
    bench.asked[0] = 4 << 3 | MODE_CLIENT;
    at += nts_field_put(at, NTP_UNIQUE_IDENTIFIER, zeros, sizeof(zeros));
    at += nts_field_put(at, NTS_COOKIE, cookie, cookie_len);
    for (unsigned i = 0; i < placeholders; i++)
        at += nts_field_put(at, NTS_PLACEHOLDER, NULL, cookie_len);

    size_t ad_len = (size_t)(at - bench.asked);

    at += nts_authenticator_put(at, aead_nonce_max(id), AEAD_TAG_LEN, &nonce,
                                &sealed);
    memset(nonce, 0, aead_nonce_max(id));
    aead_init(aead, cipher, id, client.c2s);
    aead_seal(aead, nonce, aead_nonce_max(id), bench.asked, ad_len, NULL, 0,
              sealed);
    return (size_t)(at - bench.asked);
}

/* As the fast path does it. */
static bool answer(const struct nts_server *server,
                   const struct clock_line *line, size_t len)
{
    enum ntp_verdict verdict;

    memcpy(bench.packet, bench.asked, len);
    simd_begin(&bench.simd);
    verdict =
        nts_server_reply(server, line, 1000, bench.packet, len, &bench.reply);
    simd_end(&bench.simd);
    simd_begin(&bench.simd);
    nts_server_finish(&bench.reply, line, 2000);
    simd_end(&bench.simd);
    nts_server_forget(&bench.reply);
    return verdict == NTS_OK;
}

/* Ticks of one request, the best of some rounds; 0 if it was not answered. */
static uint64_t cost(const struct aes_cipher *cipher, enum aead_id id,
                     unsigned placeholders)
{
    static const struct nts_key_bytes key = {.id = 1};
    static const struct ntp_server plain = {.precision = -20};
    static const struct clock_line line = {
        .rate = 1, .expiry_ticks = INT64_MAX, .leap_date = NTP_DATE_NEVER};
    const struct nts_server server = {.ntp = &plain,
                                      .keys = &bench.keys,
                                      .cipher = cipher,
                                      .random = random_bytes,
                                      .context = &bench.rng};
    uint64_t best = UINT64_MAX;

    nts_keys_init(&bench.keys, cipher);
    nts_keys_load(&bench.keys, &key, 1);

    size_t len = make_request(cipher, id, placeholders);

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t began = counter_read();

        for (unsigned i = 0; i < REQUESTS; i++)
            if (!answer(&server, &line, len))
                return 0;

        uint64_t each = (counter_read() - began + REQUESTS / 2) / REQUESTS;

        if (each < best)
            best = each;
    }
    return best;
}

static void tell(const struct aes_cipher *cipher, uint64_t ticks_per_s)
{
    static const struct {
        enum aead_id id;
        unsigned placeholders;
    } row[] = {{AEAD_AES_SIV_CMAC_256, 0},
               {AEAD_AES_SIV_CMAC_256, 7},
               {AEAD_AES_128_GCM_SIV, 0},
               {AEAD_AES_128_GCM_SIV, 7}};

    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        uint64_t ticks = cost(cipher, row[i].id, row[i].placeholders);

        log_line("selftest: nts-cost: %s, AEAD %u, cookies %u: %llu ticks, "
                 "%llu ns a request",
                 cipher->name, (unsigned)row[i].id, row[i].placeholders + 1,
                 (unsigned long long)ticks,
                 (unsigned long long)(ticks * 1000000000 / ticks_per_s));
    }
}

_Noreturn void nts_cost_tell(uint64_t ticks_per_s)
{
    const struct cpu_features *cpu = cpu_features();

    tell(&aes_ct, ticks_per_s);
    if (cpu->aes && cpu->pclmul)
        tell(&aes_ni, ticks_per_s);
    log_line("selftest: nts-cost: done");
    log_flush();
    debug_exit(DEBUG_EXIT_SUCCESS);
    reboot();
}
