/* SPDX-License-Identifier: BSD-2-Clause */
/* The NTP client: asks its sources and disciplines one clock by them. */
#include "ntp/client.h"

#include "ntp/follow.h"
#include "ntp/leap.h"
#include "ntp/real.h"

#define NANO 1e-9

/* It is later than that, 2026-01-01, whatever a clock without a battery says:
 * eras are told by it. */
#define PIVOT_LEAST ntp_date_from_unix(1767225600, 0)

#define POLL_MAX 17 /* log2 s; RFC 5905, 7.2 */

/* A burst: that far apart, so many at most, and enough once so many replied. */
#define BURST_SECONDS 2.0
#define BURST_MOST    8
#define BURST_ENOUGH  4
#define BURST_LATER   4 /* of the option `burst` */

/* After an iburst, as long as our rate is not known: so many polls may come
 * before minpoll has passed, and that soon, log2 s. */
#define EARLY_POLLS 7
#define EARLY_POLL  4

/* The clock may become worse between two polls by so many times what a single
 * measurement is worth; an error below that, s, is not worth a request. */
#define POLL_PATIENCE 0.9
#define POLL_WORTH    8e-6

/* What a quartz oscillator is off by, as a standard deviation. */
#define OSCILLATOR_ERROR 30e-6

/* Requests are not all sent on the beat: up to that part later. */
#define POLL_RANDOM 0.02

/* Unanswered requests after which an unreachable source is asked less often.
 * RFC 5905, 13. */
#define UNREACH 20

void client_config_default(struct client_config *config)
{
    *config = (struct client_config){
        .maxdistance_ns = 3000000000,
        .maxjitter_ns = 1000000000,
        .reselectdist_ns = 100000,
        .stratumweight_ns = 1000000,
        .combinelimit_permille = 3000,
        .maxslewrate_ppb = 83333333,
        .maxclockerror_ppb = 1000,
        .maxdrift_ppb = 100000000,
        .maxupdateskew_ppb = 1000000,
        .minsources = 1,
        .maxstratum = 15,
        .authselectmode = AUTHSELECT_MIX,
        .leapsecmode = LEAPSEC_STEP,
        .local =
            {
                .enabled = true,
                .stratum = 10,
                .distance_ns = 1000000000,
                .waitunsynced_ns = 10000000000,
            },
    };
}

const char *client_event_text(enum client_event_type type)
{
#define TEXT(id, text) [id] = text,
    static const char *const texts[CLIENT_EVENT_COUNT] = {CLIENT_EVENTS(TEXT)};
#undef TEXT

    return type < CLIENT_EVENT_COUNT ? texts[type] : "";
}

void client_init(struct client *c, const struct client_config *config,
                 struct clock *clock, const struct client_start *start)
{
    struct raw_scale raw = {start->ticks, start->date, start->rate};

    memset(c, 0, sizeof(*c));
    c->config = config;
    c->start = *start;
    c->clock = clock;
    c->leader = -1;
    c->update_ticks = start->ticks;
    discipline_init(&c->discipline, clock, &raw);
    if (config->maxslewrate_ppb > 0)
        c->discipline.max_slew = NANO * config->maxslewrate_ppb;
    if (config->maxdrift_ppb > 0)
        c->discipline.max_drift = NANO * config->maxdrift_ppb;
}

/* Sources. */

static bool has_authentication(const struct source *s)
{
    return s->config.key || s->config.authenticated;
}

void client_ready(struct client *c)
{
    enum authselectmode mode = c->config->authselectmode;
    bool with = false;
    bool without = false;

    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        const struct source *s = &c->source[i];
        if (s->used && !s->config.noselect) {
            with |= has_authentication(s);
            without |= !has_authentication(s);
        }
    }
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        struct source *s = &c->source[i];
        bool mixed =
            mode == AUTHSELECT_MIX && with && without && has_authentication(s);
        bool refused =
            !has_authentication(s) &&
            (mode == AUTHSELECT_REQUIRE || (mode == AUTHSELECT_PREFER && with));
        s->noselect = s->config.noselect || refused;
        s->trust = s->config.trust || mixed;
        s->require = s->config.require || mixed;
    }
}

