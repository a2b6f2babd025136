/* SPDX-License-Identifier: BSD-2-Clause */
/* Interleaved mode of the server: an answer tells when the one before left. */
#ifndef NTP_INTERLEAVE_H
#define NTP_INTERLEAVE_H

#include "ntp/ts.h"

/*
 * What is kept of the last answer to a client.  Of clients behind one address,
 * the last one: the others get plain answers.
 */
struct ntp_pair {
    ntp_ts receive_ts;  /* as it was served */
    ntp_ts transmit_ts; /* when it truly left; 0: not known */
};

/* What of a request says whether it is interleaved. */
struct ntp_asked {
    ntp_ts origin_ts;
    ntp_ts receive_ts;
    ntp_ts transmit_ts;
    bool client; /* it is of mode 3 */
};

/* Read it from a request of at least 48 bytes, before an answer replaces it. */
struct ntp_asked ntp_interleave_asked(const uint8_t *request);

/*
 * The reply at `reply`, but for its transmit timestamp, is for the client of
 * that pair.  Is the request interleaved, and of the answer that the pair is
 * of, the reply becomes interleaved: its origin timestamp is the request's
 * receive timestamp, and the transmit timestamp it is to have is returned.  Is
 * it not, 0 is returned.
 *
 * The pair is that of this reply then, with no transmit timestamp yet.  Its
 * receive timestamp is unlike that of the one before: if the clock has not
 * moved on it is raised by the least that can be. RFC 9769, 2.  Level: any.
 */
ntp_ts ntp_interleave_reply(struct ntp_pair *pair,
                            const struct ntp_asked *asked, uint8_t *reply);

#endif
