/* SPDX-License-Identifier: BSD-2-Clause */
/* The NTP client: asks its sources and disciplines one clock by them. */
#ifndef NTP_CLIENT_H
#define NTP_CLIENT_H

#include "ntp/discipline.h"
#include "ntp/filter.h"
#include "ntp/leap_list.h"
#include "ntp/peer.h"

/*
 * Counter values ("ticks") are the only time this file knows: it is told what
 * the counter reads, and says at which value it wants to be called again.
 * Spans of time become ticks by the calibrated rate that client_init() was
 * given.
 *
 * The caller's loop:
 *
 *     while (client_poll(c, now(), &request))      // due requests, one a call
 *         send it to the address of request.slot;
 *         client_sent(c, request.slot, counter just before the send);
 *     on a datagram from a source's address and port:
 *         client_receive(c, slot, data, len, counter at its arrival);
 *     client_tick(c, now());
 *     while (client_event(c, &event))
 *         log it;
 *     sleep until client_next(c);
 *
 * Everything here runs at background level.
 */

/* Sources in all, pool members included; a configuration with more is refused.
 * A slot costs about 12 KiB. */
#define CLIENT_SOURCES_MAX 32

/* It is later than that, 2026-01-01, whatever a clock without a battery says.
 */
#define CLIENT_LEAST_UNIX 1767225600

/* Our own addresses remembered for loop detection; more are not looked for. */
#define CLIENT_ADDRESSES_MAX 16

/* Events waiting to be fetched; the oldest go first when nobody fetches. */
#define CLIENT_EVENTS_MAX 32

enum authselectmode {
    AUTHSELECT_MIX,
    AUTHSELECT_REQUIRE,
    AUTHSELECT_PREFER,
    AUTHSELECT_IGNORE
};

enum leapsecmode { LEAPSEC_STEP, LEAPSEC_SLEW, LEAPSEC_IGNORE };

/* `local`: serve our own time when there is nothing better. */
struct local_config {
    bool enabled;
    uint8_t stratum;     /* 1 to 15 */
    int64_t distance_ns; /* once synchronised: when root distance is over */
    int64_t activate_ns; /* only after root distance was under; 0: at once */
    int64_t waitunsynced_ns; /* this long after start; 10 s by default */
    int64_t waitsynced_ns;   /* this long after the last update */
    bool orphan; /* sources of that stratum and above are likewise alone */
};

/* The directives that concern following sources, as numbers. */
struct client_config {
    int64_t makestep_ns;      /* step when the offset is larger, ... */
    int32_t makestep_count;   /* ... in that many updates; below 0: always */
    int64_t maxchange_ns;     /* alarm when the offset is larger; 0: off */
    int32_t maxchange_start;  /* after that many updates */
    int32_t maxchange_ignore; /* this often only ignore; below 0: always */
    int64_t maxdistance_ns;   /* of a source, root delay / 2 + dispersion */
    int64_t maxjitter_ns;     /* of a source */
    int64_t reselectdist_ns;  /* hysteresis of the choice of system peer */
    int64_t stratumweight_ns; /* distance that one stratum counts for */
    uint32_t combinelimit_permille; /* of the best distance, to be combined */
    uint32_t maxslewrate_ppb;       /* bend of the line, at most */
    uint32_t maxclockerror_ppb;     /* assumed wander of our counter */
    uint32_t maxdrift_ppb;      /* frequency error of our counter, at most */
    uint32_t maxupdateskew_ppb; /* less certain frequencies are not used */
    uint32_t corrtimeratio_permille; /* 3000: slews take as long as usual */
    uint8_t minsources;              /* that must agree, at least 1 */
    uint8_t maxstratum;              /* of a source, 1 to 15 */
    enum authselectmode authselectmode;
    enum leapsecmode leapsecmode;
    uint32_t smooth_frequency_ppb; /* `smoothtime`, for LEAPSEC_SLEW; 0: not */
    uint64_t smooth_wander_fs;     /* fs/s per s */
    struct local_config local;
};

/*
 * chrony's defaults (no makestep, no maxchange), and `local stratum 10` after
 * 10 s without a source.
 */
void client_config_default(struct client_config *config);