int client_add(struct client *c, const struct source_config *config)
{
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        struct source *s = &c->source[slot];
        if (s->used)
            continue;
        memset(s, 0, sizeof(*s));
        s->used = true;
        s->config = *config;
        client_ready(c);
        return slot;
    }
    return -1;
}

static bool is_slot(const struct client *c, int slot)
{
    return slot >= 0 && slot < CLIENT_SOURCES_MAX && c->source[slot].used;
}

/* Something is to be followed, or not to be any more. */
static void look_again(struct client *c, uint64_t ticks)
{
    c->due = true;
    c->due_ticks = ticks;
}

/* What is known of our rate before any source has spoken: it was measured by
 * another oscillator, which is no better than oscillators are. */
static double first_frequency_error(const struct client *c)
{
    return NANO * c->start.rate_error_ppb + OSCILLATOR_ERROR;
}

static void start_burst(struct source *s)
{
    s->burst = s->config.iburst ? BURST_MOST : 0;
    s->burst_good = 0;
    s->early = s->config.iburst ? EARLY_POLLS : 0;
}

/* Forget all that was measured, and ask at once. */
static void start_over(struct client *c, struct source *s, uint64_t ticks)
{
    peer_init(&s->peer, s->config.key, s->config.version);
    filter_init(&s->filter, first_frequency_error(c));
    s->trouble = SOURCE_COMBINED;
    s->state = SOURCE_NO_SAMPLE;
    s->reach = 0;
    s->unanswered = 0;
    s->poll = s->config.minpoll;
    s->least_poll = s->config.minpoll;
    s->due_ticks = ticks;
    start_burst(s);
}

void client_resolved(struct client *c, int slot, const struct ip_addr6 *address,
                     uint64_t now_ticks)
{
    if (!is_slot(c, slot))
        return;

    struct source *s = &c->source[slot];
    if (s->resolved && ip_equal(&s->address, address))
        return;
    s->address = *address;
    s->resolved = true;
    s->stopped = false;
    start_over(c, s, now_ticks);
}

void client_unresolved(struct client *c, int slot)
{
    if (!is_slot(c, slot))
        return;
    c->source[slot].resolved = false;
    c->source[slot].reach = 0;
    look_again(c, c->source[slot].due_ticks);
}

void client_remove(struct client *c, int slot)
{
    if (!is_slot(c, slot))
        return;
    c->source[slot].used = false;
    if (c->leader == slot)
        c->leader = -1;
    look_again(c, c->source[slot].due_ticks);
    client_ready(c);
}

void client_own_addresses(struct client *c, const struct ip_addr6 *address,
                          size_t count)
{
    c->own_ids = 0;
    for (size_t i = 0; i < count && i < CLIENT_ADDRESSES_MAX; i++)
        c->own_id[c->own_ids++] = peer_reference_id(&address[i]);
}

void client_burst(struct client *c, uint64_t now_ticks)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        struct source *s = &c->source[i];
        if (!s->used || !s->resolved || s->stopped)
            continue;
        start_burst(s);
        s->due_ticks = now_ticks;
    }
}

void client_leaps(struct client *c, const struct leap_list *leaps)
{
    c->leaps = leaps;
}

/* Asking. */

static bool is_due(const struct source *s, uint64_t now)
{
    return s->used && s->resolved && !s->stopped &&
           (int64_t)(now - s->due_ticks) >= 0;
}

static double random_part(struct client *c)
{
    uint32_t number;

    c->start.random(c->start.random_context, &number, sizeof(number));
    return number * 0x1p-32;
}

static double interval(struct client *c, const struct source *s)
{
    if (s->burst > 0)
        return BURST_SECONDS;
    if (s->early > 0 && s->poll > EARLY_POLL)
        return real_exp2i(EARLY_POLL);
    return real_exp2i(s->poll) * (1 + POLL_RANDOM * random_part(c));
}

/* A request was sent and the one before was not answered. */
static void note_loss(struct client *c, struct source *s)
{
    if (s->unanswered < UINT8_MAX)
        s->unanswered++;
    if (s->unanswered == FOLLOW_REACH_BITS) {
        s->poll = s->least_poll;
        look_again(c, s->due_ticks);
    } else if (s->unanswered > UNREACH && s->poll < s->config.maxpoll) {
        s->poll++;
    }
    if (s->config.burst && s->burst == 0 && s->unanswered == 1)
        s->burst = BURST_LATER;
}

