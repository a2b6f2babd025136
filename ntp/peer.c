/* SPDX-License-Identifier: BSD-2-Clause */
/* The on-wire protocol of a client: one request, one reply, four times. */
#include "ntp/peer.h"

#include "ntp/clock.h"

#define VERSION     4
#define STRATUM_MAX 15
#define MAXDISP     (16u << 16) /* ntp_short; RFC 5905, 7.2 */

/* Precision of a request that does not tell it: 2^32 s, no clock's. */
#define PRECISION_UNTOLD 32

static size_t digest_length(const struct peer *p)
{
    /* Before NTPv4, a digest is sent whole. */
    if (p->version < VERSION && p->key->type == MAC_SHA256)
        return NTP_DIGEST_MAX;
    return ntp_mac_length(p->key->type);
}

void peer_init(struct peer *p, const struct ntp_key *key, uint8_t version)
{
    if (version == 0)
        version = key && key->type == MAC_SHA256 ? VERSION - 1 : VERSION;
    *p = (struct peer){.key = key, .version = version};
}

void peer_authenticate(struct peer *p, const struct peer_auth *auth)
{
    p->auth = auth;
    p->version = VERSION;
}

void peer_interleave(struct peer *p, ntp_ts random)
{
    p->next_receive_ts = p->last.known ? random : 0;
}

void peer_forget_exchange(struct peer *p)
{
    p->last.known = false;
}

size_t peer_request(struct peer *p, ntp_ts random, uint8_t *data)
{
    /* Alike, they would be those of a plain request. */
    p->receive_ts = p->next_receive_ts == random ? 0 : p->next_receive_ts;
    p->next_receive_ts = 0;

    struct ntp_packet request = {
        .version = p->version,
        .mode = MODE_CLIENT,
        .precision = PRECISION_UNTOLD,
        .origin_ts = p->receive_ts ? p->last.receive_ts : 0,
        .receive_ts = p->receive_ts,
        .transmit_ts = random,
    };
    size_t len = NTP_HEADER_LEN;

    ntp_packet_write(data, &request);
    if (p->auth) {
        len = p->auth->protect(p->auth->context, data, len, PEER_REQUEST_MAX);
    } else if (p->key) {
        uint8_t digest[NTP_DIGEST_MAX];

        ntp_mac_make(p->key, data, len, digest);
        put_u32(data + len, p->key->id);
        memcpy(data + len + 4, digest, digest_length(p));
        len += 4 + digest_length(p);
    }
    p->transmit_ts = random;
    p->waiting = len > 0;
    return len;
}

void peer_sent(struct peer *p, uint64_t ticks)
{
    p->sent_ticks = ticks;
}

/* A reply that tells of the exchange before brings back the other number. */
static bool is_interleaved(const struct peer *p, const struct ntp_packet *h)
{
    return p->last.known && p->receive_ts != 0 &&
           h->origin_ts == p->receive_ts && h->origin_ts != p->transmit_ts;
}

/* Tests 1 to 3 of RFC 5905, figure 22: is it new, and an answer to us? */
static enum source_verdict check_origin(const struct peer *p,
                                        const struct ntp_packet *h)
{
    if (p->waiting && h->origin_ts == p->transmit_ts)
        return SOURCE_OK;
    if (p->waiting && is_interleaved(p, h))
        return SOURCE_OK;
    if (p->answered && h->origin_ts == p->answered_ts)
        return SOURCE_DUPLICATE;
    return p->waiting ? SOURCE_BOGUS : SOURCE_UNASKED;
}

/* The MAC that was asked for, or none. */
static enum source_verdict check_mac(const struct peer *p, const uint8_t *data,
                                     size_t len, uint8_t version)
{
    struct ntp_tail tail;

    if (ntp_packet_tail(&tail, data, len, version) != NTP_OK)
        return SOURCE_FORMAT;
    if (!p->key)
        return tail.mac ? SOURCE_AUTH : SOURCE_OK;
    if (!tail.mac || tail.mac_len <= 4 || get_u32(tail.mac) != p->key->id ||
        !ntp_mac_verify(p->key, data, tail.mac_at, tail.mac + 4,
                        tail.mac_len - 4))
        return SOURCE_AUTH;
    return SOURCE_OK;
}

/* Test 5: exactly the authentication that was asked for. */
static enum source_verdict check_proof(const struct peer *p,
                                       const uint8_t *data, size_t len,
                                       uint8_t version)
{
    if (!p->auth)
        return check_mac(p, data, len, version);
    if (version != VERSION)
        return SOURCE_VERSION;
    return p->auth->check(p->auth->context, data, len);
}

