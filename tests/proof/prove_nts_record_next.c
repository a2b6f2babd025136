/* SPDX-License-Identifier: BSD-2-Clause */
/* One step over a record stays inside, and goes forward. */
/* proves: nts_record_next */
/* bounds: any reader state over any bytes, length 0 to 1500 */
/* sources: nts/record.c */
/* planted: nts/record.c s/read_bytes(r, len)/read_bytes(r, len - 1)/ */
/* planted: nts/record.c s/type & NTS_RECORD_TYPE_MASK/type/ */
/* planted: nts/record.c s/if (!body)/if (false)/ */
/* planted: ntp/bytes.h s/n > r->left/n > r->left + 1/ */
#include "nts/record.h"

#include "tests/proof/proof.h"

int main(void)
{
    size_t len = nondet_u16();
    size_t before = nondet_u16();

    ASSUME(len <= PROOF_BYTES_MAX && before <= len);
    const uint8_t *message = nondet_bytes(len);
    const uint8_t *at = message + before;
    size_t left = len - before;
    struct reader r = {.at = at, .left = left, .ok = nondet_bool()};
    bool was_ok = r.ok;
    struct nts_record rec = {.body = NULL};

    if (nts_record_next(&r, &rec)) {
        assert(was_ok && r.ok);
        assert(rec.type == (get_u16(at) & 0x7fff));
        assert(rec.critical == (at[0] >> 7 != 0));
        assert(rec.len == get_u16(at + 2));
        assert(rec.body == at + 4);
        assert(rec.len <= left - 4);
        assert(r.left == left - 4 - rec.len);
        assert(r.at == at + 4 + rec.len);
        COVER(r.left == 0 && rec.len == 0);
        COVER(r.left > 0 && before > 0);
        COVER(rec.len == PROOF_BYTES_MAX - 4);
        COVER(rec.critical && rec.type == 0x7fff);
    } else {
        assert(!r.ok || left == 0);
        assert(rec.body == NULL);
        assert(r.left <= left && r.at == at + (left - r.left));
        COVER(r.ok);
        COVER(!r.ok && was_ok && left >= 4);
        COVER(!was_ok);
    }
    return 0;
}