static void schedule(struct client *c, struct source *s, uint64_t from)
{
    s->due_ticks = from + discipline_ticks(&c->discipline, interval(c, s));
}

bool client_poll(struct client *c, uint64_t now_ticks,
                 struct client_request *request)
{
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        struct source *s = &c->source[slot];
        ntp_ts random;

        if (!is_due(s, now_ticks))
            continue;
        if (s->peer.waiting)
            note_loss(c, s);
        s->reach = (uint8_t)(s->reach << 1);
        if (s->burst > 0)
            s->burst--;
        else if (s->early > 0)
            s->early--;
        c->start.random(c->start.random_context, &random, sizeof(random));
        request->slot = slot;
        request->len = peer_request(&s->peer, random, request->data);
        s->sent++;
        client_sent(c, slot, now_ticks);
        schedule(c, s, now_ticks);
        return true;
    }
    return false;
}

void client_sent(struct client *c, int slot, uint64_t tx_ticks)
{
    if (!is_slot(c, slot))
        return;
    peer_sent(&c->source[slot].peer, tx_ticks);
    c->source[slot].sent_ticks = tx_ticks;
}

/* Listening. */

/* Will our clock still be good after that long?  Of several sources that are
 * combined, each has to tell less. */
static bool good_after(const struct client *c, const struct source *s,
                       double seconds)
{
    double noise = filter_noise(&s->filter);
    double now = filter_error_after(&s->filter, 0);
    double error = filter_error_after(&s->filter, seconds);

    return error * error <=
           POLL_PATIENCE * POLL_PATIENCE * real_max(c->combined, 1) *
               (noise * noise + now * now + POLL_WORTH * POLL_WORTH);
}

/* Until the first regular poll, does the path add more to our root distance
 * than what we do not know of our rate? */
static bool knows_rate(const struct source *s)
{
    double error = filter_error_after(&s->filter, real_exp2i(s->least_poll));

    return FOLLOW_SIGMAS * error <= 0.5 * s->filter.delay;
}

static void adapt_poll(struct client *c, struct source *s)
{
    int8_t best = s->least_poll;

    while (best < s->config.maxpoll && good_after(c, s, real_exp2i(best + 1)))
        best++;
    if (s->burst > 0)
        s->burst_good++;
    if (knows_rate(s)) {
        s->early = 0;
        if (s->burst_good >= BURST_ENOUGH)
            s->burst = 0;
    }
    if (best < s->poll)
        s->poll--;
    else
        s->poll = best;
    schedule(c, s, s->sent_ticks);
}

/* Standard deviation of reading a clock of that precision, RFC 5905, 7.3. */
static double reading_noise(int precision)
{
    if (precision > 0 || precision < -60)
        precision = -60;
    return 0.3 * real_exp2i(precision);
}

/* Offset and delay, RFC 5905, 8, on the raw scale.  Returns false when the
 * server claims to have taken longer than we waited. */
static bool make_sample(const struct client *c, const struct source *s,
                        const struct peer_reply *r, struct filter_sample *to)
{
    const struct discipline *d = &c->discipline;
    ntp_date t1 = discipline_raw_date(d, r->sent_ticks);
    ntp_date t4 = discipline_raw_date(d, r->received_ticks);
    ntp_date pivot = t4 < PIVOT_LEAST ? PIVOT_LEAST : t4;
    ntp_date t2 = ntp_date_near(r->header.receive_ts, pivot);
    ntp_date t3 = ntp_date_near(r->header.transmit_ts, pivot);
    double noise =
        reading_noise(r->header.precision) + reading_noise(c->start.precision);
    double delay = ntp_span_seconds((t4 - t1) - (t3 - t2));

    *to = (struct filter_sample){
        .when = 0.5 * (discipline_raw(d, r->sent_ticks) +
                       discipline_raw(d, r->received_ticks)),
        .offset = 0.5 * ntp_span_seconds((t2 - t1) + (t3 - t4)) +
                  NANO * (double)s->config.offset_ns,
        .delay = real_max(delay, 0),
        .noise = noise,
    };
    return delay >= -8 * noise;
}

