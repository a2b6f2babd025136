/* SPDX-License-Identifier: BSD-2-Clause */
/* A unique identifier that is found is whole, and long enough. */
/* proves: ntp_unique_identifier */
/* bounds: any fields, 0 to 100 bytes */
/* cbmc: --unwind 8 */
/* sources: ntp/packet.c */
/* planted: ntp/packet.c s/>= NTP_UNIQUE_IDENTIFIER_MIN/> 0/ */
/* planted: ntp/packet.c s/length - 4u/length - 3u/ */
#include "ntp/packet.h"

#include "tests/proof/proof.h"

int main(void)
{
    size_t len = nondet_u16();
    struct ntp_field f;

    ASSUME(len <= 100);
    const uint8_t *fields = nondet_bytes(len);

    if (ntp_unique_identifier(reader_of(fields, len), &f)) {
        assert(f.type == NTP_UNIQUE_IDENTIFIER);
        assert(f.body >= fields + 4 && f.body <= fields + len);
        assert(f.body_len <= len - (size_t)(f.body - fields));
        assert(f.body_len >= 32 && f.body_len % 4 == 0);
        assert(get_u16(f.body - 4) == NTP_UNIQUE_IDENTIFIER);
        COVER(f.body == fields + 4);
        COVER(f.body == fields + 36);
        COVER(f.body_len == 96);
    } else {
        COVER(len == 100);
    }
    return 0;
}
