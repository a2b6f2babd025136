/* SPDX-License-Identifier: BSD-2-Clause */
/* The NTP header, extension fields, and where the MAC is. */
#ifndef NTP_PACKET_H
#define NTP_PACKET_H

#include "ntp/bytes.h"
#include "ntp/ts.h"
#include "ntp/verdict.h"

#define NTP_PORT       123
#define NTP_HEADER_LEN 48

/* Offset of what is written last, the transmit timestamp. */
#define NTP_TRANSMIT_AT 40

/* Association modes, RFC 5905, figure 10. */
enum ntp_mode {
    MODE_RESERVED = 0, /* NTPv1: told by the ports, RFC 1305, appendix D */
    MODE_ACTIVE = 1,
    MODE_PASSIVE = 2,
    MODE_CLIENT = 3,
    MODE_SERVER = 4,
    MODE_BROADCAST = 5
};

/* The header, RFC 5905, figure 8, in host byte order. */
struct ntp_packet {
    uint8_t leap; /* enum ntp_leap */
    uint8_t version;
    uint8_t mode; /* enum ntp_mode */
    uint8_t stratum;
    int8_t poll;      /* log2 s */
    int8_t precision; /* log2 s */
    ntp_short root_delay;
    ntp_short root_dispersion;
    uint32_t reference_id;
    ntp_ts reference_ts;
    ntp_ts origin_ts;
    ntp_ts receive_ts;
    ntp_ts transmit_ts;
};

/*
 * Read the header of a packet.
 *
 * Takes any bytes at all.  What follows the header is left for
 * ntp_packet_tail().  `p` is written only on NTP_OK.
 *
 * Returns NTP_OK, NTP_DROP_SHORT (under 48 bytes), or NTP_DROP_VERSION
 * (not 1 to 4).
 * RFC 5905, 7.3.  Level: any.
 */
enum ntp_verdict ntp_packet_parse(struct ntp_packet *p, const void *data,
                                  size_t len);

/*
 * Write a header: NTP_HEADER_LEN bytes at `data`.
 * RFC 5905, 7.3.  Level: any.
 */
void ntp_packet_write(uint8_t *data, const struct ntp_packet *p);

/* What follows the header: extension fields, then perhaps a MAC. */
struct ntp_tail {
    struct reader fields; /* for ntp_field_next(), which will find all whole */
    const uint8_t *mac;   /* key id and digest, or NULL */
    size_t mac_len;       /* 4 is a crypto-NAK */
    size_t mac_at;        /* bytes before the MAC: what it covers */
};

/*
 * Tell the extension fields of a packet from its MAC.
 *
 * `data` and `len` are the whole packet, of which ntp_packet_parse() has said
 * NTP_OK and `version`.  In NTPv4 the last 4, 20 or 24 bytes are a MAC, and
 * only 28 bytes and more can begin with an extension field; before NTPv4 there
 * are no fields, and what follows the header is a MAC of any length.
 * `tail` is lent the packet's bytes and written only on NTP_OK.
 *
 * Returns NTP_OK, or NTP_DROP_FORMAT: a length that is no multiple of 4, a
 * field shorter than 16 bytes or longer than the packet, or an end that is
 * neither a field nor a MAC.
 * RFC 7822, 3 (7.5 of RFC 5905).  Level: any.
 */
enum ntp_verdict ntp_packet_tail(struct ntp_tail *tail, const void *data,
                                 size_t len, uint8_t version);

/* One extension field, its body lent from the packet. */
struct ntp_field {
    uint16_t type;
    size_t body_len; /* padding included, a multiple of 4, at least 12 */
    const uint8_t *body;
};

/*
 * The next extension field.
 *
 * Returns false at the end, and also, with the reader failed, when the length
 * is under 16, no multiple of 4, or more than what is left.
 * RFC 7822, 3.  Level: any.
 */
bool ntp_field_next(struct reader *r, struct ntp_field *f);

#define NTP_UNIQUE_IDENTIFIER     0x0104
#define NTP_UNIQUE_IDENTIFIER_MIN 32

/*
 * The first field, of those of a packet, that is a unique identifier of legal
 * length: at least NTP_UNIQUE_IDENTIFIER_MIN bytes.
 * RFC 8915, 5.3.  Level: any.
 */
bool ntp_unique_identifier(struct reader fields, struct ntp_field *f);

#endif
