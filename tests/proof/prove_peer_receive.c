/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply is believed only if it answers us, and is ours to believe. */
/* proves: peer_receive */
/* bounds: any bytes, length 0 to 1500, any state, with a key, NTS or neither */
/* What the functions of ntp/packet.c and ntp/mac.c return is any result that
 * they may give; they have proofs and tests of their own. */
/* cbmc: --unwind 3 */
/* planted: ntp/peer.c s/_ts == p->transmit_ts/_ts >= p->transmit_ts/ */
/* planted: ntp/peer.c s/if (p->waiting \&\& h/if (h/ */
/* planted: ntp/peer.c s/p->last.known \&\& p->receive_ts != 0/p->last.known/ */
/* planted: ntp/peer.c s/now.measured ? &now : &p->last/\&now/ */
/* planted: ntp/peer.c s/tail.mac_len <= 4/tail.mac_len < 4/ */
/* planted: ntp/peer.c s/if (!p->auth)/if (p->key || !p->auth)/ */
/* planted: ntp/peer.c s/version != VERSION/version > VERSION/ */
/* planted: ntp/peer.c s/16u << 16/17u << 16/ */
/* planted: ntp/peer.c s/STRATUM_MAX 15/STRATUM_MAX 16/ */
/* planted: ntp/peer.c s/stratum > 1 \&\& is_ours/stratum > 2 \&\& is_ours/ */
#include "ntp/mac.h"
#include "ntp/packet.h"
#include "ntp/peer.h"

#include "tests/proof/proof.h"

static const uint8_t *data;
static size_t len;
static struct ntp_tail tail;
static bool tail_read, verified;

enum ntp_verdict ntp_packet_parse(struct ntp_packet *p, const void *at,
                                  size_t n)
{
    assert(at == data && n == len);
    if (len < NTP_HEADER_LEN)
        return NTP_DROP_SHORT;
    if (nondet_bool())
        return NTP_DROP_VERSION;
    *p = (struct ntp_packet){
        .leap = nondet_u8() % 4,
        .version = 1 + nondet_u8() % 4,
        .mode = nondet_u8() % 8,
        .stratum = nondet_u8(),
        .root_delay = nondet_u32(),
        .root_dispersion = nondet_u32(),
        .reference_id = nondet_u32(),
        .reference_ts = nondet_u64(),
        .origin_ts = nondet_u64(),
        .receive_ts = nondet_u64(),
        .transmit_ts = nondet_u64(),
    };
    return NTP_OK;
}

void ntp_packet_write(uint8_t *at, const struct ntp_packet *p)
{
    (void)at, (void)p;
    assert(false);
}

enum ntp_verdict ntp_packet_tail(struct ntp_tail *t, const void *at, size_t n,
                                 uint8_t version)
{
    assert(at == data && n == len && len >= NTP_HEADER_LEN);
    assert(version >= 1 && version <= 4);
    if (nondet_bool())
        return NTP_DROP_FORMAT;
    tail.mac_at = nondet_u16();
    ASSUME(tail.mac_at >= NTP_HEADER_LEN && tail.mac_at <= len);
    tail.mac_len = len - tail.mac_at;
    ASSUME(tail.mac_len == 0 || tail.mac_len >= 4);
    tail.mac = tail.mac_len > 0 ? data + tail.mac_at : NULL;
    *t = tail;
    tail_read = true;
    return NTP_OK;
}

static struct ntp_key key;

bool ntp_mac_verify(const struct ntp_key *with, const void *at, size_t n,
                    const uint8_t *digest, size_t digest_len)
{
    assert(with == &key && at == data && n == tail.mac_at);
    assert(digest == tail.mac + 4 && digest_len > 0);
    assert(digest_len == len - n - 4);
    verified = nondet_bool();
    return verified;
}

size_t ntp_mac_make(const struct ntp_key *with, const void *at, size_t n,
                    uint8_t *digest)
{
    (void)with, (void)at, (void)n, (void)digest;
    assert(false);
    return 0;
}

size_t ntp_mac_length(enum ntp_mac_type type)
{
    (void)type;
    assert(false);
    return 0;
}

static enum source_verdict nts_says;

static enum source_verdict nts_check(void *context, const uint8_t *at, size_t n)
{
    assert(context == &nts_says && at == data && n == len);
    assert(len >= NTP_HEADER_LEN && nts_says == SOURCE_OK);
    nts_says = nondet_bool()   ? SOURCE_OK
               : nondet_bool() ? SOURCE_AUTH
               : nondet_bool() ? SOURCE_NAK
                               : SOURCE_FORMAT;
    verified = nts_says == SOURCE_OK;
    return nts_says;
}

