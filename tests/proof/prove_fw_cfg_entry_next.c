/* SPDX-License-Identifier: BSD-2-Clause */
/* One step over a directory entry stays inside, and goes forward. */
/* proves: fw_cfg_entry_next */
/* bounds: any view over any bytes, length 0 to 1500 */
/* sources: drivers/fw_cfg.c */
/* planted: drivers/fw_cfg.c s/name\[FW_CFG_NAME_MAX\] != 0/name[1] != 0/ */
/* planted: drivers/fw_cfg.c s/select < KEY_FILE_FIRST/select < 31/ */
/* planted: drivers/fw_cfg.c s/directory, FW_CFG_NAME_MAX + 1/directory, 55/ */
/* planted: drivers/bytes.h s/n > v->left/n > v->left + 1/ */
#include "drivers/fw_cfg.h"

#include "tests/proof/proof.h"

int main(void)
{
    size_t len = nondet_u16();
    size_t before = nondet_u16();

    ASSUME(len <= PROOF_BYTES_MAX && before <= len);
    const uint8_t *bytes = nondet_bytes(len);
    const uint8_t *at = bytes + before;
    size_t left = len - before;
    struct view v = {.at = at, .left = left, .ok = nondet_bool()};
    bool was_ok = v.ok;
    struct fw_cfg_entry e = {.size = nondet_u32(), .select = 7};
    uint32_t old_size = e.size;

    if (fw_cfg_entry_next(&v, &e)) {
        size_t i = nondet_u16();

        ASSUME(i <= FW_CFG_NAME_MAX);
        assert(was_ok && v.ok);
        assert(left >= FW_CFG_ENTRY_BYTES);
        assert(v.left == left - FW_CFG_ENTRY_BYTES);
        assert(v.at == at + FW_CFG_ENTRY_BYTES);
        assert(e.size == be32(at));
        assert(e.select == be16(at + 4) && e.select >= 0x20);
        assert(e.name[i] == (char)at[8 + i]);
        assert(e.name[FW_CFG_NAME_MAX] == 0);
        COVER(v.left == 0);
        COVER(v.left > 0 && before > 0);
        COVER(e.select == 0x20);
        COVER(i == FW_CFG_NAME_MAX - 1 && e.name[i] != 0);
    } else {
        assert(!v.ok || left == 0);
        assert(v.left <= left && v.at == at + (left - v.left));
        assert(e.size == old_size && e.select == 7);
        COVER(v.ok);
        COVER(!v.ok && was_ok && v.left == 0 && left == FW_CFG_ENTRY_BYTES);
        COVER(!v.ok && was_ok && left < FW_CFG_ENTRY_BYTES);
        COVER(!was_ok);
    }
    return 0;
}
