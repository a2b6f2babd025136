/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields and MAC are told apart, and together are all of the packet. */
/* proves: ntp_packet_tail */
/* bounds: any bytes, length 48 to 1500, versions 1 to 4, loop by invariant */
/* planted: ntp/packet.c s/r->left > MAC_MAX/r->left >= MAC_MAX/ */
/* planted: ntp/packet.c s/MAC_MIN 20/MAC_MIN 16/ */
/* planted: ntp/packet.c s/length - 4u/length - 3u/ */
#include "ntp/packet.c"

#include "tests/proof/proof.h"

static const uint8_t *data;
static size_t len;

/* What holds before and after each pass of the loop. */
static bool invariant(const struct reader *r)
{
    size_t at = (size_t)(r->at - data);

    if (at < NTP_HEADER_LEN || at > len || r->left != len - at)
        return false;
    return at == NTP_HEADER_LEN || (at >= NTP_HEADER_LEN + 16 && at % 4 == 0 &&
                                    len > NTP_HEADER_LEN + 24);
}

static void check_result(const struct ntp_tail *t, uint8_t version)
{
    assert(len % 4 == 0);
    assert(t->fields.ok);
    assert(t->fields.at == data + NTP_HEADER_LEN);
    assert(NTP_HEADER_LEN + t->fields.left == t->mac_at);
    assert(t->mac_at + t->mac_len == len);
    assert(t->mac_len > 0 ? t->mac == data + t->mac_at : t->mac == NULL);
    if (version == 4) {
        assert(t->mac_len == 0 || t->mac_len == 4 || t->mac_len == 20 ||
               t->mac_len == 24);
        assert(t->fields.left == 0 || t->fields.left >= 16);
        assert(t->mac || t->fields.left == 0 || t->fields.left >= 28);
    } else {
        assert(t->fields.left == 0);
    }
    COVER(version == 4 && t->mac_len == 0 && t->fields.left == 28);
    COVER(version == 4 && t->mac_len == 20 && t->fields.left == 16);
    COVER(version == 4 && t->mac_len == 24 && t->fields.left == 0);
    COVER(version == 4 && t->mac_len == 4 && t->fields.left == 1448);
    COVER(version == 3 && t->mac_len == 36);
}

int main(void)
{
    uint8_t version = nondet_u8();
    struct ntp_tail t;

    len = nondet_u16();
    ASSUME(len >= NTP_HEADER_LEN && len <= PROOF_BYTES_MAX);
    ASSUME(version >= 1 && version <= 4);
    data = nondet_bytes(len);

    /* The loop is entered in the invariant ... */
    struct reader r = reader_of(data, len);
    read_bytes(&r, NTP_HEADER_LEN);
    assert(r.ok && invariant(&r));

    if (version == 4) {
        /* ... of which each pass, from any state, ... */
        size_t skipped = nondet_u16();
        ASSUME(skipped <= len - NTP_HEADER_LEN);
        r.at = data + NTP_HEADER_LEN + skipped;
        r.left = len - NTP_HEADER_LEN - skipped;
        ASSUME(invariant(&r));
        size_t left = r.left;

        if (skip_field(&r)) {
            /* ... keeps it and comes nearer to the end ... */
            assert(r.ok && invariant(&r) && r.left < left);
            COVER(r.left == 24);
            COVER(r.left > 24);
            return 0;
        }
        COVER(!r.ok);
    }

    /* ... so that this is what follows the last pass. */
    if (tail_end(&t, &r, data, version) == NTP_OK)
        check_result(&t, version);
    else
        COVER(r.ok);
    return 0;
}
