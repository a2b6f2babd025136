/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an NTS-KE response: the same verdict, whole or in pieces. */
#include "nts/ke_ask.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static const enum aead_id wanted[] = {AEAD_AES_128_GCM_SIV,
                                      AEAD_AES_SIV_CMAC_256};

/* In pieces whose lengths are told by the bytes themselves. */
static enum nts_ke_verdict read_in_pieces(const uint8_t *data, size_t len,
                                          struct nts_ke_result *result)
{
    struct nts_ke_reading r;

    nts_ke_read_begin(&r, wanted, 2, result);
    while (len > 0) {
        size_t n = 1 + data[len / 2] % 17;

        n = n < len ? n : len;
        nts_ke_read_feed(&r, data, n);
        data += n;
        len -= n;
    }
    return nts_ke_read_end(&r);
}

static void check_result(const struct nts_ke_result *result)
{
    HOLDS(result->aead == AEAD_AES_SIV_CMAC_256 ||
          result->aead == AEAD_AES_128_GCM_SIV);
    HOLDS(result->cookies >= 1 && result->cookies <= NTS_KE_COOKIES);
    for (unsigned i = 0; i < result->cookies; i++) {
        size_t len = result->cookie[i].len;

        HOLDS(len >= 4 && len % 4 == 0 && len <= NTS_KE_COOKIE_MAX);
    }
    HOLDS(strnlen(result->server, sizeof(result->server)) <
          sizeof(result->server));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct nts_ke_result whole, pieces;
    uint8_t *exact = malloc(len + 1); /* so that a read past it is seen */
    enum nts_ke_verdict verdict;

    memcpy(exact, data, len);
    verdict = nts_ke_read(exact, len, wanted, 2, &whole);
    HOLDS(*nts_ke_text(verdict) != '\0');
    if (verdict == NTS_KE_OK)
        check_result(&whole);
    if (len <= NTS_KE_RESPONSE_MAX) {
        HOLDS(read_in_pieces(exact, len, &pieces) == verdict);
        HOLDS(memcmp(&whole, &pieces, sizeof(whole)) == 0);
    }
    free(exact);
    return 0;
}
