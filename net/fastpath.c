/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt level: a frame in, an answer out, or on to the ring. */
#include "net/fastpath.h"

#include "ntp/packet.h"

/* Frames taken between two looks at the budget. */
#define FRAMES_PER_LOOK 8

/*
 * What stamping a batch may take before the CPU must have been away: so much,
 * and so much more for each answer.  An emulated CPU needs about 3 us for a
 * plain answer and 30 us for one with a MAC.
 */
#define AWAY_US       50
#define AWAY_EACH_US  10
#define AWAY_KEYED_US 100

/*
 * And for one under NTS: from 1 us to 1 ms, by cipher and CPU, in proportion to
 * its length; so many times what the quickest took, and at most so much.
 */
#define AWAY_NTS_TIMES 4
#define AWAY_NTS_US    5000

/* How often a batch is stamped, at most; the CPU may be away again. */
#define STAMPS_MAX 3

void fastpath_init(struct fastpath *fp, const struct fastpath_config *config,
                   struct netdev *dev, struct limit *limit, struct ring *ring)
{
    memset(fp, 0, sizeof(*fp));
    fp->config = config;
    fp->dev = dev;
    fp->limit = limit;
    fp->ring = ring;
}

void fastpath_addrs(struct fastpath *fp, const struct fastpath_addr *addr,
                    unsigned count)
{
    if (count > FASTPATH_ADDRS)
        count = FASTPATH_ADDRS;
    memcpy(fp->addr, addr, count * sizeof(*addr));
    fp->addrs = count;
}

static bool is_ours(const struct fastpath *fp, const struct ip_addr6 *addr)
{
    for (unsigned i = 0; i < fp->addrs; i++)
        if (ip_equal(&fp->addr[i].addr, addr))
            return true;
    return false;
}

