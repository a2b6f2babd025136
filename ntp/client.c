/* SPDX-License-Identifier: BSD-2-Clause */
/* The NTP client: asks its sources and disciplines one clock by them. */
#include "ntp/client.h"

#include "ntp/client_parts.h"
#include "ntp/delay.h"
#include "ntp/follow.h"
#include "ntp/poll.h"
#include "ntp/real.h"
#include "ntp/served.h"

#define NANO  1e-9
#define MILLI 1e-3
#define FEMTO 1e-15

/* So fast a leap second is slewed at most, s/s: chrony's `maxslewrate`. */
#define SLEW_MOST 83333.333e-6

/* Eras are told by it. */
#define PIVOT_LEAST ntp_date_from_unix(CLIENT_LEAST_UNIX, 0)

#define POLL_MAX 17 /* log2 s; RFC 5905, 7.2 */

/* `xleave`: requests without an answer after which plain ones are sent, as in
 * chrony. */
#define INTERLEAVE_LOST 4

/* What a quartz oscillator is off by, as a standard deviation. */
#define OSCILLATOR_ERROR 30e-6

/* By how much more a rate of an earlier run may be off in each second of this
 * one: in an hour, as much as a change of temperature does. */
#define KEPT_WANDER 1e-9

/* Stolen time below that, s, is no more than the noise of a good path.  Samples
 * that were touched are left out from the eighth on, three in a row. */
#define STOLEN_LEAST    10e-6
#define STOLEN_KNOWN    8
#define STOLEN_IN_A_ROW 3

/* chrony's default of `corrtimeratio`, in thousandths. */
#define CORRTIMERATIO_USUAL 3000

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
        .corrtimeratio_permille = CORRTIMERATIO_USUAL,
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

/* `leapsecmode slew`: by `smoothtime`, else as fast as the clock may slew. */
static void smear_leaps(struct client *c)
{
    const struct client_config *config = c->config;
    struct smear *smear = &c->discipline.smear;

    if (config->leapsecmode != LEAPSEC_SLEW)
        return;
    smear->frequency = NANO * config->smooth_frequency_ppb;
    smear->wander = FEMTO * (double)config->smooth_wander_fs;
    if (config->smooth_frequency_ppb == 0 || config->smooth_wander_fs == 0) {
        smear->frequency = real_min(c->discipline.max_slew, SLEW_MOST);
        smear->wander = 0;
    }
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
    if (config->corrtimeratio_permille > 0)
        c->discipline.patience =
            (double)config->corrtimeratio_permille / CORRTIMERATIO_USUAL;
    smear_leaps(c);
}

/* Sources. */

static bool is_slot(const struct client *c, int slot)
{
    return slot >= 0 && slot < CLIENT_SOURCES_MAX && c->source[slot].used;
}

void client_ready(struct client *c)
{
    enum authselectmode mode = c->config->authselectmode;
    bool with = false;
    bool without = false;

    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        const struct source *s = &c->source[i];
        if (s->used && !s->refclock.present && !s->config.noselect) {
            with |= client_authenticates(s);
            without |= !client_authenticates(s);
        }
    }
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        struct source *s = &c->source[i];
        bool good = s->refclock.present || client_authenticates(s);
        bool mixed = mode == AUTHSELECT_MIX && with && without && good;
        bool refused = !good && (mode == AUTHSELECT_REQUIRE ||
                                 (mode == AUTHSELECT_PREFER && with));
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

void client_authenticate(struct client *c, int slot,
                         const struct peer_auth *auth)
{
    if (!is_slot(c, slot))
        return;
    c->source[slot].auth = auth;
    peer_authenticate(&c->source[slot].peer, auth);
}

/* Something is to be followed, or not to be any more. */
void client_look_again(struct client *c, uint64_t ticks)
{
    c->due = true;
    c->due_ticks = ticks;
}

/* What is known of our rate by measurement: it was measured by another
 * oscillator, which is no better than oscillators are. */
static double measured_frequency_error(const struct client *c)
{
    return NANO * c->start.rate_error_ppb + OSCILLATOR_ERROR;
}

/* What is known of our rate before any source has spoken.  What an earlier run
 * found is the truth of its hour. */
static double first_frequency_error(const struct client *c, uint64_t ticks)
{
    double measured = measured_frequency_error(c);
    double age = client_span(c, c->start.ticks, ticks);

    if (c->start.kept_error_ppb == 0)
        return measured;
    return real_min(NANO * c->start.kept_error_ppb +
                        KEPT_WANDER * real_max(age, 0),
                    measured);
}

/* Interleaved mode is of version 4, also where a MAC would make it 3. */
static uint8_t version_of(const struct source_config *config)
{
    return config->version == 0 && config->xleave ? 4 : config->version;
}

