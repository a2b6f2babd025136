/* SPDX-License-Identifier: BSD-2-Clause */
/* When a source is asked: bursts, and intervals as good as the clock. */
#include "ntp/poll.h"

#include "ntp/client_parts.h"
#include "ntp/real.h"

/* A burst: that far apart, so many at most, and enough once so many replied. */
#define BURST_SECONDS 2.0
#define BURST_MOST    8
#define BURST_ENOUGH  4
#define BURST_LATER   4 /* of the option `burst` */

/* As long as the time is not known after a disruption: a reply that is lost
 * then is a second of silence, not two. */
#define LOST_SECONDS 1.0

/* After an iburst, as long as our rate is not known: so many polls may come
 * before minpoll has passed, and that soon, log2 s. */
#define EARLY_POLLS 7
#define EARLY_POLL  4

/* The clock may become worse between two polls by so many times what a single
 * measurement is worth; an error below that, s, is not worth a request. */
#define POLL_PATIENCE 0.9
#define POLL_WORTH    8e-6

/* `presend`: so long before a request, as in chrony. */
#define WARM_UP_SECONDS 2.0

/* Requests are not all sent on the beat: up to that part later. */
#define POLL_RANDOM 0.02

/* Unanswered requests after which an unreachable source is asked less often.
 * RFC 5905, 13. */
#define UNREACH 20

void poll_start_burst(const struct client *c, struct source *s)
{
    bool wanted = s->config.iburst || c->lost;

    s->burst = wanted ? BURST_MOST : 0;
    s->burst_good = 0;
    s->early = wanted ? EARLY_POLLS : 0;
}

bool poll_is_due(const struct source *s, uint64_t now)
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
        return c->lost ? LOST_SECONDS : BURST_SECONDS;
    if (s->early > 0 && s->poll > EARLY_POLL)
        return real_exp2i(EARLY_POLL);
    return real_exp2i(s->poll) * (1 + POLL_RANDOM * random_part(c));
}

bool poll_warms_up(struct client *c, struct source *s, uint64_t now)
{
    bool wanted = s->burst == 0 && s->poll >= s->config.presend;

    s->warm = wanted && !s->warm;
    if (s->warm)
        s->due_ticks = now + discipline_ticks(&c->discipline, WARM_UP_SECONDS);
    return s->warm;
}

/* A request was sent and the one before was not answered. */
void poll_note_loss(struct client *c, struct source *s)
{
    if (s->unanswered < UINT8_MAX)
        s->unanswered++;
    if (s->unanswered == CLIENT_REACH_BITS) {
        s->poll = s->least_poll;
        client_look_again(c, s->due_ticks);
    } else if (s->unanswered > UNREACH && s->poll < s->config.maxpoll) {
        s->poll++;
    }
    if (s->config.burst && s->burst == 0 && s->unanswered == 1)
        s->burst = BURST_LATER;
}

void poll_note_reach(struct client *c, struct source *s)
{
    if (s->reach != 0)
        s->unreach = 0;
    else if (s->unreach < UINT32_MAX)
        s->unreach++;
    if (s->unreach > 0 && s->unreach - 1 == s->config.maxunreach)
        client_look_again(c, s->due_ticks);
    s->reach = (uint8_t)(s->reach << 1);
}

void poll_schedule(struct client *c, struct source *s, uint64_t from)
{
    s->due_ticks = from + discipline_ticks(&c->discipline, interval(c, s));
}

/* Will our clock still be good after that long?  Of several sources that are
 * combined, each has to tell less. */
static bool good_after(const struct client *c, const struct source *s,
                       double seconds)
{
    double noise = filter_noise(&s->filter);
    double target = real_max(s->config.polltarget, 1);
    double patience = POLL_PATIENCE * SOURCE_POLLTARGET / target;
    double now = filter_error_after(&s->filter, s->lag);
    double error = filter_error_after(&s->filter, s->lag + seconds);

    return error * error <=
           patience * patience * real_max(c->combined, 1) *
               (noise * noise + now * now + POLL_WORTH * POLL_WORTH);
}

/* Until the first regular poll, does the path add more to our root distance
 * than what we do not know of our rate? */
static bool knows_rate(const struct source *s)
{
    double error = filter_error_after(&s->filter, real_exp2i(s->least_poll));

    return CLIENT_SIGMAS * error <= 0.5 * s->filter.delay;
}

void poll_adapt(struct client *c, struct source *s)
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
    poll_schedule(c, s, s->sent_ticks);
}
