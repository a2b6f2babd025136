/* SPDX-License-Identifier: BSD-2-Clause */
/* The on-wire protocol of a client: one request, one reply, four times. */
#ifndef NTP_PEER_H
#define NTP_PEER_H

#include "ntp/packet.h"
#include "ntp/source.h"

/* What fits into a datagram that no IPv6 network has to split: 1280 octets
 * less the headers of IPv6 and UDP. */
#define PEER_REQUEST_MAX 1232

/* Authentication by other means than a key: NTS. */
struct peer_auth {
    void *context;

    /* Append what proves a request of `len` bytes, of up to `room` in all.
     * Returns its length then, or 0: it cannot, do not ask. */
    size_t (*protect)(void *context, uint8_t *data, size_t len, size_t room);

    /* A packet that has a header, and the origin timestamp of that request:
     * is it proven?  SOURCE_OK, or why not. */
    enum source_verdict (*check)(void *context, const uint8_t *data,
                                 size_t len);
};

/* The last exchange with a source: what interleaved mode refers to. */
struct peer_exchange {
    bool known;
    bool measured;     /* its answer was a plain one, that told all of it */
    ntp_ts receive_ts; /* T2 */
    uint64_t sent_ticks;
    uint64_t received_ticks;
};

/* The state variables of RFC 5905, 8: of one source, one request at a time. */
struct peer {
    const struct ntp_key *key;    /* NULL: none is asked for, none accepted */
    const struct peer_auth *auth; /* not NULL: goes before `key`; NTPv4 only */
    uint8_t version;              /* of our requests */
    bool waiting;                 /* for the answer to `transmit_ts` */
    bool answered;                /* `answered_ts` is the answered one before */
    ntp_ts transmit_ts;           /* random: it says nothing of our clock */
    ntp_ts answered_ts;
    uint64_t sent_ticks;    /* T1 */
    ntp_ts next_receive_ts; /* random, in the next request; 0: a plain one */
    ntp_ts receive_ts;      /* random, in that under way; 0: a plain one */
    struct peer_exchange last;
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
    bool interleaved; /* the four are those of the exchange before, with T3 as
                         it truly was */
    bool measured;    /* and that one was measured already */
};

/* `version` 0: the default for that key.  No `auth`. */
void peer_init(struct peer *p, const struct ntp_key *key, uint8_t version);

/* From now on, that goes before any key; lent for good. */
void peer_authenticate(struct peer *p, const struct peer_auth *auth);

/*
 * The next request asks for an interleaved reply, if there has been an exchange
 * that one could tell more of.  It differs from a plain one in bringing back
 * the server's last receive timestamp, and in the receive timestamp `random`.
 * RFC 9769, 2.
 */
void peer_interleave(struct peer *p, ntp_ts random);

/* The times of the last exchange cannot be compared with those to come. */
void peer_forget_exchange(struct peer *p);

/*
 * Write a request to `data`, which has room for PEER_REQUEST_MAX.  An earlier
 * one is not waited for any more.  Nothing in it but version, mode and
 * `random`, which the reply must bring back, if it is not interleaved.
 * Returns its length, or 0 if it cannot be authenticated, and then there is
 * nothing to be sent.  RFC 5905, 9.1 and 7.3.
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
 * RFC 5905, 8, 9.2 and 7.4; RFC 9769, 2.
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
