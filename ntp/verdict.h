/* SPDX-License-Identifier: BSD-2-Clause */
/* Every fate that a frame on the serving path can meet, with its name. */
#ifndef NTP_VERDICT_H
#define NTP_VERDICT_H

#include <stdbool.h>

/*
 * One enumerator, one counter, one word on the `logstats` line.  Of the frames
 * received, each meets exactly one: received = the sum of all of them.
 *
 * Those of ntp_is_answer() are answered; those that pass are handed to the
 * background; the rest are dropped.
 */
#define NTP_VERDICTS(X)                                                        \
    X(NTP_OK, "answered", "answered")                                          \
    X(NTS_OK, "nts", "answered under NTS")                                     \
    X(NTS_NAK, "nts_nak", "cookie or authenticator not valid, told so")        \
    X(NTP_KISS_RATE, "kiss_rate", "over its rate, told so")                    \
    X(NTP_PASS, "pass", "not NTP, for the background")                         \
    X(NTP_DROP_FRAME, "frame", "not a whole Ethernet frame for us")            \
    X(NTP_DROP_IP, "ip", "malformed IP header")                                \
    X(NTP_DROP_UDP, "udp", "malformed UDP header")                             \
    X(NTP_DROP_CHECKSUM, "checksum", "wrong or missing checksum")              \
    X(NTP_DROP_SOURCE, "source", "source address or port never answered")      \
    X(NTP_DROP_DESTINATION, "destination", "not to an address of ours")        \
    X(NTP_DROP_SHORT, "short", "shorter than a header")                        \
    X(NTP_DROP_VERSION, "version", "version we do not speak")                  \
    X(NTP_DROP_MODE, "mode", "not a client request")                           \
    X(NTP_DROP_FORMAT, "format", "malformed extension field or trailer")       \
    X(NTP_DROP_AUTH, "auth", "unknown key or wrong MAC")                       \
    X(NTP_DROP_ACCESS, "access", "denied by the access rules")                 \
    X(NTP_DROP_REQUIRED, "unauthenticated", "ntsrequire wants more of it")     \
    X(NTP_DROP_RATE, "rate", "over its rate")                                  \
    X(NTP_DROP_FULL, "full", "no room on the ring to the background")          \
    X(NTP_DROP_DISRUPTED, "disrupted", "time was lost before it was answered") \
    X(NTP_DROP_SEND, "send", "no room on the transmit queue")

#define NTP_VERDICT_ENUM(id, word, text) id,
enum ntp_verdict { NTP_VERDICTS(NTP_VERDICT_ENUM) NTP_VERDICT_COUNT };
#undef NTP_VERDICT_ENUM

/* Is there a reply to send? */
static inline bool ntp_is_answer(enum ntp_verdict verdict)
{
    return verdict == NTP_OK || verdict == NTS_OK || verdict == NTS_NAK ||
           verdict == NTP_KISS_RATE;
}

#endif
