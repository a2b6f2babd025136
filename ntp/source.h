/* SPDX-License-Identifier: BSD-2-Clause */
/* A source of time: what it is told to do, and what is told about it. */
#ifndef NTP_SOURCE_H
#define NTP_SOURCE_H

#include "ntp/addr.h"
#include "ntp/mac.h"
#include "ntp/ts.h"

/* chrony's default of `polltarget`. */
#define SOURCE_POLLTARGET 8

/* A poll interval that is never reached, log2 s. */
#define SOURCE_PRESEND_NEVER 100

/* The options of `server`, `pool` and `peer` that are numbers. */
struct source_config {
    const struct ntp_key
        *key;            /* to authenticate with, or NULL; lent for good */
    int64_t offset_ns;   /* added to the source's time */
    int64_t maxdelay_ns; /* a longer round trip is no sample */
    int64_t mindelay_ns; /* of the path, if above 0: it need not be found */
    uint32_t maxdelayratio_permille;    /* of the least delay; 0: any */
    uint32_t maxdelaydevratio_permille; /* excess / noise; 0: any */
    uint32_t maxdelayquant_permille;    /* part of the delays that is taken;
                                           0: all */
    int16_t asymmetry_permille; /* of the excess of a delay, to be added to the
                                   offset: -500 (all on the way there) to 500 */
    uint8_t filter;             /* of so many samples, the best; 0: each */
    uint8_t maxsamples;         /* the estimate stands on; 0: no limit */
    uint8_t polltarget;         /* 8: as usual; more: asked more often */
    int8_t presend;      /* log2 s; from that poll on, warm up the path */
    uint32_t maxunreach; /* requests without an answer, past the first 8, that
                            it may be followed for */
    int8_t minpoll;      /* log2 s, 0 to 17 */
    int8_t maxpoll;      /* log2 s, minpoll to 17 */
    uint8_t version;     /* 1 to 4; 0: 4, or 3 with a MAC over 20 bytes */
    uint8_t minstratum;  /* counts as at least this stratum; 0 to 15 */
    bool iburst;         /* 4 to 8 requests at start, 2 s apart */
    bool xleave;         /* interleaved mode, if the server has it */
    bool copy;           /* its stratum and reference are served as ours */
    bool burst;          /* up to 4 requests when none was good lately */
    bool prefer;
    bool noselect;
    bool trust;
    bool require;
    bool authenticated; /* by other means than `key`, which implies it */
};

/* chrony's defaults: minpoll 6, maxpoll 10, maxdelay 3 s, nothing else. */
void source_config_default(struct source_config *config);

/*
 * Where a source stands in selection: what chronyc's `selectdata` shows as
 * one letter, and in words why it is not followed.
 */
#define SOURCE_STATES(X)                                                       \
    X(SOURCE_UNRESOLVED, 'M', "no address yet")                                \
    X(SOURCE_STOPPED, 'M', "it refused us (DENY or RSTR)")                     \
    X(SOURCE_NO_SAMPLE, 'M', "no valid reply yet")                             \
    X(SOURCE_UNREACHABLE, 'M', "no reply to the last 8 requests")              \
    X(SOURCE_NOSELECT, 'N', "noselect")                                        \
    X(SOURCE_UNSYNCHRONISED, 's', "it is not synchronised")                    \
    X(SOURCE_STRATUM, 'r', "stratum out of range")                             \
    X(SOURCE_LOOP, 's', "it follows us")                                       \
    X(SOURCE_ORPHAN, 'O', "it may be alone as we are")                         \
    X(SOURCE_DISTANCE, 'D', "root distance over maxdistance")                  \
    X(SOURCE_JITTERY, '~', "jitter over maxjitter")                            \
    X(SOURCE_WAITS_SOURCES, 'w', "waits for minsources")                       \
    X(SOURCE_WAITS_REQUIRED, 'W', "waits for a required source")               \
    X(SOURCE_UNTRUSTED, 'T', "trusted sources disagree")                       \
    X(SOURCE_FALSETICKER, 'x', "falseticker")                                  \
    X(SOURCE_NOT_PREFERRED, 'P', "another one is preferred")                   \
    X(SOURCE_OUTLIER, 'L', "truechimer, too uncertain to combine")             \
    X(SOURCE_COMBINED, '+', "combined")                                        \
    X(SOURCE_SELECTED, '*', "the system peer")

