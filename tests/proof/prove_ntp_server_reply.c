/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply is no longer than its request, and what it reads is inside it. */
/* proves: ntp_server_reply ntp_server_kiss ntp_server_finish */
/* begin: first */
/* bounds: any request of 0 to 1500 bytes, any key or none, any clock */
/* cbmc: --no-sat-preprocessor */
/* planted: ntp/server.c s/ len + q->mac_len/ len + 24/ */
/* planted: ntp/server.c s/FIELD_HEADER + q->id/8 + q->id/ */
/* planted: ntp/server.c s/reply->mac_at - 4)/reply->mac_at)/ */
/* planted: ntp/server.c s/tail->mac_at, r.at, r.left/tail->mac_at, r.at, 20/ */
#include "ntp/packet.h"

/* Their loops are proved in proofs of their own; here is what they promise. */
#define ntp_packet_tail       loop_of_packet_tail
#define ntp_unique_identifier loop_of_unique_identifier
#include "ntp/packet.c"
#undef ntp_packet_tail
#undef ntp_unique_identifier

#include "tests/proof/packet.h"

#define memcpy             copy
#define memmove            move
#define read_u32           take_u32
#define put_u32(at, value) put(at, value, 4)
#define put_u64(at, value) put(at, value, 8)
#include "ntp/server.c"
#undef read_u32
#undef put_u32
#undef put_u64
#undef memcpy
#undef memmove

enum ntp_verdict ntp_packet_tail(struct ntp_tail *t, const void *packet,
                                 size_t len, uint8_t version)
{
    assert(packet == data && len == data_len && len >= NTP_HEADER_LEN);
    assert(version >= 1 && version <= 4);
    if (nondet_bool() || len % 4 != 0)
        return NTP_DROP_FORMAT;

    size_t mac_len = nondet_u16();

    ASSUME(mac_len <= len - NTP_HEADER_LEN && mac_len % 4 == 0);
    if (version < 4)
        ASSUME(mac_len == len - NTP_HEADER_LEN);
    else
        ASSUME(mac_len == 0 || mac_len == 4 || mac_len == 20 || mac_len == 24);
    t->mac_len = mac_len;
    t->mac_at = len - mac_len;
    t->mac = mac_len > 0 ? data + t->mac_at : NULL;
    t->fields = reader_of(data + NTP_HEADER_LEN, t->mac_at - NTP_HEADER_LEN);
    return NTP_OK;
}

bool ntp_unique_identifier(struct reader fields, struct ntp_field *f)
{
    assert(is_inside(fields.at, fields.left));
    if (nondet_bool())
        return false;

    size_t before = nondet_u16();
    size_t body_len = nondet_u16();

    ASSUME(before <= fields.left && body_len <= fields.left - before);
    ASSUME(before >= 4 && body_len % 4 == 0);
    ASSUME(body_len >= NTP_UNIQUE_IDENTIFIER_MIN);
    f->type = NTP_UNIQUE_IDENTIFIER;
    f->body = fields.at + before;
    f->body_len = body_len;
    return true;
}

static struct ntp_keys keys;
static struct ntp_key found;

const struct ntp_key *ntp_key_find(const struct ntp_keys *k, uint32_t id)
{
    assert(k == &keys);
    found.id = id;
    return nondet_bool() ? &found : NULL;
}

bool ntp_mac_verify(const struct ntp_key *key, const void *packet, size_t len,
                    const uint8_t *digest, size_t digest_len)
{
    assert(key == &found);
    assert(is_inside(packet, len));
    assert(is_inside(digest, digest_len));

    /* A digest of another length is never right; see test_mac.c. */
    return nondet_bool() &&
           (digest_len == 16 || digest_len == 20 || digest_len == 32);
}

size_t ntp_mac_make(const struct ntp_key *key, const void *packet, size_t len,
                    uint8_t *digest)
{
    assert(key == &found);
    assert(is_inside(packet, len));
    assert(__CPROVER_w_ok(digest, NTP_DIGEST_MAX));
    return nondet_size();
}

struct clock_status nondet_status(void);

struct clock_status clock_status(const struct clock_line *line, uint64_t ticks)
{
    (void)line;
    (void)ticks;
    return nondet_status();
}

ntp_date clock_at(const struct clock_line *line, uint64_t ticks)
{
    (void)line;
    return (ntp_date)ticks << 32;
}

int main(void)
{
    struct ntp_server server = {.keys = nondet_bool() ? &keys : NULL,
                                .precision = (int8_t)nondet_u8(),
                                .min_poll = (int8_t)nondet_u8()};
    struct clock_line line;
    uint16_t port = nondet_u16();
    bool kiss = nondet_bool();
    struct ntp_reply reply;

    __CPROVER_havoc_object(data);
    data_len = nondet_u16();
    ASSUME(data_len <= PROOF_BYTES_MAX);
    uint8_t first = data[0];

    enum ntp_verdict verdict;

    if (kiss)
        verdict = ntp_server_kiss(&server, &line, nondet_u64(), port, data,
                                  data_len, &reply);
    else
        verdict = ntp_server_reply(&server, &line, nondet_u64(), port, data,
                                   data_len, &reply);

    if (verdict != NTP_OK && verdict != NTP_KISS_RATE) {
        assert(data[0] == first);
        COVER(verdict == NTP_DROP_SHORT);
        COVER(verdict == NTP_DROP_AUTH);
        COVER(verdict == NTP_DROP_FORMAT);
        return 0;
    }
    ntp_server_finish(&reply, &line, nondet_u64());

    uint8_t mode = first & 7;

    assert((verdict == NTP_KISS_RATE) == kiss);
    assert(mode == MODE_CLIENT || mode == MODE_ACTIVE ||
           (mode == 0 && (first >> 3 & 7) == 1 && port != NTP_PORT));
    assert(reply.data == data);
    assert(reply.len >= NTP_HEADER_LEN && reply.len <= data_len);
    assert((reply.key != NULL) == (reply.len > reply.mac_at));
    assert(!reply.key || reply.len >= reply.mac_at + 4 + 16);
    assert(reply.mac_at == NTP_HEADER_LEN ||
           (mode == MODE_CLIENT && reply.mac_at >= NTP_HEADER_LEN + 36));
    assert((data[0] >> 3 & 7) == (first >> 3 & 7));
    assert((data[0] & 7) == MODE_SERVER || (data[0] & 7) == MODE_PASSIVE);
    COVER(reply.len == NTP_HEADER_LEN && data_len == PROOF_BYTES_MAX);
    COVER(reply.len == PROOF_BYTES_MAX && !reply.key);
    COVER(reply.key && reply.mac_at == NTP_HEADER_LEN + 36);
    COVER(reply.len == NTP_HEADER_LEN + 4 + NTP_DIGEST_MAX);
    COVER(kiss && reply.key);
    COVER(mode == 0);
    return 0;
}