static const struct peer_auth nts = {.context = &nts_says, .check = nts_check};

#include "ntp/peer.c"

static void check_answer(const struct peer *before, const struct peer *after,
                         const struct peer_reply *reply)
{
    assert(before->waiting && !after->waiting && after->answered);
    assert(after->answered_ts == reply->header.origin_ts);
    if (reply->interleaved) {
        assert(before->last.known && before->receive_ts != 0);
        assert(reply->header.origin_ts == before->receive_ts);
        assert(reply->header.receive_ts == before->last.receive_ts);
        assert(reply->sent_ticks == before->last.sent_ticks);
        assert(reply->received_ticks == before->last.received_ticks);
    } else {
        assert(reply->header.origin_ts == before->transmit_ts);
        assert(reply->sent_ticks == before->sent_ticks);
        assert(!reply->measured);
    }
    assert(!after->last.known || after->last.sent_ticks == before->sent_ticks);
    assert(reply->header.mode == MODE_SERVER);
    assert(reply->header.version <= before->version);
    if (before->auth) {
        assert(verified && reply->header.version == 4);
        return;
    }
    assert(tail_read);
    assert(before->key ? verified : tail.mac == NULL);
    assert(!before->key || get_u32(tail.mac) == key.id);
}

static void check_good(const struct ntp_packet *h, const uint32_t *ours)
{
    assert(h->leap != LEAP_UNKNOWN);
    assert(h->stratum >= 1 && h->stratum <= 15);
    assert((uint64_t)h->root_delay / 2 + h->root_dispersion < 16u << 16);
    assert(h->receive_ts != 0 && h->transmit_ts != 0);
    assert(h->transmit_ts - h->receive_ts < (uint64_t)1 << 63);
    assert(h->stratum == 1 ||
           (h->reference_id != ours[0] && h->reference_id != ours[1]));
}

int main(void)
{
    /* Of any content; the packet is the end of it, so that a byte too far is
     * out of bounds. */
    uint8_t bytes[PROOF_BYTES_MAX];
    uint32_t ours[2] = {nondet_u32(), nondet_u32()};
    struct peer_names names = {ours, 2};
    struct peer_reply reply;
    struct peer p = {
        .key = nondet_bool() ? &key : NULL,
        .auth = nondet_bool() ? &nts : NULL,
        .version = nondet_u8(),
        .waiting = nondet_bool(),
        .answered = nondet_bool(),
        .transmit_ts = nondet_u64(),
        .answered_ts = nondet_u64(),
        .sent_ticks = nondet_u64(),
        .receive_ts = nondet_u64(),
        .last =
            {
                .known = nondet_bool(),
                .measured = nondet_bool(),
                .receive_ts = nondet_u64(),
                .sent_ticks = nondet_u64(),
                .received_ticks = nondet_u64(),
            },
    };
    struct peer before = p;

    key.id = nondet_u32();
    len = nondet_u16();
    ASSUME(len <= PROOF_BYTES_MAX);
    data = bytes + PROOF_BYTES_MAX - len;

    enum source_verdict v =
        peer_receive(&p, data, len, nondet_u64(), &names, &reply);

    if (v == SOURCE_OK || v >= SOURCE_KISS_RATE) {
        check_answer(&before, &p, &reply);
        if (v == SOURCE_OK)
            check_good(&reply.header, ours);
        if (v == SOURCE_KISS_RATE || v == SOURCE_KISS_STOP)
            assert(reply.header.stratum == 0);
    } else {
        assert(p.waiting == before.waiting && p.answered == before.answered);
        assert(p.transmit_ts == before.transmit_ts);
        assert(p.answered_ts == before.answered_ts);
    }
    COVER(v == SOURCE_OK && p.key && !p.auth);
    COVER(v == SOURCE_OK && !p.key && !p.auth);
    COVER(v == SOURCE_OK && p.auth);
    COVER(v == SOURCE_OK && reply.interleaved && !reply.measured);
    COVER(v == SOURCE_OK && reply.interleaved && reply.measured);
    COVER(v == SOURCE_NAK);
    COVER(v == SOURCE_KISS_STOP);
    COVER(v == SOURCE_BAD_LOOP);
    COVER(v == SOURCE_BAD_DISTANCE);
    COVER(v == SOURCE_DUPLICATE);
    COVER(v == SOURCE_AUTH && before.key);
    COVER(v == SOURCE_SHORT);
    return 0;
}
