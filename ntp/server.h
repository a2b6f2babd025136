/* SPDX-License-Identifier: BSD-2-Clause */
/* A request into a reply, in the buffer of the request. */
#ifndef NTP_SERVER_H
#define NTP_SERVER_H

#include "ntp/clock.h"
#include "ntp/mac.h"
#include "ntp/verdict.h"

#include <stddef.h>

#define NTP_KISS_CODE_RATE 0x52415445 /* "RATE", RFC 5905, 7.4 */

struct ntp_packet;

/* What does not change from one request to the next; const after boot. */
struct ntp_server {
    const struct ntp_keys *keys; /* NULL: none */
    int8_t precision;            /* log2 s of the served clock */
    int8_t min_poll; /* log2 s: no reply suggests less; `ratelimit interval` */
};

/* A reply that only lacks what is written last. */
struct ntp_reply {
    uint8_t *data;
    size_t len;                /* never more than the request had */
    size_t mac_at;             /* bytes before the MAC; `len` without one */
    const struct ntp_key *key; /* to authenticate with, or NULL */
    ntp_ts interleaved_ts; /* to be its transmit timestamp; 0: when it leaves */
};

/*
 * Check the request of `len` bytes at `data`, sent from UDP port `source_port`
 * and received at counter value `rx_ticks`, and turn it into a reply in place:
 * everything but transmit timestamp and MAC.
 *
 * Returns NTP_OK with `reply` written, or why there is no answer; then nothing
 * was written.
 * RFC 5905, 9.2; RFC 7822.  Level: any; see ntp_mac_make().
 */
enum ntp_verdict ntp_server_reply(const struct ntp_server *server,
                                  const struct clock_line *line,
                                  uint64_t rx_ticks, uint16_t source_port,
                                  uint8_t *data, size_t len,
                                  struct ntp_reply *reply);

/*
 * The same for a client over its rate: a kiss-o'-death, stratum 0, code RATE.
 * Returns NTP_KISS_RATE with `reply` written, or why there is no answer.
 * RFC 5905, 7.4.
 */
enum ntp_verdict ntp_server_kiss(const struct ntp_server *server,
                                 const struct clock_line *line,
                                 uint64_t rx_ticks, uint16_t source_port,
                                 uint8_t *data, size_t len,
                                 struct ntp_reply *reply);

/*
 * Write the header of a reply to `asked` over the request at `data`, all but
 * the transmit timestamp: that of a kiss with the code `kiss`, or, if that is
 * 0, of an answer.
 * Level: any.
 */
void ntp_server_header(const struct ntp_server *server,
                       const struct clock_line *line, uint64_t rx_ticks,
                       const struct ntp_packet *asked, uint32_t kiss,
                       uint8_t *data);

/*
 * Write the transmit timestamp for `tx_ticks`, then the MAC if there is one.
 * May be repeated with a later counter value.
 */
void ntp_server_finish(const struct ntp_reply *reply,
                       const struct clock_line *line, uint64_t tx_ticks);

#endif