static enum source_state trouble_of(enum source_verdict verdict)
{
    switch (verdict) {
    case SOURCE_BAD_LEAP:
    case SOURCE_KISS_OTHER:
        return SOURCE_UNSYNCHRONISED;
    case SOURCE_BAD_STRATUM:
        return SOURCE_STRATUM;
    case SOURCE_BAD_LOOP:
        return SOURCE_LOOP;
    case SOURCE_BAD_DISTANCE:
        return SOURCE_DISTANCE;
    default:
        return SOURCE_COMBINED;
    }
}

static enum source_verdict take_sample(struct client *c, struct source *s,
                                       const struct peer_reply *reply)
{
    struct filter_sample sample;
    const struct clock_line *line = &c->discipline.line;
    uint64_t ticks = reply->received_ticks;

    if (!make_sample(c, s, reply, &sample))
        return SOURCE_BAD_TIMES;
    s->reach |= 1;
    s->unanswered = 0;
    s->trouble = SOURCE_COMBINED;
    if (sample.delay > NANO * (double)s->config.maxdelay_ns)
        return SOURCE_BAD_DELAY;
    s->header = reply->header;
    /* Around a leap second, no two clocks agree. */
    if (line->leap != LEAP_UNKNOWN &&
        leap_is_near(line->leap_date, clock_unleapt(line, ticks)))
        return SOURCE_OK;

    filter_add(&s->filter, &sample);
    s->last_offset = sample.offset - discipline_offset(&c->discipline, ticks);
    s->sample_ticks = ticks;
    adapt_poll(c, s);
    if (!c->replied) {
        c->replied = true;
        c->waiting = true;
        c->replied_ticks = ticks;
    }
    return SOURCE_OK;
}

static void obey_kiss(struct client *c, int slot, enum source_verdict verdict,
                      uint64_t ticks)
{
    struct source *s = &c->source[slot];

    s->burst = 0;
    s->early = 0;
    if (verdict == SOURCE_KISS_STOP) {
        s->stopped = true;
        follow_event(c, CLIENT_KISS_STOP, slot, ticks, 0);
        return;
    }
    if (s->least_poll < POLL_MAX)
        s->least_poll++;
    if (s->poll < s->least_poll)
        s->poll = s->least_poll;
    schedule(c, s, ticks);
    follow_event(c, CLIENT_KISS_RATE, slot, ticks, real_exp2i(s->least_poll));
}

enum source_verdict client_receive(struct client *c, int slot, const void *data,
                                   size_t len, uint64_t rx_ticks)
{
    struct peer_names ours = {c->own_id, c->own_ids};
    struct peer_reply reply;

    if (!is_slot(c, slot))
        return SOURCE_UNASKED;

    struct source *s = &c->source[slot];
    bool was_lost = s->reach == 0 && s->filter.total > 0;
    enum source_verdict verdict =
        s->stopped ? SOURCE_UNASKED
                   : peer_receive(&s->peer, data, len, rx_ticks, &ours, &reply);

    s->received++;
    if (verdict == SOURCE_OK)
        verdict = take_sample(c, s, &reply);
    if (verdict == SOURCE_KISS_RATE || verdict == SOURCE_KISS_STOP)
        obey_kiss(c, slot, verdict, rx_ticks);
    if (trouble_of(verdict) != SOURCE_COMBINED)
        s->trouble = trouble_of(verdict);
    /* It is back: see quickly what has become of it. */
    if (verdict == SOURCE_OK && was_lost) {
        start_burst(s);
        schedule(c, s, s->sent_ticks);
    }
    s->verdict = verdict;
    s->verdicts[verdict]++;
    if (verdict == SOURCE_OK || verdict >= SOURCE_KISS_RATE)
        look_again(c, rx_ticks);
    return verdict;
}

/* The counter may lie: whatever was measured by it is void. */
static void heed_loss_of_time(struct client *c, uint64_t ticks)
{
    if (c->lost || !clock_is_lost(c->clock))
        return;
    c->lost = true;
    c->set = c->provisional = c->local = false;
    c->replied = c->waiting = false;
    c->leader = -1;
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        struct source *s = &c->source[i];
        if (s->used && s->resolved && !s->stopped)
            start_over(c, s, ticks);
    }
}

