/* SPDX-License-Identifier: BSD-2-Clause */
/* A request into a reply, in the buffer of the request. */
#include "ntp/server.h"

#include "ntp/packet.h"

#include <string.h>

#define POLL_MAX 17 /* MAXPOLL, RFC 5905, 7.2 */

/* Type and length of an extension field. */
#define FIELD_HEADER 4

/* A request that is to be answered. */
struct request {
    struct ntp_packet packet;
    const struct ntp_key *key; /* that it was authenticated with, or NULL */
    size_t mac_len;
    struct ntp_field identifier; /* unique, to be echoed; body_len 0: none */
};

/*
 * The mode of the reply; MODE_RESERVED when there is none.  Nothing that we
 * send is itself answered, so that two servers cannot be set upon each other.
 */
static enum ntp_mode reply_mode(const struct ntp_packet *p,
                                uint16_t source_port)
{
    switch (p->mode) {
    case MODE_CLIENT:
        return MODE_SERVER;
    case MODE_ACTIVE:
        /* Windows asks in it; no association is made.  RFC 5905, 9.2. */
        return MODE_PASSIVE;
    case MODE_RESERVED:
        /* NTPv1 has no mode: a client is whoever is not on our port. */
        return p->version == 1 && source_port != NTP_PORT ? MODE_SERVER
                                                          : MODE_RESERVED;
    default:
        return MODE_RESERVED;
    }
}

/* The key that the MAC of the packet was made with, or NULL. */
static const struct ntp_key *signer(const struct ntp_keys *keys,
                                    const uint8_t *data,
                                    const struct ntp_tail *tail)
{
    struct reader r = reader_of(tail->mac, tail->mac_len);
    uint32_t id = read_u32(&r);
    const struct ntp_key *key = keys ? ntp_key_find(keys, id) : NULL;

    if (!key || !ntp_mac_verify(key, data, tail->mac_at, r.at, r.left))
        return NULL;
    return key;
}

static enum ntp_verdict request_check(struct request *q,
                                      const struct ntp_server *server,
                                      uint16_t source_port, const uint8_t *data,
                                      size_t len)
{
    struct ntp_tail tail;
    enum ntp_verdict verdict = ntp_packet_parse(&q->packet, data, len);

    if (verdict != NTP_OK)
        return verdict;

    if (reply_mode(&q->packet, source_port) == MODE_RESERVED)
        return NTP_DROP_MODE;

    verdict = ntp_packet_tail(&tail, data, len, q->packet.version);
    if (verdict != NTP_OK)
        return verdict;

    q->key = NULL;
    q->mac_len = tail.mac_len;
    if (tail.mac) {
        q->key = signer(server->keys, data, &tail);
        if (!q->key)
            return NTP_DROP_AUTH;
    }

    /* Between client and server alone does it mean something. */
    if (q->packet.mode != MODE_CLIENT ||
        !ntp_unique_identifier(tail.fields, &q->identifier))
        q->identifier.body_len = 0;
    return NTP_OK;
}

static int8_t reply_poll(const struct ntp_server *server, int8_t asked)
{
    int8_t poll = asked > server->min_poll ? asked : server->min_poll;

    return poll < POLL_MAX ? poll : POLL_MAX;
}

void ntp_server_header(const struct ntp_server *server,
                       const struct clock_line *line, uint64_t rx_ticks,
                       const struct ntp_packet *asked, uint32_t kiss,
                       uint8_t *data)
{
    struct clock_status status = {.leap = LEAP_UNKNOWN, .reference_id = kiss};

    if (kiss == 0)
        status = clock_status(line, rx_ticks);

    const struct ntp_packet header = {
        .leap = status.leap,
        .version = asked->version,
        .mode = asked->mode == MODE_ACTIVE ? MODE_PASSIVE : MODE_SERVER,
        .stratum = status.stratum,
        .poll = reply_poll(server, asked->poll),
        .precision = server->precision,
        .root_delay = status.root_delay,
        .root_dispersion = status.root_dispersion,
        .reference_id = status.reference_id,
        .reference_ts = status.reference_ts,
        .origin_ts = asked->transmit_ts,
        .receive_ts = ntp_ts_from_date(clock_at(line, rx_ticks)),
    };

    ntp_packet_write(data, &header);
}

/*
 * What follows the header of the reply.  Of the extension fields only a unique
 * identifier is echoed (RFC 8915, 5.3), so it and the MAC move up to the
 * header, and the reply is never longer.
 */
static void reply_write(struct ntp_reply *reply, const struct request *q,
                        uint8_t *data)
{
    size_t len = NTP_HEADER_LEN;

    if (q->identifier.body_len > 0) {
        size_t field_len = FIELD_HEADER + q->identifier.body_len;

        memmove(data + len, q->identifier.body - FIELD_HEADER, field_len);
        len += field_len;
    }
    reply->data = data;
    reply->mac_at = len;
    reply->len = len + q->mac_len;
    reply->key = q->key;
    reply->interleaved_ts = 0;
    if (q->key)
        put_u32(data + len, q->key->id);
}

enum ntp_verdict ntp_server_reply(const struct ntp_server *server,
                                  const struct clock_line *line,
                                  uint64_t rx_ticks, uint16_t source_port,
                                  uint8_t *data, size_t len,
                                  struct ntp_reply *reply)
{
    struct request q;
    enum ntp_verdict verdict =
        request_check(&q, server, source_port, data, len);

    if (verdict != NTP_OK)
        return verdict;

    ntp_server_header(server, line, rx_ticks, &q.packet, 0, data);
    reply_write(reply, &q, data);
    return NTP_OK;
}

enum ntp_verdict ntp_server_kiss(const struct ntp_server *server,
                                 const struct clock_line *line,
                                 uint64_t rx_ticks, uint16_t source_port,
                                 uint8_t *data, size_t len,
                                 struct ntp_reply *reply)
{
    struct request q;
    enum ntp_verdict verdict =
        request_check(&q, server, source_port, data, len);

    if (verdict != NTP_OK)
        return verdict;

    ntp_server_header(server, line, rx_ticks, &q.packet, NTP_KISS_CODE_RATE,
                      data);
    reply_write(reply, &q, data);
    return NTP_KISS_RATE;
}

void ntp_server_finish(const struct ntp_reply *reply,
                       const struct clock_line *line, uint64_t tx_ticks)
{
    ntp_ts left = reply->interleaved_ts;

    if (left == 0)
        left = ntp_ts_from_date(clock_at(line, tx_ticks));
    put_u64(reply->data + NTP_TRANSMIT_AT, left);

    if (reply->key) {
        uint8_t digest[NTP_DIGEST_MAX];
        uint8_t *mac = reply->data + reply->mac_at;

        ntp_mac_make(reply->key, reply->data, reply->mac_at, digest);
        memcpy(mac + 4, digest, reply->len - reply->mac_at - 4);
    }
}