/* Stratum 0: the reference identifier is a kiss code, RFC 5905, 7.4. */
static enum source_verdict kiss(const struct ntp_packet *h)
{
    switch (h->reference_id) {
    case 0x52415445: /* RATE */
        return SOURCE_KISS_RATE;
    case 0x44454e59: /* DENY */
    case 0x52535452: /* RSTR */
        return SOURCE_KISS_STOP;
    case 0:
        return SOURCE_BAD_LEAP;
    default:
        return SOURCE_KISS_OTHER;
    }
}

static bool is_ours(uint32_t reference_id, const struct peer_names *ours)
{
    for (unsigned i = 0; i < ours->count; i++) {
        if (ours->reference_id[i] == reference_id)
            return true;
    }
    return false;
}

static bool is_before(ntp_ts a, ntp_ts b)
{
    return (int64_t)(a - b) < 0;
}

/* Tests 6 and 7, and 8's loop: does the server know the time?  It said so at
 * `now` by its clock. */
static enum source_verdict check_header(const struct ntp_packet *h, ntp_ts now,
                                        const struct peer_names *ours)
{
    if (h->stratum == 0)
        return kiss(h);
    if (h->leap == LEAP_UNKNOWN)
        return SOURCE_BAD_LEAP;
    if (h->stratum > STRATUM_MAX)
        return SOURCE_BAD_STRATUM;
    if ((uint64_t)h->root_delay / 2 + h->root_dispersion >= MAXDISP)
        return SOURCE_BAD_DISTANCE;
    /* It cannot have been set, nor have received, after it sent. */
    if (h->receive_ts == 0 || h->transmit_ts == 0 ||
        is_before(h->transmit_ts, h->receive_ts) ||
        (h->reference_ts != 0 && is_before(now, h->reference_ts)))
        return SOURCE_BAD_TIMES;
    /* A primary server's identifier is no address. */
    if (h->stratum > 1 && is_ours(h->reference_id, ours))
        return SOURCE_BAD_LOOP;
    return SOURCE_OK;
}

/* The four timestamps of an exchange, the third of which came with `h`. */
static struct peer_reply of_exchange(const struct peer_exchange *x,
                                     const struct ntp_packet *h)
{
    struct peer_reply reply = {
        .header = *h,
        .sent_ticks = x->sent_ticks,
        .received_ticks = x->received_ticks,
    };

    reply.header.receive_ts = x->receive_ts;
    return reply;
}

enum source_verdict peer_receive(struct peer *p, const void *data, size_t len,
                                 uint64_t ticks, const struct peer_names *ours,
                                 struct peer_reply *reply)
{
    struct ntp_packet h;
    enum source_verdict verdict;

    switch (ntp_packet_parse(&h, data, len)) {
    case NTP_OK:
        break;
    case NTP_DROP_VERSION:
        return SOURCE_VERSION;
    default:
        return SOURCE_SHORT;
    }
    if (h.mode != MODE_SERVER)
        return SOURCE_MODE;
    if (h.version > p->version)
        return SOURCE_VERSION;
    verdict = check_origin(p, &h);
    if (verdict != SOURCE_OK)
        return verdict;
    verdict = check_proof(p, data, len, h.version);
    if (verdict != SOURCE_OK)
        return verdict;

    struct peer_exchange now = {
        .measured = !is_interleaved(p, &h),
        .receive_ts = h.receive_ts,
        .sent_ticks = p->sent_ticks,
        .received_ticks = ticks,
    };
    bool in_order = now.measured || !is_before(h.receive_ts, h.transmit_ts);

    *reply = of_exchange(now.measured ? &now : &p->last, &h);
    reply->interleaved = !now.measured;
    reply->measured = reply->interleaved && p->last.measured;
    verdict = check_header(&reply->header,
                           now.measured ? h.transmit_ts : h.receive_ts, ours);
    if (verdict == SOURCE_OK && !in_order)
        verdict = SOURCE_BAD_TIMES;

    p->waiting = false;
    p->answered = true;
    p->answered_ts = h.origin_ts;
    p->last = now;
    p->last.known = verdict == SOURCE_OK;
    return verdict;
}

uint32_t peer_reference_id(const struct ip_addr6 *address)
{
    static const struct ntp_key nothing = {.type = MAC_MD5};
    uint8_t digest[NTP_DIGEST_MAX];

    if (ip_is_v4(address))
        return get_u32(address->byte + 12);
    /* A MAC whose key is empty is the plain digest. */
    ntp_mac_make(&nothing, address->byte, sizeof(address->byte), digest);
    return get_u32(digest);
}
