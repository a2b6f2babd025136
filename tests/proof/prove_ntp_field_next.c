/* SPDX-License-Identifier: BSD-2-Clause */
/* One step over an extension field stays inside, and goes forward. */
/* proves: ntp_field_next */
/* bounds: any reader state over any bytes, length 0 to 1500 */
/* sources: ntp/packet.c */
/* planted: ntp/packet.c s/length % 4 != 0/length % 2 != 0/ */
/* planted: ntp/packet.c s/length - 4u/length - 3u/ */
/* planted: ntp/bytes.h s/n > r->left/n > r->left + 1/ */
#include "ntp/packet.h"

#include "tests/proof/proof.h"

int main(void)
{
    size_t len = nondet_u16();
    size_t before = nondet_u16();

    ASSUME(len <= PROOF_BYTES_MAX && before <= len);
    const uint8_t *packet = nondet_bytes(len);
    const uint8_t *at = packet + before;
    size_t left = len - before;
    struct reader r = {.at = at, .left = left, .ok = nondet_bool()};
    bool was_ok = r.ok;
    struct ntp_field f;

    if (ntp_field_next(&r, &f)) {
        assert(was_ok && r.ok);
        assert(f.body_len >= 12 && f.body_len % 4 == 0);
        assert(f.body == at + 4);
        assert(f.type == get_u16(at));
        assert(get_u16(at + 2) == f.body_len + 4);
        assert(f.body_len + 4 <= left);
        assert(r.left == left - 4 - f.body_len);
        assert(r.at == at + 4 + f.body_len);
        COVER(r.left == 0);
        COVER(r.left > 0 && before > 0);
        COVER(f.body_len == 12);
        COVER(f.body_len == PROOF_BYTES_MAX - 4);
    } else {
        assert(!r.ok || left == 0);
        assert(r.left <= left && r.at == at + (left - r.left));
        COVER(r.ok);
        COVER(!r.ok && was_ok);
        COVER(!was_ok);
    }
    return 0;
}
