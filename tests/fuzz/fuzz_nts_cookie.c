/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a cookie: only what was sealed opens, and as it was sealed. */
#include "nts/cookie.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static const struct nts_key_bytes known[] = {
    {.id = 0x01020304, .key = "gnomon"},
    {.id = 0x05060708, .key = "style"},
    {.id = 0x090a0b0c, .key = "shadow"}};

static struct nts_keys keys;

static void check_any(const uint8_t *data, size_t len)
{
    static const struct nts_cookie zero;
    struct nts_cookie c;

    HOLDS(!nts_cookie_open(&keys, data, len, &c));
    HOLDS(memcmp(c.c2s, zero.c2s, sizeof(c.c2s)) == 0);
    HOLDS(memcmp(c.s2c, zero.s2c, sizeof(c.s2c)) == 0);
}

/* The first byte: the algorithm; then keys and nonce; then what is flipped. */
static void check_sealed(const uint8_t *data, size_t len)
{
    struct nts_cookie c = {.aead = data[0] & 1 ? AEAD_AES_SIV_CMAC_256
                                               : AEAD_AES_128_GCM_SIV};
    size_t n = aead_key_len(c.aead);
    struct nts_cookie opened;
    uint8_t cookie[NTS_COOKIE_MAX];

    if (len < 83)
        return;
    memcpy(c.c2s, data + 1, n);
    memcpy(c.s2c, data + 33, n);
    HOLDS(nts_cookie_seal(&keys, &c, data + 65, cookie) ==
          nts_cookie_len(c.aead));
    HOLDS(nts_cookie_open(&keys, cookie, nts_cookie_len(c.aead), &opened));
    HOLDS(memcmp(&c, &opened, sizeof(c)) == 0);
    if (data[82] != 0) {
        cookie[data[81] % nts_cookie_len(c.aead)] ^= data[82];
        check_any(cookie, nts_cookie_len(c.aead));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (keys.cipher == NULL) {
        nts_keys_init(&keys, &aes_ct);
        nts_keys_load(&keys, known, 3);
    }

    uint8_t *copy = malloc(len);

    if (len > 0)
        memcpy(copy, data, len);
    check_any(copy, len);
    if (len > 0)
        check_sealed(copy, len);
    free(copy);
    return 0;
}