/* What is known when the client starts. */
struct client_start {
    uint64_t ticks;    /* the counter ... */
    ntp_date date;     /* ... and the date then: a guess; 0: not known */
    double date_error; /* bound of that guess; what `local` claims */
    bool stale; /* it is a date of the past: good to tell the era by, and not to
                   be served */
    uint64_t rate;           /* calibrated, or kept: 2^-80 s per tick */
    uint32_t rate_error_ppb; /* bound of the error of that rate */
    uint32_t kept_error_ppb; /* standard deviation of the same, if the rate was
                                found in an earlier run; 0: it was not */
    uint32_t wander_ppb; /* how much faster than PHI its error grows later */
    int8_t precision;    /* log2 s of one reading of the counter */
    void (*random)(void *context, void *bytes, size_t len);
    void *random_context;
};

/* Why the line was changed, or what happened to a source. */
#define CLIENT_EVENTS(X)                                                       \
    X(CLIENT_FIRST_SET, "clock set from")                                      \
    X(CLIENT_PROVISIONAL_SET, "clock set, too few sources agree yet, from")    \
    X(CLIENT_CONFIRMED, "a majority confirms the clock, selected")             \
    X(CLIENT_STEP, "clock stepped")                                            \
    X(CLIENT_STEP_REFUSED, "offset over the threshold of maxchange")           \
    X(CLIENT_SELECTED, "selected source")                                      \
    X(CLIENT_LOST, "no selectable source, was following")                      \
    X(CLIENT_LOCAL, "serving our own time, local stratum")                     \
    X(CLIENT_NO_MAJORITY, "sources disagree, and no majority agrees")          \
    X(CLIENT_FALSETICKER, "falseticker")                                       \
    X(CLIENT_TRUECHIMER, "agrees again")                                       \
    X(CLIENT_REACHABLE, "reachable")                                           \
    X(CLIENT_UNREACHABLE, "unreachable")                                       \
    X(CLIENT_UNUSABLE, "not usable")                                           \
    X(CLIENT_KISS_RATE, "told to ask less often by")                           \
    X(CLIENT_KISS_STOP, "told to stop asking by")                              \
    X(CLIENT_LEAP, "leap second announced")                                    \
    X(CLIENT_LEAP_DONE, "leap second passed")                                  \
    X(CLIENT_SMEARER, "WARNING: leap seconds are smeared, unlike others, by")  \
    X(CLIENT_SMEARING,                                                         \
      "a leap second is being smeared, served time minus UTC")                 \
    X(CLIENT_SMEARED, "smear of the leap second is over")                      \
    X(CLIENT_LIST_EXPIRING, "WARNING: the list of leap seconds expires")       \
    X(CLIENT_LIST_EXPIRED, "WARNING: the list of leap seconds expired")

#define CLIENT_EVENT_ENUM(id, text) id,
enum client_event_type { CLIENT_EVENTS(CLIENT_EVENT_ENUM) CLIENT_EVENT_COUNT };
#undef CLIENT_EVENT_ENUM

const char *client_event_text(enum client_event_type type);

struct client_event {
    enum client_event_type type;
    int slot;                /* of the source it is about, or -1 */
    enum source_state state; /* CLIENT_UNUSABLE: why */
    uint64_t ticks;
    double offset; /* seconds the clock was behind, or the source is ahead, or
                    * until the leap second or the end of the list */
};

/* A request to be sent now. */
struct client_request {
    int slot;
    size_t len;
    uint8_t data[PEER_REQUEST_MAX];
};

/* What is different about a source that is read: ntp/refclock.h. */
struct source_refclock {
    bool present;     /* it is one */
    double delay;     /* s, there and back */
    double worst;     /* s, a larger bound is no reading; 0: any */
    double precision; /* s, standard deviation of a reading */
    bool read;        /* since the source was started over: at ... */
    uint64_t ticks;   /* ... this counter value, and it said ... */
    ntp_date date;    /* ... that */
    double bound;     /* s */
};