void client_tick(struct client *c, uint64_t now_ticks)
{
    heed_loss_of_time(c, now_ticks);
    if (c->due || (c->waiting && follow_waited(c, now_ticks)))
        follow_sources(c, now_ticks);
    follow_time(c, now_ticks);
}

uint64_t client_next(const struct client *c)
{
    uint64_t next = follow_next(c);

    if (c->due)
        return c->due_ticks;
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        if (is_due(&c->source[i], next))
            next = c->source[i].due_ticks;
    }
    return next;
}

bool client_event(struct client *c, struct client_event *event)
{
    if (c->events == 0)
        return false;
    *event = c->event[0];
    c->events--;
    memmove(c->event, c->event + 1, c->events * sizeof(*c->event));
    return true;
}

bool client_is_set(const struct client *c)
{
    return c->set;
}

/* Telling. */

bool client_source(const struct client *c, int slot, uint64_t now_ticks,
                   struct source_report *report)
{
    if (!is_slot(c, slot))
        return false;

    const struct source *s = &c->source[slot];
    const struct filter *f = &s->filter;
    *report = (struct source_report){
        .address = s->address,
        .state = s->state,
        .last_verdict = s->verdict,
        .sent = s->sent,
        .received = s->received,
        .reach = s->reach,
        .poll = s->poll,
        .samples = f->count,
        .authenticated = has_authentication(s),
        .age = -1,
    };
    memcpy(report->verdicts, s->verdicts, sizeof(s->verdicts));
    if (f->total == 0)
        return true;

    struct filter_estimate e;
    filter_at(f, discipline_raw(&c->discipline, now_ticks), &e);
    report->stratum = s->header.stratum;
    report->leap = s->header.leap;
    report->version = s->header.version;
    report->reference_id = s->header.reference_id;
    report->precision = s->header.precision;
    report->root_delay = ntp_short_seconds(s->header.root_delay);
    report->root_dispersion = ntp_short_seconds(s->header.root_dispersion);
    report->root_distance = follow_distance(c, s, now_ticks);
    report->span = f->sample[f->count - 1].when - f->sample[0].when;
    report->age = discipline_span(&c->discipline, s->sample_ticks, now_ticks);
    report->last_offset = s->last_offset;
    report->offset = e.offset - discipline_offset(&c->discipline, now_ticks);
    report->offset_error = FOLLOW_SIGMAS * e.offset_error;
    report->frequency = e.frequency;
    report->skew = FOLLOW_SIGMAS * e.frequency_error;
    report->delay = f->delay;
    report->dispersion = e.offset_error;
    report->jitter = filter_noise(f);
    report->lower = report->offset - report->root_distance;
    report->upper = report->offset + report->root_distance;
    return true;
}

void client_tracking(const struct client *c, uint64_t now_ticks,
                     struct client_tracking *tracking)
{
    const struct discipline *d = &c->discipline;
    const struct clock_line *line = &d->line;
    struct clock_line served = clock_read(c->clock);
    struct clock_status status = clock_status(&served, now_ticks);
    int64_t slewing = (int64_t)(line->slew_end_ticks - now_ticks);

    *tracking = (struct client_tracking){
        .slot = c->leader,
        .status = status,
        .set = c->set,
        .provisional = c->provisional,
        .local = c->local,
        .updates = c->updates,
        .steps = c->steps,
        .last_offset = c->last_offset,
        .rms_offset = real_sqrt(c->mean_square_offset),
        .frequency = d->frequency,
        .residual_frequency = c->residual_frequency,
        .skew = c->skew,
        .root_distance = ntp_short_seconds(status.root_delay) / 2 +
                         ntp_short_seconds(status.root_dispersion),
        .update_interval = c->update_interval,
        .update_age = discipline_span(d, c->update_ticks, now_ticks),
    };
    if (slewing > 0)
        tracking->offset = ((double)line->rate - (double)line->rate_after) *
                           0x1p-80 * (double)slewing;
}
