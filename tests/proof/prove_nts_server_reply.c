/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply under NTS is no longer than its request, and sealed where it is. */
/* proves: nts_server_reply nts_server_kiss nts_server_finish */
/* begin: first */
/* bounds: any request of 0 to 1500 bytes; two cookies instead of eight */
/* cbmc: --unwind 4 --no-sat-preprocessor */
/* planted: nts/server.c s/f->room_len < aead_nonce_max/0 * aead_nonce_max/ */
/* planted: nts/server.c s/               len)$/               len + 4)/ */
/* planted: nts/server.c s/_MIN)$/_MIN - 4)/ */
#include "nts/fields.h"
#include "nts/server.h"

/* The loops over cookies are the same for any number. */
#undef NTS_COOKIES_MAX
#define NTS_COOKIES_MAX 2

#include "tests/proof/packet.h"

#define memcpy  copy
#define memmove move
#include "nts/server.c"
#undef memcpy
#undef memmove

size_t aead_nonce_max(enum aead_id id)
{
    return id == AEAD_AES_SIV_CMAC_256 ? 16 : 12;
}

size_t nts_cookie_len(enum aead_id id)
{
    return id == AEAD_AES_SIV_CMAC_256 ? 100 : 68;
}

/* What others do, by what they promise; each has a proof of its own. */

static struct ntp_packet asked;

/* What the cookie is of, so that its length is a constant. */
static enum aead_id sealed_of;

enum ntp_verdict ntp_packet_parse(struct ntp_packet *p, const void *packet,
                                  size_t len)
{
    assert(packet == data && len == data_len);
    if (len < NTP_HEADER_LEN || nondet_bool())
        return NTP_DROP_SHORT;
    *p = asked;
    return NTP_OK;
}

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

static size_t multiple_of_4(void)
{
    size_t n = nondet_u16();

    ASSUME((n & 3) == 0 && n <= PROOF_BYTES_MAX);
    return n;
}

enum nts_fields_verdict nts_fields_read(struct nts_fields *f,
                                        const uint8_t *packet, size_t len)
{
    assert(packet == data && len == data_len && len >= NTP_HEADER_LEN);
    f->cookie_len = nts_cookie_len(sealed_of);
    if (nondet_bool())
        return nondet_bool() ? NTS_FIELDS_NONE : NTS_FIELDS_MALFORMED;

    f->unique_identifiers = nondet_u32();
    f->cookies = nondet_u32();
    f->placeholders = nondet_u16();
    f->unique_identifier_len = multiple_of_4();
    f->ad_len = multiple_of_4();
    f->nonce_len = nondet_u16();
    f->sealed_len = nondet_u16();
    f->room_len = multiple_of_4();

    size_t room = padded(f->sealed_len) + f->room_len;

    ASSUME(f->ad_len >= NTP_HEADER_LEN && f->ad_len <= len);
    ASSUME(f->room_len >= f->nonce_len);
    ASSUME(room + 8 <= len - f->ad_len);

    /* The identifier and the cookie are apart, and before the seal. */
    ASSUME(f->unique_identifiers != 1 || f->cookies != 1 ||
           NTP_HEADER_LEN + 8 + f->unique_identifier_len + f->cookie_len <=
               f->ad_len);
    size_t uid_at = nondet_u16(), cookie_at = nondet_u16();

    ASSUME(uid_at >= NTP_HEADER_LEN + 4 && uid_at <= f->ad_len);
    ASSUME(f->unique_identifier_len <= f->ad_len - uid_at);
    ASSUME(cookie_at >= NTP_HEADER_LEN + 4 && cookie_at <= f->ad_len);
    ASSUME(f->cookie_len <= f->ad_len - cookie_at);
    f->unique_identifier = data + uid_at;
    f->cookie = data + cookie_at;
    f->nonce = data + f->ad_len + 8;
    f->sealed = f->nonce + padded(f->nonce_len);
    return NTS_FIELDS_PROTECTED;
}

/* Of the fields of a plaintext, a few; how many does not matter. */
static unsigned inner;

bool nts_inner_next(struct reader *r, struct ntp_field *f)
{
    assert(is_inside(r->at, r->left));
    if (inner >= 2 || nondet_bool()) {
        r->ok = nondet_bool();
        return false;
    }
    inner++;
    f->type = nondet_u16();
    f->body_len = multiple_of_4();
    return true;
}

size_t nts_field_put(uint8_t *at, uint16_t type, const uint8_t *body,
                     size_t len)
{
    size_t n = NTS_FIELD_HEADER + padded(len);

    assert(type == NTP_UNIQUE_IDENTIFIER || type == NTS_COOKIE);
    assert(is_inside(at, n) && is_inside(body, len));
    return n;
}

size_t nts_authenticator_len(size_t nonce_len, size_t sealed)
{
    return 8 + padded(nonce_len) + padded(sealed);
}

size_t nts_authenticator_put(uint8_t *at, size_t nonce_len, size_t sealed,
                             uint8_t **nonce_at, uint8_t **sealed_at)
{
    size_t n = nts_authenticator_len(nonce_len, sealed);

    assert(is_inside(at, n));
    *nonce_at = at + 8;
    *sealed_at = at + 8 + nonce_len;
    return n;
}

