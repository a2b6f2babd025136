/* SPDX-License-Identifier: BSD-2-Clause */
/* A cookie is read inside its length, and written inside its promise. */
/* proves: nts_cookie_open nts_cookie_seal nts_cookie_len */
/* bounds: any bytes, length 0 to 300; any key or none; any cipher */
/* cbmc: --unwind 4 */
/* planted: nts/cookie.c s/len - SEALED_AT, plain/len, plain/ */
/* planted: nts/cookie.c s/== len) {/>= len) {/ */
/* planted: nts/cookie.c s/2 \* key_len, sealed)/2 * AEAD_KEY_MAX, sealed)/ */
/* planted: nts/cookie.c s/AD_LEN 2/AD_LEN 1/ */
#include "nts/cookie.c"

#include "tests/proof/proof.h"

/* The ciphers are stood in for: what they are given is asked for. */

size_t aead_key_len(enum aead_id id)
{
    return id == AEAD_AES_SIV_CMAC_256  ? 32
           : id == AEAD_AES_128_GCM_SIV ? 16
                                        : 0;
}

static struct nts_key key;

void aead_seal(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *plain,
               size_t len, uint8_t *out)
{
    assert(a == &key.aead);
    assert(__CPROVER_r_ok(nonce, nonce_len) && __CPROVER_r_ok(ad, ad_len));
    assert(nonce_len == 16 && ad_len == 2);
    assert(__CPROVER_r_ok(plain, len));
    assert(__CPROVER_w_ok(out, len + AEAD_TAG_LEN));
    assert(plain == out + AEAD_TAG_LEN);
}

bool aead_open(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
               size_t sealed_len, uint8_t *plain)
{
    assert(a == &key.aead);
    assert(__CPROVER_r_ok(nonce, nonce_len) && __CPROVER_r_ok(ad, ad_len));
    assert(nonce_len == 16 && ad_len == 2);
    assert(sealed_len >= AEAD_TAG_LEN && __CPROVER_r_ok(sealed, sealed_len));
    assert(__CPROVER_w_ok(plain, sealed_len - AEAD_TAG_LEN));
    __CPROVER_havoc_slice(plain, sealed_len - AEAD_TAG_LEN);
    return nondet_bool();
}

static struct nts_keys keys;

const struct nts_key *nts_keys_find(const struct nts_keys *k, uint32_t id)
{
    assert(k == &keys);
    key.bytes.id = id;
    return nondet_bool() ? &key : NULL;
}

const struct nts_key *nts_keys_newest(const struct nts_keys *k)
{
    assert(k == &keys);
    return nondet_bool() ? &key : NULL;
}

static bool is_zero(const uint8_t *bytes)
{
    size_t i = nondet_size();

    return i >= AEAD_KEY_MAX || bytes[i] == 0;
}

static void open_any(void)
{
    size_t len = nondet_u16();
    struct nts_cookie c;

    ASSUME(len <= 300);
    const uint8_t *bytes = nondet_bytes(len);

    if (nts_cookie_open(&keys, bytes, len, &c)) {
        assert(nts_cookie_len(c.aead) == len);
        COVER(len == 100);
        COVER(len == 68);
    } else {
        assert(is_zero(c.c2s) && is_zero(c.s2c));
        COVER(len == 100);
        COVER(len == 0);
        COVER(len == 300);
    }
}

static void seal_any(void)
{
    struct nts_cookie c;
    uint8_t nonce[NTS_COOKIE_NONCE_LEN];

    __CPROVER_havoc_object(&c);
    __CPROVER_havoc_object(nonce);

    size_t expected = nts_cookie_len(c.aead);
    uint8_t *out = nondet_bytes(expected);
    size_t len = nts_cookie_seal(&keys, &c, nonce, out);

    assert(len == 0 || len == expected);
    assert(expected <= NTS_COOKIE_MAX && expected % 4 == 0);
    COVER(len == 100);
    COVER(len == 68);
    COVER(len == 0 && expected == 100);
    COVER(expected == 0);
}

int main(void)
{
    if (nondet_bool())
        open_any();
    else
        seal_any();
    return 0;
}
