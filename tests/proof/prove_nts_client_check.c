/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply under NTS is believed only if it is ours and opens with S2C. */
/* proves: nts_client_check */
/* bounds: any bytes, length 0 to 1600, any state, up to 3 encrypted fields */
/* What nts/fields.c and nts/aead.c return is any result that they may give;
 * they have proofs and tests of their own. */
/* cbmc: --unwind 5 */
/* planted: nts/client.c s/return n->waiting \&\& f/return f/ */
/* planted: nts/client.c s/f->unique_identifiers == 1/true/ */
/* planted: nts/client.c s/f->unique_identifier_len == sizeof/true || sizeof/ */
/* planted: nts/client.c s/if (!open)/if (open)/ */
/* planted: nts/client.c s/f->sealed_len > PLAIN_MAX/false/ */
/* planted: nts/client.c s/f->sealed_len < AEAD_TAG_LEN/false/ */
/* planted: nts/client.c s/n->cookies == NTS_CLIENT_COOKIES/false/ */
/* planted: nts/client.c s/len > NTS_CLIENT_COOKIE_MAX/false/ */
/* planted: nts/client.c s/p.stratum == 0/true/ */
#include "nts/client.h"
#include "nts/fields.h"

#include "tests/proof/proof.h"

#include <string.h>

/* What is copied is there, and there is room for it. */
static void copy(void *to, const void *from, size_t n)
{
    assert(__CPROVER_r_ok(from, n));
    assert(__CPROVER_w_ok(to, n));
}

/* Whether two identifiers are equal is not looked at, but which are compared.
 */
static bool same;
static const void *compared[2];

static int equal(const void *a, const void *b, size_t n)
{
    assert(__CPROVER_r_ok(a, n) && __CPROVER_r_ok(b, n));
    assert(n == NTP_UNIQUE_IDENTIFIER_MIN);
    compared[0] = a;
    compared[1] = b;
    return !same;
}

#define memcpy copy
#define memcmp equal
#include "nts/client.c"
#undef memcpy
#undef memcmp

static const uint8_t *data;
static size_t len;
static struct ntp_packet header;
static struct nts_fields fields;
static enum nts_fields_verdict found;
static bool keyed, opened, whole;
static unsigned left;

enum ntp_verdict ntp_packet_parse(struct ntp_packet *p, const void *at,
                                  size_t n)
{
    assert(at == data && n == len);
    *p = header;
    return NTP_OK;
}

enum nts_fields_verdict nts_fields_read(struct nts_fields *f, const uint8_t *at,
                                        size_t n)
{
    size_t identifier = nondet_u16();
    size_t sealed = nondet_u16();

    assert(at == data && n == len);
    found = nondet_bool()   ? NTS_FIELDS_NONE
            : nondet_bool() ? NTS_FIELDS_PROTECTED
                            : NTS_FIELDS_MALFORMED;
    if (found == NTS_FIELDS_MALFORMED)
        return found;
    fields.unique_identifiers = nondet_u8();
    fields.unique_identifier_len = nondet_u16();
    ASSUME(identifier <= len &&
           fields.unique_identifier_len <= len - identifier);
    fields.unique_identifier =
        fields.unique_identifiers ? data + identifier : NULL;
    fields.ad_len = nondet_u16();
    fields.nonce_len = nondet_u16();
    fields.nonce = data;
    fields.sealed_len = nondet_u16();
    ASSUME(sealed <= len && fields.sealed_len <= len - sealed);
    ASSUME(fields.ad_len <= len && fields.nonce_len <= len);
    fields.sealed = data + sealed;
    *f = fields;
    return found;
}

/* More than PLAIN_MAX and a tag. */
#define BYTES 1600

static struct nts_client client;

void aead_init(struct aead *a, const struct aes_cipher *cipher, enum aead_id id,
               const uint8_t *key)
{
    assert(cipher == client.cipher && id == client.keys.aead);
    keyed = key == client.keys.s2c;
    a->id = id;
}

bool aead_nonce_ok(enum aead_id id, size_t n)
{
    (void)id;
    return n == 12;
}

bool aead_open(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
               size_t sealed_len, uint8_t *plain)
{
    assert(a && nonce == fields.nonce && nonce_len == 12);
    assert(ad == data && ad_len == fields.ad_len);
    assert(sealed == fields.sealed && sealed_len == fields.sealed_len);
    assert(sealed_len >= AEAD_TAG_LEN);
    assert(__CPROVER_w_ok(plain, sealed_len - AEAD_TAG_LEN));
    opened = nondet_bool();
    return opened;
}

void aead_wipe(struct aead *a)
{
    (void)a;
    keyed = keyed && a->id == client.keys.aead;
}

/* Any fields that lie within the plaintext. */
bool nts_inner_next(struct reader *r, struct ntp_field *f)
{
    if (r->left == 0 || left == 0) {
        left = 3;
        r->ok = r->ok && whole;
        return false;
    }
    left--;
    f->type = nondet_u16();
    f->body = r->at;
    f->body_len = nondet_u16();
    ASSUME(f->body_len <= r->left && f->body_len % 4 == 0);
    r->at += f->body_len;
    r->left -= f->body_len;
    return true;
}

size_t aead_nonce_max(enum aead_id id)
{
    (void)id;
    assert(false);
    return 0;
}

void aead_seal(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *plain, size_t n,
               uint8_t *out)
{
    (void)a, (void)nonce, (void)nonce_len, (void)ad, (void)ad_len, (void)plain;
    (void)n, (void)out;
    assert(false);
}

static bool is_that_of_the_request(void)
{
    return fields.unique_identifiers == 1 &&
           fields.unique_identifier_len == NTP_UNIQUE_IDENTIFIER_MIN && same &&
           compared[0] == fields.unique_identifier &&
           compared[1] == client.unique_identifier;
}

int main(void)
{
    uint8_t bytes[BYTES];

    __CPROVER_havoc_object(&client);
    ASSUME(client.cookies <= NTS_CLIENT_COOKIES);
    client.not_before = 0;
    client.not_after = nondet_bool();
    header.stratum = nondet_u8();
    header.reference_id = nondet_u32();
    header.transmit_ts = nondet_u64();
    whole = nondet_bool();
    same = nondet_bool();
    left = 3;
    len = nondet_u16();
    ASSUME(len <= BYTES);
    data = bytes + BYTES - len;

    bool waiting = client.waiting;
    bool proven = client.proven;
    unsigned cookies = client.cookies;
    enum source_verdict v = nts_client_check(&client, data, len);

    assert(client.cookies <= NTS_CLIENT_COOKIES && client.cookies >= cookies);
    if (v == SOURCE_OK || v == SOURCE_EXPIRED) {
        assert(found == NTS_FIELDS_PROTECTED && keyed && opened && whole);
        assert(waiting && !client.waiting && client.proven);
        assert(is_that_of_the_request());
    } else {
        assert(client.waiting == waiting && client.proven == proven);
        assert(client.cookies == cookies);
    }
    if (v == SOURCE_NAK)
        assert(found == NTS_FIELDS_NONE && waiting && client.nak &&
               header.stratum == 0 && header.reference_id == 0x4e54534e &&
               is_that_of_the_request());
    COVER(v == SOURCE_OK && client.cookies == NTS_CLIENT_COOKIES &&
          cookies == 6);
    COVER(v == SOURCE_OK && client.cookies == cookies);
    COVER(v == SOURCE_EXPIRED);
    COVER(v == SOURCE_NAK);
    COVER(v == SOURCE_AUTH && found == NTS_FIELDS_PROTECTED);
    COVER(v == SOURCE_FORMAT && opened);
    return 0;
}