static struct nts_keys keys;

bool nts_cookie_open(const struct nts_keys *k, const uint8_t *bytes, size_t len,
                     struct nts_cookie *c)
{
    assert(k == &keys && is_inside(bytes, len));
    assert(len == nts_cookie_len(sealed_of));

    /* No cookie of that length is of another; what does not open is wiped. */
    c->aead = sealed_of;
    return nondet_bool();
}

size_t nts_cookie_seal(const struct nts_keys *k, const struct nts_cookie *c,
                       const uint8_t *nonce, uint8_t *out)
{
    assert(k == &keys && __CPROVER_r_ok(nonce, NTS_COOKIE_NONCE_LEN));
    assert(is_inside(out, nts_cookie_len(c->aead)));
    return nts_cookie_len(c->aead);
}

void aead_init(struct aead *a, const struct aes_cipher *cipher, enum aead_id id,
               const uint8_t *key)
{
    (void)cipher;
    assert(__CPROVER_r_ok(key, AEAD_KEY_MAX));
    a->id = id;
}

bool aead_open(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
               size_t sealed_len, uint8_t *out)
{
    (void)a;
    assert(is_inside(nonce, nonce_len) && is_inside(ad, ad_len));
    assert(ad == data && nonce >= ad + ad_len);
    assert(is_inside(sealed, sealed_len) && out == sealed);
    return sealed_len >= AEAD_TAG_LEN && nondet_bool();
}

static unsigned seals;

void aead_seal(const struct aead *a, const uint8_t *nonce, size_t nonce_len,
               const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t len,
               uint8_t *out)
{
    assert(nonce_len == aead_nonce_max(a->id));
    assert(ad == data && nonce == ad + ad_len + 8);
    assert(out == nonce + nonce_len && in == out + AEAD_TAG_LEN);
    assert(is_inside(out, len + AEAD_TAG_LEN));
    seals++;
}

void aead_wipe(struct aead *a)
{
    (void)a;
}

void ntp_server_header(const struct ntp_server *server,
                       const struct clock_line *line, uint64_t rx_ticks,
                       const struct ntp_packet *p, uint32_t kiss,
                       uint8_t *header)
{
    (void)server;
    (void)line;
    (void)rx_ticks;
    assert(p->version == 4 && p->mode == MODE_CLIENT);
    assert(header == data && data_len >= NTP_HEADER_LEN);
    data[1] = kiss == 0 ? 2 : 0;
    data[12] = (uint8_t)(kiss >> 24);
}

ntp_date clock_at(const struct clock_line *line, uint64_t ticks)
{
    (void)line;
    return (ntp_date)ticks << 32;
}

static void random_bytes(void *context, void *bytes, size_t len)
{
    (void)context;
    assert(__CPROVER_w_ok(bytes, len));
}

static void check_protected(const struct nts_reply *r)
{
    size_t n = 4 + nts_cookie_len(r->s2c.id);

    /* At least one cookie, and no more than are allowed. */
    assert(r->plain_len >= n && r->plain_len <= NTS_COOKIES_MAX * n);
    assert(r->sealed_at + AEAD_TAG_LEN + r->plain_len == data + r->len);
    assert(seals > 0);
    COVER(r->len == PROOF_BYTES_MAX);
    COVER(r->plain_len == 2 * 104);
    COVER(r->plain_len == 72);
}

static void check(enum aead_id id)
{
    const struct nts_server server = {.keys = &keys, .random = random_bytes};
    struct clock_line line;
    static struct nts_reply reply;
    bool kiss = nondet_bool();

    sealed_of = id;
    __CPROVER_havoc_object(data);
    __CPROVER_havoc_object(&asked);
    data_len = nondet_u16();
    ASSUME(data_len <= PROOF_BYTES_MAX);

    /* As nts_server_reply() and nts_server_kiss() call it. */
    enum ntp_verdict verdict =
        reply_with(&server, &line, nondet_u64(), kiss ? NTP_KISS_CODE_RATE : 0,
                   data, data_len, &reply);

    if (!ntp_is_answer(verdict)) {
        assert(verdict == NTP_PASS || verdict == NTP_DROP_FORMAT);
        COVER(verdict == NTP_PASS);
        COVER(verdict == NTP_DROP_FORMAT);
        return;
    }
    nts_server_finish(&reply, &line, nondet_u64());
    if (nondet_bool())
        nts_server_finish(&reply, &line, nondet_u64());

    assert(verdict == NTS_NAK || verdict == NTS_OK);
    assert(reply.data == data && reply.len <= data_len);
    assert(reply.ad_len >= NTP_HEADER_LEN + 4 + 32);
    assert(reply.protected == (verdict != NTS_NAK));
    assert(data[12] == (verdict == NTS_NAK ? 'N' : kiss ? 'R' : data[12]));
    if (reply.protected) {
        check_protected(&reply);
    } else {
        assert(reply.len == reply.ad_len && seals == 0);
        COVER(kiss);
    }
    COVER(verdict == NTS_OK && kiss);
    COVER(seals == 2);
}

int main(void)
{
    if (nondet_bool())
        check(AEAD_AES_SIV_CMAC_256);
    else
        check(AEAD_AES_128_GCM_SIV);
    return 0;
}
