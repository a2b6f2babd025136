/* SPDX-License-Identifier: BSD-2-Clause */
/* A request is whole when its End of Message is there, and says so for good. */
/* proves: nts_ke_scan */
/* bounds: any bytes, length 0 to 24, where 20 are the most of a request */
/* cbmc: --unwind 8 --no-sat-preprocessor */
/* planted: nts/ke.c s/if (!read_bytes(&r, body_len))/if (false)/ */
/* planted: nts/ke.c s/NTS_RECORD_HEADER_LEN - end)/NTS_RECORD_HEADER_LEN)/ */
/* planted: nts/ke.c s/ \& NTS_RECORD_TYPE_MASK// */
/* planted: nts/ke.c s/end += NTS_RECORD_HEADER_LEN +/end +=/ */
#include "nts/ke.h"

#undef NTS_KE_MESSAGE_MAX
#define NTS_KE_MESSAGE_MAX 20

#include "nts/ke.c"

#include "nts/record.c"

#include "tests/proof/proof.h"

#define BYTES_MAX 24

/* Of a constant size, for speed; prove_nts_record_next.c has the bounds. */
static uint8_t message[BYTES_MAX];

/* Where the record at `at` ends; beyond `len` if it has not all come. */
static size_t record_end(size_t len, size_t at)
{
    if (len - at < 4)
        return BYTES_MAX + 1;
    return at + 4 + message[at + 2] * 256u + message[at + 3];
}

/* The end of the first End of Message record, 0: there is none. */
static size_t find_end(size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t end = record_end(len, at);

        if (end > len)
            return 0;
        if ((message[at] & 0x7f) == 0 && message[at + 1] == 0)
            return end;
        at = end;
    }
    return 0;
}

int main(void)
{
    size_t len = nondet_u16();
    size_t shorter = nondet_u16();

    ASSUME(len <= BYTES_MAX && shorter <= len);
    __CPROVER_havoc_object(message);
    size_t end = find_end(len);
    enum nts_ke_progress now = nts_ke_scan(message, len);
    enum nts_ke_progress before = nts_ke_scan(message, shorter);

    assert((now == NTS_KE_WHOLE) == (end != 0 && end <= NTS_KE_MESSAGE_MAX));
    assert(before == NTS_KE_MORE || before == now);
    assert(now != NTS_KE_MORE || len < NTS_KE_MESSAGE_MAX);
    COVER(now == NTS_KE_WHOLE && end == NTS_KE_MESSAGE_MAX);
    COVER(now == NTS_KE_WHOLE && end == 4 && len == BYTES_MAX);
    COVER(now == NTS_KE_TOO_LONG && len == 4);
    COVER(now == NTS_KE_TOO_LONG && end != 0);
    COVER(now == NTS_KE_MORE && len == NTS_KE_MESSAGE_MAX - 1);
    COVER(now == NTS_KE_WHOLE && before == NTS_KE_MORE);
    return 0;
}
