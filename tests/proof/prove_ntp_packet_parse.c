/* SPDX-License-Identifier: BSD-2-Clause */
/* A header is read from 48 bytes and more, and from nothing else. */
/* proves: ntp_packet_parse */
/* bounds: any bytes, length 0 to 1500 */
/* sources: ntp/packet.c */
/* planted: ntp/packet.c s/len < NTP_HEADER_LEN/len < NTP_HEADER_LEN - 1/ */
/* planted: ntp/packet.c s/version > 4/version > 5/ */
#include "ntp/packet.h"

#include "tests/proof/proof.h"

int main(void)
{
    size_t len = nondet_u16();

    ASSUME(len <= PROOF_BYTES_MAX);
    const uint8_t *data = nondet_bytes(len);
    struct ntp_packet p;
    enum ntp_verdict verdict = ntp_packet_parse(&p, data, len);

    if (len < NTP_HEADER_LEN) {
        assert(verdict == NTP_DROP_SHORT);
        COVER(len == 47);
        return 0;
    }

    uint8_t version = data[0] >> 3 & 7;

    if (version < 1 || version > 4) {
        assert(verdict == NTP_DROP_VERSION);
        COVER(version == 5);
        return 0;
    }
    assert(verdict == NTP_OK);
    assert(p.version == version);
    assert(p.leap == data[0] >> 6);
    assert(p.mode == (data[0] & 7));
    assert(p.stratum == data[1]);
    assert(p.reference_id == get_u32(data + 12));
    assert(p.transmit_ts == get_u64(data + NTP_TRANSMIT_AT));
    COVER(len == NTP_HEADER_LEN);
    COVER(len == PROOF_BYTES_MAX);
    return 0;
}
