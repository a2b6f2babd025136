/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers and payload that are found lie inside the frame, in their order. */
/* proves: frame_parse */
/* bounds: any bytes, length 0 to 1514; the IPv4 header's sum unwound whole */
/* sources: net/frame.c */
/* planted: net/frame.c s/N > r->left)/N > r->left + 1)/ */
/* planted: net/frame.c s/(len > r->left)/(len > r->left + 1)/ */
/* planted: net/frame.c s/get_u16(udp + 2)/get_u16(udp + 4)/ */
/* cbmc: --unwind 18 */
#include "net/frame.h"

#include "ntp/bytes.h"
#include "tests/proof/proof.h"

#define LEN_MAX (FRAME_ETHERNET_LEN + PROOF_BYTES_MAX)

static void check_ipv4(const struct frame *f, const uint8_t *data, size_t len)
{
    const uint8_t *ip = data + FRAME_ETHERNET_LEN;
    size_t total = get_u16(ip + 2);

    assert(get_u16(data + 12) == 0x0800 && ip[0] == 0x45 && ip[9] == 17);
    assert((get_u16(ip + 6) & 0x3fff) == 0);
    assert(f->udp_offset == 34);
    assert(total <= len - 14 && 28u + f->payload_len <= total);
    assert(memcmp(f->source.byte + 12, ip + 12, 4) == 0);
    assert(memcmp(f->destination.byte + 12, ip + 16, 4) == 0);
    COVER(28u + f->payload_len < total);
    COVER(total < len - 14);
    COVER(f->payload_len == PROOF_BYTES_MAX - 28);
}

static void check_ipv6(const struct frame *f, const uint8_t *data, size_t len)
{
    const uint8_t *ip = data + FRAME_ETHERNET_LEN;
    size_t ip_len = get_u16(ip + 4);

    assert(get_u16(data + 12) == 0x86dd && ip[0] >> 4 == 6 && ip[6] == 17);
    assert(f->udp_offset == 54);
    assert(ip_len <= len - 54 && 8u + f->payload_len <= ip_len);
    assert(memcmp(f->source.byte, ip + 8, 16) == 0);
    assert(memcmp(f->destination.byte, ip + 24, 16) == 0);
    assert(!ip_is_v4(&f->source) && !ip_is_v4(&f->destination));
    COVER(f->payload_len == PROOF_BYTES_MAX - 48);
}

int main(void)
{
    size_t len = nondet_u16();

    ASSUME(len <= LEN_MAX);
    const uint8_t *data = nondet_bytes(len);
    struct frame f;
    enum ntp_verdict verdict = frame_parse(&f, data, len);

    if (verdict != NTP_OK) {
        assert(verdict == NTP_PASS || verdict == NTP_DROP_FRAME ||
               verdict == NTP_DROP_IP || verdict == NTP_DROP_UDP ||
               verdict == NTP_DROP_CHECKSUM);
        assert(len >= FRAME_ETHERNET_LEN || verdict == NTP_DROP_FRAME);
        COVER(verdict == NTP_PASS);
        COVER(verdict == NTP_DROP_IP);
        COVER(verdict == NTP_DROP_UDP);
        COVER(verdict == NTP_DROP_CHECKSUM);
        COVER(verdict == NTP_DROP_FRAME && len > FRAME_ETHERNET_LEN);
        return 0;
    }

    assert((size_t)f.udp_offset + FRAME_UDP_LEN + f.payload_len <= len);
    assert(f.group == (data[0] & 1) && !(data[6] & 1));
    assert(f.source_port == get_u16(data + f.udp_offset));
    assert(f.destination_port == get_u16(data + f.udp_offset + 2));
    assert(f.payload_len + 8u == get_u16(data + f.udp_offset + 4));
    COVER(f.payload_len == 0);
    if (f.ipv6)
        check_ipv6(&f, data, len);
    else
        check_ipv4(&f, data, len);
    return 0;
}
