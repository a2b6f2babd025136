/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as replies under NTS: none is believed that was not sealed for us,
 * and none that was makes trouble. */
#include "nts/client.h"

#include "ntp/bytes.h"
#include "nts/fields.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void not_random(void *context, void *bytes, size_t len)
{
    (void)context;
    memset(bytes, 0x5a, len);
}

static const struct nts_client_keys keys = {.aead = AEAD_AES_128_GCM_SIV};

static void begin(struct nts_client *n, uint8_t *request)
{
    static const uint8_t cookie[32];

    nts_client_init(n, &aes_ct, not_random, NULL);
    nts_client_set_keys(n, &keys);
    for (int i = 0; i < 4; i++)
        CHECK(nts_client_add_cookie(n, cookie, sizeof(cookie)));
    memset(request, 0, NTP_HEADER_LEN);
    CHECK(nts_client_protect(n, request, NTP_HEADER_LEN, PEER_REQUEST_MAX) > 0);
}

/* The input as a plaintext that the server has sealed. */
static void answer_sealed(struct nts_client *n, const uint8_t *data, size_t len)
{
    static uint8_t reply[4096];
    uint8_t *nonce;
    uint8_t *sealed;
    size_t at = NTP_HEADER_LEN;
    struct aead s2c;

    memset(reply, 0, NTP_HEADER_LEN);
    at += nts_field_put(reply + at, NTP_UNIQUE_IDENTIFIER, n->unique_identifier,
                        sizeof(n->unique_identifier));

    size_t end = nts_authenticator_put(reply + at, GCM_SIV_NONCE_LEN,
                                       len + AEAD_TAG_LEN, &nonce, &sealed);

    memset(nonce, 1, GCM_SIV_NONCE_LEN);
    aead_init(&s2c, &aes_ct, keys.aead, keys.s2c);
    aead_seal(&s2c, nonce, GCM_SIV_NONCE_LEN, reply, at, data, len, sealed);

    enum source_verdict v = nts_client_check(n, reply, at + end);

    CHECK(v == SOURCE_OK || v == SOURCE_FORMAT);
    CHECK(v == SOURCE_OK || n->cookies == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct nts_client n;
    uint8_t request[PEER_REQUEST_MAX];

    if (len < 1 || len > 1400)
        return 0;
    begin(&n, request);
    if (data[0] & 1) {
        answer_sealed(&n, data + 1, len - 1);
    } else if (len > NTP_HEADER_LEN) {
        enum source_verdict v = nts_client_check(&n, data + 1, len - 1);

        CHECK(v == SOURCE_AUTH || v == SOURCE_FORMAT || v == SOURCE_NAK);
        CHECK(n.cookies == 3 && !n.proven);
    }
    for (unsigned i = 0; i < n.cookies; i++)
        CHECK(n.cookie[i].len >= NTS_CLIENT_COOKIE_MIN &&
              n.cookie[i].len <= NTS_CLIENT_COOKIE_MAX);

    size_t asked =
        nts_client_protect(&n, request, NTP_HEADER_LEN, PEER_REQUEST_MAX);

    CHECK(asked > 0 && asked <= PEER_REQUEST_MAX);
    return 0;
}
