/* SPDX-License-Identifier: BSD-2-Clause */
/* The on-wire protocol of a client: one request, one reply, four times. */
#ifndef NTP_PEER_H
#define NTP_PEER_H

#include "ntp/packet.h"
#include "ntp/source.h"

/* A header, a key id and the longest digest. */
#define PEER_REQUEST_MAX (NTP_HEADER_LEN + 4 + NTP_DIGEST_MAX)

/* The state variables of RFC 5905, 8: of one source, one request at a time. */
struct peer {
    const struct ntp_key *key; /* NULL: none is asked for, none accepted */
    uint8_t version;           /* of our requests */
    bool waiting;              /* for the answer to `transmit_ts` */
    bool answered;             /* `answered_ts` is the answered one before */
    ntp_ts transmit_ts;        /* random: it says nothing of our clock */
    ntp_ts answered_ts;
    uint64_t sent_ticks; /* T1 */
};

/* What we are called in others' reference identifiers. */
struct peer_names {
    const uint32_t *reference_id;
    unsigned count;
};

/* A reply that passed all tests but those of its delay. */
struct peer_reply {
    struct ntp_packet header; /* with T2 and T3 */
    uint64_t sent_ticks;      /* T1 */
    uint64_t received_ticks;  /* T4 */
};

/* `version` 0: the default for that key. */
void peer_init(struct peer *p, const struct ntp_key *key, uint8_t version);

/*
 * Write a request to `data`, which has room for PEER_REQUEST_MAX.  An earlier
 * one is not waited for any more.  Nothing in it but version, mode and
 * `random`, which the reply must bring back.
 * Returns its length.  RFC 5905, 9.1 and 7.3.
 */
size_t peer_request(struct peer *p, ntp_ts random, uint8_t *data);

/* The request went out at that counter value. */
void peer_sent(struct peer *p, uint64_t ticks);

/*
 * Check a packet from the source's address and port.
 *
 * Takes any bytes at all.  `reply` is written, and its header valid, on
 * SOURCE_OK and on all verdicts from SOURCE_KISS_RATE on: those are truly the
 * server's answer, and nothing more is waited for.  Anything else might come
 * from anybody and leaves `p` as it is.
 *
 * RFC 5905, 8, 9.2 and 7.4.
 */
enum source_verdict peer_receive(struct peer *p, const void *data, size_t len,
                                 uint64_t ticks, const struct peer_names *ours,
                                 struct peer_reply *reply);

/*
 * The reference identifier of a server that follows `address`: the IPv4
 * address, or the first four bytes of the MD5 of the IPv6 address.
 * RFC 5905, 7.3.
 */
uint32_t peer_reference_id(const struct ip_addr6 *address);

#endif
