/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an NTP packet: header, fields and MAC are all of it. */
#include "ntp/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ntp_packet p;
    struct ntp_tail tail;
    struct ntp_field f;
    uint8_t again[NTP_HEADER_LEN];

    if (ntp_packet_parse(&p, data, len) != NTP_OK)
        return 0;
    ntp_packet_write(again, &p);
    HOLDS(memcmp(again, data, NTP_HEADER_LEN) == 0);

    if (ntp_packet_tail(&tail, data, len, p.version) != NTP_OK)
        return 0;

    size_t sum = NTP_HEADER_LEN + tail.mac_len;

    while (ntp_field_next(&tail.fields, &f)) {
        sum += 4 + f.body_len;
        HOLDS(f.body >= data && f.body + f.body_len <= data + len);
        HOLDS(f.body_len >= 12 && f.body_len % 4 == 0);
        HOLDS(get_u16(f.body - 2) == f.body_len + 4);
    }
    HOLDS(tail.fields.ok);
    HOLDS(sum == len);
    if (p.version == 4)
        HOLDS(tail.mac_len == 0 || tail.mac_len == 4 || tail.mac_len == 20 ||
              tail.mac_len == 24);
    return 0;
}