static uint32_t v4_number(const struct ip_addr6 *addr)
{
    const uint8_t *v4 = addr->byte + 12;

    return (uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 |
           (uint32_t)v4[2] << 8 | v4[3];
}

/*
 * Is it the first or last address of an IPv4 subnet of ours?  Both have been
 * used for broadcasts (RFC 1122, 3.3.6); a subnet of two has none (RFC 3021).
 */
static bool is_subnet_broadcast(const struct fastpath *fp,
                                const struct ip_addr6 *addr)
{
    if (!ip_is_v4(addr))
        return false;

    for (unsigned i = 0; i < fp->addrs; i++) {
        const struct fastpath_addr *ours = &fp->addr[i];

        if (!ip_is_v4(&ours->addr) || ours->bits <= 96 || ours->bits > 126)
            continue;

        uint32_t host = UINT32_MAX >> (ours->bits - 96);
        uint32_t number = v4_number(addr);

        if (((number ^ v4_number(&ours->addr)) & ~host) == 0 &&
            ((number & host) == 0 || (number & host) == host))
            return true;
    }
    return false;
}

enum ntp_verdict fastpath_admit(struct fastpath *fp,
                                const struct ip_addr6 *source,
                                uint16_t source_port, uint64_t rx_ticks)
{
    const struct fastpath_config *config = fp->config;

    if (source_port == 0 || !frame_source_ok(source) || is_ours(fp, source) ||
        is_subnet_broadcast(fp, source))
        return NTP_DROP_SOURCE;
    if (config->private_only && !frame_is_private(source))
        return NTP_DROP_ACCESS;
    if (!access_allowed(config->access, source))
        return NTP_DROP_ACCESS;
    if (fp->limit == NULL)
        return NTP_OK;

    switch (limit_check(fp->limit, source,
                        rx_ticks / (config->ticks_per_s / 1000))) {
    case LIMIT_PASS:
        return NTP_OK;
    case LIMIT_KISS:
        return NTP_KISS_RATE;
    case LIMIT_DROP:
        break;
    }
    return NTP_DROP_RATE;
}

bool fastpath_satisfied(const struct fastpath_config *config,
                        const struct ip_addr6 *source, bool authenticated)
{
    return authenticated || config->require == NULL ||
           !access_allowed(config->require, source);
}

/* Make the reply to a request that NTS protects; NTP_PASS if none does. */
static enum ntp_verdict make_nts_reply(struct fastpath *fp,
                                       const struct clock_line *line,
                                       struct fastpath_answer *a,
                                       uint8_t *payload)
{
    bool kiss = a->verdict == NTP_KISS_RATE;
    struct nts_reply *reply = &fp->nts;
    enum ntp_verdict verdict = (kiss ? nts_server_kiss : nts_server_reply)(
        fp->config->nts, line, a->frame.rx_ticks, payload, a->head.payload_len,
        reply);

    fp->ciphered = verdict != NTP_PASS;
    if (!ntp_is_answer(verdict))
        return verdict;

    /* A NAK needs no more than its timestamp. */
    a->nts = reply->protected;
    a->reply = (struct ntp_reply){
        .data = payload, .len = reply->len, .mac_at = reply->len};
    return verdict;
}

static enum ntp_verdict make_plain_reply(const struct fastpath *fp,
                                         const struct clock_line *line,
                                         struct fastpath_answer *a,
                                         uint8_t *payload)
{
    const struct fastpath_config *config = fp->config;
    bool kiss = a->verdict == NTP_KISS_RATE;
    enum ntp_verdict verdict = (kiss ? ntp_server_kiss : ntp_server_reply)(
        config->server, line, a->frame.rx_ticks, a->head.source_port, payload,
        a->head.payload_len, &a->reply);

    if (ntp_is_answer(verdict) &&
        !fastpath_satisfied(config, &a->head.source, a->reply.key != NULL))
        return NTP_DROP_REQUIRED;
    return verdict;
}

/* Make the reply; longer requests may need ciphers and MACs. */
static enum ntp_verdict make_reply(struct fastpath *fp,
                                   const struct clock_line *line,
                                   struct fastpath_answer *a, uint8_t *payload)
{
    const struct fastpath_config *config = fp->config;
    bool longer = a->head.payload_len > NTP_HEADER_LEN;
    bool nts = longer && config->nts != NULL;
    bool keyed =
        longer && config->server->keys != NULL && config->server->keys->count;
    enum ntp_verdict verdict = NTP_PASS;

    if (nts && fp->stale)
        return NTP_DROP_DISRUPTED;
    if (nts || keyed)
        config->machine->simd_begin();
    if (nts)
        verdict = make_nts_reply(fp, line, a, payload);
    if (verdict == NTP_PASS)
        verdict = make_plain_reply(fp, line, a, payload);
    if (nts || keyed)
        config->machine->simd_end();
    return verdict;
}

/* The entry that fastpath_admit() has just looked at, if there is a table. */
static struct limit_client *client_of(const struct fastpath *fp)
{
    return fp->limit == NULL ? NULL : fp->limit->latest;
}

/* The answer is interleaved if that was asked for, and remembered. */
static void interleave(struct fastpath *fp, struct fastpath_answer *a,
                       const struct ntp_asked *asked, uint8_t *payload)
{
    ntp_ts left;

    a->client = client_of(fp);
    if (a->client == NULL)
        return;
    left = ntp_interleave_reply(&a->client->pair, asked, payload);
    a->receive_ts = a->client->pair.receive_ts;
    if (a->nts)
        fp->nts.interleaved_ts = left;
    else
        a->reply.interleaved_ts = left;
}

/* A reply as it is to be sent, but for its seal. */
static enum ntp_verdict answer(struct fastpath *fp,
                               const struct clock_line *line,
                               struct fastpath_answer *a)
{
    uint8_t *payload = a->frame.data + a->head.udp_offset + FRAME_UDP_LEN;
    struct ntp_asked asked = {0};

    if (a->head.payload_len >= NTP_HEADER_LEN)
        asked = ntp_interleave_asked(payload);
    a->client = NULL;
    a->verdict = make_reply(fp, line, a, payload);
    if (a->verdict == NTP_OK || a->verdict == NTS_OK)
        interleave(fp, a, &asked, payload);
    return a->verdict;
}

/* Does it come from where the servers are that we ask: DNS, DHCP, NTP? */
static bool may_be_answer(const struct frame *f)
{
    return f->source_port == 53 || f->source_port == 67 ||
           f->source_port == 123 || f->source_port == 547;
}

/* What becomes of a frame; when answered, `a` is complete but for the seal. */
static enum ntp_verdict judge(struct fastpath *fp,
                              const struct clock_line *line,
                              struct fastpath_answer *a)
{
    const struct fastpath_config *config = fp->config;
    const struct netdev_frame *frame = &a->frame;
    enum ntp_verdict verdict = frame_parse(&a->head, frame->data, frame->len);

    if (verdict != NTP_OK && verdict != NTP_PASS)
        return verdict;
    if (!frame_is_for(frame->data, fp->dev->mac))
        return NTP_DROP_FRAME;
    a->asked = verdict == NTP_OK && may_be_answer(&a->head);
    a->nts = false;
    fp->ciphered = false;
    if (verdict == NTP_PASS || config->port == 0 ||
        a->head.destination_port != config->port)
        return NTP_PASS;
    if (a->head.group || !is_ours(fp, &a->head.destination))
        return NTP_DROP_DESTINATION;
    if (!frame->checksum_ok && !frame_checksum_ok(&a->head, frame->data))
        return NTP_DROP_CHECKSUM;

    a->verdict = fastpath_admit(fp, &a->head.source, a->head.source_port,
                                frame->rx_ticks);
    if (a->verdict != NTP_OK && a->verdict != NTP_KISS_RATE)
        return a->verdict;

    if (!ntp_is_answer(answer(fp, line, a)))
        return a->verdict;

    a->len = (uint32_t)frame_answer(
        &a->head, frame->data,
        &(struct frame_answer){.dscp = config->dscp,
                               .payload_len = (uint16_t)a->reply.len});
    return a->verdict;
}

static void finish(struct fastpath *fp, const struct clock_line *line,
                   struct fastpath_answer *a, uint64_t tx_ticks)
{
    const struct fastpath_machine *machine = fp->config->machine;
    bool ciphers = a->nts || a->reply.key != NULL;

    if (ciphers)
        machine->simd_begin();
    if (a->nts)
        nts_server_finish(&fp->nts, line, tx_ticks);
    else
        ntp_server_finish(&a->reply, line, tx_ticks);
    if (ciphers)
        machine->simd_end();
    frame_seal(&a->head, a->frame.data, (uint16_t)a->reply.len);
}

static bool is_protected(const struct fastpath *fp)
{
    return fp->answer[0].nts;
}

/* What the seal of the protected answer takes at least. */
static uint64_t seal_ticks(const struct fastpath *fp)
{
    return is_protected(fp) ? fp->nts_pace * fp->nts.len / 1024 : 0;
}

/* Learn from a seal how quick they are. */
static void note_seal(struct fastpath *fp, uint64_t ticks)
{
    uint64_t pace = ticks * 1024 / fp->nts.len;

    if (fp->nts_pace == 0 || pace < fp->nts_pace)
        fp->nts_pace = pace;
}

/*
 * Finish all answers as if they left now, or when the seal will be there at the
 * soonest; returns how long that took.
 */
static uint64_t stamp(struct fastpath *fp, const struct clock_line *line)
{
    const struct fastpath_machine *machine = fp->config->machine;
    uint64_t now = machine->counter();
    uint64_t tx_ticks = now + seal_ticks(fp);

    for (unsigned i = 0; i < fp->answers; i++)
        finish(fp, line, &fp->answer[i], tx_ticks);
    return machine->counter() - now;
}

/* How long stamping may take while the CPU is ours. */
static uint64_t stamp_ticks(const struct fastpath *fp)
{
    uint64_t ticks_per_us = fp->config->ticks_per_s / 1000000;
    uint64_t us = AWAY_US;

    if (is_protected(fp)) {
        uint64_t most = AWAY_NTS_US * ticks_per_us;
        uint64_t times =
            AWAY_US * ticks_per_us + AWAY_NTS_TIMES * seal_ticks(fp);

        return fp->nts_pace > 0 && times < most ? times : most;
    }
    for (unsigned i = 0; i < fp->answers; i++)
        us += fp->answer[i].reply.key != NULL ? AWAY_KEYED_US : AWAY_EACH_US;
    return us * ticks_per_us;
}

bool fastpath_disrupted(struct fastpath *fp)
{
    const struct fastpath_config *config = fp->config;

    if (config->disrupted == NULL ||
        !config->disrupted(config->watch, config->machine->counter()))
        return false;
    fastpath_disown(fp);
    return true;
}

void fastpath_disown(struct fastpath *fp)
{
    fp->stale = true;
    clock_disown(fp->config->clock);
}

/* What was answered by a time that is not known any more. */
static void drop_answers(struct fastpath *fp)
{
    for (unsigned i = 0; i < fp->answers; i++) {
        struct fastpath_answer *a = &fp->answer[i];

        fp->dev->driver->drop(fp->dev, &a->frame);
        a->client = NULL;
        fp->count[NTP_DROP_DISRUPTED]++;
    }
    if (is_protected(fp) && fp->answers > 0)
        nts_server_forget(&fp->nts);
    fp->answers = 0;
}

/* One under NTS was made before others left: it may have been noticed with
 * them, and is noticed once. */
static bool are_void(struct fastpath *fp)
{
    return fastpath_disrupted(fp) || (is_protected(fp) && fp->stale);
}

/*
 * All that they say has been measured: of a pause from here on they are merely
 * late.
 */
static void send_answers(struct fastpath *fp, const struct clock_line *line)
{
    if (are_void(fp)) {
        drop_answers(fp);
        return;
    }

    struct netdev *dev = fp->dev;
    uint64_t bound = stamp_ticks(fp);
    uint64_t took = stamp(fp, line);

    if (is_protected(fp))
        note_seal(fp, took);
    for (int n = 1; took > bound && n < STAMPS_MAX; n++) {
        fp->redone++;
        took = stamp(fp, line);
    }

    for (unsigned i = 0; i < fp->answers; i++) {
        struct fastpath_answer *a = &fp->answer[i];

        if (!dev->driver->tx(dev, &a->frame, a->len)) {
            dev->driver->drop(dev, &a->frame);
            a->verdict = NTP_DROP_SEND;
            a->client = NULL;
        }
        fp->count[a->verdict]++;
    }
}

/* The answers left at `ticks`; their clients may ask when that was, unless they
 * have been forgotten for others since, or answered again. */
static void note_departure(struct fastpath *fp, const struct clock_line *line,
                           uint64_t ticks)
{
    ntp_ts left = ntp_ts_from_date(clock_at(line, ticks));

    for (unsigned i = 0; i < fp->answers; i++) {
        struct fastpath_answer *a = &fp->answer[i];
        struct limit_client *c = a->client;

        if (c != NULL && c->pair.receive_ts == a->receive_ts &&
            ip_equal(&c->addr, &a->head.source))
            c->pair.transmit_ts = left;
    }
}

/* Ring the doorbell: what was sent leaves now. */
static void depart(struct fastpath *fp, const struct clock_line *line)
{
    uint64_t ticks = 0;

    if (fp->answers > 0)
        ticks = fp->config->machine->counter();
    fp->dev->driver->kick(fp->dev);
    if (fp->answers == 0)
        return;
    note_departure(fp, line, ticks);
    if (is_protected(fp))
        nts_server_forget(&fp->nts);
    fp->answers = 0;
}

/* An answer that is protected is alone in its batch: what waits leaves first,
 * and not after its seal. */
static void let_others_go(struct fastpath *fp, const struct clock_line *line)
{
    struct fastpath_answer last = fp->answer[fp->answers];

    if (fp->answers == 0)
        return;
    send_answers(fp, line);
    depart(fp, line);
    fp->answer[0] = last;
}

/*
 * Take a frame that was lent; an answer waits for the end of the batch.
 * Returns false when it is that end.
 */
static bool take(struct fastpath *fp, const struct clock_line *line)
{
    struct fastpath_answer *a = &fp->answer[fp->answers];
    enum ntp_verdict verdict = judge(fp, line, a);

    if (ntp_is_answer(verdict)) {
        bool alone = a->nts;

        if (alone)
            let_others_go(fp, line);
        fp->answers++;
        return !alone;
    }
    if (verdict == NTP_PASS && !ring_put(fp->ring, &a->frame, a->asked))
        verdict = NTP_DROP_FULL;
    fp->count[verdict]++;
    fp->dev->driver->drop(fp->dev, &a->frame);
    return true;
}

static bool may_go_on(const struct fastpath *fp)
{
    const struct fastpath_machine *machine = fp->config->machine;

    return machine->budget(machine->counter()) > 0;
}

/* Take a batch, and answer it.  Returns false when the card had no more. */
static bool batch(struct fastpath *fp, uint64_t entry_ticks)
{
    struct netdev *dev = fp->dev;
    struct clock_line line = clock_read(fp->config->clock);
    bool more = true;

    fp->ciphered = false;
    for (unsigned taken = 0; taken < FASTPATH_BATCH; taken++) {
        bool look =
            taken % FRAMES_PER_LOOK == FRAMES_PER_LOOK - 1 || fp->ciphered;

        if (look && !may_go_on(fp))
            break;

        more =
            dev->driver->rx(dev, &fp->answer[fp->answers].frame, entry_ticks);
        if (!more || !take(fp, &line))
            break;
    }
    if (fp->answers > 0)
        send_answers(fp, &line);
    /*
     * Buffers of frames that were dropped go back with the same doorbell.  Also
     * when nothing was taken: the card may have interrupted to say that it has
     * sent what kept its receive buffers.
     */
    depart(fp, &line);
    return more;
}

/*
 * Leave what comes to the card, which drops it when its buffers are full,
 * until 2 ms of the budget are there again: it fills at 80 %.
 */
static void shed(struct fastpath *fp)
{
    const struct fastpath_machine *machine = fp->config->machine;
    uint64_t now = machine->counter();
    int64_t budget = machine->budget(now);
    uint64_t missing = budget < 0 ? (uint64_t)-budget : 0;

    fp->exhausted++;
    fp->masked = true;
    fp->dev->driver->rx_mask(fp->dev, true);
    machine->wake_at(fp, now + fp->config->ticks_per_s / 500 + missing +
                             missing / 4);
}

static void serve(struct fastpath *fp, uint64_t entry_ticks)
{
    do {
        if (!may_go_on(fp)) {
            shed(fp);
            return;
        }
    } while (batch(fp, entry_ticks));
}

void fastpath_irq(void *arg, struct netdev *dev, uint64_t entry_ticks)
{
    struct fastpath *fp = arg;

    (void)dev;
    if (!fp->masked)
        serve(fp, entry_ticks);
}

void fastpath_wake(struct fastpath *fp, uint64_t entry_ticks)
{
    if (!fp->masked)
        return;

    fp->masked = false;
    fp->dev->driver->rx_mask(fp->dev, false);
    serve(fp, entry_ticks);
}