void client_start_over(struct client *c, struct source *s, uint64_t ticks)
{
    peer_init(&s->peer, s->config.key, version_of(&s->config));
    if (s->auth)
        peer_authenticate(&s->peer, s->auth);
    filter_init(&s->filter, first_frequency_error(c, ticks));
    filter_tell(&s->filter,
                &(struct filter_told){
                    .delay = NANO * (double)s->config.mindelay_ns,
                    .asymmetry = MILLI * s->config.asymmetry_permille,
                    .samples = s->config.maxsamples,
                    .frequency_doubt = measured_frequency_error(c),
                });
    s->delay_seen = 0;
    s->delay_before = 0;
    s->waited = 0;
    s->gathered = 0;
    s->unreach = 0;
    s->stolen = 0;
    s->touched = 0;
    s->refclock.read = false;
    s->warm = false;
    s->trouble = SOURCE_COMBINED;
    s->state = SOURCE_NO_SAMPLE;
    s->reach = 0;
    s->unanswered = 0;
    s->poll = s->config.minpoll;
    s->least_poll = s->config.minpoll;
    s->due_ticks = ticks;
    poll_start_burst(c, s);
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
    client_start_over(c, s, now_ticks);
}

void client_enabled(struct client *c, int slot, uint64_t now_ticks)
{
    if (!is_slot(c, slot) || !c->source[slot].left_out)
        return;
    poll_start_burst(c, &c->source[slot]);
    c->source[slot].due_ticks = now_ticks;
}

void client_unresolved(struct client *c, int slot)
{
    if (!is_slot(c, slot))
        return;
    c->source[slot].resolved = false;
    c->source[slot].reach = 0;
    client_look_again(c, c->source[slot].due_ticks);
}

void client_remove(struct client *c, int slot)
{
    if (!is_slot(c, slot))
        return;
    c->source[slot].used = false;
    if (c->leader == slot)
        c->leader = -1;
    client_look_again(c, c->source[slot].due_ticks);
    client_ready(c);
}

void client_own_addresses(struct client *c, const struct ip_addr6 *address,
                          size_t count)
{
    c->own_ids = 0;
    for (size_t i = 0; i < count && i < CLIENT_ADDRESSES_MAX; i++) {
        c->own_v4[i] = ip_is_v4(&address[i]);
        c->own_id[c->own_ids++] = peer_reference_id(&address[i]);
    }
}

void client_burst(struct client *c, uint64_t now_ticks)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        struct source *s = &c->source[i];
        if (!s->used || !s->resolved || s->stopped)
            continue;
        poll_start_burst(c, s);
        s->due_ticks = now_ticks;
    }
}

void client_leaps(struct client *c, const struct leap_list *leaps)
{
    c->leaps = leaps;
}

static void start_all_over(struct client *c, uint64_t ticks)
{
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        struct source *s = &c->source[i];
        double delay = s->filter.total > 0 ? s->filter.delay : s->delay_before;

        if (!s->used || !s->resolved || s->stopped)
            continue;
        client_start_over(c, s, ticks);
        s->delay_before = delay;
    }
}

/* The counter may lie: whatever was measured by it is void. */
static void heed_loss_of_time(struct client *c, uint64_t ticks)
{
    uint32_t losses = clock_losses(c->clock);

    if (c->losses == losses)
        return;
    c->losses = losses;
    c->lost = true;
    c->start.kept_error_ppb = 0; /* it may be another host */
    c->told = false;
    c->told_offset = 0;
    c->set = c->provisional = c->local = c->alarmed = false;
    c->replied = c->waiting = false;
    c->leader = -1;
    /* It may have been then: who is followed anew will say what is to come. */
    discipline_leap(&c->discipline, LEAP_NONE, NTP_DATE_NEVER);
    start_all_over(c, ticks);
}

void client_hold(struct client *c, uint64_t ticks)
{
    heed_loss_of_time(c, ticks);
    c->held = true;
}

void client_rate(struct client *c, uint64_t ticks, uint64_t rate,
                 uint32_t error_ppb)
{
    heed_loss_of_time(c, ticks);
    c->held = false;
    c->start.rate_error_ppb = error_ppb;
    if (rate != c->start.rate) {
        c->start.rate = rate;
        discipline_rate(&c->discipline, ticks, rate);
    }
    start_all_over(c, ticks);
}

