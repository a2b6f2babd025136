/* SPDX-License-Identifier: BSD-2-Clause */
/* All that a packet is said to have of NTS lies in it, and before the seal. */
/* proves: nts_fields_read nts_inner_next */
/* bounds: any packet of 0 to 108 bytes; any plaintext of 0 to 1500 */
/* cbmc: --unwind 5 --no-sat-preprocessor */
/* planted: nts/fields.c s/= read_bytes(&r, padded(f->sealed_len))/= r.at/ */
/* planted: nts/fields.c s/(len + 3)/(len + 7)/ */
/* planted: nts/fields.c s/- NTS_FIELD_HEADER;$/- 0;/ */
/* planted: nts/fields.c s/ && field.type != NTS_AUTHENTICATOR// */
/* planted: nts/fields.c s/length % 4 != 0/length % 2 != 0/ */
/* Its loop is proved in prove_ntp_packet_tail.c; here is what it promises. */
#define ntp_packet_tail loop_of_packet_tail
#include "ntp/packet.c"
#undef ntp_packet_tail

#include "nts/fields.c"

#include "tests/proof/proof.h"

#define PACKET_MAX 108 /* at most three fields */

static uint8_t data[PACKET_MAX];

enum ntp_verdict ntp_packet_tail(struct ntp_tail *t, const void *packet,
                                 size_t len, uint8_t version)
{
    size_t mac_len = nondet_u16();

    assert(packet == data && len >= NTP_HEADER_LEN && version == 4);
    ASSUME(mac_len == 0 || mac_len == 4 || mac_len == 20 || mac_len == 24);
    if (nondet_bool() || len % 4 != 0 || mac_len > len - NTP_HEADER_LEN)
        return NTP_DROP_FORMAT;

    t->mac_at = len - mac_len;
    t->mac_len = mac_len;
    t->mac = mac_len > 0 ? data + t->mac_at : NULL;
    t->fields = reader_of(data + NTP_HEADER_LEN, t->mac_at - NTP_HEADER_LEN);
    return NTP_OK;
}

static bool is_inside(const uint8_t *at, size_t n, const uint8_t *from,
                      size_t len)
{
    return at >= from && at <= from + len && n <= len - (size_t)(at - from);
}

static void read_packet(void)
{
    size_t len = nondet_u16();
    struct nts_fields f;

    __CPROVER_havoc_object(data);
    ASSUME(len <= PACKET_MAX);
    enum nts_fields_verdict verdict = nts_fields_read(&f, data, len);

    if (verdict == NTS_FIELDS_MALFORMED) {
        COVER(len == PACKET_MAX);
        return;
    }

    size_t end = verdict == NTS_FIELDS_PROTECTED ? f.ad_len : len;

    assert((f.unique_identifier != NULL) == (f.unique_identifiers > 0));
    assert((f.cookie != NULL) == (f.cookies > 0));
    assert(!f.unique_identifier ||
           is_inside(f.unique_identifier, f.unique_identifier_len, data, end));
    assert(!f.cookie || is_inside(f.cookie, f.cookie_len, data, end));
    if (verdict == NTS_FIELDS_NONE) {
        COVER(f.unique_identifiers == 1);
        return;
    }
    assert(f.ad_len >= NTP_HEADER_LEN && f.ad_len % 4 == 0);
    assert(is_inside(f.nonce, f.nonce_len, data + end, len - end));
    assert(is_inside(f.sealed, f.sealed_len, data + end, len - end));
    assert(f.nonce == data + f.ad_len + 8);
    assert(f.sealed >= f.nonce + f.nonce_len);

    /* A reply with as long a nonce and as much AEAD output takes no more. */
    assert(f.room_len >= f.nonce_len);
    assert(nts_authenticator_len(f.room_len, f.sealed_len) <= len - end);

    /* Each placeholder has as many bytes of the request as it asks for. */
    assert(!f.cookie ||
           (1 + f.placeholders) * (NTS_FIELD_HEADER + f.cookie_len) <=
               end - NTP_HEADER_LEN);
    COVER(f.cookies == 1 && f.unique_identifiers == 1);
    COVER(f.sealed_len == 16 && f.nonce_len == 16);
    COVER(f.placeholders == 1 && f.cookies == 1);
    COVER(f.sealed_len == 0 && f.nonce_len == 0 && f.room_len == 8);
}

static void read_plaintext(void)
{
    size_t len = nondet_u16();
    size_t before = nondet_u16();
    struct ntp_field f;

    ASSUME(len <= PROOF_BYTES_MAX && before <= len);
    const uint8_t *plain = nondet_bytes(len);
    const uint8_t *at = plain + before;
    size_t left = len - before;
    struct reader r = reader_of(at, left);

    if (nts_inner_next(&r, &f)) {
        assert(f.body == at + 4 && f.body_len % 4 == 0);
        assert(r.ok && r.left == left - 4 - f.body_len);
        assert(r.at == at + 4 + f.body_len);
        COVER(f.body_len == 0 && r.left == 0);
        COVER(f.body_len == PROOF_BYTES_MAX - 4);
    } else {
        assert(!r.ok || left == 0);
        COVER(r.ok);
        COVER(!r.ok);
    }
}

int main(void)
{
    if (nondet_bool())
        read_packet();
    else
        read_plaintext();
    return 0;
}
