/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever the device writes, no more is taken than it was given. */
/* proves: virtq_refresh virtq_take */
/* bounds: any queue of 2 to 256 entries in any state, any used ring */
/* sources: drivers/virtq.c */
/* planted: drivers/virtq.c s/taken & (q->size - 1u)/taken \& q->size/ */
/* planted: drivers/virtq.c s/(uint16_t)(q->published - q->taken) ||/256 ||/ */
/* planted: drivers/virtq.c s/< (uint16_t)(q->seen - q->taken)/< 0/ */
#include "drivers/virtq.h"

#include "tests/proof/proof.h"

int main(void)
{
    struct virtq q;
    struct virtq_used used;
    uint16_t given = nondet_u16(), seen = nondet_u16();
    uint8_t bits = nondet_u8();

    ASSUME(bits >= 1 && bits <= 8);
    q.size = (uint16_t)(1 << bits);
    q.event_index = nondet_bool();
    q.desc = NULL;
    q.available = NULL;
    q.used = nondet_bytes(4 + 8 * (size_t)q.size + 2);
    q.broken = NULL;

    /* The device has been given at most the whole queue, and seen to have
     * used at most that. */
    q.taken = nondet_u16();
    ASSUME(seen <= given && given <= q.size);
    q.seen = (uint16_t)(q.taken + seen);
    q.published = (uint16_t)(q.taken + given);
    q.offered = q.published;
    struct virtq before = q;

    if (virtq_refresh(&q)) {
        uint16_t now = (uint16_t)(q.seen - q.taken);

        assert(!q.broken);
        assert(now >= seen && now <= given);
        COVER(now == given && given == 256);
        COVER(now > seen && q.seen < q.taken);
    } else {
        assert(q.broken && q.seen == before.seen);
        COVER(given == 256);
        COVER(given == 0);
    }
    assert(q.taken == before.taken && q.published == before.published);

    before = q;
    if (virtq_take(&q, &used)) {
        assert(!q.broken);
        assert(q.taken == (uint16_t)(before.taken + 1));
        assert((uint16_t)(q.seen - q.taken) < given);
        COVER(q.taken == 0);
    } else {
        assert(q.taken == before.taken);
        assert(q.broken || q.seen == q.taken);
    }
    return 0;
}