void client_told(struct client *c, uint64_t ticks, ntp_date date, double bound)
{
    struct discipline *d = &c->discipline;

    heed_loss_of_time(c, ticks);
    if (!c->lost || c->told)
        return;
    c->told = true;
    c->told_offset = ntp_span_seconds(date - clock_unleapt(&d->line, ticks));
    discipline_move_raw(d, date - discipline_raw_date(d, ticks));
    discipline_step(d, ticks, 0, d->frequency);
    c->start.ticks = ticks;
    c->start.date = date;
    c->start.date_error = bound;
    c->start.stale = false;
}

/* Asking. */

/* A server that does not answer may have lost more than an answer: then it is
 * asked plainly, as one that knows nothing of us. */
static void interleave(struct client *c, struct source *s)
{
    ntp_ts random;

    if (s->unanswered >= INTERLEAVE_LOST)
        return;
    c->start.random(c->start.random_context, &random, sizeof(random));
    peer_interleave(&s->peer, random);
}

/* A request that only fills the caches on the way, and whose reply nobody
 * waits for: without authentication, it costs no cookie. */
static void warm_up(struct client *c, int slot, struct client_request *request)
{
    struct source *s = &c->source[slot];
    struct peer nobody;
    ntp_ts random;

    c->start.random(c->start.random_context, &random, sizeof(random));
    peer_init(&nobody, NULL, s->config.version);
    request->slot = slot;
    request->len = peer_request(&nobody, random, request->data);
    s->sent++;
}

bool client_poll(struct client *c, uint64_t now_ticks,
                 struct client_request *request)
{
    heed_loss_of_time(c, now_ticks);
    if (c->held)
        return false;
    for (int slot = 0; slot < CLIENT_SOURCES_MAX; slot++) {
        struct source *s = &c->source[slot];
        ntp_ts random;

        if (s->refclock.present || !poll_is_due(s, now_ticks))
            continue;
        if (poll_warms_up(c, s, now_ticks)) {
            warm_up(c, slot, request);
            return true;
        }
        if (s->peer.waiting)
            poll_note_loss(c, s);
        poll_note_reach(c, s);
        if (s->burst > 0)
            s->burst--;
        else if (s->early > 0)
            s->early--;
        if (s->config.xleave)
            interleave(c, s);
        c->start.random(c->start.random_context, &random, sizeof(random));
        request->slot = slot;
        request->len = peer_request(&s->peer, random, request->data);
        s->left_out = request->len == 0;
        poll_schedule(c, s, now_ticks);
        if (s->left_out) {
            poll_note_loss(c, s);
            continue;
        }
        s->sent++;
        client_sent(c, slot, now_ticks);
        return true;
    }
    return false;
}

void client_sent(struct client *c, int slot, uint64_t tx_ticks)
{
    if (!is_slot(c, slot) || c->source[slot].warm)
        return;
    peer_sent(&c->source[slot].peer, tx_ticks);
    c->source[slot].stolen_sent = c->stolen;
    c->source[slot].sent_ticks = tx_ticks;
}

/* Listening. */

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

/* With the counter at the arrival of the reply, which may tell of an exchange
 * before. */
void client_replied(struct client *c, uint64_t ticks)
{
    if (c->replied)
        return;
    c->replied = true;
    c->waiting = true;
    c->replied_ticks = ticks;
}

void client_stolen(struct client *c, double seconds)
{
    c->stolen = seconds;
}

/* Was the processor away while this was measured?  False: leave it out. */
static bool weigh_stolen(const struct client *c, struct source *s)
{
    double stolen = c->stolen - s->stolen_sent;

    if (!(stolen >= STOLEN_LEAST)) {
        s->stolen = 0;
        s->touched = 0;
        return true;
    }
    if (c->set && s->filter.total >= STOLEN_KNOWN &&
        s->touched < STOLEN_IN_A_ROW) {
        s->touched++;
        return false;
    }
    s->stolen = stolen;
    return true;
}

/* So near to its end it may be that second, s. */
#define DOUBT_SECONDS 2

bool client_in_doubt(const struct client *c, const struct source *s,
                     ntp_date date)
{
    ntp_date until = date + ntp_date_from_seconds(DOUBT_SECONDS);
    ntp_date end = NTP_DATE_NEVER;

    if (c->set)
        return false;
    if (s->header.leap == LEAP_INSERT && leap_month_end(date) <= until)
        return true;
    return c->leaps && leap_list_next(c->leaps, date, &end) == LEAP_INSERT &&
           end <= until;
}

/* By then what it had to wait for is answered, s. */
#define WAITED_AGAIN_SECONDS 0.05

