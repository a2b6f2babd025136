/* SPDX-License-Identifier: BSD-2-Clause */
/* A partition that is found lies in what is usable, its name ends, and entry
 * after entry stays inside of what was read. */
/* proves: gpt_next */
/* bounds: a table of 2 entries of 128 bytes, of any content */
/* sources: boot/gpt.c */
/* cbmc: --unwindset gpt_next.0:3 --unwindset read_name.0:38 --unwind 18 */
/* planted: boot/gpt.c s/partition->last > gpt->last_usable/0/ */
/* planted: boot/gpt.c s/partition->first > partition->last/0/ */
/* planted: boot/gpt.c s/len < GPT_NAME_MAX && le16/le16/ */
#include "boot/gpt.h"

#include "tests/proof/proof.h"

/* From one entry on; a constant, so that entries are at known places. */
static void check(uint32_t at)
{
    struct gpt gpt = {
        .disk = {512, nondet_u64()},
        .first_usable = nondet_u64(),
        .last_usable = nondet_u64(),
        .count = 2,
        .entry_bytes = 128,
    };
    struct gpt_partition p;

    /* What gpt_header_read() promises. */
    ASSUME(gpt.first_usable >= 2 && gpt.first_usable <= gpt.last_usable &&
           gpt.last_usable < gpt.disk.blocks);

    uint8_t entries[256]; /* of any content */
    uint32_t before = at;

    if (gpt_next(&gpt, entries, &at, &p)) {
        size_t end = nondet_u16();

        assert(at > before && at <= gpt.count);
        assert(p.first >= 2 && p.first <= p.last);
        assert(p.last < gpt.disk.blocks);
        ASSUME(end <= GPT_NAME_MAX && p.name[end] == 0);
        COVER(at == 2 && before == 0);
        COVER(end == GPT_NAME_MAX);
        COVER(end == 0);
    } else {
        assert(at == gpt.count);
        COVER(before < at);
        COVER(before == at);
    }
}

int main(void)
{
    switch (nondet_u8()) {
    case 0:
        check(0);
        break;
    case 1:
        check(1);
        break;
    default:
        check(2);
    }
    return 0;
}
