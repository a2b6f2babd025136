/* SPDX-License-Identifier: BSD-2-Clause */
/* The NTP header, extension fields, and where the MAC is. */
#include "ntp/packet.h"

/* Type and length included; RFC 7822, 3. */
#define FIELD_MIN 16

/* Key id and digest: none (crypto-NAK), 128 bits, 160 bits. */
#define MAC_NAK 4
#define MAC_MIN 20
#define MAC_MAX 24

enum ntp_verdict ntp_packet_parse(struct ntp_packet *p, const void *data,
                                  size_t len)
{
    struct reader r = reader_of(data, len);

    if (len < NTP_HEADER_LEN)
        return NTP_DROP_SHORT;

    uint8_t first = read_u8(&r);
    uint8_t version = first >> 3 & 7;

    if (version < 1 || version > 4)
        return NTP_DROP_VERSION;

    p->leap = first >> 6;
    p->version = version;
    p->mode = first & 7;
    p->stratum = read_u8(&r);
    p->poll = (int8_t)read_u8(&r);
    p->precision = (int8_t)read_u8(&r);
    p->root_delay = read_u32(&r);
    p->root_dispersion = read_u32(&r);
    p->reference_id = read_u32(&r);
    p->reference_ts = read_u64(&r);
    p->origin_ts = read_u64(&r);
    p->receive_ts = read_u64(&r);
    p->transmit_ts = read_u64(&r);
    return NTP_OK;
}

void ntp_packet_write(uint8_t *data, const struct ntp_packet *p)
{
    data[0] = (uint8_t)(p->leap << 6 | p->version << 3 | p->mode);
    data[1] = p->stratum;
    data[2] = (uint8_t)p->poll;
    data[3] = (uint8_t)p->precision;
    put_u32(data + 4, p->root_delay);
    put_u32(data + 8, p->root_dispersion);
    put_u32(data + 12, p->reference_id);
    put_u64(data + 16, p->reference_ts);
    put_u64(data + 24, p->origin_ts);
    put_u64(data + 32, p->receive_ts);
    put_u64(data + NTP_TRANSMIT_AT, p->transmit_ts);
}

bool ntp_field_next(struct reader *r, struct ntp_field *f)
{
    if (r->left == 0)
        return false;

    f->type = read_u16(r);
    uint16_t length = read_u16(r);

    if (length < FIELD_MIN || length % 4 != 0) {
        r->ok = false;
        return false;
    }
    f->body_len = length - 4u;
    f->body = read_bytes(r, f->body_len);
    return r->ok;
}

bool ntp_unique_identifier(struct reader fields, struct ntp_field *f)
{
    while (ntp_field_next(&fields, f))
        if (f->type == NTP_UNIQUE_IDENTIFIER &&
            f->body_len >= NTP_UNIQUE_IDENTIFIER_MIN)
            return true;
    return false;
}

/* Past one more field, if what is left is too long for a MAC. */
static bool skip_field(struct reader *r)
{
    struct ntp_field field;

    return r->left > MAC_MAX && ntp_field_next(r, &field);
}

/* Can a packet end with `n` bytes after its extension fields? */
static bool is_ending(size_t n, uint8_t version)
{
    if (version < 4)
        return n % 4 == 0;
    return n == 0 || n == MAC_NAK || n == MAC_MIN || n == MAC_MAX;
}

/* With `r` after the last field of the packet. */
static enum ntp_verdict tail_end(struct ntp_tail *tail, const struct reader *r,
                                 const uint8_t *data, uint8_t version)
{
    if (!r->ok || !is_ending(r->left, version))
        return NTP_DROP_FORMAT;

    tail->mac_at = (size_t)(r->at - data);
    tail->mac_len = r->left;
    tail->mac = r->left > 0 ? r->at : NULL;
    tail->fields =
        reader_of(data + NTP_HEADER_LEN, tail->mac_at - NTP_HEADER_LEN);
    return NTP_OK;
}

enum ntp_verdict ntp_packet_tail(struct ntp_tail *tail, const void *data,
                                 size_t len, uint8_t version)
{
    struct reader r = reader_of(data, len);

    read_bytes(&r, NTP_HEADER_LEN);
    if (version == 4) {
        while (skip_field(&r))
            ;
    }
    return tail_end(tail, &r, data, version);
}