#define SOURCE_STATE_ENUM(id, letter, text) id,
enum source_state { SOURCE_STATES(SOURCE_STATE_ENUM) SOURCE_STATE_COUNT };
#undef SOURCE_STATE_ENUM

/* The words and the letter for a state. */
const char *source_state_text(enum source_state state);
char source_state_letter(enum source_state state);

/* What became of a packet from a source; RFC 5905, figure 22 and 7.4. */
#define SOURCE_VERDICTS(X)                                                     \
    X(SOURCE_OK, "good sample")                                                \
    X(SOURCE_UNASKED, "nothing was asked of it")                               \
    X(SOURCE_SHORT, "shorter than a header")                                   \
    X(SOURCE_MODE, "not a server's reply")                                     \
    X(SOURCE_VERSION, "another version than asked")                            \
    X(SOURCE_DUPLICATE, "duplicate")                                           \
    X(SOURCE_BOGUS, "not an answer to our request")                            \
    X(SOURCE_AUTH, "wrong or missing authentication")                          \
    X(SOURCE_FORMAT, "malformed extension field or trailer")                   \
    X(SOURCE_NAK, "it could not open our cookie (NTS NAK)")                    \
    X(SOURCE_EXPIRED, "time outside the validity of its certificate")          \
    X(SOURCE_KISS_RATE, "asked to ask less often")                             \
    X(SOURCE_KISS_STOP, "asked to stop asking")                                \
    X(SOURCE_KISS_OTHER, "kiss code without a meaning here")                   \
    X(SOURCE_BAD_LEAP, "server is not synchronised")                           \
    X(SOURCE_BAD_STRATUM, "stratum out of range")                              \
    X(SOURCE_BAD_TIMES, "timestamps impossible")                               \
    X(SOURCE_BAD_DISTANCE, "root distance out of range")                       \
    X(SOURCE_BAD_LOOP, "server follows us")                                    \
    X(SOURCE_BAD_DELAY, "round trip too long")                                 \
    X(SOURCE_STOLEN, "the host had our processor meanwhile")

#define SOURCE_VERDICT_ENUM(id, text) id,
enum source_verdict {
    SOURCE_VERDICTS(SOURCE_VERDICT_ENUM) SOURCE_VERDICT_COUNT
};
#undef SOURCE_VERDICT_ENUM

const char *source_verdict_text(enum source_verdict verdict);

/*
 * All that is shown of a source: console, chronyc, status page.  Times in
 * seconds, positive: the source is ahead of our clock.
 */
struct source_report {
    struct ip_addr6 address;
    enum source_state state;
    enum source_verdict last_verdict;
    uint32_t verdicts[SOURCE_VERDICT_COUNT];
    uint32_t sent;
    uint32_t received;
    uint8_t reach; /* the reachability register, newest reply lowest bit */
    uint8_t stratum;
    uint8_t leap;
    uint8_t version;
    uint32_t reference_id; /* the source's own */
    int8_t poll;           /* log2 s */
    int8_t precision;      /* log2 s */
    uint8_t samples;       /* that the estimate stands on */
    bool authenticated;
    bool interleaved;   /* the last reply */
    double span;        /* of those samples */
    double age;         /* of the last sample; below 0: none */
    double last_offset; /* of the last sample, against our clock then */
    double offset;      /* estimated now, against our clock */
    double offset_error;
    double frequency; /* of our counter against the source, s/s */
    double skew;      /* error bound of that */
    double delay;
    double dispersion;
    double jitter;
    double root_delay; /* as the source says */
    double root_dispersion;
    double root_distance;
    double lower; /* the interval that must hold the true offset */
    double upper;
};

#endif
