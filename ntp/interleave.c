/* SPDX-License-Identifier: BSD-2-Clause */
/* Interleaved mode of the server: an answer tells when the one before left. */
#include "ntp/interleave.h"

#include "ntp/packet.h"

/* Of timestamps in a header, RFC 5905, figure 8. */
#define ORIGIN_AT   24
#define RECEIVE_AT  32
#define TRANSMIT_AT NTP_TRANSMIT_AT

/* Receive timestamps as near as that, 2^-32 s, are of frames that came at
 * once: a microsecond. */
#define AT_ONCE 4096

struct ntp_asked ntp_interleave_asked(const uint8_t *request)
{
    return (struct ntp_asked){
        .origin_ts = get_u64(request + ORIGIN_AT),
        .receive_ts = get_u64(request + RECEIVE_AT),
        .transmit_ts = get_u64(request + TRANSMIT_AT),
        .client = (request[0] & 7) == MODE_CLIENT,
    };
}

/* RFC 9769, 2: receive and transmit timestamp alike are of a client that does
 * not know of it. */
static bool matches(const struct ntp_pair *pair, const struct ntp_asked *asked)
{
    return asked->client && pair->transmit_ts != 0 &&
           asked->origin_ts == pair->receive_ts &&
           asked->receive_ts != asked->transmit_ts;
}

ntp_ts ntp_interleave_reply(struct ntp_pair *pair,
                            const struct ntp_asked *asked, uint8_t *reply)
{
    ntp_ts receive_ts = get_u64(reply + RECEIVE_AT);
    ntp_ts left = 0;

    if (matches(pair, asked)) {
        left = pair->transmit_ts;
        put_u64(reply + ORIGIN_AT, asked->receive_ts);
    }
    if (pair->receive_ts - receive_ts < AT_ONCE) {
        receive_ts = pair->receive_ts + 1;
        put_u64(reply + RECEIVE_AT, receive_ts);
    }
    *pair = (struct ntp_pair){.receive_ts = receive_ts};
    return left;
}
