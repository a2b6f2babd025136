/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in flight, and the checks that every reply has to pass. */
#include "tests/bench/exchange.h"

#include "ntp/bytes.h"
#include "ntp/ts.h"
#include "tests/bench/now.h"

#include <string.h>

#define HEADER      48
#define MODE_CLIENT 3
#define MODE_SERVER 4
#define SLOT_MASK   (EXCHANGE_SLOTS - 1)

/* splitmix64: no two alike, and good enough where nobody guesses. */
static uint64_t next_random(struct exchange *x)
{
    uint64_t z = x->random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static struct request *slot_of(struct exchange *x, uint64_t number)
{
    return &x->slot[number & SLOT_MASK];
}

static void build(struct exchange *x, uint32_t number)
{
    struct request *r = slot_of(x, number);
    uint8_t *p = link_add(x->link, HEADER, &r->flow);

    r->waiting = true;
    r->transmit_ts =
        (next_random(x) & ~(uint64_t)SLOT_MASK) | (number & SLOT_MASK);
    memset(p, 0, HEADER);
    p[0] = (uint8_t)(x->version << 3 | MODE_CLIENT);
    put_u64(p + 40, r->transmit_ts);
}

static bool in_span(const struct exchange *x, uint64_t ns)
{
    return ns >= x->from_ns && ns < x->until_ns;
}

unsigned exchange_ask(struct exchange *x, unsigned n)
{
    if (n > LINK_BATCH)
        n = LINK_BATCH;
    if (x->head - x->tail > EXCHANGE_SLOTS - 2 * LINK_BATCH)
        exchange_expire(x, now_ns());
    for (unsigned i = 0; i < n; i++)
        build(x, x->head + i);

    uint64_t now = now_ns();
    uint64_t now_unix = now_unix_ns();

    for (unsigned i = 0; i < n; i++) {
        slot_of(x, x->head + i)->sent_ns = now;
        slot_of(x, x->head + i)->sent_unix_ns = now_unix;
    }

    unsigned sent = link_flush(x->link);

    for (unsigned i = sent; i < n; i++)
        slot_of(x, x->head + i)->waiting = false;
    x->head += sent;
    x->waiting += sent;
    x->count.sent += sent;
    return sent;
}

static void forget(struct exchange *x, struct request *r)
{
    r->waiting = false;
    x->waiting--;
}

void exchange_expire(struct exchange *x, uint64_t now)
{
    while (x->tail != x->head) {
        struct request *r = slot_of(x, x->tail);
        bool room = x->head - x->tail < EXCHANGE_SLOTS - 2 * LINK_BATCH;

        if (r->waiting) {
            if (room && now - r->sent_ns < x->timeout_ns)
                return;
            if (in_span(x, r->sent_ns))
                x->count.lost++;
            forget(x, r);
        }
        x->tail++;
    }
}

/* A timestamp minus the host's time, whatever the era. */
static double ahead_ns(uint64_t ts, uint64_t unix_ns)
{
    ntp_date host = ntp_date_from_unix((int64_t)(unix_ns / 1000000000u),
                                       (uint32_t)(unix_ns % 1000000000u));

    return (double)(int64_t)(ts - ntp_ts_from_date(host)) * (1e9 * 0x1p-32);
}

static void measure(struct reply *reply, const uint8_t *p, uint64_t sent_unix,
                    uint64_t now_unix)
{
    double there = ahead_ns(get_u64(p + 32), sent_unix);
    double back = ahead_ns(get_u64(p + 40), now_unix);
    double half_root_delay = get_u32(p + 4) * 0.5;

    reply->fresh = true;
    reply->stratum = p[1];
    reply->reference_id = get_u32(p + 12);
    reply->offset_ns = (there + back) / 2;
    reply->delay_ns = there - back;
    reply->bound_ns = (half_root_delay + get_u32(p + 8)) * (1e9 * 0x1p-16);
}

static void take(void *self, uint32_t flow, const uint8_t *p, size_t len)
{
    struct exchange *x = self;
    uint64_t now = now_ns();
    uint64_t now_unix = now_unix_ns();

    if (len < HEADER || (p[0] & 7) != MODE_SERVER ||
        (p[0] >> 3 & 7) != x->version) {
        x->count.malformed++;
        return;
    }

    uint64_t origin_ts = get_u64(p + 24);
    struct request *r = slot_of(x, origin_ts);

    if (r->transmit_ts != origin_ts || r->flow != flow) {
        x->count.wrong_origin++;
        return;
    }
    if (!r->waiting) {
        x->count.late++;
        return;
    }
    forget(x, r);
    if (p[1] == 0 && p[0] >> 6 == 3 && get_u32(p + 12) != 0) {
        x->count.kiss++;
        return;
    }
    if (p[0] >> 6 == 3 || p[1] == 0 || p[1] > 15) {
        x->count.unsynchronised++;
        return;
    }

    x->count.answered++;
    if (in_span(x, r->sent_ns)) {
        x->count.valid++;
        histogram_add(&x->response, now - r->sent_ns);
    }
    if (in_span(x, now))
        x->count.in_span++;
    measure(&x->reply, p, r->sent_unix_ns, now_unix);
}

unsigned exchange_receive(struct exchange *x, unsigned batches)
{
    return link_receive(x->link, batches, take, x);
}