/* One source: the business of the client's own files, as all that follows. */
struct source {
    bool used, resolved;
    bool stopped;   /* by DENY or RSTR, for good */
    bool reachable; /* was, at the last look */
    bool silent;    /* never answered, at the last look, and should have */
    bool named;     /* as a falseticker, and it still is one */
    bool smears;    /* leap seconds, unlike others; told */
    bool left_out;  /* the last request: it could not be authenticated */
    struct source_config config;
    struct source_refclock refclock;
    bool noselect, trust, require; /* as authselectmode makes them */
    struct ip_addr6 address;
    const struct peer_auth *auth; /* NULL: by its key, if it has one */
    struct peer peer;
    struct filter filter;
    struct ntp_packet header; /* of the last good reply */
    enum source_state state;
    enum source_state trouble; /* what the last reply was refused for */
    enum source_verdict verdict;
    uint32_t verdicts[SOURCE_VERDICT_COUNT];
    uint32_t sent, received;
    uint8_t reach;
    uint8_t unanswered; /* requests in a row */
    uint8_t burst;      /* requests left of it */
    uint8_t burst_good; /* replies to it */
    uint8_t early;      /* polls below minpoll left, before we know our rate */
    int8_t poll;        /* log2 s */
    int8_t least_poll;  /* log2 s; RATE raises it */
    uint64_t due_ticks;
    uint64_t sent_ticks;
    uint64_t sample_ticks;
    double last_offset; /* of the last sample, against our clock then */
    bool warm;        /* `presend`: a request has gone ahead of the next one */
    bool interleaved; /* the last reply */
    double lag;       /* s, that its sample was old when it came */
    uint32_t unreach; /* requests since the register became empty */
    uint8_t gathered; /* samples that `best` was chosen from */
    struct filter_sample best;
    uint64_t best_ticks;
    double stolen_sent;    /* s, the client's `stolen` when the request left */
    double stolen;         /* s, while the last sample was taken */
    uint8_t touched;       /* samples in a row that were left out for that */
    uint32_t delay_seen;   /* samples that `delay_quantile` stands on */
    double delay_quantile; /* s, of the round trips, and how far about it */
    double delay_spread;   /* they lie */
    double delay_before;   /* s, the least until the time was lost, or 0 */
    uint8_t waited;        /* replies since then that were late by far */
};

struct client {
    const struct client_config *config;
    struct client_start start;
    struct clock *clock;
    struct discipline discipline;
    struct discipline_status status;
    struct source source[CLIENT_SOURCES_MAX];
    uint32_t own_id[CLIENT_ADDRESSES_MAX];
    bool own_v4[CLIENT_ADDRESSES_MAX];
    unsigned own_ids;
    int leader;        /* slot, or -1 */
    unsigned combined; /* sources, at the last update */
    bool set, provisional, local;
    bool alarmed;  /* by maxchange: unsynchronised until offsets are small */
    bool was_near; /* root distance has been under local's `activate` */
    bool replied;  /* a source has, since start or since the time was lost */
    bool waiting;  /* for a majority, because that was not long ago */
    bool divided;  /* no majority, and that was told */
    bool due;      /* samples came that the clock does not follow yet */
    uint64_t due_ticks;
    uint32_t losses;    /* of the time, that were heeded */
    bool lost;          /* it was, and no set since */
    bool held;          /* by client_hold() */
    double stolen;      /* s, as client_stolen() told */
    bool told;          /* by client_told(), since then */
    double told_offset; /* how far the clock was behind that */
    uint64_t replied_ticks;
    uint64_t overdue_ticks; /* from here on, a reply is missing */
    bool overdue;
    uint64_t update_ticks;
    double update_interval;
    uint32_t updates, steps, refused;
    double set_offset; /* how far the clock was behind when it was set */
    double last_offset, mean_square_offset, residual_frequency, skew;
    double error; /* standard deviation of the line at the last update */
    const struct leap_list *leaps; /* NULL: none was given */
    enum leap_list_age leaps_age;  /* as it was told */
    bool smearing;       /* a leap second is being smeared, as it was told */
    ntp_date leapt_date; /* just after the last leap second; or 0 */
    struct client_event event[CLIENT_EVENTS_MAX];
    unsigned events;
};

/* How our own clock stands: console, chronyc `tracking`, status page. */
struct client_tracking {
    int slot; /* the system peer, or -1 */
    struct clock_status status;
    bool set;         /* from a source, ever */
    bool provisional; /* and not yet by a majority */
    bool local;
    uint32_t updates;
    uint32_t steps;
    double offset;      /* still to be slewed away; positive: we are behind */
    double last_offset; /* at the last update */
    double rms_offset;
    double frequency;          /* correction of the calibrated rate, s/s */
    double residual_frequency; /* of the last update */
    double skew;
    double root_distance;
    double update_interval;
    double update_age;
};