static enum source_verdict take_sample(struct client *c, struct source *s,
                                       const struct peer_reply *reply,
                                       uint64_t rx_ticks)
{
    struct filter_sample sample;
    uint64_t ticks = reply->received_ticks;

    if (!make_sample(c, s, reply, &sample))
        return SOURCE_BAD_TIMES;
    s->reach |= 1;
    s->unanswered = 0;
    s->trouble = SOURCE_COMBINED;
    if (!delay_passes(s, &sample))
        return SOURCE_BAD_DELAY;
    if (!weigh_stolen(c, s))
        return SOURCE_STOLEN;
    s->header = reply->header;
    s->interleaved = reply->interleaved;
    if (reply->measured)
        return SOURCE_OK;
    if (client_leaps_near(c, ticks))
        return SOURCE_OK;
    if (client_in_doubt(c, s,
                        discipline_raw_date(&c->discipline, ticks) +
                            ntp_span_from_seconds(sample.offset))) {
        s->due_ticks =
            rx_ticks + discipline_ticks(&c->discipline, DOUBT_SECONDS);
        return SOURCE_OK;
    }

    if (delay_waited(c, s, sample.delay)) {
        s->due_ticks =
            rx_ticks + discipline_ticks(&c->discipline, WAITED_AGAIN_SECONDS);
        return SOURCE_OK;
    }

    s->last_offset = sample.offset - discipline_offset(&c->discipline, ticks);
    if (!delay_gather(s, &sample, &ticks))
        return SOURCE_OK;
    filter_add(&s->filter, &sample);
    s->sample_ticks = ticks;
    s->lag = reply->interleaved ? client_span(c, ticks, rx_ticks) : 0;
    poll_adapt(c, s);
    if (!c->replied) {
        c->replied = true;
        c->waiting = true;
        c->replied_ticks = rx_ticks;
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
        client_note(c, CLIENT_KISS_STOP, slot, ticks, 0);
        return;
    }
    if (s->least_poll < POLL_MAX)
        s->least_poll++;
    if (s->poll < s->least_poll)
        s->poll = s->least_poll;
    poll_schedule(c, s, ticks);
    client_note(c, CLIENT_KISS_RATE, slot, ticks, real_exp2i(s->least_poll));
}

enum source_verdict client_receive(struct client *c, int slot, const void *data,
                                   size_t len, uint64_t rx_ticks)
{
    struct peer_names ours = {c->own_id, c->own_ids};
    struct peer_reply reply;

    heed_loss_of_time(c, rx_ticks);
    if (!is_slot(c, slot) || c->held)
        return SOURCE_UNASKED;

    struct source *s = &c->source[slot];
    bool was_lost = s->reach == 0 && s->filter.total > 0;
    enum source_verdict verdict =
        s->stopped ? SOURCE_UNASKED
                   : peer_receive(&s->peer, data, len, rx_ticks, &ours, &reply);

    s->received++;
    if (verdict == SOURCE_OK)
        verdict = take_sample(c, s, &reply, rx_ticks);
    if (verdict == SOURCE_KISS_RATE || verdict == SOURCE_KISS_STOP)
        obey_kiss(c, slot, verdict, rx_ticks);
    if (trouble_of(verdict) != SOURCE_COMBINED)
        s->trouble = trouble_of(verdict);
    /* It is back: see quickly what has become of it. */
    if (verdict == SOURCE_OK && was_lost) {
        poll_start_burst(c, s);
        poll_schedule(c, s, s->sent_ticks);
    }
    s->verdict = verdict;
    s->verdicts[verdict]++;
    if (verdict == SOURCE_OK || verdict >= SOURCE_KISS_RATE)
        client_look_again(c, rx_ticks);
    return verdict;
}

void client_tick(struct client *c, uint64_t now_ticks)
{
    heed_loss_of_time(c, now_ticks);
    if (c->held)
        return;
    if (c->due || (c->waiting && follow_waited(c, now_ticks)))
        follow_sources(c, now_ticks);
    served_in_time(c, now_ticks);
}

uint64_t client_next(const struct client *c)
{
    uint64_t next = served_next(c);

    if (c->held)
        return c->discipline.line.base_ticks + ((uint64_t)1 << 62);
    if (c->due)
        return c->due_ticks;
    for (int i = 0; i < CLIENT_SOURCES_MAX; i++) {
        if (poll_is_due(&c->source[i], next))
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

void client_note(struct client *c, enum client_event_type type, int slot,
                 uint64_t ticks, double offset)
{
    if (c->events == CLIENT_EVENTS_MAX) {
        c->events--;
        memmove(c->event, c->event + 1, c->events * sizeof(*c->event));
    }
    c->event[c->events++] = (struct client_event){
        .type = type,
        .slot = slot,
        .state = slot >= 0 ? c->source[slot].state : SOURCE_UNRESOLVED,
        .ticks = ticks,
        .offset = offset,
    };
}

bool client_is_set(const struct client *c)
{
    return c->set;
}