/*
 * Start with no source.  `config` and `clock` are lent for good; the clock is
 * published with leap 3 and the guessed date at once.
 */
void client_init(struct client *c, const struct client_config *config,
                 struct clock *clock, const struct client_start *start);

/*
 * Add a source, which has no address yet.  `config` is copied.
 * Returns its slot, or -1 when all slots are taken.
 */
int client_add(struct client *c, const struct source_config *config);

/*
 * The source is asked, and believed, with that authentication only.  `auth`
 * is lent for good; `authenticated` is set in the source's configuration.
 */
void client_authenticate(struct client *c, int slot,
                         const struct peer_auth *auth);

/*
 * Call when all configured sources are added: works out what authselectmode
 * means for each.  client_add() and client_remove() do it, too.
 */
void client_ready(struct client *c);

/*
 * The source has this address from now on; another one than before makes it a
 * new source.  Asking starts at `now_ticks`.
 */
void client_resolved(struct client *c, int slot, const struct ip_addr6 *address,
                     uint64_t now_ticks);

/* What it takes to ask that source has come: do not wait for its next poll if
 * the last one was left out. */
void client_enabled(struct client *c, int slot, uint64_t now_ticks);

/* The source has no address any more. */
void client_unresolved(struct client *c, int slot);

/* Remove a source for good; its slot may be given to another. */
void client_remove(struct client *c, int slot);

/* Our addresses, by which a server that follows us is recognised. */
void client_own_addresses(struct client *c, const struct ip_addr6 *address,
                          size_t count);

/* Ask all sources anew: after the link came back, or the time was lost. */
void client_burst(struct client *c, uint64_t now_ticks);

/*
 * The time was lost, and how fast the counter runs is not known: nothing is
 * asked, followed or served until client_rate().
 */
void client_hold(struct client *c, uint64_t ticks);

/*
 * It is known: 2^-80 s per tick, within `error_ppb`.  All sources are asked in
 * a burst.  A rate that is the one of before leaves the clock as it is.
 */
void client_rate(struct client *c, uint64_t ticks, uint64_t rate,
                 uint32_t error_ppb);

/*
 * The time was lost, and at `ticks` a clock of the platform says `date`, within
 * `bound` s: good enough for `local`.
 */
void client_told(struct client *c, uint64_t ticks, ntp_date date, double bound);

/*
 * The leap seconds that are known, lent for good: they outrank what sources
 * say.
 */
void client_leaps(struct client *c, const struct leap_list *leaps);

/* The counter value at which client_poll() or client_tick() has work to do. */
uint64_t client_next(const struct client *c);

/*
 * The next request that is due at `now_ticks`.  Returns false when there is
 * none (any more).  The transmit timestamp in it is random.
 * RFC 5905, 13; RFC 9109.
 */
bool client_poll(struct client *c, uint64_t now_ticks,
                 struct client_request *request);

/*
 * The processor has been others' for so many seconds in all, while it was
 * wanted.  To be told before client_sent() and client_receive(): a sample that
 * this touched is left out, but not more than three in a row, or until the
 * source is known; one that is not left out widens the bound by it.
 */
void client_stolen(struct client *c, double seconds);

/* The request of that slot was handed to the card at `tx_ticks`: T1. */
void client_sent(struct client *c, int slot, uint64_t tx_ticks);

/*
 * A datagram from the address and port of that source arrived at `rx_ticks`:
 * T4.  Any bytes at all.  The clock follows at the next client_tick().
 * Returns what became of it.
 * RFC 5905, 8 and 9.2.
 */
enum source_verdict client_receive(struct client *c, int slot, const void *data,
                                   size_t len, uint64_t rx_ticks);

/* Follow what came in; `local`, missing replies, the end of a leap second. */
void client_tick(struct client *c, uint64_t now_ticks);

/* The oldest event not yet fetched.  Returns false when there is none. */
bool client_event(struct client *c, struct client_event *event);

/* Write a report about a source; false: no such slot in use. */
bool client_source(const struct client *c, int slot, uint64_t now_ticks,
                   struct source_report *report);

void client_tracking(const struct client *c, uint64_t now_ticks,
                     struct client_tracking *tracking);

/* Has the clock been set from a source? */
bool client_is_set(const struct client *c);

#endif
